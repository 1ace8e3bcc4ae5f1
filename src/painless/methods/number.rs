//! Numbers, booleans and characters as receivers, and the static methods of their classes.

use super::{Args, Name, object};
use crate::event::Value;
use crate::painless::error::Throw;
use crate::painless::machine::Machine;
use crate::painless::operate::{Num, bad_cast};
use crate::painless::value::Java;

pub(super) fn call<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    if let (Name::compareTo, [other]) = (name, args) {
        return match (Num::of(&receiver), Num::of(other)) {
            (Some(_), None) => Err(bad_cast(other, crate::painless::value::class_of(&receiver).java_name())),
            _ => m.compare(receiver, *other).map(|order| Value::Int(order as i32)),
        };
    }
    let Some(number) = Num::of(&receiver).filter(|_| args.is_empty()) else {
        return match (name, receiver) {
            (Name::booleanValue, Value::Bool(_)) if args.is_empty() => Ok(receiver),
            _ => object(m, receiver, name, args),
        };
    };
    let is_char = matches!(receiver, Value::Java(Java::Char(_)));
    Ok(match (name, number) {
        (Name::charValue, _) if is_char => receiver,
        _ if is_char => return object(m, receiver, name, args),
        (Name::intValue, _) => Value::Int(number.int()),
        (Name::longValue, _) => Value::Long(number.long()),
        (Name::floatValue, _) => Value::Float(number.float()),
        (Name::doubleValue, _) => Value::Double(number.double()),
        (Name::byteValue, _) => Value::Java(Java::Byte(number.int() as i8)),
        (Name::shortValue, _) => Value::Java(Java::Short(number.int() as i16)),
        (Name::isNaN, Num::Double(_) | Num::Float(_)) => Value::Bool(number.double().is_nan()),
        (Name::isInfinite, Num::Double(_) | Num::Float(_)) => Value::Bool(number.double().is_infinite()),
        _ => return object(m, receiver, name, args),
    })
}
