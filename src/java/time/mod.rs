//! Times as `java.time` reads and writes them: patterns ([`pattern`]), reading in two steps ([`parse`] to fields, [`resolve`] to a date, a
//! time and a zone), writing ([`format`]), zones ([`zone`]), names ([`names`]), and on top of them the formats that Elasticsearch adds
//! ([`elastic`]).
//!
//! The calendar and the rules of time zones are `jiff`'s, so years reach from -9999 to 9999 and no further. Zones come from the data that is
//! compiled in, so that every machine knows the same ones. The present is always an argument.

pub mod elastic;
pub mod format;
pub mod names;
pub mod parse;
pub mod pattern;
pub mod resolve;
pub mod zone;

pub use format::Temporal;
pub use names::Locale;
pub use parse::TimeFault;
pub use pattern::{Formatter, PatternFault};
pub use resolve::{Parsed, Resolver};
pub use zone::Zone;

#[cfg(test)]
mod tests;
