//! What stands behind a backslash: sets, properties, anchors, characters by number, references to groups.

use regex_syntax::hir::ClassUnicode;

use super::ast::{Assertion, Node, class, negated};
use super::class;
use super::parse::{Dialect, Parser};
use super::{Fault, Flags};

/// What an escape stands for.
pub(super) enum Escape {
    Char(char),
    Set(ClassUnicode),
    Node(Node),
}
impl Parser<'_> {
    /// What follows a backslash; `in_class` is true inside brackets.
    pub(super) fn escape(&mut self, in_class: bool) -> Result<Escape, Fault> {
        let Some(c) = self.raw() else {
            self.at += 1;
            return Err(self.fault("Unexpected internal error"));
        };
        if let Some(shared) = self.shared_escape(c, in_class)? {
            return Ok(shared);
        }
        match self.dialect {
            Dialect::Java => self.java_escape(c, in_class),
            Dialect::Oniguruma => self.oniguruma_escape(c, in_class),
        }
    }

    fn shared_escape(&mut self, c: char, in_class: bool) -> Result<Option<Escape>, Fault> {
        let unicode = self.flags.has(Flags::UNICODE_CHARACTER_CLASS);
        let either = |negate: bool, set| Escape::Set(if negate { negated(set) } else { set });
        Ok(Some(match c {
            'd' | 'D' => either(c == 'D', class::digits(unicode)),
            'w' | 'W' => either(c == 'W', class::word(unicode)),
            's' | 'S' => either(c == 'S', class::space(unicode)),
            't' => Escape::Char('\t'),
            'n' => Escape::Char('\n'),
            'r' => Escape::Char('\r'),
            'f' => Escape::Char('\x0c'),
            'a' => Escape::Char('\x07'),
            'e' => Escape::Char('\x1b'),
            'x' => Escape::Char(self.hexadecimal()?),
            'u' => Escape::Char(self.utf16()?),
            'p' | 'P' => {
                let set = self.property()?;
                either(c == 'P', set)
            }
            'b' | 'B' if !in_class => Escape::Node(Node::Assert(Assertion::WordBoundary {
                negative: c == 'B',
                unicode: unicode || self.dialect == Dialect::Oniguruma,
            })),
            'A' if !in_class => Escape::Node(Node::Assert(Assertion::TextStart)),
            'z' if !in_class => Escape::Node(Node::Assert(Assertion::TextEnd)),
            'Z' if !in_class => Escape::Node(Node::Assert(Assertion::LastLineEnd(self.lines()))),
            'G' if !in_class => Escape::Node(Node::Assert(Assertion::SearchStart)),
            'R' if !in_class => Escape::Node(Node::Alternate(vec![
                Node::Concat(vec![Node::char('\r'), Node::char('\n')]),
                Node::Class(class::vertical_space()),
            ])),
            'k' if !in_class => {
                if self.raw() != Some('<') {
                    return Err(self.fault("\\k is not followed by '<' for named capturing group"));
                }
                let name = self.group_name()?;
                match self.names.iter().find(|(known, _)| *known == name) {
                    Some((_, group)) => Escape::Node(self.reference(*group)),
                    None => return Err(self.fault(format!("named capturing group <{name}> does not exist"))),
                }
            }
            _ => return Ok(None),
        }))
    }

    fn reference(&self, group: usize) -> Node {
        Node::Reference { group, ignore_case: self.flags.has(Flags::CASE_INSENSITIVE) }
    }

    fn java_escape(&mut self, c: char, in_class: bool) -> Result<Escape, Fault> {
        let either = |negate: bool, set| Escape::Set(if negate { negated(set) } else { set });
        Ok(match c {
            'h' | 'H' => either(c == 'H', class::horizontal_space()),
            'v' | 'V' => either(c == 'V', class::vertical_space()),
            '0' => Escape::Char(self.octal(3)?),
            '1'..='9' if !in_class => {
                let mut group = c as usize - '0' as usize;
                while let Some(digit) = self.ahead(0).and_then(|c| c.to_digit(10)) {
                    let longer = group * 10 + digit as usize;
                    if longer > self.groups {
                        break;
                    }
                    group = longer;
                    self.at += 1;
                }
                Escape::Node(self.back_reference(group))
            }
            'c' => match self.raw() {
                Some(control) => char::from_u32(control as u32 ^ 64)
                    .map(Escape::Char)
                    .ok_or_else(|| self.fault("Illegal control escape sequence"))?,
                None => return Err(self.fault("Illegal control escape sequence")),
            },
            _ if c.is_ascii_alphanumeric() => return Err(self.fault("Illegal/unsupported escape sequence")),
            _ => Escape::Char(c),
        })
    }

    /// A reference to a group that is not there, or not closed yet, never matches.
    fn back_reference(&self, group: usize) -> Node {
        if group > self.groups || self.open.contains(&group) { Node::Class(class(&[])) } else { self.reference(group) }
    }

    fn oniguruma_escape(&mut self, c: char, in_class: bool) -> Result<Escape, Fault> {
        let either = |negate: bool, set| Escape::Set(if negate { negated(set) } else { set });
        Ok(match c {
            'h' | 'H' => either(c == 'H', class(&[('0', '9'), ('A', 'F'), ('a', 'f')])),
            'v' => Escape::Char('\x0b'),
            'b' if in_class => Escape::Char('\x08'),
            '0' => {
                self.at -= 1;
                Escape::Char(self.octal(3)?)
            }
            '1'..='9' if !in_class => {
                let group = c as usize - '0' as usize;
                if !self.capture_plain {
                    return Err(self.fault("numbered backref/call is not allowed. (use name)"));
                }
                Escape::Node(self.back_reference(group))
            }
            'c' => match self.raw() {
                Some(control) => Escape::Char(char::from(control as u8 & 0x1f)),
                None => return Err(self.fault("too short control sequence")),
            },
            'g' | 'K' | 'X' | 'M' | 'C' if !in_class => {
                return Err(self.fault(format!("\\{c} is not supported")));
            }
            _ => Escape::Char(c),
        })
    }

    fn octal(&mut self, digits_max: usize) -> Result<char, Fault> {
        let mut value = 0;
        let mut digits = 0;
        while let Some(digit) = self.ahead(0).and_then(|c| c.to_digit(8)) {
            if digits == digits_max || value * 8 + digit > 0o377 {
                break;
            }
            value = value * 8 + digit;
            digits += 1;
            self.at += 1;
        }
        if digits == 0 {
            return Err(self.fault("Illegal octal escape sequence"));
        }
        char::from_u32(value).ok_or_else(|| self.fault("Illegal octal escape sequence"))
    }

    fn hexadecimal(&mut self) -> Result<char, Fault> {
        let mut value = 0;
        let mut digits = 0;
        let braced = self.ahead(0) == Some('{');
        self.at += usize::from(braced);
        let digits_max = if braced { 6 } else { 2 };
        while let Some(digit) = self.ahead(0).and_then(|c| c.to_digit(16))
            && digits < digits_max
        {
            value = value * 16 + digit;
            digits += 1;
            self.at += 1;
        }
        let complete = match (braced, self.dialect) {
            (true, _) => digits > 0 && self.ahead(0) == Some('}'),
            (false, Dialect::Java) => digits == 2,
            (false, Dialect::Oniguruma) => digits > 0,
        };
        self.at += usize::from(braced && complete);
        match char::from_u32(value) {
            Some(c) if complete => Ok(c),
            _ => Err(self.fault("Illegal hexadecimal escape sequence")),
        }
    }

    /// `\uXXXX`, two of them for a character beyond the basic plane.
    fn utf16(&mut self) -> Result<char, Fault> {
        let high = self.utf16_unit()?;
        if (0xD800..0xDC00).contains(&high) && self.ahead(0) == Some('\\') && self.ahead(1) == Some('u') {
            self.at += 2;
            let low = self.utf16_unit()?;
            if (0xDC00..0xE000).contains(&low) {
                let code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                return char::from_u32(code).ok_or_else(|| self.fault("Illegal Unicode escape sequence"));
            }
        }
        char::from_u32(high).ok_or_else(|| self.fault("Half of a surrogate pair matches no text in UTF-8"))
    }

    fn utf16_unit(&mut self) -> Result<u32, Fault> {
        let mut value = 0;
        for _ in 0..4 {
            let Some(digit) = self.raw().and_then(|c| c.to_digit(16)) else {
                return Err(self.fault("Illegal Unicode escape sequence"));
            };
            value = value * 16 + digit;
        }
        Ok(value)
    }

    fn property(&mut self) -> Result<ClassUnicode, Fault> {
        let mut name = String::new();
        match self.raw() {
            Some('{') => loop {
                match self.raw() {
                    Some('}') => break,
                    Some(c) => name.push(c),
                    None => return Err(self.fault("Unclosed character family")),
                }
            },
            Some(c) => name.push(c),
            None => return Err(self.fault("Unclosed character family")),
        }
        if name.is_empty() {
            return Err(self.fault("Empty character family"));
        }
        let ignore_case = self.flags.has(Flags::CASE_INSENSITIVE);
        let found = match self.dialect {
            Dialect::Java => class::java_property(&name, self.flags.has(Flags::UNICODE_CHARACTER_CLASS), ignore_case),
            Dialect::Oniguruma => match name.strip_prefix('^') {
                Some(rest) => class::oniguruma_property(rest).map(negated),
                None => class::oniguruma_property(&name),
            },
        };
        found.ok_or_else(|| self.fault(format!("Unknown character property name {{{name}}}")))
    }
}
