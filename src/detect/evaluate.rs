//! One event against a rule set: collect, route, look up, decide.
//!
//! The event is walked once along the keys that rules name; each value found is looked up once in its field's index; what is hit wakes
//! rules, and only those are decided. Everything an event needs lies in a [`Scratch`] that is used again for the next, and "not
//! yet known in this event" is a number that is raised with each event, so nothing is cleared and nothing is allocated once the buffers have grown.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::expr::{Expr, ItemId};
use super::fields::{Fields, NodeId};
use super::fold::{Number, fold_into, text_of};
use super::index::SURE;
use super::item::{FieldId, KEYWORDS, Test};
use super::parts::Parts;
use super::probe::{Subject, holds, stands};
use super::rules::{CompiledItem, RuleId, RuleSet};
use super::source::{Given, Source};
use crate::event::{Arena, Object, Value};

/// Deeper levels are not looked at: a document that ties a knot must end somewhere.
const NESTING_LEVELS_MAX: usize = 64;
/// Routes remembered; past it they are forgotten and made anew.
const ROUTES_MAX: usize = 1024;

/// A rule that an event matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleMatch {
    pub rule: RuleId,
}

/// How an event's log source is found.
#[derive(Clone, Copy, Debug)]
pub enum Routing<'g> {
    /// By the event itself.
    Event,
    /// By what is given, completed by the event itself; with nothing given, every rule sees the event.
    Given(Given<'g>),
    /// Every rule sees the event.
    Open,
}

/// What is kept between events. Belongs to one rule set: another one's needs another scratch.
pub struct Scratch {
    epoch: u32,
    /// Per item: `epoch << 1 | truth`, 0 for never known.
    items: Vec<u32>,
    /// Per rule: the epoch in which it was woken.
    woken: Vec<u32>,
    /// Per test: the last value on which it failed.
    failed: Vec<u32>,
    /// Values looked up since `failed` was made.
    value: u32,
    fields: Vec<Found>,
    /// Fields of this event.
    present: Vec<FieldId>,
    entries: Vec<Entry<'static>>,
    folded: String,
    candidates: Vec<RuleId>,
    matches: Vec<RuleMatch>,
    routes: FxHashMap<Source, Arc<Route>>,
    /// Rules decided since the start, for `--stats` and metrics.
    pub decided: u64,
}

/// What the event has of a field.
#[derive(Clone, Copy, Default)]
struct Found {
    epoch: u32,
    rank: u32,
    /// Places in the event that gave a value: more than one when the path crosses a list.
    places: u32,
    first: u32,
    last: u32,
    /// The one value is null.
    null: bool,
}

const END: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Entry<'a> {
    value: Value<'a>,
    text: Option<&'a str>,
    /// Where the folded text lies; `END` as long as nobody asked.
    folded: (u32, u32),
    next: u32,
}

/// What a log source leaves to be done.
pub struct Route {
    groups: Vec<bool>,
    fields: Vec<bool>,
    /// Rules that can be true with nothing hit.
    always: Vec<RuleId>,
    /// For each log source with keywords, what says that an event has none of them.
    keywords: Vec<Arc<KeywordFilter>>,
}

/// Past this many log sources with keywords an event is searched for all at once.
const KEYWORD_FILTERS_MAX: usize = 4;

/// Texts of which an event must contain one before it is searched for keywords in earnest.
pub struct KeywordFilter {
    /// `None`: there are keywords that no text stands for.
    pub parts: Option<Parts>,
}

impl Scratch {
    pub fn new(rules: &RuleSet) -> Scratch {
        Scratch {
            epoch: 0,
            items: vec![0; rules.items.len()],
            woken: vec![0; rules.rules.len()],
            failed: vec![0; rules.tests],
            value: 0,
            fields: vec![Found::default(); rules.fields.len()],
            present: Vec::new(),
            entries: Vec::new(),
            folded: String::new(),
            candidates: Vec::new(),
            matches: Vec::new(),
            routes: FxHashMap::default(),
            decided: 0,
        }
    }

    fn next_event(&mut self) {
        self.epoch += 1;
        if self.epoch > u32::MAX >> 1 {
            self.epoch = 1;
            self.items.fill(0);
            self.woken.fill(0);
            self.fields.fill(Found::default());
        }
        self.present.clear();
        self.folded.clear();
        self.candidates.clear();
        self.matches.clear();
    }
}

impl Scratch {
    fn next_value(&mut self) {
        self.value = self.value.wrapping_add(1);
        if self.value == 0 {
            self.failed.fill(0);
            self.value = 1;
        }
    }

    /// The folded texts, and what hits change.
    fn waking<'w>(&'w mut self, set: &'w RuleSet, route: &'w Route) -> (&'w str, Waking<'w>) {
        let waking = Waking {
            set,
            route,
            epoch: self.epoch,
            value: self.value,
            items: &mut self.items,
            woken: &mut self.woken,
            failed: &mut self.failed,
            candidates: &mut self.candidates,
        };
        (&self.folded, waking)
    }
}

/// The same vector, empty, for values of another lifetime.
fn recycle<'b>(entries: Vec<Entry<'_>>) -> Vec<Entry<'b>> {
    entries.into_iter().filter_map(|_| None).collect()
}

impl RuleSet {
    /// The rules that an event matches, in the order of the set.
    pub fn evaluate<'s>(&self, scratch: &'s mut Scratch, event: &Object<'_>, routing: &Routing<'_>) -> &'s [RuleMatch] {
        scratch.next_event();
        let entries = recycle(std::mem::take(&mut scratch.entries));
        let mut run = Run { set: self, arena: event.arena(), event, scratch, entries };
        run.collect(Fields::ROOT, event, 0);
        let source = run.source(routing);
        let route = run.route(source);
        run.look_up(&route);
        run.decide(&route);
        let entries = recycle(std::mem::take(&mut run.entries));
        scratch.entries = entries;
        scratch.matches.sort_unstable();
        &scratch.matches
    }

    fn make_route(&self, source: &Source) -> Route {
        let groups: Vec<bool> = (0..self.sources.groups()).map(|group| self.sources.fits(group, source)).collect();
        let mut fields = vec![false; self.fields.len()];
        let mut always = Vec::new();
        let mut keywords = Vec::new();
        for (group, _) in groups.iter().enumerate().filter(|(_, fits)| **fits) {
            let Some(group) = self.groups.get(group) else { continue };
            for field in &group.indexed_fields {
                if let Some(slot) = fields.get_mut(*field as usize) {
                    *slot = true;
                }
            }
            always.extend_from_slice(&group.always);
            keywords.extend(group.keywords.clone());
        }
        Route { groups, fields, always, keywords }
    }
}

struct Run<'r, 's, 'e, 'a> {
    set: &'r RuleSet,
    arena: &'a Arena,
    event: &'e Object<'a>,
    scratch: &'s mut Scratch,
    entries: Vec<Entry<'a>>,
}

impl<'a> Run<'_, '_, '_, 'a> {
    /// Notes the values of all fields that rules or recognisers name.
    fn collect(&mut self, node: NodeId, object: &Object<'a>, depth: usize) {
        let set = self.set;
        for (key, value) in object.iter() {
            if !key.symbol.is_some() {
                continue;
            }
            let Some((id, node)) = set.fields.step(node, key.symbol) else { continue };
            for (field, rank) in &node.ends {
                self.found(*field, *rank, value);
            }
            if node.inner && depth < NESTING_LEVELS_MAX {
                self.descend(id, value, depth + 1);
            }
        }
    }

    fn descend(&mut self, node: NodeId, value: Value<'a>, depth: usize) {
        match value {
            Value::Object(object) => self.collect(node, object, depth),
            Value::List(list) if depth < NESTING_LEVELS_MAX => {
                list.iter().for_each(|element| self.descend(node, element, depth + 1));
            }
            _ => {}
        }
    }

    fn found(&mut self, field: FieldId, rank: u32, value: Value<'a>) {
        let epoch = self.scratch.epoch;
        let Some(found) = self.scratch.fields.get_mut(field as usize) else { return };
        if found.epoch != epoch {
            self.scratch.present.push(field);
        } else if rank > found.rank {
            return;
        }
        if found.epoch != epoch || rank < found.rank {
            *found = Found { epoch, rank, places: 0, first: END, last: END, null: value.is_null() };
        }
        found.places += 1;
        found.null &= found.places == 1;
        self.add(field, value, 0);
    }

    /// Appends a value to a field, a list's elements one by one.
    fn add(&mut self, field: FieldId, value: Value<'a>, depth: usize) {
        if let Value::List(list) = value {
            if depth < NESTING_LEVELS_MAX {
                list.iter().for_each(|element| self.add(field, element, depth + 1));
            }
            return;
        }
        let number = self.entries.len() as u32;
        self.entries.push(Entry { value, text: text_of(&value, self.arena), folded: (END, END), next: END });
        let Some(found) = self.scratch.fields.get_mut(field as usize) else { return };
        match self.entries.get_mut(found.last as usize) {
            Some(last) => last.next = number,
            None => found.first = number,
        }
        found.last = number;
    }

    /// All texts of the event as the values of the field for keywords.
    fn collect_keywords(&mut self) {
        let epoch = self.scratch.epoch;
        if let Some(found) = self.scratch.fields.get_mut(KEYWORDS as usize)
            && found.epoch != epoch
        {
            *found = Found { epoch, first: END, last: END, ..Found::default() };
            self.keywords_of(self.event, 0);
        }
    }

    fn keywords_of(&mut self, object: &Object<'a>, depth: usize) {
        for (_, value) in object.iter() {
            self.keywords_in(value, depth);
        }
    }

    fn keywords_in(&mut self, value: Value<'a>, depth: usize) {
        match value {
            Value::Null => {}
            Value::Object(object) if depth < NESTING_LEVELS_MAX => self.keywords_of(object, depth + 1),
            Value::List(list) if depth < NESTING_LEVELS_MAX => {
                list.iter().for_each(|element| self.keywords_in(element, depth + 1));
            }
            Value::Object(_) | Value::List(_) => {}
            scalar => self.add(KEYWORDS, scalar, 0),
        }
    }

    fn may_have_keywords(&mut self, filters: &[Arc<KeywordFilter>]) -> bool {
        let shortest = |filter: &Arc<KeywordFilter>| filter.parts.as_ref().map_or(0, Parts::shortest);
        let shortest = filters.iter().map(shortest).min().unwrap_or(0);
        if shortest == 0 || filters.len() > KEYWORD_FILTERS_MAX {
            return true;
        }
        self.any_text(self.event, shortest, filters, 0)
    }

    fn any_text(&mut self, object: &Object<'a>, shortest: usize, filters: &[Arc<KeywordFilter>], depth: usize) -> bool {
        object.iter().any(|(_, value)| self.text_in(value, shortest, filters, depth))
    }

    fn text_in(&mut self, value: Value<'a>, shortest: usize, filters: &[Arc<KeywordFilter>], depth: usize) -> bool {
        let text = match value {
            Value::Object(object) => {
                return depth < NESTING_LEVELS_MAX && self.any_text(object, shortest, filters, depth + 1);
            }
            Value::List(list) => {
                return depth < NESTING_LEVELS_MAX
                    && list.iter().any(|element| self.text_in(element, shortest, filters, depth + 1));
            }
            Value::Str(text) | Value::Number(text) => text,
            scalar => text_of(&scalar, self.arena).unwrap_or(""),
        };
        // Folding may change the length of what is not ASCII, by no more than to a third.
        if text.len() < shortest && (text.is_ascii() || text.len() * 3 < shortest) {
            return false;
        }
        // Folded aside and dropped again: fields fold their own values.
        let from = self.scratch.folded.len();
        fold_into(text, &mut self.scratch.folded);
        let folded = self.scratch.folded.get(from..).unwrap_or_default().as_bytes();
        let mut found = false;
        for parts in filters.iter().filter_map(|filter| filter.parts.as_ref()) {
            parts.find(folded, |_| {
                found = true;
                true
            });
        }
        self.scratch.folded.truncate(from);
        found
    }

    fn source(&mut self, routing: &Routing<'_>) -> Source {
        match routing {
            Routing::Open => Source::OPEN,
            Routing::Given(given) => {
                let shown = self.recognise();
                self.set.sources.complete(self.set.sources.given(given), shown)
            }
            Routing::Event => self.recognise(),
        }
    }

    fn recognise(&mut self) -> Source {
        let mut at = 0;
        while let Some(field) = self.scratch.present.get(at).copied() {
            at += 1;
            if self.set.sources.looks_at(field)
                && let Some(first) = self.first(field)
            {
                self.fold(first);
            }
        }
        let this = &*self;
        let value = |field| this.first(field).and_then(|first| this.folded(first));
        this.set.sources.recognise(&this.scratch.present, value)
    }

    fn route(&mut self, source: Source) -> Arc<Route> {
        if let Some(route) = self.scratch.routes.get(&source) {
            return Arc::clone(route);
        }
        if self.scratch.routes.len() >= ROUTES_MAX {
            self.scratch.routes.clear();
        }
        let route = Arc::new(self.set.make_route(&source));
        self.scratch.routes.insert(source, Arc::clone(&route));
        route
    }

    /// The first entry of a field that this event has.
    fn first(&self, field: FieldId) -> Option<u32> {
        self.scratch
            .fields
            .get(field as usize)
            .filter(|found| found.epoch == self.scratch.epoch && found.first != END)
            .map(|found| found.first)
    }

    fn fold(&mut self, number: u32) {
        let Some(entry) = self.entries.get_mut(number as usize) else { return };
        if entry.folded.0 == END
            && let Some(text) = entry.text
        {
            let from = self.scratch.folded.len() as u32;
            fold_into(text, &mut self.scratch.folded);
            entry.folded = (from, self.scratch.folded.len() as u32);
        }
    }

    fn folded(&self, number: u32) -> Option<&str> {
        let (from, to) = self.entries.get(number as usize)?.folded;
        self.scratch.folded.get(from as usize..to as usize)
    }

    /// Runs the values of every field that the route needs through the field's index.
    fn look_up(&mut self, route: &Route) {
        if route.fields.first() == Some(&true) && self.may_have_keywords(&route.keywords) {
            self.collect_keywords();
            self.scratch.present.push(KEYWORDS);
        }
        let set = self.set;
        let mut at = 0;
        while let Some(field) = self.scratch.present.get(at).copied() {
            at += 1;
            if route.fields.get(field as usize) != Some(&true) {
                continue;
            }
            let Some(index) = set.indexes.get(field as usize) else { continue };
            let mut next = self.first(field);
            while let Some(number) = next {
                if index.has_texts() {
                    self.fold(number);
                }
                let Some(entry) = self.entries.get(number as usize).copied() else { break };
                if index.has_texts() && entry.text.is_some() {
                    self.scratch.next_value();
                    let (folded, mut waking) = self.scratch.waking(set, route);
                    if let Some(folded) = folded.get(entry.folded.0 as usize..entry.folded.1 as usize) {
                        let subject = Subject { value: &entry.value, text: entry.text, folded: Some(folded) };
                        index.text(folded, &mut |hit| waking.hit(hit.item, hit.test, &subject));
                    }
                }
                if index.has_numbers()
                    && let Some(n) = Number::of(&entry.value)
                {
                    let (_, mut waking) = self.scratch.waking(set, route);
                    index.number(n, &mut |hit| waking.hit_sure(hit.item));
                }
                for hit in index.always() {
                    if !self.known(hit.item) && self.tries(hit.item, hit.test, number) {
                        self.scratch.waking(set, route).1.hit_sure(hit.item);
                    }
                }
                next = Some(entry.next).filter(|next| *next != END);
            }
            for item in index.whole() {
                if self.truth(*item) {
                    self.scratch.waking(set, route).1.wake(*item);
                }
            }
        }
    }

    fn known(&self, item: ItemId) -> bool {
        self.scratch.items.get(item as usize).is_some_and(|state| state >> 1 == self.scratch.epoch)
    }

    /// Tries one test of an item on one value.
    fn tries(&mut self, item: ItemId, test: u32, number: u32) -> bool {
        self.fold(number);
        let set = self.set;
        let (Some(item), Some(entry)) = (set.items.get(item as usize), self.entries.get(number as usize)) else {
            return false;
        };
        let entry = *entry;
        let Some(test) = item.tests.get(test as usize) else { return false };
        self.fold_field_of(test);
        let subject = Subject { value: &entry.value, text: entry.text, folded: self.folded(number) };
        holds(test, &subject, &|test| self.refers(test, &subject))
    }

    fn decide(&mut self, route: &Route) {
        let set = self.set;
        for rule in &route.always {
            self.decide_rule(set, *rule);
        }
        let mut at = 0;
        while let Some(rule) = self.scratch.candidates.get(at).copied() {
            at += 1;
            self.decide_rule(set, rule);
        }
    }

    fn decide_rule(&mut self, set: &RuleSet, rule: RuleId) {
        self.scratch.decided += 1;
        if let Some(compiled) = set.rules.get(rule as usize)
            && self.eval(&compiled.expr)
        {
            self.scratch.matches.push(RuleMatch { rule });
        }
    }

    fn eval(&mut self, expr: &Expr) -> bool {
        expr.eval(&mut |item| self.truth(item))
    }

    /// Whether an item is true of this event, found out once.
    fn truth(&mut self, number: ItemId) -> bool {
        let epoch = self.scratch.epoch;
        let Some(state) = self.scratch.items.get(number as usize).copied() else { return false };
        if state >> 1 == epoch {
            return state & 1 == 1;
        }
        let set = self.set;
        let Some(item) = set.items.get(number as usize) else { return false };
        // The index has been asked about every value of the field: no hit is an answer.
        let truth = !item.indexed && self.find_out(item);
        if let Some(state) = self.scratch.items.get_mut(number as usize) {
            *state = epoch << 1 | u32::from(truth);
        }
        truth
    }

    fn find_out(&mut self, item: &CompiledItem) -> bool {
        if item.field == KEYWORDS {
            self.collect_keywords();
        }
        let found = self.scratch.fields.get(item.field as usize).copied().unwrap_or_default();
        let present = found.epoch == self.scratch.epoch;
        let mut any = false;
        for test in &item.tests {
            match test {
                Test::Null => any |= !present || found.null,
                Test::Exists(expected) => any |= present == *expected,
                Test::FieldRef { .. } if present => self.fold_field_of(test),
                _ => {}
            }
        }
        if !present {
            return any && !item.negated;
        }
        let mut next = Some(found.first).filter(|first| *first != END);
        while let Some(number) = next
            && !any
        {
            self.fold(number);
            let Some(entry) = self.entries.get(number as usize).copied() else { break };
            let subject = Subject { value: &entry.value, text: entry.text, folded: self.folded(number) };
            any = item.probes.any(&item.tests, &subject, &|test| self.refers(test, &subject));
            next = Some(entry.next).filter(|next| *next != END);
        }
        // Two fields that are both null are the same.
        any |= found.null && item.tests.iter().any(|test| self.both_null(test));
        any != item.negated
    }

    fn fold_field_of(&mut self, test: &Test) {
        let Test::FieldRef { field, .. } = test else { return };
        let mut next = self.first(*field);
        while let Some(number) = next {
            self.fold(number);
            next = self.entries.get(number as usize).map(|entry| entry.next).filter(|next| *next != END);
        }
    }

    fn both_null(&self, test: &Test) -> bool {
        matches!(test, Test::FieldRef { field, place: super::glob::Place::Exact, .. }
            if self.scratch.fields.get(*field as usize).is_some_and(|other| other.epoch == self.scratch.epoch && other.null))
    }

    /// Whether a value stands to any value of the other field as `fieldref` asks.
    fn refers(&self, test: &Test, subject: &Subject<'_, 'a>) -> bool {
        let Test::FieldRef { field, place, cased } = test else { return false };
        let Some(own) = (if *cased { subject.text } else { subject.folded }) else { return false };
        let mut next = self.first(*field);
        while let Some(number) = next {
            let Some(entry) = self.entries.get(number as usize) else { return false };
            let other = if *cased { entry.text } else { self.folded(number) };
            if other.is_some_and(|other| stands(*place, own, other)) {
                return true;
            }
            next = Some(entry.next).filter(|next| *next != END);
        }
        false
    }
}

/// The parts of a run that a hit changes.
struct Waking<'w> {
    set: &'w RuleSet,
    route: &'w Route,
    epoch: u32,
    value: u32,
    items: &'w mut [u32],
    woken: &'w mut [u32],
    failed: &'w mut [u32],
    candidates: &'w mut Vec<RuleId>,
}

impl Waking<'_> {
    #[inline]
    fn hit(&mut self, item: ItemId, test: u32, subject: &Subject<'_, '_>) {
        if self.items.get(item as usize).is_some_and(|state| state >> 1 == self.epoch) {
            return;
        }
        if test != SURE && !self.passes(item, test, subject) {
            return;
        }
        self.hit_sure(item);
    }

    /// Tries a test on a value, once however often its literal is seen there.
    fn passes(&mut self, item: ItemId, test: u32, subject: &Subject<'_, '_>) -> bool {
        let Some(item) = self.set.items.get(item as usize) else { return false };
        let Some(failed) = self.failed.get_mut((item.first_test + test) as usize) else { return false };
        if *failed == self.value {
            return false;
        }
        // References to other fields are never behind a text.
        let passes = item.tests.get(test as usize).is_some_and(|test| holds(test, subject, &|_| false));
        if !passes {
            *failed = self.value;
        }
        passes
    }

    fn hit_sure(&mut self, item: ItemId) {
        let Some(state) = self.items.get_mut(item as usize) else { return };
        if *state >> 1 == self.epoch {
            return;
        }
        *state = self.epoch << 1 | 1;
        self.wake(item);
    }

    fn wake(&mut self, item: ItemId) {
        let Some(item) = self.set.items.get(item as usize) else { return };
        for (rule, group) in &item.triggers {
            if self.route.groups.get(*group as usize) == Some(&true)
                && let Some(woken) = self.woken.get_mut(*rule as usize)
                && *woken != self.epoch
            {
                *woken = self.epoch;
                self.candidates.push(*rule);
            }
        }
    }
}
