//! Runs an emitted pattern: the linear engine where it may decide, the backtracking one, with a step limit, where it must.

use std::sync::{Arc, OnceLock};

use memchr::memchr2;
use regex_automata::meta;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::ClassUnicode;

use super::Exhausted;
use super::ast::{Assertion, Node};
use super::emit::{self, Check, Conditions, Demand};
use super::simplify::{Follow, simplify};

/// Steps of the backtracking engine for one search. Fewer would refuse patterns that people use on long lines; more would let one
/// hostile line hold a worker for longer than some ten milliseconds.
const BACKTRACK_STEPS_MAX: usize = 200_000;
/// Memory that one compiled pattern may take. Grok's largest patterns take some 5 MB.
const AUTOMATON_BYTES_MAX: usize = 32 << 20;

/// Where a match must lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Anywhere from the start of the search on.
    Find,
    /// From exactly the start of the search on.
    Prefix,
    /// From the start of the text to its end.
    Full,
}

/// One pattern in one mode.
pub(super) struct Program {
    mode: Mode,
    node: Arc<Node>,
    groups: usize,
    linear: Option<Linear>,
    backtracking: OnceLock<Result<Backtracking, String>>,
}

struct Linear {
    regex: meta::Regex,
    slots: Vec<usize>,
    checks: Vec<(usize, Verify)>,
    conditions: Conditions,
    engine_groups: usize,
}

struct Backtracking {
    regex: fancy_regex::Regex,
    slots: Vec<usize>,
}

/// A [`Check`] made ready. Each holds less of the pattern than the program it belongs to, so that making them comes to an end.
enum Verify {
    Beside {
        set: ClassUnicode,
        behind: bool,
        negative: bool,
    },
    Ahead {
        program: Box<Program>,
        negative: bool,
    },
    /// What has no simpler form, as a whole.
    Place(Box<Backtracking>),
    Atomic(Box<Program>),
}

/// Memory for one search, to be used again for the next.
#[derive(Default)]
pub(super) struct Scratch {
    raw: Vec<Option<NonMaxUsize>>,
}

impl Program {
    pub(super) fn new(node: Arc<Node>, groups: usize, mode: Mode) -> Result<Program, String> {
        let node = match mode {
            Mode::Full => Arc::new(Node::Concat(vec![
                Node::Assert(Assertion::TextStart),
                Node::Concat(vec![(*node).clone()]),
                Node::Assert(Assertion::TextEnd),
            ])),
            Mode::Find | Mode::Prefix => node,
        };
        let simple = simplify((*node).clone(), Follow::anything());
        let linear = match emit::linear(&simple, groups) {
            Some(emitted) => Some(Linear::new(emitted)?),
            None => None,
        };
        let program = Program { mode, node: Arc::new(simple), groups, linear, backtracking: OnceLock::new() };
        if program.linear.is_none() {
            program.backtracking()?;
        }
        Ok(program)
    }

    fn backtracking(&self) -> Result<&Backtracking, String> {
        self.backtracking
            .get_or_init(|| Backtracking::new(&self.node, self.groups, self.mode))
            .as_ref()
            .map_err(Clone::clone)
    }

    /// Whether the linear engine decides all but odd texts.
    pub(super) fn is_linear(&self) -> bool {
        self.linear.is_some()
    }

    /// Searches from `from` on and puts the groups' places into `spans`.
    pub(super) fn captures(
        &self,
        text: &str,
        from: usize,
        scratch: &mut Scratch,
        spans: &mut Vec<Option<(usize, usize)>>,
    ) -> Result<bool, Exhausted> {
        spans.clear();
        if let Some(linear) = &self.linear
            && linear.conditions.hold(text)
        {
            match linear.captures(text, from, self.mode, scratch, spans)? {
                Decision::Match => return Ok(true),
                Decision::NoMatch => return Ok(false),
                Decision::Unsure => spans.clear(),
            }
        }
        let backtracking = self.backtracking().map_err(Exhausted)?;
        let found = backtracking.regex.captures_from_pos(text, from).map_err(|e| Exhausted(e.to_string()))?;
        let Some(captures) = found else { return Ok(false) };
        for slot in &backtracking.slots {
            let group = if *slot == usize::MAX { None } else { captures.get(*slot) };
            spans.push(group.map(|group| (group.start(), group.end())));
        }
        Ok(true)
    }

    /// The place of the next match from `from` on.
    pub(super) fn find(
        &self,
        text: &str,
        from: usize,
        scratch: &mut Scratch,
    ) -> Result<Option<(usize, usize)>, Exhausted> {
        if let Some(linear) = &self.linear
            && linear.conditions.hold(text)
        {
            if linear.checks.is_empty() {
                return Ok(linear
                    .regex
                    .search(&input(text, from, self.mode))
                    .map(|found| (found.start(), found.end())));
            }
            let mut spans = Vec::new();
            match linear.captures(text, from, self.mode, scratch, &mut spans)? {
                Decision::Match => return Ok(spans.first().copied().flatten()),
                Decision::NoMatch => return Ok(None),
                Decision::Unsure => {}
            }
        }
        let backtracking = self.backtracking().map_err(Exhausted)?;
        let found = backtracking.regex.find_from_pos(text, from).map_err(|e| Exhausted(e.to_string()))?;
        Ok(found.map(|found| (found.start(), found.end())))
    }
}

fn input(text: &str, from: usize, mode: Mode) -> Input<'_> {
    let anchored = if mode == Mode::Prefix { Anchored::Yes } else { Anchored::No };
    Input::new(text).span(from..text.len()).anchored(anchored)
}

enum Decision {
    Match,
    NoMatch,
    Unsure,
}

impl Linear {
    fn new(emitted: emit::Emitted) -> Result<Linear, String> {
        let config = meta::Config::new().nfa_size_limit(Some(AUTOMATON_BYTES_MAX));
        let regex = meta::Builder::new().configure(config).build(&emitted.text).map_err(|e| match e.size_limit() {
            Some(limit) => format!("the compiled pattern takes more than {limit} bytes"),
            None => e.to_string(),
        })?;
        let engine_groups = regex.group_info().group_len(regex_automata::PatternID::ZERO);
        let checks = emitted
            .checks
            .into_iter()
            .map(|Check { group, what }| Ok((group, Verify::new(what)?)))
            .collect::<Result<_, String>>()?;
        Ok(Linear { regex, slots: emitted.slots, checks, conditions: emitted.conditions, engine_groups })
    }

    fn captures(
        &self,
        text: &str,
        from: usize,
        mode: Mode,
        scratch: &mut Scratch,
        spans: &mut Vec<Option<(usize, usize)>>,
    ) -> Result<Decision, Exhausted> {
        scratch.raw.clear();
        scratch.raw.resize(self.engine_groups * 2, None);
        if self.regex.search_slots(&input(text, from, mode), &mut scratch.raw).is_none() {
            return Ok(Decision::NoMatch);
        }
        let place = |group: usize| {
            // A group that was simplified away has no number in the engine's pattern.
            let slot = group.checked_mul(2)?;
            let start = scratch.raw.get(slot).copied().flatten()?;
            let end = scratch.raw.get(slot + 1).copied().flatten()?;
            Some((start.get(), end.get()))
        };
        for (group, verify) in &self.checks {
            if let Some((start, end)) = place(*group)
                && !verify.holds(text, start, end)?
            {
                return Ok(Decision::Unsure);
            }
        }
        spans.extend(self.slots.iter().map(|slot| place(*slot)));
        Ok(Decision::Match)
    }
}

impl Conditions {
    fn hold(&self, text: &str) -> bool {
        if *self == Conditions::default() {
            return true;
        }
        if self.not_empty && text.is_empty() {
            return false;
        }
        if self.no_final_line_end && text.ends_with(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) {
            return false;
        }
        // U+0085 begins with C2, U+2028 and U+2029 with E2: rare enough to look for both.
        !self.only_unix_lines
            || (memchr2(b'\r', 0xC2, text.as_bytes()).is_none() && !text.contains(['\u{2028}', '\u{2029}']))
            || !text.contains(['\r', '\u{85}', '\u{2028}', '\u{2029}'])
    }
}

impl Verify {
    fn new(what: Demand) -> Result<Verify, String> {
        Ok(match what {
            Demand::Beside { set, behind, negative } => Verify::Beside { set, behind, negative },
            Demand::Look(Node::Look { behind: false, negative, node }) if !matches!(*node, Node::Assert(_)) => {
                Verify::Ahead { program: Box::new(Program::new(Arc::new(*node), 0, Mode::Prefix)?), negative }
            }
            Demand::Look(node) => Verify::Place(Box::new(Backtracking::new(&node, 0, Mode::Prefix)?)),
            Demand::Atomic(node) => Verify::Atomic(Box::new(Program::new(Arc::new(node), 0, Mode::Prefix)?)),
        })
    }

    fn holds(&self, text: &str, start: usize, end: usize) -> Result<bool, Exhausted> {
        match self {
            Verify::Beside { set, behind, negative } => {
                let neighbour = if *behind {
                    text.get(..start).and_then(|before| before.chars().next_back())
                } else {
                    text.get(start..).and_then(|after| after.chars().next())
                };
                let found = neighbour.is_some_and(|c| set.ranges().iter().any(|r| r.start() <= c && c <= r.end()));
                Ok(found != *negative)
            }
            Verify::Ahead { program, negative } => {
                Ok(program.find(text, start, &mut Scratch::default())?.is_some() != *negative)
            }
            Verify::Place(place) => {
                let found = place.regex.find_from_pos(text, start).map_err(|e| Exhausted(e.to_string()))?;
                Ok(found.is_some())
            }
            Verify::Atomic(program) => {
                Ok(program.find(text, start, &mut Scratch::default())?.is_some_and(|(_, found)| found == end))
            }
        }
    }
}

impl Backtracking {
    fn new(node: &Node, groups: usize, mode: Mode) -> Result<Backtracking, String> {
        let emitted = emit::backtracking(node, groups);
        let text = if mode == Mode::Prefix { format!(r"\G(?:{})", emitted.text) } else { emitted.text };
        let regex = fancy_regex::RegexBuilder::new(&text)
            .backtrack_limit(BACKTRACK_STEPS_MAX)
            .delegate_size_limit(AUTOMATON_BYTES_MAX)
            .build()
            .map_err(|e| e.to_string())?;
        Ok(Backtracking { regex, slots: emitted.slots })
    }
}
