//! Sigma's correlation documents, compiled: which rules' matches go into which windows, by which fields, and what is asked there.
//!
//! Documents are read here and not by the rule parser, which drops what it does not expect and has no positions: every fault names line and
//! column, and what cannot be kept (longer memory than a day, correlations of correlations, windows that do not slide) is refused and never
//! approximated. A rule that a correlation refers to raises no alert of its own unless the correlation says `generate: true`.

use std::borrow::Cow;

use rustc_hash::{FxHashMap, FxHashSet};
use sha2::{Digest, Sha256};
use yaml_serde::{Mapping, Value as Yaml};

use super::condition::{Condition, RULES_MAX};
use super::document::{self, Wrong, strings, text};
use super::key::{self, Field, GROUPS_MAX, GroupKey};
use super::window::{EPISODE_MS_MAX, Spec};
use crate::detect::fault::{Fault, Severity, Step};
use crate::detect::load::Document;
use crate::detect::overlay::{Entry, Level, Overlay, State};
use crate::detect::rules::{Rule, RuleId, RuleSet};
use crate::event::{Object, Symbols};

/// Without a word of its own, a plain rule alerts once an hour for the same entity.
const SUPPRESSION_MS: i64 = 3_600_000;
/// What a plain rule's alerts are told apart by.
const ENTITY: [&str; 3] = ["user.name", "host.name", "source.ip"];

/// What the service fixes for all correlations.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub lateness_ms: i64,
    /// See [`Spec::entries_max`]; a threshold above it could never be reached and is refused.
    pub entries_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { lateness_ms: 600_000, entries_max: 20_000 }
    }
}

/// One correlation, or one rule whose alerts are suppressed.
#[derive(Clone, Debug)]
pub struct Correlation {
    pub id: String,
    pub title: String,
    pub level: Option<Level>,
    pub state: State,
    pub description: Option<String>,
    pub author: Option<String>,
    pub references: Vec<String>,
    pub false_positives: Vec<String>,
    pub tags: Vec<String>,
    /// Names of the group's values, in their order.
    pub group_by: Vec<String>,
    pub spec: Spec,
    /// Of the document and of all that it rests on: state of another content is not this correlation's.
    pub content: [u8; 16],
    /// A missing group-by value is an empty one.
    missing_allowed: bool,
}

/// The part that one rule plays in one correlation.
#[derive(Clone, Debug)]
struct Part {
    correlation: u32,
    group: Vec<Field>,
    what: What,
}

/// Where an entry's `what` comes from.
#[derive(Clone, Debug)]
enum What {
    Nothing,
    Place(u64),
    Number(Field),
    Distinct(Vec<Field>),
}

/// One entry for one window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    pub correlation: u32,
    pub key: GroupKey,
    pub values: Vec<String>,
    pub what: u64,
}

/// Matches of rules that could go into no window, or not into all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    pub missing_group: u64,
    /// Or no number.
    pub missing_value: u64,
    /// Lists of more than [`GROUPS_MAX`] elements.
    pub capped: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Correlations {
    all: Vec<Correlation>,
    /// By rule.
    parts: Vec<Vec<Part>>,
    silenced: Vec<bool>,
}

impl Correlations {
    /// Compiles the correlation documents of a rule set. What cannot be compiled is left out, and the faults say why.
    pub fn compile(
        rules: &RuleSet,
        overlay: &Overlay,
        limits: &Limits,
        symbols: &mut Symbols,
    ) -> (Correlations, Vec<Fault>) {
        let mut compiled = Correlations { parts: vec![Vec::new(); rules.len()], ..Correlations::default() };
        let mut faults = Vec::new();
        let mut loud: FxHashSet<RuleId> = FxHashSet::default();
        let mut quiet: FxHashSet<RuleId> = FxHashSet::default();
        let mut ids: FxHashMap<String, Document> = FxHashMap::default();
        let names: FxHashSet<String> = rules.correlations().iter().flat_map(|d| document::names(&d.text)).collect();
        for source in rules.correlations() {
            let mut compiler = Compiler { rules, names: &names, limits, symbols, wrong: Vec::new() };
            let built = compiler.correlation(source, overlay, compiled.all.len() as u32);
            let wrong = std::mem::take(&mut compiler.wrong);
            let unsound = wrong.iter().any(|w| w.severity == Severity::Error);
            faults.extend(wrong.into_iter().map(|w| match w.at {
                Some((line, column)) => {
                    Fault { line: source.lines_before + line, column, ..source.fault(w.severity, &[], w.what) }
                }
                None => source.fault(w.severity, &w.path, w.what),
            }));
            let Some(built) = built.filter(|_| !unsound) else { continue };
            if let Some(first) = ids.insert(built.correlation.id.clone(), source.clone()) {
                let what = format!("the id `{}` is also that of a correlation in {}", built.correlation.id, first.file);
                faults.push(source.fault(Severity::Error, &[Step::Key("id".into())], what));
                continue;
            }
            let to = if built.generate { &mut loud } else { &mut quiet };
            to.extend(built.parts.iter().map(|(rule, _)| *rule));
            for (rule, part) in built.parts {
                if let Some(parts) = compiled.parts.get_mut(rule as usize) {
                    parts.push(part);
                }
            }
            compiled.all.push(built.correlation);
        }
        compiled.silenced =
            (0..rules.len() as u32).map(|rule| quiet.contains(&rule) && !loud.contains(&rule)).collect();
        (compiled, faults)
    }

    /// Adds every rule that alerts by itself: a count of one, suppressed per entity. Rules below `least` only mark the event, as do those that a
    /// correlation silences.
    pub fn add_plain(&mut self, rules: &RuleSet, least: Level, limits: &Limits, symbols: &mut Symbols) {
        for (id, rule) in (0u32..).zip(rules.rules()) {
            if self.silences(id) || rule.level.is_none_or(|level| level < least) {
                continue;
            }
            let correlation = self.all.len() as u32;
            let by: Vec<String> = match &rule.suppression {
                Some(suppression) => suppression.by.clone(),
                None => ENTITY.map(str::to_owned).to_vec(),
            };
            let group = by.iter().map(|name| field(rules, rule, name, is_folded(rules, rule, name), symbols)).collect();
            let within_ms =
                rule.suppression.as_ref().map_or(SUPPRESSION_MS, |s| (s.within_s as i64).saturating_mul(1_000));
            self.all.push(plain(rule, by, within_ms, limits));
            if let Some(parts) = self.parts.get_mut(id as usize) {
                parts.push(Part { correlation, group, what: What::Nothing });
            }
        }
    }

    pub fn all(&self) -> &[Correlation] {
        &self.all
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether a rule's own matches raise no alert because correlations stand for them.
    pub fn silences(&self, rule: RuleId) -> bool {
        self.silenced.get(rule as usize).copied().unwrap_or(false)
    }

    /// What an event that matched a rule is to the correlations.
    pub fn matches(
        &self,
        rule: RuleId,
        namespace: &str,
        event: &Object<'_>,
        missed: &mut Missed,
        mut hear: impl FnMut(Match),
    ) {
        for part in self.parts.get(rule as usize).into_iter().flatten() {
            let Some(correlation) = self.all.get(part.correlation as usize) else { continue };
            let whats = part.what.of(event);
            if whats.is_empty() {
                missed.missing_value += 1;
                continue;
            }
            let groups = key::groups(&correlation.id, namespace, &part.group, event, correlation.missing_allowed);
            missed.capped += u64::from(groups.capped);
            missed.missing_group += u64::from(groups.all.is_empty());
            for group in groups.all {
                for what in &whats {
                    let values = group.values.clone();
                    hear(Match { correlation: part.correlation, key: group.key, values, what: *what });
                }
            }
        }
    }
}

impl What {
    /// One for each value; none when there is no value or it is no number.
    fn of(&self, event: &Object<'_>) -> Vec<u64> {
        match self {
            What::Nothing => vec![0],
            What::Place(place) => vec![*place],
            // Of a list of numbers nobody can say which one is meant.
            What::Number(field) => match field.values(event).as_slice() {
                [only] => key::number_of(only).map(f64::to_bits).into_iter().collect(),
                _ => Vec::new(),
            },
            What::Distinct(fields) => {
                let (combined, _) = key::combinations(fields, event, false);
                combined
                    .iter()
                    .take(GROUPS_MAX)
                    .map(|values: &Vec<Cow<'_, str>>| key::value_hash(fields, values))
                    .collect()
            }
        }
    }
}

fn plain(rule: &Rule, group_by: Vec<String>, within_ms: i64, limits: &Limits) -> Correlation {
    use super::condition::{Bounds, Operator};
    let spec = Spec {
        condition: Condition::EventCount(Bounds(vec![(Operator::Gte, 1.0)])),
        timespan_ms: within_ms,
        join_ms: within_ms,
        lateness_ms: limits.lateness_ms,
        entries_max: limits.entries_max,
    };
    Correlation {
        id: rule.id.clone(),
        title: rule.title.clone(),
        level: rule.level,
        state: rule.state,
        description: rule.description.clone(),
        author: rule.author.clone(),
        references: rule.references.clone(),
        false_positives: rule.false_positives.clone(),
        tags: rule.tags.clone(),
        group_by,
        spec,
        content: rule.content,
        missing_allowed: true,
    }
}

fn field(rules: &RuleSet, rule: &Rule, name: &str, folded: bool, symbols: &mut Symbols) -> Field {
    Field::new(&rules.places(name, &rule.logsource), folded, symbols)
}

/// Whether a field's values are the same in capitals: names that the system or the protocol compares without case.
fn is_folded(rules: &RuleSet, rule: &Rule, name: &str) -> bool {
    const KINDS: [&str; 6] = ["domain", "hostname", "host.name", "email", "question.name", "computer_name"];
    let windows = rule.logsource.product.as_deref().is_some_and(|product| product.eq_ignore_ascii_case("windows"));
    windows || rules.places(name, &rule.logsource).iter().any(|place| KINDS.iter().any(|kind| place.ends_with(kind)))
}

struct Compiler<'c> {
    rules: &'c RuleSet,
    /// Ids, names and titles of all correlations.
    names: &'c FxHashSet<String>,
    limits: &'c Limits,
    symbols: &'c mut Symbols,
    wrong: Vec<Wrong>,
}

struct Built {
    correlation: Correlation,
    parts: Vec<(RuleId, Part)>,
    generate: bool,
}

/// A reference of the list of rules, with what it stands for.
struct Reference {
    name: String,
    rules: Vec<RuleId>,
}

const KEYS: [&str; 9] =
    ["type", "rules", "group-by", "timespan", "timeframe", "condition", "aliases", "generate", "window"];

impl Compiler<'_> {
    fn error(&mut self, path: &[&str], what: impl Into<String>) {
        self.wrong.push(Wrong::new(Severity::Error, path, what));
    }

    /// `None` when nothing can be said of the rest; otherwise the faults decide whether it is used.
    fn correlation(&mut self, source: &Document, overlay: &Overlay, number: u32) -> Option<Built> {
        let root = document::parse(&source.text).map_err(|wrong| self.wrong.push(wrong)).ok()?;
        let Some(Yaml::Mapping(part)) = root.get("correlation") else {
            self.error(&["correlation"], "`correlation` is no mapping");
            return None;
        };
        let title = text(&root, "title").map(str::to_owned);
        if title.is_none() {
            self.error(&[], "a correlation needs a `title`");
        }
        let title = title.unwrap_or_default();
        let name = text(&root, "name").map(str::to_owned);
        let id = text(&root, "id").map(str::to_owned).or_else(|| name.clone()).unwrap_or_else(|| title.clone());
        let entry =
            [Some(&id), name.as_ref(), Some(&title)].into_iter().flatten().find_map(|name| overlay.rules.get(name));
        let state = entry.map(|entry| entry.state).unwrap_or_default();
        if state == State::Off {
            return None;
        }
        for key in part.keys().filter_map(Yaml::as_str).filter(|key| !KEYS.contains(key)) {
            self.error(&["correlation", key], format!("`{key}` is no part of a correlation"));
        }
        if text(part, "window").is_some_and(|window| window != "sliding") || root.contains_key("rsigma.window") {
            self.error(&["correlation", "window"], "windows slide: tumbling and session windows are not supported");
        }
        let references = self.references(part);
        let timespan_ms = self.timespan(part).unwrap_or(1);
        let names: Vec<&str> = references.iter().map(|reference| reference.name.as_str()).collect();
        let (condition, value_fields) = document::condition(part, &names, self.limits, &mut self.wrong)?;
        let group_by = self.strings(part, "group-by");
        let parts = self.parts(part, &references, &group_by, &value_fields, &condition, number);
        let spec = Spec {
            join_ms: join_ms(timespan_ms, entry),
            condition,
            timespan_ms,
            lateness_ms: self.limits.lateness_ms,
            entries_max: self.limits.entries_max,
        };
        let level = root.get("level").filter(|level| !level.is_null()).and_then(|level| {
            let read = yaml_serde::from_value::<Level>(level.clone());
            read.map_err(|_| self.error(&["level"], "`level` is informational, low, medium, high or critical")).ok()
        });
        let correlation = Correlation {
            id,
            title,
            level: entry.and_then(|entry| entry.level).or(level),
            state,
            description: text(&root, "description").map(str::to_owned),
            author: text(&root, "author").map(str::to_owned),
            references: strings(&root, "references").unwrap_or_default(),
            false_positives: strings(&root, "falsepositives").unwrap_or_default(),
            tags: strings(&root, "tags").unwrap_or_default(),
            group_by,
            content: self.content(source, &references, &spec),
            spec,
            missing_allowed: false,
        };
        let generate =
            [&root, part].into_iter().find_map(|mapping| mapping.get("generate")?.as_bool()).unwrap_or(false);
        Some(Built { correlation, parts, generate })
    }

    fn references(&mut self, part: &Mapping) -> Vec<Reference> {
        let names = self.strings(part, "rules");
        if names.is_empty() {
            self.error(&["correlation", "rules"], "a correlation needs `rules`: ids or names of rules");
        }
        if names.len() > RULES_MAX {
            self.error(&["correlation", "rules"], format!("{} rules are too many ({RULES_MAX} at most)", names.len()));
        }
        let mut references: Vec<Reference> = Vec::with_capacity(names.len());
        for (index, name) in names.into_iter().enumerate() {
            let rules = self.rules.named(&name);
            let what = if rules.is_empty() && self.names.contains(&name) {
                format!("`{name}` is a correlation itself: correlations of correlations are not supported")
            } else if rules.is_empty() {
                format!("there is no rule `{name}`, by id, name or title, or it has faults or is off")
            } else if references
                .iter()
                .any(|other| other.name == name || other.rules.iter().any(|id| rules.contains(id)))
            {
                format!("`{name}` is in the list already")
            } else {
                references.push(Reference { name, rules });
                continue;
            };
            let mut wrong = Wrong::new(Severity::Error, &["correlation", "rules"], what);
            wrong.path.push(Step::Index(index));
            self.wrong.push(wrong);
        }
        references
    }

    fn strings(&mut self, part: &Mapping, key: &str) -> Vec<String> {
        strings(part, key).unwrap_or_else(|| {
            self.error(&["correlation", key], format!("`{key}` is a text or a list of texts"));
            Vec::new()
        })
    }

    fn timespan(&mut self, part: &Mapping) -> Option<i64> {
        let key = if part.contains_key("timeframe") { "timeframe" } else { "timespan" };
        let Some(value) = part.get(key) else {
            self.error(&["correlation"], "a correlation needs a `timespan`, as 30s, 5m or 1h");
            return None;
        };
        let shown = value.as_str().map_or_else(|| yaml_serde::to_string(value).unwrap_or_default(), str::to_owned);
        match document::timespan_ms(shown.trim()) {
            Ok(ms) => Some(ms),
            Err(what) => {
                self.error(&["correlation", key], what);
                None
            }
        }
    }

    /// The part of each rule: which fields group its events and which value is looked at.
    fn parts(
        &mut self,
        part: &Mapping,
        references: &[Reference],
        group_by: &[String],
        value_fields: &[String],
        condition: &Condition,
        number: u32,
    ) -> Vec<(RuleId, Part)> {
        let aliases = document::aliases(part, &mut self.wrong);
        for (alias, mapping) in &aliases {
            if !group_by.contains(alias) && !value_fields.contains(alias) {
                self.error(&["correlation", "aliases", alias], format!("nothing groups by the alias `{alias}`"));
            }
            for name in mapping.keys().filter(|name| !references.iter().any(|reference| reference.name == **name)) {
                let what = format!("the alias `{alias}` speaks of `{name}`, which is not in `rules`");
                self.error(&["correlation", "aliases", alias, name], what);
            }
            for reference in references.iter().filter(|reference| !mapping.contains_key(&reference.name)) {
                let what = format!("the alias `{alias}` does not say which field of `{}` it is", reference.name);
                self.error(&["correlation", "aliases", alias], what);
            }
        }
        let name_in = |name: &String, reference: &Reference| {
            aliases.get(name).and_then(|mapping| mapping.get(&reference.name)).unwrap_or(name).clone()
        };
        let set = self.rules;
        let of = || references.iter().flat_map(|reference| reference.rules.iter().map(move |rule| (reference, *rule)));
        // One rule whose values know no case is enough: the others' must meet them.
        let folded = |name: &String| {
            of().any(|(reference, rule)| {
                set.rule(rule).is_some_and(|rule| is_folded(set, rule, &name_in(name, reference)))
            })
        };
        let fields_of = |names: &[String]| names.iter().map(|name| (name.clone(), folded(name))).collect::<Vec<_>>();
        let (group_by, value_fields) = (fields_of(group_by), fields_of(value_fields));
        let mut parts = Vec::new();
        for (place, reference) in (0u64..).zip(references) {
            for id in &reference.rules {
                let Some(rule) = set.rule(*id) else { continue };
                let mut fields = |names: &[(String, bool)]| {
                    let field = |(name, folded): &(String, bool)| {
                        field(set, rule, &name_in(name, reference), *folded, self.symbols)
                    };
                    names.iter().map(field).collect::<Vec<Field>>()
                };
                let group = fields(&group_by);
                let mut values = fields(&value_fields);
                let what = match condition {
                    Condition::EventCount(_) => What::Nothing,
                    Condition::Temporal(_) | Condition::TemporalOrdered(_) => What::Place(place),
                    Condition::ValueCount(_) => What::Distinct(values),
                    Condition::ValueSum(_) | Condition::ValueAvg(_) | Condition::ValuePercentile(..) => {
                        match values.pop() {
                            Some(field) => What::Number(field),
                            None => continue,
                        }
                    }
                };
                parts.push((*id, Part { correlation: number, group, what }));
            }
        }
        parts
    }

    fn content(&self, source: &Document, references: &[Reference], spec: &Spec) -> [u8; 16] {
        let mut hash = Sha256::new();
        hash.update(source.text.as_bytes());
        hash.update(spec.join_ms.to_be_bytes());
        for rule in references.iter().flat_map(|reference| &reference.rules) {
            hash.update(self.rules.rule(*rule).map(|rule| rule.content).unwrap_or_default());
        }
        hash.finalize().first_chunk::<16>().copied().unwrap_or_default()
    }
}

/// Alerts of one group are one within the timespan, or within the suppression that the overlay gives when it is longer.
fn join_ms(timespan_ms: i64, entry: Option<&Entry>) -> i64 {
    let within_ms =
        entry.and_then(|entry| entry.suppression.as_ref()).map_or(0, |s| (s.within_s as i64).saturating_mul(1_000));
    timespan_ms.max(within_ms).min(EPISODE_MS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::load::RuleFile;
    use crate::detect::rules::Options;

    const BASE: &str = "title: Login failed\nid: r-1\nname: failed\nlogsource: {product: linux}\ndetection: {s: {a: 1}, condition: s}\n---\n\
                        title: Login\nid: r-2\nname: login\nlogsource: {product: windows}\ndetection: {s: {a: 2}, condition: s}\n---\n";

    fn compile(correlation: &str) -> (Correlations, Vec<String>, Symbols) {
        let file =
            RuleFile { name: "x.yml".into(), text: format!("{BASE}title: C\nid: c-1\ncorrelation:\n{correlation}") };
        let mut symbols = Symbols::new();
        let (rules, faults) = RuleSet::compile(&[file], &Options::default(), &mut symbols);
        assert_eq!(faults, []);
        let (compiled, faults) = Correlations::compile(&rules, &Overlay::default(), &Limits::default(), &mut symbols);
        (compiled, faults.iter().map(ToString::to_string).collect(), symbols)
    }

    #[test]
    fn a_fault_says_where_and_what() {
        // The correlation's own lines begin with line 16 of the file.
        for (correlation, expected) in [
            (
                "  type: event_count\n  rules: [failed, gone]\n  timespan: 5m\n  condition: {gte: 5}\n",
                "x.yml:17:19: error: there is no rule `gone`",
            ),
            (
                "  type: event_count\n  rules: failed\n  timespan: 7d\n  condition: {gte: 5}\n",
                "x.yml:18:3: error: `7d` is longer than 24h",
            ),
            (
                "  type: event_count\n  rules: failed\n  timespan: 5x\n  condition: {gte: 5}\n",
                "x.yml:18:3: error: `5x` is no timespan",
            ),
            ("  type: event_count\n  rules: failed\n  timespan: 0s\n  condition: {gte: 5}\n", "`0s` is no timespan"),
            ("  type: event_count\n  rules: failed\n  timespan: 5\n  condition: {gte: 5}\n", "`5` is no timespan"),
            ("  type: event_count\n  rules: failed\n  condition: {gte: 5}\n", "needs a `timespan`"),
            ("  type: event_count\n  rules: failed\n  timespan: 5m\n", "`event_count` needs a `condition`"),
            ("  type: event_count\n  timespan: 5m\n  condition: {gte: 5}\n", "needs `rules`"),
            (
                "  type: event_count\n  rules: [failed, r-1]\n  timespan: 5m\n  condition: {gte: 5}\n",
                "`r-1` is in the list already",
            ),
            (
                "  type: event_count\n  rules: failed\n  timespan: 5m\n  condition: {gte: 20001}\n",
                "x.yml:19:3: error: a window keeps 20000 events at most",
            ),
            (
                "  type: event_count\n  rules: failed\n  timespan: 5m\n  condition: {lt: 1}\n",
                "an absence of events cannot be waited for",
            ),
            (
                "  type: event_count\n  rules: failed\n  timespan: 5m\n  condition: {gte: 5, field: x}\n",
                "`event_count` looks at no field",
            ),
            (
                "  type: event_count\n  rules: failed\n  timespan: 5m\n  condition: {min: 5}\n",
                "x.yml:19:15: error: `min` is no comparison",
            ),
            (
                "  type: event_count\n  rules: failed\n  timespan: 5m\n  condition: {gte: many}\n",
                "`gte` needs a number",
            ),
            (
                "  type: event_count\n  rules: failed\n  timespan: 5m\n  condition: failed\n",
                "only `temporal` takes an expression",
            ),
            (
                "  type: event_count\n  rules: c-1\n  timespan: 5m\n  condition: {gte: 5}\n",
                "correlations of correlations are not supported",
            ),
            (
                "  type: event_count\n  rules: failed\n  groupby: a\n  timespan: 5m\n  condition: {gte: 5}\n",
                "x.yml:18:3: error: `groupby` is no part",
            ),
            (
                "  type: event_count\n  rules: failed\n  group-by: [1]\n  timespan: 5m\n  condition: {gte: 5}\n",
                "`group-by` is a text or a list of texts",
            ),
            (
                "  type: event_count\n  rules: failed\n  window: tumbling\n  timespan: 5m\n  condition: {gte: 5}\n",
                "windows slide",
            ),
            (
                "  type: absence\n  rules: failed\n  timespan: 5m\n",
                "x.yml:16:3: error: correlations of type `absence` are not supported",
            ),
            ("  type: count\n  rules: failed\n  timespan: 5m\n", "`count` is no type of correlation"),
            (
                "  type: value_count\n  rules: failed\n  timespan: 5m\n  condition: {gte: 5}\n",
                "`value_count` needs a `field`",
            ),
            (
                "  type: value_sum\n  rules: failed\n  timespan: 5m\n  condition: {gte: 5, field: [a, b]}\n",
                "`value_sum` looks at one field",
            ),
            (
                "  type: value_percentile\n  rules: failed\n  timespan: 5m\n  condition: {gte: 5, field: a}\n",
                "needs a `percentile`",
            ),
            (
                "  type: value_percentile\n  rules: failed\n  timespan: 5m\n  condition: {gte: 5, field: a, percentile: 101}\n",
                "a number from 0 to 100",
            ),
            (
                "  type: value_avg\n  rules: failed\n  timespan: 5m\n  condition: {gte: 5, field: a, percentile: 1}\n",
                "`value_avg` has no percentile",
            ),
            (
                "  type: temporal\n  rules: [failed, login]\n  timespan: 5m\n  condition: failed and other\n",
                "speaks of `other`",
            ),
            (
                "  type: temporal\n  rules: [failed, login]\n  timespan: 5m\n  condition: not failed\n",
                "an absence of events",
            ),
            (
                "  type: temporal_ordered\n  rules: [failed, login]\n  timespan: 5m\n  condition: failed and login\n",
                "only `temporal` takes an expression",
            ),
            (
                "  type: temporal\n  rules: [failed, login]\n  timespan: 5m\n  group-by: u\n  aliases: {u: {failed: user}}\n",
                "x.yml:20:13: error: the alias `u` does not say which field of `login`",
            ),
            (
                "  type: temporal\n  rules: [failed]\n  timespan: 5m\n  group-by: u\n  aliases: {u: {failed: user, x: y}}\n",
                "speaks of `x`",
            ),
            (
                "  type: temporal\n  rules: [failed]\n  timespan: 5m\n  aliases: {u: {failed: user}}\n",
                "nothing groups by the alias `u`",
            ),
            ("  type: temporal\n  rules: [failed]\n  timespan: 5m\n  aliases: [u]\n", "`aliases` has for each alias"),
        ] {
            let (compiled, faults, _) = compile(correlation);
            assert!(
                compiled.is_empty() && faults.iter().any(|fault| fault.contains(expected)),
                "{correlation}{faults:?}"
            );
        }
    }

    #[test]
    fn conditions_are_what_they_say() {
        use crate::correlate::condition::RuleExpression::{And, Count, Not, Or, Rule};
        use crate::correlate::condition::{Bounds, Operator::*};
        let all = || And(vec![Rule(0), Rule(1)]);
        for (kind, condition, expected) in [
            ("event_count", "{gte: 5}", Condition::EventCount(Bounds(vec![(Gte, 5.0)]))),
            ("event_count", "{gt: 5, lte: 9}", Condition::EventCount(Bounds(vec![(Gt, 5.0), (Lte, 9.0)]))),
            ("value_count", "{field: [a, b], gte: 5}", Condition::ValueCount(Bounds(vec![(Gte, 5.0)]))),
            ("value_avg", "{field: a, gt: 0.5}", Condition::ValueAvg(Bounds(vec![(Gt, 0.5)]))),
            ("value_sum", "{field: a, lt: -1}", Condition::ValueSum(Bounds(vec![(Lt, -1.0)]))),
            ("value_median", "{field: a, neq: 1}", Condition::ValuePercentile(50.0, Bounds(vec![(Neq, 1.0)]))),
            (
                "value_percentile",
                "{field: a, percentile: 95, eq: 1}",
                Condition::ValuePercentile(95.0, Bounds(vec![(Eq, 1.0)])),
            ),
            ("temporal", "", Condition::Temporal(all())),
            ("temporal", "failed and not login", Condition::Temporal(And(vec![Rule(0), Not(Box::new(Rule(1)))]))),
            ("temporal", "1 of them", Condition::Temporal(Or(vec![Rule(0), Rule(1)]))),
            ("temporal", "all of f*", Condition::Temporal(And(vec![Rule(0)]))),
            ("temporal", "{gte: 2}", Condition::Temporal(Count(Bounds(vec![(Gte, 2.0)])))),
            ("temporal_ordered", "", Condition::TemporalOrdered(2)),
            ("temporal_ordered", "{gte: 2}", Condition::TemporalOrdered(2)),
        ] {
            let text = format!("  type: {kind}\n  rules: [failed, login]\n  timespan: 1d\n  condition: {condition}\n");
            let (compiled, faults, _) = compile(&text);
            assert_eq!(faults, [] as [String; 0], "{text}");
            assert_eq!(compiled.all()[0].spec.condition, expected, "{text}");
        }
    }

    #[test]
    fn aliases_meet_in_one_group_and_silence_the_rules() {
        let (compiled, faults, symbols) = compile(
            "  type: temporal\n  rules: [failed, login]\n  timespan: 5m\n  group-by: [u]\n  aliases: {u: {failed: user, login: TargetUserName}}\n",
        );
        assert_eq!(faults, [] as [String; 0]);
        assert!(compiled.silences(0) && compiled.silences(1));
        let arena = crate::event::Arena::new(std::sync::Arc::new(symbols));
        let mut found = Vec::new();
        let mut missed = Missed::default();
        for (rule, event) in [(0, r#"{"user":"bob"}"#), (1, r#"{"TargetUserName":"BOB"}"#), (1, "{}")] {
            let event = crate::event::parse::document(&arena, event.as_bytes(), 10).unwrap();
            compiled.matches(rule, "", event.as_object().unwrap(), &mut missed, |one| found.push(one));
        }
        // One of the two systems knows no case.
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].key, found[0].what, found[1].what), (found[1].key, 0, 1));
        assert_eq!(missed, Missed { missing_group: 1, ..Missed::default() });
    }
}
