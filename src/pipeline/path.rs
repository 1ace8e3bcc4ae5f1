//! Paths of fields, as `source.ip` or `tags.0`: compiled once at load, or on the spot for a name that a template made.
//!
//! What a path means is said as Elasticsearch's `IngestDocument.FieldPath` says it: `_ingest.` leads to the ingest metadata, `_source.` means
//! nothing, the rest is split at dots and empty ends are dropped. An element is a key of an object or a position in a list, by what it meets.

use bumpalo::collections::Vec as BumpVec;

use crate::event::{Arena, Key, Symbol, Symbols};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    Document,
    Ingest,
}

#[derive(Clone, Copy, Debug)]
struct Element {
    symbol: Symbol,
    start: u32,
    end: u32,
}

/// A path that a pipeline names: lives as long as the pipelines.
#[derive(Clone, Debug)]
pub struct FieldPath {
    text: Box<str>,
    root: Root,
    elements: Box<[Element]>,
}

impl FieldPath {
    /// `Err` says what is wrong with the text.
    pub fn compile(text: &str, symbols: &mut Symbols) -> Result<FieldPath, String> {
        let (root, parts) = split(text)?;
        let elements = parts
            .map(|(start, end)| Element {
                symbol: symbols.intern(text.get(start..end).unwrap_or_default()),
                start: start as u32,
                end: end as u32,
            })
            .collect();
        Ok(FieldPath { text: text.into(), root, elements })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn path(&self) -> Path<'_> {
        Path { text: &self.text, root: self.root, elements: &self.elements }
    }
}

/// A path as the document takes it: borrowed from a [`FieldPath`] or made in the arena.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    text: &'a str,
    root: Root,
    elements: &'a [Element],
}

impl<'a> Path<'a> {
    /// The path of a name that is known only now.
    pub fn parse(text: &'a str, arena: &'a Arena) -> Result<Path<'a>, String> {
        let (root, parts) = split(text)?;
        let mut elements = BumpVec::new_in(arena.bump());
        for (start, end) in parts {
            let symbol = arena.symbols().get(text.get(start..end).unwrap_or_default());
            elements.push(Element { symbol, start: start as u32, end: end as u32 });
        }
        Ok(Path { text, root, elements: elements.into_bump_slice() })
    }

    pub fn text(&self) -> &'a str {
        self.text
    }

    pub fn root(&self) -> Root {
        self.root
    }

    pub fn len(&self) -> usize {
        self.elements.len()
    }

    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    #[inline]
    fn key_of(&self, element: &Element) -> Key<'a> {
        let text = self.text.get(element.start as usize..element.end as usize).unwrap_or_default();
        Key { symbol: element.symbol, text }
    }

    /// All elements but the last.
    pub fn parents(&self) -> impl Iterator<Item = Key<'a>> + '_ {
        let parents = self.elements.split_last().map_or(&[][..], |(_, parents)| parents);
        parents.iter().map(|element| self.key_of(element))
    }

    pub fn elements(&self) -> impl Iterator<Item = Key<'a>> + '_ {
        self.elements.iter().map(|element| self.key_of(element))
    }

    pub fn leaf(&self) -> Key<'a> {
        match self.elements.last() {
            Some(element) => self.key_of(element),
            None => Key { symbol: Symbol::NONE, text: "" },
        }
    }
}

/// The root, and the start and end of every element.
fn split(text: &str) -> Result<(Root, impl Iterator<Item = (usize, usize)> + '_), String> {
    if text.is_empty() {
        return Err("path cannot be null nor empty".into());
    }
    if text.len() > u32::MAX as usize {
        return Err("the path is too long".into());
    }
    let (root, skipped) = if text.starts_with("_ingest.") {
        (Root::Ingest, "_ingest.".len())
    } else if text.starts_with("_source.") {
        (Root::Document, "_source.".len())
    } else {
        (Root::Document, 0)
    };
    let rest = text.get(skipped..).unwrap_or_default().trim_end_matches('.');
    if rest.is_empty() {
        return Err(format!("path [{text}] is not valid"));
    }
    let mut start = skipped;
    let parts = rest.split('.').map(move |part| {
        let at = start;
        start += part.len() + 1;
        (at, at + part.len())
    });
    Ok((root, parts))
}
