//! A run: frames, limits, statements. Expressions are in [`super::eval`].

use rustc_hash::FxHashMap;

use super::code::{Catch, Function, Node, Op, Stmt, StmtKind};
use super::error::{self, Throw, throw, throw_bare};
use super::types::Type;
use super::value::{Held, Java, Thing, held, plain, thing};
use super::{Env, Script};
use crate::event::{Arena, Object, Value};

/// What a statement did to the way on.
pub(super) enum Flow<'a> {
    Next,
    Break,
    Continue,
    Return(Value<'a>),
}

pub(super) struct Machine<'a> {
    pub arena: &'a Arena,
    pub script: &'a Script,
    pub ctx: &'a Object<'a>,
    pub params: Value<'a>,
    pub env: Env,
    slots: Vec<Value<'a>>,
    base: usize,
    steps: u64,
    levels: u32,
    bytes_at_start: usize,
    /// Whether the event may hold what is not plain JSON, or hold itself: see [`super::settle`].
    pub touched: bool,
    /// Lists, sets and other objects that are keys of a map, by their hash.
    pub keys: FxHashMap<i32, Vec<(u32, Value<'a>)>>,
}

impl<'a> Machine<'a> {
    pub(super) fn new(script: &'a Script, arena: &'a Arena, ctx: &'a Object<'a>, params: Value<'a>, env: Env) -> Self {
        Self {
            arena,
            script,
            ctx,
            params,
            env,
            slots: Vec::new(),
            base: 0,
            steps: 0,
            levels: 0,
            bytes_at_start: arena.allocated_bytes(),
            touched: false,
            keys: FxHashMap::default(),
        }
    }

    pub(super) fn main(&mut self) -> Result<Value<'a>, Throw> {
        let main = &self.script.main;
        // A condition is one expression nearly always: nothing is set up for it.
        if main.slots > 0 {
            self.slots.resize(main.slots as usize, Value::Null);
        }
        self.levels = main.levels;
        let flow = match &*main.body {
            [Stmt { kind: StmtKind::Return(Some(node)), .. }] => return self.eval(node),
            body => self.block(body)?,
        };
        Ok(match flow {
            Flow::Return(value) => value,
            _ if main.result == Type::BOOLEAN => Value::Bool(false),
            _ => Value::Null,
        })
    }

    // ---- limits ----

    /// Counts work. Every loop, call and element passes here, so nothing runs or grows for ever.
    #[inline]
    pub(super) fn step(&mut self, by: u64) -> Result<(), Throw> {
        self.steps += by;
        if self.steps > self.env.limits.steps_max
            || self.arena.allocated_bytes() > self.bytes_at_start + self.env.limits.memory_bytes_max
        {
            return Err(self.exhausted());
        }
        Ok(())
    }

    #[cold]
    fn exhausted(&self) -> Throw {
        if self.steps > self.env.limits.steps_max {
            let message = "The maximum number of statements that can be executed in a loop has been reached.";
            return throw(error::Class::PainlessError, message);
        }
        let message = format!("the script needs more than {} bytes of memory", self.env.limits.memory_bytes_max);
        throw(error::Class::OutOfMemory, message)
    }

    #[cold]
    pub(super) fn too_long(&self) -> Throw {
        let message = format!("a string would be longer than {} bytes", self.env.limits.string_bytes_max);
        throw(error::Class::OutOfMemory, message)
    }

    /// Copies a text into the arena.
    pub(super) fn str(&mut self, text: &str) -> Result<&'a str, Throw> {
        if text.len() > self.env.limits.string_bytes_max {
            return Err(self.too_long());
        }
        self.step(1 + text.len() as u64 / 256)?;
        Ok(self.arena.str(text))
    }

    pub(super) fn string(&mut self, text: &str) -> Result<Value<'a>, Throw> {
        self.str(text).map(Value::Str)
    }

    /// What is about to be put into a map or list.
    #[inline]
    pub(super) fn kept(&mut self, value: Value<'a>) -> Value<'a> {
        if matches!(value, Value::Java(_) | Value::List(_) | Value::Object(_)) {
            self.touched = true;
        }
        value
    }

    // ---- frames ----

    #[inline]
    pub(super) fn slot(&self, slot: u32) -> Value<'a> {
        self.slots.get(self.base + slot as usize).copied().unwrap_or(Value::Null)
    }

    #[inline]
    pub(super) fn set_slot(&mut self, slot: u32, value: Value<'a>) {
        if let Some(place) = self.slots.get_mut(self.base + slot as usize) {
            *place = value;
        }
    }

    /// Runs a function of the script, or a lambda with what it captured.
    pub(super) fn call(
        &mut self,
        function: &'a Function,
        args: &[Value<'a>],
        captured: &[(u32, Value<'a>)],
    ) -> Result<Value<'a>, Throw> {
        self.step(1)?;
        // What a native method between two frames takes of the stack.
        let levels = function.levels + 4;
        if self.levels + levels > self.env.limits.levels_max {
            return Err(throw_bare(error::Class::StackOverflow));
        }
        let base = self.slots.len();
        self.slots.resize(base + function.slots as usize, Value::Null);
        for (index, class) in function.params.iter().enumerate() {
            let value = args.get(index).copied().unwrap_or(Value::Null);
            let value = if class.is_def() { value } else { super::operate::cast(self, value, *class, false)? };
            if let Some(slot) = self.slots.get_mut(base + index) {
                *slot = value;
            }
        }
        for (slot, value) in captured {
            if let Some(place) = self.slots.get_mut(base + *slot as usize) {
                *place = *value;
            }
        }
        let outer = std::mem::replace(&mut self.base, base);
        self.levels += levels;
        let flow = self.block(&function.body);
        self.levels -= levels;
        self.base = outer;
        self.slots.truncate(base);
        Ok(match flow? {
            Flow::Return(value) => value,
            _ => Value::Null,
        })
    }

    /// Counts levels around what a native method does that calls back into the script without a frame of its own.
    pub(super) fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, Throw>) -> Result<T, Throw> {
        if self.levels + 4 > self.env.limits.levels_max {
            return Err(throw_bare(error::Class::StackOverflow));
        }
        self.levels += 4;
        let result = inner(self);
        self.levels -= 4;
        result
    }

    // ---- statements ----

    pub(super) fn block(&mut self, body: &'a [Stmt]) -> Result<Flow<'a>, Throw> {
        for stmt in body {
            match self.statement(stmt) {
                Ok(Flow::Next) => {}
                Ok(flow) => return Ok(flow),
                Err(mut thrown) => {
                    thrown.at.get_or_insert(stmt.at);
                    return Err(thrown);
                }
            }
        }
        Ok(Flow::Next)
    }

    fn statement(&mut self, stmt: &'a Stmt) -> Result<Flow<'a>, Throw> {
        match &stmt.kind {
            StmtKind::Expr(node) => {
                self.eval(node)?;
            }
            StmtKind::Set { slot, value } => {
                let value = self.eval(value)?;
                self.set_slot(*slot, value);
            }
            StmtKind::If { test, then, otherwise } => {
                let body = if self.test(test)? { then } else { otherwise };
                return self.block(body);
            }
            StmtKind::Loop { start, test, step, body } => {
                return self.run_loop(start, test.as_ref(), step.as_ref(), body);
            }
            StmtKind::DoWhile { body, test } => loop {
                self.step(1)?;
                match self.block(body)? {
                    Flow::Break => break,
                    Flow::Return(value) => return Ok(Flow::Return(value)),
                    Flow::Next | Flow::Continue => {}
                }
                if !self.test(test)? {
                    break;
                }
            },
            StmtKind::ForEach { slot, class, items, body } => return self.for_each(*slot, *class, items, body),
            StmtKind::Try { body, catches } => return self.try_block(body, catches),
            StmtKind::Return(None) => return Ok(Flow::Return(Value::Null)),
            StmtKind::Return(Some(node)) => return self.eval(node).map(Flow::Return),
            StmtKind::Throw(node) => {
                let value = self.eval(node)?;
                let Some(Held::Exception { class, message }) = held(&value) else {
                    return Err(if value.is_null() {
                        throw_bare(error::Class::NullPointer)
                    } else {
                        super::operate::bad_cast(&value, "java.lang.Exception")
                    });
                };
                return Err(match message {
                    Some(message) => throw(*class, *message),
                    None => throw_bare(*class),
                });
            }
            StmtKind::Break => return Ok(Flow::Break),
            StmtKind::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn run_loop(
        &mut self,
        start: &'a [Stmt],
        test: Option<&'a Node>,
        step: Option<&'a Node>,
        body: &'a [Stmt],
    ) -> Result<Flow<'a>, Throw> {
        self.block(start)?;
        loop {
            if let Some(test) = test
                && !self.test(test)?
            {
                break;
            }
            self.step(1)?;
            match self.block(body)? {
                Flow::Break => break,
                Flow::Return(value) => return Ok(Flow::Return(value)),
                Flow::Next | Flow::Continue => {}
            }
            if let Some(step) = step {
                self.eval(step)?;
            }
        }
        Ok(Flow::Next)
    }

    fn for_each(&mut self, slot: u32, class: Type, items: &'a Node, body: &'a [Stmt]) -> Result<Flow<'a>, Throw> {
        let source = self.eval(items)?;
        if source.is_null() {
            return Err(throw(error::Class::NullPointer, "Cannot iterate over [null]"));
        }
        // A list is read as it stands, to notice changes; everything else from a copy, whose order Java's hashing decides.
        let list = super::value::as_list(&source);
        let copy = match list {
            Some(_) => Vec::new(),
            None => self.items(&source)?,
        };
        let size = |m: &mut Self| -> Result<usize, Throw> {
            Ok(match list {
                Some(list) => list.len(),
                None => super::methods::size(m, &source).unwrap_or(copy.len()),
            })
        };
        let expected = size(self)?;
        let mut index = 0;
        while index < size(self)?.max(copy.len().min(expected)) {
            self.step(1)?;
            if size(self)? != expected {
                return Err(throw_bare(error::Class::ConcurrentModification));
            }
            let item = match list {
                Some(list) => plain(list.get(index).unwrap_or(Value::Null)),
                None => match copy.get(index) {
                    Some(item) => *item,
                    None => break,
                },
            };
            index += 1;
            let item = if class.is_def() { item } else { super::operate::cast(self, item, class, false)? };
            self.set_slot(slot, item);
            match self.block(body)? {
                Flow::Break => break,
                Flow::Return(value) => return Ok(Flow::Return(value)),
                Flow::Next | Flow::Continue => {}
            }
            // Java looks for changes when it takes the next element; behind the last one there is none to take.
            if index == expected && size(self)? >= expected && list.is_none() {
                break;
            }
        }
        Ok(Flow::Next)
    }

    fn try_block(&mut self, body: &'a [Stmt], catches: &'a [Catch]) -> Result<Flow<'a>, Throw> {
        let (slots, base, levels) = (self.slots.len(), self.base, self.levels);
        let thrown = match self.block(body) {
            Ok(flow) => return Ok(flow),
            Err(thrown) => thrown,
        };
        let Some(catch) = catches.iter().find(|catch| !thrown.class.is_fatal() && thrown.class.is_a(catch.class))
        else {
            return Err(thrown);
        };
        self.slots.truncate(slots);
        self.base = base;
        self.levels = levels;
        let message = match &thrown.message {
            Some(message) => Some(self.str(message)?),
            None => None,
        };
        let exception = thing(self.arena, Held::Exception { class: thrown.class, message });
        self.set_slot(catch.slot, exception);
        self.block(&catch.body)
    }

    // ---- lambdas ----

    pub(super) fn lambda(&mut self, op: &'a Op) -> Value<'a> {
        let Op::Lambda(lambda) = op else { return Value::Null };
        let captured: Vec<(u32, Value<'a>)> =
            lambda.captures.iter().map(|(from, to)| (*to, self.slot(*from))).collect();
        let captured = self.arena.bump().alloc_slice_copy(&captured);
        thing(self.arena, Held::Lambda { function: &lambda.function, captured })
    }

    /// Calls whatever stands for a function.
    pub(super) fn invoke(&mut self, function: Value<'a>, args: &[Value<'a>]) -> Result<Value<'a>, Throw> {
        let Value::Java(Java::Thing(Thing(held))) = function else {
            return Err(if function.is_null() {
                throw_bare(error::Class::NullPointer)
            } else {
                super::operate::bad_cast(&function, "java.util.function.Function")
            });
        };
        match held {
            Held::Lambda { function, captured } => {
                if function.params.len() != args.len() {
                    let message = format!(
                        "Incorrect number of parameters for lambda: expected [{}], given [{}]",
                        function.params.len(),
                        args.len()
                    );
                    return Err(throw(error::Class::IllegalArgument, message));
                }
                self.call(function, args, captured)
            }
            Held::FunctionOf(index) => {
                let Some(function) = self.script.functions.get(*index as usize) else { return Ok(Value::Null) };
                self.call(function, args, &[])
            }
            Held::MethodOf { class, name } => {
                self.step(1)?;
                super::methods::call_reference(self, *class, *name, args)
            }
            Held::Bound { receiver, name } => {
                self.step(1)?;
                super::methods::call(self, *receiver, *name, args)
            }
            Held::Derived(derived) => {
                self.step(1)?;
                super::methods::function::apply(self, derived, args)
            }
            Held::Constructor(class) => {
                self.step(1)?;
                super::methods::construct_reference(self, *class, args)
            }
            _ => Err(super::operate::bad_cast(&function, "java.util.function.Function")),
        }
    }

    /// Sorts stably with an order that may throw.
    pub(super) fn sort_by<T>(
        &mut self,
        items: &mut [T],
        mut order: impl FnMut(&mut Self, &T, &T) -> Result<std::cmp::Ordering, Throw>,
    ) -> Result<(), Throw> {
        let mut failed = None;
        items.sort_by(|a, b| {
            if failed.is_some() {
                return std::cmp::Ordering::Equal;
            }
            match self.step(1).and_then(|()| order(self, a, b)) {
                Ok(ordering) => ordering,
                Err(thrown) => {
                    failed = Some(thrown);
                    std::cmp::Ordering::Equal
                }
            }
        });
        failed.map_or(Ok(()), Err)
    }

    /// Java's order, or the comparator's when there is one.
    pub(super) fn compare_with(
        &mut self,
        comparator: Option<Value<'a>>,
        a: Value<'a>,
        b: Value<'a>,
    ) -> Result<std::cmp::Ordering, Throw> {
        match comparator {
            None => self.compare(a, b),
            Some(comparator) => {
                let result = self.invoke(comparator, &[a, b])?;
                let number =
                    super::operate::Num::of(&result).ok_or_else(|| super::operate::bad_cast(&result, "int"))?;
                Ok(number.int().cmp(&0))
            }
        }
    }
}
