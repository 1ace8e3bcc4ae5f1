//! The event in memory against a plain tree (serde_json's): whatever is parsed, looked at, changed and written, the document is the
//! one that the plain tree gives.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, Value as Plain, json};
use sluice::event::{Arena, Object, Symbols, Value, parse, write};

const NESTING_LEVELS: usize = 64;

/// Some of the keys are interned, as those that a pipeline names are.
fn arena() -> Arena {
    let mut symbols = Symbols::new();
    for name in ["a", "event", "user.name", "a long key that is interned"] {
        symbols.intern(name);
    }
    Arena::new(Arc::new(symbols))
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec!["a", "b", "event", "user.name", "a long key that is interned", ""]).prop_map(String::from),
        1 => any::<String>(),
    ]
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<u128>().prop_map(|n| n.to_string()),
        any::<f64>().prop_filter("JSON has finite numbers only", |n| n.is_finite()).prop_map(|n| format!("{n:e}")),
        prop::sample::select(vec!["1.10", "-0", "0.0", "1E400", "1e-7", "9007199254740993", "0.1000000000000000055"])
            .prop_map(String::from),
    ]
}

fn plain() -> impl Strategy<Value = Plain> {
    let leaf = prop_oneof![
        Just(Plain::Null),
        any::<bool>().prop_map(Plain::Bool),
        number().prop_map(|text| serde_json::from_str(&text).unwrap()),
        any::<String>().prop_map(Plain::String),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Plain::Array),
            prop::collection::vec((key(), inner), 0..6)
                .prop_map(|entries| Plain::Object(entries.into_iter().collect())),
        ]
    })
}

/// Looks into some of the objects and lists, so that some of the document is a tree and some is still text.
fn look(value: Value<'_>, choices: &mut impl Iterator<Item = bool>) {
    if !choices.next().unwrap_or(false) {
        return;
    }
    match value {
        Value::Object(object) => object.iter().for_each(|(_, value)| look(value, choices)),
        Value::List(list) => list.iter().for_each(|value| look(value, choices)),
        _ => {}
    }
}

fn to_event<'a>(arena: &'a Arena, plain: &Plain) -> Value<'a> {
    let text = arena.bump().alloc_slice_copy(plain.to_string().as_bytes());
    parse::document(arena, text, NESTING_LEVELS).unwrap()
}

fn to_plain(value: &Value<'_>) -> Plain {
    serde_json::from_str(&write::to_string(value)).unwrap()
}

/// One change of an object, done to both trees.
#[derive(Clone, Debug)]
enum Change {
    Set(String, Plain),
    Remove(String),
    /// A deep copy of one key's value under another, then a change inside the copy.
    Copy(String, String),
    /// A key inside the object under a key.
    SetInside(String, String, Plain),
    Push(String, Plain),
    Insert(String, usize, Plain),
    RemoveItem(String, usize),
    Clear(String),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (key(), plain()).prop_map(|(k, v)| Change::Set(k, v)),
        key().prop_map(Change::Remove),
        (key(), key()).prop_map(|(from, to)| Change::Copy(from, to)),
        (key(), key(), plain()).prop_map(|(k, inner, v)| Change::SetInside(k, inner, v)),
        (key(), plain()).prop_map(|(k, v)| Change::Push(k, v)),
        (key(), 0usize..4, plain()).prop_map(|(k, at, v)| Change::Insert(k, at, v)),
        (key(), 0usize..4).prop_map(|(k, at)| Change::RemoveItem(k, at)),
        key().prop_map(Change::Clear),
    ]
}

fn apply<'a>(arena: &'a Arena, event: &'a Object<'a>, tree: &mut Map<String, Plain>, change: &Change) {
    match change {
        Change::Set(key, value) => {
            event.set_str(arena.str(key), to_event(arena, value));
            tree.insert(key.clone(), value.clone());
        }
        Change::Remove(key) => {
            let removed = event.remove_str(key).map(|value| to_plain(&value));
            assert_eq!(removed, tree.shift_remove(key));
        }
        Change::Copy(from, to) => {
            if let Some(value) = event.get_str(from) {
                let copy = value.deep_copy(arena);
                event.set_str(arena.str(to), copy);
                let mut value = tree[from].clone();
                if let Value::Object(object) = copy {
                    object.set_str("copied", Value::Bool(true));
                    value["copied"] = json!(true);
                }
                tree.insert(to.clone(), value);
            }
        }
        Change::SetInside(key, inner, value) => {
            if let Some(Value::Object(object)) = event.get_str(key) {
                object.set_str(arena.str(inner), to_event(arena, value));
                tree[key][inner] = value.clone();
            }
        }
        Change::Push(key, value) => {
            if let Some(Value::List(list)) = event.get_str(key) {
                list.push(to_event(arena, value));
                tree[key].as_array_mut().unwrap().push(value.clone());
            }
        }
        Change::Insert(key, at, value) => {
            if let Some(Value::List(list)) = event.get_str(key) {
                let inserted = list.insert(*at, to_event(arena, value));
                let items = tree[key].as_array_mut().unwrap();
                assert_eq!(inserted, *at <= items.len());
                if inserted {
                    items.insert(*at, value.clone());
                }
            }
        }
        Change::RemoveItem(key, at) => {
            if let Some(Value::List(list)) = event.get_str(key) {
                let removed = list.remove(*at).map(|value| to_plain(&value));
                let items = tree[key].as_array_mut().unwrap();
                assert_eq!(removed, (*at < items.len()).then(|| items.remove(*at)));
            }
        }
        Change::Clear(key) => match event.get_str(key) {
            Some(Value::Object(object)) => {
                object.clear();
                tree[key] = json!({});
            }
            Some(Value::List(list)) => {
                list.clear();
                tree[key] = json!([]);
            }
            _ => {}
        },
    }
}

proptest! {
    #[test]
    fn any_json_through_the_event_is_the_same_value(value in plain(), pretty: bool, choices: Vec<bool>) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let arena = arena();
        let event = parse::document(&arena, text.as_bytes(), NESTING_LEVELS).unwrap();
        look(event, &mut choices.into_iter());
        let written = write::to_string(&event);
        // Numbers are compared as text, since serde_json keeps it.
        prop_assert_eq!(serde_json::from_str::<Plain>(&written).unwrap(), value);
        prop_assert!(!written.contains('\n'), "a line break would end the bulk line: {}", written);
    }

    #[test]
    fn changes_do_what_they_do_to_a_plain_tree(entries in prop::collection::vec((key(), plain()), 0..8), changes in prop::collection::vec(change(), 0..24)) {
        let arena = arena();
        let mut tree: Map<String, Plain> = entries.into_iter().collect();
        let event = to_event(&arena, &Plain::Object(tree.clone())).as_object().unwrap();
        for change in &changes {
            apply(&arena, event, &mut tree, change);
            let (written, expected) = (write::to_string(&Value::Object(event)), Plain::Object(tree.clone()).to_string());
            prop_assert_eq!(serde_json::from_str::<Plain>(&written).unwrap(), serde_json::from_str::<Plain>(&expected).unwrap(), "after {:?}", change);
            prop_assert_eq!(event.len(), tree.len());
        }
        let order: Vec<String> = event.iter().map(|(key, _)| key.text.to_owned()).collect();
        prop_assert_eq!(order, tree.keys().cloned().collect::<Vec<_>>());
    }

    /// Text made of JSON's own pieces, so that much of it is nearly valid.
    #[test]
    fn what_is_json_is_decided_as_serde_json_decides(pieces in prop::collection::vec(prop::sample::select(vec![
        "{", "}", "[", "]", ",", ":", "\"a\"", "\"b\"", "\"\\u00e9\"", "\"\\x\"", "\"", "\\", "0", "-", "1", ".5", "e+", "E", "12", "true", "fals", "null", " ", "\n", "é", "\u{1}",
    ]), 0..14)) {
        let text: String = pieces.concat();
        let arena = arena();
        let ours = parse::document(&arena, text.as_bytes(), NESTING_LEVELS);
        let theirs = serde_json::from_str::<Plain>(&text);
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?}: {:?} and {:?}", text, ours.map(|v| write::to_string(&v)), theirs);
        if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
            look(ours, &mut std::iter::repeat(true));
            prop_assert_eq!(to_plain(&ours), theirs);
        }
    }

    #[test]
    fn no_bytes_stop_the_parser(bytes: Vec<u8>) {
        let arena = arena();
        if let Ok(value) = parse::document(&arena, &bytes, NESTING_LEVELS) {
            look(value, &mut std::iter::repeat(true));
        }
    }
}

#[test]
fn duplicate_keys_never_reach_the_index_from_any_depth() {
    for (text, written) in [
        (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
        (r#"{"x":{"a":1,"b":0,"a":2}}"#, r#"{"x":{"a":2,"b":0}}"#),
        (r#"{"x":[[{"y":{"k":{"a":1,"\u0061":{"b":1,"b":2}}}}]]}"#, r#"{"x":[[{"y":{"k":{"a":{"b":2}}}}]]}"#),
        (r#"[{"a":1,"a":2}]"#, r#"[{"a":2}]"#),
    ] {
        let arena = arena();
        let event = parse::document(&arena, text.as_bytes(), NESTING_LEVELS).unwrap();
        assert_eq!(write::to_string(&event), written, "{text}");
    }
    // More keys than the check remembers: the object is parsed, and the duplicate found.
    let keys: String = (0..500).map(|n| format!("\"key{n}\":{n},")).collect();
    let text = format!("{{\"x\":{{{keys}\"key7\":\"last\"}}}}");
    let arena = arena();
    let event = parse::document(&arena, text.as_bytes(), NESTING_LEVELS).unwrap();
    let written = write::to_string(&event);
    assert_eq!(written.matches("\"key7\"").count(), 1);
    assert!(written.contains("\"key7\":\"last\""));
}

#[test]
fn limits_hold() {
    let arena = arena();
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(parse::document(&arena, nested(NESTING_LEVELS).as_bytes(), NESTING_LEVELS).is_ok());
    let too_deep = nested(NESTING_LEVELS + 1);
    assert_eq!(parse::document(&arena, too_deep.as_bytes(), NESTING_LEVELS).unwrap_err().what, "nested too deep");
    let wide = |keys: usize| format!("{{{}}}", (0..keys).map(|n| format!("\"{n}\":0")).collect::<Vec<_>>().join(","));
    let just = wide(parse::OBJECT_KEYS_MAX);
    assert_eq!(parse::document(&arena, just.as_bytes(), 8).unwrap().as_object().unwrap().len(), parse::OBJECT_KEYS_MAX);
    for text in [wide(parse::OBJECT_KEYS_MAX + 1), format!("[{}]", wide(parse::OBJECT_KEYS_MAX + 1))] {
        assert_eq!(parse::document(&arena, text.as_bytes(), 8).unwrap_err().what, "too many keys in one object");
    }
}

/// Painless can put a map into itself; what is written ends all the same.
#[test]
fn a_document_that_holds_itself_can_be_written() {
    let arena = arena();
    let object = arena.object();
    object.set_str("self", Value::Object(object));
    let written = write::to_string(&Value::Object(object));
    assert!(written.contains(":null}"), "{written}");
}
