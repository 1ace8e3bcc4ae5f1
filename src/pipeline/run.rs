//! Running a document through a pipeline: the order of processors, conditions, and what happens on failure.
//!
//! As in the originals `ignore_failure` wins over `on_failure`; a condition that fails is not covered by either, being outside of the processor; and
//! after handlers have run, a processor's failure is forgotten, whereas a pipeline's ends that pipeline. What a pipeline may cost is held by
//! [`Limits`]: past one of them the document fails like any other, and handlers may still speak.

use bumpalo::collections::Vec as BumpVec;
use rustc_hash::FxHashMap;

use crate::event::{Arena, Object, Value};
use crate::painless;

use super::document::{Document, Done, Failure, Flow, Origin};
use super::processors::Processor;
use super::processors::script::Script;

/// What one document may cost.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Pipelines inside pipelines. Each costs some kilobytes of stack.
    pub pipeline_levels_max: usize,
    /// Processors run for one document, those inside `foreach` included. Too small refuses long lists; too big lets one document
    /// hold up its batch for a second.
    pub steps_max: usize,
    /// Elements that one `foreach` visits.
    pub foreach_elements_max: usize,
    /// Memory that pipelines may take for one document, what they threw away included. Too small refuses large documents that scripts
    /// copy; too big lets one document take the memory budget of the batch.
    pub growth_bytes_max: usize,
    /// What one run of one script may use.
    pub script: painless::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pipeline_levels_max: 32,
            steps_max: 1_000_000,
            foreach_elements_max: 100_000,
            growth_bytes_max: 64 << 20,
            script: painless::Limits::default(),
        }
    }
}

/// Which pipeline: a number within one [`Pipelines`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PipelineId(pub(super) usize);

/// All pipelines of one load, compiled.
pub struct Pipelines {
    pub(super) pipelines: Vec<Pipeline>,
    pub(super) ids: FxHashMap<Box<str>, PipelineId>,
    pub(super) limits: Limits,
    /// Some pipeline names `_index`, `_id` or another metadata field, so documents must have them while they run.
    pub(super) metadata_used: bool,
}

pub struct Pipeline {
    pub(super) name: Box<str>,
    pub(super) steps: Box<[Step]>,
    pub(super) on_failure: Box<[Step]>,
}

/// A processor in its place: condition, handlers, tag.
pub struct Step {
    pub(super) kind: Box<str>,
    pub(super) tag: Option<Box<str>>,
    pub(super) condition: Option<Script>,
    pub(super) processor: Box<dyn Processor>,
    pub(super) ignore_failure: bool,
    pub(super) on_failure: Box<[Step]>,
}

/// What is the same for every document of a batch.
#[derive(Clone, Debug)]
pub struct Moment {
    pub now_ms: i64,
    /// `_ingest.timestamp`.
    text: String,
}

impl Moment {
    pub fn new(now_ms: i64) -> Self {
        let text = jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default().to_string();
        Self { now_ms, text }
    }
}

/// Where a document is to be indexed, as far as pipelines may see and change it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Metadata<'a> {
    pub index: &'a str,
    pub id: Option<&'a str>,
}

/// What became of a document. Its fields stand in the object that was given to [`Pipelines::run`].
#[derive(Debug)]
pub enum Outcome<'a> {
    Keep(Target<'a>),
    Dropped,
    Failed(Failure<'a>),
}

/// What pipelines made of the metadata; `None` where they left it alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Target<'a> {
    pub index: Option<&'a str>,
    pub id: Option<&'a str>,
    pub routing: Option<&'a str>,
}

pub(super) const METADATA_NAMES: [&str; 8] =
    ["_index", "_id", "_routing", "_version", "_version_type", "_if_seq_no", "_if_primary_term", "_dynamic_templates"];

impl Pipelines {
    pub fn id(&self, name: &str) -> Option<PipelineId> {
        self.ids.get(name).copied()
    }

    pub fn name(&self, id: PipelineId) -> Option<&str> {
        self.get(id).map(Pipeline::name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pipelines.iter().map(|pipeline| &*pipeline.name)
    }

    pub(super) fn get(&self, id: PipelineId) -> Option<&Pipeline> {
        self.pipelines.get(id.0)
    }

    /// Runs one pipeline over one document, which is changed in place.
    pub fn run<'a>(
        &'a self,
        id: PipelineId,
        arena: &'a Arena,
        ctx: &'a Object<'a>,
        metadata: Metadata<'a>,
        moment: &'a Moment,
    ) -> Outcome<'a> {
        let ingest = arena.object();
        ingest.set_str("timestamp", Value::Str(&moment.text));
        let mut document = Document {
            arena,
            ctx,
            ingest,
            now_ms: moment.now_ms,
            limits: &self.limits,
            quiet: false,
            pipelines: self,
            stack: BumpVec::new_in(arena.bump()),
            bytes_at_start: arena.allocated_bytes(),
            steps: 0,
        };
        if self.metadata_used {
            ctx.set_str("_index", Value::Str(metadata.index));
            if let Some(id) = metadata.id {
                ctx.set_str("_id", Value::Str(id));
            }
            ctx.set_str("_version", Value::Long(-4));
        }
        let done = match self.get(id) {
            Some(pipeline) => pipeline.run(&mut document),
            None => Err(document.fail(format_args!("there is no such pipeline"))),
        };
        let target = if self.metadata_used { take_metadata(ctx, metadata) } else { Target::default() };
        match done {
            Ok(Flow::Drop) => Outcome::Dropped,
            Ok(_) => Outcome::Keep(target),
            Err(failure) => Outcome::Failed(failure),
        }
    }
}

fn take_metadata<'a>(ctx: &'a Object<'a>, given: Metadata<'a>) -> Target<'a> {
    let mut target = Target::default();
    for name in METADATA_NAMES {
        let taken = ctx.remove_str(name).and_then(|value| value.as_str());
        match name {
            "_index" => target.index = taken.filter(|index| *index != given.index),
            "_id" => target.id = taken.filter(|id| Some(*id) != given.id),
            "_routing" => target.routing = taken,
            _ => {}
        }
    }
    target
}

impl Pipeline {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs the pipeline as the whole or as a part of another one.
    pub(super) fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        if document.stack.len() >= document.limits.pipeline_levels_max {
            let most = document.limits.pipeline_levels_max;
            return Err(document.fail(format_args!("pipelines call each other more than {most} levels deep")));
        }
        if document.stack.iter().any(|running| std::ptr::eq(*running, self)) {
            return Err(document.fail(format_args!("Cycle detected for pipeline: {}", self.name)));
        }
        document.stack.push(self);
        let outer = document.ingest.set_str("pipeline", Value::Str(&self.name));
        let quiet = document.quiet;
        document.quiet = quiet && self.on_failure.is_empty();
        let mut done = run_steps(&self.steps, document);
        document.quiet = quiet;
        if let Err(failure) = done
            && !self.on_failure.is_empty()
        {
            done = handle(&self.on_failure, failure, document);
        }
        document.stack.pop();
        match outer {
            Some(outer) => document.ingest.set_str("pipeline", outer),
            None => document.ingest.remove_str("pipeline"),
        };
        match done {
            Ok(Flow::Terminate) => Ok(Flow::Next),
            other => other,
        }
    }
}

pub(super) fn run_steps<'a>(steps: &'a [Step], document: &mut Document<'a>) -> Done<'a> {
    for step in steps {
        match step.run(document) {
            Ok(Flow::Next) => {}
            Ok(end) => return Ok(end),
            Err(mut failure) => {
                failure.origin.get_or_insert_with(|| step.origin(document));
                return Err(failure);
            }
        }
    }
    Ok(Flow::Next)
}

/// Runs handlers with the failure in the ingest metadata.
fn handle<'a>(handlers: &'a [Step], failure: Failure<'a>, document: &mut Document<'a>) -> Done<'a> {
    let text = |text: Option<&'a str>| text.map_or(Value::Null, Value::Str);
    document.set_ingest("on_failure_message", Value::Str(failure.cause));
    let kind = failure.origin.map(|origin| if origin.conditional { "conditional" } else { origin.processor });
    document.set_ingest("on_failure_processor_type", text(kind));
    document.set_ingest("on_failure_processor_tag", text(failure.origin.and_then(|origin| origin.tag)));
    document.set_ingest("on_failure_pipeline", text(failure.origin.map(|origin| origin.pipeline)));
    let done = run_steps(handlers, document);
    for name in ["on_failure_message", "on_failure_processor_type", "on_failure_processor_tag", "on_failure_pipeline"] {
        document.ingest.remove_str(name);
    }
    done
}

impl Step {
    /// Runs the processor when its condition holds, and its handlers when it fails.
    pub(super) fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        document.steps += 1;
        if document.steps > document.limits.steps_max {
            let most = document.limits.steps_max;
            return Err(document.fail(format_args!("more than {most} processors ran for one document")));
        }
        if document.growth_bytes_left() == 0 {
            let most = document.limits.growth_bytes_max;
            return Err(document.fail(format_args!("the document took more than {most} bytes of memory")));
        }
        if let Some(condition) = &self.condition {
            match condition.holds(document) {
                Ok(true) => {}
                Ok(false) => return Ok(Flow::Next),
                Err(mut failure) => {
                    failure.origin = Some(Origin { conditional: true, ..self.origin(document) });
                    return Err(failure);
                }
            }
        }
        if !self.ignore_failure && self.on_failure.is_empty() {
            return self.processor.run(document);
        }
        let quiet = document.quiet;
        document.quiet = self.ignore_failure;
        let done = self.processor.run(document);
        document.quiet = quiet;
        match done {
            Err(_) if self.ignore_failure => Ok(Flow::Next),
            Err(mut failure) => {
                failure.origin.get_or_insert_with(|| self.origin(document));
                handle(&self.on_failure, failure, document)
            }
            done => done,
        }
    }

    fn origin<'a>(&'a self, document: &Document<'a>) -> Origin<'a> {
        Origin {
            processor: &self.kind,
            conditional: self.condition.is_some() && self.on_failure.is_empty(),
            tag: self.tag.as_deref(),
            pipeline: document.stack.last().map_or("", |pipeline| &pipeline.name),
        }
    }
}
