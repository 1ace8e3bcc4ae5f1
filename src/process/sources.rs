//! Which pipeline takes an event.
//!
//! What is named wins over what is recognised: the topic's `source` of the settings, then the pipeline that a Beat asks for, then a pipeline
//! named as the event's dataset. Only then are the `source.yml` files asked, which stand beside a source's pipeline and say what its
//! events look like; the first that fits takes the event, in the order of their folders. What nothing takes is indexed as it came.
//!
//! Pipelines of Elastic's packages were written for an agent that ships every event as text: they get the event's text as `message`.

use regex::Regex;
use rustc_hash::FxHashMap;

use crate::decode::{Body, Hints, RawEvent};
use crate::event::{Key, Object, Symbol, Symbols};
use crate::pipeline::files;
use crate::pipeline::run::{PipelineId, Pipelines};
use crate::pipeline::source::{self, Node};
use crate::settings::Fault;
use crate::settings::fault::did_you_mean;

/// A `source.yml`, and the pipeline beside it.
#[derive(Clone, Debug)]
pub struct SourceFile {
    pub pipeline: String,
    /// For faults: where the text came from.
    pub file: String,
    pub text: String,
}

/// A pipeline for events to begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    pub pipeline: PipelineId,
    pub form: Form,
}

/// What a pipeline is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The event as it is; a line of text as `message`.
    Event,
    /// The event's text as `message`, unless it has a message of its own.
    Message,
}

/// All that is known of which events go where.
#[derive(Default)]
pub struct Sources {
    by_name: FxHashMap<Box<str>, Chosen>,
    recognisers: Vec<Recogniser>,
}

struct Recogniser {
    looks: Vec<Look>,
    chosen: Chosen,
}

/// Everything that must hold at once.
#[derive(Default)]
struct Look {
    hints: Vec<(Hint, Texts)>,
    /// Paths that must lead to something.
    fields: Vec<Box<[(Symbol, Box<str>)]>>,
    message: Option<Regex>,
}

type Hint = for<'a> fn(&Hints<'a>) -> Option<&'a str>;

/// What the envelope and the event tell, by the name that a `source.yml` has for it.
const HINTS: [(&str, Hint); 8] = [
    ("dataset", |hints| hints.dataset),
    ("module", |hints| hints.module),
    ("fileset", |hints| hints.fileset),
    ("pipeline", |hints| hints.pipeline),
    ("log_group", |hints| hints.log_group),
    ("event_source", |hints| hints.event_source),
    ("detail_type", |hints| hints.detail_type),
    ("category", |hints| hints.category),
];

enum Texts {
    Exact(Vec<Box<str>>),
    /// Some have `*` in them.
    Pattern(Regex),
}

impl Texts {
    fn fits(&self, text: &str) -> bool {
        match self {
            Texts::Exact(texts) => texts.iter().any(|known| **known == *text),
            Texts::Pattern(pattern) => pattern.is_match(text),
        }
    }
}

impl Sources {
    /// Reads the `source.yml` files of a set of pipelines that has been compiled.
    pub fn load(
        pipelines: &Pipelines,
        from: &[files::Source],
        sources: &[SourceFile],
        symbols: &mut Symbols,
    ) -> Result<Sources, Vec<Fault>> {
        let mut all = Sources::default();
        for source in from {
            let Some(pipeline) = pipelines.id(&source.name) else { continue };
            let form = if source.scope.is_some() { Form::Message } else { Form::Event };
            all.by_name.insert(source.name.as_str().into(), Chosen { pipeline, form });
        }
        let mut faults = Vec::new();
        for source in sources {
            let Some(chosen) = all.named(&source.pipeline) else { continue };
            match recogniser(source, chosen, symbols) {
                Ok(recogniser) => all.recognisers.push(recogniser),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(all) } else { Err(faults) }
    }

    pub fn named(&self, pipeline: &str) -> Option<Chosen> {
        self.by_name.get(pipeline).copied()
    }

    /// The pipeline's name that was probably meant.
    pub fn did_you_mean(&self, pipeline: &str) -> Option<&str> {
        did_you_mean(pipeline, self.by_name.keys().map(|name| &**name))
    }

    /// The pipeline that takes an event of a topic without a `source`.
    pub fn choose(&self, event: &RawEvent<'_>) -> Option<Chosen> {
        let named = |name: Option<&str>| name.and_then(|name| self.named(name));
        named(event.hints.pipeline).or_else(|| named(event.hints.dataset)).or_else(|| {
            let found = self.recognisers.iter().find(|recogniser| recogniser.looks.iter().any(|look| look.fits(event)));
            found.map(|recogniser| recogniser.chosen)
        })
    }
}

impl Look {
    fn fits(&self, event: &RawEvent<'_>) -> bool {
        self.hints.iter().all(|(hint, texts)| hint(&event.hints).is_some_and(|text| texts.fits(text)))
            && self.fields.iter().all(|path| match event.body {
                Body::Object(object) => has(object, path),
                Body::Text(_) => matches!(&**path, [(_, name)] if **name == *"message"),
            })
            && self.message.as_ref().is_none_or(|pattern| match event.body {
                Body::Object(object) => object
                    .get_str("message")
                    .and_then(|value| value.as_str())
                    .is_some_and(|text| pattern.is_match(text)),
                Body::Text(line) => pattern.is_match(line),
            })
    }
}

/// Whether a path leads to anything but null.
fn has(object: &Object<'_>, path: &[(Symbol, Box<str>)]) -> bool {
    let Some(((symbol, name), rest)) = path.split_first() else { return true };
    match object.get(&Key { symbol: *symbol, text: name }) {
        None => false,
        Some(value) if rest.is_empty() => !value.is_null(),
        Some(value) => value.as_object().is_some_and(|inner| has(inner, rest)),
    }
}

fn recogniser(source: &SourceFile, chosen: Chosen, symbols: &mut Symbols) -> Result<Recogniser, Fault> {
    let root = source::parse(&source.file, &source.text)?;
    let Some([(key, list)]) = root.map().filter(|entries| entries.iter().all(|(key, _)| key.text == "recognise"))
    else {
        return Err(root.fault("a source is a map with one list, `recognise`"));
    };
    let Some(entries) = list.list().filter(|entries| !entries.is_empty()) else {
        return Err(key.at.fault("`recognise` is a list of maps, of which one must fit"));
    };
    let looks = entries.iter().map(|entry| look(entry, symbols)).collect::<Result<_, _>>()?;
    Ok(Recogniser { looks, chosen })
}

fn look(node: &Node, symbols: &mut Symbols) -> Result<Look, Fault> {
    let Some(entries) = node.map().filter(|entries| !entries.is_empty()) else {
        return Err(node.fault("must be a map that is not empty, as {dataset: nginx.access}"));
    };
    let mut look = Look::default();
    for (key, value) in entries {
        match key.text.as_str() {
            "fields" => {
                for path in texts(value)? {
                    look.fields.push(path.split('.').map(|name| (symbols.intern(name), name.into())).collect());
                }
            }
            "message" => {
                let text = value.text().ok_or_else(|| value.fault("must be a regular expression"))?;
                look.message = Some(Regex::new(text).map_err(|e| value.fault(one_line(&e)))?);
            }
            name => {
                let Some((_, hint)) = HINTS.iter().find(|(known, _)| *known == name) else {
                    let known = HINTS.iter().map(|(known, _)| *known).chain(["fields", "message"]);
                    let hint = did_you_mean(name, known.clone()).map(|known| format!("did you mean `{known}`?"));
                    let hint = hint.unwrap_or_else(|| format!("there are {}", known.collect::<Vec<_>>().join(", ")));
                    return Err(key.at.fault(format!("nothing is recognised by `{name}`; {hint}")));
                };
                look.hints.push((*hint, patterns(value)?));
            }
        }
    }
    Ok(look)
}

/// A text, or several.
fn texts(node: &Node) -> Result<Vec<&str>, Fault> {
    let wanted = || node.fault("must be a text or a list of texts");
    match (node.text(), node.list()) {
        (Some(text), _) => Ok(vec![text]),
        (_, Some(list)) if !list.is_empty() => {
            list.iter().map(|item| item.text().ok_or_else(|| item.fault("must be a text"))).collect()
        }
        _ => Err(wanted()),
    }
}

fn patterns(node: &Node) -> Result<Texts, Fault> {
    let texts = texts(node)?;
    if !texts.iter().any(|text| text.contains('*')) {
        return Ok(Texts::Exact(texts.into_iter().map(Into::into).collect()));
    }
    let any: Vec<String> = texts.iter().map(|text| regex::escape(text).replace("\\*", ".*")).collect();
    let pattern = Regex::new(&format!("^(?s:{})$", any.join("|")));
    pattern.map(Texts::Pattern).map_err(|e| node.fault(one_line(&e)))
}

/// The crate draws its errors over several lines; the last one says what is wrong.
fn one_line(error: &regex::Error) -> String {
    error.to_string().lines().last().unwrap_or_default().to_owned()
}
