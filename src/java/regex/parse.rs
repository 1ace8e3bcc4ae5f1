//! The text of a regular expression to its tree, in Java's syntax or in that of Oniguruma's Ruby dialect, in which grok is written.
//!
//! The order of decisions follows `java.util.regex.Pattern`, since several of its results follow from no rule: what is an
//! error there is one here, with its words. Bracket expressions are in [`super::brackets`], escapes in
//! [`super::escapes`].

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::ast::{Assertion, Kind, Lines, Node, class, full, line_ends, negated, single};
use super::escapes::Escape;
use super::{Fault, Flags};

/// Deep enough for any pattern that a person wrote; the tree is walked by recursion.
const NESTING_LEVELS_MAX: usize = 200;
const PATTERN_CHARS_MAX: usize = 1 << 17;
const REPEATS_MAX: u32 = 100_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Java,
    Oniguruma,
}

#[derive(Debug)]
pub(super) struct Parsed {
    pub node: Node,
    /// The number of capturing groups, the whole match not counted.
    pub groups: usize,
    pub names: Vec<(String, usize)>,
}

pub(super) fn parse(pattern: &str, flags: Flags, dialect: Dialect) -> Result<Parsed, Fault> {
    let symbols = symbols(pattern, flags, dialect);
    if symbols.len() > PATTERN_CHARS_MAX {
        return Err(Fault::new("Pattern too long", pattern, PATTERN_CHARS_MAX));
    }
    let mut parser = Parser {
        pattern,
        symbols,
        at: 0,
        flags,
        dialect,
        groups: 0,
        names: Vec::new(),
        open: Vec::new(),
        // Oniguruma numbers plain groups only when none has a name.
        capture_plain: dialect == Dialect::Java || !has_named_group(pattern),
        nesting_levels: 0,
    };
    let node = parser.alternation()?;
    if parser.peek().is_some() {
        return Err(parser.fault("Unmatched closing ')'"));
    }
    Ok(Parsed { node, groups: parser.groups, names: parser.names })
}

fn has_named_group(pattern: &str) -> bool {
    pattern.match_indices("(?<").any(|(at, _)| !matches!(pattern.as_bytes().get(at + 3), Some(b'=' | b'!')))
}

/// A character of the pattern; a quoted one (`\Q…\E`, the LITERAL flag) is never an operator.
#[derive(Clone, Copy)]
struct Symbol {
    c: char,
    quoted: bool,
}

fn symbols(pattern: &str, flags: Flags, dialect: Dialect) -> Vec<Symbol> {
    if flags.has(Flags::LITERAL) {
        return pattern.chars().map(|c| Symbol { c, quoted: true }).collect();
    }
    let mut found = Vec::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match (c, chars.peek().copied()) {
            ('\\', Some('E')) if quoted => {
                chars.next();
                quoted = false;
            }
            ('\\', Some('Q')) if !quoted && dialect == Dialect::Java => {
                chars.next();
                quoted = true;
            }
            ('\\', Some(next)) if !quoted => {
                chars.next();
                found.push(Symbol { c, quoted });
                found.push(Symbol { c: next, quoted });
            }
            _ => found.push(Symbol { c, quoted }),
        }
    }
    found
}

pub(super) struct Parser<'p> {
    pattern: &'p str,
    symbols: Vec<Symbol>,
    pub(super) at: usize,
    pub(super) flags: Flags,
    pub(super) dialect: Dialect,
    pub(super) groups: usize,
    pub(super) names: Vec<(String, usize)>,
    /// Numbers of the capturing groups that are being read.
    pub(super) open: Vec<usize>,
    pub(super) capture_plain: bool,
    nesting_levels: usize,
}

impl Parser<'_> {
    pub(super) fn fault(&self, what: impl Into<String>) -> Fault {
        Fault::new(what, self.pattern, self.at.saturating_sub(1))
    }

    /// The next character, if it is not quoted; comments and white space are stepped over in COMMENTS mode.
    pub(super) fn peek(&mut self) -> Option<char> {
        if self.flags.has(Flags::COMMENTS) {
            self.skip_comments();
        }
        self.symbols.get(self.at).map(|s| s.c)
    }

    fn skip_comments(&mut self) {
        while let Some(symbol) = self.symbols.get(self.at) {
            if symbol.quoted {
                return;
            }
            if matches!(symbol.c, ' ' | '\t'..='\r') {
                self.at += 1;
            } else if symbol.c == '#' {
                while self.symbols.get(self.at).is_some_and(|s| s.c != '\n') {
                    self.at += 1;
                }
            } else {
                return;
            }
        }
    }

    pub(super) fn quoted(&self) -> bool {
        self.symbols.get(self.at).is_some_and(|s| s.quoted)
    }

    /// Whether the next character is the operator `c`.
    pub(super) fn sees(&mut self, c: char) -> bool {
        self.peek() == Some(c) && !self.quoted()
    }

    pub(super) fn eat(&mut self, c: char) -> bool {
        let seen = self.sees(c);
        self.at += usize::from(seen);
        seen
    }

    pub(super) fn ahead(&self, by: usize) -> Option<char> {
        self.symbols.get(self.at + by).filter(|s| !s.quoted).map(|s| s.c)
    }

    /// The next character as it stands, white space too.
    pub(super) fn raw(&mut self) -> Option<char> {
        let c = self.symbols.get(self.at).map(|s| s.c);
        self.at += usize::from(c.is_some());
        c
    }

    pub(super) fn deeper(&mut self) -> Result<(), Fault> {
        self.nesting_levels += 1;
        if self.nesting_levels > NESTING_LEVELS_MAX {
            return Err(self.fault(format!("Nested more than {NESTING_LEVELS_MAX} levels deep")));
        }
        Ok(())
    }

    pub(super) fn shallower(&mut self) {
        self.nesting_levels -= 1;
    }

    pub(super) fn lines(&self) -> Lines {
        match self.dialect {
            Dialect::Oniguruma => Lines::Ruby,
            Dialect::Java if self.flags.has(Flags::UNIX_LINES) => Lines::Unix,
            Dialect::Java => Lines::Java,
        }
    }

    fn alternation(&mut self) -> Result<Node, Fault> {
        self.deeper()?;
        let mut branches = vec![self.sequence()?];
        while self.eat('|') {
            branches.push(self.sequence()?);
        }
        self.shallower();
        Ok(if branches.len() == 1 { branches.swap_remove(0) } else { Node::Alternate(branches) })
    }

    fn sequence(&mut self) -> Result<Node, Fault> {
        let mut nodes = Vec::new();
        while let Some(c) = self.peek() {
            let operator = !self.quoted();
            if operator && matches!(c, '|' | ')') {
                break;
            }
            let atom = match c {
                '(' if operator => match self.group()? {
                    Some(node) => node,
                    None => continue,
                },
                '*' | '+' | '?' if operator => {
                    self.at += 1;
                    return Err(self.fault(match self.dialect {
                        Dialect::Java => format!("Dangling meta character '{c}'"),
                        Dialect::Oniguruma => "target of repeat operator is not specified".into(),
                    }));
                }
                '{' if operator && self.dialect == Dialect::Java => Node::Empty,
                _ => self.atom(c, operator)?,
            };
            nodes.push(self.quantified(atom)?);
        }
        Ok(Node::concat(nodes))
    }

    fn atom(&mut self, c: char, operator: bool) -> Result<Node, Fault> {
        if !operator {
            self.at += 1;
            return Ok(Node::Class(self.folded(c, c)));
        }
        Ok(match c {
            '[' => {
                self.at += 1;
                Node::Class(self.brackets()?)
            }
            '.' => {
                self.at += 1;
                Node::Class(if self.flags.has(Flags::DOTALL) { full() } else { negated(line_ends(self.lines())) })
            }
            '^' => {
                self.at += 1;
                Node::Assert(if self.dialect == Dialect::Oniguruma || self.flags.has(Flags::MULTILINE) {
                    Assertion::LineStart(self.lines())
                } else {
                    Assertion::TextStart
                })
            }
            '$' => {
                self.at += 1;
                Node::Assert(if self.dialect == Dialect::Oniguruma || self.flags.has(Flags::MULTILINE) {
                    Assertion::LineEnd(self.lines())
                } else {
                    Assertion::LastLineEnd(self.lines())
                })
            }
            '\\' => {
                self.at += 1;
                match self.escape(false)? {
                    Escape::Char(c) => Node::Class(self.folded(c, c)),
                    Escape::Set(set) => Node::Class(set),
                    Escape::Node(node) => node,
                }
            }
            _ => {
                self.at += 1;
                Node::Class(self.folded(c, c))
            }
        })
    }

    /// The set of a character or a range under the case flags.
    pub(super) fn folded(&self, from: char, to: char) -> ClassUnicode {
        let mut set = class(&[(from, to)]);
        if !self.flags.has(Flags::CASE_INSENSITIVE) {
            return set;
        }
        if self.dialect == Dialect::Oniguruma || self.flags.has(Flags::UNICODE_CASE) {
            set.case_fold_simple();
            return set;
        }
        for (low, high) in [('a', 'z'), ('A', 'Z')] {
            let (start, end) = (from.max(low), to.min(high));
            if start <= end {
                let swap = |c: char| char::from(c as u8 ^ 0x20);
                set.push(ClassUnicodeRange::new(swap(start), swap(end)));
            }
        }
        set
    }

    /// A group, or `None` for flags that hold from here on.
    fn group(&mut self) -> Result<Option<Node>, Fault> {
        self.at += 1;
        let saved = self.flags;
        let node = if self.ahead(0) == Some('?') {
            self.at += 1;
            match self.raw() {
                Some(':') => self.alternation()?,
                Some('=') => Node::Look { behind: false, negative: false, node: Box::new(self.alternation()?) },
                Some('!') => Node::Look { behind: false, negative: true, node: Box::new(self.alternation()?) },
                Some('>') => Node::Atomic(Box::new(self.alternation()?)),
                Some('#') if self.dialect == Dialect::Oniguruma => {
                    while self.ahead(0).is_some_and(|c| c != ')') {
                        self.at += 1;
                    }
                    Node::Empty
                }
                Some('<') => match self.ahead(0) {
                    Some(c @ ('=' | '!')) => {
                        self.at += 1;
                        Node::Look { behind: true, negative: c == '!', node: Box::new(self.alternation()?) }
                    }
                    _ => self.named_group()?,
                },
                Some(c) => {
                    self.at -= 1;
                    if self.inline_flags(c)? {
                        return Ok(None);
                    }
                    self.alternation()?
                }
                None => return Err(self.fault("Unknown inline modifier")),
            }
        } else if self.capture_plain {
            self.groups += 1;
            self.captured(self.groups)?
        } else {
            self.alternation()?
        };
        self.flags = saved;
        if !self.eat(')') {
            self.at += 1;
            return Err(self.fault("Unclosed group"));
        }
        if let Node::Look { behind: true, node, .. } = &node
            && self.dialect == Dialect::Java
            && unbounded(node)
        {
            return Err(self.fault("Look-behind group does not have an obvious maximum length"));
        }
        Ok(Some(node))
    }

    fn captured(&mut self, number: usize) -> Result<Node, Fault> {
        self.open.push(number);
        let node = Box::new(self.alternation()?);
        self.open.pop();
        Ok(Node::Group { number, node })
    }

    fn named_group(&mut self) -> Result<Node, Fault> {
        let name = self.group_name()?;
        if self.dialect == Dialect::Java && self.names.iter().any(|(known, _)| *known == name) {
            return Err(self.fault(format!("Named capturing group <{name}> is already defined")));
        }
        self.groups += 1;
        self.names.push((name, self.groups));
        self.captured(self.groups)
    }

    pub(super) fn group_name(&mut self) -> Result<String, Fault> {
        let mut name = String::new();
        loop {
            match self.raw() {
                Some('>') => break,
                Some(c) if self.dialect == Dialect::Oniguruma && !matches!(c, ')' | '(') => name.push(c),
                Some(c) if name.is_empty() && !c.is_ascii_alphabetic() => {
                    return Err(self.fault("capturing group name does not start with a Latin letter"));
                }
                Some(c) if c.is_ascii_alphanumeric() => name.push(c),
                _ => return Err(self.fault("named capturing group is missing trailing '>'")),
            }
        }
        if name.is_empty() {
            return Err(self.fault("capturing group name does not start with a Latin letter"));
        }
        Ok(name)
    }

    /// Reads `imsx-d)` or `imsx-d:`; true when the flags hold for the rest of the enclosing group.
    fn inline_flags(&mut self, first: char) -> Result<bool, Fault> {
        let mut on = true;
        let mut next = first;
        let mut flags = self.flags;
        loop {
            self.at += 1;
            let flag = match (next, self.dialect) {
                ('-', _) if on => {
                    on = false;
                    None
                }
                (')', _) => {
                    self.flags = flags;
                    return Ok(true);
                }
                (':', _) => {
                    self.flags = flags;
                    return Ok(false);
                }
                ('i', _) => Some(Flags::CASE_INSENSITIVE),
                ('x', _) => Some(Flags::COMMENTS),
                ('m', Dialect::Oniguruma) => Some(Flags::DOTALL),
                ('m', Dialect::Java) => Some(Flags::MULTILINE),
                ('s', Dialect::Java) => Some(Flags::DOTALL),
                ('d', Dialect::Java) => Some(Flags::UNIX_LINES),
                ('u', Dialect::Java) => Some(Flags::UNICODE_CASE),
                ('U', Dialect::Java) => Some(Flags::UNICODE_CHARACTER_CLASS | Flags::UNICODE_CASE),
                _ => {
                    return Err(self.fault(match self.dialect {
                        Dialect::Java if on => "Unknown inline modifier",
                        Dialect::Java => "Unknown flag",
                        Dialect::Oniguruma => "undefined group option",
                    }));
                }
            };
            if let Some(flag) = flag {
                flags = if on { flags | flag } else { flags.without(flag) };
            }
            next = match self.ahead(0) {
                Some(c) => c,
                None => return Err(self.fault("Unknown inline modifier")),
            };
        }
    }

    fn quantified(&mut self, mut node: Node) -> Result<Node, Fault> {
        loop {
            let Some(c) = self.peek() else { return Ok(node) };
            if self.quoted() {
                return Ok(node);
            }
            let (min, max) = match c {
                '*' => (0, None),
                '+' => (1, None),
                '?' => (0, Some(1)),
                '{' => match self.interval()? {
                    Some(bounds) => bounds,
                    None => return Ok(node),
                },
                _ => return Ok(node),
            };
            self.at += 1;
            let interval = c == '{';
            let kind = match (self.dialect, self.ahead(0)) {
                // Ruby's `{n}?` is an optional group, and `+` after an interval repeats it.
                (Dialect::Oniguruma, Some('?')) if interval && Some(min) == max => Kind::Greedy,
                (Dialect::Oniguruma, Some('+')) if interval => Kind::Greedy,
                (_, Some('?')) => {
                    self.at += 1;
                    Kind::Lazy
                }
                (_, Some('+')) => {
                    self.at += 1;
                    Kind::Possessive
                }
                _ => Kind::Greedy,
            };
            node = Node::Repeat { node: Box::new(node), min, max, kind };
            // In Java a second `*` dangles and a second interval repeats nothing.
            if self.dialect == Dialect::Java {
                return Ok(node);
            }
            self.deeper_chain(&node)?;
        }
    }

    /// A chain of quantifiers nests as deep as it is long.
    fn deeper_chain(&self, node: &Node) -> Result<(), Fault> {
        let mut levels = 0;
        let mut inner = node;
        while let Node::Repeat { node, .. } = inner {
            levels += 1;
            inner = node;
        }
        if levels > 8 { Err(self.fault("More than 8 quantifiers in a row")) } else { Ok(()) }
    }

    /// `{n}`, `{n,}`, `{n,m}`, up to but without the brace that closes it.
    fn interval(&mut self) -> Result<Option<(u32, Option<u32>)>, Fault> {
        let start = self.at;
        self.at += 1;
        let lower = self.number()?;
        let bounds = match (lower, self.ahead(0)) {
            (Some(min), Some('}')) => Some((min, Some(min))),
            (lower, Some(',')) => {
                self.at += 1;
                let upper = self.number()?;
                match (lower, upper, self.ahead(0)) {
                    (Some(min), upper, Some('}')) => Some((min, upper)),
                    (None, Some(max), Some('}')) if self.dialect == Dialect::Oniguruma => Some((0, Some(max))),
                    _ => None,
                }
            }
            _ => None,
        };
        match (bounds, self.dialect) {
            (Some((min, Some(max))), _) if max < min => {
                self.at += 1;
                Err(self.fault("Illegal repetition range"))
            }
            (Some(bounds), _) => Ok(Some(bounds)),
            (None, Dialect::Java) if lower.is_none() => {
                self.at = start + 1;
                Err(self.fault("Illegal repetition"))
            }
            (None, Dialect::Java) => {
                self.at += 1;
                Err(self.fault("Unclosed counted closure"))
            }
            (None, Dialect::Oniguruma) => {
                // Not an interval: the brace is itself.
                self.at = start;
                if self.literal_brace() { Ok(None) } else { Err(self.fault("Illegal repetition")) }
            }
        }
    }

    /// Marks the brace at the cursor as an ordinary character.
    fn literal_brace(&mut self) -> bool {
        match self.symbols.get_mut(self.at) {
            Some(symbol) => {
                symbol.quoted = true;
                true
            }
            None => false,
        }
    }

    fn number(&mut self) -> Result<Option<u32>, Fault> {
        let mut value: Option<u32> = None;
        while let Some(digit) = self.ahead(0).and_then(|c| c.to_digit(10)) {
            let next = value.unwrap_or(0) * 10 + digit;
            if next > REPEATS_MAX {
                return Err(self.fault("Illegal repetition range"));
            }
            value = Some(next);
            self.at += 1;
        }
        Ok(value)
    }

    pub(super) fn literal(&self, c: char) -> ClassUnicode {
        if self.flags.has(Flags::CASE_INSENSITIVE) { self.folded(c, c) } else { single(c) }
    }
}

/// Whether Java finds no greatest length for what is looked for behind.
fn unbounded(node: &Node) -> bool {
    node.any(&|node| matches!(node, Node::Repeat { max: None, .. } | Node::Reference { .. }))
}
