//! Pipelines from texts: building, and the checks across pipelines. Which file is which pipeline is [`super::files`]'s.
//!
//! Everything that is wrong is found in one go. Loading is all or nothing: whoever reloads keeps the old set when there is a fault.

use std::path::Path;

use rustc_hash::FxHashMap;

use crate::event::Symbols;
use crate::settings::fault;

use super::files::{self, Source};
use super::options::Options;
use super::processors::{self, Resources};
use super::run::{Limits, Pipeline, PipelineId, Pipelines, Step};
use super::source::{self, Fault, Node, Position, Tree};

/// Processors inside processors (`foreach`, `on_failure`): a recursion each, at load and at run time.
const PROCESSOR_LEVELS_MAX: usize = 32;

/// How deep a document may be nested: as deep as Jackson reads by default.
pub const DOCUMENT_LEVELS_MAX: usize = 1000;

/// What builders share while a set of pipelines is loaded.
pub struct Build<'b> {
    pub symbols: &'b mut Symbols,
    pub resources: &'b Resources,
    faults: Vec<Fault>,
    /// Pipelines by name, also those that were so far only referred to.
    ids: FxHashMap<Box<str>, PipelineId>,
    /// (from, to, where, may be missing)
    references: Vec<(PipelineId, PipelineId, Position, bool)>,
    current: PipelineId,
    levels: usize,
}

impl Pipelines {
    /// Reads and compiles every pipeline under a folder.
    pub fn load_tree(
        dir: &Path,
        symbols: &mut Symbols,
        resources: &Resources,
        limits: Limits,
    ) -> Result<Pipelines, Vec<Fault>> {
        let sources = files::read_tree(dir).map_err(|fault| vec![fault])?;
        Pipelines::load(&sources, symbols, resources, limits)
    }

    /// Compiles a set of pipelines that may call each other.
    pub fn load(
        sources: &[Source],
        symbols: &mut Symbols,
        resources: &Resources,
        limits: Limits,
    ) -> Result<Pipelines, Vec<Fault>> {
        let mut build = Build {
            symbols,
            resources,
            faults: Vec::new(),
            ids: FxHashMap::default(),
            references: Vec::new(),
            current: PipelineId(0),
            levels: 0,
        };
        for (at, source) in sources.iter().enumerate() {
            if build.ids.insert(source.name.as_str().into(), PipelineId(at)).is_some() {
                let what = format!("a second pipeline with the name `{}`", source.name);
                build.faults.push(Fault::of_file(&*source.file, what));
            }
        }
        let mut pipelines = Vec::with_capacity(sources.len());
        for (at, source) in sources.iter().enumerate() {
            build.current = PipelineId(at);
            let read = source::parse(&source.file, &package_names(&source.text, source.scope.as_deref()));
            match read.and_then(|node| build.pipeline(&source.name, &node)) {
                Ok(pipeline) => pipelines.push(pipeline),
                Err(fault) => build.faults.push(fault),
            }
        }
        build.check_references(sources);
        if !build.faults.is_empty() {
            return Err(build.faults);
        }
        let ids = build.ids.into_iter().filter(|(_, id)| id.0 < sources.len()).collect();
        let metadata_used = symbols.get("_index").is_some()
            || symbols.get("_id").is_some()
            || symbols.get("_routing").is_some()
            || symbols.get("_version").is_some();
        Ok(Pipelines { pipelines, ids, limits, metadata_used })
    }
}

/// A package names a pipeline of its own `{{ IngestPipeline "name" }}`; installed, it is the name alone.
fn package_names(text: &str, scope: Option<&str>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        let name = tag.find("}}").and_then(|end| {
            let inner = tag.get(2..end)?.trim().strip_prefix("IngestPipeline")?.trim();
            let name = inner.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).or_else(|| {
                // Inside a JSON file or a quoted text the quotes are escaped.
                inner.strip_prefix("\\\"").and_then(|inner| inner.strip_suffix("\\\""))
            })?;
            Some((name, tag.get(end + 2..)?))
        });
        match name {
            Some((name, after)) => {
                out.push_str(&files::scoped(scope, name));
                rest = after;
            }
            None => {
                out.push_str("{{");
                rest = tag.get(2..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

impl<'b> Build<'b> {
    fn pipeline(&mut self, name: &str, node: &Node) -> Result<Pipeline, Fault> {
        let Some(entries) = node.map() else {
            return Err(node.fault("a pipeline is a map with a list `processors`"));
        };
        let (mut steps, mut on_failure) = (None, Vec::new());
        for (key, value) in entries {
            match key.text.as_str() {
                "processors" => steps = Some(self.steps(value)?),
                "on_failure" => on_failure = self.steps(value)?,
                "description" | "version" | "_meta" | "deprecated" => {}
                other => self.faults.push(
                    key.at.fault(format!("a pipeline has no option `{other}`; it has `processors` and `on_failure`")),
                ),
            }
        }
        let steps = steps.ok_or_else(|| node.fault("the pipeline has no `processors`"))?;
        Ok(Pipeline { name: name.into(), steps: steps.into(), on_failure: on_failure.into() })
    }

    /// The processors of a list; what is wrong with one of them goes to the faults.
    pub(super) fn steps(&mut self, node: &Node) -> Result<Vec<Step>, Fault> {
        let items = match &node.tree {
            Tree::List(items) => items.as_slice(),
            Tree::Null => &[],
            _ => return Err(node.fault(format!("must be a list of processors, not {}", node.kind()))),
        };
        let mut steps = Vec::new();
        for item in items {
            let Some(entries) = item.map() else {
                self.faults.push(item.fault(format!("a processor is a map, not {}", item.kind())));
                continue;
            };
            for (key, options) in entries {
                match self.step(&key.text, &key.at, options) {
                    Ok(step) => steps.push(step),
                    Err(fault) => self.faults.push(fault),
                }
            }
        }
        Ok(steps)
    }

    /// The processor of a map with one entry.
    pub(super) fn only_step(&mut self, node: &Node) -> Result<Step, Fault> {
        match node.map() {
            Some([(key, options)]) => self.step(&key.text, &key.at, options),
            _ => Err(node.fault("must be a map with one processor")),
        }
    }

    fn step(&mut self, kind: &str, at: &Position, node: &Node) -> Result<Step, Fault> {
        let Some(builder) = processors::builder(kind) else {
            let hint = fault::did_you_mean(kind, processors::names());
            let hint = hint.map_or(String::new(), |known| format!("; did you mean `{known}`?"));
            return Err(at.fault(format!("there is no processor `{kind}`{hint}")));
        };
        if node.map().is_none() {
            return Err(node.fault(format!("{kind}: the options are a map, not {}", node.kind())));
        }
        if self.levels >= PROCESSOR_LEVELS_MAX {
            return Err(node.fault(format!("processors lie deeper than {PROCESSOR_LEVELS_MAX} levels")));
        }
        self.levels += 1;
        let built = self.step_inside(kind, at, node, builder);
        self.levels -= 1;
        built
    }

    fn step_inside(
        &mut self,
        kind: &str,
        at: &Position,
        node: &Node,
        builder: processors::Builder,
    ) -> Result<Step, Fault> {
        let mut options = Options::new(kind, at, node, self);
        options.optional_text("description")?;
        let tag = options.optional_text("tag")?.map(Into::into);
        let ignore_failure = options.flag("ignore_failure", false)?;
        let on_failure: Box<[Step]> = options.processors_in("on_failure")?.into();
        if options.has("on_failure") && on_failure.is_empty() {
            return Err(options.fault("on_failure", "has no processors"));
        }
        let condition = options.condition()?;
        let built = builder(&mut options);
        // After a fault not every option has been read.
        let unread = if built.is_ok() { options.unread() } else { Vec::new() };
        self.faults.extend(unread);
        Ok(Step { kind: kind.into(), tag, condition, processor: built?, ignore_failure, on_failure })
    }

    /// The pipeline of that name, which may be loaded later.
    pub(super) fn refer(&mut self, name: &str, at: &Position, may_be_missing: bool) -> PipelineId {
        let next = PipelineId(self.ids.len());
        let id = *self.ids.entry(name.into()).or_insert(next);
        self.references.push((self.current, id, at.clone(), may_be_missing));
        id
    }

    fn check_references(&mut self, sources: &[Source]) {
        for (_, to, at, may_be_missing) in &self.references {
            if to.0 >= sources.len() && !may_be_missing {
                let name = self.ids.iter().find(|(_, id)| *id == to).map_or("", |(name, _)| name);
                self.faults.push(at.fault(format!("there is no pipeline `{name}`")));
            }
        }
        // A reference closes a cycle when its target leads back to its origin.
        for (from, to, at, _) in &self.references {
            let mut seen = vec![*to];
            let mut next = 0;
            while let Some(id) = seen.get(next).copied() {
                next += 1;
                if id == *from {
                    let name = sources.get(to.0).map_or("", |source| source.name.as_str());
                    let what = format!(
                        "the pipeline `{name}` comes back here: pipelines must not call each other in a circle"
                    );
                    self.faults.push(at.fault(what));
                    break;
                }
                for (_, to, ..) in self.references.iter().filter(|(from, ..)| *from == id) {
                    if !seen.contains(to) {
                        seen.push(*to);
                    }
                }
            }
        }
    }
}
