//! Sets, the views of a map, and map entries.

use super::{Args, Name, changeable, list, object, truth};
use crate::event::Value;
use crate::painless::error::{self, Throw, throw_bare};
use crate::painless::machine::Machine;
use crate::painless::value::{Held, Keyed, Order, Part, plain, thing};

pub(super) fn new<'a>(
    m: &mut Machine<'a>,
    order: Order,
    items: Vec<Value<'a>>,
    comparator: Option<Value<'a>>,
) -> Result<Value<'a>, Throw> {
    let object = m.arena.object();
    for item in items {
        m.step(1 + object.len() as u64 / 64)?;
        let key = m.key(item)?;
        if object.get(&key).is_none() {
            object.set(key, Value::Null);
        }
    }
    Ok(thing(m.arena, Held::Set(Keyed { order, object, comparator, fixed: false })))
}

pub(super) fn call<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    set: Keyed<'a>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    let o = set.object;
    m.step(1 + o.len() as u64 / 64)?;
    if matches!(
        name,
        Name::add
            | Name::addAll
            | Name::remove
            | Name::clear
            | Name::removeAll
            | Name::retainAll
            | Name::removeIf
            | Name::pollFirst
            | Name::pollLast
    ) {
        changeable(set.fixed)?;
    }
    Ok(match (name, args) {
        (Name::contains, [item]) => {
            let key = m.key(*item)?;
            Value::Bool(o.get(&key).is_some())
        }
        (Name::add, [item]) => {
            let key = m.key(*item)?;
            let new = o.get(&key).is_none();
            if new {
                o.set(key, Value::Null);
            }
            Value::Bool(new)
        }
        (Name::addAll, [items]) => {
            let before = o.len();
            for item in m.items(items)? {
                m.step(1 + o.len() as u64 / 64)?;
                let key = m.key(item)?;
                if o.get(&key).is_none() {
                    o.set(key, Value::Null);
                }
            }
            Value::Bool(o.len() != before)
        }
        (Name::remove, [item]) => {
            let key = m.key(*item)?;
            Value::Bool(o.remove(&key).is_some())
        }
        (Name::clear, []) => {
            o.clear();
            Value::Null
        }
        (Name::size, []) => Value::Int(o.len() as i32),
        (Name::isEmpty, []) => Value::Bool(o.is_empty()),
        (Name::clone, []) => {
            let items = m.items(&receiver)?;
            new(m, set.order, items, set.comparator)?
        }
        (Name::removeAll | Name::retainAll | Name::removeIf, [_]) => {
            removing(m, receiver, set, Part::Keys, name, args)?
        }
        _ if set.order == Order::Sorted => match sorted(m, &receiver, set, name, args)? {
            Some(value) => value,
            None => return list::collection(m, receiver, name, args),
        },
        _ => return list::collection(m, receiver, name, args),
    })
}

/// What only sorted sets have.
fn sorted<'a>(
    m: &mut Machine<'a>,
    receiver: &Value<'a>,
    set: Keyed<'a>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Option<Value<'a>>, Throw> {
    let items = m.items(receiver)?;
    Ok(Some(match (name, args) {
        (Name::first, []) => *items.first().ok_or_else(|| throw_bare(error::Class::NoSuchElement))?,
        (Name::last, []) => *items.last().ok_or_else(|| throw_bare(error::Class::NoSuchElement))?,
        (Name::pollFirst | Name::pollLast, []) => {
            let item = if name == Name::pollFirst { items.first() } else { items.last() };
            let Some(item) = item.copied() else { return Ok(Some(Value::Null)) };
            let key = m.key(item)?;
            set.object.remove(&key);
            item
        }
        (Name::ceiling | Name::floor | Name::higher | Name::lower, [wanted]) => {
            nearest(m, &items, set.comparator, name, *wanted)?.map_or(Value::Null, |(_, item)| item)
        }
        (Name::headSet | Name::tailSet | Name::subSet, _) => {
            let part = range(m, &items, set.comparator, name, args)?;
            new(m, Order::Sorted, part, set.comparator)?
        }
        (Name::descendingSet, []) => {
            let reversed: Vec<_> = items.into_iter().rev().collect();
            new(m, Order::Linked, reversed, None)?
        }
        _ => return Ok(None),
    }))
}

/// The element nearest to `wanted` on the side that the method's name asks for.
pub(super) fn nearest<'a>(
    m: &mut Machine<'a>,
    items: &[Value<'a>],
    comparator: Option<Value<'a>>,
    name: Name,
    wanted: Value<'a>,
) -> Result<Option<(usize, Value<'a>)>, Throw> {
    let mut found = None;
    for (index, item) in items.iter().enumerate() {
        m.step(1)?;
        let order = m.compare_with(comparator, *item, wanted)?;
        match name {
            Name::ceiling | Name::ceilingKey | Name::ceilingEntry if order.is_ge() => return Ok(Some((index, *item))),
            Name::higher | Name::higherKey | Name::higherEntry if order.is_gt() => return Ok(Some((index, *item))),
            Name::floor | Name::floorKey | Name::floorEntry if order.is_le() => found = Some((index, *item)),
            Name::lower | Name::lowerKey | Name::lowerEntry if order.is_lt() => found = Some((index, *item)),
            _ => {}
        }
    }
    Ok(found)
}

/// The elements between the bounds that `headSet`, `tailSet` and `subSet` (and a map's `headMap`, …) name.
pub(super) fn range<'a>(
    m: &mut Machine<'a>,
    items: &[Value<'a>],
    comparator: Option<Value<'a>>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Vec<Value<'a>>, Throw> {
    let yes = |value: Option<&Value<'a>>, default: bool| match value {
        Some(Value::Bool(inclusive)) => *inclusive,
        _ => default,
    };
    let (from, to) = match (name, args) {
        (Name::headSet | Name::headMap, [to, ..]) => (None, Some((*to, yes(args.get(1), false)))),
        (Name::tailSet | Name::tailMap, [from, ..]) => (Some((*from, yes(args.get(1), true))), None),
        (_, [from, to]) => (Some((*from, true)), Some((*to, false))),
        (_, [from, first, to, last]) => (Some((*from, yes(Some(first), true))), Some((*to, yes(Some(last), false)))),
        _ => (None, None),
    };
    let mut part = Vec::new();
    for item in items {
        m.step(1)?;
        let after = match from {
            Some((from, inclusive)) => {
                let order = m.compare_with(comparator, *item, from)?;
                order.is_gt() || (inclusive && order.is_eq())
            }
            None => true,
        };
        let before = match to {
            Some((to, inclusive)) => {
                let order = m.compare_with(comparator, *item, to)?;
                order.is_lt() || (inclusive && order.is_eq())
            }
            None => true,
        };
        if after && before {
            part.push(*item);
        }
    }
    Ok(part)
}

/// `keySet()`, `values()` and `entrySet()`.
pub(super) fn view<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    map: Keyed<'a>,
    part: Part,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    m.step(1 + map.object.len() as u64 / 64)?;
    Ok(match (name, args) {
        (Name::size, []) => Value::Int(map.object.len() as i32),
        (Name::isEmpty, []) => Value::Bool(map.object.is_empty()),
        (Name::contains, [key]) if part == Part::Keys => {
            let key = m.key(*key)?;
            Value::Bool(map.object.get(&key).is_some())
        }
        (Name::add | Name::addAll, [_]) => return Err(throw_bare(error::Class::UnsupportedOperation)),
        (Name::clear, []) => {
            changeable(map.fixed)?;
            map.object.clear();
            Value::Null
        }
        (Name::remove | Name::removeAll | Name::retainAll | Name::removeIf, [_]) => {
            changeable(map.fixed)?;
            removing(m, receiver, map, part, name, args)?
        }
        (Name::first | Name::last, []) if map.order == Order::Sorted => {
            let items = m.items(&receiver)?;
            let item = if name == Name::first { items.first() } else { items.last() };
            *item.ok_or_else(|| throw_bare(error::Class::NoSuchElement))?
        }
        _ => return list::collection(m, receiver, name, args),
    })
}

/// Removes the elements that a test or another collection names, and with them the entries of the map behind a view.
fn removing<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    map: Keyed<'a>,
    part: Part,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    let Some(arg) = args.first().copied() else { return Ok(Value::Bool(false)) };
    let items = match part {
        Part::Values => None,
        _ => Some(m.items(&receiver)?),
    };
    let entries = m.in_order(&map)?;
    let others = if name == Name::removeAll || name == Name::retainAll { m.items(&arg)? } else { Vec::new() };
    let mut gone = Vec::new();
    for (index, (key, value)) in entries.into_iter().enumerate() {
        let item = items.as_ref().and_then(|items| items.get(index).copied()).unwrap_or(value);
        let remove = match name {
            Name::removeIf => truth(m, arg, &[item])?,
            Name::remove => gone.is_empty() && m.equals(&item, &arg)?,
            _ => {
                let mut known = false;
                for other in &others {
                    m.step(1)?;
                    if m.equals(&item, other)? {
                        known = true;
                        break;
                    }
                }
                known == (name == Name::removeAll)
            }
        };
        if remove {
            gone.push(key);
        }
    }
    m.step(gone.len() as u64 * (1 + map.object.len() as u64 / 64))?;
    for key in &gone {
        map.object.remove(key);
    }
    Ok(Value::Bool(!gone.is_empty()))
}

pub(super) fn entry<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    held: &'a Held<'a>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    let Held::Entry { map, key, value } = held else { return object(m, receiver, name, args) };
    Ok(match (name, args) {
        (Name::getKey, []) => *key,
        (Name::getValue, []) => plain(value.get()),
        (Name::setValue, [new]) => {
            let kept = m.kept(*new);
            if let Some(map) = map {
                changeable(map.fixed)?;
                let key = m.key(*key)?;
                map.object.set(key, kept);
            }
            plain(value.replace(kept))
        }
        _ => return object(m, receiver, name, args),
    })
}
