//! The index of one field: from a value to the items that it makes true, at the cost of the value's own length.
//!
//! Whole texts lie in a hash map, beginnings and ends in a trie that is left at the first byte that leads nowhere, parts behind a
//! window of four bytes ([`super::parts`]), numbers and networks in hash maps. What has none of these forms hides behind a literal that it cannot match without
//! (a regular expression, a wildcard, text whose case counts) and is tried when the literal is seen; what has no literal either is tried on every value.

use std::net::IpAddr;

use rustc_hash::FxHashMap;

use super::expr::ItemId;
use super::fold::{Number, fold};
use super::glob::Place;
use super::item::{Item, Test, address_bits, mask};
use super::parts::Parts;

/// An item that a key leads to. `test` is the number of the item's test that must be tried, or `SURE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    pub item: ItemId,
    pub test: u32,
}

pub const SURE: u32 = u32::MAX;

type Hits = Box<[Hit]>;

#[derive(Default)]
pub struct FieldIndex {
    exact: FxHashMap<Box<str>, Hits>,
    numbers: FxHashMap<Number, Hits>,
    prefixes: Option<Trie>,
    suffixes: Option<Trie>,
    /// A bit for each length, the longer ones folded together, that a whole text has.
    exact_lengths: u64,
    parts: Option<(Parts, Vec<Hits>)>,
    networks: FxHashMap<(bool, u8, u128), Hits>,
    /// Prefix lengths that occur, by family.
    network_prefixes: Vec<(bool, u8)>,
    /// Tried on every value.
    always: Hits,
    /// Items that ask about the field as a whole.
    whole: Vec<ItemId>,
}

/// Collects what the items of one field ask.
#[derive(Default)]
pub struct FieldIndexBuilder {
    exact: FxHashMap<Box<str>, Vec<Hit>>,
    numbers: FxHashMap<Number, Vec<Hit>>,
    prefixes: FxHashMap<Box<str>, Vec<Hit>>,
    suffixes: FxHashMap<Box<str>, Vec<Hit>>,
    parts: FxHashMap<Box<str>, Vec<Hit>>,
    networks: FxHashMap<(bool, u8, u128), Vec<Hit>>,
    always: Vec<Hit>,
    whole: Vec<ItemId>,
}

impl FieldIndexBuilder {
    /// Takes an item in. False when the index only wakes it and its truth must be asked for (it is of the field as a whole).
    pub fn add(&mut self, number: ItemId, item: &Item) -> bool {
        if item.negated
            || item.tests.iter().any(|test| matches!(test, Test::Null | Test::Exists(_) | Test::FieldRef { .. }))
        {
            self.whole.push(number);
            return false;
        }
        for (at, test) in item.tests.iter().enumerate() {
            let sure = Hit { item: number, test: SURE };
            let tried = Hit { item: number, test: at as u32 };
            match test {
                Test::Text { place, text, cased } => {
                    let (map, key) = match place {
                        Place::Exact => (&mut self.exact, fold(text)),
                        Place::Prefix => (&mut self.prefixes, fold(text)),
                        Place::Suffix => (&mut self.suffixes, fold(text)),
                        Place::Contains => (&mut self.parts, fold(text)),
                    };
                    push(map, &key, if *cased { tried } else { sure });
                }
                Test::Glob { glob, .. } => match glob.literal() {
                    Some(text) => push(&mut self.parts, &fold(&text), tried),
                    None => self.always.push(tried),
                },
                Test::Regex(pattern) => {
                    let literals = pattern.literals();
                    literals.iter().for_each(|text| push(&mut self.parts, text, tried));
                    if literals.is_empty() {
                        self.always.push(tried);
                    }
                }
                Test::Number(n) => self.numbers.entry(*n).or_default().push(sure),
                Test::Network(network) => {
                    self.networks.entry((network.v6, network.prefix_bits, network.bits)).or_default().push(sure);
                }
                _ => self.always.push(tried),
            }
        }
        true
    }

    pub fn build(self) -> Result<FieldIndex, String> {
        let mut network_prefixes: Vec<(bool, u8)> = self.networks.keys().map(|(v6, bits, _)| (*v6, *bits)).collect();
        network_prefixes.sort_unstable();
        network_prefixes.dedup();
        let (texts, hits): (Vec<_>, Vec<_>) = self.parts.into_iter().unzip();
        let texts: Vec<&str> = texts.iter().map(|text: &Box<str>| &**text).collect();
        let parts = Parts::new(&texts)?.map(|parts| (parts, hits.into_iter().map(distinct).collect()));
        Ok(FieldIndex {
            exact_lengths: self.exact.keys().fold(0, |bits, text| bits | length_bit(text)),
            exact: self.exact.into_iter().map(|(text, hits)| (text, distinct(hits))).collect(),
            numbers: self.numbers.into_iter().map(|(n, hits)| (n, distinct(hits))).collect(),
            prefixes: Trie::build(self.prefixes, false),
            suffixes: Trie::build(self.suffixes, true),
            parts,
            networks: self.networks.into_iter().map(|(network, hits)| (network, distinct(hits))).collect(),
            network_prefixes,
            always: distinct(self.always),
            whole: self.whole,
        })
    }
}

fn push(map: &mut FxHashMap<Box<str>, Vec<Hit>>, key: &str, hit: Hit) {
    map.entry(key.into()).or_default().push(hit);
}

fn distinct(mut hits: Vec<Hit>) -> Hits {
    hits.sort_unstable_by_key(|hit| (hit.item, std::cmp::Reverse(hit.test)));
    // A sure hit comes first and spares the tries of the same item.
    hits.dedup_by(|later, first| later.item == first.item && (first.test == SURE || first.test == later.test));
    hits.into()
}

impl FieldIndex {
    /// Calls `hit` for what a value's folded text leads to.
    #[inline]
    pub fn text(&self, folded: &str, hit: &mut impl FnMut(Hit)) {
        if self.exact_lengths & length_bit(folded) != 0
            && let Some(hits) = self.exact.get(folded)
        {
            hits.iter().for_each(|h| hit(*h));
        }
        let bytes = folded.as_bytes();
        if let Some(trie) = &self.prefixes {
            trie.walk(bytes.iter(), hit);
        }
        if let Some(trie) = &self.suffixes {
            trie.walk(bytes.iter().rev(), hit);
        }
        if let Some((parts, hits)) = &self.parts {
            parts.find(bytes, |number| {
                if let Some(hits) = hits.get(number as usize) {
                    hits.iter().for_each(|h| hit(*h));
                }
                false
            });
        }
        if !self.networks.is_empty()
            && let Ok(address) = folded.parse::<IpAddr>()
        {
            let (v6, bits) = address_bits(address);
            for (family, prefix) in &self.network_prefixes {
                if *family == v6
                    && let Some(hits) = self.networks.get(&(v6, *prefix, mask(v6, *prefix, bits)))
                {
                    hits.iter().for_each(|h| hit(*h));
                }
            }
        }
    }

    #[inline]
    pub fn number(&self, n: Number, hit: &mut impl FnMut(Hit)) {
        if let Some(hits) = self.numbers.get(&n) {
            hits.iter().for_each(|h| hit(*h));
        }
    }

    pub fn has_numbers(&self) -> bool {
        !self.numbers.is_empty()
    }

    pub fn has_texts(&self) -> bool {
        !self.exact.is_empty()
            || self.prefixes.is_some()
            || self.suffixes.is_some()
            || self.parts.is_some()
            || !self.networks.is_empty()
    }

    pub fn always(&self) -> &[Hit] {
        &self.always
    }

    pub fn whole(&self) -> &[ItemId] {
        &self.whole
    }

    pub fn heap_bytes(&self) -> usize {
        let texts: usize = self.exact.iter().map(|(text, hits)| text.len() + hits.len() * 8 + 40).sum();
        let parts = self
            .parts
            .as_ref()
            .map_or(0, |(parts, hits)| parts.heap_bytes() + hits.iter().map(|h| h.len() * 8 + 16).sum::<usize>());
        let tries: usize = [&self.prefixes, &self.suffixes].into_iter().flatten().map(Trie::heap_bytes).sum();
        texts + parts + tries + self.numbers.len() * 48 + self.networks.len() * 64 + self.always.len() * 8
    }
}

fn length_bit(text: &str) -> u64 {
    1 << (text.len() % 64)
}

/// A byte trie: the walk ends at the first byte without an edge.
struct Trie {
    nodes: Vec<TrieNode>,
    /// The bytes of all edges, those of a node together, and beside them the nodes that they lead to.
    bytes: Vec<u8>,
    targets: Vec<u32>,
}

#[derive(Default)]
struct TrieNode {
    edges: (u32, u32),
    hits: Hits,
}

impl Trie {
    fn build(texts: FxHashMap<Box<str>, Vec<Hit>>, reversed: bool) -> Option<Trie> {
        if texts.is_empty() {
            return None;
        }
        let mut children: Vec<FxHashMap<u8, u32>> = vec![FxHashMap::default()];
        let mut hits: Vec<Vec<Hit>> = vec![Vec::new()];
        for (text, own) in texts {
            let mut bytes = text.into_boxed_bytes();
            if reversed {
                bytes.reverse();
            }
            let mut at = 0usize;
            for byte in &bytes {
                let next = children.len() as u32;
                let known = children.get_mut(at).map_or(next, |c| *c.entry(*byte).or_insert(next));
                if known == next {
                    children.push(FxHashMap::default());
                    hits.push(Vec::new());
                }
                at = known as usize;
            }
            if let Some(slot) = hits.get_mut(at) {
                slot.extend(own);
            }
        }
        let mut trie = Trie { nodes: Vec::with_capacity(children.len()), bytes: Vec::new(), targets: Vec::new() };
        for (children, hits) in children.into_iter().zip(hits) {
            let from = trie.bytes.len() as u32;
            for (byte, target) in children {
                trie.bytes.push(byte);
                trie.targets.push(target);
            }
            trie.nodes.push(TrieNode { edges: (from, trie.bytes.len() as u32), hits: distinct(hits) });
        }
        Some(trie)
    }

    #[inline]
    fn walk<'b>(&self, bytes: impl Iterator<Item = &'b u8>, hit: &mut impl FnMut(Hit)) {
        let Some(mut node) = self.nodes.first() else { return };
        for byte in bytes {
            let edges = self.bytes.get(node.edges.0 as usize..node.edges.1 as usize).unwrap_or_default();
            let Some(at) = memchr::memchr(*byte, edges) else { return };
            let target = self.targets.get(node.edges.0 as usize + at);
            let Some(next) = target.and_then(|target| self.nodes.get(*target as usize)) else { return };
            node = next;
            node.hits.iter().for_each(|h| hit(*h));
        }
    }

    fn heap_bytes(&self) -> usize {
        self.nodes.iter().map(|node| size_of::<TrieNode>() + node.hits.len() * 8).sum::<usize>() + self.bytes.len() * 5
    }
}
