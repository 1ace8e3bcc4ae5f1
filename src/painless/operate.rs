//! Arithmetic, comparison and conversion as Java does them: promotion, overflow, shifts, casts.

use super::api::Class;
use super::error::{self, Throw, throw, throw_bare};
use super::machine::Machine;
use super::tree::{Binary, Unary};
use super::types::{Base, Type};
use super::value::{Java, class_name, instance_of, plain};
use crate::event::Value;

/// A number in the width in which Java computes with it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Num {
    Int(i32),
    Long(i64),
    Float(f32),
    Double(f64),
}

impl Num {
    pub(super) fn of(value: &Value<'_>) -> Option<Num> {
        Some(match plain(*value) {
            Value::Int(n) => Num::Int(n),
            Value::Long(n) => Num::Long(n),
            Value::Float(n) => Num::Float(n),
            Value::Double(n) => Num::Double(n),
            Value::Java(Java::Char(n)) => Num::Int(i32::from(n)),
            Value::Java(Java::Byte(n)) => Num::Int(i32::from(n)),
            Value::Java(Java::Short(n)) => Num::Int(i32::from(n)),
            _ => return None,
        })
    }

    fn rank(self) -> u8 {
        match self {
            Num::Int(_) => 0,
            Num::Long(_) => 1,
            Num::Float(_) => 2,
            Num::Double(_) => 3,
        }
    }

    pub(super) fn int(self) -> i32 {
        match self {
            Num::Int(n) => n,
            Num::Long(n) => n as i32,
            Num::Float(n) => n as i32,
            Num::Double(n) => n as i32,
        }
    }

    pub(super) fn long(self) -> i64 {
        match self {
            Num::Int(n) => i64::from(n),
            Num::Long(n) => n,
            Num::Float(n) => n as i64,
            Num::Double(n) => n as i64,
        }
    }

    pub(super) fn float(self) -> f32 {
        match self {
            Num::Int(n) => n as f32,
            Num::Long(n) => n as f32,
            Num::Float(n) => n,
            Num::Double(n) => n as f32,
        }
    }

    pub(super) fn double(self) -> f64 {
        match self {
            Num::Int(n) => f64::from(n),
            Num::Long(n) => n as f64,
            Num::Float(n) => f64::from(n),
            Num::Double(n) => n,
        }
    }
}

/// The primitive type of a boxed number or boolean; `Object` for everything else.
pub(super) fn type_of(value: &Value<'_>) -> Type {
    Type::of(match plain(*value) {
        Value::Bool(_) => Base::Boolean,
        Value::Int(_) => Base::Int,
        Value::Long(_) => Base::Long,
        Value::Float(_) => Base::Float,
        Value::Double(_) => Base::Double,
        Value::Java(Java::Char(_)) => Base::Char,
        Value::Java(Java::Byte(_)) => Base::Byte,
        Value::Java(Java::Short(_)) => Base::Short,
        _ => Base::Class(Class::Object),
    })
}

#[cold]
pub(super) fn bad_cast(value: &Value<'_>, to: &str) -> Throw {
    throw(error::Class::ClassCast, format!("Cannot cast from [{}] to [{to}].", class_name(value)))
}

#[cold]
fn bad_operation(operator: &str, left: &Value<'_>, right: &Value<'_>) -> Throw {
    let message =
        format!("Cannot apply [{operator}] operation to types [{}] and [{}].", class_name(left), class_name(right));
    throw(error::Class::ClassCast, message)
}

/// Java's comparison with `==`: numbers by value whatever their width, everything else by `equals`.
#[inline]
pub(super) fn same_value<'a>(m: &mut Machine<'a>, left: Value<'a>, right: Value<'a>) -> Result<bool, Throw> {
    match (left, right) {
        (Value::Str(a), Value::Str(b)) => Ok(a == b),
        (Value::Null, Value::Null) => Ok(true),
        (Value::Null, _) | (_, Value::Null) => Ok(false),
        (Value::Int(a), Value::Int(b)) => Ok(a == b),
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        _ => match (Num::of(&left), Num::of(&right)) {
            (Some(a), Some(b)) => Ok(match a.rank().max(b.rank()) {
                0 => a.int() == b.int(),
                1 => a.long() == b.long(),
                2 => a.float() == b.float(),
                _ => a.double() == b.double(),
            }),
            _ => m.equals(&left, &right),
        },
    }
}

fn identical<'a>(left: &Value<'a>, right: &Value<'a>) -> bool {
    match (plain(*left), plain(*right)) {
        (Value::Null, Value::Null) => true,
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::List(a), Value::List(b)) => std::ptr::eq(a, b),
        (Value::Object(a), Value::Object(b)) => std::ptr::eq(a, b),
        (Value::Java(Java::Thing(a)), Value::Java(Java::Thing(b))) => std::ptr::eq(a, b),
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (a, b) => match (Num::of(&a), Num::of(&b)) {
            (Some(x), Some(y)) => type_of(&a) == type_of(&b) && x.double() == y.double() && x.long() == y.long(),
            _ => false,
        },
    }
}

pub(super) fn binary<'a>(
    m: &mut Machine<'a>,
    operator: Binary,
    left: Value<'a>,
    right: Value<'a>,
) -> Result<Value<'a>, Throw> {
    match operator {
        Binary::Eq => return same_value(m, left, right).map(Value::Bool),
        Binary::Ne => return same_value(m, left, right).map(|same| Value::Bool(!same)),
        Binary::Same => return Ok(Value::Bool(identical(&left, &right))),
        Binary::NotSame => return Ok(Value::Bool(!identical(&left, &right))),
        Binary::Find | Binary::Match => return super::regex::matches(m, operator == Binary::Match, left, right),
        Binary::Add if matches!(left, Value::Str(_)) || matches!(right, Value::Str(_)) => return m.concat(left, right),
        _ => {}
    }
    if let (Value::Bool(a), Value::Bool(b)) = (left, right) {
        match operator {
            Binary::BitAnd => return Ok(Value::Bool(a & b)),
            Binary::BitOr => return Ok(Value::Bool(a | b)),
            Binary::BitXor => return Ok(Value::Bool(a ^ b)),
            _ => {}
        }
    }
    let (Some(a), Some(b)) = (Num::of(&left), Num::of(&right)) else {
        if left.is_null() || right.is_null() {
            let message = format!(
                "Cannot apply [{}] operation to types [{}] and [{}].",
                operator.sign(),
                class_name(&left),
                class_name(&right)
            );
            return Err(throw(error::Class::NullPointer, message));
        }
        return Err(bad_operation(operator.sign(), &left, &right));
    };
    if matches!(operator, Binary::Shl | Binary::Shr | Binary::Ushr) {
        return shift(operator, a, b).ok_or_else(|| bad_operation(operator.sign(), &left, &right));
    }
    match a.rank().max(b.rank()) {
        0 => ints(operator, a.int(), b.int()),
        1 => longs(operator, a.long(), b.long()),
        2 => floats(operator, a.float(), b.float()).ok_or_else(|| bad_operation(operator.sign(), &left, &right)),
        _ => doubles(operator, a.double(), b.double()).ok_or_else(|| bad_operation(operator.sign(), &left, &right)),
    }
}

fn shift<'a>(operator: Binary, a: Num, b: Num) -> Option<Value<'a>> {
    if a.rank() > 1 || b.rank() > 1 {
        return None;
    }
    let by = b.long() as u32;
    Some(match (a, operator) {
        (Num::Int(n), Binary::Shl) => Value::Int(n.wrapping_shl(by)),
        (Num::Int(n), Binary::Shr) => Value::Int(n.wrapping_shr(by)),
        (Num::Int(n), _) => Value::Int((n as u32).wrapping_shr(by) as i32),
        (n, Binary::Shl) => Value::Long(n.long().wrapping_shl(by)),
        (n, Binary::Shr) => Value::Long(n.long().wrapping_shr(by)),
        (n, _) => Value::Long((n.long() as u64).wrapping_shr(by) as i64),
    })
}

fn by_zero() -> Throw {
    throw(error::Class::Arithmetic, "/ by zero")
}

fn ints<'a>(operator: Binary, a: i32, b: i32) -> Result<Value<'a>, Throw> {
    Ok(match operator {
        Binary::Mul => Value::Int(a.wrapping_mul(b)),
        Binary::Div if b == 0 => return Err(by_zero()),
        Binary::Div => Value::Int(a.wrapping_div(b)),
        Binary::Rem if b == 0 => return Err(by_zero()),
        Binary::Rem => Value::Int(a.wrapping_rem(b)),
        Binary::Add => Value::Int(a.wrapping_add(b)),
        Binary::Sub => Value::Int(a.wrapping_sub(b)),
        Binary::BitAnd => Value::Int(a & b),
        Binary::BitOr => Value::Int(a | b),
        Binary::BitXor => Value::Int(a ^ b),
        Binary::Lt => Value::Bool(a < b),
        Binary::Le => Value::Bool(a <= b),
        Binary::Gt => Value::Bool(a > b),
        _ => Value::Bool(a >= b),
    })
}

fn longs<'a>(operator: Binary, a: i64, b: i64) -> Result<Value<'a>, Throw> {
    Ok(match operator {
        Binary::Mul => Value::Long(a.wrapping_mul(b)),
        Binary::Div if b == 0 => return Err(by_zero()),
        Binary::Div => Value::Long(a.wrapping_div(b)),
        Binary::Rem if b == 0 => return Err(by_zero()),
        Binary::Rem => Value::Long(a.wrapping_rem(b)),
        Binary::Add => Value::Long(a.wrapping_add(b)),
        Binary::Sub => Value::Long(a.wrapping_sub(b)),
        Binary::BitAnd => Value::Long(a & b),
        Binary::BitOr => Value::Long(a | b),
        Binary::BitXor => Value::Long(a ^ b),
        Binary::Lt => Value::Bool(a < b),
        Binary::Le => Value::Bool(a <= b),
        Binary::Gt => Value::Bool(a > b),
        _ => Value::Bool(a >= b),
    })
}

fn floats<'a>(operator: Binary, a: f32, b: f32) -> Option<Value<'a>> {
    Some(match operator {
        Binary::Mul => Value::Float(a * b),
        Binary::Div => Value::Float(a / b),
        Binary::Rem => Value::Float(a % b),
        Binary::Add => Value::Float(a + b),
        Binary::Sub => Value::Float(a - b),
        Binary::Lt => Value::Bool(a < b),
        Binary::Le => Value::Bool(a <= b),
        Binary::Gt => Value::Bool(a > b),
        Binary::Ge => Value::Bool(a >= b),
        _ => return None,
    })
}

fn doubles<'a>(operator: Binary, a: f64, b: f64) -> Option<Value<'a>> {
    Some(match operator {
        Binary::Mul => Value::Double(a * b),
        Binary::Div => Value::Double(a / b),
        Binary::Rem => Value::Double(a % b),
        Binary::Add => Value::Double(a + b),
        Binary::Sub => Value::Double(a - b),
        Binary::Lt => Value::Bool(a < b),
        Binary::Le => Value::Bool(a <= b),
        Binary::Gt => Value::Bool(a > b),
        Binary::Ge => Value::Bool(a >= b),
        _ => return None,
    })
}

pub(super) fn unary<'a>(operator: Unary, value: Value<'a>) -> Result<Value<'a>, Throw> {
    let Some(number) = Num::of(&value) else {
        let sign = match operator {
            Unary::Not => "!",
            Unary::BitNot => "~",
            Unary::Plus => "+",
            Unary::Minus => "-",
        };
        if value.is_null() {
            return Err(throw_bare(error::Class::NullPointer));
        }
        return Err(throw(
            error::Class::ClassCast,
            format!("Cannot apply [{sign}] operation to type [{}].", class_name(&value)),
        ));
    };
    Ok(match (operator, number) {
        (Unary::Minus, Num::Int(n)) => Value::Int(n.wrapping_neg()),
        (Unary::Minus, Num::Long(n)) => Value::Long(n.wrapping_neg()),
        (Unary::Minus, Num::Float(n)) => Value::Float(-n),
        (Unary::Minus, Num::Double(n)) => Value::Double(-n),
        (Unary::BitNot, Num::Int(n)) => Value::Int(!n),
        (Unary::BitNot, Num::Long(n)) => Value::Long(!n),
        (Unary::BitNot, _) => {
            return Err(throw(
                error::Class::ClassCast,
                format!("Cannot apply [~] operation to type [{}].", class_name(&value)),
            ));
        }
        (_, Num::Int(n)) => Value::Int(n),
        (_, Num::Long(n)) => Value::Long(n),
        (_, Num::Float(n)) => Value::Float(n),
        (_, Num::Double(n)) => Value::Double(n),
    })
}

/// A cast at run time; `explicit` when the script wrote it, which allows narrowing.
pub(super) fn cast<'a>(m: &mut Machine<'a>, value: Value<'a>, to: Type, explicit: bool) -> Result<Value<'a>, Throw> {
    let value = plain(value);
    let target = to.unboxed();
    if value.is_null() {
        return if to.is_primitive() {
            let message = format!("Cannot cast null to a primitive type [{}].", to.name());
            Err(throw(error::Class::NullPointer, message))
        } else {
            Ok(value)
        };
    }
    if !target.is_primitive() {
        return cast_object(m, value, to, explicit);
    }
    if target == Type::BOOLEAN {
        return if matches!(value, Value::Bool(_)) { Ok(value) } else { Err(bad_cast(&value, &to.name())) };
    }
    if let (Value::Str(text), Base::Char) = (value, target.base) {
        let mut units = text.encode_utf16();
        return match (units.next(), units.next()) {
            (Some(unit), None) => Ok(Value::Java(Java::Char(unit))),
            _ => Err(throw(error::Class::ClassCast, "Cannot cast [String] with length not equal to one to [char].")),
        };
    }
    let Some(number) = Num::of(&value) else { return Err(bad_cast(&value, &to.name())) };
    let from = type_of(&value);
    if !explicit && from != target && !from.assignable_to(target) {
        let message = format!("Cannot cast from [{}] to [{}].", class_name(&value), to.name());
        return Err(throw(error::Class::ClassCast, message));
    }
    Ok(match target.base {
        Base::Int => Value::Int(number.int()),
        Base::Long => Value::Long(number.long()),
        Base::Float => Value::Float(number.float()),
        Base::Double => Value::Double(number.double()),
        Base::Byte => Value::Java(Java::Byte(number.int() as i8)),
        Base::Short => Value::Java(Java::Short(number.int() as i16)),
        _ => Value::Java(Java::Char(number.int() as u16)),
    })
}

fn cast_object<'a>(m: &mut Machine<'a>, value: Value<'a>, to: Type, explicit: bool) -> Result<Value<'a>, Throw> {
    if let (Value::Java(Java::Char(_)), true) = (value, to == Type::STRING && explicit) {
        return m.text(&value).map(Value::Str);
    }
    if instance_of(&value, to) { Ok(value) } else { Err(bad_cast(&value, &to.name())) }
}

/// What an element of a new array of primitives is.
pub(super) fn zero<'a>(class: Type) -> Value<'a> {
    match class.base {
        Base::Boolean => Value::Bool(false),
        Base::Long => Value::Long(0),
        Base::Float => Value::Float(0.0),
        Base::Double => Value::Double(0.0),
        Base::Byte => Value::Java(Java::Byte(0)),
        Base::Short => Value::Java(Java::Short(0)),
        Base::Char => Value::Java(Java::Char(0)),
        _ => Value::Int(0),
    }
}
