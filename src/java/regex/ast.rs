//! A regular expression as a tree: what [`super::parse`] reads from Java's or Oniguruma's syntax and [`super::emit`] writes for an engine.
//!
//! Flags are gone from it: case folding is in the classes, dots are classes, anchors say which lines they mean. A single
//! character is a class of one, so that every analysis has one case.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

#[derive(Clone, Debug)]
pub(super) enum Node {
    Empty,
    /// One character of a set.
    Class(ClassUnicode),
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    Repeat {
        node: Box<Node>,
        min: u32,
        max: Option<u32>,
        kind: Kind,
    },
    Group {
        number: usize,
        node: Box<Node>,
    },
    Atomic(Box<Node>),
    Look {
        behind: bool,
        negative: bool,
        node: Box<Node>,
    },
    Assert(Assertion),
    Reference {
        group: usize,
        ignore_case: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Greedy,
    Lazy,
    Possessive,
}

/// Which characters end a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    /// Only `\n` (Java's UNIX_LINES).
    Unix,
    /// Only `\n`, and a text of length 0 has a line (Oniguruma).
    Ruby,
    /// `\n`, `\r`, `\r\n` as one, U+0085, U+2028, U+2029.
    Java,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assertion {
    TextStart,
    TextEnd,
    /// `$` and `\Z` of Java: at the end, or before the line end that ends the text.
    LastLineEnd(Lines),
    /// At the start, or after a line end that does not end the text.
    LineStart(Lines),
    LineEnd(Lines),
    WordBoundary {
        negative: bool,
        unicode: bool,
    },
    /// `\G`: where the search began.
    SearchStart,
}

pub(super) fn class(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(ranges.iter().map(|(from, to)| ClassUnicodeRange::new(*from, *to)))
}

pub(super) fn single(c: char) -> ClassUnicode {
    class(&[(c, c)])
}

pub(super) fn negated(mut set: ClassUnicode) -> ClassUnicode {
    set.negate();
    set
}

pub(super) fn full() -> ClassUnicode {
    class(&[('\0', char::MAX)])
}

pub(super) fn disjoint(a: &ClassUnicode, b: &ClassUnicode) -> bool {
    let mut both = a.clone();
    both.intersect(b);
    both.ranges().is_empty()
}

pub(super) fn line_ends(lines: Lines) -> ClassUnicode {
    match lines {
        Lines::Unix | Lines::Ruby => single('\n'),
        Lines::Java => class(&[('\n', '\n'), ('\r', '\r'), ('\u{85}', '\u{85}'), ('\u{2028}', '\u{2029}')]),
    }
}

impl Node {
    pub(super) fn char(c: char) -> Node {
        Node::Class(single(c))
    }

    pub(super) fn concat(mut nodes: Vec<Node>) -> Node {
        match nodes.len() {
            0 => Node::Empty,
            1 => nodes.swap_remove(0),
            _ => Node::Concat(nodes),
        }
    }

    pub(super) fn children(&self) -> &[Node] {
        match self {
            Node::Concat(nodes) | Node::Alternate(nodes) => nodes,
            Node::Repeat { node, .. } | Node::Group { node, .. } | Node::Atomic(node) | Node::Look { node, .. } => {
                std::slice::from_ref(node)
            }
            Node::Empty | Node::Class(_) | Node::Assert(_) | Node::Reference { .. } => &[],
        }
    }

    /// Whether `test` holds for this node or one under it.
    pub(super) fn any(&self, test: &dyn Fn(&Node) -> bool) -> bool {
        test(self) || self.children().iter().any(|node| node.any(test))
    }

    /// Whether it can match without consuming a character.
    pub(super) fn nullable(&self) -> bool {
        match self {
            Node::Empty | Node::Look { .. } | Node::Assert(_) | Node::Reference { .. } => true,
            Node::Class(_) => false,
            Node::Concat(nodes) => nodes.iter().all(Node::nullable),
            Node::Alternate(nodes) => nodes.iter().any(Node::nullable),
            Node::Repeat { node, min, .. } => *min == 0 || node.nullable(),
            Node::Group { node, .. } | Node::Atomic(node) => node.nullable(),
        }
    }
}
