//! `Map` with its orders, and the views of its keys, values and entries.

use super::{Args, Name, changeable, entry, list, map_of, object, truth};
use crate::event::{Object, Value};
use crate::painless::api::Class;
use crate::painless::error;
use crate::painless::error::{Throw, throw_bare};
use crate::painless::machine::Machine;
use crate::painless::value::{Held, Keyed, Order, Part, as_map, plain, thing};

pub(super) fn linked<'a>(m: &Machine<'a>, object: &'a Object<'a>) -> Value<'a> {
    thing(m.arena, Held::Map(Keyed { order: Order::Linked, object, comparator: None, fixed: false }))
}

pub(super) fn call<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    let Some(map) = as_map(&receiver) else { return object(m, receiver, name, args) };
    let o = map.object;
    // A look-up goes through the entries one by one.
    m.step(1 + o.len() as u64 / 64)?;
    if changes(name) {
        changeable(map.fixed)?;
    }
    Ok(match (name, args) {
        (Name::get, [key]) => get(m, o, key)?,
        (Name::containsKey, [key]) => {
            let key = m.key(*key)?;
            Value::Bool(o.get(&key).is_some())
        }
        (Name::put, [key, value]) => {
            let key = m.key(*key)?;
            let value = m.kept(*value);
            o.set(key, value).map_or(Value::Null, plain)
        }
        (Name::remove, [key]) => {
            let key = m.key(*key)?;
            o.remove(&key).map_or(Value::Null, plain)
        }
        (Name::size, []) => Value::Int(o.len() as i32),
        (Name::isEmpty, []) => Value::Bool(o.is_empty()),
        (Name::getOrDefault, [key, default]) => {
            let key = m.key(*key)?;
            o.get(&key).map_or(*default, plain)
        }
        (Name::entrySet, []) => thing(m.arena, Held::View { map, part: Part::Entries }),
        (Name::keySet | Name::navigableKeySet, []) => thing(m.arena, Held::View { map, part: Part::Keys }),
        (Name::values, []) => thing(m.arena, Held::View { map, part: Part::Values }),
        (Name::putAll, [other]) => {
            let other = map_of(other)?;
            for (key, value) in other.object.iter() {
                m.step(1)?;
                let value = m.kept(value);
                o.set(key, value);
            }
            Value::Null
        }
        (Name::putIfAbsent, [key, value]) => {
            let key = m.key(*key)?;
            let old = o.get(&key).map_or(Value::Null, plain);
            if old.is_null() {
                let value = m.kept(*value);
                o.set(key, value);
            }
            old
        }
        (Name::clear, []) => {
            o.clear();
            Value::Null
        }
        (Name::containsValue, [value]) => {
            for (_, other) in o.iter() {
                if m.equals(&other, value)? {
                    return Ok(Value::Bool(true));
                }
            }
            Value::Bool(false)
        }
        (Name::computeIfAbsent, [key, function]) => {
            let old = get(m, o, key)?;
            if !old.is_null() {
                return Ok(old);
            }
            let new = m.invoke(*function, &[*key])?;
            if !new.is_null() {
                put(m, o, key, new)?;
            }
            new
        }
        (Name::computeIfPresent, [key, function]) => {
            let old = get(m, o, key)?;
            if old.is_null() {
                return Ok(Value::Null);
            }
            let new = m.invoke(*function, &[*key, old])?;
            put(m, o, key, new)?
        }
        (Name::compute, [key, function]) => {
            let old = get(m, o, key)?;
            let new = m.invoke(*function, &[*key, old])?;
            put(m, o, key, new)?
        }
        (Name::merge, [key, value, function]) => {
            if value.is_null() {
                return Err(throw_bare(error::Class::NullPointer));
            }
            let old = get(m, o, key)?;
            let new = if old.is_null() { *value } else { m.invoke(*function, &[old, *value])? };
            put(m, o, key, new)?
        }
        (Name::remove, [key, value]) => {
            let found = match existing(m, o, key)? {
                Some(old) => m.equals(&old, value)?,
                None => false,
            };
            if found {
                let key = m.key(*key)?;
                o.remove(&key);
            }
            Value::Bool(found)
        }
        (Name::replace, [key, value]) => match existing(m, o, key)? {
            Some(old) => {
                let key = m.key(*key)?;
                let value = m.kept(*value);
                o.set(key, value);
                old
            }
            None => Value::Null,
        },
        (Name::replace, [key, old, new]) => {
            let found = match existing(m, o, key)? {
                Some(value) => m.equals(&value, old)?,
                None => false,
            };
            if found {
                let key = m.key(*key)?;
                let new = m.kept(*new);
                o.set(key, new);
            }
            Value::Bool(found)
        }
        (Name::replaceAll, [function]) => {
            for (key, value) in m.in_order(&map)? {
                let name = m.unkey(&key);
                let new = m.invoke(*function, &[name, value])?;
                let new = m.kept(new);
                o.set(key, new);
            }
            Value::Null
        }
        (Name::clone, []) => {
            let copy = m.arena.object();
            for (key, value) in o.iter() {
                m.step(1)?;
                let value = m.kept(value);
                copy.set(key, value);
            }
            match map.order {
                Order::Hash => Value::Object(copy),
                _ => thing(m.arena, Held::Map(Keyed { object: copy, fixed: false, ..map })),
            }
        }
        _ if map.order == Order::Sorted && Class::Map.method(name, args.len()).is_none() => {
            return super::sequence::sorted_map(m, receiver, map, name, args);
        }
        (Name::getByPath, [path, ..]) => return list::by_path(m, receiver, path, args.get(1)),
        _ => return by_entry(m, receiver, map, name, args),
    })
}

fn changes(name: Name) -> bool {
    matches!(
        name,
        Name::put
            | Name::remove
            | Name::putAll
            | Name::putIfAbsent
            | Name::clear
            | Name::compute
            | Name::computeIfAbsent
            | Name::computeIfPresent
            | Name::merge
            | Name::replace
            | Name::replaceAll
            | Name::pollFirstEntry
            | Name::pollLastEntry
    )
}

fn existing<'a>(m: &mut Machine<'a>, o: &'a Object<'a>, key: &Value<'a>) -> Result<Option<Value<'a>>, Throw> {
    let key = m.key(*key)?;
    Ok(o.get(&key).map(plain))
}

fn get<'a>(m: &mut Machine<'a>, o: &'a Object<'a>, key: &Value<'a>) -> Result<Value<'a>, Throw> {
    Ok(existing(m, o, key)?.unwrap_or(Value::Null))
}

/// Sets the key, or removes it when there is nothing to set: what `compute` and `merge` do.
fn put<'a>(m: &mut Machine<'a>, o: &'a Object<'a>, key: &Value<'a>, value: Value<'a>) -> Result<Value<'a>, Throw> {
    let key = m.key(*key)?;
    if value.is_null() {
        o.remove(&key);
    } else {
        let kept = m.kept(value);
        o.set(key, kept);
    }
    Ok(value)
}

/// Methods that take a function of key and value.
fn by_entry<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    map: Keyed<'a>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    let Some(function) = args.last().copied() else { return object(m, receiver, name, args) };
    let known = matches!(
        (name, args.len()),
        (
            Name::forEach
                | Name::each
                | Name::every
                | Name::count
                | Name::find
                | Name::findAll
                | Name::findResult
                | Name::findResults
                | Name::collect
                | Name::groupBy,
            1
        ) | (Name::collect | Name::findResult, 2)
    );
    if !known {
        return object(m, receiver, name, args);
    }
    let entries: Vec<_> = m.in_order(&map)?.into_iter().map(|(key, value)| (m.unkey(&key), key, value)).collect();
    let size = map.object.len();
    let mut count = 0;
    let mut results = Vec::new();
    let found = m.arena.object();
    for (name_value, key, value) in entries {
        if map.object.len() != size {
            return Err(throw_bare(error::Class::ConcurrentModification));
        }
        let pair = [name_value, value];
        match name {
            Name::forEach | Name::each => {
                m.invoke(function, &pair)?;
            }
            Name::every => {
                if !truth(m, function, &pair)? {
                    return Ok(Value::Bool(false));
                }
            }
            Name::count => count += i32::from(truth(m, function, &pair)?),
            Name::find => {
                if truth(m, function, &pair)? {
                    return Ok(entry(m, Some(map), name_value, value));
                }
            }
            Name::findAll => {
                if truth(m, function, &pair)? {
                    let value = m.kept(value);
                    found.set(key, value);
                }
            }
            Name::groupBy => {
                let group = m.invoke(function, &pair)?;
                let group = m.key(group)?;
                let inner = match found.get(&group) {
                    Some(Value::Object(inner)) => inner,
                    _ => m.arena.object(),
                };
                let value = m.kept(value);
                inner.set(key, value);
                found.set(group, Value::Object(inner));
            }
            _ => {
                let result = m.invoke(function, &pair)?;
                if name == Name::findResult && !result.is_null() {
                    return Ok(result);
                }
                if name == Name::collect || !result.is_null() {
                    results.push(result);
                }
            }
        }
    }
    Ok(match name {
        Name::forEach | Name::find => Value::Null,
        Name::each => receiver,
        Name::every => Value::Bool(true),
        Name::count => Value::Int(count),
        Name::findAll => Value::Object(found),
        Name::groupBy => linked(m, found),
        Name::findResult => {
            if let [default, _] = args {
                *default
            } else {
                Value::Null
            }
        }
        Name::collect if args.len() == 2 => {
            let Some(into) = args.first() else { return Ok(Value::Null) };
            for result in results {
                super::call(m, *into, Name::add, &[result])?;
            }
            *into
        }
        _ => Value::List(m.list_from(results)),
    })
}
