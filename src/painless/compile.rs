//! The syntax tree to the compiled script: functions, statements, variables. Expressions are in [`super::lower`].
//!
//! Everything that a name can mean is decided here; a name that means nothing is an error with its place.

use rustc_hash::FxHashMap;

use super::code::{Catch, Function, KeyText, Stmt, StmtKind};
use super::error::{self, CompileError};
use super::token::At;
use super::tree::{self, TypeName};
use super::types::Type;
use super::{Context, api};
use crate::event::Symbols;

/// How many operators or accesses one expression may chain; each nests one level deeper.
pub(super) const CHAIN_LINKS_MAX: u32 = 100;

/// Functions of the script and variables of one function. A script with more is generated, not written.
const FUNCTIONS_MAX: usize = 1_000;
const SLOTS_MAX: u32 = 1_000;

pub(super) struct Compiled {
    pub functions: Vec<Function>,
    pub main: Function,
}

pub(super) fn compile(source: &str, context: Context, symbols: &mut Symbols) -> Result<Compiled, CompileError> {
    let tree = super::parser::parse(source)?;
    let mut compiler =
        Compiler { source, symbols, signatures: Vec::new(), named: FxHashMap::default(), frames: Vec::new() };
    for function in &tree.functions {
        compiler.declare_function(function)?;
    }
    let mut functions = Vec::new();
    for (index, function) in tree.functions.iter().enumerate() {
        functions.push(compiler.function(index, function)?);
    }
    let result = match context {
        Context::Condition => Type::BOOLEAN,
        Context::Script => Type::DEF,
    };
    compiler.frames.push(Frame::new(result, true));
    let body = compiler.statements(&tree.body, true)?;
    let main = compiler.finish_frame(Box::new([]), body);
    Ok(Compiled { functions, main })
}

pub(super) struct Signature {
    pub params: Box<[Type]>,
    pub result: Type,
}

pub(super) struct Compiler<'s> {
    pub source: &'s str,
    pub symbols: &'s mut Symbols,
    pub signatures: Vec<Signature>,
    pub named: FxHashMap<(Box<str>, usize), u32>,
    /// The function that is being compiled, and the lambdas open in it.
    pub frames: Vec<Frame>,
}

#[derive(Clone)]
pub(super) struct Variable {
    pub name: Box<str>,
    pub class: Type,
    pub slot: u32,
    pub captured: bool,
}

pub(super) struct Frame {
    pub result: Type,
    /// Whether `ctx` and `params` can be named.
    pub sees_context: bool,
    pub variables: Vec<Variable>,
    pub captures: Vec<(u32, u32)>,
    pub slots: u32,
    pub loops: u32,
    pub levels: u32,
    pub levels_max: u32,
}

impl Frame {
    pub(super) fn new(result: Type, sees_context: bool) -> Frame {
        Frame {
            result,
            sees_context,
            variables: Vec::new(),
            captures: Vec::new(),
            slots: 0,
            loops: 0,
            levels: 0,
            levels_max: 0,
        }
    }
}

impl Compiler<'_> {
    pub(super) fn fault<T>(&self, at: At, message: impl Into<String>) -> Result<T, CompileError> {
        Err(CompileError::new(self.source, at, message))
    }

    pub(super) fn frame(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(Frame::new(Type::DEF, true));
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    pub(super) fn key(&mut self, text: &str) -> KeyText {
        KeyText { text: text.into(), symbol: self.symbols.intern(text) }
    }

    pub(super) fn class(&self, name: &TypeName) -> Result<Type, CompileError> {
        match Type::named(&name.name, name.dimensions) {
            Some(class) if class.base != super::types::Base::Void || class.dimensions == 0 => Ok(class),
            _ => self.fault(name.at, format!("cannot resolve type [{}]", name.name)),
        }
    }

    fn variable_class(&self, name: &TypeName) -> Result<Type, CompileError> {
        let class = self.class(name)?;
        if class == Type::VOID { self.fault(name.at, "void is not a type for a variable") } else { Ok(class) }
    }

    pub(super) fn declare(&mut self, name: &str, class: Type, at: At) -> Result<u32, CompileError> {
        let taken = matches!(name, "ctx" | "params") && self.frame().sees_context;
        if taken || self.frame().variables.iter().any(|v| *v.name == *name) {
            return self.fault(at, format!("variable [{name}] is already defined"));
        }
        let frame = self.frame();
        let slot = frame.slots;
        if slot >= SLOTS_MAX {
            return self.fault(at, format!("more than {SLOTS_MAX} variables in one function"));
        }
        frame.slots += 1;
        frame.variables.push(Variable { name: name.into(), class, slot, captured: false });
        Ok(slot)
    }

    /// The variable of that name, taken into the open lambdas when it belongs to an enclosing function.
    pub(super) fn variable(&mut self, name: &str) -> Option<Variable> {
        let depth =
            (0..self.frames.len()).rev().find(|d| self.frames[*d].variables.iter().any(|v| *v.name == *name))?;
        let mut found = self.frames[depth].variables.iter().rev().find(|v| *v.name == *name)?.clone();
        for frame in self.frames.iter_mut().skip(depth + 1) {
            let slot = frame.slots;
            frame.slots += 1;
            frame.captures.push((found.slot, slot));
            found = Variable { slot, captured: true, ..found };
            // In front, so that leaving a block does not forget it.
            frame.variables.insert(0, found.clone());
        }
        Some(found)
    }

    pub(super) fn finish_frame(&mut self, params: Box<[Type]>, body: Box<[Stmt]>) -> Function {
        let frame = self.frames.pop().unwrap_or_else(|| Frame::new(Type::DEF, false));
        Function { params, result: frame.result, slots: frame.slots, levels: frame.levels_max + 1, body }
    }

    /// Counts nesting, so that a call can be refused before it would exhaust the stack.
    pub(super) fn deeper<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, CompileError>,
    ) -> Result<T, CompileError> {
        let frame = self.frame();
        frame.levels += 1;
        frame.levels_max = frame.levels_max.max(frame.levels);
        let result = inner(self);
        self.frame().levels -= 1;
        result
    }

    fn declare_function(&mut self, function: &tree::Function) -> Result<(), CompileError> {
        if self.signatures.len() >= FUNCTIONS_MAX {
            return self.fault(function.at, format!("more than {FUNCTIONS_MAX} functions"));
        }
        let params = function.params.iter().map(|(class, _)| self.variable_class(class)).collect::<Result<_, _>>()?;
        let result = self.class(&function.result)?;
        let index = self.signatures.len() as u32;
        if self.named.insert((function.name.clone(), function.params.len()), index).is_some() {
            let message =
                format!("Illegal duplicate functions [{}] with [{}] parameters.", function.name, function.params.len());
            return self.fault(function.at, message);
        }
        self.signatures.push(Signature { params, result });
        Ok(())
    }

    fn function(&mut self, index: usize, function: &tree::Function) -> Result<Function, CompileError> {
        let result = self.signatures[index].result;
        self.frames.push(Frame::new(result, false));
        let mut params = Vec::new();
        for (class, name) in &function.params {
            let at = class.at;
            let class = self.class(class)?;
            self.declare(name, class, at)?;
            params.push(class);
        }
        let body = self.statements(&function.body, true)?;
        if result != Type::VOID && !escapes(&body) {
            let message = format!(
                "invalid function definition: not all paths provide a return value for function [{}] with [{}] parameters",
                function.name,
                function.params.len()
            );
            return self.fault(function.at, message);
        }
        Ok(self.finish_frame(params.into(), body))
    }

    // ---- statements ----

    /// The statements of a block with a scope of their own. The value of an expression that stands `last` is what the function gives.
    pub(super) fn block(&mut self, body: &[tree::Stmt], last: bool) -> Result<Box<[Stmt]>, CompileError> {
        let outer: Vec<Box<str>> = self.frame().variables.iter().map(|v| v.name.clone()).collect();
        let result = self.deeper(|compiler| compiler.statements(body, last));
        // Slots are not given out again: a lambda may hold one.
        self.frame().variables.retain(|v| v.captured || outer.contains(&v.name));
        result
    }

    pub(super) fn statements(&mut self, body: &[tree::Stmt], last: bool) -> Result<Box<[Stmt]>, CompileError> {
        let mut out = Vec::with_capacity(body.len());
        for (index, stmt) in body.iter().enumerate() {
            if let Some(Stmt {
                kind: StmtKind::Return(_) | StmtKind::Throw(_) | StmtKind::Break | StmtKind::Continue,
                ..
            }) = out.last()
            {
                return self.fault(stmt.at, "unreachable statement");
            }
            self.statement(stmt, last && index + 1 == body.len(), &mut out)?;
        }
        Ok(out.into())
    }

    fn statement(&mut self, stmt: &tree::Stmt, last: bool, out: &mut Vec<Stmt>) -> Result<(), CompileError> {
        let at = stmt.at;
        let kind = match &stmt.kind {
            tree::StmtKind::Expr(expr) => self.expression_statement(expr, last)?,
            tree::StmtKind::Declare { class, names } => return self.declaration(class, names, out),
            tree::StmtKind::If { test, then, otherwise } => StmtKind::If {
                test: self.condition(test)?,
                then: self.block(then, last)?,
                otherwise: self.block(otherwise, last)?,
            },
            tree::StmtKind::While { test, body } => {
                let test = Some(self.condition(test)?);
                StmtKind::Loop { start: Box::new([]), test, step: None, body: self.loop_body(body)? }
            }
            tree::StmtKind::DoWhile { body, test } => {
                let body = self.loop_body(body)?;
                StmtKind::DoWhile { body, test: self.condition(test)? }
            }
            tree::StmtKind::For { start, test, step, body } => {
                self.for_loop(start, test.as_ref(), step.as_ref(), body)?
            }
            tree::StmtKind::ForEach { class, name, items, body } => {
                let class = match class {
                    Some(class) => self.variable_class(class)?,
                    None => Type::DEF,
                };
                self.for_each(at, class, name, items, body)?
            }
            tree::StmtKind::Try { body, catches } => self.try_block(body, catches, last)?,
            tree::StmtKind::Return(value) => StmtKind::Return(self.return_value(at, value.as_ref())?),
            tree::StmtKind::Throw(value) => {
                let (node, class) = self.expression(value)?;
                if !class.is_def() && class != Type::class(api::Class::Exception) {
                    return self.fault(at, format!("Cannot cast from [{}] to [java.lang.Exception].", class.name()));
                }
                StmtKind::Throw(node)
            }
            tree::StmtKind::Break | tree::StmtKind::Continue if self.frame().loops == 0 => {
                return self.fault(at, "invalid break or continue statement: not inside loop");
            }
            tree::StmtKind::Break => StmtKind::Break,
            tree::StmtKind::Continue => StmtKind::Continue,
        };
        out.push(Stmt { at, kind });
        Ok(())
    }

    fn expression_statement(&mut self, expr: &tree::Expr, last: bool) -> Result<StmtKind, CompileError> {
        let (node, class) = self.expression(expr)?;
        let result = self.frame().result;
        if last && result != Type::VOID && class != Type::VOID {
            return Ok(StmtKind::Return(Some(self.convert(node, class, result, false)?)));
        }
        let does_something = matches!(
            expr.kind,
            tree::ExprKind::Assign { .. }
                | tree::ExprKind::Step { .. }
                | tree::ExprKind::Call { .. }
                | tree::ExprKind::New { .. }
                | tree::ExprKind::NewArray { .. }
                | tree::ExprKind::ArrayOf { .. }
        );
        if !does_something {
            return self.fault(expr.at, "not a statement: result not used");
        }
        Ok(StmtKind::Expr(node))
    }

    fn return_value(&mut self, at: At, value: Option<&tree::Expr>) -> Result<Option<super::code::Node>, CompileError> {
        let result = self.frame().result;
        match value {
            None if matches!(result, Type::VOID | Type::DEF) => Ok(None),
            None => self.fault(at, format!("cannot return nothing where [{}] is expected", result.name())),
            Some(_) if result == Type::VOID => self.fault(at, "cannot return a value from a void function"),
            Some(value) => {
                let (node, class) = self.expression(value)?;
                self.convert(node, class, result, false).map(Some)
            }
        }
    }

    fn declaration(
        &mut self,
        class: &TypeName,
        names: &[(Box<str>, Option<tree::Expr>, At)],
        out: &mut Vec<Stmt>,
    ) -> Result<(), CompileError> {
        let class = self.variable_class(class)?;
        for (name, value, at) in names {
            let value = match value {
                Some(value) => {
                    let (node, from) = self.expression(value)?;
                    self.convert(node, from, class, false)?
                }
                None => self.default_of(class, *at),
            };
            let slot = self.declare(name, class, *at)?;
            out.push(Stmt { at: *at, kind: StmtKind::Set { slot, value } });
        }
        Ok(())
    }

    fn loop_body(&mut self, body: &[tree::Stmt]) -> Result<Box<[Stmt]>, CompileError> {
        self.frame().loops += 1;
        let body = self.block(body, false);
        self.frame().loops -= 1;
        body
    }

    fn for_loop(
        &mut self,
        start: &[tree::Stmt],
        test: Option<&tree::Expr>,
        step: Option<&tree::Expr>,
        body: &[tree::Stmt],
    ) -> Result<StmtKind, CompileError> {
        let outer: Vec<Box<str>> = self.frame().variables.iter().map(|v| v.name.clone()).collect();
        let start = self.statements(start, false)?;
        let test = test.map(|test| self.condition(test)).transpose()?;
        let step = step.map(|step| self.expression(step).map(|(node, _)| node)).transpose()?;
        let body = self.loop_body(body)?;
        self.frame().variables.retain(|v| v.captured || outer.contains(&v.name));
        Ok(StmtKind::Loop { start, test, step, body })
    }

    fn for_each(
        &mut self,
        at: At,
        class: Type,
        name: &str,
        items: &tree::Expr,
        body: &[tree::Stmt],
    ) -> Result<StmtKind, CompileError> {
        let (items, from) = self.expression(items)?;
        let iterable = from.is_def()
            || from.dimensions > 0
            || from.as_class().is_some_and(|c| c.is_a(api::Class::Iterable) || c == api::Class::Object);
        if !iterable {
            return self.fault(at, format!("Illegal for each type [{}].", from.name()));
        }
        let slot = self.declare(name, class, at)?;
        let body = self.loop_body(body)?;
        self.frame().variables.retain(|v| v.captured || v.slot != slot);
        Ok(StmtKind::ForEach { slot, class, items, body })
    }

    fn try_block(
        &mut self,
        body: &[tree::Stmt],
        catches: &[tree::Catch],
        last: bool,
    ) -> Result<StmtKind, CompileError> {
        let body = self.block(body, last)?;
        let mut out = Vec::new();
        for catch in catches {
            let Some(class) = error::Class::named(&catch.class.name) else {
                return self.fault(catch.class.at, format!("cannot resolve type [{}]", catch.class.name));
            };
            let slot = self.declare(&catch.name, Type::class(api::Class::Exception), catch.class.at)?;
            let body = self.block(&catch.body, last)?;
            self.frame().variables.retain(|v| v.captured || v.slot != slot);
            out.push(Catch { class, slot, body });
        }
        Ok(StmtKind::Try { body, catches: out.into() })
    }
}

/// Whether no way through the statements reaches their end.
fn escapes(body: &[Stmt]) -> bool {
    match body.last().map(|stmt| &stmt.kind) {
        Some(StmtKind::Return(_) | StmtKind::Throw(_)) => true,
        Some(StmtKind::If { then, otherwise, .. }) => escapes(then) && escapes(otherwise),
        Some(StmtKind::Try { body, catches }) => escapes(body) && catches.iter().all(|c| escapes(&c.body)),
        Some(StmtKind::Loop { test, body, .. }) => {
            let endless = match test {
                None => true,
                Some(test) => matches!(test.op, super::code::Op::Bool(true)),
            };
            endless && !breaks(body)
        }
        _ => false,
    }
}

fn breaks(body: &[Stmt]) -> bool {
    body.iter().any(|stmt| match &stmt.kind {
        StmtKind::Break => true,
        StmtKind::If { then, otherwise, .. } => breaks(then) || breaks(otherwise),
        StmtKind::Try { body, catches } => breaks(body) || catches.iter().any(|c| breaks(&c.body)),
        _ => false,
    })
}
