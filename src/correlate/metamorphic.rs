//! What must not change what is found: the order of arrival within the lateness, double delivery, the number of partitions, the moments at
//! which the owner asks or lets time pass, and how long its clock says that this takes. Each property is seen to fail on the mistake it is there for.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};

use super::condition::{Bounds, Condition, Operator, RuleExpression};
use super::engine::{Alert, Arrival, Engine, Mutant};
use super::key::{GroupKey, partition};
use super::window::{Change, Spec};

const LATENESS_MS: i64 = 20_000;

/// Rule, group, first, last, count.
type Found = Vec<(u32, GroupKey, i64, i64, u64)>;

#[derive(Clone, Debug)]
struct Event {
    rule: u32,
    group: u128,
    time_ms: i64,
    delay_ms: i64,
    what: u64,
    /// How often it comes.
    times: u8,
}

/// How the same events are met.
#[derive(Clone, Debug)]
struct World {
    partitions: u32,
    delayed: bool,
    twice: bool,
    /// After how many matches the owner lets time pass, and asks.
    steps: (usize, usize),
}

const STILL: World = World { partitions: 1, delayed: false, twice: false, steps: (1, 1) };

fn specs() -> Vec<(String, Spec)> {
    let gte = |n: f64| Bounds(vec![(Operator::Gte, n)]);
    let not = RuleExpression::Not(Box::new(RuleExpression::Rule(1)));
    let of = [
        (Condition::EventCount(gte(3.0)), 10_000),
        (Condition::ValueCount(gte(3.0)), 15_000),
        (Condition::TemporalOrdered(3), 30_000),
        (Condition::Temporal(RuleExpression::And(vec![RuleExpression::Rule(0), not])), 5_000),
        (Condition::ValueSum(Bounds(vec![(Operator::Lt, 4.0)])), 8_000),
    ];
    let spec = |(condition, timespan_ms): (Condition, i64)| Spec {
        condition,
        timespan_ms,
        join_ms: timespan_ms * 2,
        lateness_ms: LATENESS_MS,
        entries_max: 1_000,
    };
    of.into_iter().enumerate().map(|(n, one)| (n.to_string(), spec(one))).collect()
}

fn found(events: &[Event], world: &World, mutant: Mutant) -> Found {
    let delay = |event: &Event| if world.delayed { event.delay_ms } else { 0 };
    let mut order: Vec<(usize, &Event)> = events.iter().enumerate().collect();
    order.sort_by_key(|(_, event)| event.time_ms + delay(event));
    let mut engines: Vec<Engine> = (0..world.partitions)
        .map(|_| {
            let mut engine = Engine::new(specs(), 64 << 20);
            engine.mutant = mutant;
            engine
        })
        .collect();
    let mut alerts = BTreeMap::new();
    let mut hear = |alert: Alert| match alert.change {
        Change::Episode { name, count, first_ms, last_ms, .. } => {
            alerts.insert((alert.rule, alert.key, name), (first_ms, last_ms, count));
        }
        Change::Merged { from, .. } => {
            alerts.remove(&(alert.rule, alert.key, from));
        }
    };
    let mut stream_ms = i64::MIN;
    for (n, (id, event)) in order.iter().enumerate() {
        let numeric = event.rule == 4;
        let what = if numeric { (event.what as f64).to_bits() } else { event.what };
        let key = event.group.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834);
        for _ in 0..if world.twice { event.times } else { 1 } {
            engines[partition(key, world.partitions) as usize].take(&Arrival {
                rule: event.rule,
                key,
                values: &[],
                time_ms: event.time_ms,
                appended_ms: None,
                id: *id as u64,
                what,
            });
        }
        stream_ms = stream_ms.max(event.time_ms + delay(event) - LATENESS_MS);
        for engine in &mut engines {
            if n % world.steps.0 == 0 {
                engine.advance(stream_ms);
            }
            if n % world.steps.1 == 0 {
                engine.tell(&mut hear);
            }
        }
    }
    engines.iter_mut().for_each(|engine| engine.finish(&mut hear));
    for engine in &engines {
        assert!((0..5).all(|rule| engine.live(rule).0 == 0), "a window outlived the log");
    }
    let mut found: Found = alerts.into_iter().map(|((rule, key, _), (a, b, c))| (rule, key, a, b, c)).collect();
    found.sort_unstable();
    found
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = (0u32..5, 0u128..4, 0i64..120_000, 0i64..=LATENESS_MS, 0u64..3, 1u8..3).prop_map(
        |(rule, group, time_ms, delay_ms, what, times)| Event { rule, group, time_ms, delay_ms, what, times },
    );
    prop::collection::vec(event, 1..120)
}

fn worlds() -> impl Strategy<Value = World> {
    (prop::sample::select(vec![1, 3, 6]), any::<bool>(), any::<bool>(), (1usize..40, 1usize..40))
        .prop_map(|(partitions, delayed, twice, steps)| World { partitions, delayed, twice, steps })
}

fn holds(cases: u32, mutant: Mutant) -> Result<(), TestError<(Vec<Event>, World)>> {
    let config = ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() };
    let seed = proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, seed).run(&(events(), worlds()), |(events, world)| {
        prop_assert_eq!(found(&events, &world, mutant), found(&events, &STILL, Mutant::None));
        Ok(())
    })
}

#[test]
fn alerts_do_not_depend_on_how_matches_come() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(400);
    if let Err(fault) = holds(cases, Mutant::None) {
        panic!("{fault}");
    }
}

#[test]
fn the_mistakes_are_seen() {
    for mutant in [
        Mutant::ArrivalOrder { latest_ms: i64::MIN },
        Mutant::WallClock { now_ms: 7_200_000 },
        Mutant::NoDuplicates { next: 1 << 40 },
    ] {
        assert!(holds(100, mutant).is_err(), "{mutant:?} changes nothing");
    }
}

/// Two hours in which nobody reads age nothing: time passes with the log.
#[test]
fn planted_attacks_are_found_and_nothing_else() {
    let attack = |rule, group, whats: &[u64]| {
        whats.iter().enumerate().map(move |(n, what)| (rule, group, n as i64 * 1_000, *what)).collect::<Vec<_>>()
    };
    let all: Vec<(u32, u128, i64, u64)> = [
        attack(0, 1, &[0, 0, 0]),
        attack(0, 2, &[0, 0]),
        attack(1, 1, &[0, 1, 2]),
        attack(1, 2, &[0, 1, 1, 0]),
        attack(2, 1, &[0, 1, 2]),
        attack(2, 2, &[2, 1, 0]),
        attack(3, 1, &[0]),
        attack(3, 2, &[0, 1]),
    ]
    .concat();
    let event = |(rule, group, time_ms, what)| Event { rule, group, time_ms, delay_ms: 0, what, times: 2 };
    let events: Vec<Event> = all.into_iter().map(event).collect();
    let groups: Vec<(u32, u64)> = found(&events, &STILL, Mutant::None).iter().map(|f| (f.0, f.4)).collect();
    assert_eq!(groups, [(0, 3), (1, 3), (2, 3), (3, 1)]);
}
