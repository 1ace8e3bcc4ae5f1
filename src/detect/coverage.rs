//! What a rule set covers: log sources and ATT&CK techniques, with how many rules of which level.
//!
//! Techniques come from the tags (`attack.t1059.001`); a rule with several counts for each, one with none for none.

use std::collections::BTreeMap;

use rsigma_parser::LogSource;
use serde::Serialize;

use super::overlay::{Level, State};
use super::rules::{Rule, RuleSet};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub rules: usize,
    /// Of these, rules of level high and critical.
    pub high: usize,
    /// Of these, rules in shadow.
    pub shadow: usize,
}

impl Counts {
    fn add(&mut self, rule: &Rule) {
        self.rules += 1;
        self.high += usize::from(rule.level >= Some(Level::High));
        self.shadow += usize::from(rule.state == State::Shadow);
    }
}

#[derive(Debug, Default, Serialize)]
pub struct Coverage {
    pub log_sources: BTreeMap<String, Counts>,
    pub techniques: BTreeMap<String, Counts>,
}

/// `product/category/service`, with `*` for what is not said.
pub fn log_source_name(source: &LogSource) -> String {
    let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "*".to_owned());
    format!("{}/{}/{}", part(&source.product), part(&source.category), part(&source.service))
}

/// `T1059.001` of `attack.t1059.001`.
pub fn techniques(rule: &Rule) -> impl Iterator<Item = String> {
    rule.tags.iter().filter_map(|tag| {
        let id = tag.strip_prefix("attack.t")?;
        let known = id.len() >= 4 && id.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        known.then(|| format!("T{id}"))
    })
}

impl Coverage {
    pub fn of(rules: &RuleSet) -> Coverage {
        let mut coverage = Coverage::default();
        for rule in rules.rules() {
            coverage.log_sources.entry(log_source_name(&rule.logsource)).or_default().add(rule);
            for technique in techniques(rule) {
                coverage.techniques.entry(technique).or_default().add(rule);
            }
        }
        coverage
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::load::RuleFile;
    use crate::detect::rules::Options;
    use crate::event::Symbols;

    #[test]
    fn rules_count_for_their_log_source_and_each_technique() {
        let rule = |name: &str, level: &str, tags: &str| RuleFile {
            name: name.into(),
            text: format!(
                "title: {name}\nlogsource: {{product: linux, service: sshd}}\nlevel: {level}\ntags: [{tags}]\ndetection:\n  s: {{a: 1}}\n  condition: s\n"
            ),
        };
        let files = [
            rule("a", "high", "attack.t1110.001, attack.credential-access"),
            rule("b", "low", "attack.t1110.001, attack.t1078"),
        ];
        let (rules, faults) = RuleSet::compile(&files, &Options::default(), &mut Symbols::new());
        assert!(faults.is_empty(), "{faults:?}");
        let coverage = Coverage::of(&rules);
        let counts = |rules, high| Counts { rules, high, shadow: 0 };
        assert_eq!(coverage.log_sources, BTreeMap::from([("linux/*/sshd".to_owned(), counts(2, 1))]));
        assert_eq!(
            coverage.techniques,
            BTreeMap::from([("T1078".to_owned(), counts(1, 0)), ("T1110.001".to_owned(), counts(2, 1))])
        );
    }
}
