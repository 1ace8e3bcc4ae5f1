//! Tokens to the syntax tree: expressions, by precedence climbing.

use super::error::CompileError;
use super::parser::{KEYWORDS, Parser};
use super::token::Token;
use super::tree::{Binary, Expr, ExprKind, LambdaBody, Unary};
use super::types::Type;

/// Elvis binds loosest of the operators with two sides and, unlike the others, to the right.
const ELVIS: u8 = 1;
const INSTANCE_OF: u8 = 8;

fn binary(sign: &str) -> Option<(u8, Binary)> {
    Some(match sign {
        "||" => (2, Binary::Or),
        "&&" => (3, Binary::And),
        "|" => (4, Binary::BitOr),
        "^" => (5, Binary::BitXor),
        "&" => (6, Binary::BitAnd),
        "==" => (7, Binary::Eq),
        "!=" => (7, Binary::Ne),
        "===" => (7, Binary::Same),
        "!==" => (7, Binary::NotSame),
        "<" => (9, Binary::Lt),
        "<=" => (9, Binary::Le),
        ">" => (9, Binary::Gt),
        ">=" => (9, Binary::Ge),
        "<<" => (10, Binary::Shl),
        ">>" => (10, Binary::Shr),
        ">>>" => (10, Binary::Ushr),
        "=~" => (11, Binary::Find),
        "==~" => (11, Binary::Match),
        "+" => (12, Binary::Add),
        "-" => (12, Binary::Sub),
        "*" => (13, Binary::Mul),
        "/" => (13, Binary::Div),
        "%" => (13, Binary::Rem),
        _ => return None,
    })
}

fn assignment(sign: &str) -> Option<Option<Binary>> {
    Some(match sign {
        "=" => None,
        "+=" => Some(Binary::Add),
        "-=" => Some(Binary::Sub),
        "*=" => Some(Binary::Mul),
        "/=" => Some(Binary::Div),
        "%=" => Some(Binary::Rem),
        "&=" => Some(Binary::BitAnd),
        "^=" => Some(Binary::BitXor),
        "|=" => Some(Binary::BitOr),
        "<<=" => Some(Binary::Shl),
        ">>=" => Some(Binary::Shr),
        ">>>=" => Some(Binary::Ushr),
        _ => return None,
    })
}

fn boxed(expr: Expr) -> Box<Expr> {
    Box::new(expr)
}

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Result<Expr, CompileError> {
        self.nested(|parser| {
            let at = parser.at();
            let left = parser.operators(ELVIS)?;
            if parser.take("?") {
                let then = parser.expression()?;
                parser.expect(":")?;
                let otherwise = parser.expression()?;
                return Ok(Expr { at, kind: ExprKind::Condition(boxed(left), boxed(then), boxed(otherwise)) });
            }
            let Token::Sign(sign) = *parser.peek() else { return Ok(left) };
            let Some(operator) = assignment(sign) else { return Ok(left) };
            if !matches!(left.kind, ExprKind::Name(_) | ExprKind::Field { .. } | ExprKind::Index { .. }) {
                return parser.fault(
                    left.at,
                    "cannot assign a value to an expression that is neither a variable, a field nor an element",
                );
            }
            let at = parser.at();
            parser.advance();
            let value = parser.expression()?;
            Ok(Expr { at, kind: ExprKind::Assign { operator, target: boxed(left), value: boxed(value) } })
        })
    }

    fn operators(&mut self, floor: u8) -> Result<Expr, CompileError> {
        let mut left = self.unary()?;
        // A long chain `a + b + …` nests to the left, and costs stack when it runs as brackets would.
        let mut links = 0;
        loop {
            let at = self.at();
            if INSTANCE_OF >= floor && self.take_word("instanceof") {
                let class = self.type_name()?;
                left = Expr { at, kind: ExprKind::InstanceOf(boxed(left), class) };
                continue;
            }
            let Token::Sign(sign) = *self.peek() else { return Ok(left) };
            if sign == "?:" && floor <= ELVIS {
                self.advance();
                let right = self.nested(|parser| parser.operators(ELVIS))?;
                left = Expr { at, kind: ExprKind::Elvis(boxed(left), boxed(right)) };
                continue;
            }
            let Some((level, operator)) = binary(sign) else { return Ok(left) };
            if level < floor {
                return Ok(left);
            }
            links += 1;
            if links > super::compile::CHAIN_LINKS_MAX {
                return self.fault(at, format!("more than {} operators in a row", super::compile::CHAIN_LINKS_MAX));
            }
            self.advance();
            let right = self.nested(|parser| parser.operators(level + 1))?;
            left = Expr { at, kind: ExprKind::Binary(operator, boxed(left), boxed(right)) };
        }
    }

    fn unary(&mut self) -> Result<Expr, CompileError> {
        let at = self.at();
        for (sign, by) in [("++", 1), ("--", -1)] {
            if self.take(sign) {
                let target = self.nested(Self::chain)?;
                return self.step(target, by, true, at);
            }
        }
        for (sign, operator) in [("!", Unary::Not), ("~", Unary::BitNot), ("+", Unary::Plus), ("-", Unary::Minus)] {
            if self.take(sign) {
                let operand = self.nested(Self::unary)?;
                // `-2147483648` is one constant.
                let kind = match (operator, operand.kind) {
                    (Unary::Minus, ExprKind::Int(n)) => ExprKind::Int(-n),
                    (Unary::Minus, ExprKind::Long(n)) => ExprKind::Long(n.wrapping_neg()),
                    (_, kind) => ExprKind::Unary(operator, boxed(Expr { at: operand.at, kind })),
                };
                return Ok(Expr { at, kind });
            }
        }
        if let Some(length) = self.cast_ahead() {
            self.advance();
            let class = self.type_name()?;
            debug_assert!(length > 0);
            self.expect(")")?;
            let operand = self.nested(Self::unary)?;
            return Ok(Expr { at, kind: ExprKind::Cast(class, boxed(operand)) });
        }
        let chain = self.chain()?;
        let at = self.at();
        for (sign, by) in [("++", 1), ("--", -1)] {
            if self.take(sign) {
                return self.step(chain, by, false, at);
            }
        }
        Ok(chain)
    }

    fn step(&self, target: Expr, by: i32, prefix: bool, at: u32) -> Result<Expr, CompileError> {
        if !matches!(target.kind, ExprKind::Name(_) | ExprKind::Field { .. } | ExprKind::Index { .. }) {
            return self.fault(at, "++ and -- need a variable, a field or an element");
        }
        Ok(Expr { at, kind: ExprKind::Step { target: boxed(target), by, prefix } })
    }

    /// `(Type) operand`: brackets around a type with something behind them that can be cast.
    fn cast_ahead(&self) -> Option<usize> {
        if !self.is("(") {
            return None;
        }
        let length = self.type_length(1);
        if length == 0 || !self.is_at(1 + length, ")") {
            return None;
        }
        let name = self.type_text(1);
        let known = Type::named(&name, 0).is_some();
        let operand = match self.ahead(2 + length) {
            Token::Name(word) => !matches!(&**word, "instanceof" | "in"),
            Token::Int(_)
            | Token::Long(_)
            | Token::Float(_)
            | Token::Double(_)
            | Token::Str(_)
            | Token::Regex { .. } => true,
            Token::Sign("(" | "!" | "~") => true,
            Token::Sign("[") => known,
            Token::Sign("-" | "+" | "++" | "--") => Type::primitive(&name).is_some(),
            _ => false,
        };
        operand.then_some(length)
    }

    fn chain(&mut self) -> Result<Expr, CompileError> {
        let mut expr = self.primary()?;
        let mut links = 0;
        loop {
            let at = self.at();
            let Token::Sign(sign) = *self.peek() else { return Ok(expr) };
            if !matches!(sign, "." | "?." | "[") {
                return Ok(expr);
            }
            links += 1;
            if links > super::compile::CHAIN_LINKS_MAX {
                return self.fault(at, format!("more than {} accesses in a row", super::compile::CHAIN_LINKS_MAX));
            }
            self.advance();
            if sign == "[" {
                let index = self.expression()?;
                self.expect("]")?;
                expr = Expr { at, kind: ExprKind::Index { target: boxed(expr), index: boxed(index) } };
                continue;
            }
            let safe = sign == "?.";
            let Token::Name(name) = self.peek().clone() else { return self.unexpected("a field or method name") };
            self.advance();
            let kind = if self.is("(") {
                ExprKind::Call { target: Some(boxed(expr)), name, args: self.arguments()?, safe }
            } else {
                ExprKind::Field { target: boxed(expr), name, safe }
            };
            expr = Expr { at, kind };
        }
    }

    fn primary(&mut self) -> Result<Expr, CompileError> {
        let at = self.at();
        if self.take("(") {
            let inner = self.expression()?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self.take("[") {
            return self.list_or_map(at);
        }
        let kind = match self.peek().clone() {
            Token::Int(n) => ExprKind::Int(n),
            Token::Long(n) => ExprKind::Long(n),
            Token::Float(n) => ExprKind::Float(n),
            Token::Double(n) => ExprKind::Double(n),
            Token::Str(text) => ExprKind::Str(text),
            Token::Regex { pattern, flags } => ExprKind::Regex { pattern, flags },
            Token::Name(word) => return self.word(&word),
            _ => return self.unexpected("an expression"),
        };
        self.advance();
        Ok(Expr { at, kind })
    }

    fn word(&mut self, word: &str) -> Result<Expr, CompileError> {
        let at = self.at();
        let kind = match word {
            "null" => ExprKind::Null,
            "true" => ExprKind::Bool(true),
            "false" => ExprKind::Bool(false),
            "new" => {
                self.advance();
                return self.new_expression(at);
            }
            _ if KEYWORDS.contains(&word) => return self.unexpected("an expression"),
            _ if self.is_at(1, "(") => {
                self.advance();
                let args = self.arguments()?;
                return Ok(Expr { at, kind: ExprKind::Call { target: None, name: word.into(), args, safe: false } });
            }
            _ => ExprKind::Name(word.into()),
        };
        self.advance();
        Ok(Expr { at, kind })
    }

    fn list_or_map(&mut self, at: u32) -> Result<Expr, CompileError> {
        if self.take("]") {
            return Ok(Expr { at, kind: ExprKind::List(Vec::new()) });
        }
        if self.take(":") {
            self.expect("]")?;
            return Ok(Expr { at, kind: ExprKind::Map(Vec::new()) });
        }
        let first = self.expression()?;
        if self.take(":") {
            let mut entries = vec![(first, self.expression()?)];
            while self.take(",") {
                let key = self.expression()?;
                self.expect(":")?;
                entries.push((key, self.expression()?));
            }
            self.expect("]")?;
            return Ok(Expr { at, kind: ExprKind::Map(entries) });
        }
        let mut items = vec![first];
        while self.take(",") {
            items.push(self.expression()?);
        }
        self.expect("]")?;
        Ok(Expr { at, kind: ExprKind::List(items) })
    }

    fn new_expression(&mut self, at: u32) -> Result<Expr, CompileError> {
        let mut class = self.type_name()?;
        if class.dimensions > 0 && self.take("{") {
            let mut items = Vec::new();
            while !self.take("}") {
                if !items.is_empty() {
                    self.expect(",")?;
                }
                items.push(self.expression()?);
            }
            return Ok(Expr { at, kind: ExprKind::ArrayOf { class, items } });
        }
        if self.is("[") {
            let mut sizes = Vec::new();
            while self.take("[") {
                if sizes.len() >= 8 {
                    return self.fault(at, "an array has at most 8 dimensions");
                }
                sizes.push(self.expression()?);
                self.expect("]")?;
            }
            class.dimensions = sizes.len() as u32;
            return Ok(Expr { at, kind: ExprKind::NewArray { class, sizes } });
        }
        if !self.is("(") {
            return self.unexpected("'('");
        }
        let args = self.arguments()?;
        Ok(Expr { at, kind: ExprKind::New { class, args } })
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, CompileError> {
        self.expect("(")?;
        let mut args = Vec::new();
        while !self.take(")") {
            if !args.is_empty() {
                self.expect(",")?;
            }
            args.push(self.argument()?);
        }
        Ok(args)
    }

    fn argument(&mut self) -> Result<Expr, CompileError> {
        let at = self.at();
        if let Some(params) = self.lambda_ahead() {
            return self.nested(|parser| parser.lambda(params));
        }
        // `Type::method`, `Type[]::new`, `this::method`
        let length = if self.is_word("this") { 1 } else { self.type_length(0) };
        if length > 0 && self.is_at(length, "::") {
            let owner = if self.take_word("this") {
                super::tree::TypeName { name: "this".into(), dimensions: 0, at }
            } else {
                self.type_name()?
            };
            self.expect("::")?;
            let method = if self.take_word("new") { "new".into() } else { self.identifier("a method name")? };
            return Ok(Expr { at, kind: ExprKind::Reference { owner, method } });
        }
        self.expression()
    }

    /// Whether a lambda stands here: `x ->` or `(…) ->`. True means brackets.
    fn lambda_ahead(&self) -> Option<bool> {
        if matches!(self.peek(), Token::Name(_)) && self.is_at(1, "->") {
            return Some(false);
        }
        if !self.is("(") {
            return None;
        }
        let mut by = 1;
        loop {
            match self.ahead(by) {
                Token::Sign(")") => return self.is_at(by + 1, "->").then_some(true),
                Token::Name(_) | Token::Sign("," | "." | "[" | "]") => by += 1,
                _ => return None,
            }
        }
    }

    fn lambda(&mut self, brackets: bool) -> Result<Expr, CompileError> {
        let at = self.at();
        let mut params = Vec::new();
        if brackets {
            self.expect("(")?;
            while !self.take(")") {
                if !params.is_empty() {
                    self.expect(",")?;
                }
                let length = self.type_length(0);
                let class = if length > 0 && matches!(self.ahead(length), Token::Name(_)) {
                    Some(self.type_name()?)
                } else {
                    None
                };
                params.push((class, self.identifier("a parameter name")?));
            }
        } else {
            params.push((None, self.identifier("a parameter name")?));
        }
        self.expect("->")?;
        let body =
            if self.is("{") { LambdaBody::Block(self.block()?) } else { LambdaBody::Expr(boxed(self.expression()?)) };
        Ok(Expr { at, kind: ExprKind::Lambda { params, body } })
    }
}
