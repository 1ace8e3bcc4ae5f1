//! `dissect`: fields between fixed delimiters, `%{clientip} - [%{@timestamp}] "%{verb} …`.
//!
//! Key modifiers as in the original: `->` skips repeated delimiters, `+` appends (with `/n` in that order), `?` and an empty key are left
//! out, `*` and `&` join a name and a value found in the text.

use bumpalo::collections::String as BumpString;
use memchr::memmem::Finder;

use crate::event::Value;

use super::super::document::{Document, Done, Flow};
use super::super::options::Options;
use super::super::path::FieldPath;
use super::super::source::Fault;
use super::{Builder, Processor};

pub const PROCESSORS: &[(&str, Builder)] = &[("dissect", dissect)];

/// A pattern made ready.
#[derive(Debug)]
struct Dissect {
    /// What the text must begin with.
    leading: String,
    pairs: Vec<Pair>,
    append_separator: String,
}

/// A key and the delimiter behind it.
#[derive(Debug)]
struct Pair {
    key: Key,
    delimiter: String,
    finder: Finder<'static>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    name: String,
    skip_right_padding: bool,
    kind: KeyKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyKind {
    Field,
    /// Left out of the result.
    Skip,
    /// Joined with the others of its name; with a place among them when the pattern gives one.
    Append {
        place: u32,
    },
    ReferenceName,
    ReferenceValue,
}

impl Key {
    fn parse(text: &str, appended: &[String]) -> Result<Key, String> {
        let (body, skip_right_padding) = match text.strip_suffix("->") {
            Some(body) => (body, true),
            None => (text, false),
        };
        let fault = |what: &str| Err(format!("Unable to parse pattern: {what} for key [%{{{text}}}]"));
        let (kind, name) = match body.chars().next() {
            None => (KeyKind::Skip, ""),
            Some('?') => (KeyKind::Skip, body.get(1..).unwrap_or_default()),
            Some('*') => (KeyKind::ReferenceName, body.get(1..).unwrap_or_default()),
            Some('&') => (KeyKind::ReferenceValue, body.get(1..).unwrap_or_default()),
            Some('+') => {
                let inner = body.get(1..).unwrap_or_default();
                match inner.rsplit_once('/') {
                    Some((name, place)) => match place.parse() {
                        Ok(place) => (KeyKind::Append { place }, name),
                        Err(_) => return fault("the order behind / is no number"),
                    },
                    None => (KeyKind::Append { place: 0 }, inner),
                }
            }
            Some(_) if appended.iter().any(|name| name == body) => (KeyKind::Append { place: 0 }, body),
            Some(_) => (KeyKind::Field, body),
        };
        if name.is_empty() && kind != KeyKind::Skip {
            return fault("the name is missing");
        }
        Ok(Key { name: name.to_owned(), skip_right_padding, kind })
    }
}

impl Dissect {
    fn compile(pattern: &str, append_separator: &str) -> Result<Dissect, String> {
        let Some(start) = pattern.find("%{") else {
            return Err(format!("Unable to parse pattern: {pattern}: there is no key"));
        };
        let leading = pattern.get(..start).unwrap_or_default().to_owned();
        // A key that another one appends to is the first part of it.
        let appended: Vec<String> = keys(pattern)
            .filter_map(|key| key.strip_prefix('+'))
            .map(|key| key.strip_suffix("->").unwrap_or(key))
            .map(|key| key.split('/').next().unwrap_or_default().to_owned())
            .collect();
        let mut pairs: Vec<Pair> = Vec::new();
        let mut rest = pattern.get(start..).unwrap_or_default();
        while let Some(after) = rest.strip_prefix("%{") {
            let end = after.find('}').ok_or_else(|| format!("Unable to parse pattern: {pattern}: a key has no end"))?;
            let key = Key::parse(after.get(..end).unwrap_or_default(), &appended)?;
            let behind = after.get(end + 1..).unwrap_or_default();
            let next = behind.find("%{").unwrap_or(behind.len());
            let delimiter = behind.get(..next).unwrap_or_default().to_owned();
            let finder = Finder::new(&delimiter).into_owned();
            rest = behind.get(next..).unwrap_or_default();
            pairs.push(Pair { key, delimiter, finder });
        }
        let count = |kind: KeyKind| pairs.iter().filter(|pair| pair.key.kind == kind).count();
        let paired = pairs.iter().filter(|pair| pair.key.kind == KeyKind::ReferenceName).all(|pair| {
            pairs.iter().any(|other| other.key.kind == KeyKind::ReferenceValue && other.key.name == pair.key.name)
        });
        if !paired || count(KeyKind::ReferenceName) != count(KeyKind::ReferenceValue) {
            return Err(format!("Unable to parse pattern: {pattern}: found invalid key/reference associations"));
        }
        Ok(Dissect { leading, pairs, append_separator: append_separator.to_owned() })
    }

    /// The text of every key, in order; `None` when the text does not fit.
    fn split<'t>(&self, text: &'t str) -> Option<Vec<&'t str>> {
        let mut rest = text.strip_prefix(self.leading.as_str())?;
        let mut found = Vec::with_capacity(self.pairs.len());
        let last = self.pairs.len() - 1;
        for (index, pair) in self.pairs.iter().enumerate() {
            if pair.delimiter.is_empty() {
                if index < last {
                    // Two keys side by side: the first takes nothing.
                    found.push("");
                    continue;
                }
                found.push(rest);
                return Some(found);
            }
            // What lies behind a delimiter at the very end of the pattern does not matter.
            let at = pair.finder.find(rest.as_bytes())?;
            found.push(rest.get(..at)?);
            rest = rest.get(at + pair.delimiter.len()..)?;
            if pair.key.skip_right_padding {
                while let Some(after) = rest.strip_prefix(pair.delimiter.as_str()) {
                    rest = after;
                }
            }
        }
        Some(found)
    }

    /// Fields with their values, in the order in which the pattern first names them.
    fn fields<'a>(&self, text: &'a str, document: &Document<'a>) -> Option<Vec<(&'a str, &'a str)>> {
        let values = self.split(text)?;
        let mut found: Vec<(&'a str, &'a str)> = Vec::with_capacity(values.len());
        for (index, (pair, value)) in self.pairs.iter().zip(&values).enumerate() {
            let name = pair.key.name.as_str();
            match pair.key.kind {
                KeyKind::Field => put(&mut found, document.arena.str(name), value),
                KeyKind::Skip | KeyKind::ReferenceValue => {}
                KeyKind::Append { .. } => {
                    let earlier = self.pairs.iter().take(index);
                    if earlier.clone().any(|pair| is_append(&pair.key) && pair.key.name == name) {
                        continue;
                    }
                    put(&mut found, document.arena.str(name), self.joined(name, &values, document));
                }
                KeyKind::ReferenceName => {
                    let other = self
                        .pairs
                        .iter()
                        .zip(&values)
                        .find(|(pair, _)| pair.key.kind == KeyKind::ReferenceValue && pair.key.name == name);
                    if let Some((_, other)) = other {
                        put(&mut found, value, other);
                    }
                }
            }
        }
        Some(found)
    }

    fn joined<'a>(&self, name: &str, values: &[&str], document: &Document<'a>) -> &'a str {
        let mut parts: Vec<(u32, &str)> = self
            .pairs
            .iter()
            .zip(values)
            .filter(|(pair, _)| pair.key.name == name)
            .filter_map(|(pair, value)| match pair.key.kind {
                KeyKind::Append { place } => Some((place, *value)),
                _ => None,
            })
            .collect();
        parts.sort_by_key(|(place, _)| *place);
        let mut out = BumpString::new_in(document.arena.bump());
        for (index, (_, part)) in parts.iter().enumerate() {
            if index > 0 {
                out.push_str(&self.append_separator);
            }
            out.push_str(part);
        }
        out.into_bump_str()
    }
}

fn is_append(key: &Key) -> bool {
    matches!(key.kind, KeyKind::Append { .. })
}

fn put<'a>(found: &mut Vec<(&'a str, &'a str)>, name: &'a str, value: &'a str) {
    match found.iter_mut().find(|(known, _)| *known == name) {
        Some((_, old)) => *old = value,
        None => found.push((name, value)),
    }
}

fn keys(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split("%{").skip(1).filter_map(|rest| rest.split('}').next())
}

struct DissectProcessor {
    field: FieldPath,
    pattern: String,
    dissect: Dissect,
    ignore_missing: bool,
}

fn dissect(options: &mut Options<'_, '_>) -> Result<Box<dyn Processor>, Fault> {
    let pattern = options.text("pattern")?.to_owned();
    let separator = options.optional_text("append_separator")?.unwrap_or_default().to_owned();
    let dissect = Dissect::compile(&pattern, &separator).map_err(|e| options.fault("pattern", e))?;
    Ok(Box::new(DissectProcessor {
        field: options.path("field")?,
        pattern,
        dissect,
        ignore_missing: options.flag("ignore_missing", false)?,
    }))
}

impl Processor for DissectProcessor {
    fn run<'a>(&'a self, document: &mut Document<'a>) -> Done<'a> {
        let path = self.field.path();
        let Some(text) = document.get_text(path, self.ignore_missing)? else {
            if self.ignore_missing {
                return Ok(Flow::Next);
            }
            return Err(document.fail(format_args!("field [{}] is null, cannot process it.", path.text())));
        };
        let Some(fields) = self.dissect.fields(text, document) else {
            return Err(document.fail(format_args!(
                "Unable to find match for dissect pattern: {} against source: {text}",
                self.pattern
            )));
        };
        for (name, value) in fields {
            let target = document.path(name)?;
            document.set(target, Value::Str(value))?;
        }
        Ok(Flow::Next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pattern: &str, text: &str) -> Option<Vec<String>> {
        Some(Dissect::compile(pattern, "").unwrap().split(text)?.into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn texts_are_cut_at_delimiters() {
        for (pattern, text, expected) in [
            ("%{a} %{b}", "x y z", Some(&["x", "y z"][..])),
            ("[%{a->}] %{b}", "[x] ] y", Some(&["x", "y"])),
            ("%{a->} %{b}", "x    y", Some(&["x", "y"])),
            ("%{a},%{},%{c}", "1,2,3", Some(&["1", "2", "3"])),
            ("%{a},%{b}", "1", None),
            ("- %{a}", "+ 1", None),
            ("%{a}: %{b};", "k: v; more", Some(&["k", "v"])),
            ("%{a},%{b}", ",", Some(&["", ""])),
        ] {
            let expected = expected.map(|values| values.iter().map(|v| (*v).to_owned()).collect());
            assert_eq!(values(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn keys_have_modifiers() {
        let key = |text: &str| Key::parse(text, &["a".into()]).unwrap();
        assert_eq!(key("a").kind, KeyKind::Append { place: 0 });
        assert_eq!(
            key("+a/2->"),
            Key { name: "a".into(), skip_right_padding: true, kind: KeyKind::Append { place: 2 } }
        );
        assert_eq!(key("?x").kind, KeyKind::Skip);
        assert!(Dissect::compile("%{*a} %{&b}", "").is_err());
        assert!(Dissect::compile("no keys", "").is_err());
        assert!(Dissect::compile("%{a", "").is_err());
    }
}
