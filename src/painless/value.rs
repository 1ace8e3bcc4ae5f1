//! Java's objects that JSON has no form for, and what Java can be asked about any value: class, equality, hash, text.
//!
//! Scripts work on [`Value`] itself. Maps and lists of the event are [`Object`] and [`List`]; what else a script makes (sets, builders,
//! times, lambdas, …) is a [`Thing`] behind [`Value::Java`], which no code outside this module ever sees: [`super::settle`]
//! turns what a script left in the event into plain values.
//!
//! The keys of every map and set are texts in an [`Object`]. A key that is not a string is written with a NUL and a letter before it, see [`key_text`].
//! Java's `HashMap` gives its entries in the order of their hashes, and scripts show it (`for (entry in ctx.x.entrySet())` into a
//! list); [`in_order`] gives the same order.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;

use bumpalo::collections::Vec as BumpVec;
use jiff::Timestamp;

use super::api::{Class, Name};
use super::code::Function;
use super::error::{self, Throw, throw};
use super::machine::Machine;
use super::methods::builder::{Joiner, Tokenizer};
use super::methods::calendar::Local;
use super::methods::formatter::Format;
use super::methods::function::Derived;
use super::methods::stream::{Collector, Statistics, Stream};
use super::methods::time::Moment;
use super::methods::util::Base64;
use super::regex::{Matcher, Pattern};
use super::types::Type;
use crate::event::{Arena, Key, List, Object, Value};
use crate::java::time::pattern::Field;

/// How deep equality, hashes and texts look into nested values.
pub(super) const NESTING_LEVELS_MAX: u32 = 200;

#[derive(Clone, Copy, Debug)]
pub enum Java<'a> {
    /// A UTF-16 code unit.
    Char(u16),
    Byte(i8),
    Short(i16),
    Thing(&'a Thing<'a>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Hash,
    Linked,
    Sorted,
}

/// A map or the elements of a set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keyed<'a> {
    pub order: Order,
    pub object: &'a Object<'a>,
    /// Of a sorted one that was given a comparator.
    pub comparator: Option<Value<'a>>,
    pub fixed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Keys,
    Values,
    Entries,
}

/// Everything else that a script can hold. Made in the arena and never dropped, so it owns no memory of its own.
#[derive(Debug)]
pub struct Thing<'a>(pub(super) Held<'a>);

#[derive(Debug)]
pub(super) enum Held<'a> {
    Map(Keyed<'a>),
    Set(Keyed<'a>),
    /// `keySet()`, `values()`, `entrySet()`: removing from it removes from the map.
    View {
        map: Keyed<'a>,
        part: Part,
    },
    Entry {
        map: Option<Keyed<'a>>,
        key: Value<'a>,
        value: Cell<Value<'a>>,
    },
    Array {
        element: Type,
        list: &'a List<'a>,
    },
    /// A list that refuses changes, or has a class other than `ArrayList`.
    Sequence {
        class: Class,
        list: &'a List<'a>,
        fixed: bool,
    },
    Builder(RefCell<BumpVec<'a, u16>>),
    Exception {
        class: error::Class,
        message: Option<&'a str>,
    },
    Pattern(&'a Pattern),
    Matcher(Matcher<'a>),
    Optional {
        class: Class,
        value: Option<Value<'a>>,
    },
    /// `source` is what `remove` takes the element from.
    Iterator {
        list: &'a List<'a>,
        at: Cell<usize>,
        source: Option<Value<'a>>,
    },
    Joiner(Joiner<'a>),
    Tokenizer(Tokenizer<'a>),
    Stream(Stream<'a>),
    Collector(Collector<'a>),
    Statistics(Class, Cell<Statistics>),
    Encoder(Base64),
    Decoder(Base64),
    Locale(&'a str),
    Uuid(u128),
    Moment(Moment<'a>),
    /// A `Duration` in nanoseconds.
    Span(i128),
    /// A `ChronoUnit` by its nanoseconds.
    Unit(i128),
    /// A `ZoneId`.
    Zone(&'a str),
    Local(Local),
    /// A `ChronoField`.
    Field(Field),
    Format(Format<'a>),
    /// A `java.util.Date`.
    Date(Timestamp),
    Derived(Derived<'a>),
    Lambda {
        function: &'a Function,
        captured: &'a [(u32, Value<'a>)],
    },
    FunctionOf(u32),
    MethodOf {
        class: Type,
        name: Name,
    },
    Bound {
        receiver: Value<'a>,
        name: Name,
    },
    Constructor(Type),
}

impl<'a> From<&'a Thing<'a>> for Value<'a> {
    fn from(thing: &'a Thing<'a>) -> Self {
        Value::Java(Java::Thing(thing))
    }
}

/// What a value is, with numbers of the payload as Java would have read them.
#[inline]
pub(super) fn plain<'a>(value: Value<'a>) -> Value<'a> {
    match value {
        Value::Number(text) => read_number(text),
        other => other,
    }
}

/// Jackson's choice: `int`, else `long`, else `BigInteger` (which stays as it is); `double` when it has a fraction or an exponent.
#[cold]
fn read_number(text: &str) -> Value<'_> {
    if text.bytes().any(|b| matches!(b, b'.' | b'e' | b'E')) {
        return text.parse().map_or(Value::Number(text), Value::Double);
    }
    if let Ok(n) = text.parse() {
        return Value::Int(n);
    }
    text.parse().map_or(Value::Number(text), Value::Long)
}

pub(super) fn held<'a>(value: &Value<'a>) -> Option<&'a Held<'a>> {
    match value {
        Value::Java(Java::Thing(thing)) => Some(&thing.0),
        _ => None,
    }
}

/// The class that a value's own `getClass` would show.
pub(super) fn class_of(value: &Value<'_>) -> Class {
    match value {
        Value::Null => Class::Object,
        Value::Bool(_) => Class::Boolean,
        Value::Number(_) => Class::BigInteger,
        Value::Int(_) => Class::Integer,
        Value::Long(_) => Class::Long,
        Value::Float(_) => Class::Float,
        Value::Double(_) => Class::Double,
        Value::Str(_) => Class::String,
        Value::List(_) => Class::ArrayList,
        Value::Object(_) => Class::HashMap,
        Value::Java(Java::Char(_)) => Class::Character,
        Value::Java(Java::Byte(_)) => Class::Byte,
        Value::Java(Java::Short(_)) => Class::Short,
        Value::Java(Java::Thing(thing)) => match &thing.0 {
            Held::Map(map) => match map.order {
                Order::Hash => Class::HashMap,
                Order::Linked => Class::LinkedHashMap,
                Order::Sorted => Class::TreeMap,
            },
            Held::Set(set) => match set.order {
                Order::Hash => Class::HashSet,
                Order::Linked => Class::LinkedHashSet,
                Order::Sorted => Class::TreeSet,
            },
            Held::View { part: Part::Values, .. } => Class::Collection,
            Held::View { .. } => Class::Set,
            Held::Entry { .. } => Class::MapEntry,
            Held::Array { .. } => Class::Object,
            Held::Sequence { class, .. } => *class,
            Held::Builder(_) => Class::StringBuilder,
            Held::Exception { .. } => Class::Exception,
            Held::Pattern(_) => Class::Pattern,
            Held::Matcher(_) => Class::Matcher,
            Held::Optional { class, .. } => *class,
            Held::Iterator { .. } => Class::ListIterator,
            Held::Joiner(_) => Class::StringJoiner,
            Held::Tokenizer(_) => Class::StringTokenizer,
            Held::Stream(stream) => stream.class,
            Held::Collector(_) => Class::Collector,
            Held::Statistics(class, _) => *class,
            Held::Encoder(_) => Class::Base64Encoder,
            Held::Decoder(_) => Class::Base64Decoder,
            Held::Locale(_) => Class::Locale,
            Held::Uuid(_) => Class::Uuid,
            Held::Moment(moment) if moment.zone.is_some() => Class::ZonedDateTime,
            Held::Moment(_) => Class::Instant,
            Held::Span(_) => Class::Duration,
            Held::Unit(_) => Class::ChronoUnit,
            Held::Zone(id) if *id == "Z" || id.starts_with(['+', '-']) => Class::ZoneOffset,
            Held::Zone(_) => Class::ZoneId,
            Held::Local(Local::Date(_)) => Class::LocalDate,
            Held::Local(Local::Time(_)) => Class::LocalTime,
            Held::Local(Local::DateTime(_)) => Class::LocalDateTime,
            Held::Field(_) => Class::ChronoField,
            Held::Format(format) if format.simple => Class::SimpleDateFormat,
            Held::Format(_) => Class::DateTimeFormatter,
            Held::Date(_) => Class::Date,
            Held::Derived(_) => Class::Function,
            Held::Lambda { .. }
            | Held::FunctionOf(_)
            | Held::MethodOf { .. }
            | Held::Bound { .. }
            | Held::Constructor(_) => Class::Function,
        },
    }
}

/// The class's name as Java's messages show it.
pub(super) fn class_name(value: &Value<'_>) -> String {
    match held(value) {
        Some(Held::Array { element, .. }) => format!("{}[]", element.name()),
        Some(Held::Exception { class, .. }) => class.java_name().to_owned(),
        _ if value.is_null() => "null".to_owned(),
        _ => class_of(value).java_name().to_owned(),
    }
}

fn is_function(value: &Value<'_>) -> bool {
    class_of(value) == Class::Function
}

pub(super) fn instance_of(value: &Value<'_>, wanted: Type) -> bool {
    if value.is_null() {
        return false;
    }
    if wanted.is_def() {
        return true;
    }
    let array = match held(value) {
        Some(Held::Array { element, .. }) => Some(*element),
        _ => None,
    };
    if wanted.dimensions > 0 {
        return array == Some(wanted.element());
    }
    let wanted = match wanted.unboxed() {
        class if class.is_primitive() => return super::operate::type_of(value) == class,
        class => class,
    };
    let Some(wanted) = wanted.as_class() else { return false };
    if wanted == Class::Object {
        return true;
    }
    if array.is_some() {
        return false;
    }
    // Any lambda will do for any functional interface.
    if is_function(value) {
        return wanted.is_interface();
    }
    class_of(value).is_a(wanted)
}

/// Java's `String.hashCode`.
pub(super) fn hash_str(text: &str) -> i32 {
    if text.is_ascii() {
        return text.bytes().fold(0i32, |h, b| h.wrapping_mul(31).wrapping_add(i32::from(b)));
    }
    text.encode_utf16().fold(0i32, |h, unit| h.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

fn hash_long(n: i64) -> i32 {
    (n ^ (n as u64 >> 32) as i64) as i32
}

fn hash_double(n: f64) -> i32 {
    let bits = if n.is_nan() { 0x7ff8_0000_0000_0000 } else { n.to_bits() };
    hash_long(bits as i64)
}

impl<'a> Machine<'a> {
    /// The text under which a value stands as a key in an [`Object`].
    pub(super) fn key(&mut self, value: Value<'a>) -> Result<Key<'a>, Throw> {
        let text = match plain(value) {
            Value::Str(text) => return Ok(self.arena.key(text)),
            Value::Null => "\0N".to_owned(),
            Value::Bool(b) => format!("\0Z{}", i32::from(b)),
            Value::Int(n) => format!("\0I{n}"),
            Value::Long(n) => format!("\0J{n}"),
            Value::Float(n) => format!("\0F{}", n.to_bits()),
            Value::Double(n) => format!("\0D{}", n.to_bits()),
            Value::Java(Java::Char(c)) => format!("\0C{c}"),
            Value::Java(Java::Byte(n)) => format!("\0B{n}"),
            Value::Java(Java::Short(n)) => format!("\0S{n}"),
            other => {
                let hash = self.hash(&other)?;
                let known = self.keys.get(&hash).into_iter().flatten().copied().collect::<Vec<_>>();
                for (index, value) in known {
                    if self.equals(&value, &other)? {
                        return Ok(self.arena.key(self.arena.str(&format!("\0X{hash}:{index}"))));
                    }
                }
                let index = self.keys.values().map(Vec::len).sum::<usize>() as u32;
                self.keys.entry(hash).or_default().push((index, other));
                format!("\0X{hash}:{index}")
            }
        };
        self.touched = true;
        Ok(self.arena.key(self.arena.str(&text)))
    }

    /// The value that was made a key.
    pub(super) fn unkey(&self, key: &Key<'a>) -> Value<'a> {
        let text = key.text;
        let Some(rest) = text.strip_prefix('\0') else { return Value::Str(text) };
        let (Some(letter), Some(rest)) = (rest.get(..1), rest.get(1..)) else { return Value::Str(text) };
        let known = match letter {
            "N" => Some(Value::Null),
            "Z" => Some(Value::Bool(rest == "1")),
            "I" => rest.parse().ok().map(Value::Int),
            "J" => rest.parse().ok().map(Value::Long),
            "F" => rest.parse().ok().map(|bits| Value::Float(f32::from_bits(bits))),
            "D" => rest.parse().ok().map(|bits| Value::Double(f64::from_bits(bits))),
            "C" => rest.parse().ok().map(|unit| Value::Java(Java::Char(unit))),
            "B" => rest.parse().ok().map(|n| Value::Java(Java::Byte(n))),
            "S" => rest.parse().ok().map(|n| Value::Java(Java::Short(n))),
            _ => rest.split_once(':').and_then(|(hash, index)| {
                let (hash, index) = (hash.parse::<i32>().ok()?, index.parse::<u32>().ok()?);
                self.keys.get(&hash)?.iter().find(|(i, _)| *i == index).map(|(_, value)| *value)
            }),
        };
        known.unwrap_or(Value::Str(text))
    }

    fn hash_key(&mut self, key: &Key<'a>) -> Result<i32, Throw> {
        if !key.text.starts_with('\0') {
            return Ok(hash_str(key.text));
        }
        let value = self.unkey(key);
        self.hash(&value)
    }

    /// The entries of a map in the order in which Java gives them.
    pub(super) fn in_order(&mut self, map: &Keyed<'a>) -> Result<Vec<(Key<'a>, Value<'a>)>, Throw> {
        let len = map.object.len();
        self.step(1 + len as u64 / 64)?;
        let mut entries: Vec<_> = map.object.iter().map(|(key, value)| (key, plain(value))).collect();
        match map.order {
            Order::Linked => {}
            _ if len < 2 => {}
            Order::Hash => {
                // Java's table grows when it is three quarters full, and its order is that of the slots.
                let mut slots = 16u32;
                while len > slots as usize / 4 * 3 && slots < 1 << 30 {
                    slots *= 2;
                }
                let mut placed = Vec::with_capacity(len);
                for entry in entries {
                    let hash = self.hash_key(&entry.0)? as u32;
                    placed.push(((hash ^ (hash >> 16)) & (slots - 1), entry));
                }
                placed.sort_by_key(|(slot, _)| *slot);
                entries = placed.into_iter().map(|(_, entry)| entry).collect();
            }
            Order::Sorted => {
                let mut keyed: Vec<_> =
                    entries.into_iter().map(|(key, value)| (self.unkey(&key), (key, value))).collect();
                let comparator = map.comparator;
                self.sort_by(&mut keyed, |m, a, b| m.compare_with(comparator, a.0, b.0))?;
                entries = keyed.into_iter().map(|(_, entry)| entry).collect();
            }
        }
        Ok(entries)
    }

    pub(super) fn hash(&mut self, value: &Value<'a>) -> Result<i32, Throw> {
        self.hash_at(value, 0)
    }

    fn hash_at(&mut self, value: &Value<'a>, level: u32) -> Result<i32, Throw> {
        if level >= NESTING_LEVELS_MAX {
            return Err(throw(error::Class::StackOverflow, "the value to hash nests too deep"));
        }
        let value = plain(*value);
        Ok(match value {
            Value::Null => 0,
            Value::Bool(b) => {
                if b {
                    1231
                } else {
                    1237
                }
            }
            Value::Number(text) => hash_str(text),
            Value::Int(n) => n,
            Value::Long(n) => hash_long(n),
            Value::Float(n) => {
                if n.is_nan() {
                    0x7fc0_0000
                } else {
                    n.to_bits() as i32
                }
            }
            Value::Double(n) => hash_double(n),
            Value::Str(text) => hash_str(text),
            Value::Java(Java::Char(c)) => i32::from(c),
            Value::Java(Java::Byte(n)) => i32::from(n),
            Value::Java(Java::Short(n)) => i32::from(n),
            _ => {
                if let Some(list) = as_list(&value) {
                    let mut hash = 1i32;
                    for item in list.iter() {
                        self.step(1)?;
                        hash = hash.wrapping_mul(31).wrapping_add(self.hash_at(&item, level + 1)?);
                    }
                    return Ok(hash);
                }
                if let Some(map) = as_map(&value) {
                    let mut hash = 0i32;
                    for (key, value) in map.object.iter() {
                        self.step(1)?;
                        hash = hash.wrapping_add(self.hash_key(&key)? ^ self.hash_at(&value, level + 1)?);
                    }
                    return Ok(hash);
                }
                match held(&value) {
                    Some(Held::Set(_) | Held::View { .. }) => {
                        let mut hash = 0i32;
                        for item in self.items(&value)? {
                            hash = hash.wrapping_add(self.hash_at(&item, level + 1)?);
                        }
                        hash
                    }
                    Some(Held::Entry { key, value, .. }) => {
                        self.hash_at(key, level + 1)? ^ self.hash_at(&value.get(), level + 1)?
                    }
                    // Java's hash of an object's identity says nothing either.
                    _ => 1,
                }
            }
        })
    }

    /// `String.valueOf(value)`.
    pub(super) fn text(&mut self, value: &Value<'a>) -> Result<&'a str, Throw> {
        if let Value::Str(text) = value {
            return Ok(text);
        }
        let mut out = String::new();
        self.write_text(value, &mut out, 0)?;
        self.str(&out)
    }

    pub(super) fn write_text(&mut self, value: &Value<'a>, out: &mut String, level: u32) -> Result<(), Throw> {
        use std::fmt::Write;
        if level >= NESTING_LEVELS_MAX {
            return Err(throw(error::Class::StackOverflow, "the value to show nests too deep"));
        }
        if out.len() > self.env.limits.string_bytes_max {
            return Err(self.too_long());
        }
        let value = plain(*value);
        // Writing to a `String` does not fail.
        let _ = match value {
            Value::Null => write!(out, "null"),
            Value::Bool(b) => write!(out, "{b}"),
            Value::Number(text) | Value::Str(text) => write!(out, "{text}"),
            Value::Int(n) => write!(out, "{n}"),
            Value::Long(n) => write!(out, "{n}"),
            Value::Float(n) => write!(out, "{}", crate::java::numbers::float_to_string(n)),
            Value::Double(n) => write!(out, "{}", crate::java::numbers::double_to_string(n)),
            Value::Java(Java::Char(unit)) => {
                write!(out, "{}", char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER))
            }
            Value::Java(Java::Byte(n)) => write!(out, "{n}"),
            Value::Java(Java::Short(n)) => write!(out, "{n}"),
            _ => return self.write_deep(&value, out, level),
        };
        Ok(())
    }

    fn write_deep(&mut self, value: &Value<'a>, out: &mut String, level: u32) -> Result<(), Throw> {
        if let Some(map) = as_map(value) {
            out.push('{');
            for (index, (key, item)) in self.in_order(&map)?.into_iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                let key = self.unkey(&key);
                self.write_text(&key, out, level + 1)?;
                out.push('=');
                self.write_text(&item, out, level + 1)?;
            }
            out.push('}');
            return Ok(());
        }
        match held(value) {
            Some(Held::Array { .. }) => out.push_str(&format!("[{}@0", class_name(value))),
            Some(Held::Entry { key, value, .. }) => {
                self.write_text(key, out, level + 1)?;
                out.push('=');
                self.write_text(&value.get(), out, level + 1)?;
            }
            Some(Held::Builder(units)) => out.push_str(&String::from_utf16_lossy(&units.borrow())),
            Some(Held::Exception { class, message }) => {
                out.push_str(class.java_name());
                if let Some(message) = message {
                    out.push_str(": ");
                    out.push_str(message);
                }
            }
            Some(Held::Pattern(pattern)) => out.push_str(pattern.text()),
            Some(Held::Joiner(joiner)) => out.push_str(&joiner.text()),
            Some(Held::Locale(tag)) => out.push_str(tag),
            Some(Held::Moment(moment)) => out.push_str(&moment.text()),
            Some(Held::Zone(id)) => out.push_str(id),
            Some(Held::Local(local)) => out.push_str(&local.text()),
            Some(Held::Field(field)) => out.push_str(field.name()),
            Some(Held::Format(format)) => out.push_str(format.pattern),
            Some(Held::Date(at)) => out.push_str(&super::methods::time::date_text(*at)),
            Some(Held::Span(nanos)) => out.push_str(&super::methods::time::span_text(*nanos)),
            Some(Held::Unit(nanos)) => out.push_str(super::methods::time::unit_text(*nanos)),
            Some(Held::Uuid(bits)) => {
                let hex = format!("{bits:032x}");
                for (index, part) in [0..8, 8..12, 12..16, 16..20, 20..32].into_iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "-" });
                    out.push_str(hex.get(part).unwrap_or_default());
                }
            }
            Some(Held::Optional { class, value }) => {
                let name = class.java_name().trim_start_matches("java.util.");
                match value {
                    Some(value) => {
                        out.push_str(name);
                        out.push('[');
                        self.write_text(value, out, level + 1)?;
                        out.push(']');
                    }
                    None => {
                        out.push_str(name);
                        out.push_str(".empty");
                    }
                }
            }
            _ if super::methods::is_collection(value) => {
                out.push('[');
                for (index, item) in self.items(value)?.into_iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { ", " });
                    self.write_text(&item, out, level + 1)?;
                }
                out.push(']');
            }
            _ => out.push_str(&format!("{}@0", class_name(value))),
        }
        Ok(())
    }

    /// Java's natural order; a `ClassCastException` between what has none.
    pub(super) fn compare(&mut self, a: Value<'a>, b: Value<'a>) -> Result<Ordering, Throw> {
        let (a, b) = (plain(a), plain(b));
        match (a, b) {
            (Value::Null, _) | (_, Value::Null) => Err(super::error::throw_bare(error::Class::NullPointer)),
            (Value::Str(a), Value::Str(b)) => Ok(compare_str(a, b)),
            (Value::Bool(a), Value::Bool(b)) => Ok(a.cmp(&b)),
            (Value::Int(a), Value::Int(b)) => Ok(a.cmp(&b)),
            (Value::Long(a), Value::Long(b)) => Ok(a.cmp(&b)),
            (Value::Float(a), Value::Float(b)) => Ok(a.total_cmp(&b)),
            (Value::Double(a), Value::Double(b)) => Ok(a.total_cmp(&b)),
            (Value::Java(Java::Char(a)), Value::Java(Java::Char(b))) => Ok(a.cmp(&b)),
            (Value::Java(Java::Byte(a)), Value::Java(Java::Byte(b))) => Ok(a.cmp(&b)),
            (Value::Java(Java::Short(a)), Value::Java(Java::Short(b))) => Ok(a.cmp(&b)),
            _ => Err(super::operate::bad_cast(&b, &class_name(&a))),
        }
    }
}

/// Java compares strings by UTF-16 units.
pub(super) fn compare_str(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

/// The list behind a `List`.
pub(super) fn as_list<'a>(value: &Value<'a>) -> Option<&'a List<'a>> {
    match value {
        Value::List(list) => Some(list),
        Value::Java(Java::Thing(Thing(Held::Sequence { list, .. }))) => Some(list),
        _ => None,
    }
}

/// The entries behind a `Map`.
pub(super) fn as_map<'a>(value: &Value<'a>) -> Option<Keyed<'a>> {
    match value {
        Value::Object(object) => Some(Keyed { order: Order::Hash, object, comparator: None, fixed: false }),
        Value::Java(Java::Thing(Thing(Held::Map(map)))) => Some(*map),
        _ => None,
    }
}

pub(super) fn thing<'a>(arena: &'a Arena, held: Held<'a>) -> Value<'a> {
    Value::from(&*arena.bump().alloc(Thing(held)))
}
