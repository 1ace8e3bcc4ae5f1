//! Functions as objects: `predicate.test(x)`, what is made from them, and comparators.

use super::{Args, Name, object, truth};
use crate::event::Value;
use crate::painless::error::Throw;
use crate::painless::machine::Machine;
use crate::painless::value::{Held, held, thing};

/// A function that a method made of others.
#[derive(Clone, Copy, Debug)]
pub(in crate::painless) struct Derived<'a> {
    pub name: Name,
    pub first: Value<'a>,
    pub second: Value<'a>,
}

pub(super) fn derived<'a>(m: &mut Machine<'a>, name: Name, first: Value<'a>, second: Value<'a>) -> Value<'a> {
    thing(m.arena, Held::Derived(Derived { name, first, second }))
}

fn compared<'a>(
    m: &mut Machine<'a>,
    comparator: Value<'a>,
    a: Value<'a>,
    b: Value<'a>,
) -> Result<std::cmp::Ordering, Throw> {
    let comparator = (!comparator.is_null()).then_some(comparator);
    m.compare_with(comparator, a, b)
}

/// Calls a [`Derived`].
pub(in crate::painless) fn apply<'a>(
    m: &mut Machine<'a>,
    derived: &Derived<'a>,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    m.deeper(|m| apply_now(m, derived, args))
}

fn apply_now<'a>(m: &mut Machine<'a>, derived: &Derived<'a>, args: Args<'_, 'a>) -> Result<Value<'a>, Throw> {
    let Derived { name, first, second } = *derived;
    match (name, args) {
        (Name::identity, [value]) => return Ok(*value),
        (Name::negate, _) => return Ok(Value::Bool(!truth(m, first, args)?)),
        (Name::and, _) => return Ok(Value::Bool(truth(m, first, args)? && truth(m, second, args)?)),
        (Name::or, _) => return Ok(Value::Bool(truth(m, first, args)? || truth(m, second, args)?)),
        (Name::isEqual, [value]) => return m.equals(value, &first).map(Value::Bool),
        (Name::andThen, _) => {
            let between = m.invoke(first, args)?;
            // A consumer gives nothing to pass on: both see the same arguments.
            return if between.is_null() && args.len() == 2 {
                m.invoke(second, args)
            } else {
                m.invoke(second, &[between])
            };
        }
        (Name::accept, _) => {
            m.invoke(first, args)?;
            return m.invoke(second, args);
        }
        (Name::compose, _) => {
            let between = m.invoke(second, args)?;
            return m.invoke(first, &[between]);
        }
        _ => {}
    }
    let [a, b] = args else { return object(m, Value::Null, Name::compare, args) };
    let order = match name {
        Name::naturalOrder => m.compare(*a, *b)?,
        Name::reversed => compared(m, first, *b, *a)?,
        Name::comparing => {
            let (a, b) = (m.invoke(first, &[*a])?, m.invoke(first, &[*b])?);
            compared(m, second, a, b)?
        }
        Name::thenComparing => compared(m, first, *a, *b)?.then(compared(m, second, *a, *b)?),
        Name::nullsFirst | Name::nullsLast => {
            let null_order =
                if name == Name::nullsFirst { std::cmp::Ordering::Less } else { std::cmp::Ordering::Greater };
            match (a.is_null(), b.is_null()) {
                (true, true) => std::cmp::Ordering::Equal,
                (true, false) => null_order,
                (false, true) => null_order.reverse(),
                (false, false) if first.is_null() => std::cmp::Ordering::Equal,
                (false, false) => compared(m, first, *a, *b)?,
            }
        }
        Name::comparingByKey | Name::comparingByValue => {
            let part = |value: &Value<'a>| match held(value) {
                Some(Held::Entry { key, .. }) if name == Name::comparingByKey => *key,
                Some(Held::Entry { value, .. }) => value.get(),
                _ => Value::Null,
            };
            compared(m, first, part(a), part(b))?
        }
        Name::maxBy => return Ok(if compared(m, first, *a, *b)?.is_ge() { *a } else { *b }),
        Name::minBy => return Ok(if compared(m, first, *a, *b)?.is_le() { *a } else { *b }),
        _ => return object(m, Value::Null, name, args),
    };
    Ok(Value::Int(order as i32))
}

/// A method of a function object.
pub(super) fn call<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    Ok(match (name, args) {
        (
            Name::apply
            | Name::test
            | Name::accept
            | Name::get
            | Name::compare
            | Name::applyAsInt
            | Name::applyAsLong
            | Name::applyAsDouble,
            _,
        ) => m.invoke(receiver, args)?,
        (Name::negate, []) => derived(m, name, receiver, Value::Null),
        (Name::reversed, []) => derived(m, name, receiver, Value::Null),
        (Name::and | Name::or | Name::andThen | Name::compose, [other]) => derived(m, name, receiver, *other),
        (Name::thenComparing, [other]) if is_comparator(other) => derived(m, name, receiver, *other),
        (
            Name::thenComparing | Name::thenComparingInt | Name::thenComparingLong | Name::thenComparingDouble,
            [key, by @ ..],
        ) => {
            let by = by.first().copied().unwrap_or(Value::Null);
            let then = derived(m, Name::comparing, *key, by);
            derived(m, Name::thenComparing, receiver, then)
        }
        _ => return object(m, receiver, name, args),
    })
}

/// `thenComparing` takes a comparator or the function of a key; a lambda tells by its parameters.
fn is_comparator(value: &Value<'_>) -> bool {
    match held(value) {
        Some(Held::Lambda { function, .. }) => function.params.len() == 2,
        Some(Held::Derived(derived)) => derived.name != Name::identity,
        _ => false,
    }
}

pub(super) fn call_static<'a>(m: &mut Machine<'a>, name: Name, args: Args<'_, 'a>) -> Value<'a> {
    let first = args.first().copied().unwrap_or(Value::Null);
    let second = args.get(1).copied().unwrap_or(Value::Null);
    let name = match name {
        Name::comparingInt | Name::comparingLong | Name::comparingDouble => Name::comparing,
        // `reverseOrder()` turns Java's own order around.
        Name::reverseOrder => Name::reversed,
        name => name,
    };
    derived(m, name, first, second)
}
