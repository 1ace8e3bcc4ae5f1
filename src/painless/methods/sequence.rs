//! What lists have as queues, deques, stacks and vectors, and what sorted maps have.

use super::{Args, Name, call as call_method, entry, int, iterator, object, set};
use crate::event::{List, Value};
use crate::painless::error::{self, Throw, throw_bare};
use crate::painless::machine::Machine;
use crate::painless::value::{Held, Keyed, Order, Part, plain, thing};

fn take<'a>(list: &'a List<'a>, last: bool) -> Option<Value<'a>> {
    let at = if last { list.len().checked_sub(1)? } else { 0 };
    list.remove(at).map(plain)
}

fn look<'a>(list: &'a List<'a>, last: bool) -> Option<Value<'a>> {
    let at = if last { list.len().checked_sub(1)? } else { 0 };
    list.get(at).map(plain)
}

/// Methods of `Queue`, `Deque`, `Stack` and `Vector`; `None` for any other.
pub(super) fn call<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    list: &'a List<'a>,
    stack: bool,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Option<Value<'a>>, Throw> {
    let needed = |value: Option<Value<'a>>, class: error::Class| value.ok_or_else(|| throw_bare(class));
    m.step(1 + list.len() as u64 / 64)?;
    Ok(Some(match (name, args) {
        (Name::push, [item]) if stack => {
            list.push(m.kept(*item));
            *item
        }
        (Name::pop, []) if stack => needed(take(list, true), error::Class::EmptyStack)?,
        (Name::peek, []) if stack => needed(look(list, true), error::Class::EmptyStack)?,
        (Name::empty, []) => Value::Bool(list.is_empty()),
        (Name::search, [item]) => {
            let mut found = -1;
            for (at, other) in list.iter().enumerate() {
                if m.equals(&other, item)? {
                    found = (list.len() - at) as i32;
                }
            }
            Value::Int(found)
        }
        (Name::addFirst | Name::push | Name::offerFirst, [item]) => {
            let kept = m.kept(*item);
            list.insert(0, kept);
            if name == Name::offerFirst { Value::Bool(true) } else { Value::Null }
        }
        (Name::addLast | Name::offer | Name::offerLast | Name::addElement, [item]) => {
            list.push(m.kept(*item));
            if matches!(name, Name::offer | Name::offerLast) { Value::Bool(true) } else { Value::Null }
        }
        (Name::getFirst | Name::element | Name::firstElement, []) => {
            needed(look(list, false), error::Class::NoSuchElement)?
        }
        (Name::getLast | Name::lastElement, []) => needed(look(list, true), error::Class::NoSuchElement)?,
        (Name::removeFirst | Name::pop | Name::remove, []) => needed(take(list, false), error::Class::NoSuchElement)?,
        (Name::removeLast, []) => needed(take(list, true), error::Class::NoSuchElement)?,
        (Name::peek | Name::peekFirst, []) => look(list, false).unwrap_or(Value::Null),
        (Name::peekLast, []) => look(list, true).unwrap_or(Value::Null),
        (Name::poll | Name::pollFirst, []) => take(list, false).unwrap_or(Value::Null),
        (Name::pollLast, []) => take(list, true).unwrap_or(Value::Null),
        (Name::removeFirstOccurrence | Name::removeLastOccurrence | Name::removeElement, [item]) => {
            let mut found = None;
            for (at, other) in list.iter().enumerate() {
                if m.equals(&other, item)? {
                    found = Some(at);
                    if name != Name::removeLastOccurrence {
                        break;
                    }
                }
            }
            if let Some(at) = found {
                list.remove(at);
            }
            Value::Bool(found.is_some())
        }
        (Name::descendingIterator, []) => {
            let items: Vec<_> = m.items(&receiver)?.into_iter().rev().collect();
            iterator::new(m, items, None)
        }
        (Name::elementAt, [at]) => return call_method(m, Value::List(list), Name::get, &[*at]).map(Some),
        (Name::setElementAt, [item, at]) => {
            return call_method(m, Value::List(list), Name::set, &[*at, *item]).map(Some);
        }
        (Name::insertElementAt, [item, at]) => {
            return call_method(m, Value::List(list), Name::add, &[*at, *item]).map(Some);
        }
        (Name::removeElementAt, [at]) => {
            let at = Value::Int(int(m, at)?);
            return call_method(m, Value::List(list), Name::remove, &[at]).map(Some);
        }
        (Name::removeAllElements, []) => {
            list.clear();
            Value::Null
        }
        _ => return Ok(None),
    }))
}

/// Methods of `SortedMap` and `NavigableMap`.
pub(super) fn sorted_map<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    map: Keyed<'a>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    let entries = m.in_order(&map)?;
    let keys: Vec<_> = entries.iter().map(|(key, _)| m.unkey(key)).collect();
    let pair = |m: &Machine<'a>, at: Option<usize>| match at.and_then(|at| Some((*keys.get(at)?, entries.get(at)?.1))) {
        Some((key, value)) => entry(m, None, key, value),
        None => Value::Null,
    };
    let last = keys.len().checked_sub(1);
    Ok(match (name, args) {
        (Name::firstKey, []) => *keys.first().ok_or_else(|| throw_bare(error::Class::NoSuchElement))?,
        (Name::lastKey, []) => *keys.last().ok_or_else(|| throw_bare(error::Class::NoSuchElement))?,
        (Name::firstEntry, []) => pair(m, Some(0)),
        (Name::lastEntry, []) => pair(m, last),
        (Name::pollFirstEntry | Name::pollLastEntry, []) => {
            let at = if name == Name::pollFirstEntry { Some(0) } else { last };
            let found = pair(m, at);
            if let Some((key, _)) = at.and_then(|at| entries.get(at)) {
                map.object.remove(key);
            }
            found
        }
        (Name::ceilingKey | Name::floorKey | Name::higherKey | Name::lowerKey, [wanted]) => {
            set::nearest(m, &keys, map.comparator, name, *wanted)?.map_or(Value::Null, |(_, key)| key)
        }
        (Name::ceilingEntry | Name::floorEntry | Name::higherEntry | Name::lowerEntry, [wanted]) => {
            let at = set::nearest(m, &keys, map.comparator, name, *wanted)?.map(|(at, _)| at);
            pair(m, at)
        }
        (Name::headMap | Name::tailMap | Name::subMap, _) => {
            let part = set::range(m, &keys, map.comparator, name, args)?;
            let object = m.arena.object();
            for key in part {
                let key = m.key(key)?;
                let value = map.object.get(&key).unwrap_or(Value::Null);
                let kept = m.kept(value);
                object.set(key, kept);
            }
            thing(m.arena, Held::Map(Keyed { object, order: Order::Sorted, fixed: false, ..map }))
        }
        (Name::descendingMap | Name::descendingKeySet, []) => {
            let object = m.arena.object();
            for (key, value) in entries.iter().rev() {
                let kept = m.kept(*value);
                object.set(*key, kept);
            }
            let reversed = Keyed { object, order: Order::Linked, comparator: None, fixed: false };
            thing(
                m.arena,
                if name == Name::descendingMap {
                    Held::Map(reversed)
                } else {
                    Held::View { map: reversed, part: Part::Keys }
                },
            )
        }
        _ => return object(m, receiver, name, args),
    })
}
