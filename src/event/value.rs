//! The values an event is made of: [`Value`], [`Object`], [`List`].
//!
//! Values are `Copy` and refer into the batch's [`Arena`]; objects and lists are shared and changed in place through `&self`, as
//! Java's maps and lists are, because Painless scripts rely on it (`def m = ctx.a; m.b = 1` changes the event). An object or list that came
//! with the payload and that nobody has asked about yet is still the payload's text: it is parsed, one level deep, at the
//! first look, and copied as it stands when it was never looked at. That laziness cannot be seen from outside.
//!
//! A number from the payload keeps its text ([`Value::Number`]), because `1.10`, `1E400` and 2^64 must reach the index as they came.

use std::cell::{Cell, RefCell};

use bumpalo::collections::Vec as BumpVec;

use super::arena::{Arena, Key};
use super::parse;
use crate::painless::Java;

/// One value of an event.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    /// A number of the payload, as written there: valid JSON number text.
    Number(&'a str),
    Int(i32),
    Long(i64),
    Float(f32),
    Double(f64),
    Str(&'a str),
    List(&'a List<'a>),
    Object(&'a Object<'a>),
    /// A Java object that JSON has no form for. Only a running script sees one: see [`crate::painless::Java`].
    Java(Java<'a>),
}

impl<'a> Value<'a> {
    pub fn as_str(&self) -> Option<&'a str> {
        match self {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_object(&self) -> Option<&'a Object<'a>> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&'a List<'a>> {
        match self {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// A copy that shares no object and no list with this value.
    pub fn deep_copy(&self, arena: &'a Arena) -> Value<'a> {
        match self {
            Value::Object(object) => {
                if let Some(raw) = object.raw.get() {
                    return Value::Object(arena.bump().alloc(Object::raw(arena, raw, object.suspect)));
                }
                let mut copy = BumpVec::with_capacity_in(object.len(), arena.bump());
                copy.extend(object.iter().map(|(key, value)| (key, value.deep_copy(arena))));
                Value::Object(arena.bump().alloc(Object::with(arena, None, copy)))
            }
            Value::List(list) => {
                if let Some(raw) = list.raw.get() {
                    return Value::List(arena.bump().alloc(List::raw(arena, raw, list.suspect)));
                }
                let copy = arena.list();
                for value in list.iter() {
                    copy.push(value.deep_copy(arena));
                }
                Value::List(copy)
            }
            other => *other,
        }
    }
}

/// A JSON object: keys in the order in which they were set, each once.
pub struct Object<'a> {
    arena: &'a Arena,
    /// The payload's text as long as nobody has looked inside.
    raw: Cell<Option<&'a str>>,
    /// The payload's text for good, whatever became of the object since.
    source: Option<&'a str>,
    /// The text may hold duplicate keys, so it is not copied as it stands; the same holds for what is in it.
    suspect: bool,
    entries: RefCell<BumpVec<'a, (Key<'a>, Value<'a>)>>,
}

impl<'a> Object<'a> {
    pub(super) fn empty(arena: &'a Arena) -> Self {
        Self::with(arena, None, BumpVec::new_in(arena.bump()))
    }

    fn with(arena: &'a Arena, raw: Option<&'a str>, entries: BumpVec<'a, (Key<'a>, Value<'a>)>) -> Self {
        Self { arena, raw: Cell::new(raw), source: raw, suspect: false, entries: RefCell::new(entries) }
    }

    /// The object that `source` is the text of, its first level parsed.
    pub(super) fn parsed(arena: &'a Arena, source: &'a str, entries: BumpVec<'a, (Key<'a>, Value<'a>)>) -> Self {
        Self { source: Some(source), ..Self::with(arena, None, entries) }
    }

    /// `text` is a whole, valid JSON object.
    pub(super) fn raw(arena: &'a Arena, text: &'a str, suspect: bool) -> Self {
        Self { suspect, ..Self::with(arena, Some(text), BumpVec::new_in(arena.bump())) }
    }

    /// The text of the payload that this object was made from, whether or not it was changed since; `None` for one that a
    /// pipeline made.
    pub fn source_text(&self) -> Option<&'a str> {
        self.source
    }

    /// The payload's own text of this object, good to be copied; `None` once somebody has looked inside.
    pub(crate) fn raw_text(&self) -> Option<&'a str> {
        self.raw.get().filter(|_| !self.suspect)
    }

    #[inline]
    fn force(&self) {
        if let Some(text) = self.raw.take() {
            *self.entries.borrow_mut() = parse::object_level(self.arena, text, self.suspect);
        }
    }

    pub fn arena(&self) -> &'a Arena {
        self.arena
    }

    /// All entries at once, for a reader that does not change the object meanwhile.
    pub(super) fn with_entries<R>(&self, read: impl FnOnce(&[(Key<'a>, Value<'a>)]) -> R) -> R {
        self.force();
        read(&self.entries.borrow())
    }

    pub fn len(&self) -> usize {
        self.force();
        self.entries.borrow().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value under a key that the caller has as a [`Key`] (compiled at load, or from [`Arena::key`]).
    #[inline]
    pub fn get(&self, key: &Key<'_>) -> Option<Value<'a>> {
        self.force();
        self.entries.borrow().iter().find(|(k, _)| k.same(key)).map(|(_, value)| *value)
    }

    pub fn get_str(&self, name: &str) -> Option<Value<'a>> {
        self.get(&Key { symbol: self.arena.symbols().get(name), text: name })
    }

    pub fn contains(&self, name: &str) -> bool {
        self.get_str(name).is_some()
    }

    /// Sets a key and gives what was there before. A new key goes to the end.
    pub fn set(&self, key: Key<'a>, value: Value<'a>) -> Option<Value<'a>> {
        self.force();
        let mut entries = self.entries.borrow_mut();
        if let Some((_, old)) = entries.iter_mut().find(|(k, _)| k.same(&key)) {
            return Some(std::mem::replace(old, value));
        }
        entries.push((key, value));
        None
    }

    /// As [`Object::set`], with a name that lives at least as long as the batch.
    pub fn set_str(&self, name: &'a str, value: Value<'a>) -> Option<Value<'a>> {
        self.set(self.arena.key(name), value)
    }

    pub fn remove(&self, key: &Key<'_>) -> Option<Value<'a>> {
        self.force();
        let mut entries = self.entries.borrow_mut();
        let at = entries.iter().position(|(k, _)| k.same(key))?;
        Some(entries.remove(at).1)
    }

    pub fn remove_str(&self, name: &str) -> Option<Value<'a>> {
        self.remove(&Key { symbol: self.arena.symbols().get(name), text: name })
    }

    pub fn clear(&self) {
        self.raw.set(None);
        self.entries.borrow_mut().clear();
    }

    /// The entry at a position; `None` past the end.
    pub fn at(&self, index: usize) -> Option<(Key<'a>, Value<'a>)> {
        self.force();
        self.entries.borrow().get(index).copied()
    }

    /// Entries in order. The object may be changed meanwhile: what is read is what stands at the next position then.
    pub fn iter(&self) -> impl Iterator<Item = (Key<'a>, Value<'a>)> + '_ {
        let mut next = 0;
        std::iter::from_fn(move || {
            let entry = self.at(next);
            next += 1;
            entry
        })
    }
}

impl std::fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&super::write::to_string(&Value::Object(self.arena.bump().alloc(Object::shallow(self)))))
    }
}

impl<'a> Object<'a> {
    fn shallow(&self) -> Object<'a> {
        let copy = Object::empty(self.arena);
        for (key, value) in self.iter() {
            copy.set(key, value);
        }
        copy
    }
}

/// A JSON array.
pub struct List<'a> {
    arena: &'a Arena,
    raw: Cell<Option<&'a str>>,
    /// As in [`Object`].
    suspect: bool,
    items: RefCell<BumpVec<'a, Value<'a>>>,
}

impl<'a> List<'a> {
    pub(super) fn empty(arena: &'a Arena) -> Self {
        Self { arena, raw: Cell::new(None), suspect: false, items: RefCell::new(BumpVec::new_in(arena.bump())) }
    }

    /// `text` is a whole, valid JSON array.
    pub(super) fn raw(arena: &'a Arena, text: &'a str, suspect: bool) -> Self {
        Self { arena, raw: Cell::new(Some(text)), suspect, items: RefCell::new(BumpVec::new_in(arena.bump())) }
    }

    /// As [`Object::raw_text`].
    pub(crate) fn raw_text(&self) -> Option<&'a str> {
        self.raw.get().filter(|_| !self.suspect)
    }

    #[inline]
    fn force(&self) {
        if let Some(text) = self.raw.take() {
            *self.items.borrow_mut() = parse::list_level(self.arena, text, self.suspect);
        }
    }

    pub fn arena(&self) -> &'a Arena {
        self.arena
    }

    /// As [`Object::with_entries`].
    pub(super) fn with_items<R>(&self, read: impl FnOnce(&[Value<'a>]) -> R) -> R {
        self.force();
        read(&self.items.borrow())
    }

    pub fn len(&self) -> usize {
        self.force();
        self.items.borrow().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn get(&self, index: usize) -> Option<Value<'a>> {
        self.force();
        self.items.borrow().get(index).copied()
    }

    /// Replaces an element; `None` when there is none at that position.
    pub fn set(&self, index: usize, value: Value<'a>) -> Option<Value<'a>> {
        self.force();
        self.items.borrow_mut().get_mut(index).map(|slot| std::mem::replace(slot, value))
    }

    pub fn push(&self, value: Value<'a>) {
        self.force();
        self.items.borrow_mut().push(value);
    }

    /// Inserts before `index`; false when `index` is past the end.
    pub fn insert(&self, index: usize, value: Value<'a>) -> bool {
        self.force();
        let mut items = self.items.borrow_mut();
        if index > items.len() {
            return false;
        }
        items.insert(index, value);
        true
    }

    pub fn remove(&self, index: usize) -> Option<Value<'a>> {
        self.force();
        let mut items = self.items.borrow_mut();
        (index < items.len()).then(|| items.remove(index))
    }

    pub fn clear(&self) {
        self.raw.set(None);
        self.items.borrow_mut().clear();
    }

    /// Elements in order, of a list that may be huge and is read once: what is still text stays text.
    pub fn lazily(&self) -> impl Iterator<Item = Value<'a>> + '_ {
        let raw = self.raw.get().map(|text| parse::elements(self.arena, text, self.suspect));
        let mut parsed = raw.is_none().then(|| self.iter());
        raw.into_iter().flatten().chain(std::iter::from_fn(move || parsed.as_mut()?.next()))
    }

    /// Elements in order; see [`Object::iter`] for what happens when the list changes meanwhile.
    pub fn iter(&self) -> impl Iterator<Item = Value<'a>> + '_ {
        let mut next = 0;
        std::iter::from_fn(move || {
            let value = self.get(next);
            next += 1;
            value
        })
    }
}

impl std::fmt::Debug for List<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
