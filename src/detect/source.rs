//! Log sources: which rules an event is for, by a log source that is given with it or by what the event itself shows.
//!
//! A rule fits when every part of its log source (product, category, service) is one that the event has; an event may have several
//! categories at once (Sysmon 13 is `registry_event` and `registry_set`). An event of which nothing is known fits every rule: what cannot be told is
//! not ruled out. What events show is described in a file of our own, `pipelines/fields/sources.yml`: an ordered list of conditions on fields.

use std::collections::BTreeMap;

use rsigma_parser::LogSource;
use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::fields::{Fields, Names};
use super::fold::fold;
use super::item::FieldId;
use crate::event::Symbols;

/// The sources that come with the program.
pub const BUILT_IN: &str = include_str!("../../pipelines/fields/sources.yml");

/// Categories of one event.
pub const CATEGORIES_MAX: usize = 6;

/// Recognisers that may hold of one event.
const RECOGNISED_MAX: usize = 16;

/// A name of a product, category or service; 0 is none.
type NameId = u16;

/// What is known of an event, in the numbers of one rule set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Source {
    product: NameId,
    service: NameId,
    categories: [NameId; CATEGORIES_MAX],
    /// Nothing is known: every rule fits.
    pub open: bool,
}

impl Source {
    pub const OPEN: Source = Source { product: 0, service: 0, categories: [0; CATEGORIES_MAX], open: true };

    fn add(&mut self, category: NameId) {
        if !self.categories.contains(&category)
            && let Some(slot) = self.categories.iter_mut().find(|slot| **slot == 0)
        {
            *slot = category;
        }
    }
}

/// A log source that was given with an event.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'a> {
    pub product: Option<&'a str>,
    pub service: Option<&'a str>,
    pub categories: &'a [&'a str],
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    fields: BTreeMap<String, Names>,
    sources: Vec<Entry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Field → values of which it must have one; `*` stands for any value.
    when: BTreeMap<String, Values>,
    is: Is,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Is {
    product: Option<String>,
    service: Option<String>,
    category: Option<Names>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Values {
    One(Scalar),
    Many(Vec<Scalar>),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Number(i64),
    Text(String),
}

/// Log sources of rules and what recognises them in events.
#[derive(Default)]
pub struct Sources {
    names: FxHashMap<String, NameId>,
    /// Log sources of rules, each once: product, category, service.
    groups: Vec<[NameId; 3]>,
    recognisers: Vec<Recogniser>,
    /// The fields that recognisers look at, each with the recognisers whose first condition it is, by value.
    fields: Vec<(FieldId, FxHashMap<Box<str>, Vec<u32>>)>,
    by_presence: Vec<u32>,
}

struct Recogniser {
    conditions: Vec<(FieldId, Vec<Box<str>>)>,
    product: NameId,
    service: NameId,
    categories: Vec<NameId>,
}

impl Sources {
    pub fn parse(text: &str, fields: &mut Fields, symbols: &mut Symbols) -> Result<Sources, String> {
        let file: File = yaml_serde::from_str(text).map_err(|e| e.to_string())?;
        let mut sources = Sources::default();
        let mut ids: FxHashMap<&str, FieldId> = FxHashMap::default();
        for (name, places) in &file.fields {
            let id = fields.intern(name, places.as_slice().to_vec(), symbols);
            sources.fields.push((id, FxHashMap::default()));
            ids.insert(name, id);
        }
        for entry in &file.sources {
            let mut conditions = Vec::new();
            for (name, values) in &entry.when {
                let id = ids
                    .get(name.as_str())
                    .ok_or_else(|| format!("`when` names `{name}`, which `fields` does not have"))?;
                let values = match values {
                    Values::One(value) => std::slice::from_ref(value),
                    Values::Many(values) => values,
                };
                let text = |value: &Scalar| match value {
                    Scalar::Number(n) => n.to_string().into(),
                    Scalar::Text(text) => fold(text).into(),
                };
                conditions.push((*id, values.iter().map(text).collect::<Vec<Box<str>>>()));
            }
            // The condition with values that tell most apart comes first: it is the one that is looked up.
            conditions.sort_by_key(|(_, values)| (is_any(values), values.iter().any(|v| v.parse::<i64>().is_ok())));
            let product = sources.name(entry.is.product.as_deref());
            let service = sources.name(entry.is.service.as_deref());
            let categories: Vec<NameId> =
                entry.is.category.iter().flat_map(Names::as_slice).map(|c| sources.name(Some(c))).collect();
            let number = sources.recognisers.len() as u32;
            match conditions.first() {
                None => return Err("an empty `when` fits every event".into()),
                Some((_, values)) if is_any(values) => sources.by_presence.push(number),
                Some((field, values)) => {
                    if let Some((_, by_value)) = sources.fields.iter_mut().find(|(id, _)| id == field) {
                        values.iter().for_each(|value| by_value.entry(value.clone()).or_default().push(number));
                    }
                }
            }
            sources.recognisers.push(Recogniser { conditions, product, service, categories });
        }
        Ok(sources)
    }

    fn name(&mut self, name: Option<&str>) -> NameId {
        let Some(name) = name.filter(|name| !name.is_empty()) else { return 0 };
        let next = NameId::try_from(self.names.len() + 1).unwrap_or(NameId::MAX);
        *self.names.entry(name.to_ascii_lowercase()).or_insert(next)
    }

    /// The group of a rule's log source.
    pub fn group(&mut self, source: &LogSource) -> u32 {
        let group = [
            self.name(source.product.as_deref()),
            self.name(source.category.as_deref()),
            self.name(source.service.as_deref()),
        ];
        let known = self.groups.iter().position(|known| *known == group);
        known.unwrap_or_else(|| {
            self.groups.push(group);
            self.groups.len() - 1
        }) as u32
    }

    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Whether rules of this group are for events of this source.
    pub fn fits(&self, group: usize, source: &Source) -> bool {
        let Some([product, category, service]) = self.groups.get(group) else { return false };
        source.open
            || (*product == 0 || *product == source.product)
                && (*category == 0 || source.categories.contains(category))
                && (*service == 0 || *service == source.service)
    }

    /// The source that was given; with nothing in it, it is open.
    pub fn given(&self, given: &Given<'_>) -> Source {
        let known = |name: &str| {
            // Nearly always given as rules write it.
            self.names.get(name).or_else(|| self.names.get(&name.to_ascii_lowercase())).copied().unwrap_or(NameId::MAX)
        };
        let id = |name: Option<&str>| name.map_or(0, known);
        let mut source = Source { product: id(given.product), service: id(given.service), ..Source::default() };
        for (slot, category) in source.categories.iter_mut().zip(given.categories) {
            *slot = id(Some(category));
        }
        source.open = given.product.is_none() && given.service.is_none() && given.categories.is_empty();
        source
    }

    /// What was given, completed by what the event shows: a source that says `registry_event` does not rule out that the event is a
    /// `registry_delete`. What the event shows of another product or service than the given one is left aside.
    pub fn complete(&self, given: Source, shown: Source) -> Source {
        let agrees = |given: NameId, shown: NameId| given == 0 || shown == 0 || given == shown;
        let mut source = given;
        if given.open || !agrees(given.product, shown.product) || !agrees(given.service, shown.service) {
            return source;
        }
        source.product = given.product.max(shown.product);
        source.service = given.service.max(shown.service);
        shown.categories.into_iter().filter(|category| *category != 0).for_each(|category| source.add(category));
        source
    }

    /// Whether [`Sources::recognise`] looks at a field.
    #[inline]
    pub fn looks_at(&self, field: FieldId) -> bool {
        self.place(field).is_some()
    }

    /// Fields of recognisers are the first of a rule set, one after the other.
    fn place(&self, field: FieldId) -> Option<&FxHashMap<Box<str>, Vec<u32>>> {
        let (first, _) = self.fields.first()?;
        self.fields
            .get(field.checked_sub(*first)? as usize)
            .filter(|(id, _)| *id == field)
            .map(|(_, by_value)| by_value)
    }

    /// The source that an event itself shows, of the fields that it has; `value` gives a field's folded value.
    pub fn recognise<'v>(&self, present: &[FieldId], value: impl Fn(FieldId) -> Option<&'v str>) -> Source {
        let mut found: [u32; RECOGNISED_MAX] = [u32::MAX; RECOGNISED_MAX];
        let mut count = 0;
        let mut consider = |number: u32| {
            let Some(recogniser) = self.recognisers.get(number as usize) else { return };
            let holds = |(field, values): &(FieldId, Vec<Box<str>>)| {
                value(*field).is_some_and(|text| is_any(values) || values.iter().any(|value| **value == *text))
            };
            if recogniser.conditions.iter().all(holds)
                && let Some(slot) = found.get_mut(count)
            {
                *slot = number;
                count += 1;
            }
        };
        for field in present {
            if let Some(by_value) = self.place(*field).filter(|by_value| !by_value.is_empty())
                && let Some(numbers) = value(*field).and_then(|text| by_value.get(text))
            {
                numbers.iter().for_each(|number| consider(*number));
            }
        }
        self.by_presence.iter().for_each(|number| consider(*number));
        let found = found.get_mut(..count).unwrap_or_default();
        // The order of the file decides whose product and service count.
        found.sort_unstable();
        let mut source = Source::OPEN;
        for number in found.iter() {
            let Some(recogniser) = self.recognisers.get(*number as usize) else { continue };
            source.open = false;
            if source.product == 0 {
                source.product = recogniser.product;
            }
            if source.service == 0 {
                source.service = recogniser.service;
            }
            recogniser.categories.iter().for_each(|category| source.add(*category));
        }
        source
    }
}

fn is_any(values: &[Box<str>]) -> bool {
    values.iter().any(|value| &**value == "*")
}
