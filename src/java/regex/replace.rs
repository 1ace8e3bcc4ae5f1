//! `replaceAll`, `replaceFirst` and `split` of Java, with the replacement syntax of `Matcher.appendReplacement`.

use std::borrow::Cow;
use std::fmt;

use super::{Captures, Exhausted, Regex};

/// A replacement made ready for one pattern. A fault in it is told at the first match, as in Java.
#[derive(Clone, Debug)]
pub struct Replacement {
    pieces: Result<Vec<Piece>, String>,
}

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Group(usize),
}

/// Why a text could not be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplaceFault {
    /// The replacement names a group that is not there, or ends in a backslash or dollar: the words of Java's exception.
    Replacement(String),
    Exhausted(Exhausted),
    /// The text that would come out is longer than the limit that the caller gave, in bytes.
    TooLong(usize),
}

impl fmt::Display for ReplaceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplaceFault::Replacement(what) => f.write_str(what),
            ReplaceFault::Exhausted(exhausted) => exhausted.fmt(f),
            ReplaceFault::TooLong(bytes_max) => write!(f, "the replaced text is longer than {bytes_max} bytes"),
        }
    }
}

impl From<Exhausted> for ReplaceFault {
    fn from(exhausted: Exhausted) -> Self {
        ReplaceFault::Exhausted(exhausted)
    }
}

impl Replacement {
    /// Reads `$1`, `${name}` and backslashes.
    pub fn new(regex: &Regex, text: &str) -> Replacement {
        Replacement { pieces: pieces(regex, text) }
    }

    /// A replacement that is taken as it stands (`Matcher.quoteReplacement`).
    pub fn literal(text: &str) -> Replacement {
        Replacement { pieces: Ok(vec![Piece::Text(text.into())]) }
    }

    /// Appends what stands for the match in `captures` (`Matcher.appendReplacement`).
    pub fn append(&self, text: &str, captures: &Captures, out: &mut String) -> Result<(), ReplaceFault> {
        let pieces = self.pieces.as_ref().map_err(|what| ReplaceFault::Replacement(what.clone()))?;
        for piece in pieces {
            match piece {
                Piece::Text(piece) => out.push_str(piece),
                Piece::Group(group) => out.push_str(captures.text(text, *group).unwrap_or_default()),
            }
        }
        Ok(())
    }
}

fn pieces(regex: &Regex, text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\\' {
            plain.push(chars.next().ok_or("character to be escaped is missing")?);
            continue;
        }
        if c != '$' {
            plain.push(c);
            continue;
        }
        let group = match chars.next() {
            None => return Err("Illegal group reference: group index is missing".into()),
            Some('{') => {
                let mut name = String::new();
                while let Some(c) = chars.next_if(char::is_ascii_alphanumeric) {
                    name.push(c);
                }
                if name.is_empty() {
                    return Err("named capturing group is missing trailing '}'".into());
                }
                if chars.next() != Some('}') {
                    return Err("named capturing group is missing trailing '}'".into());
                }
                if name.starts_with(|c: char| c.is_ascii_digit()) {
                    return Err(format!("capturing group name {{{name}}} starts with digit character"));
                }
                regex.group_number(&name).ok_or_else(|| format!("No group with name {{{name}}}"))?
            }
            Some(c) => {
                let first = c.to_digit(10).ok_or("Illegal group reference")?;
                let mut group = first as usize;
                if group > regex.group_count() {
                    return Err(format!("No group {group}"));
                }
                while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
                    let longer = group * 10 + digit as usize;
                    if longer > regex.group_count() {
                        break;
                    }
                    group = longer;
                    chars.next();
                }
                group
            }
        };
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        pieces.push(Piece::Group(group));
    }
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

impl Regex {
    /// `String.replaceAll`, or with `once` `String.replaceFirst`; borrowed when nothing matched.
    pub fn replace<'t>(
        &self,
        text: &'t str,
        replacement: &Replacement,
        once: bool,
        bytes_max: usize,
    ) -> Result<Cow<'t, str>, ReplaceFault> {
        // Most texts have no match, which is found without groups.
        let Some(first) = self.find_at(text, 0)? else { return Ok(Cow::Borrowed(text)) };
        let mut captures = Captures::new();
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        let mut from = first.0;
        while from <= text.len() && self.captures_at(text, from, &mut captures)? {
            let (start, end) = captures.whole();
            out.push_str(text.get(copied..start).unwrap_or_default());
            replacement.append(text, &captures, &mut out)?;
            if out.len() > bytes_max {
                return Err(ReplaceFault::TooLong(bytes_max));
            }
            copied = end;
            from = Self::next_start(text, (start, end));
            if once {
                break;
            }
        }
        out.push_str(text.get(copied..).unwrap_or_default());
        if out.len() > bytes_max {
            return Err(ReplaceFault::TooLong(bytes_max));
        }
        Ok(Cow::Owned(out))
    }

    /// `Pattern.split`: with a positive limit at most so many parts, with 0 all without the empty ones at the end, below 0 all.
    pub fn split<'t>(&self, text: &'t str, limit: i32) -> Result<Vec<&'t str>, Exhausted> {
        let mut parts: Vec<&'t str> = Vec::new();
        let mut index = 0;
        for found in self.find_iter(text) {
            let (start, end) = found?;
            if limit > 0 && parts.len() as i64 >= i64::from(limit) - 1 {
                break;
            }
            if index == 0 && start == 0 && end == 0 {
                // Nothing is split off by an empty match at the beginning.
                continue;
            }
            parts.push(text.get(index..start).unwrap_or_default());
            index = end;
        }
        if parts.is_empty() && index == 0 {
            return Ok(vec![text]);
        }
        parts.push(text.get(index..).unwrap_or_default());
        if limit == 0 {
            while parts.last().is_some_and(|part| part.is_empty()) {
                parts.pop();
            }
        }
        Ok(parts)
    }
}
