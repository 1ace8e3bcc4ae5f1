//! Numbers as Java reads and writes them: `Integer.parseInt`, `Integer.decode`, `Double.parseDouble`, `Double.toString`, `String.hashCode`, and integer
//! division.
//!
//! `Double.toString` gives the shortest text that reads back as the same number, as Java does since 19 (before, 2.0E-3 could come
//! out as 0.0020 and 2E23 as 1.9999999999999998E23). Narrowing and number-to-integer casts need nothing here: Rust's `as` does what
//! Java's casts do.

use std::fmt;
use std::sync::OnceLock;

use regex_syntax::hir::{Class, HirKind};

/// `NumberFormatException`, with its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberFault(String);

impl fmt::Display for NumberFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NumberFault {}

/// `ArithmeticException`: an integer divided by zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DivisionByZero;

impl fmt::Display for DivisionByZero {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("/ by zero")
    }
}

impl std::error::Error for DivisionByZero {}

fn no_number(text: &str, radix: u32) -> NumberFault {
    match radix {
        10 => NumberFault(format!("For input string: \"{text}\"")),
        _ => NumberFault(format!("For input string: \"{text}\" under radix {radix}")),
    }
}

/// `Integer.parseInt(text, radix)`.
pub fn parse_int(text: &str, radix: u32) -> Result<i32, NumberFault> {
    integer(text, radix).and_then(|n| i32::try_from(n).ok()).ok_or_else(|| no_number(text, radix))
}

/// `Long.parseLong(text, radix)`.
pub fn parse_long(text: &str, radix: u32) -> Result<i64, NumberFault> {
    integer(text, radix).and_then(|n| i64::try_from(n).ok()).ok_or_else(|| no_number(text, radix))
}

/// An optional sign and at least one digit, of any script.
fn integer(text: &str, radix: u32) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !(2..=36).contains(&radix) {
        return None;
    }
    let mut value: i128 = 0;
    for c in digits.chars() {
        value = value * i128::from(radix) + i128::from(digit(c, radix)?);
        if value > i128::from(u64::MAX) {
            return None;
        }
    }
    Some(if negative { -value } else { value })
}

/// `Character.digit(c, radix)`: digits of any script, and Latin letters, full-width ones too.
pub fn digit(c: char, radix: u32) -> Option<u32> {
    if c.is_ascii() {
        return c.to_digit(radix);
    }
    let value = match c {
        '\u{FF21}'..='\u{FF3A}' => c as u32 - 0xFF21 + 10,
        '\u{FF41}'..='\u{FF5A}' => c as u32 - 0xFF41 + 10,
        _ => decimal_digit(c)?,
    };
    (value < radix).then_some(value)
}

/// The value of a decimal digit of any script: Unicode lays them out in runs of ten.
fn decimal_digit(c: char) -> Option<u32> {
    static RANGES: OnceLock<Vec<(char, char)>> = OnceLock::new();
    let ranges = RANGES.get_or_init(|| match regex_syntax::Parser::new().parse(r"\p{Nd}").map(|hir| hir.into_kind()) {
        Ok(HirKind::Class(Class::Unicode(set))) => set.ranges().iter().map(|r| (r.start(), r.end())).collect(),
        _ => Vec::new(),
    });
    let (start, _) = ranges.iter().find(|(start, end)| *start <= c && c <= *end)?;
    Some((c as u32 - *start as u32) % 10)
}

/// `Integer.decode`: decimal, `0x`, `0X` and `#` for hexadecimal, a leading `0` for octal.
pub fn decode_int(text: &str) -> Result<i32, NumberFault> {
    let (value, fault) = decode(text)?;
    value.and_then(|n| i32::try_from(n).ok()).ok_or(fault)
}

/// `Long.decode`.
pub fn decode_long(text: &str) -> Result<i64, NumberFault> {
    let (value, fault) = decode(text)?;
    value.and_then(|n| i64::try_from(n).ok()).ok_or(fault)
}

fn decode(text: &str) -> Result<(Option<i128>, NumberFault), NumberFault> {
    if text.is_empty() {
        return Err(NumberFault("Zero length string".into()));
    }
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = if let Some(hex) =
        rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")).or_else(|| rest.strip_prefix('#'))
    {
        (16, hex)
    } else if rest.len() > 1
        && let Some(octal) = rest.strip_prefix('0')
    {
        (8, octal)
    } else {
        (10, rest)
    };
    if digits.starts_with(['-', '+']) {
        return Err(NumberFault("Sign character in wrong position".into()));
    }
    let value = integer(digits, radix).map(|n| if negative { -n } else { n });
    // Java reads the digits first without their sign, and with it when that overflows; the last attempt speaks.
    let shown = if negative { format!("-{digits}") } else { digits.to_owned() };
    Ok((value, no_number(&shown, radix)))
}

/// `Double.parseDouble`.
pub fn parse_double(text: &str) -> Result<f64, NumberFault> {
    match float_text(text)? {
        FloatText::Decimal(plain) => plain.parse().map_err(|_| no_number(text, 10)),
        FloatText::Hexadecimal { negative, mantissa, sticky, exponent } => {
            Ok(signed(negative, scaled(mantissa, sticky, exponent, 53, -1074)))
        }
    }
}

/// `Float.parseFloat`.
pub fn parse_float(text: &str) -> Result<f32, NumberFault> {
    match float_text(text)? {
        FloatText::Decimal(plain) => plain.parse().map_err(|_| no_number(text, 10)),
        FloatText::Hexadecimal { negative, mantissa, sticky, exponent } => {
            // Rounded to 24 bits already, so the cast is exact, or infinite.
            Ok(signed(negative, scaled(mantissa, sticky, exponent, 24, -149)) as f32)
        }
    }
}

enum FloatText<'t> {
    /// Text that Rust reads as Java does.
    Decimal(&'t str),
    /// mantissa × 2^exponent; `sticky` says that digits other than zero were left off.
    Hexadecimal { negative: bool, mantissa: u64, sticky: bool, exponent: i64 },
}

/// Checks Java's grammar, which allows a type suffix and hexadecimal numbers, and forbids Rust's `inf` and `nan`.
fn float_text(whole: &str) -> Result<FloatText<'_>, NumberFault> {
    let text = whole.trim_matches(|c| c <= ' ');
    if text.is_empty() {
        return Err(NumberFault("empty String".into()));
    }
    let fault = || no_number(whole, 10);
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if unsigned == "NaN" || unsigned == "Infinity" {
        return Ok(FloatText::Decimal(text));
    }
    if unsigned.starts_with("0x") || unsigned.starts_with("0X") {
        return hexadecimal(&unsigned[2..], negative).ok_or_else(fault);
    }
    let plain = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    let starts = |c: char| c.is_ascii_digit() || c == '.';
    let body = plain.strip_prefix(['-', '+']).unwrap_or(plain);
    if body.starts_with(starts)
        && body.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-' | b'+'))
    {
        return Ok(FloatText::Decimal(plain));
    }
    Err(fault())
}

/// `h.hhhp±d` behind its `0x`.
fn hexadecimal(text: &str, negative: bool) -> Option<FloatText<'static>> {
    let (digits, power) = text.split_once(['p', 'P'])?;
    let power = power.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(power);
    let unsigned = power.strip_prefix(['-', '+']).unwrap_or(power);
    if unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut exponent: i64 = unsigned.parse().unwrap_or(1 << 40);
    if power.starts_with('-') {
        exponent = -exponent;
    }
    let (integer, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if integer.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut mantissa: u64 = 0;
    let mut sticky = false;
    for (index, c) in integer.chars().chain(fraction.chars()).enumerate() {
        let digit = u64::from(c.to_digit(16)?);
        let in_fraction = index >= integer.len();
        if mantissa >> 60 == 0 {
            mantissa = mantissa << 4 | digit;
            exponent -= if in_fraction { 4 } else { 0 };
        } else {
            sticky |= digit != 0;
            exponent += if in_fraction { 0 } else { 4 };
        }
    }
    Some(FloatText::Hexadecimal { negative, mantissa, sticky, exponent })
}

/// mantissa × 2^exponent, rounded half to even to `bits` bits or, below the normal range, to multiples of 2^`least`.
fn scaled(mantissa: u64, sticky: bool, exponent: i64, bits: i64, least: i64) -> f64 {
    if mantissa == 0 {
        return 0.0;
    }
    let length = 64 - i64::from(mantissa.leading_zeros());
    let dropped = (length - bits).max(least.saturating_sub(exponent)).max(0);
    let (kept, power) = if dropped == 0 {
        (mantissa, exponent)
    } else if dropped > length {
        (0, least)
    } else {
        let kept = if dropped == 64 { 0 } else { mantissa >> dropped };
        let rest = if dropped == 64 { mantissa } else { mantissa & ((1 << dropped) - 1) };
        let half = 1u64 << (dropped - 1);
        let up = rest > half || (rest == half && (sticky || kept & 1 == 1));
        (kept + u64::from(up), exponent + dropped)
    };
    let mut value = kept as f64;
    // In steps, so that no factor overflows or is lost.
    let mut left = power.clamp(-5000, 5000);
    while left != 0 {
        let step = left.clamp(-900, 900) as i32;
        value *= 2f64.powi(step);
        left -= i64::from(step);
    }
    value
}

fn signed(negative: bool, value: f64) -> f64 {
    if negative { -value } else { value }
}

/// `Double.toString`.
pub fn double_to_string(value: f64) -> String {
    if !value.is_finite() {
        return not_finite(value).into();
    }
    let shortest = format!("{value:e}");
    // Of numbers that need one digit, Java writes two, and those that are nearest.
    let text = if shortest.trim_start_matches('-').find('e') == Some(1) {
        let two = format!("{value:.1e}");
        if two.parse() == Ok(value) { two } else { shortest }
    } else {
        shortest
    };
    java_form(&text)
}

/// `Float.toString`.
pub fn float_to_string(value: f32) -> String {
    if !value.is_finite() {
        return not_finite(f64::from(value)).into();
    }
    let shortest = format!("{value:e}");
    let text = if shortest.trim_start_matches('-').find('e') == Some(1) {
        let two = format!("{value:.1e}");
        if two.parse() == Ok(value) { two } else { shortest }
    } else {
        shortest
    };
    java_form(&text)
}

fn not_finite(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

/// `-d.ddde±n` to Java's form: plain from 10^-3 to below 10^7, `d.dddEn` outside, with at least one digit behind the point.
fn java_form(text: &str) -> String {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        return format!("{sign}0.0");
    }
    if !(-3..7).contains(&exponent) {
        let (first, rest) = digits.split_at(1);
        let rest = if rest.is_empty() { "0" } else { rest };
        return format!("{sign}{first}.{rest}E{exponent}");
    }
    if exponent < 0 {
        let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
        return format!("{sign}0.{zeros}{digits}");
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        return format!("{sign}{digits}{}.0", "0".repeat(whole - digits.len()));
    }
    let (integer, fraction) = digits.split_at(whole);
    format!("{sign}{integer}.{fraction}")
}

/// `a / b` of two ints; the one overflow wraps.
pub fn divide_int(a: i32, b: i32) -> Result<i32, DivisionByZero> {
    if b == 0 { Err(DivisionByZero) } else { Ok(a.wrapping_div(b)) }
}

/// `a % b` of two ints.
pub fn remainder_int(a: i32, b: i32) -> Result<i32, DivisionByZero> {
    if b == 0 { Err(DivisionByZero) } else { Ok(a.wrapping_rem(b)) }
}

/// `a / b` of two longs.
pub fn divide_long(a: i64, b: i64) -> Result<i64, DivisionByZero> {
    if b == 0 { Err(DivisionByZero) } else { Ok(a.wrapping_div(b)) }
}

/// `a % b` of two longs.
pub fn remainder_long(a: i64, b: i64) -> Result<i64, DivisionByZero> {
    if b == 0 { Err(DivisionByZero) } else { Ok(a.wrapping_rem(b)) }
}

/// `String.hashCode`, over UTF-16 units.
pub fn hash_code(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_have_javas_text() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (100.0, "100.0"),
            (0.001, "0.001"),
            (0.0001, "1.0E-4"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (1.0e10, "1.0E10"),
            (12_345_678.9, "1.23456789E7"),
            (-1.5e-7, "-1.5E-7"),
            (0.1 + 0.2, "0.30000000000000004"),
            (2e23, "2.0E23"),
            (f64::from_bits(1), "4.9E-324"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(double_to_string(value), text);
        }
        for (value, text) in
            [(1.1f32, "1.1"), (f32::from_bits(1), "1.4E-45"), (3.402_823_5e38, "3.4028235E38"), (1e10, "1.0E10")]
        {
            assert_eq!(float_to_string(value), text);
        }
    }

    #[test]
    fn integers_are_read_as_java_reads_them() {
        assert_eq!(parse_int("+7", 10), Ok(7));
        assert_eq!(parse_int("-2147483648", 10), Ok(i32::MIN));
        assert_eq!(parse_int("ff", 16), Ok(255));
        assert_eq!(parse_int("٣٤", 10), Ok(34));
        assert_eq!(parse_long("9223372036854775807", 10), Ok(i64::MAX));
        for text in ["", "+", "-", "1 ", " 1", "1.0", "2147483648", "0x1", "1_000"] {
            assert_eq!(parse_int(text, 10), Err(NumberFault(format!("For input string: \"{text}\""))), "{text}");
        }
        assert_eq!(parse_int("zz", 16).unwrap_err().to_string(), "For input string: \"zz\" under radix 16");
    }

    #[test]
    fn prefixes_are_decoded() {
        for (text, value) in
            [("0x1F", 31), ("-0xA", -10), ("#10", 16), ("010", 8), ("+0X7f", 127), ("0", 0), ("-0x80000000", i32::MIN)]
        {
            assert_eq!(decode_int(text), Ok(value), "{text}");
        }
        for (text, message) in [
            ("", "Zero length string"),
            ("0x-1", "Sign character in wrong position"),
            ("0xZ", "For input string: \"Z\" under radix 16"),
            ("0x80000000", "For input string: \"80000000\" under radix 16"),
        ] {
            assert_eq!(decode_int(text).unwrap_err().to_string(), message);
        }
        assert_eq!(decode_long("0x80000000"), Ok(1 << 31));
    }

    #[test]
    fn floats_follow_javas_grammar() {
        for (text, value) in [
            ("1", 1.0),
            (" 1.5 ", 1.5),
            ("1.", 1.0),
            (".5", 0.5),
            ("1e3", 1000.0),
            ("1.5f", 1.5),
            ("2D", 2.0),
            ("-Infinity", f64::NEG_INFINITY),
            ("1e400", f64::INFINITY),
            ("0x1p3", 8.0),
            ("0x.8p1", 1.0),
            ("0x1.fffffffffffffp1023", f64::MAX),
            ("0x1.fffffffffffff8p1023", f64::INFINITY),
            ("0x1p-1074", f64::from_bits(1)),
            ("0x1p-1075", 0.0),
            ("0x1.8p-1075", f64::from_bits(1)),
            ("-0x10p0d", -16.0),
        ] {
            assert_eq!(parse_double(text), Ok(value), "{text}");
        }
        for text in ["abc", "inf", "nan", "infinity", "1e", "1_0", "0x1", "--1", "1f f", ".", "e5", "1,5"] {
            assert_eq!(parse_double(text), Err(NumberFault(format!("For input string: \"{text}\""))), "{text}");
        }
        assert_eq!(parse_double("  "), Err(NumberFault("empty String".into())));
        assert_eq!(parse_float("0x1.000001p0"), Ok(1.0));
        assert_eq!(parse_float("0x1.0000011p0"), Ok(1.000_000_1));
        assert_eq!(parse_float("16777217"), Ok(16_777_216.0));
    }

    #[test]
    fn hash_codes_and_division() {
        assert_eq!(hash_code("hello"), 99_162_322);
        assert_eq!(hash_code("😀"), 1_772_899);
        assert_eq!(divide_int(i32::MIN, -1), Ok(i32::MIN));
        assert_eq!(remainder_long(-7, 3), Ok(-1));
        assert_eq!(divide_long(1, 0), Err(DivisionByZero));
    }
}
