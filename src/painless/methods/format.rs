//! `String.format`: Java's conversions of texts, characters, booleans and numbers.

use super::{Args, number};
use crate::event::Value;
use crate::painless::error::{self, Throw, throw};
use crate::painless::machine::Machine;
use crate::painless::operate::Num;
use crate::painless::value::{Java, class_name};

#[derive(Default)]
struct Spec {
    argument: Option<usize>,
    left: bool,
    zero: bool,
    plus: bool,
    space: bool,
    comma: bool,
    alternate: bool,
    bracket: bool,
    width: usize,
    precision: Option<usize>,
}

/// Longer than any real column; a width decides how much is written.
const WIDTH_MAX: usize = 10_000;

pub(super) fn format<'a>(m: &mut Machine<'a>, pattern: &str, args: Args<'_, 'a>) -> Result<Value<'a>, Throw> {
    let mut out = String::new();
    let mut rest = pattern;
    let mut next = 0;
    let mut last = None;
    while let Some(at) = rest.find('%') {
        m.step(1)?;
        out.push_str(rest.get(..at).unwrap_or_default());
        let (spec, conversion, used) = read(rest.get(at + 1..).unwrap_or_default())?;
        rest = rest.get(at + 1 + used..).unwrap_or_default();
        match conversion {
            'n' => out.push('\n'),
            '%' => pad(&mut out, "%", &spec),
            _ => {
                let index = match spec.argument {
                    Some(0) => last.unwrap_or(0),
                    Some(number) => number - 1,
                    None => {
                        next += 1;
                        next - 1
                    }
                };
                last = Some(index);
                let Some(value) = args.get(index) else {
                    return Err(throw(error::Class::IllegalArgument, format!("Format specifier '%{conversion}'")));
                };
                convert(m, &mut out, &spec, conversion, value)?;
            }
        }
        if out.len() > m.env.limits.string_bytes_max {
            return Err(m.too_long());
        }
    }
    out.push_str(rest);
    m.string(&out)
}

fn unknown(conversion: char) -> Throw {
    throw(error::Class::IllegalArgument, format!("Conversion = '{conversion}'"))
}

/// What stands behind a `%`, and how many bytes of it there are.
fn read(text: &str) -> Result<(Spec, char, usize), Throw> {
    let mut spec = Spec::default();
    let bytes = text.as_bytes();
    let number = |from: usize| -> (usize, usize) {
        let len = bytes.iter().skip(from).take_while(|b| b.is_ascii_digit()).count();
        (text.get(from..from + len).and_then(|digits| digits.parse().ok()).unwrap_or(WIDTH_MAX), len)
    };
    let mut at = 0;
    let (index, len) = number(0);
    if len > 0 && bytes.get(len) == Some(&b'$') {
        spec.argument = Some(index.max(1));
        at = len + 1;
    } else if bytes.first() == Some(&b'<') {
        spec.argument = Some(0);
        at = 1;
    }
    while let Some(flag) = bytes.get(at) {
        match flag {
            b'-' => spec.left = true,
            b'0' => spec.zero = true,
            b'+' => spec.plus = true,
            b' ' => spec.space = true,
            b',' => spec.comma = true,
            b'#' => spec.alternate = true,
            b'(' => spec.bracket = true,
            _ => break,
        }
        at += 1;
    }
    let (width, len) = number(at);
    if len > 0 {
        spec.width = width.min(WIDTH_MAX);
        at += len;
    }
    if bytes.get(at) == Some(&b'.') {
        let (precision, len) = number(at + 1);
        spec.precision = Some(precision.min(WIDTH_MAX));
        at += 1 + len;
    }
    match text.get(at..).and_then(|rest| rest.chars().next()) {
        Some(conversion) => Ok((spec, conversion, at + conversion.len_utf8())),
        None => Err(throw(error::Class::IllegalArgument, "Conversion = '%'")),
    }
}

fn pad(out: &mut String, text: &str, spec: &Spec) {
    let missing = spec.width.saturating_sub(text.chars().count());
    if spec.left {
        out.push_str(text);
        out.extend(std::iter::repeat_n(' ', missing));
    } else {
        out.extend(std::iter::repeat_n(' ', missing));
        out.push_str(text);
    }
}

fn convert<'a>(
    m: &mut Machine<'a>,
    out: &mut String,
    spec: &Spec,
    conversion: char,
    value: &Value<'a>,
) -> Result<(), Throw> {
    let raise = conversion.is_ascii_uppercase();
    let text = match conversion.to_ascii_lowercase() {
        's' => cut(m.text(value)?, spec),
        'b' => cut(if matches!(value, Value::Null | Value::Bool(false)) { "false" } else { "true" }, spec),
        'h' => format!("{:x}", m.hash(value)?),
        _ if value.is_null() => cut("null", spec),
        'c' => match value {
            Value::Java(Java::Char(_)) => m.text(value)?.to_owned(),
            Value::Int(n) => u32::try_from(*n).ok().and_then(char::from_u32).map(String::from).unwrap_or_default(),
            other => return Err(mismatch(conversion, other)),
        },
        'd' => {
            let n = whole(conversion, value)?;
            grouped(&n.unsigned_abs().to_string(), n < 0, spec)
        }
        'x' | 'o' => {
            let bits = match Num::of(value) {
                Some(Num::Int(n)) => u64::from(n as u32),
                _ => whole(conversion, value)? as u64,
            };
            let digits = if conversion.eq_ignore_ascii_case(&'x') { format!("{bits:x}") } else { format!("{bits:o}") };
            let prefix = match (spec.alternate, conversion.to_ascii_lowercase()) {
                (true, 'x') => "0x",
                (true, _) => "0",
                _ => "",
            };
            let zeros = if spec.zero { spec.width.saturating_sub(digits.len() + prefix.len()) } else { 0 };
            format!("{prefix}{}{digits}", "0".repeat(zeros))
        }
        'f' | 'e' | 'g' => match Num::of(value) {
            Some(Num::Double(_) | Num::Float(_)) => {
                floating(conversion.to_ascii_lowercase(), number(value)?.double(), spec)
            }
            _ => return Err(mismatch(conversion, value)),
        },
        _ => return Err(unknown(conversion)),
    };
    pad(out, &if raise { text.to_uppercase() } else { text }, spec);
    Ok(())
}

fn cut(text: &str, spec: &Spec) -> String {
    match spec.precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text.to_owned(),
    }
}

fn mismatch(conversion: char, value: &Value<'_>) -> Throw {
    throw(error::Class::IllegalArgument, format!("{conversion} != {}", class_name(value)))
}

fn whole(conversion: char, value: &Value<'_>) -> Result<i64, Throw> {
    match (value, Num::of(value)) {
        (Value::Java(Java::Char(_)), _) => Err(mismatch(conversion, value)),
        (_, Some(n @ (Num::Int(_) | Num::Long(_)))) => Ok(n.long()),
        _ => Err(mismatch(conversion, value)),
    }
}

fn grouped(digits: &str, negative: bool, spec: &Spec) -> String {
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut body = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if spec.comma && index > 0 && (whole.len() - index) % 3 == 0 {
            body.push(',');
        }
        body.push(digit);
    }
    body.push_str(fraction);
    let (before, after) = match (negative, spec.bracket) {
        (true, true) => ("(", ")"),
        (true, false) => ("-", ""),
        (false, _) if spec.plus => ("+", ""),
        (false, _) if spec.space => (" ", ""),
        _ => ("", ""),
    };
    let zeros = if spec.zero { spec.width.saturating_sub(body.len() + before.len() + after.len()) } else { 0 };
    format!("{before}{}{body}{after}", "0".repeat(zeros))
}

fn floating(conversion: char, n: f64, spec: &Spec) -> String {
    if !n.is_finite() {
        let sign = if n < 0.0 {
            "-"
        } else if spec.plus {
            "+"
        } else {
            ""
        };
        return if n.is_nan() { "NaN".to_owned() } else { format!("{sign}Infinity") };
    }
    let precision = spec.precision.unwrap_or(6);
    let magnitude = n.abs();
    let digits = match conversion {
        'f' => rounded(magnitude, precision),
        'g' if magnitude != 0.0 && !(1e-4..10f64.powi(precision.clamp(1, 300) as i32)).contains(&magnitude) => {
            scientific(magnitude, precision.max(1) - 1)
        }
        'g' => {
            let before = if magnitude < 1.0 { 1 } else { magnitude.log10().floor() as usize + 1 };
            rounded(magnitude, precision.max(1).saturating_sub(before))
        }
        _ => scientific(magnitude, precision),
    };
    grouped(&digits, n.is_sign_negative() && n != 0.0 || (n == 0.0 && n.is_sign_negative()), spec)
}

/// Java rounds the decimal text of the number half up, not its binary value.
fn rounded(n: f64, precision: usize) -> String {
    let shortest = format!("{n}");
    let (whole, fraction) = shortest.split_once('.').unwrap_or((&shortest, ""));
    if fraction.len() <= precision {
        let dot = if precision > 0 { "." } else { "" };
        return format!("{whole}{dot}{fraction}{}", "0".repeat(precision - fraction.len()));
    }
    let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes().take(precision)).collect();
    let mut carry = fraction.as_bytes().get(precision).is_some_and(|next| *next >= b'5');
    for digit in digits.iter_mut().rev() {
        if !carry {
            break;
        }
        carry = *digit == b'9';
        *digit = if carry { b'0' } else { *digit + 1 };
    }
    if carry {
        digits.insert(0, b'1');
    }
    let text: String = digits.iter().map(|digit| char::from(*digit)).collect();
    let (left, right) = text.split_at(text.len() - precision);
    if precision > 0 { format!("{left}.{right}") } else { left.to_owned() }
}

fn scientific(n: f64, precision: usize) -> String {
    let text = format!("{n:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}
