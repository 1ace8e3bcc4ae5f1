//! What the classes of [`super::api`] do: one file per subject, called by the class of the value at hand.

mod list;
mod map;
mod number;
mod set;
mod string;

use super::api::{Class, Name};
use super::error::{self, Throw, throw, throw_bare};
use super::machine::Machine;
use super::operate::{Num, bad_cast};
use super::types::Type;
use super::value::{Held, Java, Keyed, Part, Thing, as_list, as_map, class_name, class_of, held, plain, thing};
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
            Held::Sequence { list, .. } => list::call(m, receiver, list, name, args),
            Held::Set(keyed) => set::call(m, receiver, *keyed, name, args),
            Held::View { map, part } => set::view(m, receiver, *map, *part, name, args),
            Held::Entry { .. } => set::entry(m, receiver, held, name, args),
            _ => object(m, receiver, name, args),
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
    _m: &mut Machine<'a>,
    class: Class,
    name: Name,
    _args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    Err(throw(
        error::Class::IllegalArgument,
        format!("static method [{}, {}] not found", class.java_name(), name.text()),
    ))
}

pub(super) fn call_script<'a>(_m: &mut Machine<'a>, name: Name, _args: Args<'_, 'a>) -> Result<Value<'a>, Throw> {
    Err(throw(error::Class::IllegalArgument, format!("Unknown call [{}]", name.text())))
}

pub(super) fn constant<'a>(_m: &mut Machine<'a>, class: Class, name: Name) -> Result<Value<'a>, Throw> {
    Err(throw(
        error::Class::IllegalArgument,
        format!("static field [{}, {}] not found", class.java_name(), name.text()),
    ))
}

pub(super) fn construct<'a>(m: &mut Machine<'a>, class: Class, args: Args<'_, 'a>) -> Result<Value<'a>, Throw> {
    m.step(1)?;
    match class {
        Class::ArrayList => {
            let list = m.arena.list();
            if let [items] = args {
                for item in m.items(items)? {
                    list.push(m.kept(item));
                }
            }
            Ok(Value::List(list))
        }
        Class::HashMap => {
            let object = m.arena.object();
            if let [from] = args {
                let from = map_of(from)?;
                for (key, value) in from.object.iter() {
                    m.step(1)?;
                    object.set(key, m.kept(value));
                }
            }
            Ok(Value::Object(object))
        }
        _ => Err(throw(
            error::Class::IllegalArgument,
            format!("constructor [{}, <init>/{}] not found", class.java_name(), args.len()),
        )),
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

/// `text =~ pattern` and `text ==~ pattern`.
pub(super) fn matches<'a>(
    _m: &mut Machine<'a>,
    _whole: bool,
    _left: Value<'a>,
    right: Value<'a>,
) -> Result<Value<'a>, Throw> {
    Err(bad_cast(&right, "java.util.regex.Pattern"))
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
