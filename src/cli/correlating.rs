//! Correlations over the events of one input: what `sluice match` adds to its detections.
//!
//! The same engine as in the service, with the input's own times as stream time and one alert per episode, written when the input has ended.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::correlate::engine::{Alert, Arrival, Engine};
use crate::correlate::event_time::EventTime;
use crate::correlate::key::GroupKey;
use crate::correlate::rule::{Correlations, Limits, Match, Missed};
use crate::correlate::window::{Change, IDS_MAX};
use crate::detect::evaluate::RuleMatch;
use crate::detect::fault::Severity;
use crate::detect::overlay::{Overlay, State};
use crate::detect::rules::RuleSet;
use crate::event::write::write_string;
use crate::event::{Object, Symbols};

/// Windows of one correlation.
const RULE_BYTES_MAX: u64 = 512 << 20;

pub(super) struct Correlating {
    correlations: Correlations,
    engine: Engine,
    times: EventTime,
    /// The time of the event before, for one that says none.
    before_ms: i64,
    latest_ms: i64,
    missed: Missed,
    matches: Vec<Match>,
    alerts: BTreeMap<(u32, GroupKey, u64), Found>,
}

#[derive(Default)]
struct Found {
    group: Vec<String>,
    count: u64,
    first_ms: i64,
    last_ms: i64,
    lines: BTreeSet<u64>,
}

impl Correlating {
    /// Compiles the correlations among the rules and prints their faults; false when one had to be left out.
    pub fn new(rules: &RuleSet, overlay: &Overlay, lateness_ms: i64, symbols: &mut Symbols) -> (Correlating, bool) {
        let limits = Limits { lateness_ms, ..Limits::default() };
        let (correlations, faults) = Correlations::compile(rules, overlay, &limits, symbols);
        let mut sound = true;
        for fault in faults {
            sound &= fault.severity == Severity::Warning;
            eprintln!("{fault}");
        }
        let specs = correlations.all().iter().map(|correlation| (correlation.id.clone(), correlation.spec.clone()));
        let engine = Engine::new(specs, RULE_BYTES_MAX);
        let correlating = Correlating {
            engine,
            times: EventTime::new(symbols),
            correlations,
            before_ms: 0,
            latest_ms: i64::MIN,
            missed: Missed::default(),
            matches: Vec::new(),
            alerts: BTreeMap::new(),
        };
        (correlating, sound)
    }

    pub fn silences(&self, rule: u32) -> bool {
        self.correlations.silences(rule)
    }

    /// The rules that an event matched, on which line.
    pub fn event(&mut self, line: u64, event: &Object<'_>, found: &[RuleMatch]) {
        if self.correlations.is_empty() {
            return;
        }
        // Without times the order of the lines is the order of the events.
        let time_ms = self.times.of(event).unwrap_or_else(|| self.before_ms.saturating_add(1));
        self.before_ms = time_ms;
        self.latest_ms = self.latest_ms.max(time_ms);
        for rule in found {
            self.correlations.matches(rule.rule, "", event, &mut self.missed, |one| self.matches.push(one));
        }
        for Match { correlation, key, values, what } in self.matches.drain(..) {
            let arrival =
                Arrival { rule: correlation, key, values: &values, time_ms, appended_ms: None, id: line, what };
            self.engine.take(&arrival);
        }
    }

    /// To be called now and then: closes what the events so far have left behind.
    pub fn pause(&mut self) {
        self.engine.advance(self.latest_ms);
        let alerts = &mut self.alerts;
        self.engine.tell(|alert| hear(alerts, alert));
    }

    /// Writes the alerts, a line each, and says on standard error what could not be counted.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> u64 {
        let alerts = &mut self.alerts;
        self.engine.finish(|alert| hear(alerts, alert));
        let mut found: Vec<(u32, Found)> =
            std::mem::take(&mut self.alerts).into_iter().map(|((rule, ..), found)| (rule, found)).collect();
        found.sort_by(|(a, x), (b, y)| (x.first_ms, a, &x.group, x.last_ms).cmp(&(y.first_ms, b, &y.group, y.last_ms)));
        for (rule, alert) in &found {
            self.write(*rule, alert, out);
        }
        self.warn();
        found.len() as u64
    }

    fn write(&self, rule: u32, alert: &Found, out: &mut Vec<u8>) {
        let Some(correlation) = self.correlations.all().get(rule as usize) else { return };
        out.extend_from_slice(b"{\"correlation\":");
        write_string(&correlation.id, out);
        out.extend_from_slice(b",\"title\":");
        write_string(&correlation.title, out);
        out.extend_from_slice(b",\"level\":");
        match correlation.level {
            Some(level) => write_string(level.name(), out),
            None => out.extend_from_slice(b"null"),
        }
        if correlation.state == State::Shadow {
            out.extend_from_slice(b",\"shadow\":true");
        }
        out.extend_from_slice(b",\"group\":{");
        for (n, (name, value)) in correlation.group_by.iter().zip(&alert.group).enumerate() {
            if n > 0 {
                out.push(b',');
            }
            write_string(name, out);
            out.push(b':');
            write_string(value, out);
        }
        out.extend_from_slice(format!("}},\"count\":{}", alert.count).as_bytes());
        for (name, ms) in [("first", alert.first_ms), ("last", alert.last_ms)] {
            let text = Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |time| time.to_string());
            out.extend_from_slice(format!(",\"{name}\":\"{text}\"").as_bytes());
        }
        let lines: Vec<String> = alert.lines.iter().map(u64::to_string).collect();
        out.extend_from_slice(format!(",\"events\":[{}]}}\n", lines.join(",")).as_bytes());
    }

    fn warn(&self) {
        for (rule, correlation) in (0u32..).zip(self.correlations.all()) {
            let counts = self.engine.counts(rule);
            if counts.late > 0 {
                eprintln!("warning: {}: {} events came later than --lateness allows", correlation.id, counts.late);
            }
            if counts.capped > 0 {
                let most = correlation.spec.entries_max;
                eprintln!("warning: {}: {} events beyond the {most} that a group keeps", correlation.id, counts.capped);
            }
            if counts.lost > 0 {
                eprintln!("warning: {}: {} windows were lost, their memory was full", correlation.id, counts.lost);
            }
        }
        if self.missed.capped > 0 {
            eprintln!("warning: {} events have lists of more than 16 values to group by", self.missed.capped);
        }
    }
}

fn hear(alerts: &mut BTreeMap<(u32, GroupKey, u64), Found>, alert: Alert) {
    let Alert { rule, key, values, change } = alert;
    match change {
        Change::Episode { name, count, first_ms, last_ms, ids } => {
            let found = alerts.entry((rule, key, name)).or_default();
            (found.group, found.count, found.first_ms, found.last_ms) = (values, count, first_ms, last_ms);
            add(&mut found.lines, ids);
        }
        Change::Merged { from, into } => {
            let gone = alerts.remove(&(rule, key, from)).unwrap_or_default();
            add(&mut alerts.entry((rule, key, into)).or_default().lines, gone.lines);
        }
    }
}

fn add(lines: &mut BTreeSet<u64>, more: impl IntoIterator<Item = u64>) {
    for line in more {
        if lines.len() < IDS_MAX {
            lines.insert(line);
        }
    }
}
