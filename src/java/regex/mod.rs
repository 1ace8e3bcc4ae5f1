//! Java's regular expressions, as `java.util.regex` gives them to Painless and to processors, and Oniguruma's for grok.
//!
//! A pattern is read into a tree ([`ast`], by [`parse`], [`escapes`], [`brackets`], [`class`]), relieved of what does not change its matches
//! ([`simplify`]), and written ([`emit`]) for one of two engines ([`engine`]): a linear one, which almost every pattern ends up
//! with, and a backtracking one with a step limit. Patterns are never handed over as they are written, because the engines read `\d`, `$`,
//! `\<`, `[\w-.]` or `a*+` as something else without a word.
//!
//! Where versions of Java differ, 19 and later are meant: `\b` knows ASCII words only. Places are byte offsets;
//! whoever needs UTF-16 positions converts.

mod ast;
mod brackets;
mod class;
mod emit;
mod engine;
mod escapes;
mod parse;
mod replace;
mod simplify;

use std::fmt;
use std::ops::BitOr;
use std::sync::{Arc, OnceLock};

pub use replace::{ReplaceFault, Replacement};

use engine::{Mode, Program, Scratch};
use parse::Dialect;

/// The flags of `java.util.regex.Pattern`, with its numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u32);

impl Flags {
    pub const NONE: Flags = Flags(0);
    pub const UNIX_LINES: Flags = Flags(0x01);
    pub const CASE_INSENSITIVE: Flags = Flags(0x02);
    pub const COMMENTS: Flags = Flags(0x04);
    pub const MULTILINE: Flags = Flags(0x08);
    pub const LITERAL: Flags = Flags(0x10);
    pub const DOTALL: Flags = Flags(0x20);
    pub const UNICODE_CASE: Flags = Flags(0x40);
    pub const UNICODE_CHARACTER_CLASS: Flags = Flags(0x100);

    /// The flags of Java's bits; `None` for CANON_EQ, which is not supported, and for bits without a meaning.
    pub fn from_bits(bits: u32) -> Option<Flags> {
        let unicode = if bits & 0x100 != 0 { 0x40 } else { 0 };
        (bits & !0x17F == 0).then_some(Flags(bits | unicode))
    }

    pub fn bits(self) -> u32 {
        self.0
    }

    pub fn has(self, flag: Flags) -> bool {
        self.0 & flag.0 == flag.0
    }

    fn without(self, flag: Flags) -> Flags {
        Flags(self.0 & !flag.0)
    }
}

impl BitOr for Flags {
    type Output = Flags;

    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

/// Why a pattern is not one, in the words of `PatternSyntaxException`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub what: String,
    pub pattern: String,
    /// The character of the pattern, from 0.
    pub at: usize,
}

impl Fault {
    fn new(what: impl Into<String>, pattern: &str, at: usize) -> Self {
        Fault { what: what.into(), pattern: pattern.into(), at }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} near index {}\n{}", self.what, self.at, self.pattern)?;
        if self.at < 200 { write!(f, "\n{}^", " ".repeat(self.at)) } else { Ok(()) }
    }
}

impl std::error::Error for Fault {}

/// A search was given up: the backtracking engine took too many steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exhausted(String);

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the regular expression was given up on this text: {}", self.0)
    }
}

impl std::error::Error for Exhausted {}

/// A compiled regular expression; cheap to clone, shared across threads.
#[derive(Clone)]
pub struct Regex(Arc<Inner>);

struct Inner {
    pattern: String,
    flags: Flags,
    node: Arc<ast::Node>,
    groups: usize,
    names: Vec<(String, usize)>,
    find: Program,
    prefix: OnceLock<Result<Program, String>>,
    full: OnceLock<Result<Program, String>>,
}

/// The places of a match and its groups, and the memory to find the next one without allocating.
#[derive(Default)]
pub struct Captures {
    spans: Vec<Option<(usize, usize)>>,
    scratch: Scratch,
}

impl Captures {
    pub fn new() -> Self {
        Self::default()
    }

    /// The byte range of a group; `None` when it did not take part, or is not there.
    pub fn get(&self, group: usize) -> Option<(usize, usize)> {
        self.spans.get(group).copied().flatten()
    }

    pub fn text<'t>(&self, text: &'t str, group: usize) -> Option<&'t str> {
        self.get(group).and_then(|(start, end)| text.get(start..end))
    }

    /// The whole match; an empty place at the start before the first search.
    pub fn whole(&self) -> (usize, usize) {
        self.get(0).unwrap_or((0, 0))
    }
}

impl fmt::Debug for Captures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.spans).finish()
    }
}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Regex({:?}, {:#x})", self.0.pattern, self.0.flags.0)
    }
}

impl Regex {
    /// Compiles a pattern in Java's syntax.
    pub fn compile(pattern: &str, flags: Flags) -> Result<Regex, Fault> {
        Self::new(pattern, flags, Dialect::Java)
    }

    /// Compiles a pattern in the syntax of Oniguruma's Ruby dialect, in which `\h` is a hexadecimal digit, `^` and `$` hold at every line,
    /// and plain groups capture nothing once one has a name.
    pub fn oniguruma(pattern: &str) -> Result<Regex, Fault> {
        Self::new(pattern, Flags::NONE, Dialect::Oniguruma)
    }

    fn new(pattern: &str, flags: Flags, dialect: Dialect) -> Result<Regex, Fault> {
        let parsed = parse::parse(pattern, flags, dialect)?;
        let node = Arc::new(parsed.node);
        let find =
            Program::new(node.clone(), parsed.groups, Mode::Find).map_err(|what| Fault::new(what, pattern, 0))?;
        Ok(Regex(Arc::new(Inner {
            pattern: pattern.into(),
            flags,
            node,
            groups: parsed.groups,
            names: parsed.names,
            find,
            prefix: OnceLock::new(),
            full: OnceLock::new(),
        })))
    }

    pub fn pattern(&self) -> &str {
        &self.0.pattern
    }

    pub fn flags(&self) -> Flags {
        self.0.flags
    }

    /// The number of capturing groups, the whole match not counted.
    pub fn group_count(&self) -> usize {
        self.0.groups
    }

    /// The number of a named group; of several with one name (Oniguruma), the first.
    pub fn group_number(&self, name: &str) -> Option<usize> {
        self.0.names.iter().find(|(known, _)| known == name).map(|(_, number)| *number)
    }

    /// Names of groups with their numbers, in order.
    pub fn group_names(&self) -> &[(String, usize)] {
        &self.0.names
    }

    /// Whether searching takes time proportional to the text on all but odd texts (such as one that ends with a line end).
    pub fn is_linear(&self) -> bool {
        self.0.find.is_linear()
    }

    /// `Matcher.find(from)` without groups: the next match at or after a byte offset.
    pub fn find_at(&self, text: &str, from: usize) -> Result<Option<(usize, usize)>, Exhausted> {
        if !text.is_char_boundary(from) {
            return Ok(None);
        }
        self.0.find.find(text, from, &mut Scratch::default())
    }

    /// `Matcher.find(from)`: true when there is a match, whose groups are then in `captures`.
    pub fn captures_at(&self, text: &str, from: usize, captures: &mut Captures) -> Result<bool, Exhausted> {
        captures.spans.clear();
        if !text.is_char_boundary(from) {
            return Ok(false);
        }
        self.0.find.captures(text, from, &mut captures.scratch, &mut captures.spans)
    }

    /// `Matcher.find()`: whether some part of the text matches.
    pub fn is_match(&self, text: &str) -> Result<bool, Exhausted> {
        Ok(self.find_at(text, 0)?.is_some())
    }

    /// `Matcher.lookingAt()`.
    pub fn looking_at(&self, text: &str, captures: &mut Captures) -> Result<bool, Exhausted> {
        self.program(&self.0.prefix, Mode::Prefix)?.captures(text, 0, &mut captures.scratch, &mut captures.spans)
    }

    /// `Matcher.matches()`: whether the whole text matches; its groups are then in `captures`.
    pub fn matches(&self, text: &str, captures: &mut Captures) -> Result<bool, Exhausted> {
        self.program(&self.0.full, Mode::Full)?.captures(text, 0, &mut captures.scratch, &mut captures.spans)
    }

    /// As [`Regex::matches`], without groups.
    pub fn is_full_match(&self, text: &str) -> Result<bool, Exhausted> {
        Ok(self.program(&self.0.full, Mode::Full)?.find(text, 0, &mut Scratch::default())?.is_some())
    }

    fn program<'r>(
        &'r self,
        slot: &'r OnceLock<Result<Program, String>>,
        mode: Mode,
    ) -> Result<&'r Program, Exhausted> {
        slot.get_or_init(|| Program::new(self.0.node.clone(), self.0.groups, mode))
            .as_ref()
            .map_err(|what| Exhausted(what.clone()))
    }

    /// Where the search after this match begins: behind an empty match, a character further.
    pub fn next_start(text: &str, found: (usize, usize)) -> usize {
        let (start, end) = found;
        if start < end {
            return end;
        }
        end + text.get(end..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
    }

    /// All matches in order, as repeated `Matcher.find()` gives them.
    pub fn find_iter<'r, 't>(
        &'r self,
        text: &'t str,
    ) -> impl Iterator<Item = Result<(usize, usize), Exhausted>> + use<'r, 't> {
        let mut next = Some(0);
        std::iter::from_fn(move || {
            let from = next.take()?;
            match self.find_at(text, from) {
                Ok(Some(found)) => {
                    next = Some(Self::next_start(text, found)).filter(|from| *from <= text.len());
                    Some(Ok(found))
                }
                Ok(None) => None,
                Err(exhausted) => Some(Err(exhausted)),
            }
        })
    }
}

#[cfg(test)]
mod tests;
