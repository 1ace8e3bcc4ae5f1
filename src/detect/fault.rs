//! Faults of rule files: what is wrong, where, and whether the rule can be used all the same.
//!
//! The rule parser gives no positions, so a fault carries a path into the YAML (`detection`, `selection`, `Image|re`) and the place is looked up in
//! the text afterwards, by a second parse that keeps positions; only files with faults pay for it.

use std::fmt;

use rsigma_parser::FieldSpec;
use rsigma_parser::parser::parse_field_spec;
use saphyr::{LoadableYamlNode, MarkedYaml};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The rule is not used.
    Error,
    /// The rule is used.
    Warning,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
    pub severity: Severity,
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}:{}:{}: {word}: {}", self.file, self.line, self.column, self.what)
    }
}

/// A step into a YAML document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Key(String),
    /// A detection item, by its field and modifiers: a modifier has several names.
    Item(FieldSpec),
    Index(usize),
}

impl Step {
    fn is_key(&self, key: &str) -> bool {
        match self {
            Step::Key(own) => own == key,
            Step::Item(own) => parse_field_spec(key).is_ok_and(|spec| spec == *own),
            Step::Index(_) => false,
        }
    }
}

/// Line and column, from 1, of the deepest node that the path reaches in a document.
pub fn locate(text: &str, path: &[Step]) -> (usize, usize) {
    let Ok(documents) = MarkedYaml::load_from_str(text) else { return (1, 1) };
    let Some(mut node) = documents.first() else { return (1, 1) };
    let mut place = (node.span.start.line(), node.span.start.col() + 1);
    for step in path {
        let next = match step {
            Step::Key(_) | Step::Item(_) => node
                .data
                .as_mapping()
                .and_then(|mapping| mapping.iter().find(|(k, _)| k.data.as_str().is_some_and(|k| step.is_key(k))))
                .map(|(k, v)| (k.span.start, v)),
            Step::Index(index) => node.data.as_sequence_get(*index).map(|v| (v.span.start, v)),
        };
        let Some((start, value)) = next else { break };
        place = (start.line(), start.col() + 1);
        node = value;
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_line_and_column() {
        let text = "title: x\ndetection:\n  sel:\n    - A: 1\n    - B|re: '('\n  condition: sel\n";
        let key = |k: &str| Step::Key(k.into());
        for (path, place) in [
            (vec![key("detection"), key("sel"), Step::Index(1), key("B|re")], (5, 7)),
            (vec![key("detection"), key("sel"), Step::Index(1), Step::Item(parse_field_spec("B|re").unwrap())], (5, 7)),
            (vec![key("detection"), key("condition")], (6, 3)),
            (vec![key("detection"), key("none")], (2, 1)),
            (vec![], (1, 1)),
        ] {
            assert_eq!(locate(text, &path), place, "{path:?}");
        }
    }
}
