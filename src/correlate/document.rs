//! The parts of a correlation document: timespans, aliases and conditions, with what is wrong in them.
//!
//! Numbers are read as written (a mean may be compared with 0.5), and what the specification leaves to taste is said: a temporal
//! correlation without a condition means all of its rules, a percentile must be named.

use std::collections::BTreeMap;

use rsigma_parser::{ConditionExpr, Quantifier, SelectorPattern, detection_name_matches, parse_condition};
use yaml_serde::{Mapping, Value as Yaml};

use super::condition::{Bounds, Condition, Operator, RuleExpression};
use super::rule::Limits;
use super::window::EPISODE_MS_MAX;
use crate::detect::fault::{Severity, Step};

/// Something wrong in a document.
pub struct Wrong {
    pub severity: Severity,
    pub path: Vec<Step>,
    /// Line and column, where the path cannot say it.
    pub at: Option<(usize, usize)>,
    pub what: String,
}

impl Wrong {
    pub fn new(severity: Severity, path: &[&str], what: impl Into<String>) -> Wrong {
        let path = path.iter().map(|key| Step::Key((*key).to_owned())).collect();
        Wrong { severity, path, at: None, what: what.into() }
    }
}

pub fn parse(text: &str) -> Result<Mapping, Wrong> {
    yaml_serde::from_str::<Mapping>(text).map_err(|e| {
        let at = e.location().map(|place| (place.line(), place.column()));
        Wrong { at, ..Wrong::new(Severity::Error, &[], e.to_string()) }
    })
}

/// What a document can be referred to by.
pub fn names(document: &str) -> Vec<String> {
    let Ok(root) = parse(document) else { return Vec::new() };
    ["id", "name", "title"].into_iter().filter_map(|key| text(&root, key).map(str::to_owned)).collect()
}

pub fn text<'m>(mapping: &'m Mapping, key: &str) -> Option<&'m str> {
    mapping.get(key)?.as_str()
}

/// A text or a list of texts; empty when the key is missing, `None` when it is something else.
pub fn strings(mapping: &Mapping, key: &str) -> Option<Vec<String>> {
    match mapping.get(key) {
        None | Some(Yaml::Null) => Some(Vec::new()),
        Some(Yaml::String(one)) => Some(vec![one.clone()]),
        Some(Yaml::Sequence(list)) => list.iter().map(|value| value.as_str().map(str::to_owned)).collect(),
        Some(_) => None,
    }
}

/// A time of at least a second and at most a day.
pub fn timespan_ms(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is no timespan: a whole number and s, m, h or d, as 30s, 5m or 1h");
    let unit = text.chars().next_back().ok_or_else(wrong)?;
    let count = text.strip_suffix(unit).unwrap_or_default();
    if count.is_empty() || !count.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    let seconds: i64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' | 'M' | 'y' => return Err(too_long(text)),
        _ => return Err(wrong()),
    };
    let ms = count.parse::<i64>().ok().and_then(|count| count.checked_mul(seconds * 1_000)).unwrap_or(i64::MAX);
    match ms {
        0 => Err(wrong()),
        ms if ms > EPISODE_MS_MAX => Err(too_long(text)),
        ms => Ok(ms),
    }
}

fn too_long(text: &str) -> String {
    format!("`{text}` is longer than 24h, and windows hold no more")
}

/// Alias → reference → field.
pub fn aliases(part: &Mapping, wrong: &mut Vec<Wrong>) -> BTreeMap<String, BTreeMap<String, String>> {
    match part.get("aliases") {
        None | Some(Yaml::Null) => BTreeMap::new(),
        Some(value) => yaml_serde::from_value(value.clone()).unwrap_or_else(|_| {
            let what = "`aliases` has for each alias the rules and their fields: {name: {rule: field}}";
            wrong.push(Wrong::new(Severity::Error, &["correlation", "aliases"], what));
            BTreeMap::new()
        }),
    }
}

/// What the condition compares, besides the bounds.
struct Comparison {
    bounds: Bounds,
    fields: Vec<String>,
    percentile: Option<f64>,
}

/// The condition and the fields whose values it looks at; `None`, and a word, when there is none to be had.
pub fn condition(
    part: &Mapping,
    rules: &[&str],
    limits: &Limits,
    wrong: &mut Vec<Wrong>,
) -> Option<(Condition, Vec<String>)> {
    const AT: [&str; 2] = ["correlation", "condition"];
    let mut refuse = |path: &[&str], what: String| {
        wrong.push(Wrong::new(Severity::Error, path, what));
        None
    };
    let Some(kind) = text(part, "type") else {
        return refuse(&["correlation", "type"], "a correlation needs a `type`".into());
    };
    let temporal = matches!(kind, "temporal" | "temporal_ordered");
    match kind {
        "event_count" | "value_count" | "value_sum" | "value_avg" | "value_percentile" | "value_median" => {}
        "temporal" | "temporal_ordered" => {}
        "absence" | "new_terms" | "surge" | "near" => {
            return refuse(&["correlation", "type"], format!("correlations of type `{kind}` are not supported"));
        }
        _ => {
            let what = format!(
                "`{kind}` is no type of correlation: event_count, value_count, value_sum, value_avg, value_percentile, \
                 value_median, temporal or temporal_ordered"
            );
            return refuse(&["correlation", "type"], what);
        }
    }
    let comparison = match part.get("condition") {
        None | Some(Yaml::Null) if temporal => None,
        None | Some(Yaml::Null) => {
            return refuse(&["correlation"], format!("`{kind}` needs a `condition`, as {{gte: 10}}"));
        }
        Some(Yaml::String(expression)) if kind == "temporal" => {
            let parsed = match parse_condition(expression) {
                Ok(parsed) => parsed,
                Err(e) => return refuse(&AT, e.to_string()),
            };
            return match expression_of(&parsed, rules) {
                Ok(expression) if expression.holds(0) => refuse(
                    &AT,
                    "the condition is true when no rule matched: an absence of events cannot be waited for".into(),
                ),
                Ok(expression) => Some((Condition::Temporal(expression), Vec::new())),
                Err(what) => refuse(&AT, what),
            };
        }
        Some(Yaml::String(_)) => {
            let what =
                format!("a condition of `{kind}` is a comparison, as {{gte: 10}}: only `temporal` takes an expression");
            return refuse(&AT, what);
        }
        Some(Yaml::Mapping(comparison)) => match comparison_of(comparison) {
            Ok(comparison) => Some(comparison),
            Err((key, what)) => return refuse(&["correlation", "condition", &key], what),
        },
        Some(_) => return refuse(&AT, "`condition` is a comparison or, for `temporal`, an expression".into()),
    };
    let Some(Comparison { bounds, mut fields, percentile }) = comparison else {
        return Some((all_of(kind, rules), Vec::new()));
    };
    if temporal {
        if !fields.is_empty() {
            return refuse(&["correlation", "condition", "field"], format!("`{kind}` looks at no field"));
        }
        if kind == "temporal" {
            return Some((Condition::Temporal(RuleExpression::Count(bounds)), fields));
        }
        if bounds.least_count() == Some(rules.len()) {
            return Some((all_of(kind, rules), fields));
        }
        return refuse(
            &AT,
            "`temporal_ordered` takes no condition: all rules must match, in the order of the list".into(),
        );
    }
    match kind {
        "event_count" if !fields.is_empty() => {
            return refuse(
                &["correlation", "condition", "field"],
                "`event_count` looks at no field; `value_count` does".into(),
            );
        }
        "event_count" => {}
        "value_count" if !fields.is_empty() => {}
        _ if fields.is_empty() => return refuse(&AT, format!("`{kind}` needs a `field` whose values it looks at")),
        _ if fields.len() > 1 => {
            return refuse(&["correlation", "condition", "field"], format!("`{kind}` looks at one field"));
        }
        _ => {}
    }
    if kind != "value_percentile" && percentile.is_some() {
        return refuse(&["correlation", "condition", "percentile"], format!("`{kind}` has no percentile"));
    }
    if matches!(kind, "event_count" | "value_count") {
        let most = limits.entries_max as f64;
        if let Some((_, bound)) = bounds.0.iter().find(|(_, bound)| *bound > most) {
            return refuse(&AT, format!("a window keeps {most} events at most: {bound} cannot be counted to"));
        }
        if !(1..=limits.entries_max).any(|count| bounds.hold(count as f64)) {
            let what = "no number of events satisfies the condition; an absence of events cannot be waited for";
            return refuse(&AT, what.into());
        }
    }
    let condition = match kind {
        "event_count" => Condition::EventCount(bounds),
        "value_count" => Condition::ValueCount(bounds),
        "value_sum" => Condition::ValueSum(bounds),
        "value_avg" => Condition::ValueAvg(bounds),
        "value_median" => Condition::ValuePercentile(50.0, bounds),
        _ => match percentile {
            Some(rank) => Condition::ValuePercentile(rank, bounds),
            None => return refuse(&AT, "`value_percentile` needs a `percentile` from 0 to 100".into()),
        },
    };
    fields.dedup();
    Some((condition, fields))
}

fn all_of(kind: &str, rules: &[&str]) -> Condition {
    let count = rules.len().min(super::condition::RULES_MAX) as u8;
    match kind {
        "temporal_ordered" => Condition::TemporalOrdered(count),
        _ => Condition::Temporal(RuleExpression::And((0..count).map(RuleExpression::Rule).collect())),
    }
}

/// A comparison, or the key that is wrong and what is wrong with it.
fn comparison_of(mapping: &Mapping) -> Result<Comparison, (String, String)> {
    let mut bounds = Vec::new();
    let mut percentile = None;
    for (key, value) in mapping {
        let Some(key) = key.as_str() else { return Err((String::new(), "a key of `condition` is no text".into())) };
        let number = value.as_f64().filter(|n| n.is_finite());
        let operator = match key {
            "lt" => Operator::Lt,
            "lte" => Operator::Lte,
            "gt" => Operator::Gt,
            "gte" => Operator::Gte,
            "eq" => Operator::Eq,
            "neq" => Operator::Neq,
            "field" => continue,
            "percentile" => {
                let rank = number.filter(|rank| (0.0..=100.0).contains(rank));
                percentile = Some(rank.ok_or_else(|| (key.into(), "`percentile` is a number from 0 to 100".into()))?);
                continue;
            }
            _ => return Err((key.into(), format!("`{key}` is no comparison: lt, lte, gt, gte, eq or neq"))),
        };
        let number = number.ok_or_else(|| (key.to_owned(), format!("`{key}` needs a number")))?;
        bounds.push((operator, number));
    }
    if bounds.is_empty() {
        return Err((String::new(), "`condition` needs a comparison: lt, lte, gt, gte, eq or neq".into()));
    }
    let fields = strings(mapping, "field")
        .ok_or_else(|| ("field".to_owned(), "`field` is a text or a list of texts".to_owned()))?;
    Ok(Comparison { bounds: Bounds(bounds), fields, percentile })
}

fn expression_of(parsed: &ConditionExpr, rules: &[&str]) -> Result<RuleExpression, String> {
    let all =
        |parts: &[ConditionExpr]| parts.iter().map(|part| expression_of(part, rules)).collect::<Result<Vec<_>, _>>();
    Ok(match parsed {
        ConditionExpr::And(parts) => RuleExpression::And(all(parts)?),
        ConditionExpr::Or(parts) => RuleExpression::Or(all(parts)?),
        ConditionExpr::Not(part) => RuleExpression::Not(Box::new(expression_of(part, rules)?)),
        ConditionExpr::Identifier(name) => match rules.iter().position(|rule| rule == name) {
            Some(place) => RuleExpression::Rule(place as u8),
            None => return Err(format!("the condition speaks of `{name}`, which is not in `rules`")),
        },
        ConditionExpr::Selector { quantifier, pattern } => {
            let named = |rule: &&str| match pattern {
                SelectorPattern::Them => true,
                SelectorPattern::Pattern(pattern) => detection_name_matches(pattern, rule),
            };
            let of: Vec<RuleExpression> = (0u8..)
                .zip(rules)
                .filter(|(_, rule)| named(rule))
                .map(|(place, _)| RuleExpression::Rule(place))
                .collect();
            match quantifier {
                _ if of.is_empty() => return Err(format!("no rule of the list fits `{pattern}`")),
                Quantifier::Any => RuleExpression::Or(of),
                Quantifier::All => RuleExpression::And(of),
                Quantifier::Count(1) => RuleExpression::Or(of),
                Quantifier::Count(n) if of.len() == rules.len() => {
                    RuleExpression::Count(Bounds(vec![(Operator::Gte, *n as f64)]))
                }
                Quantifier::Count(n) => return Err(format!("`{n} of {pattern}` is only supported of them all")),
            }
        }
    })
}
