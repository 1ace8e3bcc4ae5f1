//! Static methods of `java.util`, of `String` and of Elasticsearch's own classes; Base64, UUIDs, locales.

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD, URL_SAFE};
use base64::{alphabet, engine::DecodePaddingMode};

use super::{Args, Name, int, list, map_of, object, set, stream, text};
use crate::event::{List, Value};
use crate::painless::api::Class;
use crate::painless::error::{self, Throw, throw, throw_bare};
use crate::painless::machine::Machine;
use crate::painless::types::Type;
use crate::painless::value::{Held, Java, Keyed, Order, as_list, as_map, held, thing};

/// The list of an argument that must be one.
fn list_of<'a>(value: &Value<'a>) -> Result<&'a List<'a>, Throw> {
    match (as_list(value), held(value)) {
        (Some(list), _) => Ok(list),
        (None, Some(Held::Array { list, .. })) => Ok(list),
        _ if value.is_null() => Err(throw_bare(error::Class::NullPointer)),
        _ => Err(super::bad_cast(value, "java.util.List")),
    }
}

fn fixed<'a>(m: &Machine<'a>, list: &'a List<'a>) -> Value<'a> {
    thing(m.arena, Held::Sequence { class: Class::List, list, fixed: true })
}

/// What a method with `...` was given: a lone array is the arguments themselves.
fn spread<'a>(m: &mut Machine<'a>, args: Args<'_, 'a>) -> Result<Vec<Value<'a>>, Throw> {
    match args {
        [one] if matches!(held(one), Some(Held::Array { .. })) => m.items(one),
        args => Ok(args.to_vec()),
    }
}

pub(super) fn string<'a>(m: &mut Machine<'a>, name: Name, args: Args<'_, 'a>) -> Result<Option<Value<'a>>, Throw> {
    Ok(Some(match (name, args) {
        (Name::join, [separator, items]) => {
            let separator = text(m, separator)?;
            let items = m.items(items)?;
            list::join(m, &items, separator)?
        }
        (Name::valueOf | Name::copyValueOf, [chars, ..]) if matches!(held(chars), Some(Held::Array { element, .. }) if *element == Type::CHAR) =>
        {
            let mut units = Vec::new();
            for item in m.items(chars)? {
                if let Value::Java(Java::Char(unit)) = item {
                    units.push(unit);
                }
            }
            let part = match args {
                [_, from, count] => {
                    let (from, count) = (int(m, from)?, int(m, count)?);
                    let end = usize::try_from(from)
                        .ok()
                        .zip(usize::try_from(count).ok())
                        .and_then(|(from, count)| units.get(from..from.checked_add(count)?));
                    end.ok_or_else(|| {
                        throw(
                            error::Class::StringIndex,
                            format!("offset {from}, count {count}, length {}", units.len()),
                        )
                    })?
                }
                _ => &units,
            };
            m.string(&String::from_utf16_lossy(part))?
        }
        (Name::valueOf, [value]) => Value::Str(m.text(value)?),
        (Name::format, [first, rest @ ..]) => {
            let (pattern, rest) = match (first, rest) {
                (Value::Java(_), [pattern, rest @ ..]) => (pattern, rest),
                _ => (first, rest),
            };
            let pattern = text(m, pattern)?;
            let args = spread(m, rest)?;
            super::format::format(m, pattern, &args)?
        }
        _ => return Ok(None),
    }))
}

pub(super) fn arrays<'a>(m: &mut Machine<'a>, name: Name, args: Args<'_, 'a>) -> Result<Option<Value<'a>>, Throw> {
    Ok(Some(match (name, args) {
        (Name::asList, args) => {
            let items = spread(m, args)?;
            let list = m.list_from(items);
            Value::List(list)
        }
        (Name::equals | Name::deepEquals, [a, b]) => {
            if a.is_null() || b.is_null() {
                return Ok(Some(Value::Bool(a.is_null() && b.is_null())));
            }
            let (a, b) = (Value::List(list_of(a)?), Value::List(list_of(b)?));
            Value::Bool(m.equals(&a, &b)?)
        }
        (Name::hashCode | Name::deepHashCode, [array]) => {
            let list = Value::List(list_of(array)?);
            Value::Int(m.hash(&list)?)
        }
        (Name::toString | Name::deepToString, [Value::Null]) => Value::Str("null"),
        (Name::toString | Name::deepToString, [array]) => {
            let list = Value::List(list_of(array)?);
            Value::Str(m.text(&list)?)
        }
        (Name::fill, [array, value]) => {
            let list = list_of(array)?;
            for at in 0..list.len() {
                m.step(1)?;
                let kept = m.kept(*value);
                list.set(at, kept);
            }
            Value::Null
        }
        (Name::fill, [array, from, to, value]) => {
            let (list, from, to) = (list_of(array)?, int(m, from)?, int(m, to)?);
            if from < 0 || to as i64 > list.len() as i64 || from > to {
                return Err(throw(error::Class::ArrayIndex, format!("Array index out of range: {to}")));
            }
            for at in from..to {
                let kept = m.kept(*value);
                list.set(at as usize, kept);
            }
            Value::Null
        }
        (Name::sort, [array]) => {
            list::sort(m, list_of(array)?, None)?;
            Value::Null
        }
        (Name::sort, [array, comparator]) => {
            list::sort(m, list_of(array)?, Some(*comparator))?;
            Value::Null
        }
        _ => return Ok(None),
    }))
}

pub(super) fn collections<'a>(m: &mut Machine<'a>, name: Name, args: Args<'_, 'a>) -> Result<Option<Value<'a>>, Throw> {
    let hash = |m: &Machine<'a>| Keyed { order: Order::Hash, object: m.arena.object(), comparator: None, fixed: true };
    Ok(Some(match (name, args) {
        (Name::EMPTY_LIST | Name::emptyList, []) => fixed(m, m.arena.list()),
        (Name::EMPTY_MAP | Name::emptyMap, []) => thing(m.arena, Held::Map(hash(m))),
        (Name::EMPTY_SET | Name::emptySet, []) => thing(m.arena, Held::Set(hash(m))),
        (Name::emptyIterator, []) => super::iterator::new(m, Vec::new(), None),
        (Name::addAll, [into, rest @ ..]) => {
            let mut changed = false;
            for item in spread(m, rest)? {
                changed |= matches!(super::call(m, *into, Name::add, &[item])?, Value::Bool(true));
            }
            Value::Bool(changed)
        }
        (Name::binarySearch, [items, key, ..]) => {
            let (list, comparator) = (list_of(items)?, args.get(2).copied());
            let (mut low, mut high) = (0, list.len());
            while low < high {
                let middle = (low + high) / 2;
                match m.compare_with(comparator, list.get(middle).unwrap_or(Value::Null), *key)? {
                    std::cmp::Ordering::Less => low = middle + 1,
                    std::cmp::Ordering::Greater => high = middle,
                    std::cmp::Ordering::Equal => return Ok(Some(Value::Int(middle as i32))),
                }
            }
            Value::Int(-(low as i32) - 1)
        }
        (Name::copy, [to, from]) => {
            let (to, from) = (list_of(to)?, m.items(from)?);
            if from.len() > to.len() {
                return Err(throw(error::Class::IndexOutOfBounds, "Source does not fit in dest"));
            }
            for (at, item) in from.into_iter().enumerate() {
                let kept = m.kept(item);
                to.set(at, kept);
            }
            Value::Null
        }
        (Name::disjoint, [a, b]) => {
            let others = m.items(b)?;
            for item in m.items(a)? {
                for other in &others {
                    m.step(1)?;
                    if m.equals(&item, other)? {
                        return Ok(Some(Value::Bool(false)));
                    }
                }
            }
            Value::Bool(true)
        }
        (Name::fill, [_, _]) => return arrays(m, Name::fill, args),
        (Name::frequency, [items, wanted]) => {
            let mut count = 0;
            for item in m.items(items)? {
                m.step(1)?;
                count += i32::from(m.equals(&item, wanted)?);
            }
            Value::Int(count)
        }
        (Name::indexOfSubList | Name::lastIndexOfSubList, [items, part]) => {
            let (items, part) = (m.items(items)?, m.items(part)?);
            let mut found = -1;
            for start in 0..(items.len() + 1).saturating_sub(part.len()) {
                let mut same = true;
                for (a, b) in items.iter().skip(start).zip(&part) {
                    m.step(1)?;
                    same = same && m.equals(a, b)?;
                }
                if same {
                    found = start as i32;
                    if name == Name::indexOfSubList {
                        break;
                    }
                }
            }
            Value::Int(found)
        }
        (Name::max | Name::min, [items, comparator @ ..]) => {
            let items = m.items(items)?;
            let best = stream::extreme(m, items, comparator.first().copied(), name == Name::max)?;
            best.ok_or_else(|| throw_bare(error::Class::NoSuchElement))?
        }
        (Name::nCopies, [count, value]) => {
            let count = stream::count(m, count)?;
            let list = m.list_from(std::iter::repeat_n(*value, count as usize));
            fixed(m, list)
        }
        (Name::replaceAll, [items, old, new]) => {
            let list = list_of(items)?;
            let mut changed = false;
            for at in 0..list.len() {
                m.step(1)?;
                if m.equals(&list.get(at).unwrap_or(Value::Null), old)? {
                    let kept = m.kept(*new);
                    list.set(at, kept);
                    changed = true;
                }
            }
            Value::Bool(changed)
        }
        (Name::reverse, [items]) => {
            let list = list_of(items)?;
            m.step(list.len() as u64)?;
            let reversed: Vec<_> = list.iter().collect::<Vec<_>>().into_iter().rev().collect();
            list::refill(list, reversed);
            Value::Null
        }
        (Name::rotate, [items, by]) => {
            let (list, by) = (list_of(items)?, int(m, by)?);
            let mut all: Vec<_> = list.iter().collect();
            m.step(all.len() as u64)?;
            if !all.is_empty() {
                let by = (i64::from(by)).rem_euclid(all.len() as i64) as usize;
                all.rotate_right(by);
                list::refill(list, all);
            }
            Value::Null
        }
        (Name::singleton, [item]) => {
            let made = set::new(m, Order::Hash, vec![*item], None)?;
            return unmodifiable(m, &made).map(Some);
        }
        (Name::singletonList, [item]) => {
            let list = m.list_from([*item]);
            fixed(m, list)
        }
        (Name::singletonMap, [key, value]) => {
            let map = hash(m);
            let key = m.key(*key)?;
            let value = m.kept(*value);
            map.object.set(key, value);
            thing(m.arena, Held::Map(map))
        }
        (Name::sort, [items, comparator @ ..]) => {
            if matches!(held(items), Some(Held::Sequence { fixed: true, .. })) {
                return Err(throw_bare(error::Class::UnsupportedOperation));
            }
            list::sort(m, list_of(items)?, comparator.first().copied().filter(|c| !c.is_null()))?;
            Value::Null
        }
        (Name::swap, [items, a, b]) => {
            let (list, a, b) = (list_of(items)?, int(m, a)?, int(m, b)?);
            let (Some(x), Some(y)) = (list.get(a as usize), list.get(b as usize)) else {
                return Err(throw(
                    error::Class::IndexOutOfBounds,
                    format!("Index {} out of bounds for length {}", a.max(b), list.len()),
                ));
            };
            list.set(a as usize, y);
            list.set(b as usize, x);
            Value::Null
        }
        (Name::reverseOrder, _) => super::function::call_static(m, name, args),
        (_, [of]) => return unmodifiable(m, of).map(Some),
        _ => return Ok(None),
    }))
}

/// The same collection, refusing changes.
fn unmodifiable<'a>(m: &mut Machine<'a>, value: &Value<'a>) -> Result<Value<'a>, Throw> {
    if let Some(list) = as_list(value) {
        return Ok(fixed(m, list));
    }
    if let Some(map) = as_map(value) {
        return Ok(thing(m.arena, Held::Map(Keyed { fixed: true, ..map })));
    }
    match held(value) {
        Some(Held::Set(set)) => Ok(thing(m.arena, Held::Set(Keyed { fixed: true, ..*set }))),
        Some(Held::View { map, part }) => {
            Ok(thing(m.arena, Held::View { map: Keyed { fixed: true, ..*map }, part: *part }))
        }
        _ if value.is_null() => Err(throw_bare(error::Class::NullPointer)),
        _ => Err(super::bad_cast(value, "java.util.Collection")),
    }
}

pub(super) fn objects<'a>(m: &mut Machine<'a>, name: Name, args: Args<'_, 'a>) -> Result<Option<Value<'a>>, Throw> {
    Ok(Some(match (name, args) {
        (Name::isNull, [value]) => Value::Bool(value.is_null()),
        (Name::nonNull, [value]) => Value::Bool(!value.is_null()),
        (Name::equals | Name::deepEquals, [a, b]) => Value::Bool(m.equals(a, b)?),
        (Name::hashCode, [value]) => Value::Int(m.hash(value)?),
        (Name::hash, args) => {
            let items = spread(m, args)?;
            let list = Value::List(m.list_from(items));
            Value::Int(m.hash(&list)?)
        }
        (Name::toString, [Value::Null, default]) => *default,
        (Name::toString, [value, ..]) => Value::Str(m.text(value)?),
        (Name::requireNonNull, [Value::Null]) => return Err(throw_bare(error::Class::NullPointer)),
        (Name::requireNonNull, [Value::Null, message]) => {
            return Err(throw(error::Class::NullPointer, text(m, message)?));
        }
        (Name::requireNonNull, [value, ..]) => *value,
        (Name::compare, [a, b, comparator]) => Value::Int(m.compare_with(Some(*comparator), *a, *b)? as i32),
        _ => return Ok(None),
    }))
}

// ---- Base64 and hashes ----

#[derive(Clone, Copy, Debug)]
pub(in crate::painless) struct Base64 {
    url: bool,
    mime: bool,
    padded: bool,
}

pub(super) fn base64<'a>(m: &mut Machine<'a>, name: Name) -> Value<'a> {
    let url = matches!(name, Name::getUrlDecoder | Name::getUrlEncoder);
    let mime = matches!(name, Name::getMimeDecoder | Name::getMimeEncoder);
    let coding = Base64 { url, mime, padded: true };
    let encodes = matches!(name, Name::getEncoder | Name::getUrlEncoder | Name::getMimeEncoder);
    thing(m.arena, if encodes { Held::Encoder(coding) } else { Held::Decoder(coding) })
}

pub(super) fn encoder<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    coding: Base64,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    match (name, args) {
        (Name::withoutPadding, []) => Ok(thing(m.arena, Held::Encoder(Base64 { padded: false, ..coding }))),
        (Name::encodeToString, [bytes]) => {
            let mut all = Vec::new();
            for item in m.items(bytes)? {
                if let Value::Java(Java::Byte(byte)) = item {
                    all.push(byte as u8);
                }
            }
            let engine = if coding.url { URL_SAFE } else { STANDARD };
            let mut encoded = engine.encode(all);
            if !coding.padded {
                encoded.truncate(encoded.trim_end_matches('=').len());
            }
            if coding.mime {
                let lines: Vec<&str> =
                    encoded.as_bytes().chunks(76).filter_map(|line| std::str::from_utf8(line).ok()).collect();
                let joined = lines.join("\r\n");
                return m.string(&joined);
            }
            m.string(&encoded)
        }
        _ => object(m, receiver, name, args),
    }
}

fn decoded(text: &str, url: bool) -> Result<Vec<u8>, Throw> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(if url { &alphabet::URL_SAFE } else { &alphabet::STANDARD }, config);
    engine.decode(text).map_err(|fault| throw(error::Class::IllegalArgument, format!("Illegal base64 text: {fault}")))
}

pub(super) fn decoder<'a>(
    m: &mut Machine<'a>,
    receiver: Value<'a>,
    coding: Base64,
    name: Name,
    args: Args<'_, 'a>,
) -> Result<Value<'a>, Throw> {
    let (Name::decode, [whole]) = (name, args) else { return object(m, receiver, name, args) };
    let whole = text(m, whole)?;
    let cleaned: String;
    let whole = if coding.mime {
        cleaned = whole.chars().filter(|c| c.is_ascii_alphanumeric() || "+/=".contains(*c)).collect();
        &cleaned
    } else {
        whole
    };
    m.step(whole.len() as u64)?;
    let list = m.list_from(decoded(whole, coding.url)?.into_iter().map(|byte| Value::Java(Java::Byte(byte as i8))));
    Ok(thing(m.arena, Held::Array { element: Type::BYTE, list }))
}

/// What Painless adds to `String`: Base64 and digests.
pub(super) fn digest<'a>(m: &mut Machine<'a>, whole: &'a str, name: Name) -> Result<Value<'a>, Throw> {
    use sha1::Digest as _;
    m.step(whole.len() as u64 / 64)?;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let text = match name {
        Name::encodeBase64 => STANDARD.encode(whole),
        Name::decodeBase64 => String::from_utf8_lossy(&decoded(whole, false)?).into_owned(),
        Name::sha1 => hex(&sha1::Sha1::digest(whole)),
        Name::sha256 => hex(&sha2::Sha256::digest(whole)),
        _ => hex(&sha2::Sha512::digest(whole)),
    };
    m.string(&text)
}

// ---- processors ----

pub(super) fn processors<'a>(m: &mut Machine<'a>, name: Name, args: Args<'_, 'a>) -> Result<Option<Value<'a>>, Throw> {
    Ok(Some(match (name, args) {
        (Name::lowercase, [value]) => {
            let lowered = text(m, value)?.to_lowercase();
            m.string(&lowered)?
        }
        (Name::uppercase, [value]) => {
            let raised = text(m, value)?.to_uppercase();
            m.string(&raised)?
        }
        (Name::urlDecode, [value]) => {
            let value = text(m, value)?;
            let decoded = url_decode(value)?;
            m.string(&decoded)?
        }
        (Name::json, [value]) => parse_json(m, value)?,
        (Name::json, [map, field]) => {
            let (map, key) = (map_of(map)?, m.key(*field)?);
            let value = map.object.get(&key).unwrap_or(Value::Null);
            let parsed = parse_json(m, &value)?;
            let parsed = map_of(&parsed)?;
            for (key, value) in parsed.object.iter() {
                let kept = m.kept(value);
                map.object.set(key, kept);
            }
            Value::Null
        }
        (Name::bytes, [value]) => Value::Long(byte_size(text(m, value)?)?),
        _ => return Ok(None),
    }))
}

fn parse_json<'a>(m: &mut Machine<'a>, value: &Value<'a>) -> Result<Value<'a>, Throw> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    let text = text(m, value)?;
    m.step(1 + text.len() as u64 / 16)?;
    let parsed = crate::event::parse::document(m.arena, text.as_bytes(), 200);
    parsed.map(crate::painless::value::plain).map_err(|fault| throw(error::Class::IllegalArgument, fault.to_string()))
}

/// Java's `URLDecoder.decode`.
fn url_decode(text: &str) -> Result<String, Throw> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = [bytes.next(), bytes.next()];
                let digit = |d: Option<u8>| d.and_then(|d| char::from(d).to_digit(16));
                let (Some(high), Some(low)) = (digit(digits[0]), digit(digits[1])) else {
                    return Err(throw(
                        error::Class::IllegalArgument,
                        "URLDecoder: Incomplete trailing escape (%) pattern",
                    ));
                };
                out.push((high * 16 + low) as u8);
            }
            byte => out.push(byte),
        }
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// `1kb`, `2.5GB`: as Elasticsearch reads sizes.
fn byte_size(text: &str) -> Result<i64, Throw> {
    let lowered = text.trim().to_lowercase();
    let fault = || {
        throw(
            error::Class::IllegalArgument,
            format!(
                "failed to parse setting [Ingest Field] with value [{text}] as a size in bytes: unit is missing or unrecognized"
            ),
        )
    };
    for (suffix, shift) in [
        ("kb", 10),
        ("mb", 20),
        ("gb", 30),
        ("tb", 40),
        ("pb", 50),
        ("k", 10),
        ("m", 20),
        ("g", 30),
        ("t", 40),
        ("p", 50),
        ("b", 0),
    ] {
        if let Some(number) = lowered.strip_suffix(suffix) {
            let number = number.trim();
            return match number.parse::<i64>() {
                Ok(n) => n.checked_mul(1 << shift).ok_or_else(fault),
                Err(_) => number.parse::<f64>().map(|n| (n * (1i64 << shift) as f64) as i64).map_err(|_| fault()),
            };
        }
    }
    if lowered == "0" || lowered == "-1" { lowered.parse().map_err(|_| fault()) } else { Err(fault()) }
}

pub(super) fn uuid<'a>(m: &mut Machine<'a>, name: Name, args: Args<'_, 'a>) -> Result<Value<'a>, Throw> {
    let [from] = args else { return Err(throw_bare(error::Class::IllegalArgument)) };
    let bits = if name == Name::fromString {
        let text = text(m, from)?;
        let parts: Vec<&str> = text.split('-').collect();
        let part = |index: usize, digits: u32| {
            let part = parts.get(index)?;
            let value = u128::from_str_radix(part, 16).ok()?;
            (!part.is_empty() && part.len() <= digits as usize).then_some(value)
        };
        let all = [part(0, 8), part(1, 4), part(2, 4), part(3, 4), part(4, 12)];
        match (all, parts.len()) {
            ([Some(a), Some(b), Some(c), Some(d), Some(e)], 5) => a << 96 | b << 80 | c << 64 | d << 48 | e,
            _ => return Err(throw(error::Class::IllegalArgument, format!("Invalid UUID string: {text}"))),
        }
    } else {
        use md5::Digest as _;
        let mut bytes = Vec::new();
        for item in m.items(from)? {
            if let Value::Java(Java::Byte(byte)) = item {
                bytes.push(byte as u8);
            }
        }
        let mut digest = <[u8; 16]>::from(md5::Md5::digest(bytes));
        digest[6] = digest[6] & 0x0f | 0x30;
        digest[8] = digest[8] & 0x3f | 0x80;
        u128::from_be_bytes(digest)
    };
    Ok(thing(m.arena, Held::Uuid(bits)))
}
