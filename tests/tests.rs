//! The integration tests, one binary. A module per subject:
//!
//! - `architecture`: what the modules may not do, checked on the source text.
//!
//! What needs only one module's code is tested in that module.

mod architecture;
