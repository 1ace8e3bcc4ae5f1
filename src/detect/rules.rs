//! A rule set: rules compiled into items, expressions over them and one index per field.
//!
//! Compiling never gives up on the first fault: what can be compiled is in the set, what cannot is in the list of [`Fault`]s, and the
//! caller decides whether a set with errors is used (`sluice match`) or refused (the service). Items that are the same are one item.

use std::sync::Arc;

use rsigma_parser::{Detection, Detections, FilterRule, FilterRuleTarget, LogSource, SigmaRule};
use rustc_hash::{FxHashMap, FxHashSet};
use sha2::{Digest, Sha256};

use super::evaluate::KeywordFilter;
use super::expr::{Expr, ItemId, condition};
use super::fault::{Fault, Severity, Step};
use super::fields::{FieldMap, Fields};
use super::fold::fold;
use super::glob::Place;
use super::index::{FieldIndex, FieldIndexBuilder};
use super::item::{FieldId, Item, KEYWORDS, Test, lower, lower_keywords};
use super::load::{self, Document, Loaded, RuleFile};
use super::overlay::{Level, Overlay, State, Suppression};
use super::parts::Parts;
use super::pattern::Pattern;
use super::probe::Probes;
use super::source::{self, Sources};
use crate::event::Symbols;

/// A rule by its place in the set.
pub type RuleId = u32;

/// What a rule set is made of besides the rules.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub fields: FieldMap,
    pub overlay: Overlay,
    /// Placeholder name → values, for `expand`.
    pub placeholders: FxHashMap<String, Vec<String>>,
    /// What recognises log sources in events, if not the file that comes with the program.
    pub sources: Option<String>,
}

/// What is known of a rule besides its condition.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The rule's id; its name or title when it has none.
    pub id: String,
    pub name: Option<String>,
    pub title: String,
    pub level: Option<Level>,
    pub state: State,
    pub description: Option<String>,
    pub author: Option<String>,
    pub references: Vec<String>,
    pub false_positives: Vec<String>,
    pub tags: Vec<String>,
    pub logsource: LogSource,
    pub suppression: Option<Suppression>,
    pub file: Arc<str>,
    /// Of the rule's text and whatever else changes what it matches: a changed rule is another rule to a correlation.
    pub content: [u8; 16],
}

/// Rules, ready to be asked about events.
pub struct RuleSet {
    pub(super) fields: Fields,
    pub(super) sources: Sources,
    pub(super) items: Vec<CompiledItem>,
    pub(super) rules: Vec<CompiledRule>,
    pub(super) indexes: Vec<FieldIndex>,
    pub(super) groups: Vec<Group>,
    /// Where each item's tests are counted from, see [`super::evaluate::Scratch`].
    pub(super) tests: usize,
    described: Vec<Rule>,
    correlations: Vec<Document>,
    map: FieldMap,
}

pub(super) struct CompiledRule {
    pub expr: Expr,
}

pub(super) struct CompiledItem {
    pub field: FieldId,
    pub negated: bool,
    pub tests: Box<[Test]>,
    pub probes: Probes,
    /// The field's index finds it.
    pub indexed: bool,
    /// The number of the first of its tests among all tests.
    pub first_test: u32,
    /// Rules that it wakes, each with its log source.
    pub triggers: Box<[(RuleId, u32)]>,
}

/// Rules of one log source.
#[derive(Default)]
pub(super) struct Group {
    pub indexed_fields: Vec<FieldId>,
    pub always: Vec<RuleId>,
    pub keywords: Option<Arc<KeywordFilter>>,
}

/// What is being collected while rules are lowered.
pub struct Lowering<'c> {
    options: &'c Options,
    symbols: &'c mut Symbols,
    fields: Fields,
    items: Vec<Item>,
    known: FxHashMap<String, ItemId>,
    patterns: FxHashMap<(String, String), Arc<Pattern>>,
    missing_placeholders: FxHashSet<String>,
    logsource: LogSource,
}

impl Lowering<'_> {
    pub fn field(&mut self, name: &str) -> FieldId {
        let places = self.options.fields.places(name, &self.logsource);
        self.fields.intern(name, places, self.symbols)
    }

    pub fn item(&mut self, item: Item) -> Expr {
        let next = self.items.len() as ItemId;
        let id = *self.known.entry(format!("{item:?}")).or_insert(next);
        if id == next {
            self.items.push(item);
        }
        Expr::Item(id)
    }

    pub fn pattern(&mut self, text: &str, flags: &str) -> Result<Arc<Pattern>, String> {
        let key = (text.to_owned(), flags.to_owned());
        if let Some(known) = self.patterns.get(&key) {
            return Ok(Arc::clone(known));
        }
        let pattern = Arc::new(Pattern::new(text, flags)?);
        self.patterns.insert(key, Arc::clone(&pattern));
        Ok(pattern)
    }

    /// The values of a placeholder; none, and a warning, when there is no table of that name.
    pub fn placeholder(&mut self, name: &str) -> Vec<String> {
        self.options.placeholders.get(name).cloned().unwrap_or_else(|| {
            self.missing_placeholders.insert(name.to_owned());
            Vec::new()
        })
    }
}

/// What is wrong with a part of a rule, and which part it is.
struct Wrong {
    path: Vec<Step>,
    what: String,
}

impl Wrong {
    fn at(step: Step, what: String) -> Wrong {
        Wrong { path: vec![step], what }
    }

    fn below(mut self, step: Step) -> Wrong {
        self.path.insert(0, step);
        self
    }
}

fn lower_detection(detection: &Detection, lowering: &mut Lowering<'_>) -> Result<Expr, Wrong> {
    let here = |what: &str| Wrong { path: Vec::new(), what: what.to_owned() };
    match detection {
        Detection::AllOf(items) if items.is_empty() => Err(here("an empty selection matches nothing")),
        Detection::AllOf(items) => {
            let mut parts = Vec::with_capacity(items.len());
            for item in items {
                parts.push(lower(item, lowering).map_err(|what| Wrong::at(Step::Item(item.field.clone()), what))?);
            }
            Ok(Expr::And(parts))
        }
        Detection::AnyOf(several) if several.is_empty() => Err(here("an empty list of selections matches nothing")),
        Detection::AnyOf(several) => {
            let mut parts = Vec::with_capacity(several.len());
            for (index, part) in several.iter().enumerate() {
                parts.push(lower_detection(part, lowering).map_err(|wrong| wrong.below(Step::Index(index)))?);
            }
            Ok(Expr::Or(parts))
        }
        Detection::Keywords(values) => lower_keywords(values, lowering).map_err(|what| here(&what)),
        Detection::And(_) | Detection::ArrayMatch { .. } | Detection::Conditional { .. } => {
            Err(here("array matching (`field[any]`) is not part of the specification 2.1"))
        }
    }
}

fn lower_detections(detections: &Detections, section: &str, lowering: &mut Lowering<'_>) -> Result<Expr, Vec<Wrong>> {
    let mut names: Vec<&str> = detections.named.keys().map(String::as_str).collect();
    names.sort_unstable();
    let mut selections: FxHashMap<&str, Expr> = FxHashMap::default();
    let mut wrong = Vec::new();
    for name in &names {
        let Some(detection) = detections.named.get(*name) else { continue };
        match lower_detection(detection, lowering) {
            Ok(expr) => drop(selections.insert(name, expr)),
            Err(w) => wrong.push(w.below(Step::Key((*name).to_owned())).below(Step::Key(section.to_owned()))),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut any = Vec::new();
    for parsed in &detections.conditions {
        match condition(parsed, &names, &|name| selections.get(name).cloned()) {
            Ok(expr) => any.push(expr),
            Err(what) => {
                let path = vec![Step::Key(section.to_owned()), Step::Key("condition".to_owned())];
                wrong.push(Wrong { path, what });
            }
        }
    }
    if wrong.is_empty() { Ok(Expr::Or(any)) } else { Err(wrong) }
}

impl RuleSet {
    /// Compiles files. The set holds what could be compiled; the faults say what could not.
    pub fn compile(files: &[RuleFile], options: &Options, symbols: &mut Symbols) -> (RuleSet, Vec<Fault>) {
        let Loaded { rules: loaded, filters, correlations, mut faults } = load::parse(files);
        let mut lowering = Lowering {
            options,
            symbols,
            fields: Fields::new(),
            items: Vec::new(),
            known: FxHashMap::default(),
            patterns: FxHashMap::default(),
            missing_placeholders: FxHashSet::default(),
            logsource: LogSource::default(),
        };
        let recognisers = options.sources.as_deref().unwrap_or(source::BUILT_IN);
        let mut sources = Sources::parse(recognisers, &mut lowering.fields, lowering.symbols).unwrap_or_else(|what| {
            let file = "sources.yml".to_owned();
            faults.push(Fault { file, line: 1, column: 1, severity: Severity::Error, what });
            Sources::default()
        });
        let mut described: Vec<Rule> = Vec::with_capacity(loaded.len());
        let mut lowered: Vec<(Expr, u32)> = Vec::with_capacity(loaded.len());
        let mut ids: FxHashMap<String, usize> = FxHashMap::default();
        for (document, rule) in &loaded {
            let described_rule = describe(document, rule, &filters, options);
            if described_rule.state == State::Off {
                continue;
            }
            if let Some(first) = ids.insert(described_rule.id.clone(), described.len())
                && let Some(first) = described.get(first)
            {
                let what = format!("the id `{}` is also that of {}", described_rule.id, first.file);
                faults.push(document.fault(Severity::Warning, &[Step::Key("id".into())], what));
            }
            match lower_rule(document, rule, &filters, &mut lowering, &mut faults) {
                Some(expr) => {
                    lowered.push((expr, sources.group(&rule.logsource)));
                    described.push(described_rule);
                }
                None => drop(ids.remove(&described_rule.id)),
            }
        }
        for (document, filter) in &filters {
            let unknown = match &filter.rules {
                FilterRuleTarget::Any => continue,
                FilterRuleTarget::Specific(names) => {
                    names.iter().filter(|name| !loaded.iter().any(|(_, rule)| is_named(rule, name)))
                }
            };
            for name in unknown {
                let path = [Step::Key("filter".into()), Step::Key("rules".into())];
                faults.push(document.fault(Severity::Warning, &path, format!("there is no rule `{name}` to filter")));
            }
        }
        let Lowering { fields, items, .. } = lowering;
        let set = assemble(fields, sources, items, lowered, described, &mut faults);
        (RuleSet { correlations, map: options.fields.clone(), ..set }, faults)
    }

    pub fn len(&self) -> usize {
        self.described.len()
    }

    pub fn is_empty(&self) -> bool {
        self.described.is_empty()
    }

    /// The rule of a match.
    pub fn rule(&self, id: RuleId) -> Option<&Rule> {
        self.described.get(id as usize)
    }

    pub fn rules(&self) -> &[Rule] {
        &self.described
    }

    /// The rules that an id, a name or a title stands for, as correlations refer to them.
    pub fn named(&self, name: &str) -> Vec<RuleId> {
        let is = |rule: &Rule| rule.id == name || rule.name.as_deref() == Some(name) || rule.title == name;
        (0..).zip(&self.described).filter(|(_, rule)| is(rule)).map(|(id, _)| id).collect()
    }

    /// Documents with a `correlation`, as they stand in the files.
    pub fn correlations(&self) -> &[Document] {
        &self.correlations
    }

    /// Where a field of a rule may lie in an event, the likeliest place first.
    pub fn places(&self, name: &str, logsource: &LogSource) -> Vec<String> {
        self.map.places(name, logsource)
    }

    /// An estimate of the memory that the set takes.
    pub fn heap_bytes(&self) -> usize {
        let tests = |item: &CompiledItem| {
            let texts = item.tests.iter().map(|test| if let Test::Text { text, .. } = test { text.len() } else { 0 });
            size_of_val(&*item.tests) + texts.sum::<usize>() + item.probes.heap_bytes() + item.triggers.len() * 8
        };
        self.items.iter().map(tests).sum::<usize>()
            + self.items.len() * size_of::<CompiledItem>()
            + self.indexes.iter().map(|index| size_of::<FieldIndex>() + index.heap_bytes()).sum::<usize>()
    }
}

fn is_named(rule: &SigmaRule, name: &str) -> bool {
    rule.id.as_deref() == Some(name) || rule.name.as_deref() == Some(name) || rule.title == name
}

fn applies(filter: &FilterRule, rule: &SigmaRule) -> bool {
    let fits = |own: &Option<String>, other: &Option<String>| {
        own.as_ref().is_none_or(|own| other.as_ref().is_some_and(|other| own.eq_ignore_ascii_case(other)))
    };
    let named = match &filter.rules {
        FilterRuleTarget::Any => true,
        FilterRuleTarget::Specific(names) => names.iter().any(|name| is_named(rule, name)),
    };
    named
        && filter.logsource.as_ref().is_none_or(|own| {
            fits(&own.product, &rule.logsource.product)
                && fits(&own.category, &rule.logsource.category)
                && fits(&own.service, &rule.logsource.service)
        })
}

fn entry_of<'o>(rule: &SigmaRule, overlay: &'o Overlay) -> Option<&'o super::overlay::Entry> {
    [rule.id.as_deref(), rule.name.as_deref(), Some(rule.title.as_str())]
        .into_iter()
        .flatten()
        .find_map(|name| overlay.rules.get(name))
}

fn describe(document: &Document, rule: &SigmaRule, filters: &[(Document, FilterRule)], options: &Options) -> Rule {
    let entry = entry_of(rule, &options.overlay);
    let mut hash = Sha256::new();
    hash.update(document.text.as_bytes());
    for (filter, _) in filters.iter().filter(|(_, filter)| applies(filter, rule)) {
        hash.update(filter.text.as_bytes());
    }
    if let Some(exceptions) = entry.and_then(|entry| entry.exceptions.as_ref()) {
        hash.update(yaml_serde::to_string(exceptions).unwrap_or_default());
    }
    let mut content = [0; 16];
    content.copy_from_slice(&hash.finalize()[..16]);
    Rule {
        id: rule.id.clone().or_else(|| rule.name.clone()).unwrap_or_else(|| rule.title.clone()),
        name: rule.name.clone(),
        title: rule.title.clone(),
        level: entry.and_then(|entry| entry.level).or(rule.level.map(Level::of)),
        state: entry.map_or(State::On, |entry| entry.state),
        description: rule.description.clone(),
        author: rule.author.clone(),
        references: rule.references.clone(),
        false_positives: rule.falsepositives.clone(),
        tags: rule.tags.clone(),
        logsource: rule.logsource.clone(),
        suppression: entry.and_then(|entry| entry.suppression.clone()),
        file: Arc::clone(&document.file),
        content,
    }
}

/// A rule's condition with the filters and exceptions that apply to it; `None` when it cannot be used.
fn lower_rule(
    document: &Document,
    rule: &SigmaRule,
    filters: &[(Document, FilterRule)],
    lowering: &mut Lowering<'_>,
    faults: &mut Vec<Fault>,
) -> Option<Expr> {
    lowering.logsource = rule.logsource.clone();
    let mut fail = |document: &Document, wrong: Vec<Wrong>| {
        faults.extend(wrong.into_iter().map(|w| document.fault(Severity::Error, &w.path, w.what)));
    };
    let mut parts = match lower_detections(&rule.detection, "detection", lowering) {
        Ok(expr) => vec![expr],
        Err(wrong) => {
            fail(document, wrong);
            return None;
        }
    };
    for (document, filter) in filters.iter().filter(|(_, filter)| applies(filter, rule)) {
        match lower_detections(&filter.detection, "filter", lowering) {
            Ok(expr) => parts.push(expr),
            Err(wrong) => {
                fail(document, wrong);
                return None;
            }
        }
    }
    if let Some(exceptions) = entry_of(rule, &lowering.options.overlay).and_then(|entry| entry.exceptions.as_ref()) {
        match lower_exceptions(exceptions, lowering) {
            Ok(expr) => parts.push(expr.negate()),
            Err(what) => {
                let what = format!("the overlay's exceptions for this rule: {what}");
                faults.push(document.fault(Severity::Error, &[Step::Key("id".into())], what));
                return None;
            }
        }
    }
    let mut missing: Vec<String> = lowering.missing_placeholders.drain().collect();
    missing.sort();
    for name in missing {
        let what = format!("there is no table for the placeholder `%{name}%`: it stands for no value");
        faults.push(document.fault(Severity::Warning, &[Step::Key("detection".into())], what));
    }
    Some(Expr::And(parts).simplify())
}

/// Exceptions are a selection like any other: they are read as the detection of a rule.
fn lower_exceptions(exceptions: &yaml_serde::Value, lowering: &mut Lowering<'_>) -> Result<Expr, String> {
    let list = yaml_serde::to_string(exceptions).map_err(|e| e.to_string())?;
    let indented = list.lines().map(|line| format!("    {line}\n")).collect::<String>();
    let text = format!("title: exceptions\ndetection:\n  exceptions:\n{indented}  condition: exceptions\n");
    let collection = rsigma_parser::parse_sigma_yaml(&text).map_err(|e| e.to_string())?;
    let Some(rule) = collection.rules.first() else { return Err(collection.errors.join("; ")) };
    lower_detections(&rule.detection, "detection", lowering)
        .map_err(|wrong| wrong.into_iter().map(|w| w.what).collect::<Vec<_>>().join("; "))
}

/// How often an item is expected to be hit by an event that has its field: long and particular texts seldom. `None` for items that
/// are true of an event without the field.
fn hit_cost(item: &Item, rules: usize) -> Option<f64> {
    if item.tests.iter().any(|test| matches!(test, Test::Null | Test::Exists(false))) {
        return None;
    }
    if item.negated {
        return Some(1.0);
    }
    let by_length = |length: usize| (0.7f64).powi(length.min(24) as i32);
    let mut cost: f64 = 0.0;
    for test in &item.tests {
        cost += match test {
            Test::Text { place: Place::Exact, text, .. } => 0.002 + 0.3 * by_length(text.len()),
            Test::Text { text, .. } => 0.002 + by_length(text.len()),
            Test::Number(_) => 0.1,
            Test::Network(_) => 0.05,
            Test::Glob { glob, .. } => 0.01 + glob.literal().map_or(1.0, |text| by_length(text.len())),
            Test::Regex(pattern) => match pattern.literals() {
                literals if literals.is_empty() => 3.0,
                literals => 0.02 + literals.iter().map(|text| 2.0 * by_length(text.len())).sum::<f64>(),
            },
            Test::Bool(_) => 0.5,
            Test::Compare(..) | Test::Time { .. } | Test::FieldRef { .. } | Test::AnyText => 1.0,
            Test::Exists(_) | Test::Null => 1.0,
        };
    }
    // What many rules ask for is common, and wakes all of them.
    Some(cost.min(2.0) * (1.0 + rules as f64 / 8.0))
}

/// How dear it is to find an item out, once its rule is awake.
fn effort(item: &Item, indexed: bool) -> u32 {
    if indexed {
        return 1;
    }
    let each = |test: &Test| match test {
        Test::Null | Test::Exists(_) => 1,
        Test::Number(_) | Test::Bool(_) | Test::AnyText => 2,
        Test::Text { place: Place::Contains, .. } => 6,
        Test::Text { .. } => 3,
        Test::Regex(_) => 60,
        _ => 20,
    };
    5 + item.tests.iter().map(each).sum::<u32>()
}

/// What tells events without any of these keywords; `None` when there are no keywords.
fn keyword_filter<'i>(items: impl Iterator<Item = &'i CompiledItem>) -> Option<KeywordFilter> {
    let mut texts: Vec<String> = Vec::new();
    let mut complete = true;
    let mut any = false;
    for item in items {
        any = true;
        for test in &item.tests {
            match test {
                Test::Text { text, .. } if !text.is_empty() => texts.push(fold(text)),
                Test::Glob { glob, .. } => match glob.literal() {
                    Some(text) => texts.push(fold(&text)),
                    None => complete = false,
                },
                Test::Regex(pattern) => {
                    let literals = pattern.literals();
                    complete &= !literals.is_empty();
                    texts.extend(literals);
                }
                _ => complete = false,
            }
        }
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let parts = if complete { Parts::new(&texts).unwrap_or_default() } else { None };
    any.then_some(KeywordFilter { parts })
}

fn assemble(
    fields: Fields,
    mut sources: Sources,
    items: Vec<Item>,
    mut lowered: Vec<(Expr, u32)>,
    described: Vec<Rule>,
    faults: &mut Vec<Fault>,
) -> RuleSet {
    // Even an empty set has a group to ask about.
    sources.group(&LogSource::default());
    let mut uses = vec![0usize; items.len()];
    let mut used: Vec<ItemId> = Vec::new();
    for (expr, _) in &lowered {
        used.clear();
        expr.items(&mut used);
        used.iter().for_each(|item| uses[*item as usize] += 1);
    }
    let costs: Vec<Option<f64>> = items.iter().zip(&uses).map(|(item, uses)| hit_cost(item, *uses)).collect();
    let mut triggers: Vec<Vec<(RuleId, u32)>> = vec![Vec::new(); items.len()];
    let mut groups: Vec<Group> = (0..sources.groups()).map(|_| Group::default()).collect();
    for (rule, (expr, group)) in (0..).zip(&lowered) {
        match expr.triggers(&|item| costs[item as usize]) {
            None => groups[*group as usize].always.push(rule),
            Some((_, chosen)) => {
                for item in chosen {
                    let waking = &mut triggers[item as usize];
                    if waking.last() != Some(&(rule, *group)) {
                        waking.push((rule, *group));
                    }
                }
            }
        }
    }
    let mut builders: Vec<FieldIndexBuilder> = (0..fields.len()).map(|_| FieldIndexBuilder::default()).collect();
    let mut compiled = Vec::with_capacity(items.len());
    let mut tests = 0;
    for (number, (item, triggers)) in (0..).zip(items.into_iter().zip(triggers)) {
        let answered = !triggers.is_empty() && builders[item.field as usize].add(number, &item);
        let probes = if answered { Probes::default() } else { Probes::new(&item.tests) };
        compiled.push((
            effort(&item, answered),
            CompiledItem {
                field: item.field,
                negated: item.negated,
                first_test: tests as u32,
                tests: item.tests.into(),
                probes,
                indexed: answered,
                triggers: triggers.into(),
            },
        ));
        tests += compiled.last().map_or(0, |(_, item)| item.tests.len());
    }
    for (expr, group) in &mut lowered {
        expr.order(&|item| compiled[item as usize].0);
        used.clear();
        expr.items(&mut used);
        let indexed =
            used.iter().map(|item| &compiled[*item as usize].1).filter(|i| i.indexed || !i.triggers.is_empty());
        groups[*group as usize].indexed_fields.extend(indexed.map(|item| item.field));
    }
    let mut keywords: Vec<Vec<ItemId>> = vec![Vec::new(); groups.len()];
    for (expr, group) in &lowered {
        used.clear();
        expr.items(&mut used);
        let asked = used.iter().filter(|item| compiled[**item as usize].1.field == KEYWORDS);
        keywords[*group as usize].extend(asked.filter(|item| compiled[**item as usize].1.indexed));
    }
    for (group, mut items) in groups.iter_mut().zip(keywords) {
        items.sort_unstable();
        items.dedup();
        group.keywords = keyword_filter(items.iter().map(|item| &compiled[*item as usize].1)).map(Arc::new);
    }
    for group in &mut groups {
        group.indexed_fields.sort_unstable();
        group.indexed_fields.dedup();
    }
    let indexes = builders.into_iter().map(|builder| {
        builder.build().unwrap_or_else(|what| {
            faults.push(Fault { file: "rules".into(), line: 1, column: 1, severity: Severity::Error, what });
            FieldIndex::default()
        })
    });
    RuleSet {
        indexes: indexes.collect(),
        fields,
        sources,
        items: compiled.into_iter().map(|(_, item)| item).collect(),
        rules: lowered.into_iter().map(|(expr, _)| CompiledRule { expr }).collect(),
        groups,
        tests,
        described,
        correlations: Vec::new(),
        map: FieldMap::default(),
    }
}
