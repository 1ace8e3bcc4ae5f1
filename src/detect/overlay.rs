//! The overlay: what a site says about rules without touching their files.
//!
//! One YAML file, by rule id, name or title: whether a rule is on, in shadow (matched and counted, never alerted on) or off, another
//! level, exceptions (selections in Sigma's own form; an event that fits one is no match) and the suppression of its alerts.

use std::collections::BTreeMap;

use rsigma_parser::value::Timespan;
use serde::Deserialize;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Off,
    Shadow,
    #[default]
    On,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Informational,
    Low,
    Medium,
    High,
    Critical,
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Level::Informational => "informational",
            Level::Low => "low",
            Level::Medium => "medium",
            Level::High => "high",
            Level::Critical => "critical",
        }
    }

    pub fn of(level: rsigma_parser::Level) -> Level {
        match level {
            rsigma_parser::Level::Informational => Level::Informational,
            rsigma_parser::Level::Low => Level::Low,
            rsigma_parser::Level::Medium => Level::Medium,
            rsigma_parser::Level::High => Level::High,
            rsigma_parser::Level::Critical => Level::Critical,
        }
    }
}

/// One alert per values of `by` within this time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    pub by: Vec<String>,
    pub within_s: u64,
}

/// Longest suppression: what the windows of correlations can hold.
const SUPPRESSION_S_MAX: u64 = 24 * 3600;

#[derive(Clone, Debug, Default)]
pub struct Overlay {
    pub rules: BTreeMap<String, Entry>,
}

#[derive(Clone, Debug, Default)]
pub struct Entry {
    pub state: State,
    pub level: Option<Level>,
    /// The YAML of a list of selections, to be parsed as one.
    pub exceptions: Option<yaml_serde::Value>,
    pub suppression: Option<Suppression>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    rules: BTreeMap<String, RawEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    #[serde(default)]
    state: State,
    level: Option<Level>,
    exceptions: Option<Vec<yaml_serde::Value>>,
    suppression: Option<RawSuppression>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSuppression {
    by: Vec<String>,
    within: String,
}

impl Overlay {
    pub fn parse(text: &str) -> Result<Overlay, String> {
        let raw: RawFile = yaml_serde::from_str(text).map_err(|e| e.to_string())?;
        let mut rules = BTreeMap::new();
        for (id, raw) in raw.rules {
            let suppression = match raw.suppression {
                None => None,
                Some(raw) => {
                    let span = Timespan::parse(&raw.within)
                        .ok()
                        .filter(|span| (1..=SUPPRESSION_S_MAX).contains(&span.seconds));
                    let span = span.ok_or_else(|| {
                        format!("`{}` of rule `{id}` is no time from 1s to 24h, as 30m or 1h", raw.within)
                    })?;
                    Some(Suppression { by: raw.by, within_s: span.seconds })
                }
            };
            let exceptions = raw.exceptions.filter(|list| !list.is_empty()).map(yaml_serde::Value::Sequence);
            rules.insert(id, Entry { state: raw.state, level: raw.level, exceptions, suppression });
        }
        Ok(Overlay { rules })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlay_is_read_and_its_faults_are_named() {
        let overlay = Overlay::parse(
            "rules:\n  r-1: {state: shadow, level: low, suppression: {by: [user.name], within: 30m}}\n  r-2:\n    exceptions:\n      - User|startswith: adm_\n",
        )
        .unwrap();
        assert_eq!(overlay.rules["r-1"].state, State::Shadow);
        assert_eq!(
            overlay.rules["r-1"].suppression,
            Some(Suppression { by: vec!["user.name".into()], within_s: 1800 })
        );
        assert_eq!(overlay.rules["r-2"].state, State::On);
        for (text, part) in [
            ("rules:\n  r: {state: of}\n", "unknown variant `of`"),
            ("rules:\n  r: {levle: low}\n", "unknown field `levle`"),
            ("rules:\n  r: {suppression: {by: [], within: 2d}}\n", "`2d` of rule `r` is no time from 1s to 24h"),
        ] {
            let fault = Overlay::parse(text).unwrap_err();
            assert!(fault.contains(part), "{fault}");
        }
    }
}
