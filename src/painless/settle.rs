//! Makes an event plain JSON again after a script has put Java's objects into it.
//!
//! Sets become lists, times become their text, and so on, in place, so that references which the event holds twice stay references. An event that
//! holds itself is refused, as in Elasticsearch. Text that nobody has looked at is left alone.

use super::error::{self, Throw, throw};
use super::machine::Machine;
use super::methods::time::Moment;
use super::value::{Held, Java, Thing, as_list, as_map};
use crate::event::{List, Object, Value};

/// How deep a document may be after a script. The writer's own limit is the same.
const NESTING_LEVELS_MAX: u32 = 250;

pub(super) fn settle(m: &mut Machine<'_>) -> Result<(), Throw> {
    let ctx = m.ctx;
    settle_object(m, ctx, 0)
}

fn deeper(level: u32) -> Result<(), Throw> {
    if level > NESTING_LEVELS_MAX {
        return Err(throw(error::Class::IllegalArgument, "Iterable object is self-referencing itself (ingest script)"));
    }
    Ok(())
}

fn settle_object<'a>(m: &mut Machine<'a>, object: &'a Object<'a>, level: u32) -> Result<(), Throw> {
    deeper(level)?;
    if object.raw_text().is_some() {
        return Ok(());
    }
    let mut odd_keys = false;
    for (key, value) in object.iter() {
        m.step(1)?;
        odd_keys |= key.text.starts_with('\0');
        match value {
            Value::Object(inner) => settle_object(m, inner, level + 1)?,
            Value::List(inner) => settle_list(m, inner, level + 1)?,
            Value::Java(_) => {
                let value = settled(m, value, level)?;
                object.set(key, value);
            }
            _ => {}
        }
    }
    if odd_keys {
        let entries: Vec<_> = object.iter().collect();
        object.clear();
        for (key, value) in entries {
            let name = m.unkey(&key);
            let text = m.text(&name)?;
            object.set(m.arena.key(text), value);
        }
    }
    Ok(())
}

fn settle_list<'a>(m: &mut Machine<'a>, list: &'a List<'a>, level: u32) -> Result<(), Throw> {
    deeper(level)?;
    if list.raw_text().is_some() {
        return Ok(());
    }
    for index in 0..list.len() {
        m.step(1)?;
        match list.get(index) {
            Some(Value::Object(inner)) => settle_object(m, inner, level + 1)?,
            Some(Value::List(inner)) => settle_list(m, inner, level + 1)?,
            Some(value @ Value::Java(_)) => {
                let value = settled(m, value, level)?;
                list.set(index, value);
            }
            _ => {}
        }
    }
    Ok(())
}

/// The plain form of a value that the event holds.
fn settled<'a>(m: &mut Machine<'a>, value: Value<'a>, level: u32) -> Result<Value<'a>, Throw> {
    deeper(level)?;
    let Value::Java(java) = value else { return Ok(value) };
    let Java::Thing(Thing(held)) = java else {
        return Ok(match java {
            Java::Byte(n) => Value::Int(i32::from(n)),
            Java::Short(n) => Value::Int(i32::from(n)),
            _ => Value::Str(m.text(&value)?),
        });
    };
    if let Some(list) = as_list(&value) {
        settle_list(m, list, level + 1)?;
        return Ok(Value::List(list));
    }
    if let Some(map) = as_map(&value) {
        settle_object(m, map.object, level + 1)?;
        return Ok(Value::Object(map.object));
    }
    match held {
        Held::Array { list, .. } => {
            settle_list(m, list, level + 1)?;
            Ok(Value::List(list))
        }
        Held::Set(_) | Held::View { .. } => {
            let list = m.arena.list();
            for item in m.items(&value)? {
                list.push(item);
            }
            settle_list(m, list, level + 1)?;
            Ok(Value::List(list))
        }
        Held::Entry { key, value, .. } => {
            let object = m.arena.object();
            let text = m.text(key)?;
            object.set(m.arena.key(text), value.get());
            settle_object(m, object, level + 1)?;
            Ok(Value::Object(object))
        }
        // As a document's writer shows times: three to nine digits of the second, an offset and no region.
        Held::Moment(moment) => m.string(&moment.written()),
        Held::Date(at) => m.string(&Moment { at: *at, zone: None }.written()),
        _ => m.text(&value).map(Value::Str),
    }
}
