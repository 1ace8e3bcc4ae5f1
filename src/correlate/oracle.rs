//! The brute-force oracle: what episodes a set of entries has, computed from the definition with no state and no order of arrival. Windows
//! must agree with it for every order within the lateness, every moment at which the past is closed, and any double delivery.

use proptest::prelude::*;

use super::condition::{Bounds, Condition, Operator, RuleExpression};
use super::window::{Change, EPISODE_MS_MAX, Entry, Inserted, Spec, Window};

/// Count, first and last.
type Outcome = (u64, i64, i64);

fn expected(spec: &Spec, mut entries: Vec<Entry>) -> Vec<Outcome> {
    entries.sort();
    entries.dedup();
    let window = |start: i64| -> Vec<Entry> {
        entries.iter().copied().filter(|e| e.time_ms >= start && e.time_ms <= start + spec.timespan_ms).collect()
    };
    let mut starts: Vec<i64> = entries.iter().map(|entry| entry.time_ms).collect();
    starts.dedup();
    starts.retain(|start| spec.condition.holds(&window(*start)));
    let mut runs: Vec<Vec<i64>> = Vec::new();
    for start in starts {
        match runs.last_mut() {
            Some(run) if start - run[run.len() - 1] <= spec.join_ms && start - run[0] <= EPISODE_MS_MAX => {
                run.push(start)
            }
            _ => runs.push(vec![start]),
        }
    }
    let mut outcomes: Vec<Outcome> = runs
        .into_iter()
        .map(|run| {
            let covered: Vec<i64> = entries
                .iter()
                .map(|entry| entry.time_ms)
                .filter(|time| run.iter().any(|start| time >= start && *time <= start + spec.timespan_ms))
                .collect();
            (covered.len() as u64, covered[0], covered[covered.len() - 1])
        })
        .collect();
    outcomes.sort();
    outcomes
}

/// Entries with the delay of their arrival; where in between the past is closed and changes are told, and which come twice.
fn observed(spec: &Spec, arrivals: &[(Entry, i64)], steps: &[u8]) -> Vec<Outcome> {
    let mut order: Vec<(Entry, i64)> = arrivals.to_vec();
    order.sort_by_key(|(entry, delay)| entry.time_ms + delay);
    let mut window = Window::default();
    let mut alerts: std::collections::BTreeMap<u64, Outcome> = Default::default();
    let mut stream_ms = i64::MIN;
    let mut hear = |change: Change| match change {
        Change::Episode { name, count, first_ms, last_ms, ids } => {
            assert!(ids.len() <= count as usize);
            alerts.insert(name, (count, first_ms, last_ms));
        }
        Change::Merged { from, into } => {
            assert_ne!(from, into);
            alerts.remove(&from);
        }
    };
    for (n, (entry, delay)) in order.iter().enumerate() {
        // All that comes later is at most the lateness older than this.
        stream_ms = stream_ms.max(entry.time_ms + delay - spec.lateness_ms);
        let step = steps[n % steps.len()];
        assert_eq!(
            window.insert(spec, *entry, stream_ms),
            if known(&order[..n], entry) { Inserted::Known } else { Inserted::New }
        );
        if step & 1 == 1 {
            window.advance(spec, stream_ms);
        }
        if step & 2 == 2 {
            window.tell(spec, &mut hear);
        }
        if step & 4 == 4 {
            assert_ne!(window.insert(spec, *entry, stream_ms), Inserted::New);
        }
    }
    loop {
        window.tell(spec, &mut hear);
        let Some(due_ms) = window.due_ms(spec) else { break };
        window.advance(spec, due_ms);
    }
    assert!(window.is_empty());
    let mut outcomes: Vec<Outcome> = alerts.into_values().collect();
    outcomes.sort();
    outcomes
}

fn known(before: &[(Entry, i64)], entry: &Entry) -> bool {
    before.iter().any(|(other, _)| other == entry)
}

fn bounds() -> impl Strategy<Value = Bounds> {
    let operator = prop::sample::select(vec![
        Operator::Lt,
        Operator::Lte,
        Operator::Gt,
        Operator::Gte,
        Operator::Eq,
        Operator::Neq,
    ]);
    prop_oneof![
        3 => (1u8..6).prop_map(|n| Bounds(vec![(Operator::Gte, f64::from(n))])),
        1 => prop::collection::vec((operator, (0u8..6).prop_map(f64::from)), 1..3).prop_map(Bounds),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    let rule = (0u8..3).prop_map(RuleExpression::Rule);
    let expression = rule.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(RuleExpression::And),
            prop::collection::vec(inner.clone(), 1..3).prop_map(RuleExpression::Or),
            inner.prop_map(|part| RuleExpression::Not(Box::new(part))),
        ]
    });
    prop_oneof![
        2 => bounds().prop_map(Condition::EventCount),
        3 => bounds().prop_map(Condition::ValueCount),
        1 => bounds().prop_map(Condition::ValueSum),
        1 => bounds().prop_map(Condition::ValueAvg),
        1 => (prop::sample::select(vec![0.0, 50.0, 95.0]), bounds()).prop_map(|(rank, bounds)| Condition::ValuePercentile(rank, bounds)),
        2 => expression.prop_map(Condition::Temporal),
        2 => (1u8..4).prop_map(Condition::TemporalOrdered),
    ]
}

fn spec() -> impl Strategy<Value = Spec> {
    (condition(), 1i64..12, 0i64..30, 0i64..12).prop_map(|(condition, timespan_ms, longer, lateness_ms)| Spec {
        condition,
        timespan_ms,
        join_ms: timespan_ms + if longer < 15 { 0 } else { longer },
        lateness_ms,
        entries_max: 1_000,
    })
}

/// Whether an entry's `what` is a number; otherwise it is a rule's place or a value.
fn numeric(condition: &Condition) -> bool {
    matches!(condition, Condition::ValueSum(_) | Condition::ValueAvg(_) | Condition::ValuePercentile(..))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn episodes_are_those_of_the_definition_in_any_order(
        spec in spec(),
        raw in prop::collection::vec((0i64..60, 0u64..400, 0u64..4, 0i64..12), 0..40),
        steps in prop::collection::vec(0u8..8, 1..8),
    ) {
        let arrivals: Vec<(Entry, i64)> = raw
            .iter()
            .map(|(time_ms, id, number, delay)| {
                let what = if numeric(&spec.condition) { (*number as f64).to_bits() } else { *number };
                (Entry::new(1_000 + time_ms, (*time_ms as u64) << 32 | id << 8 | number, what), (*delay).min(spec.lateness_ms))
            })
            .collect();
        let entries: Vec<Entry> = arrivals.iter().map(|(entry, _)| *entry).collect();
        prop_assert_eq!(observed(&spec, &arrivals, &steps), expected(&spec, entries));
    }
}
