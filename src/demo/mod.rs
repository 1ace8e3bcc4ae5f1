//! Everything in one process, with bundled records and no server.
