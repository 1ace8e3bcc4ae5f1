//! Tokens to the syntax tree: functions, statements and types; expressions are in [`super::expression`].
//!
//! Recursive descent with the precedence of Painless' own grammar. Nesting is bounded, so no source text can exhaust the stack.

use super::error::CompileError;
use super::token::{At, Token, tokens};
use super::tree::{Catch, Function, Source, Stmt, StmtKind, TypeName};
use super::types::Type;

/// How deep expressions and blocks may stand in each other. Real scripts stay below 30; each level costs stack when it runs.
pub(super) const NESTING_LEVELS_MAX: u32 = 150;

pub(super) fn parse(source: &str) -> Result<Source, CompileError> {
    let mut parser = Parser { source, tokens: tokens(source)?, next: 0, levels: 0 };
    let mut functions = Vec::new();
    while parser.function_ahead() {
        functions.push(parser.function()?);
    }
    let mut body = Vec::new();
    while parser.peek() != &Token::End {
        parser.statement(&mut body)?;
    }
    Ok(Source { functions, body })
}

pub(super) struct Parser<'s> {
    pub(super) source: &'s str,
    tokens: Vec<(Token, At)>,
    next: usize,
    levels: u32,
}

pub(super) const KEYWORDS: [&str; 24] = [
    "if",
    "else",
    "while",
    "do",
    "for",
    "in",
    "continue",
    "break",
    "return",
    "new",
    "try",
    "catch",
    "throw",
    "this",
    "instanceof",
    "null",
    "true",
    "false",
    "def",
    "void",
    "int",
    "long",
    "double",
    "boolean",
];

impl Parser<'_> {
    pub(super) fn peek(&self) -> &Token {
        self.ahead(0)
    }

    pub(super) fn ahead(&self, by: usize) -> &Token {
        self.tokens.get(self.next + by).map_or(&Token::End, |(token, _)| token)
    }

    pub(super) fn at(&self) -> At {
        self.tokens.get(self.next).map_or(self.source.len() as At, |(_, at)| *at)
    }

    pub(super) fn advance(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    pub(super) fn is(&self, sign: &str) -> bool {
        self.is_at(0, sign)
    }

    pub(super) fn is_at(&self, by: usize, sign: &str) -> bool {
        matches!(self.ahead(by), Token::Sign(found) if *found == sign)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Name(name) if **name == *word)
    }

    pub(super) fn take(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        self.next += usize::from(found);
        found
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.next += usize::from(found);
        found
    }

    pub(super) fn fault<T>(&self, at: At, message: impl Into<String>) -> Result<T, CompileError> {
        Err(CompileError::new(self.source, at, message))
    }

    pub(super) fn unexpected<T>(&self, wanted: &str) -> Result<T, CompileError> {
        let message = match self.peek() {
            Token::End => format!("unexpected end of script, expected {wanted}."),
            _ => {
                let from = self.at() as usize;
                let to = self.tokens.get(self.next + 1).map_or(self.source.len(), |(_, at)| *at as usize);
                let text = self.source.get(from..to).unwrap_or_default().trim_end();
                format!("unexpected token ['{text}'] was expecting {wanted}.")
            }
        };
        self.fault(self.at(), message)
    }

    pub(super) fn expect(&mut self, sign: &'static str) -> Result<(), CompileError> {
        if self.take(sign) { Ok(()) } else { self.unexpected(&format!("'{sign}'")) }
    }

    /// Counts one level of nesting around what `inner` parses.
    pub(super) fn nested<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, CompileError>,
    ) -> Result<T, CompileError> {
        if self.levels >= NESTING_LEVELS_MAX {
            return self.fault(self.at(), format!("the script nests deeper than {NESTING_LEVELS_MAX} levels"));
        }
        self.levels += 1;
        let result = inner(self);
        self.levels -= 1;
        result
    }

    pub(super) fn identifier(&mut self, what: &str) -> Result<Box<str>, CompileError> {
        match self.peek() {
            Token::Name(name) if !KEYWORDS.contains(&&**name) && !name.starts_with(|c: char| c.is_ascii_digit()) => {
                let name = name.clone();
                self.next += 1;
                Ok(name)
            }
            _ => self.unexpected(what),
        }
    }

    // ---- types ----

    /// The number of tokens of a type that stands `by` tokens ahead: `a`, `a.b.C`, `int[][]`; 0 when there is none.
    pub(super) fn type_length(&self, by: usize) -> usize {
        let Token::Name(first) = self.ahead(by) else { return 0 };
        let primitive = Type::primitive(first).is_some();
        if !primitive && KEYWORDS.contains(&&**first) {
            return 0;
        }
        let mut length = 1;
        while self.is_at(by + length, ".") && matches!(self.ahead(by + length + 1), Token::Name(_)) {
            length += 2;
        }
        while self.is_at(by + length, "[") && self.is_at(by + length + 1, "]") {
            length += 2;
        }
        length
    }

    /// The name, without `[]`, of the type that [`Parser::type_length`] found.
    pub(super) fn type_text(&self, by: usize) -> String {
        let mut text = String::new();
        let mut at = by;
        while let Token::Name(part) = self.ahead(at) {
            text.push_str(part);
            if !self.is_at(at + 1, ".") {
                break;
            }
            text.push('.');
            at += 2;
        }
        text
    }

    pub(super) fn type_name(&mut self) -> Result<TypeName, CompileError> {
        let at = self.at();
        let length = self.type_length(0);
        if length == 0 {
            return self.unexpected("a type");
        }
        let name: Box<str> = self.type_text(0).into();
        let name_tokens = name.matches('.').count() * 2 + 1;
        self.next += length;
        Ok(TypeName { name, dimensions: ((length - name_tokens) / 2) as u32, at })
    }

    // ---- functions and statements ----

    fn function_ahead(&self) -> bool {
        let length = self.type_length(0);
        if length == 0 || !matches!(self.ahead(length), Token::Name(_)) || !self.is_at(length + 1, "(") {
            return false;
        }
        !matches!(self.peek(), Token::Name(word) if KEYWORDS.contains(&&**word) && Type::primitive(word).is_none())
    }

    fn function(&mut self) -> Result<Function, CompileError> {
        let at = self.at();
        let result = self.type_name()?;
        let name = self.identifier("a function name")?;
        self.expect("(")?;
        let mut params = Vec::new();
        while !self.take(")") {
            if !params.is_empty() {
                self.expect(",")?;
            }
            let class = self.type_name()?;
            params.push((class, self.identifier("a parameter name")?));
        }
        if !self.is("{") {
            return self.unexpected("'{'");
        }
        let body = self.block()?;
        Ok(Function { at, result, name, params, body })
    }

    pub(super) fn block(&mut self) -> Result<Vec<Stmt>, CompileError> {
        self.nested(|parser| {
            parser.expect("{")?;
            let mut body = Vec::new();
            while !parser.take("}") {
                if parser.peek() == &Token::End {
                    return parser.unexpected("'}'");
                }
                parser.statement(&mut body)?;
            }
            Ok(body)
        })
    }

    /// A block, or the one statement that stands for it.
    fn body(&mut self) -> Result<Vec<Stmt>, CompileError> {
        if self.is("{") {
            return self.block();
        }
        if self.take(";") {
            return Ok(Vec::new());
        }
        self.nested(|parser| {
            let mut body = Vec::new();
            parser.statement(&mut body)?;
            Ok(body)
        })
    }

    fn statement(&mut self, out: &mut Vec<Stmt>) -> Result<(), CompileError> {
        let at = self.at();
        let word = match self.peek() {
            Token::Name(word) => word.clone(),
            _ => "".into(),
        };
        let (kind, ends_itself) = match &*word {
            "if" => (self.if_statement()?, true),
            "while" => {
                self.next += 1;
                self.expect("(")?;
                let test = self.expression()?;
                self.expect(")")?;
                (StmtKind::While { test, body: self.body()? }, true)
            }
            "for" => (self.for_statement()?, true),
            "try" => (self.try_statement()?, true),
            "do" => {
                self.next += 1;
                let body = self.block()?;
                if !self.take_word("while") {
                    return self.unexpected("'while'");
                }
                self.expect("(")?;
                let test = self.expression()?;
                self.expect(")")?;
                (StmtKind::DoWhile { body, test }, false)
            }
            "continue" | "break" | "return" | "throw" => (self.jump(&word)?, false),
            "else" | "catch" => return self.unexpected("a statement"),
            _ if self.declaration_ahead() => (self.declaration()?, false),
            _ => (StmtKind::Expr(self.expression()?), false),
        };
        out.push(Stmt { at, kind });
        if ends_itself || self.take(";") || self.is("}") || self.peek() == &Token::End {
            return Ok(());
        }
        self.unexpected("one of [{<EOF>, ';'}]")
    }

    fn jump(&mut self, word: &str) -> Result<StmtKind, CompileError> {
        self.next += 1;
        Ok(match word {
            "continue" => StmtKind::Continue,
            "break" => StmtKind::Break,
            "throw" => StmtKind::Throw(self.expression()?),
            _ if self.is(";") || self.is("}") || self.peek() == &Token::End => StmtKind::Return(None),
            _ => StmtKind::Return(Some(self.expression()?)),
        })
    }

    pub(super) fn declaration_ahead(&self) -> bool {
        let length = self.type_length(0);
        length > 0
            && matches!(self.ahead(length), Token::Name(name) if !KEYWORDS.contains(&&**name))
            && matches!(self.ahead(length + 1), Token::Sign("=" | "," | ";" | "}" | ":") | Token::End)
    }

    fn declaration(&mut self) -> Result<StmtKind, CompileError> {
        let class = self.type_name()?;
        let mut names = Vec::new();
        loop {
            let at = self.at();
            let name = self.identifier("a variable name")?;
            let value = if self.take("=") { Some(self.expression()?) } else { None };
            names.push((name, value, at));
            if !self.take(",") {
                return Ok(StmtKind::Declare { class, names });
            }
        }
    }

    fn if_statement(&mut self) -> Result<StmtKind, CompileError> {
        self.next += 1;
        self.expect("(")?;
        let test = self.expression()?;
        self.expect(")")?;
        let then = self.body()?;
        let otherwise = if self.take_word("else") { self.body()? } else { Vec::new() };
        Ok(StmtKind::If { test, then, otherwise })
    }

    fn for_statement(&mut self) -> Result<StmtKind, CompileError> {
        self.next += 1;
        self.expect("(")?;
        if matches!(self.peek(), Token::Name(_)) && matches!(self.ahead(1), Token::Name(word) if &**word == "in") {
            let name = self.identifier("a variable name")?;
            self.next += 1;
            let items = self.expression()?;
            self.expect(")")?;
            return Ok(StmtKind::ForEach { class: None, name, items, body: self.body()? });
        }
        let length = self.type_length(0);
        if length > 0 && matches!(self.ahead(length), Token::Name(_)) && self.is_at(length + 1, ":") {
            let class = self.type_name()?;
            let name = self.identifier("a variable name")?;
            self.expect(":")?;
            let items = self.expression()?;
            self.expect(")")?;
            return Ok(StmtKind::ForEach { class: Some(class), name, items, body: self.body()? });
        }
        let mut start = Vec::new();
        if !self.is(";") {
            let at = self.at();
            let kind = if self.declaration_ahead() { self.declaration()? } else { StmtKind::Expr(self.expression()?) };
            start.push(Stmt { at, kind });
        }
        self.expect(";")?;
        let test = if self.is(";") { None } else { Some(self.expression()?) };
        self.expect(";")?;
        let step = if self.is(")") { None } else { Some(self.expression()?) };
        self.expect(")")?;
        Ok(StmtKind::For { start, test, step, body: self.body()? })
    }

    fn try_statement(&mut self) -> Result<StmtKind, CompileError> {
        self.next += 1;
        let body = self.block()?;
        let mut catches = Vec::new();
        while self.take_word("catch") {
            self.expect("(")?;
            let class = self.type_name()?;
            let name = self.identifier("a variable name")?;
            self.expect(")")?;
            catches.push(Catch { class, name, body: self.block()? });
        }
        if catches.is_empty() {
            return self.unexpected("'catch'");
        }
        Ok(StmtKind::Try { body, catches })
    }
}
