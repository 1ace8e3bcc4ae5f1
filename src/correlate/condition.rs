//! What a correlation asks of the events in one window, and when it can be answered.
//!
//! A window is all entries of one group between a start and the start plus the timespan, both included. Conditions that more
//! entries can only make truer are answered as soon as an entry arrives ([`Condition::at_once`]); the others when stream time closes the window.
//! Nothing here keeps state: see [`super::window`].

use super::window::Entry;

/// A comparison with a number of the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Lt,
    Lte,
    Gt,
    Gte,
    Eq,
    Neq,
}

/// Comparisons that must all hold: one, or a range.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds(pub Vec<(Operator, f64)>);

impl Bounds {
    pub fn hold(&self, value: f64) -> bool {
        self.0.iter().all(|(operator, bound)| match operator {
            Operator::Lt => value < *bound,
            Operator::Lte => value <= *bound,
            Operator::Gt => value > *bound,
            Operator::Gte => value >= *bound,
            Operator::Eq => value == *bound,
            Operator::Neq => value != *bound,
        })
    }

    /// The least count that satisfies bounds which only grow truer with the count; `None` for other bounds.
    pub fn least_count(&self) -> Option<usize> {
        self.0.iter().try_fold(1, |least: usize, (operator, bound)| match operator {
            Operator::Gte => Some(least.max(bound.max(0.0).ceil() as usize)),
            Operator::Gt => Some(least.max(bound.max(0.0).floor() as usize + 1)),
            _ => None,
        })
    }
}

/// A condition on which of the rules matched in a window; the number is the rule's place in the correlation's list.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleExpression {
    Rule(u8),
    And(Vec<RuleExpression>),
    Or(Vec<RuleExpression>),
    Not(Box<RuleExpression>),
    /// How many of the rules matched.
    Count(Bounds),
}

impl RuleExpression {
    /// `present` has a bit for each rule that matched.
    pub fn holds(&self, present: u64) -> bool {
        match self {
            RuleExpression::Rule(rule) => present >> rule & 1 == 1,
            RuleExpression::And(parts) => parts.iter().all(|part| part.holds(present)),
            RuleExpression::Or(parts) => parts.iter().any(|part| part.holds(present)),
            RuleExpression::Not(part) => !part.holds(present),
            RuleExpression::Count(bounds) => bounds.hold(f64::from(present.count_ones())),
        }
    }

    fn negates(&self) -> bool {
        match self {
            RuleExpression::Rule(_) => false,
            RuleExpression::And(parts) | RuleExpression::Or(parts) => parts.iter().any(RuleExpression::negates),
            RuleExpression::Not(_) => true,
            RuleExpression::Count(bounds) => bounds.least_count().is_none(),
        }
    }
}

/// At most so many rules take part in one temporal correlation: they are bits of a word.
pub const RULES_MAX: usize = 64;

/// The question of a correlation, by its Sigma type.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    EventCount(Bounds),
    /// Distinct values; an entry's `what` is the hash of its value.
    ValueCount(Bounds),
    /// An entry's `what` is the bits of a double, for this and the next three.
    ValueSum(Bounds),
    ValueAvg(Bounds),
    /// The percentile, 0 to 100, by linear interpolation between the two nearest ranks.
    ValuePercentile(f64, Bounds),
    /// An entry's `what` is its rule's place in the list.
    Temporal(RuleExpression),
    /// All rules of a list of so many, in its order; events of one millisecond count as in order.
    TemporalOrdered(u8),
}

impl Condition {
    /// Whether more entries can only make it truer, so that it may fire before the window is closed.
    pub fn at_once(&self) -> bool {
        match self {
            Condition::EventCount(bounds) | Condition::ValueCount(bounds) => bounds.least_count().is_some(),
            Condition::Temporal(expression) => !expression.negates(),
            Condition::TemporalOrdered(_) => true,
            Condition::ValueSum(_) | Condition::ValueAvg(_) | Condition::ValuePercentile(..) => false,
        }
    }

    /// The answer for one window, entries in order of time, at least one.
    pub fn holds(&self, entries: &[Entry]) -> bool {
        match self {
            Condition::EventCount(bounds) => bounds.hold(entries.len() as f64),
            Condition::ValueCount(bounds) => {
                let mut values: Vec<u64> = entries.iter().map(|entry| entry.what).collect();
                values.sort_unstable();
                values.dedup();
                bounds.hold(values.len() as f64)
            }
            Condition::ValueSum(bounds) => bounds.hold(sum(entries)),
            Condition::ValueAvg(bounds) => bounds.hold(sum(entries) / entries.len() as f64),
            Condition::ValuePercentile(rank, bounds) => {
                let mut values: Vec<f64> = entries.iter().map(|entry| f64::from_bits(entry.what)).collect();
                bounds.hold(percentile(&mut values, *rank))
            }
            Condition::Temporal(expression) => {
                expression.holds(entries.iter().fold(0, |present, entry| present | 1 << (entry.what & 63)))
            }
            Condition::TemporalOrdered(rules) => {
                let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return false };
                ordered_end(entries, *rules).is_some_and(|end| end <= last.time_ms) && first.time_ms <= last.time_ms
            }
        }
    }
}

/// The sum in order of size, so that it does not depend on the order of arrival among equal times.
fn sum(entries: &[Entry]) -> f64 {
    let mut values: Vec<f64> = entries.iter().map(|entry| f64::from_bits(entry.what)).collect();
    values.sort_unstable_by(f64::total_cmp);
    values.iter().sum()
}

fn percentile(values: &mut [f64], rank: f64) -> f64 {
    let place = rank / 100.0 * (values.len() - 1) as f64;
    let below = place.floor() as usize;
    let (_, low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let low = *low;
    let fraction = place - below as f64;
    match above.iter().copied().min_by(f64::total_cmp) {
        Some(high) if fraction > 0.0 => low + (high - low) * fraction,
        _ => low,
    }
}

/// The earliest time at which rules 0 to `rules` - 1 have all matched in this order, from the first entry on.
fn ordered_end(entries: &[Entry], rules: u8) -> Option<i64> {
    let mut next = 0;
    let mut from = 0;
    while let Some(first) = entries.get(from) {
        // Entries of one millisecond stand in no order: as many rules as they complete are taken.
        let same = entries[from..].iter().take_while(|entry| entry.time_ms == first.time_ms).count();
        while entries[from..from + same].iter().any(|entry| entry.what == u64::from(next)) {
            next += 1;
            if next == rules {
                return Some(first.time_ms);
            }
        }
        from += same;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(of: &[(i64, u64)]) -> Vec<Entry> {
        of.iter().enumerate().map(|(n, (time, what))| Entry::new(*time, n as u64, *what)).collect()
    }

    fn doubles(of: &[f64]) -> Vec<Entry> {
        of.iter().enumerate().map(|(n, value)| Entry::new(n as i64, n as u64, value.to_bits())).collect()
    }

    #[test]
    fn only_growing_conditions_fire_at_once() {
        use Operator::*;
        for (bounds, least) in [
            (vec![(Gte, 5.0)], Some(5)),
            (vec![(Gt, 5.0)], Some(6)),
            (vec![(Gt, 2.0), (Gte, 9.0)], Some(9)),
            (vec![(Gte, 0.0)], Some(1)),
            (vec![(Gte, 5.0), (Lt, 9.0)], None),
            (vec![(Eq, 5.0)], None),
            (vec![(Neq, 5.0)], None),
            (vec![(Lte, 5.0)], None),
        ] {
            assert_eq!(Bounds(bounds.clone()).least_count(), least, "{bounds:?}");
            assert_eq!(Condition::EventCount(Bounds(bounds)).at_once(), least.is_some());
        }
        let (a, b) = (RuleExpression::Rule(0), RuleExpression::Rule(1));
        assert!(Condition::Temporal(RuleExpression::Or(vec![a.clone(), b.clone()])).at_once());
        assert!(!Condition::Temporal(RuleExpression::And(vec![a, RuleExpression::Not(Box::new(b))])).at_once());
        let two = |operator| Condition::Temporal(RuleExpression::Count(Bounds(vec![(operator, 2.0)])));
        assert!(two(Gte).at_once() && !two(Eq).at_once());
        assert!(two(Gte).holds(&entries(&[(1, 0), (2, 3)])) && !two(Gte).holds(&entries(&[(1, 3), (2, 3)])));
    }

    #[test]
    fn percentiles_interpolate() {
        for (values, rank, expected) in [
            (&[1.0, 2.0, 3.0, 4.0][..], 50.0, 2.5),
            (&[4.0, 1.0, 3.0, 2.0, 5.0], 50.0, 3.0),
            (&[10.0, 20.0], 95.0, 19.5),
            (&[7.0], 99.0, 7.0),
            (&[1.0, 2.0, 3.0], 0.0, 1.0),
            (&[1.0, 2.0, 3.0], 100.0, 3.0),
        ] {
            assert_eq!(percentile(&mut values.to_vec(), rank), expected, "{values:?} {rank}");
        }
        assert!(Condition::ValueAvg(Bounds(vec![(Operator::Eq, 2.0)])).holds(&doubles(&[1.0, 3.0])));
        assert!(Condition::ValueSum(Bounds(vec![(Operator::Lt, 0.0)])).holds(&doubles(&[1.0, -3.0])));
    }

    #[test]
    fn order_counts_except_within_a_millisecond() {
        let ordered = Condition::TemporalOrdered(3);
        assert!(ordered.holds(&entries(&[(1, 0), (2, 1), (3, 2)])));
        assert!(!ordered.holds(&entries(&[(1, 2), (2, 1), (3, 0)])));
        assert!(ordered.holds(&entries(&[(1, 1), (2, 0), (2, 2), (2, 1)])));
        assert!(!ordered.holds(&entries(&[(1, 0), (2, 2), (3, 1)])));
    }
}
