//! The arena of one batch and the table of interned key names.
//!
//! Everything an event is made of (strings, objects, lists) lives in one [`Arena`] and dies with it, so an event costs no
//! allocator call of its own and nothing is freed one by one. Key names that a pipeline, rule or table mentions are interned at load into
//! [`Symbols`], which does not change afterwards: a reload builds a new table, and a batch keeps the one it began with.
//! What values mean is not decided here: see [`super::value`].

use std::sync::Arc;

use bumpalo::Bump;
use rustc_hash::FxHashMap;

use super::value::{List, Object};

/// The number of an interned key name; [`Symbol::NONE`] for a name that nobody mentioned at load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(u32);

impl Symbol {
    pub const NONE: Symbol = Symbol(0);

    pub fn is_some(self) -> bool {
        self.0 != 0
    }
}

/// Key names known at load.
#[derive(Debug, Default)]
pub struct Symbols {
    numbers: FxHashMap<Box<str>, u32>,
}

impl Symbols {
    pub fn new() -> Self {
        Self::default()
    }

    /// The symbol of `name`, made when it is new. Only for load time.
    pub fn intern(&mut self, name: &str) -> Symbol {
        if let Some(number) = self.numbers.get(name) {
            return Symbol(*number);
        }
        let number = self.numbers.len() as u32 + 1;
        self.numbers.insert(name.into(), number);
        Symbol(number)
    }

    pub fn get(&self, name: &str) -> Symbol {
        self.numbers.get(name).map_or(Symbol::NONE, |number| Symbol(*number))
    }
}

/// A key name with its symbol. Within one [`Symbols`] table two keys are equal exactly when their symbols are equal or,
/// both being [`Symbol::NONE`], their texts are.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    pub symbol: Symbol,
    pub text: &'a str,
}

impl Key<'_> {
    #[inline]
    pub fn same(&self, other: &Key<'_>) -> bool {
        if self.symbol.is_some() || other.symbol.is_some() {
            self.symbol == other.symbol
        } else {
            self.text == other.text
        }
    }
}

/// The memory of one batch of events.
pub struct Arena {
    bump: Bump,
    symbols: Arc<Symbols>,
}

impl Arena {
    pub fn new(symbols: Arc<Symbols>) -> Self {
        Self { bump: Bump::new(), symbols }
    }

    pub fn bump(&self) -> &Bump {
        &self.bump
    }

    pub fn symbols(&self) -> &Arc<Symbols> {
        &self.symbols
    }

    /// The key for a name of any lifetime that outlives the batch; copies nothing.
    #[inline]
    pub fn key<'a>(&'a self, text: &'a str) -> Key<'a> {
        Key { symbol: self.symbols.get(text), text }
    }

    pub fn str<'a>(&'a self, text: &str) -> &'a str {
        self.bump.alloc_str(text)
    }

    pub fn object(&self) -> &Object<'_> {
        self.bump.alloc(Object::empty(self))
    }

    pub fn list(&self) -> &List<'_> {
        self.bump.alloc(List::empty(self))
    }

    /// Makes the memory free for the next batch; the borrow checker sees to it that no event is left.
    pub fn reset(&mut self) {
        self.bump.reset();
    }

    pub fn allocated_bytes(&self) -> usize {
        self.bump.allocated_bytes()
    }
}
