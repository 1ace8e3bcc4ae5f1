//! Bracket expressions: unions, ranges, negation and `&&`, with the precedence that Java (since 9) and Oniguruma give them.

use regex_syntax::hir::ClassUnicode;

use super::ast::{class, negated};
use super::class::posix_unicode;
use super::escapes::Escape;
use super::parse::{Dialect, Parser};
use super::{Fault, Flags};

/// One member of a bracket expression.
enum Member {
    Char(char),
    Set(ClassUnicode),
}

impl Parser<'_> {
    /// A bracket expression, from behind its `[` to behind its `]`.
    pub(super) fn brackets(&mut self) -> Result<ClassUnicode, Fault> {
        self.deeper()?;
        let flags = self.flags;
        if self.dialect == Dialect::Oniguruma {
            // White space in brackets counts, other than in Java.
            self.flags = flags.without(Flags::COMMENTS);
        }
        let negate = self.eat('^');
        let set = match self.dialect {
            Dialect::Java => self.java_union(true)?,
            Dialect::Oniguruma => self.oniguruma_intersection()?,
        };
        self.flags = flags;
        self.shallower();
        Ok(if negate { negated(set) } else { set })
    }

    /// Java's loop over the members. `consume` is false for the right side of `&&`, which leaves the closing bracket to the
    /// expression that it stands in.
    fn java_union(&mut self, consume: bool) -> Result<ClassUnicode, Fault> {
        let mut set: Option<ClassUnicode> = None;
        loop {
            let Some(c) = self.peek() else {
                return Err(self.fault("Unclosed character class"));
            };
            if self.quoted() {
                let member = self.java_range()?;
                join(&mut set, member);
                continue;
            }
            match c {
                '[' => {
                    self.at += 1;
                    let inner = self.brackets()?;
                    join(&mut set, inner);
                }
                '&' if self.double_ampersand() => {
                    let right = self.java_right_side()?;
                    match (&mut set, right) {
                        (Some(left), Some(right)) => left.intersect(&right),
                        (Some(_), None) => {}
                        (None, Some(right)) => set = Some(right),
                        (None, None) => return Err(self.fault("Bad class syntax")),
                    }
                }
                ']' if set.is_some() => {
                    self.at += usize::from(consume);
                    return Ok(set.unwrap_or_else(|| class(&[])));
                }
                _ => {
                    let member = self.java_range()?;
                    join(&mut set, member);
                }
            }
        }
    }

    fn double_ampersand(&mut self) -> bool {
        let start = self.at;
        if self.eat('&') && self.eat('&') {
            return true;
        }
        self.at = start;
        false
    }

    fn java_right_side(&mut self) -> Result<Option<ClassUnicode>, Fault> {
        let mut right: Option<ClassUnicode> = None;
        loop {
            match self.peek() {
                None => return Err(self.fault("Unclosed character class")),
                Some(']' | '&') if !self.quoted() => return Ok(right),
                Some('[') if !self.quoted() => {
                    self.at += 1;
                    let inner = self.brackets()?;
                    join(&mut right, inner);
                }
                Some(_) => {
                    self.deeper()?;
                    let negate = self.eat('^');
                    let rest = self.java_union(false)?;
                    self.shallower();
                    right = Some(if negate { negated(rest) } else { rest });
                }
            }
        }
    }

    fn java_range(&mut self) -> Result<ClassUnicode, Fault> {
        let from = match self.member()? {
            Member::Set(set) => return Ok(set),
            Member::Char(c) => c,
        };
        if !self.sees('-') {
            return Ok(self.literal(from));
        }
        let hyphen = self.at;
        self.at += 1;
        match self.peek() {
            Some('[' | ']') if !self.quoted() => {
                self.at = hyphen;
                return Ok(self.literal(from));
            }
            None => return Err(self.fault("Unclosed character class")),
            _ => {}
        }
        match self.member()? {
            Member::Char(to) if to >= from => Ok(self.folded(from, to)),
            _ => Err(self.fault("Illegal character range")),
        }
    }

    fn member(&mut self) -> Result<Member, Fault> {
        let operator = !self.quoted();
        match self.raw() {
            Some('\\') if operator => match self.escape(true)? {
                Escape::Char(c) => Ok(Member::Char(c)),
                Escape::Set(set) => Ok(Member::Set(set)),
                Escape::Node(_) => Err(self.fault("Illegal/unsupported escape sequence")),
            },
            Some(c) => Ok(Member::Char(c)),
            None => Err(self.fault("Unclosed character class")),
        }
    }

    /// Members joined by `&&`, which binds weaker than standing side by side.
    fn oniguruma_intersection(&mut self) -> Result<ClassUnicode, Fault> {
        let mut left: Option<ClassUnicode> = None;
        let mut set = class(&[]);
        let mut first = true;
        loop {
            match self.peek() {
                None => return Err(self.fault("premature end of char-class")),
                Some(']') if !self.quoted() && !first => {
                    self.at += 1;
                    if let Some(mut left) = left {
                        left.intersect(&set);
                        return Ok(left);
                    }
                    return Ok(set);
                }
                Some('[') if !self.quoted() => {
                    self.at += 1;
                    let inner = match self.posix_bracket()? {
                        Some(posix) => posix,
                        None => self.brackets()?,
                    };
                    set.union(&inner);
                }
                Some('&') if !self.quoted() && self.double_ampersand() => {
                    let done = std::mem::replace(&mut set, class(&[]));
                    match &mut left {
                        Some(left) => left.intersect(&done),
                        None => left = Some(done),
                    }
                }
                Some(_) => {
                    let member = self.oniguruma_range()?;
                    set.union(&member);
                }
            }
            first = false;
        }
    }

    fn posix_bracket(&mut self) -> Result<Option<ClassUnicode>, Fault> {
        let start = self.at;
        if !self.eat(':') {
            return Ok(None);
        }
        let negate = self.eat('^');
        let mut name = String::new();
        while let Some(c) = self.raw() {
            if c == ':' && self.eat(']') {
                let set =
                    posix_unicode(&name).ok_or_else(|| self.fault(format!("unknown POSIX bracket [:{name}:]")))?;
                return Ok(Some(if negate { negated(set) } else { set }));
            }
            if !c.is_ascii_lowercase() {
                break;
            }
            name.push(c);
        }
        self.at = start;
        Ok(None)
    }

    fn oniguruma_range(&mut self) -> Result<ClassUnicode, Fault> {
        let from = match self.member()? {
            Member::Set(set) => return Ok(set),
            Member::Char(c) => c,
        };
        let hyphen = self.at;
        if !self.eat('-') {
            return Ok(self.literal(from));
        }
        // A hyphen at the end, or before a set, is itself.
        if matches!(self.peek(), None | Some(']' | '[')) {
            self.at = hyphen;
            return Ok(self.literal(from));
        }
        match self.member()? {
            Member::Char(to) if to >= from => Ok(self.folded(from, to)),
            Member::Char(_) => Err(self.fault("empty range in char class")),
            Member::Set(mut set) => {
                set.union(&self.literal(from));
                set.union(&self.literal('-'));
                Ok(set)
            }
        }
    }
}

fn join(set: &mut Option<ClassUnicode>, more: ClassUnicode) {
    match set {
        Some(set) => set.union(&more),
        None => *set = Some(more),
    }
}
