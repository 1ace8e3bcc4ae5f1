//! The syntax tree: what the text says, before names and types are resolved.

use super::token::At;

/// A type as it is written: a name, dots included, and the number of `[]` behind it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TypeName {
    pub name: Box<str>,
    pub dimensions: u32,
    pub at: At,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unary {
    Not,
    BitNot,
    Plus,
    Minus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Mul,
    Div,
    Rem,
    Add,
    Sub,
    /// `=~`: found somewhere in the text.
    Find,
    /// `==~`: the whole text matches.
    Match,
    Shl,
    Shr,
    Ushr,
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
    /// `===`: the same object.
    Same,
    NotSame,
    BitAnd,
    BitXor,
    BitOr,
    And,
    Or,
}

impl Binary {
    pub(super) fn sign(self) -> &'static str {
        match self {
            Binary::Mul => "*",
            Binary::Div => "/",
            Binary::Rem => "%",
            Binary::Add => "+",
            Binary::Sub => "-",
            Binary::Find => "=~",
            Binary::Match => "==~",
            Binary::Shl => "<<",
            Binary::Shr => ">>",
            Binary::Ushr => ">>>",
            Binary::Lt => "<",
            Binary::Le => "<=",
            Binary::Gt => ">",
            Binary::Ge => ">=",
            Binary::Eq => "==",
            Binary::Ne => "!=",
            Binary::Same => "===",
            Binary::NotSame => "!==",
            Binary::BitAnd => "&",
            Binary::BitXor => "^",
            Binary::BitOr => "|",
            Binary::And => "&&",
            Binary::Or => "||",
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Expr {
    pub at: At,
    pub kind: ExprKind,
}

#[derive(Clone, Debug)]
pub(super) enum ExprKind {
    Null,
    Bool(bool),
    Int(i64),
    Long(i64),
    Float(f32),
    Double(f64),
    Str(Box<str>),
    Regex {
        pattern: Box<str>,
        flags: Box<str>,
    },
    Name(Box<str>),
    List(Vec<Expr>),
    Map(Vec<(Expr, Expr)>),
    New {
        class: TypeName,
        args: Vec<Expr>,
    },
    /// `new int[2][3]`: the sizes given; `class` has all dimensions.
    NewArray {
        class: TypeName,
        sizes: Vec<Expr>,
    },
    ArrayOf {
        class: TypeName,
        items: Vec<Expr>,
    },
    Field {
        target: Box<Expr>,
        name: Box<str>,
        safe: bool,
    },
    Index {
        target: Box<Expr>,
        index: Box<Expr>,
    },
    Call {
        target: Option<Box<Expr>>,
        name: Box<str>,
        args: Vec<Expr>,
        safe: bool,
    },
    Unary(Unary, Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    Assign {
        operator: Option<Binary>,
        target: Box<Expr>,
        value: Box<Expr>,
    },
    /// `++` and `--`, before or after.
    Step {
        target: Box<Expr>,
        by: i32,
        prefix: bool,
    },
    Condition(Box<Expr>, Box<Expr>, Box<Expr>),
    Elvis(Box<Expr>, Box<Expr>),
    Cast(TypeName, Box<Expr>),
    InstanceOf(Box<Expr>, TypeName),
    Lambda {
        params: Vec<(Option<TypeName>, Box<str>)>,
        body: LambdaBody,
    },
    /// `Integer::parseInt`, `this::mine`, `ArrayList::new`.
    Reference {
        owner: TypeName,
        method: Box<str>,
    },
}

#[derive(Clone, Debug)]
pub(super) enum LambdaBody {
    Expr(Box<Expr>),
    Block(Vec<Stmt>),
}

#[derive(Clone, Debug)]
pub(super) struct Stmt {
    pub at: At,
    pub kind: StmtKind,
}

#[derive(Clone, Debug)]
pub(super) enum StmtKind {
    Expr(Expr),
    Declare { class: TypeName, names: Vec<(Box<str>, Option<Expr>, At)> },
    If { test: Expr, then: Vec<Stmt>, otherwise: Vec<Stmt> },
    While { test: Expr, body: Vec<Stmt> },
    DoWhile { body: Vec<Stmt>, test: Expr },
    For { start: Vec<Stmt>, test: Option<Expr>, step: Option<Expr>, body: Vec<Stmt> },
    ForEach { class: Option<TypeName>, name: Box<str>, items: Expr, body: Vec<Stmt> },
    Try { body: Vec<Stmt>, catches: Vec<Catch> },
    Return(Option<Expr>),
    Throw(Expr),
    Break,
    Continue,
}

#[derive(Clone, Debug)]
pub(super) struct Catch {
    pub class: TypeName,
    pub name: Box<str>,
    pub body: Vec<Stmt>,
}

#[derive(Clone, Debug)]
pub(super) struct Function {
    pub at: At,
    pub result: TypeName,
    pub name: Box<str>,
    pub params: Vec<(TypeName, Box<str>)>,
    pub body: Vec<Stmt>,
}

#[derive(Clone, Debug)]
pub(super) struct Source {
    pub functions: Vec<Function>,
    pub body: Vec<Stmt>,
}
