//! What the classes of [`super::api`] do: one file per subject, called by the class of the value at hand.

pub(super) mod builder;
pub(super) mod calendar;
mod format;
pub(super) mod formatter;
pub(super) mod function;
mod iterator;
mod list;
mod map;
mod number;
mod optional;
mod sequence;
mod set;
mod statics;
pub(super) mod stream;
pub(super) mod string;
pub(super) mod time;
pub(super) mod util;

use super::api::{Class, Name};
use super::error::{self, Throw, throw, throw_bare};
use super::machine::Machine;
use super::operate::{Num, bad_cast};
use super::regex;
use super::types::Type;
use super::value::{Held, Java, Keyed, Order, Part, Thing, as_list, as_map, class_name, class_of, held, plain, thing};
use crate::event::{List, Value};

/// The arguments of a call.
pub(super) type Args<'v, 'a> = &'v [Value<'a>];

pub(super) fn call<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    let receiver = plain(receiver);
    match receiver {
        Value::Str(text) => string::call(m, text, name, args),
        Value::Object(_) => map::call(m, receiver, name, args),
        Value::List(list) => list::call(m, receiver, list, name, args),
        Value::Null => Err(throw(
            error::Class::NullPointer,
            format!("cannot access method/field [{}] from a null def reference", name.text()),
        )),
        Value::Java(Java::Thing(Thing(held))) => match held {
            Held::Map(_) => map::call(m, receiver, name, args),
            Held::Sequence { class, list, .. } if *class != Class::List && class.method(name, args.len()).is_some() => {
                match sequence::call(m, receiver, list, *class == Class::Stack, name, args)? {
                    Some(value) => Ok(value),
                    None => list::call(m, receiver, list, name, args),
                }
            }
            Held::Sequence { list, .. } => list::call(m, receiver, list, name, args),
            Held::Set(keyed) => set::call(m, receiver, *keyed, name, args),
            Held::View { map, part } => set::view(m, receiver, *map, *part, name, args),
            Held::Entry { .. } => set::entry(m, receiver, held, name, args),
            Held::Builder(units) => builder::call(m, receiver, units, name, args),
            Held::Joiner(joiner) => builder::joiner(m, receiver, joiner, name, args),
            Held::Tokenizer(tokenizer) => builder::tokenizer(m, receiver, tokenizer, name, args),
            Held::Stream(stream) => stream::call_stream(m, receiver, *stream, name, args),
            Held::Statistics(class, cell) => stream::statistics(m, receiver, *class, cell, name, args),
            Held::Optional { class, value } => optional::call(m, receiver, *class, *value, name, args),
            Held::Iterator { list, at, source } => iterator::call(m, receiver, (list, at, *source), name, args),
            Held::Pattern(pattern) => regex::pattern(m, receiver, pattern, name, args),
            Held::Matcher(matcher) => regex::matcher(m, receiver, matcher, name, args),
            Held::Moment(moment) => time::call(m, receiver, *moment, name, args),
            Held::Span(nanos) => time::call_span(m, receiver, *nanos, name, args),
            Held::Unit(nanos) => time::call_unit(m, receiver, *nanos, name, args),
            Held::Zone(id) => time::call_zone(m, receiver, id, name, args),
            Held::Local(local) => time::call_local(m, receiver, *local, name, args),
            Held::Format(format) => formatter::call(m, receiver, format, name, args),
            Held::Date(at) => time::call_date(m, receiver, *at, name, args),
            Held::Encoder(coding) => util::encoder(m, receiver, *coding, name, args),
            Held::Decoder(coding) => util::decoder(m, receiver, *coding, name, args),
            Held::Exception { message, .. } => match (name, args) {
                (Name::getMessage | Name::getLocalizedMessage, []) => Ok(message.map_or(Value::Null, Value::Str)),
                _ => object(m, receiver, name, args),
            },
            Held::Locale(tag) => match (name, args) {
                (Name::toLanguageTag, []) => Ok(Value::Str(tag)),
                (Name::getLanguage, []) => Ok(Value::Str(tag.split('-').next().unwrap_or_default())),
                _ => object(m, receiver, name, args),
            },
            Held::Uuid(bits) => match (name, args) {
                (Name::getMostSignificantBits, []) => Ok(Value::Long((bits >> 64) as i64)),
                (Name::getLeastSignificantBits, []) => Ok(Value::Long(*bits as i64)),
                (Name::version, []) => Ok(Value::Int((bits >> 76 & 15) as i32)),
                (Name::variant, []) => Ok(Value::Int(if bits >> 63 & 1 == 0 {
                    0
                } else if bits >> 62 & 1 == 0 {
                    2
                } else {
                    (bits >> 61 & 7) as i32
                })),
                _ => object(m, receiver, name, args),
            },
            Held::Lambda { .. }
            | Held::FunctionOf(_)
            | Held::MethodOf { .. }
            | Held::Bound { .. }
            | Held::Constructor(_)
            | Held::Derived(_) => function::call(m, receiver, name, args),
            Held::Array { .. } | Held::Collector(_) | Held::Field(_) => object(m, receiver, name, args),
        },
        _ => number::call(m, receiver, name, args),
    }
}

/// What every object has.
pub(super) fn object<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    match (name, args) {
        (Name::equals, [other]) => m.equals(&receiver, other).map(Value::Bool),
        (Name::hashCode, []) => m.hash(&receiver).map(Value::Int),
        (Name::toString, []) => m.text(&receiver).map(Value::Str),
        (Name::compareTo, [other]) => m.compare(receiver, *other).map(|order| Value::Int(order as i32)),
        _ => Err(missing(&receiver, name, args.len())),
    }
}

/// As Elasticsearch words a method that the value's class does not have.
#[cold]
pub(super) fn missing(receiver: &Value<'_>, name: Name, arity: usize) -> Throw {
    let message = format!("dynamic method [{}, {}/{arity}] not found", class_name(receiver), name.text());
    throw(error::Class::IllegalArgument, message)
}

/// Whether the value's class has such a method.
pub(super) fn has(value: &Value<'_>, name: Name, arity: usize) -> bool {
    class_of(value).method(name, arity).is_some()
}

pub(super) fn call_static<'a>(
    m: &mut Machine<'a>,
    class: Class,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    m.step(1)?;
    let found = match class {
        Class::String => util::string(m, name, args)?,
        Class::Math | Class::StrictMath => statics::math(name, args)?,
        Class::Character => statics::character(m, name, args)?,
        Class::Boolean | Class::Byte | Class::Short | Class::Integer | Class::Long | Class::Float | Class::Double => {
            statics::number_class(m, class, name, args)?
        }
        Class::Arrays => util::arrays(m, name, args)?,
        Class::Collections => util::collections(m, name, args)?,
        Class::Objects => util::objects(m, name, args)?,
        Class::Optional | Class::OptionalInt | Class::OptionalLong | Class::OptionalDouble => {
            Some(optional::call_static(m, class, name, args)?)
        }
        Class::Stream | Class::IntStream | Class::LongStream | Class::DoubleStream => {
            Some(stream::call_static(m, class, name, args)?)
        }
        Class::Collectors => Some(stream::collector(m, name, args)),
        Class::Base64 => Some(util::base64(m, name)),
        Class::Processors => util::processors(m, name, args)?,
        Class::Pattern => {
            let quoted = format!("\\Q{}\\E", text(m, args.first().unwrap_or(&Value::Null))?);
            Some(m.string(&quoted)?)
        }
        Class::Matcher => {
            let quoted = text(m, args.first().unwrap_or(&Value::Null))?.replace('\\', "\\\\").replace('$', "\\$");
            Some(m.string(&quoted)?)
        }
        Class::ZonedDateTime
        | Class::LocalDateTime
        | Class::LocalDate
        | Class::LocalTime
        | Class::Instant
        | Class::Duration
        | Class::ZoneId => time::call_static(m, class, name, args)?,
        Class::ZoneOffset => calendar::offset(m, name, args)?,
        Class::DateTimeFormatter => Some(formatter::made(m, class, args)?),
        Class::Uuid => Some(util::uuid(m, name, args)?),
        Class::Locale => Some(thing(m.arena, Held::Locale(text(m, args.first().unwrap_or(&Value::Null))?))),
        Class::System => match name {
            Name::currentTimeMillis => Some(Value::Long(m.env.now_ms)),
            Name::nanoTime => Some(Value::Long(m.env.now_ms.saturating_mul(1_000_000))),
            _ => None,
        },
        Class::Comparator
        | Class::MapEntry
        | Class::Function
        | Class::UnaryOperator
        | Class::BinaryOperator
        | Class::Predicate
        | Class::IntUnaryOperator => Some(function::call_static(m, name, args)),
        _ => None,
    };
    found.ok_or_else(|| {
        let given: Vec<String> = args.iter().map(class_name).collect();
        let message =
            format!("static method [{}, {}/{}] does not take {given:?}", class.java_name(), name.text(), args.len());
        throw(error::Class::IllegalArgument, message)
    })
}

pub(super) fn constant<'a>(m: &mut Machine<'a>, class: Class, name: Name) -> Result<Value<'a>, Throw> {
    let found = match class {
        Class::Collections => util::collections(m, name, &[])?,
        Class::ChronoUnit | Class::ChronoField | Class::ZoneOffset | Class::Instant => time::constant(m, class, name),
        Class::DateTimeFormatter => formatter::constant(m, name),
        Class::Locale => Some(thing(
            m.arena,
            Held::Locale(match name {
                Name::ENGLISH => "en",
                Name::UK => "en-GB",
                Name::US => "en-US",
                _ => "und",
            }),
        )),
        _ => statics::constant(class, name),
    };
    found.ok_or_else(|| {
        throw(error::Class::IllegalArgument, format!("static field [{}, {}] not found", class.java_name(), name.text()))
    })
}

pub(super) fn construct<'a>(m: &mut Machine<'a>, class: Class, args: Args<'_, 'a>) -> Result<Value<'a>, Throw> {
    m.step(1)?;
    match class {
        Class::String => Ok(Value::Str("")),
        Class::ArrayList => sized(m, args).map(Value::List),
        Class::LinkedList | Class::ArrayDeque | Class::Stack | Class::Vector => {
            let list = sized(m, args)?;
            Ok(thing(m.arena, Held::Sequence { class, list, fixed: false }))
        }
        Class::HashMap | Class::Hashtable | Class::LinkedHashMap | Class::TreeMap => {
            let object = m.arena.object();
            let mut comparator = None;
            match args {
                [from] if as_map(from).is_some() => {
                    for (key, value) in map_of(from)?.object.iter() {
                        m.step(1)?;
                        let kept = m.kept(value);
                        object.set(key, kept);
                    }
                }
                [Value::Null] => return Err(throw_bare(error::Class::NullPointer)),
                [order] if class == Class::TreeMap => comparator = Some(*order),
                _ => {}
            }
            Ok(match class {
                Class::LinkedHashMap => map::linked(m, object),
                Class::TreeMap => {
                    thing(m.arena, Held::Map(Keyed { order: Order::Sorted, object, comparator, fixed: false }))
                }
                _ => Value::Object(object),
            })
        }
        Class::HashSet | Class::LinkedHashSet | Class::TreeSet => {
            let order = match class {
                Class::HashSet => Order::Hash,
                Class::LinkedHashSet => Order::Linked,
                _ => Order::Sorted,
            };
            let (items, comparator) = match args {
                [] | [Value::Int(_)] => (Vec::new(), None),
                [one, ..] if class_of(one).is_a(Class::Function) => (Vec::new(), Some(*one)),
                [one, ..] => (m.items(one)?, None),
            };
            set::new(m, order, items, comparator)
        }
        Class::SimpleEntry => match args {
            [key, value] => Ok(entry(m, None, *key, *value)),
            _ => match args.first().and_then(held) {
                Some(Held::Entry { key, value, .. }) => Ok(entry(m, None, *key, value.get())),
                _ => Err(throw_bare(error::Class::NullPointer)),
            },
        },
        Class::StringBuilder | Class::StringBuffer => builder::new(m, args),
        Class::SimpleDateFormat => formatter::made(m, class, args),
        Class::Date => time::new_date(m, args),
        Class::StringJoiner => builder::new_joiner(m, args),
        Class::StringTokenizer => builder::new_tokenizer(m, args),
        Class::IntSummaryStatistics | Class::LongSummaryStatistics | Class::DoubleSummaryStatistics => {
            Ok(thing(m.arena, Held::Statistics(class, std::cell::Cell::new(stream::Statistics::default()))))
        }
        Class::Uuid => match args {
            [high, low] => {
                let (high, low) = (number(high)?.long() as u64, number(low)?.long() as u64);
                Ok(thing(m.arena, Held::Uuid(u128::from(high) << 64 | u128::from(low))))
            }
            _ => Err(throw_bare(error::Class::IllegalArgument)),
        },
        _ => Err(throw(
            error::Class::IllegalArgument,
            format!("constructor [{}, <init>/{}] not found", class.java_name(), args.len()),
        )),
    }
}

/// A list with the elements of the collection that a constructor was given, or empty for a capacity.
fn sized<'a>(m: &mut Machine<'a>, args: Args<'_, 'a>) -> Result<&'a List<'a>, Throw> {
    match args {
        [] | [Value::Int(_)] => Ok(m.arena.list()),
        [items, ..] => {
            let items = m.items(items)?;
            Ok(m.list_from(items))
        }
    }
}

/// `Type::method` called: a static method, or the method of the first argument.
pub(super) fn call_reference<'a>(
    m: &mut Machine<'a>,
    class: Type,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    if let Some(class) = class.as_class()
        && class.static_method(name, args.len()).is_some()
    {
        return call_static(m, class, name, args);
    }
    match args.split_first() {
        Some((receiver, rest)) => call(m, *receiver, name, rest),
        None => Err(throw_bare(error::Class::IllegalArgument)),
    }
}

/// `Type::new` called.
pub(super) fn construct_reference<'a>(
    m: &mut Machine<'a>,
    class: Type,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    match class.as_class() {
        Some(class) => construct(m, class, args),
        None => {
            let count = args.first().map_or(Ok(0), |n| int(m, n))?;
            m.array_of(class.element(), count)
        }
    }
}

pub(super) fn stream_of<'a>(m: &mut Machine<'a>, items: Vec<Value<'a>>) -> Value<'a> {
    stream::new(m, Class::Stream, items)
}

/// A method of a value as a function.
pub(super) fn bound<'a>(m: &mut Machine<'a>, receiver: Value<'a>, name: Name) -> Value<'a> {
    thing(m.arena, Held::Bound { receiver, name })
}

pub(super) fn changeable(fixed: bool) -> Result<(), Throw> {
    if fixed { Err(throw_bare(error::Class::UnsupportedOperation)) } else { Ok(()) }
}

pub(super) fn is_collection(value: &Value<'_>) -> bool {
    as_list(value).is_some() || matches!(held(value), Some(Held::Set(_) | Held::View { .. }))
}

/// The number of elements that stand in a collection, map or array now.
pub(super) fn size(_m: &mut Machine<'_>, value: &Value<'_>) -> Option<usize> {
    if let Some(list) = as_list(value) {
        return Some(list.len());
    }
    if let Some(map) = as_map(value) {
        return Some(map.object.len());
    }
    match held(value)? {
        Held::Set(set) | Held::View { map: set, .. } => Some(set.object.len()),
        Held::Array { list, .. } => Some(list.len()),
        _ => None,
    }
}

impl<'a> Machine<'a> {
    /// The elements of anything that can be iterated over, as they stand now.
    pub(super) fn items(&mut self, value: &Value<'a>) -> Result<Vec<Value<'a>>, Throw> {
        if let Some(list) = as_list(value) {
            self.step(1 + list.len() as u64 / 8)?;
            return Ok(list.iter().map(plain).collect());
        }
        match held(value) {
            Some(Held::Array { list, .. }) => Ok(list.iter().map(plain).collect()),
            Some(Held::Set(set)) => Ok(self.in_order(set)?.into_iter().map(|(key, _)| self.unkey(&key)).collect()),
            Some(Held::View { map, part }) => {
                let entries = self.in_order(map)?;
                Ok(entries
                    .into_iter()
                    .map(|(key, value)| match part {
                        Part::Keys => self.unkey(&key),
                        Part::Values => value,
                        Part::Entries => entry(self, Some(*map), self.unkey(&key), value),
                    })
                    .collect())
            }
            _ if value.is_null() => Err(throw_bare(error::Class::NullPointer)),
            _ => Err(throw(error::Class::IllegalArgument, format!("Cannot iterate over [{}]", class_name(value)))),
        }
    }

    pub(super) fn array_of(&mut self, element: Type, count: i32) -> Result<Value<'a>, Throw> {
        if count < 0 {
            return Err(throw(error::Class::NegativeArraySize, count.to_string()));
        }
        let list = self.arena.list();
        for _ in 0..count {
            self.step(1)?;
            list.push(if element.is_primitive() { super::operate::zero(element) } else { Value::Null });
        }
        Ok(thing(self.arena, Held::Array { element, list }))
    }

    pub(super) fn list_from(&mut self, items: impl IntoIterator<Item = Value<'a>>) -> &'a List<'a> {
        let list = self.arena.list();
        for item in items {
            list.push(self.kept(item));
        }
        list
    }
}

pub(super) fn entry<'a>(m: &Machine<'a>, map: Option<Keyed<'a>>, key: Value<'a>, value: Value<'a>) -> Value<'a> {
    thing(m.arena, Held::Entry { map, key, value: std::cell::Cell::new(value) })
}

// ---- arguments ----

pub(super) fn int<'a>(m: &mut Machine<'a>, value: &Value<'a>) -> Result<i32, Throw> {
    match super::operate::cast(m, *value, Type::INT, false)? {
        Value::Int(n) => Ok(n),
        other => Err(bad_cast(&other, "int")),
    }
}

pub(super) fn number(value: &Value<'_>) -> Result<Num, Throw> {
    Num::of(value).ok_or_else(|| {
        if value.is_null() { throw_bare(error::Class::NullPointer) } else { bad_cast(value, "java.lang.Number") }
    })
}

/// A `CharSequence` or `String` argument.
pub(super) fn text<'a>(m: &mut Machine<'a>, value: &Value<'a>) -> Result<&'a str, Throw> {
    match value {
        Value::Str(text) => Ok(text),
        Value::Null => Err(throw_bare(error::Class::NullPointer)),
        Value::Java(Java::Thing(Thing(Held::Builder(_)))) => m.text(value),
        other => Err(bad_cast(other, "java.lang.String")),
    }
}

pub(super) fn map_of<'a>(value: &Value<'a>) -> Result<Keyed<'a>, Throw> {
    as_map(value).ok_or_else(|| {
        if value.is_null() { throw_bare(error::Class::NullPointer) } else { bad_cast(value, "java.util.Map") }
    })
}

pub(super) fn truth<'a>(m: &mut Machine<'a>, function: Value<'a>, args: &[Value<'a>]) -> Result<bool, Throw> {
    match m.invoke(function, args)? {
        Value::Bool(value) => Ok(value),
        Value::Null => Err(throw_bare(error::Class::NullPointer)),
        other => Err(bad_cast(&other, "boolean")),
    }
}
