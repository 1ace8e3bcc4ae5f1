//! Painless source text to tokens, each with its place.
//!
//! Owns what a token is: numbers with their Java types, strings with the two escapes that Painless knows, regular expression
//! literals. Whether `/` divides or opens a pattern is decided as the original does it, by the token before it.

use super::error::CompileError;

/// A byte offset into the source. Line and column are computed only when an error is shown.
pub(super) type At = u32;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Name(Box<str>),
    Int(i64),
    Long(i64),
    Float(f32),
    Double(f64),
    Str(Box<str>),
    Regex {
        pattern: Box<str>,
        flags: Box<str>,
    },
    /// An operator or a bracket.
    Sign(&'static str),
    End,
}

/// Longest first, so that `>>>=` is not read as `>>>` and `=`.
const SIGNS: [&str; 54] = [
    ">>>=", "===", "!==", "==~", "<<=", ">>=", ">>>", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "==",
    "!=", "<=", ">=", "&&", "||", "<<", ">>", "->", "::", "?.", "?:", "=~", "{", "}", "[", "]", "(", ")", ".", ",",
    ";", "!", "~", "*", "/", "%", "+", "-", "<", ">", "&", "^", "|", "?", ":", "=",
];

pub(super) fn tokens(source: &str) -> Result<Vec<(Token, At)>, CompileError> {
    let mut lexer = Lexer { source, at: 0, out: Vec::new() };
    while lexer.skip_blank()? {
        let start = lexer.at;
        let token = lexer.token()?;
        lexer.out.push((token, start as At));
    }
    lexer.out.push((Token::End, source.len() as At));
    Ok(lexer.out)
}

struct Lexer<'s> {
    source: &'s str,
    at: usize,
    out: Vec<(Token, At)>,
}

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn fault(&self, at: usize, message: impl Into<String>) -> CompileError {
        CompileError::new(self.source, at as At, message)
    }

    /// Steps over white space and comments; false at the end of the source.
    fn skip_blank(&mut self) -> Result<bool, CompileError> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}', '\u{b}']);
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("//") {
                self.at += trimmed.find(['\n', '\r']).unwrap_or(trimmed.len());
            } else if trimmed.starts_with("/*") {
                let Some(end) = trimmed.find("*/") else {
                    return Err(self.fault(self.at, "the comment that opens here is not closed by [*/]"));
                };
                self.at += end + 2;
            } else {
                return Ok(!trimmed.is_empty());
            }
        }
    }

    fn token(&mut self) -> Result<Token, CompileError> {
        let Some(first) = self.peek() else { return Ok(Token::End) };
        if first == '_' || first.is_ascii_alphabetic() {
            return Ok(Token::Name(self.take_while(|c| c == '_' || c.is_ascii_alphanumeric()).into()));
        }
        if first.is_ascii_digit() {
            return self.number();
        }
        if first == '"' || first == '\'' {
            return self.string(first);
        }
        if first == '/' && self.slash_opens_regex() {
            return self.regex();
        }
        let rest = self.rest();
        match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            Some(sign) => {
                // `a ?.5 : b`: a condition before a decimal, not a null-safe access.
                if *sign == "?." && rest.as_bytes().get(2).is_some_and(u8::is_ascii_digit) {
                    self.at += 1;
                    return Ok(Token::Sign("?"));
                }
                self.at += sign.len();
                Ok(Token::Sign(sign))
            }
            None => Err(self.fault(self.at, format!("unexpected character [{first}]."))),
        }
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'s str {
        let rest = self.rest();
        let end = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn slash_opens_regex(&self) -> bool {
        match self.out.last() {
            None => true,
            Some((Token::Sign(sign), _)) => !matches!(*sign, "]" | ")" | "}"),
            Some((Token::Name(name), _)) => matches!(&**name, "return" | "in" | "instanceof" | "throw" | "else"),
            Some((Token::Int(_) | Token::Long(_) | Token::Float(_) | Token::Double(_) | Token::Str(_), _)) => false,
            Some(_) => true,
        }
    }

    fn number(&mut self) -> Result<Token, CompileError> {
        let start = self.at;
        let after_dot = matches!(self.out.last(), Some((Token::Sign("." | "?."), _)));
        let rest = self.rest();
        if after_dot {
            // `list.0`: an index written as a field.
            let digits = self.take_while(|c| c.is_ascii_digit());
            return Ok(Token::Name(digits.into()));
        }
        let (text, radix) = if rest.starts_with("0x") || rest.starts_with("0X") {
            self.at += 2;
            (self.take_while(|c| c.is_ascii_hexdigit()).to_owned(), 16)
        } else {
            let mut text = self.take_while(|c| c.is_ascii_digit()).to_owned();
            let mut decimal = false;
            if self.rest().starts_with('.') && self.rest().as_bytes().get(1).is_some_and(u8::is_ascii_digit) {
                self.at += 1;
                text.push('.');
                text.push_str(self.take_while(|c| c.is_ascii_digit()));
                decimal = true;
            }
            let exponent = self.rest();
            let after_sign = exponent.get(1..).unwrap_or_default().trim_start_matches(['+', '-']);
            if exponent.starts_with(['e', 'E'])
                && exponent.len() - after_sign.len() <= 2
                && after_sign.as_bytes().first().is_some_and(u8::is_ascii_digit)
            {
                self.at += exponent.len() - after_sign.len();
                text.push_str(exponent.get(..exponent.len() - after_sign.len()).unwrap_or_default());
                text.push_str(self.take_while(|c| c.is_ascii_digit()));
                decimal = true;
            }
            if decimal || self.rest().starts_with(['f', 'F', 'd', 'D']) {
                return self.decimal(start, &text);
            }
            let octal = text.len() > 1 && text.starts_with('0');
            (text, if octal { 8 } else { 10 })
        };
        let long = self.rest().starts_with(['l', 'L']);
        if long {
            self.at += 1;
        }
        // The sign comes later: 2147483648 and 9223372036854775808 are let through here for the sake of their negatives.
        let value = u64::from_str_radix(&text, radix).ok();
        let token = match (value, radix, long) {
            (Some(n), 10, true) if n <= 1 << 63 => Some(Token::Long(n as i64)),
            (Some(n), _, true) if radix != 10 => Some(Token::Long(n as i64)),
            (Some(n), 10, false) if n <= 1 << 31 => Some(Token::Int(n as i64)),
            (Some(n), _, false) if radix != 10 && n <= u64::from(u32::MAX) => {
                Some(Token::Int(i64::from(n as u32 as i32)))
            }
            _ => None,
        };
        token.ok_or_else(|| {
            let kind = if long { "long" } else { "int" };
            self.fault(
                start,
                format!("Invalid {kind} constant [{}].", self.source.get(start..self.at).unwrap_or_default()),
            )
        })
    }

    fn decimal(&mut self, start: usize, text: &str) -> Result<Token, CompileError> {
        let float = self.rest().starts_with(['f', 'F']);
        if float || self.rest().starts_with(['d', 'D']) {
            self.at += 1;
        }
        let token = if float { text.parse().map(Token::Float) } else { text.parse().map(Token::Double) };
        match token {
            Ok(Token::Float(n)) if n.is_infinite() => {
                Err(self.fault(start, format!("Invalid float constant [{text}].")))
            }
            Ok(Token::Double(n)) if n.is_infinite() => {
                Err(self.fault(start, format!("Invalid double constant [{text}].")))
            }
            Ok(token) => Ok(token),
            Err(_) => Err(self.fault(start, format!("Invalid number constant [{text}]."))),
        }
    }

    fn string(&mut self, quote: char) -> Result<Token, CompileError> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.peek() {
                None => return Err(self.fault(start, format!("the string that opens here is not closed by [{quote}]"))),
                Some('\\') => match self.rest().chars().nth(1) {
                    Some(escaped) if escaped == '\\' || escaped == quote => {
                        text.push(escaped);
                        self.at += 2;
                    }
                    other => {
                        let shown: String = other.into_iter().collect();
                        return Err(self.fault(
                            self.at,
                            format!(
                                "unexpected character [{quote}\\{shown}]. The only valid escape sequences in strings starting with [{quote}] are [\\\\] and [\\{quote}]."
                            ),
                        ));
                    }
                },
                Some(c) if c == quote => {
                    self.at += 1;
                    return Ok(Token::Str(text.into()));
                }
                Some(c) => {
                    text.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }

    fn regex(&mut self) -> Result<Token, CompileError> {
        let start = self.at;
        self.at += 1;
        let body = self.at;
        loop {
            match self.peek() {
                None | Some('\n') => {
                    return Err(self.fault(start, "the regular expression that opens here is not closed by [/]"));
                }
                Some('/') => break,
                Some('\\') => {
                    self.at += 1;
                    self.at += self.peek().map_or(0, char::len_utf8);
                }
                Some(c) => self.at += c.len_utf8(),
            }
        }
        let pattern = self.source.get(body..self.at).unwrap_or_default().into();
        self.at += 1;
        let flags: Box<str> = self.take_while(|c| c.is_ascii_alphabetic()).into();
        if let Some(unknown) = flags.chars().find(|c| !"cilmsUux".contains(*c)) {
            return Err(self.fault(start, format!("Error parsing flag [{unknown}] for pattern [{pattern}]")));
        }
        Ok(Token::Regex { pattern, flags })
    }
}
