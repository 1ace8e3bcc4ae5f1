//! Painless, the script language of ingest pipelines, as conditions (`if`) and scripts use it.
//!
//! Owns the language and the classes it offers; what processors do is not decided here, except that `Processors.*` in a script calls the same
//! code. Reading order: [`token`], [`tree`], [`parser`] and [`expression`] (text to syntax tree); [`types`], [`api`] (what exists);
//! [`compile`], [`lower`], [`call`] (names and types resolved to [`code`]); [`value`], [`operate`], [`machine`], [`eval`],
//! [`methods`] (a run); [`settle`] (what a run left in the event).
//!
//! A method, class or function that does not exist here is refused at load with line and column. A receiver of type `def` can only be
//! known when it is there: a method that no class has at all is refused at load, one that this value's class does not have throws
//! Elasticsearch's exception.
//!
//! Maps give their entries in the order of Java's `HashMap`, because scripts make that order visible.

mod api;
mod call;
mod code;
mod compile;
mod equality;
mod error;
mod eval;
mod expression;
mod lower;
mod machine;
mod methods;
mod operate;
mod parser;
mod regex;
mod settle;
mod token;
mod tree;
mod types;
mod value;

#[cfg(test)]
mod tests;

pub use error::{CompileError, ScriptError};
pub use value::{Java, Thing};

use crate::event::{Arena, Object, Symbols, Value};
use code::Function;
use error::throw;
use machine::Machine;

/// What a script is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// An `if`: gives a boolean.
    Condition,
    /// A `script` processor: changes `ctx`.
    Script,
}

/// What one run may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Turns of loops, calls and elements of collections that methods look at. Elasticsearch allows 1,000,000 turns of loops to each function.
    pub steps_max: u64,
    /// Memory of the batch's arena that a run may take. Java's heap is the limit in Elasticsearch.
    pub memory_bytes_max: usize,
    pub string_bytes_max: usize,
    /// Nesting of expressions and calls: what bounds the stack of the thread, at some 1 KiB a level.
    pub levels_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps_max: 4_000_000, memory_bytes_max: 64 << 20, string_bytes_max: 8 << 20, levels_max: 1_000 }
    }
}

/// What a run needs to know of the world.
#[derive(Clone, Copy, Debug, Default)]
pub struct Env {
    /// Milliseconds since 1970: the batch's time, so that a script gives the same result when the batch is done again.
    pub now_ms: i64,
    pub limits: Limits,
}

/// A script, ready to run. It must outlive the batch that it works on, because events then hold its constants.
#[derive(Debug)]
pub struct Script {
    source: Box<str>,
    functions: Vec<Function>,
    main: Function,
}

/// Compiles a script; the names of fields that it uses become symbols.
pub fn compile(source: &str, context: Context, symbols: &mut Symbols) -> Result<Script, CompileError> {
    let compiled = compile::compile(source, context, symbols)?;
    Ok(Script { source: source.into(), functions: compiled.functions, main: compiled.main })
}

impl Script {
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Runs a script over an event. `ctx` holds the document and the metadata (`_index`, `_ingest`, …) in one map.
    pub fn run<'a>(
        &'a self,
        arena: &'a Arena,
        ctx: &'a Object<'a>,
        params: Value<'a>,
        env: &Env,
    ) -> Result<Value<'a>, ScriptError> {
        let mut machine = Machine::new(self, arena, ctx, params, *env);
        let result = machine.main();
        // What was done before an exception stays done, so it is settled too.
        let settled = if machine.touched { settle::settle(&mut machine) } else { Ok(()) };
        let result = result.and_then(|value| settled.map(|()| value));
        result.map_err(|thrown| thrown.into_error(&self.source))
    }

    /// Runs a condition.
    pub fn test<'a>(
        &'a self,
        arena: &'a Arena,
        ctx: &'a Object<'a>,
        params: Value<'a>,
        env: &Env,
    ) -> Result<bool, ScriptError> {
        let mut machine = Machine::new(self, arena, ctx, params, *env);
        let result = match &*self.main.body {
            [code::Stmt { kind: code::StmtKind::Return(Some(node)), .. }] if self.main.slots == 0 => machine.test(node),
            _ => machine.main().and_then(|value| match value {
                Value::Bool(value) => Ok(value),
                _ => Err(throw(error::Class::ClassCast, "the condition gives no boolean")),
            }),
        };
        if machine.touched {
            settle::settle(&mut machine).map_err(|thrown| thrown.into_error(&self.source))?;
        }
        result.map_err(|thrown| thrown.into_error(&self.source))
    }
}
