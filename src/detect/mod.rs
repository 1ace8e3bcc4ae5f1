//! Sigma rules: one index over all of them, asked once per event.
