//! A tree to the pattern text of an engine.
//!
//! For the backtracking engine everything can be said. For the linear one, what it cannot say is left out and written down as a
//! [`Check`]: an empty or atomic group whose place in the match is looked at afterwards. A match of the pattern so widened is the
//! first in order of preference; if all its checks hold, no match before it was lost by them, so it is also the first of the strict
//! pattern. If one fails, the backtracking engine decides. Groups within loops have no single place: there the
//! linear engine is not used at all.

use std::fmt::Write;

use regex_syntax::hir::ClassUnicode;

use super::ast::{Assertion, Kind, Lines, Node, negated};
use super::class::word;

/// What must hold at a group of the engine's pattern, if that group took part.
#[derive(Debug)]
pub(super) struct Check {
    pub group: usize,
    pub what: Demand,
}

#[derive(Debug)]
pub(super) enum Demand {
    /// The character beside the group's place is, or is not, of the set; at the edge of the text there is none.
    Beside { set: ClassUnicode, behind: bool, negative: bool },
    /// The look-around holds at the group's start.
    Look(Node),
    /// The node, matched at the group's start and by itself, ends where the group ends.
    Atomic(Node),
}

/// What must be true of the text for the linear pattern to mean the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Conditions {
    /// No line end of Java's at the end.
    pub no_final_line_end: bool,
    /// At least one character.
    pub not_empty: bool,
    /// No line end but `\n`.
    pub only_unix_lines: bool,
}

#[derive(Debug)]
pub(super) struct Emitted {
    pub text: String,
    /// The engine's number of each capturing group, from group 0 on.
    pub slots: Vec<usize>,
    pub checks: Vec<Check>,
    pub conditions: Conditions,
}

/// For the linear engine; `None` when it cannot be said with checks either.
pub(super) fn linear(node: &Node, groups: usize) -> Option<Emitted> {
    let mut emitter = Emitter::new(groups, true);
    emitter.node(node, false, false).ok()?;
    Some(emitter.done())
}

/// For the backtracking engine.
pub(super) fn backtracking(node: &Node, groups: usize) -> Emitted {
    let mut emitter = Emitter::new(groups, false);
    // Only the linear form can be impossible.
    let _ = emitter.node(node, false, false);
    emitter.done()
}

struct Impossible;

struct Emitter {
    text: String,
    slots: Vec<usize>,
    checks: Vec<Check>,
    conditions: Conditions,
    engine_groups: usize,
    linear: bool,
}

impl Emitter {
    fn new(groups: usize, linear: bool) -> Self {
        Emitter {
            text: String::new(),
            slots: vec![usize::MAX; groups + 1],
            checks: Vec::new(),
            conditions: Conditions::default(),
            engine_groups: 0,
            linear,
        }
    }

    fn done(mut self) -> Emitted {
        if let Some(whole) = self.slots.first_mut() {
            *whole = 0;
        }
        Emitted { text: self.text, slots: self.slots, checks: self.checks, conditions: self.conditions }
    }

    fn check(&mut self, what: Demand) -> usize {
        self.engine_groups += 1;
        let group = self.engine_groups;
        self.checks.push(Check { group, what });
        group
    }

    /// `covered`: within an atomic group that is checked as a whole.
    fn node(&mut self, node: &Node, in_loop: bool, covered: bool) -> Result<(), Impossible> {
        match node {
            Node::Empty => self.text.push_str("(?:)"),
            Node::Class(set) => write_class(set, &mut self.text),
            Node::Concat(nodes) => {
                for node in nodes {
                    if matches!(node, Node::Alternate(_)) {
                        self.wrapped("(?:", node, in_loop, covered)?;
                    } else {
                        self.node(node, in_loop, covered)?;
                    }
                }
            }
            Node::Alternate(nodes) => {
                for (index, node) in nodes.iter().enumerate() {
                    if index > 0 {
                        self.text.push('|');
                    }
                    if !matches!(node, Node::Empty) {
                        self.node(node, in_loop, covered)?;
                    }
                }
            }
            Node::Repeat { node: inner, min, max, kind } => {
                if *kind == Kind::Possessive {
                    let greedy = Node::Repeat { node: inner.clone(), min: *min, max: *max, kind: Kind::Greedy };
                    return self.atomic(&greedy, in_loop, covered);
                }
                self.wrapped("(?:", inner, in_loop || *max != Some(1), covered)?;
                self.quantifier(*min, *max, *kind);
            }
            Node::Group { number, node } => {
                self.engine_groups += 1;
                if let Some(slot) = self.slots.get_mut(*number) {
                    *slot = self.engine_groups;
                }
                self.wrapped("(", node, in_loop, covered)?;
            }
            Node::Atomic(inner) => self.atomic(inner, in_loop, covered)?,
            Node::Look { behind, negative, node: inner } => {
                self.look(node, *behind, *negative, inner, in_loop, covered)?
            }
            Node::Assert(assertion) if self.linear => self.linear_assertion(*assertion, in_loop, covered)?,
            Node::Assert(assertion) => self.text.push_str(&backtracking_assertion(*assertion)),
            Node::Reference { .. } if self.linear => return Err(Impossible),
            Node::Reference { group, ignore_case } => {
                let number = self.slots.get(*group).copied().unwrap_or(usize::MAX);
                if number == usize::MAX {
                    self.text.push_str("(?!)");
                } else {
                    let flag = if *ignore_case { "i" } else { "" };
                    let _ = write!(self.text, "(?{flag}:\\{number})");
                }
            }
        }
        Ok(())
    }

    fn wrapped(&mut self, open: &str, node: &Node, in_loop: bool, covered: bool) -> Result<(), Impossible> {
        if open == "(?:" && matches!(node, Node::Class(_) | Node::Group { .. }) {
            return self.node(node, in_loop, covered);
        }
        self.text.push_str(open);
        if !matches!(node, Node::Empty) {
            self.node(node, in_loop, covered)?;
        }
        self.text.push(')');
        Ok(())
    }

    fn quantifier(&mut self, min: u32, max: Option<u32>, kind: Kind) {
        let _ = match (min, max) {
            (0, None) => write!(self.text, "*"),
            (1, None) => write!(self.text, "+"),
            (0, Some(1)) => write!(self.text, "?"),
            (min, None) => write!(self.text, "{{{min},}}"),
            (min, Some(max)) if min == max => write!(self.text, "{{{min}}}"),
            (min, Some(max)) => write!(self.text, "{{{min},{max}}}"),
        };
        if kind == Kind::Lazy {
            self.text.push('?');
        }
    }

    fn atomic(&mut self, inner: &Node, in_loop: bool, covered: bool) -> Result<(), Impossible> {
        if !self.linear {
            return self.wrapped("(?>", inner, in_loop, covered);
        }
        if covered {
            return self.wrapped("(?:", inner, in_loop, covered);
        }
        if in_loop || captures_or_refers(inner) {
            return Err(Impossible);
        }
        self.check(Demand::Atomic(inner.clone()));
        self.wrapped("(", inner, in_loop, true)
    }

    fn look(
        &mut self,
        whole: &Node,
        behind: bool,
        negative: bool,
        inner: &Node,
        in_loop: bool,
        covered: bool,
    ) -> Result<(), Impossible> {
        if !self.linear {
            let open = match (behind, negative) {
                (false, false) => "(?=",
                (false, true) => "(?!",
                (true, false) => "(?<=",
                (true, true) => "(?<!",
            };
            return self.wrapped(open, inner, in_loop, covered);
        }
        if captures_or_refers(inner) {
            return Err(Impossible);
        }
        if covered {
            return Ok(());
        }
        if in_loop {
            return Err(Impossible);
        }
        self.check(match inner {
            Node::Class(set) => Demand::Beside { set: set.clone(), behind, negative },
            _ => Demand::Look(whole.clone()),
        });
        self.text.push_str("()");
        Ok(())
    }

    fn linear_assertion(&mut self, assertion: Assertion, in_loop: bool, covered: bool) -> Result<(), Impossible> {
        match assertion {
            Assertion::TextStart => self.text.push_str(r"\A"),
            Assertion::TextEnd => self.text.push_str(r"\z"),
            Assertion::LastLineEnd(_) => {
                self.conditions.no_final_line_end = true;
                self.text.push_str(r"\z");
            }
            Assertion::LineStart(lines) => {
                self.conditions.no_final_line_end = true;
                self.conditions.not_empty |= lines != Lines::Ruby;
                self.conditions.only_unix_lines |= lines == Lines::Java;
                self.text.push_str("(?m:^)");
            }
            Assertion::LineEnd(lines) => {
                self.conditions.only_unix_lines |= lines == Lines::Java;
                self.text.push_str("(?m:$)");
            }
            Assertion::WordBoundary { negative: false, unicode } => {
                self.text.push_str(if unicode { r"\b" } else { r"(?-u:\b)" });
            }
            Assertion::WordBoundary { negative: true, unicode: true } => self.text.push_str(r"\B"),
            // The engine's own would match within a character of several bytes.
            Assertion::WordBoundary { negative: true, unicode: false } => {
                let text = Node::Assert(assertion);
                let whole = Node::Look { behind: false, negative: false, node: Box::new(text) };
                if covered {
                    return Ok(());
                }
                if in_loop {
                    return Err(Impossible);
                }
                self.check(Demand::Look(whole));
                self.text.push_str("()");
            }
            Assertion::SearchStart => return Err(Impossible),
        }
        Ok(())
    }
}

fn captures_or_refers(node: &Node) -> bool {
    node.any(&|node| matches!(node, Node::Group { .. } | Node::Reference { .. } | Node::Assert(Assertion::SearchStart)))
}

fn backtracking_assertion(assertion: Assertion) -> String {
    match assertion {
        Assertion::TextStart => r"\A".into(),
        Assertion::TextEnd => r"\z".into(),
        Assertion::SearchStart => r"\G".into(),
        Assertion::LastLineEnd(Lines::Unix | Lines::Ruby) => r"(?=\n?\z)".into(),
        Assertion::LastLineEnd(Lines::Java) => {
            r"(?:(?=\r\n\z)|(?<!\r)(?=\n\z)|(?=[\r\x{85}\x{2028}\x{2029}]?\z))".into()
        }
        Assertion::LineStart(Lines::Ruby) => r"(?:\A|(?<=\n)(?!\z))".into(),
        Assertion::LineStart(Lines::Unix) => r"(?:(?:\A|(?<=\n))(?!\z))".into(),
        Assertion::LineStart(Lines::Java) => r"(?:(?:\A|(?<=[\n\x{85}\x{2028}\x{2029}])|(?<=\r)(?!\n))(?!\z))".into(),
        Assertion::LineEnd(Lines::Unix | Lines::Ruby) => r"(?=\n|\z)".into(),
        Assertion::LineEnd(Lines::Java) => r"(?:(?=[\r\x{85}\x{2028}\x{2029}]|\z)|(?<!\r)(?=\n))".into(),
        Assertion::WordBoundary { negative, unicode } => {
            let mut inside = String::new();
            let mut outside = String::new();
            write_class(&word(unicode), &mut inside);
            write_class(&negated(word(unicode)), &mut outside);
            let (after_word, after_other) = (format!("(?<={inside})"), format!("(?<!{inside})"));
            let (before_word, before_other) = (format!("(?={inside})"), format!("(?!{inside})"));
            if negative {
                format!("(?:{after_word}{before_word}|{after_other}{before_other})")
            } else {
                format!("(?:{after_word}{before_other}|{after_other}{before_word})")
            }
        }
    }
}

fn write_class(set: &ClassUnicode, out: &mut String) {
    let ranges = set.ranges();
    match ranges {
        [] => return out.push_str(r"[^\x{0}-\x{10FFFF}]"),
        [one] if one.start() == one.end() => return write_char(one.start(), out),
        [one] if one.start() == '\0' && one.end() == char::MAX => return out.push_str("(?s:.)"),
        _ => {}
    }
    let complement = negated(set.clone());
    let (negate, shorter) =
        if complement.ranges().len() < ranges.len() { (true, complement.ranges()) } else { (false, ranges) };
    out.push_str(if negate { "[^" } else { "[" });
    for range in shorter {
        write_char(range.start(), out);
        if range.start() != range.end() {
            out.push('-');
            write_char(range.end(), out);
        }
    }
    out.push(']');
}

fn write_char(c: char, out: &mut String) {
    if c.is_ascii_alphanumeric() {
        out.push(c);
    } else {
        let _ = write!(out, "\\x{{{:X}}}", c as u32);
    }
}
