//! Iterators over what a collection held when it was asked.

use super::{Args, Name, call as call_method, object};
use crate::event::{List, Value};
use crate::painless::error::{self, Throw, throw_bare};
use crate::painless::machine::Machine;
use crate::painless::value::{Held, Part, as_list, held, thing};
use std::cell::Cell;

/// `source` is what `remove` takes the element from.
pub(super) fn new<'a>(m: &mut Machine<'a>, items: Vec<Value<'a>>, source: Option<Value<'a>>) -> Value<'a> {
    let list = m.list_from(items);
    thing(m.arena, Held::Iterator { list, at: Cell::new(0), source })
}

pub(super) fn call<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    (list, at, source): (&'a List<'a>, &Cell<usize>, Option<Value<'a>>),
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    m.step(1)?;
    Ok(match (name, args) {
        (Name::hasNext, []) => Value::Bool(at.get() < list.len()),
        (Name::hasPrevious, []) => Value::Bool(at.get() > 0),
        (Name::nextIndex, []) => Value::Int(at.get() as i32),
        (Name::previousIndex, []) => Value::Int(at.get() as i32 - 1),
        (Name::next, []) => {
            let item = list.get(at.get()).ok_or_else(|| throw_bare(error::Class::NoSuchElement))?;
            at.set(at.get() + 1);
            item
        }
        (Name::previous, []) => {
            let before = at.get().checked_sub(1).ok_or_else(|| throw_bare(error::Class::NoSuchElement))?;
            at.set(before);
            list.get(before).unwrap_or(Value::Null)
        }
        (Name::forEachRemaining, [function]) => {
            while let Some(item) = list.get(at.get()) {
                at.set(at.get() + 1);
                m.invoke(*function, &[item])?;
            }
            Value::Null
        }
        (Name::remove, []) => {
            let last = at.get().checked_sub(1).ok_or_else(|| throw_bare(error::Class::IllegalState))?;
            let Some(source) = source else { return Err(throw_bare(error::Class::UnsupportedOperation)) };
            let item = list.get(last).unwrap_or(Value::Null);
            match (as_list(&source), held(&source)) {
                (Some(target), _) => {
                    target.remove(last);
                    list.remove(last);
                    at.set(last);
                }
                (None, Some(Held::View { map, part: Part::Entries })) => {
                    if let Some(Held::Entry { key, .. }) = held(&item) {
                        let key = m.key(*key)?;
                        map.object.remove(&key);
                    }
                }
                _ => {
                    call_method(m, source, Name::remove, &[item])?;
                }
            }
            Value::Null
        }
        (Name::set, [value]) => {
            let last = at.get().checked_sub(1).ok_or_else(|| throw_bare(error::Class::IllegalState))?;
            if let Some(target) = source.as_ref().and_then(as_list) {
                let kept = m.kept(*value);
                target.set(last, kept);
                list.set(last, kept);
            }
            Value::Null
        }
        (Name::add, [value]) => {
            if let Some(target) = source.as_ref().and_then(as_list) {
                let kept = m.kept(*value);
                target.insert(at.get(), kept);
                list.insert(at.get(), kept);
                at.set(at.get() + 1);
            }
            Value::Null
        }
        _ => return object(m, receiver, name, args),
    })
}
