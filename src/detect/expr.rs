//! Conditions as a tree over items, and the choice of what an event must have for a rule to be worth a look.
//!
//! Trees are kept with `not` at the leaves only, so that the choice sees through `not (a or not b)`. A rule's *triggers* are items of
//! which at least one is true whenever the rule is: only rules with a trigger hit are evaluated, and a rule without triggers (it can be
//! true with nothing hit) always is. Of all possible choices the one expected to be hit least is taken.

use rsigma_parser::{ConditionExpr, Quantifier};

/// An item by its number in the rule set.
pub type ItemId = u32;

#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    Const(bool),
    Item(ItemId),
    NotItem(ItemId),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    AtLeast(u64, Vec<Expr>),
    FewerThan(u64, Vec<Expr>),
}

impl Expr {
    #[must_use]
    pub fn negate(self) -> Expr {
        match self {
            Expr::Const(value) => Expr::Const(!value),
            Expr::Item(item) => Expr::NotItem(item),
            Expr::NotItem(item) => Expr::Item(item),
            Expr::And(parts) => Expr::Or(parts.into_iter().map(Expr::negate).collect()),
            Expr::Or(parts) => Expr::And(parts.into_iter().map(Expr::negate).collect()),
            Expr::AtLeast(n, parts) => Expr::FewerThan(n, parts),
            Expr::FewerThan(n, parts) => Expr::AtLeast(n, parts),
        }
    }

    /// Merges nested `and` and `or`, takes constants out.
    #[must_use]
    pub fn simplify(self) -> Expr {
        let (parts, is_and) = match self {
            Expr::And(parts) => (parts, true),
            Expr::Or(parts) => (parts, false),
            Expr::AtLeast(0, _) => return Expr::Const(true),
            Expr::FewerThan(0, _) => return Expr::Const(false),
            Expr::AtLeast(1, parts) => return Expr::Or(parts).simplify(),
            Expr::FewerThan(1, parts) => return Expr::Or(parts).negate().simplify(),
            Expr::AtLeast(n, parts) => return Expr::AtLeast(n, parts.into_iter().map(Expr::simplify).collect()),
            Expr::FewerThan(n, parts) => return Expr::FewerThan(n, parts.into_iter().map(Expr::simplify).collect()),
            leaf => return leaf,
        };
        let mut flat: Vec<Expr> = Vec::with_capacity(parts.len());
        for part in parts {
            match (part.simplify(), is_and) {
                (Expr::Const(value), _) if value == is_and => {}
                (Expr::Const(value), _) => return Expr::Const(value),
                (Expr::And(inner), true) | (Expr::Or(inner), false) => flat.extend(inner),
                (other, _) => flat.push(other),
            }
        }
        if flat.len() == 1
            && let Some(only) = flat.pop()
        {
            return only;
        }
        match (flat.is_empty(), is_and) {
            (true, _) => Expr::Const(is_and),
            (false, true) => Expr::And(flat),
            (false, false) => Expr::Or(flat),
        }
    }

    /// The truth with nothing cached and nothing skipped.
    pub fn eval(&self, truth: &mut impl FnMut(ItemId) -> bool) -> bool {
        match self {
            Expr::Const(value) => *value,
            Expr::Item(item) => truth(*item),
            Expr::NotItem(item) => !truth(*item),
            Expr::And(parts) => parts.iter().all(|part| part.eval(truth)),
            Expr::Or(parts) => parts.iter().any(|part| part.eval(truth)),
            Expr::AtLeast(n, parts) => at_least(*n, parts, truth),
            Expr::FewerThan(n, parts) => !at_least(*n, parts, truth),
        }
    }

    pub fn items(&self, found: &mut Vec<ItemId>) {
        match self {
            Expr::Const(_) => {}
            Expr::Item(item) | Expr::NotItem(item) => found.push(*item),
            Expr::And(parts) | Expr::Or(parts) | Expr::AtLeast(_, parts) | Expr::FewerThan(_, parts) => {
                parts.iter().for_each(|part| part.items(found));
            }
        }
    }

    /// Triggers and how often they are expected to be hit; `None` when the expression can be true with nothing hit.
    /// `cost` says it of an item, `None` for one that is true of an event without its field.
    pub fn triggers(&self, cost: &impl Fn(ItemId) -> Option<f64>) -> Option<(f64, Vec<ItemId>)> {
        match self {
            Expr::Const(false) => Some((0.0, Vec::new())),
            Expr::Const(true) | Expr::NotItem(_) | Expr::FewerThan(..) => None,
            Expr::Item(item) => cost(*item).map(|c| (c, vec![*item])),
            Expr::And(parts) => parts.iter().filter_map(|part| part.triggers(cost)).min_by(|a, b| a.0.total_cmp(&b.0)),
            Expr::Or(parts) => {
                let mut all = (0.0, Vec::new());
                for part in parts {
                    let (cost, items) = part.triggers(cost)?;
                    all.0 += cost;
                    all.1.extend(items);
                }
                Some(all)
            }
            Expr::AtLeast(n, parts) => {
                let mut all = (0.0, Vec::new());
                let mut untriggered = 0;
                for part in parts {
                    match part.triggers(cost) {
                        Some((cost, items)) => {
                            all.0 += cost;
                            all.1.extend(items);
                        }
                        None => untriggered += 1,
                    }
                }
                (untriggered < *n).then_some(all)
            }
        }
    }

    /// Puts what is cheap and rarely true first in `and`, and what is cheap first in `or`.
    pub fn order(&mut self, effort: &impl Fn(ItemId) -> u32) {
        let (Expr::And(parts) | Expr::Or(parts) | Expr::AtLeast(_, parts) | Expr::FewerThan(_, parts)) = self else {
            return;
        };
        parts.iter_mut().for_each(|part| part.order(effort));
        parts.sort_by_cached_key(|part| {
            let mut items = Vec::new();
            part.items(&mut items);
            items.iter().map(|item| u64::from(effort(*item))).sum::<u64>()
        });
    }
}

fn at_least(n: u64, parts: &[Expr], truth: &mut impl FnMut(ItemId) -> bool) -> bool {
    let mut found = 0;
    n == 0
        || parts.iter().any(|part| {
            found += u64::from(part.eval(truth));
            found >= n
        })
}

/// The condition over named selections. `selection` gives the expression of a name, `names` all names that there are.
pub fn condition(
    parsed: &ConditionExpr,
    names: &[&str],
    selection: &impl Fn(&str) -> Option<Expr>,
) -> Result<Expr, String> {
    let all = |parts: &[ConditionExpr]| {
        parts.iter().map(|part| condition(part, names, selection)).collect::<Result<Vec<_>, _>>()
    };
    match parsed {
        ConditionExpr::And(parts) => Ok(Expr::And(all(parts)?)),
        ConditionExpr::Or(parts) => Ok(Expr::Or(all(parts)?)),
        ConditionExpr::Not(part) => Ok(condition(part, names, selection)?.negate()),
        ConditionExpr::Identifier(name) => {
            selection(name).ok_or_else(|| format!("the condition names `{name}`, which the detection does not have"))
        }
        ConditionExpr::Selector { quantifier, pattern } => {
            let parts: Vec<Expr> = names
                .iter()
                .filter(|name| pattern.matches_detection_name(name))
                .filter_map(|name| selection(name))
                .collect();
            if parts.is_empty() {
                return Err(format!(
                    "the condition asks for `{quantifier} of {pattern}`, but no selection has such a name"
                ));
            }
            Ok(match quantifier {
                Quantifier::Any => Expr::Or(parts),
                Quantifier::All => Expr::And(parts),
                Quantifier::Count(n) => Expr::AtLeast(*n, parts),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn expressions() -> impl Strategy<Value = Expr> {
        let leaf = prop_oneof![
            (0u32..6).prop_map(Expr::Item),
            (0u32..6).prop_map(Expr::NotItem),
            any::<bool>().prop_map(Expr::Const)
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let parts = prop::collection::vec(inner, 1..4);
            prop_oneof![
                parts.clone().prop_map(Expr::And),
                parts.clone().prop_map(Expr::Or),
                (0u64..3, parts.clone()).prop_map(|(n, p)| Expr::AtLeast(n, p)),
                (0u64..3, parts).prop_map(|(n, p)| Expr::FewerThan(n, p)),
            ]
        })
    }

    proptest! {
        #[test]
        fn rewriting_keeps_the_meaning_and_triggers_are_necessary(expr in expressions(), hits: [bool; 6]) {
            let truth = |e: &Expr| e.eval(&mut |item| hits[item as usize]);
            let expected = truth(&expr);
            let mut simple = expr.clone().simplify();
            prop_assert_eq!(truth(&simple), expected);
            prop_assert_eq!(truth(&expr.clone().negate().simplify()), !expected);
            simple.order(&|item| item);
            prop_assert_eq!(truth(&simple), expected);
            if let Some((_, triggers)) = simple.triggers(&|item| Some(f64::from(item))) {
                prop_assert!(!expected || triggers.iter().any(|item| hits[*item as usize]));
            }
        }
    }
}
