//! The compiled script: a tree whose names are slots, keys and numbers, ready to run.
//!
//! A tree walked by [`super::machine`] and not closures: constants and key texts are borrowed from it for as long as the events
//! of a batch live, so that a run copies none of them, and that borrow cannot be expressed through boxed closures.

use super::api::{Class, Name};
use super::error;
use super::regex::Pattern;
use super::token::At;
use super::tree::{Binary, Unary};
use super::types::Type;
use crate::event::{Key, Symbol};

/// The text of a key with its symbol.
#[derive(Debug)]
pub(super) struct KeyText {
    pub text: Box<str>,
    pub symbol: Symbol,
}

impl KeyText {
    #[inline]
    pub(super) fn key(&self) -> Key<'_> {
        Key { symbol: self.symbol, text: &self.text }
    }
}

#[derive(Debug)]
pub(super) struct Node {
    pub at: At,
    pub op: Op,
}

#[derive(Debug)]
pub(super) enum Op {
    Null,
    Bool(bool),
    Int(i32),
    Long(i64),
    Float(f32),
    Double(f64),
    Str(Box<str>),
    Pattern(Box<Pattern>),
    Local(u32),
    Ctx,
    Params,
    /// `ctx.a?.b.c`: the commonest expression of all.
    Path(Box<[Step]>),
    Field {
        target: Box<Node>,
        field: Box<FieldName>,
        safe: bool,
    },
    Index {
        target: Box<Node>,
        index: Box<Node>,
    },
    Call {
        target: Box<Node>,
        name: Name,
        args: Box<[Node]>,
        safe: bool,
    },
    StaticCall {
        class: Class,
        name: Name,
        args: Box<[Node]>,
    },
    UserCall {
        function: u32,
        args: Box<[Node]>,
    },
    Constant {
        class: Class,
        name: Name,
    },
    New {
        class: Class,
        args: Box<[Node]>,
    },
    NewException {
        class: error::Class,
        args: Box<[Node]>,
    },
    NewArray {
        element: Type,
        sizes: Box<[Node]>,
    },
    ArrayOf {
        element: Type,
        items: Box<[Node]>,
    },
    List(Box<[Node]>),
    Map(Box<[(MapKey, Node)]>),
    Unary(Unary, Box<Node>),
    Not(Box<Node>),
    Binary(Binary, Box<Node>, Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    IsNull(Box<Node>),
    NotNull(Box<Node>),
    Condition(Box<Node>, Box<Node>, Box<Node>),
    Elvis(Box<Node>, Box<Node>),
    Cast {
        to: Type,
        explicit: bool,
        value: Box<Node>,
    },
    InstanceOf {
        class: Type,
        value: Box<Node>,
    },
    InstanceOfException {
        class: error::Class,
        value: Box<Node>,
    },
    Assign {
        place: Place,
        value: Box<Node>,
    },
    /// `a += b`; `result` is what the sum is cast back to.
    Compound {
        place: Place,
        operator: Binary,
        value: Box<Node>,
        result: Type,
    },
    /// `a++` and its like; the value is the old one unless `prefix`.
    Step {
        place: Place,
        by: i32,
        prefix: bool,
        result: Type,
    },
    Lambda(Box<Lambda>),
    Reference(Reference),
}

#[derive(Debug)]
pub(super) struct Step {
    pub key: KeyText,
    /// Reached by `?.`: a null before it is the result.
    pub safe: bool,
    pub field: Box<FieldName>,
    pub at: At,
}

/// `.name`: a key of a map, an index of a list, or a getter, whichever the value turns out to be.
#[derive(Debug)]
pub(super) struct FieldName {
    pub key: KeyText,
    pub index: Option<i32>,
    pub getter: Option<Name>,
    pub is_getter: Option<Name>,
    pub setter: Option<Name>,
}

#[derive(Debug)]
pub(super) enum MapKey {
    Known(KeyText),
    Computed(Node),
}

/// What can be assigned to.
#[derive(Debug)]
pub(super) enum Place {
    Local(u32),
    Field { target: Box<Node>, field: Box<FieldName> },
    Index { target: Box<Node>, index: Box<Node> },
}

/// A function of the script, or the body of a lambda.
#[derive(Debug)]
pub(super) struct Function {
    pub params: Box<[Type]>,
    pub result: Type,
    /// Slots of the frame, parameters first.
    pub slots: u32,
    /// How deep its tree nests: what a call adds to the use of the stack.
    pub levels: u32,
    pub body: Box<[Stmt]>,
}

#[derive(Debug)]
pub(super) struct Lambda {
    pub function: Function,
    /// Slots of the enclosing frame, and the slots of the lambda's own that they are copied to.
    pub captures: Box<[(u32, u32)]>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Reference {
    /// `this::f`
    Function(u32),
    /// `Integer::parseInt`, `String::length`: which of the two is decided by the number of arguments.
    Method { class: Type, name: Name },
    /// `builder::append`
    Bound { slot: u32, name: Name },
    /// `ArrayList::new`, `String[]::new`
    New(Type),
}

#[derive(Debug)]
pub(super) struct Stmt {
    pub at: At,
    pub kind: StmtKind,
}

#[derive(Debug)]
pub(super) enum StmtKind {
    Expr(Node),
    Set {
        slot: u32,
        value: Node,
    },
    If {
        test: Node,
        then: Box<[Stmt]>,
        otherwise: Box<[Stmt]>,
    },
    /// `while` and `for`.
    Loop {
        start: Box<[Stmt]>,
        test: Option<Node>,
        step: Option<Node>,
        body: Box<[Stmt]>,
    },
    DoWhile {
        body: Box<[Stmt]>,
        test: Node,
    },
    ForEach {
        slot: u32,
        class: Type,
        items: Node,
        body: Box<[Stmt]>,
    },
    Try {
        body: Box<[Stmt]>,
        catches: Box<[Catch]>,
    },
    Return(Option<Node>),
    Throw(Node),
    Break,
    Continue,
}

#[derive(Debug)]
pub(super) struct Catch {
    pub class: error::Class,
    pub slot: u32,
    pub body: Box<[Stmt]>,
}
