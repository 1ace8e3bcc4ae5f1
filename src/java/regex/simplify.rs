//! Takes out of a tree what only a backtracking engine can do, wherever leaving it out cannot change any match.
//!
//! `[0-9]++ ` is `[0-9]+ `, because giving a digit back never helps to find the space; in `(?<![0-9])` behind a space
//! there is nothing to look for. Both follow from which characters can come next and which can have come before. Where that is
//! not enough to decide, the tree keeps the node.

use regex_syntax::hir::ClassUnicode;

use super::ast::{Assertion, Kind, Node, class, disjoint, full, line_ends};

/// What the rest of the pattern demands.
#[derive(Clone)]
pub(super) struct Follow {
    /// The characters that can come next, if there is one, when the rest matches.
    next: ClassUnicode,
    /// The rest always matches, so that nothing before it is ever tried again.
    sure: bool,
}

impl Follow {
    /// A pattern that may end anywhere.
    pub(super) fn anything() -> Self {
        Follow { next: full(), sure: true }
    }

    /// A pattern that must end where the text does.
    pub(super) fn text_end() -> Self {
        Follow { next: class(&[]), sure: false }
    }

    fn union(mut self, other: &Follow) -> Follow {
        self.next.union(&other.next);
        self.sure &= other.sure;
        self
    }
}

pub(super) fn simplify(node: Node, follow: Follow) -> Node {
    walk(node, &full(), &follow)
}

/// `before` holds the characters that can stand before the node, if there is one.
fn walk(node: Node, before: &ClassUnicode, follow: &Follow) -> Node {
    match node {
        Node::Concat(nodes) => {
            let mut follows = Vec::with_capacity(nodes.len());
            let mut next = follow.clone();
            for node in nodes.iter().rev() {
                follows.push(next.clone());
                next = first(node, &next);
            }
            let mut before = before.clone();
            let mut kept = Vec::with_capacity(nodes.len());
            for (node, follow) in nodes.into_iter().zip(follows.into_iter().rev()) {
                let node = walk(node, &before, &follow);
                before = last(&node, &before);
                if !matches!(node, Node::Empty) {
                    kept.push(node);
                }
            }
            Node::concat(kept)
        }
        Node::Alternate(nodes) => {
            // What comes after a branch that is not the last is not all that may be tried.
            let follow = Follow { next: follow.next.clone(), sure: follow.sure };
            Node::Alternate(nodes.into_iter().map(|node| walk(node, before, &follow)).collect())
        }
        Node::Repeat { node, min, max, kind } => {
            if kind == Kind::Possessive {
                let greedy = Node::Repeat { node: node.clone(), min, max, kind: Kind::Greedy };
                if never_gives_back(&greedy, follow) {
                    return walk(greedy, before, follow);
                }
                // Inside, as inside an atomic group.
                let (inner_before, inner_follow) = loop_surroundings(&node, max, before, &Follow::anything());
                let node = Box::new(walk(*node, &inner_before, &inner_follow));
                return Node::Repeat { node, min, max, kind };
            }
            let (inner_before, inner_follow) = loop_surroundings(&node, max, before, follow);
            let node = Box::new(walk(*node, &inner_before, &inner_follow));
            Node::Repeat { node, min, max, kind }
        }
        Node::Group { number, node } => Node::Group { number, node: Box::new(walk(*node, before, follow)) },
        Node::Atomic(node) => {
            if never_gives_back(&node, follow) {
                return walk(*node, before, follow);
            }
            Node::Atomic(Box::new(walk(*node, before, &Follow::anything())))
        }
        Node::Look { behind: false, negative: true, node } => {
            if disjoint(&first(&node, &Follow::anything()).next, &follow.next) {
                return Node::Empty;
            }
            Node::Look { behind: false, negative: true, node: Box::new(walk(*node, before, &Follow::anything())) }
        }
        Node::Look { behind: true, negative: true, node } => match &*node {
            Node::Class(set) if disjoint(set, before) => Node::Empty,
            _ => Node::Look { behind: true, negative: true, node },
        },
        Node::Look { behind: false, negative: false, node } => {
            Node::Look { behind: false, negative: false, node: Box::new(walk(*node, before, &Follow::anything())) }
        }
        other => other,
    }
}

fn loop_surroundings(node: &Node, max: Option<u32>, before: &ClassUnicode, follow: &Follow) -> (ClassUnicode, Follow) {
    if max == Some(1) {
        return (before.clone(), follow.clone());
    }
    let mut inner_before = before.clone();
    inner_before.union(&last(node, before));
    let mut inner_follow = first(node, follow).union(follow);
    inner_follow.sure = false;
    (inner_before, inner_follow)
}

/// What can come next where `node` begins and `follow` comes after it.
fn first(node: &Node, follow: &Follow) -> Follow {
    match node {
        Node::Empty => follow.clone(),
        Node::Class(set) => Follow { next: set.clone(), sure: false },
        Node::Concat(nodes) => nodes.iter().rev().fold(follow.clone(), |next, node| first(node, &next)),
        Node::Alternate(nodes) => {
            let start = Follow { next: class(&[]), sure: false };
            nodes.iter().fold(start, |all, node| all.union(&first(node, follow)))
        }
        Node::Repeat { node, min, max, .. } => {
            let (_, inner) = loop_surroundings_of_first(node, *max, follow);
            let once = first(node, &inner);
            if *min == 0 {
                let sure = follow.sure;
                let mut either = once.union(follow);
                either.sure = sure;
                either
            } else {
                once
            }
        }
        Node::Group { node, .. } | Node::Atomic(node) => first(node, follow),
        Node::Look { behind: false, negative, node } => {
            let mut next = follow.next.clone();
            match (&**node, negative) {
                (Node::Class(set), true) => next.difference(set),
                (Node::Class(set), false) => next.intersect(set),
                _ => {}
            }
            Follow { next, sure: false }
        }
        Node::Look { .. } | Node::Reference { .. } => {
            let next = if matches!(node, Node::Reference { .. }) { full() } else { follow.next.clone() };
            Follow { next, sure: false }
        }
        Node::Assert(Assertion::TextEnd) => Follow::text_end(),
        Node::Assert(Assertion::LastLineEnd(lines) | Assertion::LineEnd(lines)) => {
            let mut next = line_ends(*lines);
            next.intersect(&follow.next);
            Follow { next, sure: false }
        }
        Node::Assert(_) => Follow { next: follow.next.clone(), sure: false },
    }
}

/// The follow of a loop's body: itself again, or what comes after.
fn loop_surroundings_of_first(node: &Node, max: Option<u32>, follow: &Follow) -> ((), Follow) {
    if max == Some(1) || !node.nullable() {
        return ((), follow.clone());
    }
    // A body that can be empty lets its own beginning follow itself.
    ((), first(node, follow).union(follow))
}

/// What can stand before the place behind `node`, if there is a character.
fn last(node: &Node, before: &ClassUnicode) -> ClassUnicode {
    match node {
        Node::Empty | Node::Look { .. } => before.clone(),
        Node::Class(set) => set.clone(),
        Node::Concat(nodes) => nodes.iter().fold(before.clone(), |before, node| last(node, &before)),
        Node::Alternate(nodes) => {
            let mut all = class(&[]);
            for node in nodes {
                all.union(&last(node, before));
            }
            all
        }
        Node::Repeat { node, min, .. } => {
            let mut once = last(node, before);
            if node.nullable() {
                once.union(&last(node, &once));
            }
            if *min == 0 {
                once.union(before);
            }
            once
        }
        Node::Group { node, .. } | Node::Atomic(node) => last(node, before),
        Node::Assert(Assertion::TextStart) => class(&[]),
        Node::Assert(Assertion::LineStart(lines)) => {
            let mut ends = line_ends(*lines);
            ends.intersect(before);
            ends
        }
        Node::Assert(_) => before.clone(),
        Node::Reference { .. } => full(),
    }
}

/// Whether an atomic group around `node` changes nothing: it has one longest match of which every other is a beginning, and
/// what follows cannot begin with a character that it would give back.
fn never_gives_back(node: &Node, follow: &Follow) -> bool {
    if follow.sure || one_way(node) {
        return true;
    }
    let nothing = Follow { next: class(&[]), sure: false };
    deterministic(node, &nothing) && disjoint(&characters(node), &follow.next)
}

/// Whether there is at most one match from any place, as for two digits.
fn one_way(node: &Node) -> bool {
    match node {
        Node::Empty | Node::Class(_) => true,
        Node::Concat(nodes) => nodes.iter().all(one_way),
        Node::Repeat { node, min, max, .. } => Some(*min) == *max && one_way(node),
        Node::Group { node, .. } | Node::Atomic(node) => one_way(node),
        Node::Alternate(_) | Node::Look { .. } | Node::Assert(_) | Node::Reference { .. } => false,
    }
}

/// Whether the next character alone decides every choice in `node`, so that being greedy finds the longest match.
pub(super) fn deterministic(node: &Node, follow: &Follow) -> bool {
    match node {
        Node::Empty | Node::Class(_) => true,
        Node::Concat(nodes) => {
            let mut next = follow.clone();
            nodes.iter().rev().all(|node| {
                let decided = deterministic(node, &next);
                next = first(node, &next);
                decided
            })
        }
        Node::Alternate(nodes) => {
            let mut seen = class(&[]);
            nodes.iter().all(|node| {
                let begins = first(node, follow).next;
                let fresh = disjoint(&seen, &begins);
                seen.union(&begins);
                fresh && !node.nullable() && deterministic(node, follow)
            })
        }
        Node::Repeat { node, min, max, kind } => {
            let begins = first(node, follow);
            let fixed = Some(*min) == *max;
            *kind != Kind::Lazy
                && !node.nullable()
                && (fixed || disjoint(&begins.next, &follow.next))
                && deterministic(node, &begins.union(follow))
        }
        Node::Group { node, .. } | Node::Atomic(node) => deterministic(node, follow),
        Node::Look { .. } | Node::Assert(_) | Node::Reference { .. } => false,
    }
}

fn characters(node: &Node) -> ClassUnicode {
    match node {
        Node::Class(set) => set.clone(),
        Node::Reference { .. } => full(),
        Node::Look { .. } => class(&[]),
        _ => {
            let mut all = class(&[]);
            for child in node.children() {
                all.union(&characters(child));
            }
            all
        }
    }
}
