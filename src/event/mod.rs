//! The event in memory: a tree over a per-batch arena, from JSON text and back to JSON text.
//!
//! Owns parsing, changing and writing of documents, and nothing of what the fields mean beyond their types. Reading order: [`arena`] (memory and interned
//! names), [`value`] (the tree), [`parse`], [`write`]; [`time`] reads times out of texts; [`ecs`] declares the
//! fields that have a type.

pub mod arena;
pub mod ecs;
pub mod parse;
mod scan;
pub mod time;
pub mod value;
pub mod write;

pub use arena::{Arena, Key, Symbol, Symbols};
pub use value::{List, Object, Value};
