//! `List` and what every collection has.

use super::{Args, Name, changeable, int, object, text, truth};
use crate::event::{List, Value};
use crate::painless::api::Class;
use crate::painless::error::{self, Throw, throw, throw_bare};
use crate::painless::machine::Machine;
use crate::painless::operate::Num;
use crate::painless::types::Type;
use crate::painless::value::{Held, Java, held, plain, thing};

pub(super) fn call<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    list: &'a List<'a>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    m.step(1)?;
    let fixed = matches!(held(&receiver), Some(Held::Sequence { fixed: true, .. }));
    if changes(name) {
        changeable(fixed)?;
        // Elements move in the list.
        m.step(list.len() as u64 / 64)?;
    }
    Ok(match (name, args) {
        (Name::contains, [item]) => Value::Bool(position(m, list, item)?.is_some()),
        (Name::size | Name::getLength, []) => Value::Int(list.len() as i32),
        (Name::isEmpty, []) => Value::Bool(list.is_empty()),
        (Name::get, [index]) => {
            let at = checked(m, list, index)?;
            list.get(at).map_or(Value::Null, plain)
        }
        (Name::add, [item]) => {
            list.push(m.kept(*item));
            Value::Bool(true)
        }
        (Name::add, [index, item]) => {
            let at = int(m, index)?;
            let inserted = usize::try_from(at).is_ok_and(|at| list.insert(at, m.kept(*item)));
            if !inserted {
                return Err(throw(error::Class::IndexOutOfBounds, format!("Index: {at}, Size: {}", list.len())));
            }
            Value::Null
        }
        (Name::addAll, [items]) => {
            let items = m.items(items)?;
            let any = !items.is_empty();
            for item in items {
                list.push(m.kept(item));
            }
            Value::Bool(any)
        }
        (Name::addAll, [index, items]) => {
            let at = int(m, index)?;
            let items = m.items(items)?;
            let any = !items.is_empty();
            for (offset, item) in items.into_iter().enumerate() {
                let kept = m.kept(item);
                if !usize::try_from(at).is_ok_and(|at| list.insert(at + offset, kept)) {
                    return Err(throw(error::Class::IndexOutOfBounds, format!("Index: {at}, Size: {}", list.len())));
                }
            }
            Value::Bool(any)
        }
        (Name::set, [index, item]) => {
            let at = checked(m, list, index)?;
            let item = m.kept(*item);
            list.set(at, item).map_or(Value::Null, plain)
        }
        (Name::remove, [what]) => remove(m, list, what)?,
        (Name::clear, []) => {
            list.clear();
            Value::Null
        }
        (Name::indexOf, [item]) => Value::Int(position(m, list, item)?.map_or(-1, |at| at as i32)),
        (Name::lastIndexOf, [item]) => {
            let mut found = -1;
            for (at, other) in list.iter().enumerate() {
                m.step(1)?;
                if m.equals(&other, item)? {
                    found = at as i32;
                }
            }
            Value::Int(found)
        }
        (Name::sort, [comparator]) => {
            sort(m, list, if comparator.is_null() { None } else { Some(*comparator) })?;
            Value::Null
        }
        (Name::replaceAll, [function]) => {
            for at in 0..list.len() {
                let old = list.get(at).map_or(Value::Null, plain);
                let new = m.invoke(*function, &[old])?;
                list.set(at, m.kept(new));
            }
            Value::Null
        }
        (Name::subList, [from, to]) => {
            let (from, to) = (int(m, from)?, int(m, to)?);
            if from < 0 || to as i64 > list.len() as i64 || from > to {
                return Err(throw(
                    error::Class::IndexOutOfBounds,
                    format!("fromIndex: {from}, toIndex: {to}, size: {}", list.len()),
                ));
            }
            let part: Vec<_> = list.iter().skip(from as usize).take((to - from) as usize).collect();
            Value::List(m.list_from(part))
        }
        (Name::clone, []) => {
            let items: Vec<_> = list.iter().collect();
            Value::List(m.list_from(items))
        }
        (Name::trimToSize, []) => Value::Null,
        (Name::listIterator, _) => {
            let items: Vec<_> = list.iter().collect();
            super::iterator::new(m, items, Some(receiver))
        }
        (Name::removeAll, [items]) => retain_known(m, list, items, false)?,
        (Name::retainAll, [items]) => retain_known(m, list, items, true)?,
        (Name::removeIf, [test]) => {
            let before = list.len();
            let mut kept = Vec::new();
            for item in m.items(&receiver)? {
                if !truth(m, *test, &[item])? {
                    kept.push(item);
                }
            }
            let changed = kept.len() != before;
            refill(list, kept);
            Value::Bool(changed)
        }
        (Name::getByPath, [path, ..]) => return by_path(m, receiver, path, args.get(1)),
        _ => return collection(m, receiver, name, args),
    })
}

fn changes(name: Name) -> bool {
    matches!(
        name,
        Name::add
            | Name::addAll
            | Name::set
            | Name::remove
            | Name::clear
            | Name::sort
            | Name::replaceAll
            | Name::removeAll
            | Name::retainAll
            | Name::removeIf
    )
}

pub(super) fn refill<'a>(list: &'a List<'a>, items: impl IntoIterator<Item = Value<'a>>) {
    list.clear();
    for item in items {
        list.push(item);
    }
}

pub(super) fn sort<'a>(m: &mut Machine<'a>, list: &'a List<'a>, comparator: Option<Value<'a>>) -> Result<(), Throw> {
    let mut items: Vec<_> = list.iter().map(plain).collect();
    m.sort_by(&mut items, |m, a, b| m.compare_with(comparator, *a, *b))?;
    refill(list, items);
    Ok(())
}

pub(super) fn position<'a>(m: &mut Machine<'a>, list: &'a List<'a>, item: &Value<'a>) -> Result<Option<usize>, Throw> {
    for (at, other) in list.iter().enumerate() {
        if m.equals(&other, item)? {
            return Ok(Some(at));
        }
    }
    m.step(list.len() as u64 / 16)?;
    Ok(None)
}

/// The index as a place in the list.
fn checked<'a>(m: &mut Machine<'a>, list: &'a List<'a>, index: &Value<'a>) -> Result<usize, Throw> {
    let at = int(m, index)?;
    match usize::try_from(at) {
        Ok(place) if place < list.len() => Ok(place),
        _ => Err(throw(error::Class::IndexOutOfBounds, format!("Index {at} out of bounds for length {}", list.len()))),
    }
}

/// `remove(int)` takes the element at a place; with anything else, the first equal one. Painless decides by the value.
fn remove<'a>(m: &mut Machine<'a>, list: &'a List<'a>, what: &Value<'a>) -> Result<Value<'a>, Throw> {
    if matches!(what, Value::Int(_) | Value::Java(Java::Byte(_) | Java::Short(_) | Java::Char(_))) {
        let at = checked(m, list, what)?;
        return Ok(list.remove(at).map_or(Value::Null, plain));
    }
    let found = position(m, list, what)?;
    if let Some(at) = found {
        list.remove(at);
    }
    Ok(Value::Bool(found.is_some()))
}

fn retain_known<'a>(
    m: &mut Machine<'a>,
    list: &'a List<'a>,
    items: &Value<'a>,
    known: bool,
) -> Result<Value<'a>, Throw> {
    let others = m.items(items)?;
    let set = m.arena.object();
    for item in others {
        let key = m.key(item)?;
        set.set(key, Value::Null);
    }
    let mut kept = Vec::new();
    let before = list.len();
    for item in list.iter() {
        let key = m.key(item)?;
        m.step(1 + set.len() as u64 / 64)?;
        if set.get(&key).is_some() == known {
            kept.push(item);
        }
    }
    let changed = kept.len() != before;
    refill(list, kept);
    Ok(Value::Bool(changed))
}

/// Methods of `Iterable` and `Collection` that only look at the elements.
pub(super) fn collection<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    if !super::is_collection(&receiver) {
        return object(m, receiver, name, args);
    }
    if matches!((name, args.len()), (Name::equals, 1) | (Name::hashCode | Name::toString, 0)) {
        return object(m, receiver, name, args);
    }
    let items = m.items(&receiver)?;
    Ok(match (name, args) {
        (Name::size, []) => Value::Int(items.len() as i32),
        (Name::isEmpty, []) => Value::Bool(items.is_empty()),
        (Name::stream, []) => super::stream::new(m, Class::Stream, items),
        (Name::iterator, []) => super::iterator::new(m, items, Some(receiver)),
        (Name::contains, [wanted]) => {
            for item in items {
                m.step(1)?;
                if m.equals(&item, wanted)? {
                    return Ok(Value::Bool(true));
                }
            }
            Value::Bool(false)
        }
        (Name::containsAll, [wanted]) => {
            let set = m.arena.object();
            for item in items {
                let key = m.key(item)?;
                set.set(key, Value::Null);
            }
            for item in m.items(wanted)? {
                let key = m.key(item)?;
                if set.get(&key).is_none() {
                    return Ok(Value::Bool(false));
                }
            }
            Value::Bool(true)
        }
        (Name::forEach, [function]) => {
            for item in items {
                m.invoke(*function, &[item])?;
            }
            Value::Null
        }
        (Name::each, [function]) => {
            for item in items {
                m.invoke(*function, &[item])?;
            }
            receiver
        }
        (Name::eachWithIndex, [function]) => {
            for (index, item) in items.into_iter().enumerate() {
                m.invoke(*function, &[item, Value::Int(index as i32)])?;
            }
            receiver
        }
        (Name::any, [test]) => {
            for item in items {
                if truth(m, *test, &[item])? {
                    return Ok(Value::Bool(true));
                }
            }
            Value::Bool(false)
        }
        (Name::every, [test]) => {
            for item in items {
                if !truth(m, *test, &[item])? {
                    return Ok(Value::Bool(false));
                }
            }
            Value::Bool(true)
        }
        (Name::find, [test]) => {
            for item in items {
                if truth(m, *test, &[item])? {
                    return Ok(item);
                }
            }
            Value::Null
        }
        (Name::findAll, [test]) => {
            let mut found = Vec::new();
            for item in items {
                if truth(m, *test, &[item])? {
                    found.push(item);
                }
            }
            Value::List(m.list_from(found))
        }
        (Name::findResult, [function]) => first_result(m, items, Value::Null, *function)?,
        (Name::findResult, [default, function]) => first_result(m, items, *default, *function)?,
        (Name::findResults, [function]) => {
            let mut found = Vec::new();
            for item in items {
                let result = m.invoke(*function, &[item])?;
                if !result.is_null() {
                    found.push(result);
                }
            }
            Value::List(m.list_from(found))
        }
        (Name::collect, [function]) => {
            let mut results = Vec::with_capacity(items.len());
            for item in items {
                results.push(m.invoke(*function, &[item])?);
            }
            Value::List(m.list_from(results))
        }
        (Name::collect, [into, function]) => {
            for item in items {
                let result = m.invoke(*function, &[item])?;
                super::call(m, *into, Name::add, &[result])?;
            }
            *into
        }
        (Name::split, [test]) => {
            let (mut yes, mut no) = (Vec::new(), Vec::new());
            for item in items {
                if truth(m, *test, &[item])? { yes.push(item) } else { no.push(item) }
            }
            let halves = [Value::List(m.list_from(yes)), Value::List(m.list_from(no))];
            Value::List(m.list_from(halves))
        }
        (Name::groupBy, [function]) => {
            let groups = m.arena.object();
            for item in items {
                let group = m.invoke(*function, &[item])?;
                let key = m.key(group)?;
                let list = match groups.get(&key) {
                    Some(Value::List(list)) => list,
                    _ => m.arena.list(),
                };
                list.push(m.kept(item));
                groups.set(key, Value::List(list));
            }
            super::map::linked(m, groups)
        }
        (Name::join, [separator]) => {
            let separator = text(m, separator)?;
            join(m, &items, separator)?
        }
        (Name::sum, []) => sum(m, items, None)?,
        (Name::sum, [function]) => sum(m, items, Some(*function))?,
        (Name::asList | Name::asCollection, []) => match receiver {
            Value::List(_) => receiver,
            _ => Value::List(m.list_from(items)),
        },
        (Name::toArray, [] | [_]) => {
            let list = m.list_from(items);
            let element = match args.first().and_then(held) {
                Some(Held::Array { element, .. }) => *element,
                _ => Type::DEF,
            };
            thing(m.arena, Held::Array { element, list })
        }
        _ => return object(m, receiver, name, args),
    })
}

fn first_result<'a>(
    m: &mut Machine<'a>,
    items: Vec<Value<'a>>,
    default: Value<'a>,
    function: Value<'a>,
) -> Result<Value<'a>, Throw> {
    for item in items {
        let result = m.invoke(function, &[item])?;
        if !result.is_null() {
            return Ok(result);
        }
    }
    Ok(default)
}

pub(super) fn join<'a>(m: &mut Machine<'a>, items: &[Value<'a>], separator: &str) -> Result<Value<'a>, Throw> {
    let mut out = String::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(separator);
        }
        m.write_text(item, &mut out, 0)?;
    }
    m.string(&out)
}

fn sum<'a>(m: &mut Machine<'a>, items: Vec<Value<'a>>, function: Option<Value<'a>>) -> Result<Value<'a>, Throw> {
    let mut total = 0.0;
    for item in items {
        let value = match function {
            Some(function) => m.invoke(function, &[item])?,
            None => item,
        };
        total += Num::of(&value).ok_or_else(|| throw_bare(error::Class::ClassCast))?.double();
    }
    Ok(Value::Double(total))
}

/// `getByPath('a.b.0.c', default)`.
pub(super) fn by_path<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    path: &Value<'a>,
    default: Option<&Value<'a>>,
) -> Result<Value<'a>, Throw> {
    let path = text(m, path)?;
    let missing = |m: &mut Machine<'a>| -> Result<Value<'a>, Throw> {
        let _ = &m;
        match default {
            Some(default) => Ok(*default),
            None => Err(throw(error::Class::IllegalArgument, format!("Could not find value at path [{path}]"))),
        }
    };
    let mut value = receiver;
    for part in path.split('.') {
        m.step(1)?;
        value = match (super::as_map(&value), super::as_list(&value)) {
            (Some(map), _) => match map.object.get_str(part) {
                Some(found) => plain(found),
                None => return missing(m),
            },
            (None, Some(list)) => match part.parse::<usize>() {
                Ok(index) => match list.get(index) {
                    Some(found) => plain(found),
                    None => return missing(m),
                },
                Err(_) => {
                    return Err(throw(
                        error::Class::IllegalArgument,
                        format!("Could not parse [{part}] as a int index into list at path [{path}]"),
                    ));
                }
            },
            _ => return missing(m),
        };
    }
    Ok(value)
}
