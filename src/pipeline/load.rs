//! Pipelines from files: reading, building, and the checks across pipelines.
//!
//! Everything that is wrong is found in one go. Loading is all or nothing: whoever reloads keeps the old set when there is a fault.

use std::fs;
use std::path::Path;

use rustc_hash::FxHashMap;

use crate::event::Symbols;

use super::options::Options;
use super::processors::{self, Resources};
use super::run::{Limits, Pipeline, PipelineId, Pipelines, Step};
use super::source::{self, Fault, Node, Position, Tree};

/// One pipeline before it is compiled.
#[derive(Clone, Debug)]
pub struct Source {
    pub name: String,
    /// For faults: where the text came from.
    pub file: String,
    pub text: String,
}

/// Processors inside processors (`foreach`, `on_failure`): a recursion each, at load and at run time.
const PROCESSOR_LEVELS_MAX: usize = 32;

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

/// Every pipeline file (`.yml`, `.yaml`, `.json`) of a folder, named by its file.
pub fn read_dir(dir: &Path) -> Result<Vec<Source>, Fault> {
    let shown = dir.display().to_string();
    let unreadable = |what: String| Fault { at: Position { file: shown.as_str().into(), line: 1, column: 1 }, what };
    let mut sources = Vec::new();
    let entries = fs::read_dir(dir).map_err(|e| unreadable(format!("cannot read the folder: {e}")))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    for path in paths {
        let kind = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        if !matches!(kind, "yml" | "yaml" | "json") {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(|e| unreadable(format!("cannot read {}: {e}", path.display())))?;
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        sources.push(Source { name, file: path.display().to_string(), text });
    }
    Ok(sources)
}

impl Pipelines {
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
                let at = Position { file: source.file.as_str().into(), line: 1, column: 1 };
                build.faults.push(Fault { at, what: format!("a second pipeline with the name `{}`", source.name) });
            }
        }
        let mut pipelines = Vec::with_capacity(sources.len());
        for (at, source) in sources.iter().enumerate() {
            build.current = PipelineId(at);
            let read = source::parse(&source.file, &package_names(&source.text));
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
fn package_names(text: &str) -> String {
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
                out.push_str(name);
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
                other => self.faults.push(Fault {
                    at: key.at.clone(),
                    what: format!("a pipeline has no option `{other}`; it has `processors` and `on_failure`"),
                }),
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
            return Err(Fault { at: at.clone(), what: format!("there is no processor `{kind}`") });
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
        if options.node("if").is_some() {
            return Err(options.fault("if", "is not understood"));
        }
        let built = builder(&mut options);
        // After a fault not every option has been read.
        let unread = if built.is_ok() { options.unread() } else { Vec::new() };
        self.faults.extend(unread);
        Ok(Step { kind: kind.into(), tag, processor: built?, ignore_failure, on_failure })
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
                self.faults.push(Fault { at: at.clone(), what: format!("there is no pipeline `{name}`") });
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
                    self.faults.push(Fault { at: at.clone(), what });
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
