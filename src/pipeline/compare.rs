//! What two JSON documents differ in, field by field, for a person to read.
//!
//! Numbers are equal by value, as elastic-package compares them; the order of keys does not matter, that of lists does.

use serde_json::Value as Json;

/// As many differences of one document as anybody reads.
const DIFFERENCES_MAX: usize = 50;
/// Longer values are cut in the report.
const SHOWN_CHARS_MAX: usize = 300;

/// One line a difference; empty when there is none.
pub fn differences(expected: &Json, got: &Json) -> Vec<String> {
    let mut found = Vec::new();
    compare("", expected, got, &mut found);
    if found.len() > DIFFERENCES_MAX {
        let more = found.len() - DIFFERENCES_MAX;
        found.truncate(DIFFERENCES_MAX);
        found.push(format!("and {more} more differences"));
    }
    found
}

fn compare(path: &str, expected: &Json, got: &Json, found: &mut Vec<String>) {
    let inside = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (expected, got) {
        (Json::Object(expected), Json::Object(got)) => {
            for (key, value) in expected {
                match got.get(key) {
                    Some(other) => compare(&inside(key), value, other, found),
                    None => found.push(format!("{}: expected {}, and it is missing", inside(key), shown(value))),
                }
            }
            for (key, value) in got.iter().filter(|(key, _)| !expected.contains_key(*key)) {
                found.push(format!("{}: not expected, and it is {}", inside(key), shown(value)));
            }
        }
        (Json::Array(expected), Json::Array(got)) if expected.len() == got.len() => {
            for (index, (expected, got)) in expected.iter().zip(got).enumerate() {
                compare(&inside(&index.to_string()), expected, got, found);
            }
        }
        (Json::Number(a), Json::Number(b)) if same_number(&a.to_string(), &b.to_string()) => {}
        (expected, got) if expected == got => {}
        (expected, got) => {
            let name = if path.is_empty() { "the document" } else { path };
            found.push(format!("{name}: expected {}, got {}", shown(expected), shown(got)));
        }
    }
}

fn same_number(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    match (a.parse::<i64>(), b.parse::<i64>()) {
        (Ok(a), Ok(b)) => a == b,
        _ => matches!((a.parse::<f64>(), b.parse::<f64>()), (Ok(a), Ok(b)) if a == b),
    }
}

fn shown(value: &Json) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_name_the_field_and_both_values() {
        let cases = [
            (r#"{"a":1}"#, r#"{"a":1.0}"#, &[][..]),
            (r#"{"a":{"b":[1,2]}}"#, r#"{"a":{"b":[1,3]}}"#, &["a.b.1: expected 2, got 3"]),
            (r#"{"a":1}"#, r#"{"b":1}"#, &["a: expected 1, and it is missing", "b: not expected, and it is 1"]),
            (r#"{"a":[1]}"#, r#"{"a":[1,2]}"#, &["a: expected [1], got [1,2]"]),
            (r#"null"#, r#"{"a":1}"#, &[r#"the document: expected null, got {"a":1}"#]),
            (r#"{"a":"1"}"#, r#"{"a":1}"#, &[r#"a: expected "1", got 1"#]),
        ];
        for (expected, got, wanted) in cases {
            let parse = |text| serde_json::from_str::<Json>(text).unwrap();
            assert_eq!(differences(&parse(expected), &parse(got)), wanted, "{expected} {got}");
        }
    }
}
