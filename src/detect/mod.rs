//! Sigma rules on events, at stream speed.
//!
//! All rules become one index: predicates grouped by field, so that an event costs what its own values cost and not rules times
//! predicates. Reading order: [`load`] (files to documents), [`item`] with [`glob`], [`pattern`], [`encode`] and [`fold`] (what a
//! detection item asks), [`expr`] (conditions, and what must be hit before a rule is worth a look), [`fields`] and [`source`] (names and
//! log sources), [`index`] with [`parts`], and [`probe`] (finding and trying), [`rules`] (a set), [`evaluate`] (one event). [`overlay`] is what a site
//! changes. Logic is two-valued: a missing field makes a selection false and `not` of it true. Correlations are not decided here.

pub mod coverage;
pub mod encode;
pub mod evaluate;
pub mod expr;
pub mod fault;
pub mod fields;
pub mod fold;
pub mod glob;
pub mod index;
pub mod item;
pub mod load;
pub mod overlay;
pub mod parts;
pub mod pattern;
pub mod probe;
#[cfg(test)]
mod reference;
pub mod rules;
pub mod ruletest;
pub mod source;
