//! The work on one batch of records: decode, normalise, enrich, detect, serialise into a bulk body.
