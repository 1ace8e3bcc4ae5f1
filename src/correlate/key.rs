//! Which group an event belongs to: the values of the group-by fields in one form, and a hash of them that is the same on every replica.
//!
//! Two spellings of one thing are one group: a number and its text, an IPv6 address long and short, names whose kind or system knows no case.
//! A group is shown as one of the spellings that came ([`Group::values`]), never as the folded form. The hash is cryptographic, because groups are
//! named by whoever writes the logs: nobody shall find two names that share a window.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};

use sha2::{Digest, Sha256};

use crate::detect::fold::fold;
use crate::event::{Key, Object, Symbol, Symbols, Value};

/// Groups of one event under one rule. More would let one event with long lists fill a rule's quota; fewer would miss hosts of a list.
pub const GROUPS_MAX: usize = 16;
/// Longer values are cut: nobody groups by a document.
const VALUE_BYTES_MAX: usize = 1_024;
/// Lists and objects within one another on the way to a value.
const NESTING_LEVELS_MAX: usize = 32;

/// A group under one rule: 128 bits of a hash over rule, namespace and values.
pub type GroupKey = u128;

/// The partition, of so many, where all matches of a group meet.
pub fn partition(key: GroupKey, partitions: u32) -> u32 {
    // The top bits scaled to the number of partitions, so that any number is met evenly.
    ((key >> 96) as u64 * u64::from(partitions) >> 32) as u32
}

/// A field that is looked for in several places, the first that has a value counts.
#[derive(Clone, Debug)]
pub struct Field {
    places: Vec<Place>,
    folded: bool,
}

#[derive(Clone, Debug)]
struct Place {
    path: Vec<(Symbol, Box<str>)>,
    /// A dotted name as it stands, as flat documents have it.
    flat: Option<(Symbol, Box<str>)>,
}

/// One group of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub key: GroupKey,
    /// As spelled in the event, in the order of the fields; empty for a missing value.
    pub values: Vec<String>,
}

/// The groups of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    pub all: Vec<Group>,
    /// Combinations left out because there were too many.
    pub capped: bool,
}

impl Field {
    pub fn new(places: &[String], folded: bool, symbols: &mut Symbols) -> Field {
        let mut name = |text: &str| (symbols.intern(text), text.into());
        let place = |place: &String| Place {
            path: place.split('.').map(&mut name).collect(),
            flat: place.contains('.').then(|| name(place)),
        };
        Field { places: places.iter().map(place).collect(), folded }
    }

    /// The values, each once; lists give their elements.
    pub fn values<'a>(&self, event: &Object<'a>) -> Vec<Value<'a>> {
        let mut found = Vec::new();
        for place in &self.places {
            if let Some(flat) = &place.flat {
                collect(event, std::slice::from_ref(flat), 0, &mut found);
            }
            if found.is_empty() {
                collect(event, &place.path, 0, &mut found);
            }
            if !found.is_empty() {
                break;
            }
        }
        found
    }

    /// The one form of a value in this field.
    fn canonical<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if let Some(address) = address(text) {
            return Cow::Owned(address);
        }
        if self.folded { Cow::Owned(fold(text)) } else { Cow::Borrowed(text) }
    }
}

fn collect<'a>(object: &Object<'a>, path: &[(Symbol, Box<str>)], depth: usize, found: &mut Vec<Value<'a>>) {
    if let Some(((symbol, text), rest)) = path.split_first()
        && let Some(value) = object.get(&Key { symbol: *symbol, text })
    {
        collect_from(value, rest, depth, found);
    }
}

fn collect_from<'a>(value: Value<'a>, rest: &[(Symbol, Box<str>)], depth: usize, found: &mut Vec<Value<'a>>) {
    if found.len() > GROUPS_MAX || depth > NESTING_LEVELS_MAX {
        return;
    }
    match value {
        Value::List(list) => list.lazily().for_each(|item| collect_from(item, rest, depth + 1, found)),
        Value::Object(inner) if !rest.is_empty() => collect(inner, rest, depth + 1, found),
        Value::Object(_) | Value::Null | Value::Str("") => {}
        value if rest.is_empty() => found.push(value),
        _ => {}
    }
}

/// A value's text, the same for a number and its text; `None` for what is no single value.
pub fn text_of<'a>(value: &Value<'a>) -> Option<Cow<'a, str>> {
    let text = match value {
        Value::Str(text) => return Some(Cow::Borrowed(cut(text))),
        Value::Bool(value) => return Some(Cow::Borrowed(if *value { "true" } else { "false" })),
        Value::Int(n) => n.to_string(),
        Value::Long(n) => n.to_string(),
        Value::Float(n) => decimal(f64::from(*n)),
        Value::Double(n) => decimal(*n),
        Value::Number(text) if text.bytes().all(|b| b.is_ascii_digit()) => return Some(Cow::Borrowed(cut(text))),
        Value::Number(text) => match text.parse::<i64>() {
            Ok(n) => n.to_string(),
            Err(_) => decimal(text.parse().ok()?),
        },
        Value::Null | Value::List(_) | Value::Object(_) | Value::Java(_) => return None,
    };
    Some(Cow::Owned(text))
}

/// A value as a number, if it is one or spells one.
pub fn number_of(value: &Value<'_>) -> Option<f64> {
    let number = match value {
        Value::Number(text) | Value::Str(text) => text.trim().parse().ok()?,
        Value::Int(n) => f64::from(*n),
        Value::Long(n) => *n as f64,
        Value::Float(n) => f64::from(*n),
        Value::Double(n) => *n,
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Object(_) | Value::Java(_) => return None,
    };
    // Zero has two signs, and equal numbers must have equal bits.
    f64::is_finite(number).then_some(number + 0.0)
}

fn decimal(number: f64) -> String {
    // Rust writes whole numbers without a point.
    format!("{}", number + 0.0)
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(VALUE_BYTES_MAX)).unwrap_or(text)
}

/// An IPv6 address compressed and in lower case, one that stands for an IPv4 address as that.
fn address(text: &str) -> Option<String> {
    if !text.contains(':') {
        return None;
    }
    let address: Ipv6Addr = text.parse().ok()?;
    Some(IpAddr::V6(address).to_canonical().to_string())
}

/// The hash of values, in 64 bits: what distinct counts count.
pub fn value_hash(fields: &[Field], values: &[Cow<'_, str>]) -> u64 {
    (hash(&mut Sha256::new(), fields, values) >> 64) as u64
}

fn hash(hasher: &mut Sha256, fields: &[Field], values: &[Cow<'_, str>]) -> u128 {
    for (field, value) in fields.iter().zip(values) {
        part(hasher, &field.canonical(value));
    }
    let digest = hasher.finalize_reset();
    digest.first_chunk::<16>().map_or(0, |bytes| u128::from_be_bytes(*bytes))
}

fn part(hasher: &mut Sha256, text: &str) {
    hasher.update((text.len() as u32).to_be_bytes());
    hasher.update(text.as_bytes());
}

/// Every combination of the fields' values; none when a field is missing and must not be. `capped` says that there were too many.
pub fn combinations<'a>(fields: &[Field], event: &Object<'a>, missing_allowed: bool) -> (Vec<Vec<Cow<'a, str>>>, bool) {
    let mut all: Vec<Vec<Cow<'a, str>>> = vec![Vec::with_capacity(fields.len())];
    let mut capped = false;
    for field in fields {
        let mut values: Vec<Cow<'a, str>> = Vec::new();
        for text in field.values(event).iter().filter_map(text_of) {
            if !values.contains(&text) {
                values.push(text);
            }
        }
        match values.as_slice() {
            [] if missing_allowed => all.iter_mut().for_each(|group| group.push(Cow::Borrowed(""))),
            [] => return (Vec::new(), false),
            [only] => all.iter_mut().for_each(|group| group.push(only.clone())),
            several => {
                let each = all.iter().flat_map(|group| {
                    several.iter().map(|value| group.iter().cloned().chain([value.clone()]).collect::<Vec<_>>())
                });
                let combined: Vec<_> = each.take(GROUPS_MAX + 1).collect();
                capped |= combined.len() > GROUPS_MAX;
                all = combined;
                all.truncate(GROUPS_MAX);
            }
        }
    }
    (all, capped)
}

/// The groups of an event under the rule `id`, each once.
pub fn groups(id: &str, namespace: &str, fields: &[Field], event: &Object<'_>, missing_allowed: bool) -> Groups {
    let (combined, capped) = combinations(fields, event, missing_allowed);
    let mut all: Vec<Group> = Vec::with_capacity(combined.len());
    let mut hasher = Sha256::new();
    for values in combined {
        part(&mut hasher, id);
        part(&mut hasher, namespace);
        let key = hash(&mut hasher, fields, &values);
        if !all.iter().any(|group| group.key == key) {
            all.push(Group { key, values: values.into_iter().map(Cow::into_owned).collect() });
        }
    }
    Groups { all, capped }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::{Arena, parse};

    fn of(event: &str, fields: &[(&str, bool)]) -> Groups {
        let mut symbols = Symbols::new();
        let fields: Vec<Field> =
            fields.iter().map(|(name, folded)| Field::new(&[(*name).to_owned()], *folded, &mut symbols)).collect();
        let arena = Arena::new(Arc::new(symbols));
        let event = parse::document(&arena, event.as_bytes(), 100).unwrap();
        groups("rule", "default", &fields, event.as_object().unwrap(), false)
    }

    #[test]
    fn spellings_of_one_thing_are_one_group() {
        for (a, b, folded, same) in [
            (r#"{"f":7}"#, r#"{"f":"7"}"#, false, true),
            (r#"{"f":7.0}"#, r#"{"f":7}"#, false, true),
            (r#"{"f":1e3}"#, r#"{"f":"1000"}"#, false, true),
            (r#"{"f":-0.0}"#, r#"{"f":0}"#, false, true),
            (r#"{"f":"007"}"#, r#"{"f":"7"}"#, false, false),
            (r#"{"f":9007199254740993}"#, r#"{"f":9007199254740992}"#, false, false),
            (r#"{"f":"2001:DB8:0:0::1"}"#, r#"{"f":"2001:db8::1"}"#, false, true),
            (r#"{"f":"::ffff:10.0.0.1"}"#, r#"{"f":"10.0.0.1"}"#, false, true),
            (r#"{"f":"Bob"}"#, r#"{"f":"bob"}"#, false, false),
            (r#"{"f":"Bob"}"#, r#"{"f":"bob"}"#, true, true),
            (r#"{"f":true}"#, r#"{"f":"true"}"#, false, true),
            (r#"{"f":["a"]}"#, r#"{"f":"a"}"#, false, true),
        ] {
            let (one, other) = (of(a, &[("f", folded)]), of(b, &[("f", folded)]));
            assert_eq!((one.all.len(), other.all.len()), (1, 1), "{a} {b}");
            assert_eq!(one.all[0].key == other.all[0].key, same, "{a} {b}");
        }
        assert_eq!(of(r#"{"f":"Bob"}"#, &[("f", true)]).all[0].values, ["Bob"]);
    }

    #[test]
    fn lists_give_a_group_each_and_missing_values_none() {
        for (event, expected) in [
            (r#"{"a.b":["x","y","x"]}"#, 2),
            (r#"{"a":{"b":["x","y"]}}"#, 2),
            (r#"{"a":[{"b":"x"},{"b":"y"},{"c":"z"}]}"#, 2),
            (r#"{"a":{"b":[]}}"#, 0),
            (r#"{"a":{"b":null}}"#, 0),
            (r#"{"a":{"b":""}}"#, 0),
            (r#"{"a":{"b":{"c":1}}}"#, 0),
            (r#"{}"#, 0),
        ] {
            let groups = of(event, &[("a.b", false)]);
            assert_eq!((groups.all.len(), groups.capped), (expected, false), "{event}");
        }
        let many: Vec<String> = (0..40).map(|n| n.to_string()).collect();
        let groups = of(&format!(r#"{{"f":[{}],"g":[1,2]}}"#, many.join(",")), &[("f", false), ("g", false)]);
        assert_eq!((groups.all.len(), groups.capped), (GROUPS_MAX, true));
        // Where one value ends and the next begins matters.
        assert_ne!(
            of(r#"{"f":"ab","g":"c"}"#, &[("f", false), ("g", false)]).all[0].key,
            of(r#"{"f":"a","g":"bc"}"#, &[("f", false), ("g", false)]).all[0].key
        );
    }

    /// A hash that changes with a release would split every group that is counted while replicas are replaced.
    #[test]
    fn a_group_has_the_same_key_for_ever() {
        let group = &of(r#"{"f":"x"}"#, &[("f", false)]).all[0];
        assert_eq!(format!("{:032x}", group.key), "99c9aae1c0173cb339817b8897e0cea7");
    }

    #[test]
    fn partitions_are_met_evenly() {
        let mut met = [0; 6];
        for n in 0..6_000 {
            met[partition(of(&format!(r#"{{"f":{n}}}"#), &[("f", false)]).all[0].key, 6) as usize] += 1;
        }
        assert!(met.iter().all(|n| (850..1_150).contains(n)), "{met:?}");
    }
}
