//! Painless: source text to closures over the event.
