//! The name of the index an event goes to, as the settings write it: literal text with `{yyyy.MM.dd}`, `{dataset}` and `{namespace}`.
//!
//! The date is the day of the document's identity, never of a field; who decides what is misdated lives in `index`.

use std::fmt::Write;

/// A checked name; [`IndexName::write`] cannot fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexName {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Year,
    Month,
    Day,
    Dataset,
    Namespace,
}

/// OpenSearch's own limit on the bytes of an index name.
pub const INDEX_NAME_BYTES_MAX: usize = 255;

impl IndexName {
    pub fn parse(text: &str) -> Result<IndexName, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            push_literal(&mut parts, literal)?;
            let Some((name, after)) = after.split_once('}') else {
                return Err(format!("`{{{after}` is not closed by `}}`"));
            };
            placeholder(&mut parts, name)?;
            rest = after;
        }
        push_literal(&mut parts, rest)?;
        match parts.first() {
            None => return Err("an index needs a name, as logs-sluice-{yyyy.MM.dd}".to_string()),
            Some(Part::Literal(first)) if first.starts_with(['-', '_', '+', '.']) => {
                return Err("an index name begins with a letter or digit".to_string());
            }
            Some(Part::Literal(_)) => {}
            // A wildcard over all of our indices, as templates and aliases need it, must match ours only.
            Some(_) => return Err("an index name begins with fixed text, as logs-sluice-{yyyy.MM.dd}".to_string()),
        }
        if text.len() > INDEX_NAME_BYTES_MAX / 2 {
            return Err(format!("longer than {} bytes", INDEX_NAME_BYTES_MAX / 2));
        }
        Ok(IndexName { parts })
    }

    /// Appends the name for a day. `dataset` and `namespace` come from data: what no index name may hold becomes `_`.
    pub fn write(&self, out: &mut String, (year, month, day): (i16, u8, u8), dataset: &str, namespace: &str) {
        for part in &self.parts {
            // Writing to a String does not fail.
            let _ = match part {
                Part::Literal(text) => out.write_str(text),
                Part::Year => write!(out, "{year:04}"),
                Part::Month => write!(out, "{month:02}"),
                Part::Day => write!(out, "{day:02}"),
                Part::Dataset => write_data(out, dataset),
                Part::Namespace => write_data(out, namespace),
            };
        }
    }

    /// The fixed text before the first placeholder, without a closing separator: what `…-misdated` and templates are named by.
    pub fn prefix(&self) -> &str {
        match self.parts.first() {
            Some(Part::Literal(text)) => text.trim_end_matches(['-', '.', '_']),
            _ => "",
        }
    }

    /// What matches every index of this name.
    pub fn pattern(&self) -> String {
        let mut pattern = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => pattern.push_str(text),
                _ if pattern.ends_with('*') => {}
                _ => pattern.push('*'),
            }
        }
        pattern
    }

    /// Whether events of different days go to different indices.
    pub fn is_dated(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Year | Part::Month | Part::Day))
    }
}

/// Bytes of a dataset or namespace that enter an index name, so that two of them and the rest stay within the limit.
const DATA_BYTES_MAX: usize = 60;

fn write_data(out: &mut String, text: &str) -> std::fmt::Result {
    let mut bytes = 0;
    for char in text.chars().flat_map(char::to_lowercase) {
        bytes += char.len_utf8();
        if bytes > DATA_BYTES_MAX {
            break;
        }
        // `-` separates type, dataset and namespace in the names that Kibana reads.
        out.push(if char == '-' || !is_allowed(char) { '_' } else { char });
    }
    Ok(())
}

fn push_literal(parts: &mut Vec<Part>, text: &str) -> Result<(), String> {
    if let Some(char) = text.chars().find(|char| !is_allowed(*char)) {
        return Err(match char {
            '}' => "`}` without `{`".to_string(),
            char if char.is_uppercase() => format!("`{char}`: index names are lower-case"),
            char => format!("`{char}` may not be in an index name"),
        });
    }
    if !text.is_empty() {
        parts.push(Part::Literal(text.to_string()));
    }
    Ok(())
}

fn is_allowed(char: char) -> bool {
    !char.is_uppercase() && !char.is_whitespace() && !char.is_control() && !r#"\/*?"<>|,#:{}"#.contains(char)
}

fn placeholder(parts: &mut Vec<Part>, name: &str) -> Result<(), String> {
    match name {
        "dataset" => parts.push(Part::Dataset),
        "namespace" => parts.push(Part::Namespace),
        "yyyy.MM.dd" | "yyyy-MM-dd" | "yyyy.MM" | "yyyy-MM" | "yyyy" => {
            let separator = if name.contains('-') { "-" } else { "." };
            for (number, letters) in name.split(separator).enumerate() {
                if number > 0 {
                    parts.push(Part::Literal(separator.to_string()));
                }
                parts.push(match letters {
                    "yyyy" => Part::Year,
                    "MM" => Part::Month,
                    _ => Part::Day,
                });
            }
        }
        _ => {
            return Err(format!(
                "{{{name}}} is not known; there are {{yyyy.MM.dd}}, {{yyyy.MM}}, {{yyyy}}, {{dataset}} and {{namespace}}"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_for_their_day_and_data() {
        for (text, expected) in [
            ("logs-sluice-{yyyy.MM.dd}", "logs-sluice-2026.03.09"),
            ("sluice-alerts-{yyyy.MM}", "sluice-alerts-2026.03"),
            ("logs-{dataset}-{namespace}-{yyyy-MM-dd}", "logs-aws.vpc_flow-a_b-2026-03-09"),
            ("everything", "everything"),
        ] {
            let mut out = String::new();
            IndexName::parse(text).unwrap().write(&mut out, (2026, 3, 9), "AWS.vpc flow", "a-b");
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn data_of_any_length_keeps_the_name_within_the_limit() {
        let name = IndexName::parse("logs-{dataset}-{namespace}-{yyyy.MM.dd}").unwrap();
        let mut out = String::new();
        name.write(&mut out, (2026, 3, 9), &"é".repeat(1000), &"x".repeat(1000));
        assert!(out.len() <= INDEX_NAME_BYTES_MAX, "{}", out.len());
    }

    #[test]
    fn the_prefix_is_the_fixed_text() {
        assert_eq!(IndexName::parse("logs-sluice-{yyyy.MM.dd}").unwrap().prefix(), "logs-sluice");
    }

    #[test]
    fn the_pattern_matches_every_day_and_every_dataset() {
        for (name, pattern) in [
            ("logs-sluice-{yyyy.MM.dd}", "logs-sluice-*.*.*"),
            ("logs-{dataset}-{namespace}", "logs-*-*"),
            ("everything", "everything"),
        ] {
            assert_eq!(IndexName::parse(name).unwrap().pattern(), pattern);
        }
    }
}
