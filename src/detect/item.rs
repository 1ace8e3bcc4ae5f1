//! Detection items: what a field, its modifiers and its values ask of an event, as tests that need no modifier any more.
//!
//! [`lower`] is where the specification's modifiers end. Values in a list are alternatives of one [`Item`]; with `all` each value is an
//! item of its own. What contradicts itself (`cidr|contains`, `base64` with a wildcard) is refused with a sentence, not resolved by order.

use std::net::IpAddr;
use std::sync::Arc;

use rsigma_parser::value::{SpecialChar, StringPart};
use rsigma_parser::{DetectionItem, Modifier, SigmaString, SigmaValue};

use super::encode::{Utf16, base64, base64_offsets, latin1, utf16};
use super::expr::Expr;
use super::fold::Number;
use super::glob::{DASHES, Glob, Place, Shape, Token, fold_tokens, shape};
use super::pattern::Pattern;
use super::rules::Lowering;

/// A field by its number in [`super::fields::Fields`]; 0 is no field but the text of the whole event.
pub type FieldId = u32;
pub const KEYWORDS: FieldId = 0;

/// With more dashes a `windash` value becomes one pattern instead of five texts for each dash.
const WINDASH_EXPANDED_DASHES_MAX: usize = 2;
/// What one value with placeholders may become.
const EXPANSIONS_MAX: usize = 100_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
}

impl Comparison {
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Comparison::Less => value < bound,
            Comparison::LessOrEqual => value <= bound,
            Comparison::Greater => value > bound,
            Comparison::GreaterOrEqual => value >= bound,
            Comparison::Equal => value == bound,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimePart {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

/// A network: the address as 128 bits, the prefix counted in the address's own family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    pub v6: bool,
    pub prefix_bits: u8,
    pub bits: u128,
}

impl Network {
    pub fn parse(text: &str) -> Result<Network, String> {
        let fault = || format!("`{text}` is no network in CIDR notation, as 10.0.0.0/8 or 2001:db8::/32");
        let (address, prefix) = text.split_once('/').ok_or_else(fault)?;
        let address: IpAddr = address.parse().map_err(|_| fault())?;
        let prefix_bits: u8 = prefix.parse().map_err(|_| fault())?;
        let (v6, bits) = address_bits(address);
        if prefix_bits > if v6 { 128 } else { 32 } {
            return Err(fault());
        }
        Ok(Network { v6, prefix_bits, bits: mask(v6, prefix_bits, bits) })
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        let (v6, bits) = address_bits(address);
        v6 == self.v6 && mask(v6, self.prefix_bits, bits) == self.bits
    }
}

pub fn address_bits(address: IpAddr) -> (bool, u128) {
    match address {
        IpAddr::V4(v4) => (false, u128::from(v4.to_bits())),
        IpAddr::V6(v6) => (true, v6.to_bits()),
    }
}

pub fn mask(v6: bool, prefix_bits: u8, bits: u128) -> u128 {
    let width = if v6 { 128 } else { 32 };
    let host_bits = width - u32::from(prefix_bits).min(width);
    if host_bits >= 128 { 0 } else { bits >> host_bits << host_bits }
}

/// One test of one value, or of the field as a whole (`Null`, `Exists`).
#[derive(Clone, Debug)]
pub enum Test {
    /// Folded unless `cased`.
    Text {
        place: Place,
        text: Box<str>,
        cased: bool,
    },
    Glob {
        glob: Glob,
        cased: bool,
    },
    Regex(Arc<Pattern>),
    /// Any scalar but null.
    AnyText,
    Number(Number),
    Bool(bool),
    Null,
    Exists(bool),
    Compare(Comparison, f64),
    Network(Network),
    FieldRef {
        field: FieldId,
        place: Place,
        cased: bool,
    },
    Time {
        part: TimePart,
        comparison: Comparison,
        value: f64,
    },
}

/// A field and the alternatives it may match.
#[derive(Clone, Debug)]
pub struct Item {
    pub field: FieldId,
    pub tests: Vec<Test>,
    /// `neq`: true when the field is there and no value of it matches.
    pub negated: bool,
}

#[derive(Default)]
struct Modifiers {
    place: Option<Place>,
    all: bool,
    cased: bool,
    neq: bool,
    exists: bool,
    expand: bool,
    windash: bool,
    cidr: bool,
    fieldref: bool,
    re: bool,
    regex_flags: String,
    utf16: Option<Utf16>,
    base64: bool,
    base64offset: bool,
    comparison: Option<Comparison>,
    time: Option<TimePart>,
}

impl Modifiers {
    fn read(modifiers: &[Modifier]) -> Result<Modifiers, String> {
        let mut read = Modifiers::default();
        let mut operators: Vec<&'static str> = Vec::new();
        for modifier in modifiers {
            let mut place = |place, name, operators: &mut Vec<&'static str>| {
                read.place = Some(place);
                operators.push(name);
            };
            match modifier {
                Modifier::Contains => place(Place::Contains, "contains", &mut operators),
                Modifier::StartsWith => place(Place::Prefix, "startswith", &mut operators),
                Modifier::EndsWith => place(Place::Suffix, "endswith", &mut operators),
                Modifier::All => read.all = true,
                Modifier::Cased => read.cased = true,
                Modifier::Neq => read.neq = true,
                Modifier::Expand => read.expand = true,
                Modifier::WindAsh => read.windash = true,
                Modifier::Base64 => read.base64 = true,
                Modifier::Base64Offset => read.base64offset = true,
                Modifier::Wide | Modifier::Utf16be | Modifier::Utf16 if read.utf16.is_some() => {
                    return Err("only one of wide, utf16le, utf16be and utf16 may be given".into());
                }
                Modifier::Wide | Modifier::Utf16be | Modifier::Utf16 if read.base64 || read.base64offset => {
                    return Err("wide, utf16le, utf16be and utf16 stand before base64 and base64offset".into());
                }
                Modifier::Wide => read.utf16 = Some(Utf16::Little),
                Modifier::Utf16be => read.utf16 = Some(Utf16::Big),
                Modifier::Utf16 => read.utf16 = Some(Utf16::Marked),
                Modifier::Exists => (read.exists = true, operators.push("exists")).1,
                Modifier::Cidr => (read.cidr = true, operators.push("cidr")).1,
                Modifier::Re => (read.re = true, operators.push("re")).1,
                // `fieldref|contains` compares with a part: no contradiction.
                Modifier::FieldRef if read.place.is_some() => {
                    return Err("fieldref stands before contains, startswith and endswith".into());
                }
                Modifier::FieldRef => read.fieldref = true,
                Modifier::IgnoreCase => read.regex_flags.push('i'),
                Modifier::Multiline => read.regex_flags.push('m'),
                Modifier::DotAll => read.regex_flags.push('s'),
                Modifier::Lt => (read.comparison = Some(Comparison::Less), operators.push("lt")).1,
                Modifier::Lte => (read.comparison = Some(Comparison::LessOrEqual), operators.push("lte")).1,
                Modifier::Gt => (read.comparison = Some(Comparison::Greater), operators.push("gt")).1,
                Modifier::Gte => (read.comparison = Some(Comparison::GreaterOrEqual), operators.push("gte")).1,
                Modifier::Minute => read.time = Some(TimePart::Minute),
                Modifier::Hour => read.time = Some(TimePart::Hour),
                Modifier::Day => read.time = Some(TimePart::Day),
                Modifier::Week => read.time = Some(TimePart::Week),
                Modifier::Month => read.time = Some(TimePart::Month),
                Modifier::Year => read.time = Some(TimePart::Year),
            }
        }
        if operators.len() > 1 {
            return Err(format!("{} contradict each other: one of them only", operators.join(" and ")));
        }
        let changes_text = read.expand || read.windash || read.utf16.is_some() || read.base64 || read.base64offset;
        let compares_text =
            !(read.exists || read.cidr || read.re || read.fieldref || read.comparison.is_some() || read.time.is_some());
        if changes_text && !compares_text {
            return Err("expand, windash, base64, base64offset, wide and utf16 change text: not with exists, cidr, re, fieldref, numbers or times".into());
        }
        if read.base64 && read.base64offset {
            return Err("base64 and base64offset contradict each other: one of them only".into());
        }
        if !read.regex_flags.is_empty() && !read.re {
            return Err("i, m and s are flags of re and stand behind it".into());
        }
        if read.fieldref && (read.re || read.cidr || read.exists || read.comparison.is_some() || read.time.is_some()) {
            return Err("fieldref goes with contains, startswith, endswith, cased and neq only".into());
        }
        Ok(read)
    }
}

/// What an item of a rule asks.
pub fn lower(item: &DetectionItem, lowering: &mut Lowering<'_>) -> Result<Expr, String> {
    let modifiers = Modifiers::read(&item.field.modifiers)?;
    let field = match &item.field.name {
        Some(name) => lowering.field(name),
        None => KEYWORDS,
    };
    if modifiers.exists {
        let [value] = item.values.as_slice() else { return Err("exists takes one value, true or false".into()) };
        let expected = match value {
            SigmaValue::Bool(expected) => *expected,
            SigmaValue::String(text) if text.original.eq_ignore_ascii_case("true") => true,
            SigmaValue::String(text) if text.original.eq_ignore_ascii_case("false") => false,
            other => return Err(format!("exists takes true or false, not `{other}`")),
        };
        return Ok(lowering.item(Item { field, tests: vec![Test::Exists(expected)], negated: modifiers.neq }));
    }
    if modifiers.all && item.values.len() < 2 {
        return Err("all needs at least two values".into());
    }
    let mut each = Vec::with_capacity(item.values.len());
    for value in &item.values {
        each.push(lower_value(value, field, &modifiers, lowering)?);
    }
    let negated = modifiers.neq;
    if !modifiers.all {
        return Ok(lowering.item(Item { field, tests: each.into_iter().flatten().collect(), negated }));
    }
    let parts = each.into_iter().map(|tests| lowering.item(Item { field, tests, negated })).collect();
    // Not all of them: at least one is missing.
    Ok(if negated { Expr::Or(parts) } else { Expr::And(parts) })
}

/// A list of keywords: any of them, anywhere in the event.
pub fn lower_keywords(values: &[SigmaValue], lowering: &mut Lowering<'_>) -> Result<Expr, String> {
    if values.is_empty() {
        return Err("an empty list of keywords matches nothing".into());
    }
    let mut tests = Vec::with_capacity(values.len());
    for value in values {
        tests.extend(lower_value(value, KEYWORDS, &Modifiers::default(), lowering)?);
    }
    Ok(lowering.item(Item { field: KEYWORDS, tests, negated: false }))
}

fn lower_value(
    value: &SigmaValue,
    field: FieldId,
    modifiers: &Modifiers,
    lowering: &mut Lowering<'_>,
) -> Result<Vec<Test>, String> {
    let cased = modifiers.cased;
    if modifiers.fieldref {
        let name = plain(value, "a field's name")?;
        let place = modifiers.place.unwrap_or(Place::Exact);
        return Ok(vec![Test::FieldRef { field: lowering.field(&name), place, cased }]);
    }
    if modifiers.re {
        let text = match value {
            SigmaValue::String(text) => text.original.clone(),
            other => plain(other, "a regular expression")?,
        };
        return Ok(vec![Test::Regex(lowering.pattern(&text, &modifiers.regex_flags)?)]);
    }
    if modifiers.cidr {
        return Ok(vec![Test::Network(Network::parse(&plain(value, "a network")?)?)]);
    }
    if let Some(part) = modifiers.time {
        let comparison = modifiers.comparison.unwrap_or(Comparison::Equal);
        return Ok(vec![Test::Time { part, comparison, value: number(value)? }]);
    }
    if let Some(comparison) = modifiers.comparison {
        return Ok(vec![Test::Compare(comparison, number(value)?)]);
    }
    let as_text = field == KEYWORDS
        || modifiers.place.is_some()
        || modifiers.utf16.is_some()
        || modifiers.base64
        || modifiers.base64offset;
    let text = match value {
        SigmaValue::String(text) => text.clone(),
        SigmaValue::Null if as_text => return Err("null is no text: it stands alone as a field's value".into()),
        SigmaValue::Null => return Ok(vec![Test::Null]),
        SigmaValue::Bool(expected) if !as_text => return Ok(vec![Test::Bool(*expected)]),
        SigmaValue::Integer(n) if !as_text => return Ok(vec![Test::Number(Number::Int(*n))]),
        SigmaValue::Float(n) if !as_text => {
            return Number::from_f64(*n)
                .map(|n| vec![Test::Number(n)])
                .ok_or_else(|| "not a number equals nothing".into());
        }
        other => SigmaString::from_raw(&other.to_string()),
    };
    let texts = if modifiers.expand { expand(&text.original, lowering)? } else { vec![text] };
    let mut tests = Vec::with_capacity(texts.len());
    for text in &texts {
        lower_text(text, field, modifiers, &mut tests)?;
    }
    Ok(tests)
}

fn lower_text(text: &SigmaString, field: FieldId, modifiers: &Modifiers, tests: &mut Vec<Test>) -> Result<(), String> {
    let place = modifiers.place.unwrap_or(if field == KEYWORDS { Place::Contains } else { Place::Exact });
    let mut push = |place, tokens| {
        let tokens = if modifiers.cased { tokens } else { fold_tokens(tokens) };
        tests.push(match shape(place, tokens) {
            Shape::AnyText => Test::AnyText,
            Shape::Text(place, text) => Test::Text { place, text: text.into(), cased: modifiers.cased },
            Shape::Glob(glob) => Test::Glob { glob, cased: modifiers.cased },
        });
    };
    let chars = |text: &str| text.chars().map(Token::Char).collect::<Vec<_>>();
    if modifiers.utf16.is_some() || modifiers.base64 || modifiers.base64offset {
        let Some(plain) = text.as_plain() else {
            return Err(format!("`{}`: text with a wildcard cannot be encoded", text.original));
        };
        let bytes = modifiers.utf16.map_or_else(|| plain.clone().into_bytes(), |form| utf16(&plain, form));
        if modifiers.base64 {
            push(place, chars(&base64(&bytes)));
        } else if modifiers.base64offset {
            let place = modifiers.place.unwrap_or(Place::Contains);
            base64_offsets(&bytes).iter().for_each(|form| push(place, chars(form)));
        } else {
            push(place, chars(&latin1(&bytes)));
        }
        return Ok(());
    }
    let mut tokens = Vec::with_capacity(text.original.len());
    for part in &text.parts {
        match part {
            StringPart::Plain(plain) => tokens.extend(plain.chars().map(Token::Char)),
            StringPart::Special(SpecialChar::WildcardMulti) => tokens.push(Token::Any),
            StringPart::Special(SpecialChar::WildcardSingle) => tokens.push(Token::One),
        }
    }
    if !modifiers.windash {
        push(place, tokens);
        return Ok(());
    }
    let is_dash = |token: &Token| matches!(token, Token::Char(c) if DASHES.contains(c));
    let dashes: Vec<usize> = tokens.iter().enumerate().filter(|(_, t)| is_dash(t)).map(|(at, _)| at).collect();
    if dashes.len() > WINDASH_EXPANDED_DASHES_MAX {
        push(place, tokens.into_iter().map(|t| if is_dash(&t) { Token::Dash } else { t }).collect());
        return Ok(());
    }
    for combination in 0..DASHES.len().pow(dashes.len() as u32) {
        let mut variant = tokens.clone();
        let mut digits = combination;
        for at in &dashes {
            if let (Some(token), Some(dash)) = (variant.get_mut(*at), DASHES.get(digits % DASHES.len())) {
                *token = Token::Char(*dash);
            }
            digits /= DASHES.len();
        }
        push(place, variant);
    }
    Ok(())
}

/// Replaces each `%name%` by the values of its table; `\%` is a percent sign. Several placeholders give every combination.
fn expand(text: &str, lowering: &mut Lowering<'_>) -> Result<Vec<SigmaString>, String> {
    let mut built = vec![String::new()];
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        let escaped = before.ends_with('\\');
        let (literal, values, next) = match (escaped, after.find('%')) {
            (true, _) => (format!("{}%", &before[..at - 1]), vec![String::new()], after),
            (false, None) => (format!("{before}%"), vec![String::new()], after),
            (false, Some(end)) => (before.to_owned(), lowering.placeholder(&after[..end]), &after[end + 1..]),
        };
        if built.len().saturating_mul(values.len()) > EXPANSIONS_MAX {
            return Err(format!("`{text}` becomes more than {EXPANSIONS_MAX} values"));
        }
        built =
            built.iter().flat_map(|b| values.iter().map(|v| format!("{b}{literal}{v}")).collect::<Vec<_>>()).collect();
        rest = next;
    }
    Ok(built.into_iter().map(|b| SigmaString::new(&(b + rest))).collect())
}

fn plain(value: &SigmaValue, what: &str) -> Result<String, String> {
    match value {
        SigmaValue::String(text) => {
            text.as_plain().ok_or_else(|| format!("`{}` is no {what}: it has a wildcard", text.original))
        }
        SigmaValue::Null => Err(format!("null is no {what}")),
        other => Ok(other.to_string()),
    }
}

fn number(value: &SigmaValue) -> Result<f64, String> {
    let fault = || format!("`{value}` is no number");
    match value {
        SigmaValue::Integer(n) => Ok(*n as f64),
        SigmaValue::Float(n) if !n.is_nan() => Ok(*n),
        SigmaValue::String(text) => Number::parse(&text.original).map(Number::as_f64).ok_or_else(fault),
        _ => Err(fault()),
    }
}
