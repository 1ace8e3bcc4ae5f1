//! Windows over matches in event time, and when they become alerts.
//!
//! Reading order: [`condition`] (what is asked of a window), [`window`] (one group's entries and episodes), [`key`] and [`event_time`] (which group an event belongs
//! to, and when it was), [`rule`] and [`document`] (Sigma documents to all of that), [`store`] and [`wheel`] (the windows of a partition and when each is due), [`engine`] (what the owner of a
//! partition does), [`cases`] (tests that lie beside correlations). No file, no client and no clock: matches and stream time come in, changes of alerts go out.

pub mod cases;
pub mod condition;
pub mod document;
pub mod engine;
pub mod event_time;
pub mod key;
pub mod rule;
pub mod store;
pub mod wheel;
pub mod window;

#[cfg(test)]
mod metamorphic;
#[cfg(test)]
mod oracle;
