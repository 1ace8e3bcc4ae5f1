//! Log lines: for people on a terminal, JSON elsewhere, on standard error; and the same line never by the thousand.
//!
//! What repeats is known by the place in the source it comes from. Past a number of lines in a stretch of time it is left out, counted, and
//! said once how often when it may speak again: a server that is away must not fill a disk with the news of it.

use std::collections::HashMap;
use std::fmt;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use metrics::counter;
use tracing::callsite::Identifier;
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::names;

/// Lines of one place within one [`STRETCH`]. Fewer hide what differs between them; more are not read.
const LINES_MAX: u32 = 10;
const STRETCH: Duration = Duration::from_secs(10);

/// Begins logging. `filter` has been checked by the settings; one that is wrong all the same logs from `info` up.
pub fn start(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let format = tracing_subscriber::fmt::format();
    // A second start, as in tests of the whole program, keeps the first one's form.
    let _ = if std::io::stderr().is_terminal() {
        lines.event_format(Seldom::new(format.compact().with_target(false), false)).try_init()
    } else {
        lines
            .with_ansi(false)
            .fmt_fields(tracing_subscriber::fmt::format::JsonFields::new())
            .event_format(Seldom::new(format.json().flatten_event(true).with_current_span(false), true))
            .try_init()
    };
}

/// A form of lines that leaves out what comes too often.
struct Seldom<F> {
    form: F,
    is_json: bool,
    places: Mutex<HashMap<Identifier, Place>>,
}

struct Place {
    since: Instant,
    lines: u32,
}

impl<F> Seldom<F> {
    fn new(form: F, is_json: bool) -> Seldom<F> {
        Seldom { form, is_json, places: Mutex::new(HashMap::new()) }
    }

    /// `None`: leave the line out. Else how many were left out before it.
    fn admit(&self, place: Identifier, now: Instant) -> Option<u32> {
        // The map has an entry per place in the source that logs.
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let place = places.entry(place).or_insert(Place { since: now, lines: 0 });
        let left_out = if now.duration_since(place.since) >= STRETCH {
            let left_out = place.lines.saturating_sub(LINES_MAX);
            *place = Place { since: now, lines: 0 };
            left_out
        } else {
            0
        };
        place.lines = place.lines.saturating_add(1);
        (place.lines <= LINES_MAX).then_some(left_out)
    }
}

impl<S, N, F> FormatEvent<S, N> for Seldom<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let Some(left_out) = self.admit(event.metadata().callsite(), Instant::now()) else {
            counter!(names::LOG_LINES_LEFT_OUT).increment(1);
            return Ok(());
        };
        if left_out > 0 {
            let message = format!("{left_out} more lines like the next one were left out");
            if self.is_json {
                writeln!(writer, "{{\"level\":\"{}\",\"message\":\"{message}\"}}", event.metadata().level())?;
            } else {
                writeln!(writer, "{message}")?;
            }
        }
        self.form.format_event(ctx, writer, event)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = Lines;

        fn make_writer(&'a self) -> Lines {
            self.clone()
        }
    }

    #[test]
    fn a_place_that_repeats_itself_falls_silent_and_another_does_not() {
        let lines = Lines::default();
        let format = tracing_subscriber::fmt::format().json().flatten_event(true).without_time();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(lines.clone())
            .fmt_fields(tracing_subscriber::fmt::format::JsonFields::new())
            .event_format(Seldom::new(format, true))
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            for number in 0..1000 {
                tracing::warn!(number, "OpenSearch is away");
            }
            tracing::warn!("something else");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), LINES_MAX as usize + 1, "{text}");
        assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{text}");
        assert!(
            text.ends_with("\"message\":\"something else\",\"target\":\"sluice::telemetry::log::tests\"}\n"),
            "{text}"
        );
    }

    #[test]
    fn how_many_were_left_out_is_said_once() {
        let seldom = Seldom::new((), false);
        let place = tracing::callsite::Identifier(place_of_test());
        let start = Instant::now();
        for _ in 0..LINES_MAX {
            assert_eq!(seldom.admit(place.clone(), start), Some(0));
        }
        for _ in 0..7 {
            assert_eq!(seldom.admit(place.clone(), start), None);
        }
        assert_eq!(seldom.admit(place.clone(), start + STRETCH), Some(7));
        assert_eq!(seldom.admit(place, start + STRETCH), Some(0));
    }

    fn place_of_test() -> &'static dyn tracing::Callsite {
        struct Here;
        impl tracing::Callsite for Here {
            fn set_interest(&self, _: tracing::subscriber::Interest) {}

            fn metadata(&self) -> &tracing::Metadata<'_> {
                panic!("never asked")
            }
        }
        static HERE: Here = Here;
        &HERE
    }
}
