//! `Optional` and its primitive kin.

use super::{Args, Name, object, truth};
use crate::event::Value;
use crate::painless::api::Class;
use crate::painless::error::{self, Throw, throw, throw_bare};
use crate::painless::machine::Machine;
use crate::painless::value::{Held, held, thing};

pub(super) fn new<'a>(m: &mut Machine<'a>, class: Class, value: Option<Value<'a>>) -> Value<'a> {
    thing(m.arena, Held::Optional { class, value })
}

pub(super) fn call<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    class: Class,
    value: Option<Value<'a>>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    if class.method(name, args.len()).is_none() {
        return object(m, receiver, name, args);
    }
    Ok(match (name, args) {
        (Name::isPresent, []) => Value::Bool(value.is_some()),
        (Name::get | Name::getAsInt | Name::getAsLong | Name::getAsDouble, []) => {
            value.ok_or_else(|| throw(error::Class::NoSuchElement, "No value present"))?
        }
        (Name::orElse, [other]) => value.unwrap_or(*other),
        (Name::orElseGet, [supplier]) => match value {
            Some(value) => value,
            None => m.invoke(*supplier, &[])?,
        },
        (Name::orElseThrow, [supplier]) => match value {
            Some(value) => value,
            None => {
                let exception = m.invoke(*supplier, &[])?;
                return Err(match held(&exception) {
                    Some(Held::Exception { class, message: Some(message) }) => throw(*class, *message),
                    Some(Held::Exception { class, .. }) => throw_bare(*class),
                    _ => throw_bare(error::Class::NullPointer),
                });
            }
        },
        (Name::ifPresent, [function]) => {
            if let Some(value) = value {
                m.invoke(*function, &[value])?;
            }
            Value::Null
        }
        (Name::filter, [test]) => match value {
            Some(value) if !truth(m, *test, &[value])? => new(m, class, None),
            _ => receiver,
        },
        (Name::map, [function]) => match value {
            Some(value) => {
                let result = m.invoke(*function, &[value])?;
                new(m, class, (!result.is_null()).then_some(result))
            }
            None => receiver,
        },
        (Name::flatMap, [function]) => match value {
            Some(value) => m.invoke(*function, &[value])?,
            None => receiver,
        },
        _ => return object(m, receiver, name, args),
    })
}

pub(super) fn call_static<'a>(
    m: &mut Machine<'a>,
    class: Class,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    let value = args.first().copied();
    if name == Name::of && value.is_none_or(|value| value.is_null()) {
        return Err(throw_bare(error::Class::NullPointer));
    }
    Ok(new(m, class, value.filter(|value| !value.is_null())))
}
