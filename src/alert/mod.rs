//! Alert documents and their states.
