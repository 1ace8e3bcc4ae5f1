//! Static methods and constants of the number classes, `Boolean`, `Character` and `Math`, and constructors' little helpers.

use super::{Args, Name, int, number, text};
use crate::event::Value;
use crate::java::numbers;
use crate::painless::api::Class;
use crate::painless::error::{self, Throw, throw, throw_bare};
use crate::painless::machine::Machine;
use crate::painless::operate::{Num, cast};
use crate::painless::types::Type;
use crate::painless::value::{Held, Java, thing};

fn number_fault(fault: impl std::fmt::Display) -> Throw {
    throw(error::Class::NumberFormat, fault.to_string())
}

fn radix<'a>(m: &mut Machine<'a>, args: Args<'_, 'a>) -> Result<u32, Throw> {
    match args.get(1) {
        None => Ok(10),
        Some(radix) => {
            let radix = int(m, radix)?;
            match u32::try_from(radix).ok().filter(|radix| (2..=36).contains(radix)) {
                Some(radix) => Ok(radix),
                None => Err(throw(error::Class::NumberFormat, format!("radix {radix} out of range"))),
            }
        }
    }
}

/// The text to parse; Java's parsers answer null with a `NumberFormatException`.
fn digits<'a>(m: &mut Machine<'a>, args: Args<'_, 'a>) -> Result<&'a str, Throw> {
    match args.first() {
        None | Some(Value::Null) => Err(throw(error::Class::NumberFormat, "Cannot parse null string: null")),
        Some(value) => text(m, value),
    }
}

pub(super) fn constant<'a>(class: Class, name: Name) -> Option<Value<'a>> {
    let byte = |n| Value::Java(Java::Byte(n));
    let short = |n| Value::Java(Java::Short(n));
    let char = |n| Value::Java(Java::Char(n));
    Some(match (class, name) {
        (Class::Boolean, Name::TRUE) => Value::Bool(true),
        (Class::Boolean, Name::FALSE) => Value::Bool(false),
        (Class::Math | Class::StrictMath, Name::PI) => Value::Double(std::f64::consts::PI),
        (Class::Math | Class::StrictMath, Name::E) => Value::Double(std::f64::consts::E),
        (Class::Integer, Name::MAX_VALUE) => Value::Int(i32::MAX),
        (Class::Integer, Name::MIN_VALUE) => Value::Int(i32::MIN),
        (Class::Long, Name::MAX_VALUE) => Value::Long(i64::MAX),
        (Class::Long, Name::MIN_VALUE) => Value::Long(i64::MIN),
        (Class::Byte, Name::MAX_VALUE) => byte(i8::MAX),
        (Class::Byte, Name::MIN_VALUE) => byte(i8::MIN),
        (Class::Short, Name::MAX_VALUE) => short(i16::MAX),
        (Class::Short, Name::MIN_VALUE) => short(i16::MIN),
        (Class::Character, Name::MAX_VALUE) => char(u16::MAX),
        (Class::Character, Name::MIN_VALUE) => char(0),
        (Class::Character, Name::MAX_RADIX) => Value::Int(36),
        (Class::Character, Name::MIN_RADIX) => Value::Int(2),
        (Class::Character, Name::MAX_CODE_POINT) => Value::Int(0x10FFFF),
        (Class::Character, Name::MIN_CODE_POINT) => Value::Int(0),
        (Class::Character, Name::MIN_SUPPLEMENTARY_CODE_POINT) => Value::Int(0x10000),
        (Class::Double, Name::MAX_VALUE) => Value::Double(f64::MAX),
        (Class::Double, Name::MIN_VALUE) => Value::Double(f64::from_bits(1)),
        (Class::Double, Name::MIN_NORMAL) => Value::Double(f64::MIN_POSITIVE),
        (Class::Double, Name::NaN) => Value::Double(f64::NAN),
        (Class::Double, Name::POSITIVE_INFINITY) => Value::Double(f64::INFINITY),
        (Class::Double, Name::NEGATIVE_INFINITY) => Value::Double(f64::NEG_INFINITY),
        (Class::Double, Name::MAX_EXPONENT) => Value::Int(1023),
        (Class::Double, Name::MIN_EXPONENT) => Value::Int(-1022),
        (Class::Float, Name::MAX_VALUE) => Value::Float(f32::MAX),
        (Class::Float, Name::MIN_VALUE) => Value::Float(f32::from_bits(1)),
        (Class::Float, Name::MIN_NORMAL) => Value::Float(f32::MIN_POSITIVE),
        (Class::Float, Name::NaN) => Value::Float(f32::NAN),
        (Class::Float, Name::POSITIVE_INFINITY) => Value::Float(f32::INFINITY),
        (Class::Float, Name::NEGATIVE_INFINITY) => Value::Float(f32::NEG_INFINITY),
        (Class::Float, Name::MAX_EXPONENT) => Value::Int(127),
        (Class::Float, Name::MIN_EXPONENT) => Value::Int(-126),
        (class, Name::BYTES | Name::SIZE) => {
            let bytes = match class {
                Class::Byte => 1,
                Class::Short | Class::Character => 2,
                Class::Integer | Class::Float => 4,
                Class::Long | Class::Double => 8,
                _ => return None,
            };
            Value::Int(if name == Name::SIZE { bytes * 8 } else { bytes })
        }
        _ => return None,
    })
}

/// A static method of a number class or `Boolean`; `None` when the class has no such.
pub(super) fn number_class<'a>(
    m: &mut Machine<'a>,
    class: Class,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Option<Value<'a>>, Throw> {
    let own = Type::class(class).unboxed();
    Ok(Some(match (class, name, args) {
        (Class::Integer, Name::parseInt | Name::valueOf, [Value::Str(_) | Value::Null, ..]) => {
            let (text, radix) = (digits(m, args)?, radix(m, args)?);
            Value::Int(numbers::parse_int(text, radix).map_err(number_fault)?)
        }
        (Class::Long, Name::parseLong | Name::valueOf, [Value::Str(_) | Value::Null, ..]) => {
            let (text, radix) = (digits(m, args)?, radix(m, args)?);
            Value::Long(numbers::parse_long(text, radix).map_err(number_fault)?)
        }
        (
            Class::Short | Class::Byte,
            Name::parseShort | Name::parseByte | Name::valueOf,
            [Value::Str(_) | Value::Null, ..],
        ) => {
            let (text, radix) = (digits(m, args)?, radix(m, args)?);
            let n = numbers::parse_int(text, radix).map_err(number_fault)?;
            let fits = if class == Class::Byte {
                i8::try_from(n).map(|n| Value::Java(Java::Byte(n)))
            } else {
                i16::try_from(n).map(|n| Value::Java(Java::Short(n)))
            };
            fits.map_err(|_| {
                throw(error::Class::NumberFormat, format!("Value out of range. Value:\"{text}\" Radix:{radix}"))
            })?
        }
        (Class::Integer, Name::parseUnsignedInt, _) => {
            let (text, radix) = (digits(m, args)?, radix(m, args)?);
            let n = numbers::parse_long(text, radix).map_err(number_fault)?;
            Value::Int(u32::try_from(n).map_err(|_| unsigned_fault(text, "int"))? as i32)
        }
        (Class::Long, Name::parseUnsignedLong, _) => {
            let (text, radix) = (digits(m, args)?, radix(m, args)?);
            Value::Long(u64::from_str_radix(text, radix).map_err(|_| unsigned_fault(text, "unsigned long"))? as i64)
        }
        (Class::Integer, Name::decode, [_]) => Value::Int(numbers::decode_int(digits(m, args)?).map_err(number_fault)?),
        (Class::Long, Name::decode, [_]) => Value::Long(numbers::decode_long(digits(m, args)?).map_err(number_fault)?),
        (Class::Short | Class::Byte, Name::decode, [_]) => {
            let n = numbers::decode_int(digits(m, args)?).map_err(number_fault)?;
            cast(m, Value::Int(n), own, true)?
        }
        (Class::Double, Name::parseDouble | Name::valueOf, [Value::Str(text)]) => {
            Value::Double(numbers::parse_double(text).map_err(number_fault)?)
        }
        (Class::Float, Name::parseFloat | Name::valueOf, [Value::Str(text)]) => {
            Value::Float(numbers::parse_float(text).map_err(number_fault)?)
        }
        (Class::Double | Class::Float, Name::parseDouble | Name::parseFloat, [_]) => {
            return Err(throw_bare(error::Class::NullPointer));
        }
        (Class::Boolean, Name::parseBoolean | Name::valueOf, [Value::Str(text)]) => {
            Value::Bool(text.eq_ignore_ascii_case("true"))
        }
        (Class::Boolean, Name::parseBoolean, [Value::Null]) => Value::Bool(false),
        (Class::Boolean, Name::logicalAnd, [Value::Bool(a), Value::Bool(b)]) => Value::Bool(a & b),
        (Class::Boolean, Name::logicalOr, [Value::Bool(a), Value::Bool(b)]) => Value::Bool(a | b),
        (Class::Boolean, Name::logicalXor, [Value::Bool(a), Value::Bool(b)]) => Value::Bool(a ^ b),
        (_, Name::valueOf, [value]) => cast(m, *value, own, false)?,
        (_, Name::toString, [value]) => {
            let value = cast(m, *value, own, false)?;
            Value::Str(m.text(&value)?)
        }
        (_, Name::hashCode, [value]) => {
            let value = cast(m, *value, own, false)?;
            Value::Int(m.hash(&value)?)
        }
        (_, Name::compare, [a, b]) => {
            let (a, b) = (cast(m, *a, own, false)?, cast(m, *b, own, false)?);
            Value::Int(m.compare(a, b)? as i32)
        }
        (Class::Byte | Class::Short, Name::toUnsignedInt, [value]) => {
            Value::Int(unsigned_small(class, number(value)?.int()))
        }
        (Class::Byte | Class::Short, Name::toUnsignedLong, [value]) => {
            Value::Long(i64::from(unsigned_small(class, number(value)?.int())))
        }
        (Class::Short, Name::reverseBytes, [value]) => {
            Value::Java(Java::Short((number(value)?.int() as i16).swap_bytes()))
        }
        (Class::Double | Class::Float, _, _) => return floating(m, class, name, args),
        (Class::Integer | Class::Long, _, _) => return whole(m, class, name, args),
        _ => return Ok(None),
    }))
}

fn unsigned_small(class: Class, n: i32) -> i32 {
    if class == Class::Byte { n & 0xff } else { n & 0xffff }
}

fn unsigned_fault(text: &str, what: &str) -> Throw {
    throw(
        error::Class::NumberFormat,
        format!("String value {text} exceeds range of unsigned {}.", what.trim_start_matches("unsigned ")),
    )
}

fn floating<'a>(
    _m: &mut Machine<'a>,
    class: Class,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Option<Value<'a>>, Throw> {
    let give = |n: f64| if class == Class::Float { Value::Float(n as f32) } else { Value::Double(n) };
    let Some(first) = args.first() else { return Ok(None) };
    let a = number(first)?;
    Ok(Some(match (name, args) {
        (Name::isNaN, [_]) => Value::Bool(a.double().is_nan()),
        (Name::isInfinite, [_]) => Value::Bool(a.double().is_infinite()),
        (Name::isFinite, [_]) => Value::Bool(a.double().is_finite()),
        (Name::doubleToLongBits | Name::doubleToRawLongBits, [_]) => Value::Long(a.double().to_bits() as i64),
        (Name::floatToIntBits | Name::floatToRawIntBits, [_]) => Value::Int(a.float().to_bits() as i32),
        (Name::longBitsToDouble, [_]) => Value::Double(f64::from_bits(a.long() as u64)),
        (Name::intBitsToFloat, [_]) => Value::Float(f32::from_bits(a.int() as u32)),
        (Name::max, [_, b]) => give(greater(a.double(), number(b)?.double())),
        (Name::min, [_, b]) => give(lesser(a.double(), number(b)?.double())),
        (Name::sum, [_, b]) if class == Class::Float => Value::Float(a.float() + number(b)?.float()),
        (Name::sum, [_, b]) => Value::Double(a.double() + number(b)?.double()),
        _ => return Ok(None),
    }))
}

fn in_radix(mut n: u64, radix: u64, negative: bool) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit((n % radix) as u32, radix as u32).unwrap_or('0'));
        n /= radix;
        if n == 0 {
            break;
        }
    }
    if negative {
        digits.push('-');
    }
    digits.iter().rev().collect()
}

fn whole<'a>(m: &mut Machine<'a>, class: Class, name: Name, args: Args<'_, 'a>) -> Result<Option<Value<'a>>, Throw> {
    let Some(first) = args.first() else { return Ok(None) };
    let is_int = class == Class::Integer;
    let a = number(first)?.long();
    let bits = if is_int { u64::from(a as u32) } else { a as u64 };
    let b = match args.get(1) {
        Some(b) => number(b)?.long(),
        None => 0,
    };
    let other = if is_int { u64::from(b as u32) } else { b as u64 };
    let give = |n: i64| if is_int { Value::Int(n as i32) } else { Value::Long(n) };
    let small = |n: u32| Value::Int(n as i32);
    let unused = if is_int { 32 } else { 0 };
    let base = |b: i64| if (2..=36).contains(&b) { b as u64 } else { 10 };
    Ok(Some(match (name, args.len()) {
        (Name::max, 2) => give(a.max(b)),
        (Name::min, 2) => give(a.min(b)),
        (Name::sum, 2) => give(a.wrapping_add(b)),
        (Name::signum, 1) => Value::Int(a.signum() as i32),
        (Name::bitCount, 1) => small(bits.count_ones()),
        (Name::numberOfLeadingZeros, 1) => small(bits.leading_zeros() - unused),
        (Name::numberOfTrailingZeros, 1) => small(bits.trailing_zeros().min(64 - unused)),
        (Name::highestOneBit, 1) => give(if bits == 0 { 0 } else { (1u64 << (63 - bits.leading_zeros())) as i64 }),
        (Name::lowestOneBit, 1) => give((bits & bits.wrapping_neg()) as i64),
        (Name::reverse, 1) => give(if is_int { i64::from((a as i32).reverse_bits()) } else { a.reverse_bits() }),
        (Name::reverseBytes, 1) => give(if is_int { i64::from((a as i32).swap_bytes()) } else { a.swap_bytes() }),
        (Name::rotateLeft, 2) => {
            give(if is_int { i64::from((a as i32).rotate_left(b as u32 & 31)) } else { a.rotate_left(b as u32 & 63) })
        }
        (Name::rotateRight, 2) => {
            give(if is_int { i64::from((a as i32).rotate_right(b as u32 & 31)) } else { a.rotate_right(b as u32 & 63) })
        }
        (Name::compareUnsigned, 2) => Value::Int(bits.cmp(&other) as i32),
        (Name::divideUnsigned | Name::remainderUnsigned, 2) if other == 0 => {
            return Err(throw(error::Class::Arithmetic, "/ by zero"));
        }
        (Name::divideUnsigned, 2) => give((bits / other) as i64),
        (Name::remainderUnsigned, 2) => give((bits % other) as i64),
        (Name::toUnsignedLong, 1) => Value::Long(bits as i64),
        (Name::toBinaryString, 1) => m.string(&format!("{bits:b}"))?,
        (Name::toHexString, 1) => m.string(&format!("{bits:x}"))?,
        (Name::toOctalString, 1) => m.string(&format!("{bits:o}"))?,
        (Name::toString, 2) => m.string(&in_radix(a.unsigned_abs(), base(b), a < 0))?,
        (Name::toUnsignedString, 1) => m.string(&bits.to_string())?,
        (Name::toUnsignedString, 2) => m.string(&in_radix(bits, base(b), false))?,
        _ => return Ok(None),
    }))
}

fn greater(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == 0.0 && b == 0.0 {
        if a.is_sign_positive() { a } else { b }
    } else {
        a.max(b)
    }
}

fn lesser(a: f64, b: f64) -> f64 {
    -greater(-a, -b)
}

/// `Math`: everything in double, as Painless declares it.
pub(super) fn math<'a>(name: Name, args: Args<'_, 'a>) -> Result<Option<Value<'a>>, Throw> {
    let Some(first) = args.first() else { return Ok(None) };
    let a = number(first)?.double();
    let b = match args.get(1) {
        Some(b) => number(b)?,
        None => Num::Int(0),
    };
    let n = match name {
        Name::round => return Ok(Some(Value::Long((a + 0.5).floor() as i64))),
        Name::abs => a.abs(),
        Name::acos => a.acos(),
        Name::asin => a.asin(),
        Name::atan => a.atan(),
        Name::atan2 => a.atan2(b.double()),
        Name::cbrt => a.cbrt(),
        Name::ceil => a.ceil(),
        Name::copySign => a.copysign(b.double()),
        Name::cos => a.cos(),
        Name::cosh => a.cosh(),
        Name::exp => a.exp(),
        Name::expm1 => a.exp_m1(),
        Name::floor => a.floor(),
        Name::hypot => a.hypot(b.double()),
        Name::IEEEremainder => ieee_remainder(a, b.double()),
        Name::log => a.ln(),
        Name::log10 => a.log10(),
        Name::log1p => a.ln_1p(),
        Name::max => greater(a, b.double()),
        Name::min => lesser(a, b.double()),
        Name::nextAfter => match a.partial_cmp(&b.double()) {
            Some(std::cmp::Ordering::Less) => a.next_up(),
            Some(std::cmp::Ordering::Greater) => a.next_down(),
            Some(std::cmp::Ordering::Equal) => b.double(),
            None => f64::NAN,
        },
        Name::nextDown => a.next_down(),
        Name::nextUp => a.next_up(),
        Name::pow => {
            if b.double().is_nan() || (a.abs() == 1.0 && b.double().is_infinite()) {
                f64::NAN
            } else {
                a.powf(b.double())
            }
        }
        Name::rint => a.round_ties_even(),
        Name::scalb => a * 2f64.powi(b.int().clamp(-2200, 2200)),
        Name::signum => {
            if a == 0.0 || a.is_nan() {
                a
            } else {
                a.signum()
            }
        }
        Name::sin => a.sin(),
        Name::sinh => a.sinh(),
        Name::sqrt => a.sqrt(),
        Name::tan => a.tan(),
        Name::tanh => a.tanh(),
        Name::toDegrees => a.to_degrees(),
        Name::toRadians => a.to_radians(),
        Name::ulp => {
            if a.is_finite() {
                a.abs().next_up() - a.abs()
            } else {
                a.abs()
            }
        }
        _ => return Ok(None),
    };
    Ok(Some(Value::Double(n)))
}

fn ieee_remainder(a: f64, b: f64) -> f64 {
    if b.is_infinite() && a.is_finite() {
        return a;
    }
    a - b * (a / b).round_ties_even()
}

/// The code point that a `char` or `int` argument names; a lone surrogate has no Rust character.
fn point<'a>(m: &mut Machine<'a>, value: &Value<'a>) -> Result<(i32, Option<char>), Throw> {
    let value = cast(m, *value, Type::INT, true)?;
    let n = int(m, &value)?;
    Ok((n, u32::try_from(n).ok().and_then(char::from_u32)))
}

/// Java's white space: Unicode's, without the non-breaking ones, with the separators of ASCII.
pub(super) fn is_java_space(c: char) -> bool {
    matches!(c, '\t'..='\r' | '\u{1c}'..='\u{1f}')
        || (c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{85}'))
}

pub(super) fn character<'a>(m: &mut Machine<'a>, name: Name, args: Args<'_, 'a>) -> Result<Option<Value<'a>>, Throw> {
    let Some(first) = args.first() else { return Ok(None) };
    let is_text = matches!(first, Value::Str(s) if s.encode_utf16().count() != 1);
    if is_text || matches!(name, Name::codePointAt | Name::codePointBefore | Name::codePointCount) {
        return super::call(m, *first, name, args.get(1..).unwrap_or_default()).map(Some);
    }
    let first = cast(m, *first, if matches!(first, Value::Str(_)) { Type::CHAR } else { Type::INT }, true)?;
    let (n, c) = point(m, &first)?;
    let unit = |n: u32| Value::Java(Java::Char(n as u16));
    let one = |found: Option<char>| found.map_or(n as u32, u32::from);
    let is = |test: fn(char) -> bool| Value::Bool(c.is_some_and(test));
    let second = match args.get(1) {
        Some(second) => point(m, second)?.0,
        None => 0,
    };
    let surrogate = |range: std::ops::Range<i32>| Value::Bool(range.contains(&n));
    Ok(Some(match name {
        Name::isDigit => is(|c| c.is_numeric() && numbers::digit(c, 10).is_some()),
        Name::isLetter => is(|c| c.is_alphabetic() && !c.is_numeric()),
        Name::isLetterOrDigit => {
            is(|c| (c.is_alphabetic() && !c.is_numeric()) || numbers::digit(c, 10).is_some_and(|_| c.is_numeric()))
        }
        Name::isAlphabetic => is(char::is_alphabetic),
        Name::isUpperCase => is(char::is_uppercase),
        Name::isLowerCase => is(char::is_lowercase),
        Name::isWhitespace => is(is_java_space),
        Name::isSpaceChar => is(|c| c.is_whitespace() && !c.is_control()),
        Name::isISOControl => is(char::is_control),
        Name::toUpperCase => {
            unit(one(c.and_then(|c| Some(c.to_uppercase()).filter(|u| u.len() == 1).and_then(|mut u| u.next()))))
        }
        Name::toLowerCase => unit(one(c.and_then(|c| c.to_lowercase().next()))),
        Name::toString => m.text(&unit(n as u32)).map(Value::Str)?,
        Name::valueOf => unit(n as u32),
        Name::hashCode => Value::Int(n),
        Name::compare => Value::Int(n - second),
        Name::charCount => Value::Int(if n >= 0x10000 { 2 } else { 1 }),
        Name::digit => {
            Value::Int(c.and_then(|c| numbers::digit(c, second.clamp(2, 36) as u32)).map_or(-1, |d| d as i32))
        }
        Name::forDigit => unit(
            u32::try_from(n).ok().and_then(|n| char::from_digit(n, second.clamp(2, 36) as u32)).map_or(0, u32::from),
        ),
        Name::getNumericValue => Value::Int(c.and_then(|c| numbers::digit(c, 36)).map_or(-1, |d| d as i32)),
        Name::isHighSurrogate => surrogate(0xD800..0xDC00),
        Name::isLowSurrogate => surrogate(0xDC00..0xE000),
        Name::isSurrogate => surrogate(0xD800..0xE000),
        Name::isSurrogatePair => Value::Bool((0xD800..0xDC00).contains(&n) && (0xDC00..0xE000).contains(&second)),
        Name::isBmpCodePoint => surrogate(0..0x10000),
        Name::isSupplementaryCodePoint => surrogate(0x10000..0x110000),
        Name::isValidCodePoint => surrogate(0..0x110000),
        Name::highSurrogate => unit(((n - 0x10000) >> 10) as u32 + 0xD800),
        Name::lowSurrogate => unit((n & 0x3ff) as u32 + 0xDC00),
        Name::toCodePoint => Value::Int(((n - 0xD800) << 10) + (second - 0xDC00) + 0x10000),
        Name::reverseBytes => unit(u32::from((n as u16).swap_bytes())),
        Name::toChars => {
            let list = m.arena.list();
            let mut buffer = [0; 2];
            let found = c.ok_or_else(|| {
                throw(error::Class::IllegalArgument, format!("Not a valid Unicode code point: 0x{n:X}"))
            })?;
            for part in found.encode_utf16(&mut buffer) {
                list.push(Value::Java(Java::Char(*part)));
            }
            thing(m.arena, Held::Array { element: Type::CHAR, list })
        }
        _ => return Ok(None),
    }))
}
