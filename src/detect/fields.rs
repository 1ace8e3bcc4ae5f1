//! Field names: from the name in a rule to the places in an event where its value may lie.
//!
//! A mapping file gives, for a log source, the other names of a field (ECS, Winlogbeat); the name as the rule has it is always the
//! last place to look. The first place that is there wins, be its value null. A dotted name is first looked up as one key, then as a path; where
//! a path crosses a list, every element is followed and all that is found counts.

use std::collections::BTreeMap;

use rsigma_parser::LogSource;
use rsigma_parser::fieldpath::unescape_brackets;
use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::item::FieldId;
use crate::event::{Symbol, Symbols};

/// A mapping file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldMap {
    pub mappings: Vec<Mapping>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Rules whose log source has all of this.
    #[serde(default)]
    pub logsource: Selector,
    /// Name in the rule → names in the event. `a.*` maps every name that begins with `a.`.
    #[serde(default)]
    pub fields: BTreeMap<String, Names>,
    /// Where every other field of these rules is looked for before its own name, as `winlog.event_data.*`.
    #[serde(default)]
    pub fallback: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selector {
    pub product: Option<String>,
    pub category: Option<String>,
    pub service: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Names {
    One(String),
    Many(Vec<String>),
}

impl Names {
    pub fn as_slice(&self) -> &[String] {
        match self {
            Names::One(name) => std::slice::from_ref(name),
            Names::Many(names) => names,
        }
    }
}

impl Selector {
    fn takes(&self, source: &LogSource) -> bool {
        let fits = |own: &Option<String>, other: &Option<String>| {
            own.as_ref().is_none_or(|own| other.as_ref().is_some_and(|other| own.eq_ignore_ascii_case(other)))
        };
        fits(&self.product, &source.product)
            && fits(&self.category, &source.category)
            && fits(&self.service, &source.service)
    }
}

impl FieldMap {
    pub fn parse(text: &str) -> Result<FieldMap, String> {
        yaml_serde::from_str(text).map_err(|e| e.to_string())
    }

    /// The mappings of both, those of `other` looked at later.
    pub fn extend(&mut self, other: FieldMap) {
        self.mappings.extend(other.mappings);
    }

    /// The places of a rule's field, the likeliest first; the name itself is the last.
    pub fn places(&self, name: &str, source: &LogSource) -> Vec<String> {
        let mut places: Vec<String> = Vec::new();
        let mut add = |place: String| {
            if !places.contains(&place) {
                places.push(place);
            }
        };
        let fitting = || self.mappings.iter().filter(|mapping| mapping.logsource.takes(source));
        for mapping in fitting() {
            for (from, to) in &mapping.fields {
                let part = match from.strip_suffix('*') {
                    Some(prefix) => name.strip_prefix(prefix),
                    None => (from == name).then_some(""),
                };
                let Some(part) = part else { continue };
                to.as_slice().iter().for_each(|to| add(to.replace('*', part)));
            }
        }
        fitting().flat_map(|mapping| &mapping.fallback).for_each(|to| add(to.replace('*', name)));
        add(name.to_owned());
        places
    }
}

/// All fields that the rules of a set name, each once, and the tree by which an event's keys lead to them.
#[derive(Default)]
pub struct Fields {
    ids: FxHashMap<Vec<String>, FieldId>,
    names: Vec<String>,
    nodes: Vec<Node>,
    edges: FxHashMap<(NodeId, Symbol), NodeId>,
}

pub type NodeId = u32;

#[derive(Default)]
pub struct Node {
    /// Fields whose place this is, with the place's rank: 0 is looked at first.
    pub ends: Vec<(FieldId, u32)>,
    pub inner: bool,
}

impl Fields {
    pub const ROOT: NodeId = 0;

    /// With the field for keywords as number 0.
    pub fn new() -> Fields {
        Fields { names: vec![String::new()], nodes: vec![Node::default()], ..Fields::default() }
    }

    pub fn intern(&mut self, name: &str, places: Vec<String>, symbols: &mut Symbols) -> FieldId {
        if let Some(id) = self.ids.get(&places) {
            return *id;
        }
        let id = self.names.len() as FieldId;
        self.names.push(name.to_owned());
        for (rank, place) in places.iter().enumerate() {
            let rank = rank as u32 * 2;
            self.end(&[place], (id, rank), symbols);
            let path: Vec<&str> = place.split('.').collect();
            if path.len() > 1 {
                self.end(&path, (id, rank + 1), symbols);
            }
        }
        self.ids.insert(places, id);
        id
    }

    fn end(&mut self, path: &[&str], end: (FieldId, u32), symbols: &mut Symbols) {
        let mut at = Self::ROOT;
        for (step, key) in path.iter().enumerate() {
            let symbol = symbols.intern(&unescape_brackets(key));
            let next = self.nodes.len() as NodeId;
            let known = *self.edges.entry((at, symbol)).or_insert(next);
            if known == next {
                self.nodes.push(Node::default());
            }
            at = known;
            if let Some(node) = self.nodes.get_mut(at as usize) {
                node.inner |= step + 1 < path.len();
            }
        }
        if let Some(node) = self.nodes.get_mut(at as usize)
            && !node.ends.contains(&end)
        {
            node.ends.push(end);
        }
    }

    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn is_empty(&self) -> bool {
        self.names.len() <= 1
    }

    pub fn name(&self, field: FieldId) -> &str {
        self.names.get(field as usize).map_or("", String::as_str)
    }

    #[inline]
    pub fn step(&self, from: NodeId, key: Symbol) -> Option<(NodeId, &Node)> {
        let to = *self.edges.get(&(from, key))?;
        self.nodes.get(to as usize).map(|node| (to, node))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_follow_the_mappings_and_end_with_the_name_itself() {
        let map = FieldMap::parse(
            "mappings:\n- logsource: {product: windows}\n  fields:\n    Image: process.executable\n    User: [winlog.event_data.User, user.name]\n  fallback: [winlog.event_data.*]\n- logsource: {product: aws, service: cloudtrail}\n  fields:\n    requestParameters.*: aws.cloudtrail.flattened.request_parameters.*\n",
        )
        .unwrap();
        let windows = LogSource { product: Some("Windows".into()), category: Some("x".into()), ..LogSource::default() };
        let aws = LogSource { product: Some("aws".into()), service: Some("cloudtrail".into()), ..LogSource::default() };
        for (name, source, expected) in [
            ("Image", &windows, vec!["process.executable", "winlog.event_data.Image", "Image"]),
            ("User", &windows, vec!["winlog.event_data.User", "user.name", "User"]),
            ("Image", &aws, vec!["Image"]),
            (
                "requestParameters.a.b",
                &aws,
                vec!["aws.cloudtrail.flattened.request_parameters.a.b", "requestParameters.a.b"],
            ),
        ] {
            assert_eq!(map.places(name, source), expected, "{name}");
        }
    }
}
