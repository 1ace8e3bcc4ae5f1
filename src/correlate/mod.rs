//! Windows over matches in event time, and when they become alerts.
//!
//! Reading order: [`condition`] (what is asked of a window), [`window`] (one group's entries and episodes).

pub mod condition;
pub mod window;

#[cfg(test)]
mod oracle;
