//! Processors that say what runs: `drop`, `fail`, `terminate`, `foreach`, `pipeline`, `reroute`.

use crate::event::{Arena, Key, Value};

use super::super::document::{Document, Done, Flow, class_of};
use super::super::options::Options;
use super::super::path::FieldPath;
use super::super::run::{PipelineId, Step};
use super::super::source::Fault;
use super::super::template::Template;
use super::{Builder, Processor};

pub const PROCESSORS: &[(&str, Builder)] = &[
    ("drop", |_| Ok(Box::new(Drop))),
    ("terminate", |_| Ok(Box::new(Terminate))),
    ("fail", fail),
    ("foreach", foreach),
    ("pipeline", pipeline),
    ("reroute", reroute),
];

struct Drop;

impl Processor for Drop {
    fn run<'a>(&'a self, _: &mut Document<'a>) -> Done<'a> {
        Ok(Flow::Drop)
    }
}

struct Terminate;

impl Processor for Terminate {
    fn run<'a>(&'a self, _: &mut Document<'a>) -> Done<'a> {
        Ok(Flow::Terminate)
    }
}

struct Fail {
    message: Template,
}

fn fail(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    Ok(Box::new(Fail { message: options.template("message")? }))
}

impl Processor for Fail {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let message = self.message.render(document)?;
        Err(document.fail(format_args!("{message}")))
    }
}

struct Foreach {
    field: FieldPath,
    step: Step,
    ignore_missing: bool,
}

fn foreach(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    Ok(Box::new(Foreach {
        field: options.path("field")?,
        step: options.processor_in("processor")?,
        ignore_missing: options.flag("ignore_missing", false)?,
    }))
}

impl Processor for Foreach {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let path = self.field.path();
        let field = path.text();
        match document.find(path) {
            None | Some(Value::Null) if self.ignore_missing => Ok(Flow::Next),
            None => document.get(path).map(|_| Flow::Next),
            Some(Value::Null) => {
                Err(document.fail(format_args!("field [{field}] is null, cannot loop over its elements.")))
            }
            Some(Value::List(list)) => {
                self.check_size(document, list.len())?;
                let values: Vec<Value<'a>> = list.iter().collect();
                let new = document.arena.list();
                for value in values {
                    let outer = document.ingest.set_str("_value", value);
                    let done = self.step.run(document);
                    let value = put_back(document, "_value", outer);
                    match done? {
                        Flow::Next => new.push(value.unwrap_or(Value::Null)),
                        end => return Ok(end),
                    }
                }
                document.set(path, Value::List(new))?;
                Ok(Flow::Next)
            }
            Some(Value::Object(object)) => {
                self.check_size(document, object.len())?;
                let entries: Vec<(Key<'a>, Value<'a>)> = object.iter().collect();
                let new = document.arena.object();
                for (key, value) in entries {
                    let outer_key = document.ingest.set_str("_key", Value::Str(key.text));
                    let outer_value = document.ingest.set_str("_value", value);
                    let done = self.step.run(document);
                    let value = put_back(document, "_value", outer_value);
                    let key = put_back(document, "_key", outer_key);
                    match done? {
                        Flow::Next => {}
                        end => return Ok(end),
                    }
                    if let Some(Value::Str(name)) = key
                        && !name.trim().is_empty()
                    {
                        new.set(document.key(name), value.unwrap_or(Value::Null));
                    }
                }
                document.set(path, Value::Object(new))?;
                Ok(Flow::Next)
            }
            Some(other) => Err(document
                .fail(format_args!("field [{field}] of type [{}] cannot be cast to a list or map", class_of(&other)))),
        }
    }
}

impl Foreach {
    fn check_size<'a>(&self, document: &Document<'a>, elements: usize) -> Done<'a> {
        let most = document.limits.foreach_elements_max;
        if elements > most {
            let field = self.field.text();
            return Err(document.fail(format_args!("field [{field}] has {elements} elements, more than {most}")));
        }
        Ok(Flow::Next)
    }
}

/// Gives an ingest field back the value it had outside of the loop, and tells what the loop left there.
fn put_back<'a>(document: &Document<'a>, name: &'static str, outer: Option<Value<'a>>) -> Option<Value<'a>> {
    match outer {
        Some(outer) => document.ingest.set_str(name, outer),
        None => document.ingest.remove_str(name),
    }
}

struct CallPipeline {
    name: PipelineName,
    ignore_missing: bool,
}

enum PipelineName {
    Fixed(PipelineId, Box<str>),
    Template(Template),
}

fn pipeline(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    let name = options.template("name")?;
    let ignore_missing = options.flag("ignore_missing_pipeline", false)?;
    let name = match name.fixed() {
        Some(fixed) => PipelineName::Fixed(options.refer_to_pipeline("name", fixed, ignore_missing), fixed.into()),
        None => PipelineName::Template(name),
    };
    Ok(Box::new(CallPipeline { name, ignore_missing }))
}

impl Processor for CallPipeline {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let (id, name) = match &self.name {
            PipelineName::Fixed(id, name) => (Some(*id), &**name),
            PipelineName::Template(template) => {
                let name = template.render(document)?;
                (document.pipelines.id(name), name)
            }
        };
        match id.and_then(|id| document.pipelines.get(id)) {
            Some(pipeline) => pipeline.run(document),
            None if self.ignore_missing => Ok(Flow::Next),
            None => {
                Err(document.fail(format_args!("Pipeline processor configured for non-existent pipeline [{name}]")))
            }
        }
    }
}

/// Sends the document to another data stream: `data_stream.*` and `_index` follow, and no other pipeline touches it.
struct Reroute {
    destination: Option<Template>,
    kind: Vec<RerouteSource>,
    dataset: Vec<RerouteSource>,
    namespace: Vec<RerouteSource>,
}

/// A literal value, or a field that may have it.
enum RerouteSource {
    Literal(Box<str>),
    Field(FieldPath),
}

fn reroute(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    let destination = options.optional_template("destination")?;
    let mut sources = |name: &'static str, default: &'static str| {
        let texts = options.optional_text_or_texts(name)?;
        if destination.is_some() && texts.is_some() {
            return Err(options.fault(name, "and `destination` exclude each other"));
        }
        let texts = texts.unwrap_or_else(|| vec![default]);
        texts
            .into_iter()
            .map(|text| match text.strip_prefix("{{").and_then(|inner| inner.strip_suffix("}}")) {
                Some(field) => {
                    let field = field.strip_prefix('{').and_then(|f| f.strip_suffix('}')).unwrap_or(field);
                    options.compile_path(name, field.trim()).map(RerouteSource::Field)
                }
                None => Ok(RerouteSource::Literal(text.into())),
            })
            .collect::<Result<Vec<_>, Fault>>()
    };
    let kind = sources("type", "{{data_stream.type}}")?;
    let dataset = sources("dataset", "{{data_stream.dataset}}")?;
    let namespace = sources("namespace", "{{data_stream.namespace}}")?;
    for name in ["_index", "data_stream", "type", "dataset", "namespace", "event"] {
        options.symbols().intern(name);
    }
    Ok(Box::new(Reroute { destination, kind, dataset, namespace }))
}

/// As Elasticsearch limits the parts of a data stream's name.
const STREAM_PART_CHARS_MAX: usize = 100;

impl Processor for Reroute {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        if let Some(destination) = &self.destination {
            let index = destination.render(document)?;
            document.ctx.set_str("_index", Value::Str(index));
            return Ok(Flow::Rerouted);
        }
        let index = document.ctx.get_str("_index").and_then(|index| index.as_str()).unwrap_or_default();
        let mut parts = index.splitn(3, '-');
        let (Some(kind), Some(dataset), Some(namespace)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(document.fail(format_args!(
                "invalid data stream name: [{index}]; must follow naming scheme <type>-<dataset>-<namespace>"
            )));
        };
        let kind = self.first(&self.kind, document, &[]).unwrap_or(kind);
        let dataset = self.first(&self.dataset, document, &['-']).unwrap_or(dataset);
        let namespace = self.first(&self.namespace, document, &[]).unwrap_or(namespace);
        let target = document.format(format_args!("{kind}-{dataset}-{namespace}"));
        document.ctx.set_str("_index", Value::Str(target));
        for (name, value) in
            [("data_stream.type", kind), ("data_stream.dataset", dataset), ("data_stream.namespace", namespace)]
        {
            document.set(document.path(name)?, Value::Str(value))?;
        }
        let event_dataset = document.path("event.dataset")?;
        if document.has(event_dataset) {
            document.set(event_dataset, Value::Str(dataset))?;
        }
        Ok(Flow::Rerouted)
    }
}

impl Reroute {
    /// The first source that has a value, made fit for a name.
    fn first<'a>(&'a self, sources: &'a [RerouteSource], document: &Document<'a>, also: &[char]) -> Option<&'a str> {
        sources.iter().find_map(|source| {
            let text = match source {
                RerouteSource::Literal(text) => text,
                RerouteSource::Field(path) => document.find(path.path())?.as_str()?,
            };
            (!text.is_empty()).then(|| stream_part(text, also, document.arena))
        })
    }
}

fn stream_part<'a>(text: &str, also: &[char], arena: &'a Arena) -> &'a str {
    let clean: String = text
        .to_lowercase()
        .chars()
        .take(STREAM_PART_CHARS_MAX)
        .map(|c| if "\\/*?\"<>| ,#:".contains(c) || also.contains(&c) { '_' } else { c })
        .collect();
    arena.str(&clean)
}
