//! Logs, metrics and health.
//!
//! What a person reads while something happens is in [`log`]; what is counted, in [`names`]; whether this process may be sent work and
//! why not, in [`health`]; and [`server`] shows the last two over HTTP. Other modules log, count and set conditions; they know
//! nothing of how that is shown.

pub mod health;
pub mod log;
pub mod names;
pub mod server;
