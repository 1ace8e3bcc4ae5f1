//! Named sets of characters: `\d` and its like, POSIX and Unicode properties under the names that Java gives them.
//!
//! Java's sets are ASCII unless UNICODE_CHARACTER_CLASS is set. Property names go to `regex-syntax`' tables after Java's
//! prefixes (`Is`, `In`, `java`, `script=` …) are taken off; a name that is in neither is an error at load.

use regex_syntax::hir::{ClassUnicode, HirKind};

use super::ast::{class, full, negated};

pub(super) fn digits(unicode: bool) -> ClassUnicode {
    if unicode { property("Nd").unwrap_or_else(full) } else { class(&[('0', '9')]) }
}

pub(super) fn word(unicode: bool) -> ClassUnicode {
    if !unicode {
        return class(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]);
    }
    let mut set = class(&[]);
    for name in ["Alphabetic", "M", "Nd", "Pc", "Join_Control"] {
        if let Some(part) = property(name) {
            set.union(&part);
        }
    }
    set
}

pub(super) fn space(unicode: bool) -> ClassUnicode {
    if unicode { property("White_Space").unwrap_or_else(full) } else { class(&[('\t', '\r'), (' ', ' ')]) }
}

pub(super) fn horizontal_space() -> ClassUnicode {
    let alone = [' ', '\t', '\u{a0}', '\u{1680}', '\u{180e}', '\u{202f}', '\u{205f}', '\u{3000}'];
    let mut ranges: Vec<_> = alone.iter().map(|c| (*c, *c)).collect();
    ranges.push(('\u{2000}', '\u{200a}'));
    class(&ranges)
}

pub(super) fn vertical_space() -> ClassUnicode {
    class(&[('\n', '\r'), ('\u{85}', '\u{85}'), ('\u{2028}', '\u{2029}')])
}

/// The set of a property in `regex-syntax`' own naming.
fn property(name: &str) -> Option<ClassUnicode> {
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b' ' | b'-' | b'=')) {
        return None;
    }
    let hir = regex_syntax::Parser::new().parse(&format!(r"\p{{{name}}}")).ok()?;
    match hir.kind() {
        HirKind::Class(regex_syntax::hir::Class::Unicode(set)) => Some(set.clone()),
        _ => None,
    }
}

fn union_of(names: &[&str]) -> Option<ClassUnicode> {
    let mut set = class(&[]);
    for name in names {
        set.union(&property(name)?);
    }
    Some(set)
}

/// POSIX classes over ASCII, by lower-case name.
fn posix_ascii(name: &str) -> Option<ClassUnicode> {
    Some(class(match name {
        "lower" => &[('a', 'z')],
        "upper" => &[('A', 'Z')],
        "ascii" => &[('\0', '\x7f')],
        "alpha" => &[('A', 'Z'), ('a', 'z')],
        "digit" => &[('0', '9')],
        "alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "graph" => &[('!', '~')],
        "print" => &[(' ', '~')],
        "blank" => &[('\t', '\t'), (' ', ' ')],
        "cntrl" => &[('\0', '\x1f'), ('\x7f', '\x7f')],
        "xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        "space" => &[('\t', '\r'), (' ', ' ')],
        "word" => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        _ => return None,
    }))
}

/// POSIX classes over Unicode, as UNICODE_CHARACTER_CLASS and Oniguruma's brackets mean them.
pub(super) fn posix_unicode(name: &str) -> Option<ClassUnicode> {
    match name {
        "alpha" => property("Alphabetic"),
        "lower" => property("Lowercase"),
        "upper" => property("Uppercase"),
        "digit" => property("Nd"),
        "alnum" => union_of(&["Alphabetic", "Nd"]),
        "punct" => property("P"),
        "space" => property("White_Space"),
        "blank" => {
            let mut set = property("Zs")?;
            set.union(&class(&[('\t', '\t')]));
            Some(set)
        }
        "cntrl" => property("Cc"),
        "xdigit" => {
            let mut set = property("Nd")?;
            set.union(&property("Hex_Digit")?);
            Some(set)
        }
        "graph" => Some(negated(union_of(&["White_Space", "Cc", "Cs", "Cn"])?)),
        "print" => {
            let mut set = negated(union_of(&["White_Space", "Cc", "Cs", "Cn"])?);
            set.union(&property("Zs")?);
            Some(set)
        }
        "word" => Some(word(true)),
        "ascii" => Some(class(&[('\0', '\x7f')])),
        _ => None,
    }
}

/// What `Character.isXxx` of the `javaXxx` names accept.
fn java_method(name: &str) -> Option<ClassUnicode> {
    match name {
        "LowerCase" => property("Lowercase"),
        "UpperCase" => property("Uppercase"),
        "Alphabetic" => property("Alphabetic"),
        "Ideographic" => property("Ideographic"),
        "TitleCase" => property("Lt"),
        "Digit" => property("Nd"),
        "Defined" => Some(negated(property("Cn")?)),
        "Letter" => property("L"),
        "LetterOrDigit" => union_of(&["L", "Nd"]),
        "SpaceChar" => property("Z"),
        "Whitespace" => {
            let mut set = property("Z")?;
            set.difference(&class(&[('\u{a0}', '\u{a0}'), ('\u{2007}', '\u{2007}'), ('\u{202f}', '\u{202f}')]));
            set.union(&class(&[('\t', '\r'), ('\x1c', '\x1f')]));
            Some(set)
        }
        "ISOControl" => Some(class(&[('\0', '\x1f'), ('\x7f', '\u{9f}')])),
        "Mirrored" => property("Bidi_Mirrored"),
        _ => None,
    }
}

/// Blocks of the plane that logs are written in, by Java's names without spaces, hyphens and underscores.
fn block(name: &str) -> Option<ClassUnicode> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    Some(class(&[match plain.as_str() {
        "basiclatin" => ('\0', '\x7f'),
        "latin1supplement" => ('\u{80}', '\u{ff}'),
        "latinextendeda" => ('\u{100}', '\u{17f}'),
        "latinextendedb" => ('\u{180}', '\u{24f}'),
        "ipaextensions" => ('\u{250}', '\u{2af}'),
        "spacingmodifierletters" => ('\u{2b0}', '\u{2ff}'),
        "combiningdiacriticalmarks" => ('\u{300}', '\u{36f}'),
        "greek" | "greekandcoptic" => ('\u{370}', '\u{3ff}'),
        "cyrillic" => ('\u{400}', '\u{4ff}'),
        "cyrillicsupplement" => ('\u{500}', '\u{52f}'),
        "armenian" => ('\u{530}', '\u{58f}'),
        "hebrew" => ('\u{590}', '\u{5ff}'),
        "arabic" => ('\u{600}', '\u{6ff}'),
        "devanagari" => ('\u{900}', '\u{97f}'),
        "thai" => ('\u{e00}', '\u{e7f}'),
        "generalpunctuation" => ('\u{2000}', '\u{206f}'),
        "currencysymbols" => ('\u{20a0}', '\u{20cf}'),
        "letterlikesymbols" => ('\u{2100}', '\u{214f}'),
        "arrows" => ('\u{2190}', '\u{21ff}'),
        "mathematicaloperators" => ('\u{2200}', '\u{22ff}'),
        "boxdrawing" => ('\u{2500}', '\u{257f}'),
        "hiragana" => ('\u{3040}', '\u{309f}'),
        "katakana" => ('\u{30a0}', '\u{30ff}'),
        "cjkunifiedideographs" => ('\u{4e00}', '\u{9fff}'),
        "hangulsyllables" => ('\u{ac00}', '\u{d7af}'),
        "privateusearea" => ('\u{e000}', '\u{f8ff}'),
        "halfwidthandfullwidthforms" => ('\u{ff00}', '\u{ffef}'),
        _ => return None,
    }]))
}

/// `\p{name}` of Java. `unicode` is UNICODE_CHARACTER_CLASS, `ignore_case` CASE_INSENSITIVE.
pub(super) fn java_property(name: &str, unicode: bool, ignore_case: bool) -> Option<ClassUnicode> {
    if let Some((key, value)) = name.split_once('=') {
        return match key.to_ascii_lowercase().as_str() {
            "sc" | "script" => property(&format!("Script={value}")),
            "blk" | "block" => block(value),
            "gc" | "general_category" => general_category(value, ignore_case),
            _ => None,
        };
    }
    if let Some(rest) = name.strip_prefix("In") {
        return block(rest);
    }
    if let Some(rest) = name.strip_prefix("Is") {
        return binary_property(&rest.to_ascii_lowercase(), ignore_case)
            .or_else(|| general_category(rest, ignore_case))
            .or_else(|| property(&format!("Script={rest}")));
    }
    if let Some(rest) = name.strip_prefix("java") {
        return if ignore_case && matches!(rest, "LowerCase" | "UpperCase" | "TitleCase") {
            union_of(&["Lowercase", "Uppercase", "Lt"])
        } else {
            java_method(rest)
        };
    }
    let posix = [
        "Lower", "Upper", "ASCII", "Alpha", "Digit", "Alnum", "Punct", "Graph", "Print", "Blank", "Cntrl", "XDigit",
        "Space",
    ];
    if posix.contains(&name) {
        let lower = name.to_ascii_lowercase();
        if ignore_case && matches!(name, "Lower" | "Upper") {
            return if unicode { union_of(&["Lowercase", "Uppercase", "Lt"]) } else { posix_ascii("alpha") };
        }
        return if unicode { posix_unicode(&lower) } else { posix_ascii(&lower) };
    }
    general_category(name, ignore_case)
}

fn general_category(name: &str, ignore_case: bool) -> Option<ClassUnicode> {
    match name {
        "LC" => union_of(&["Lu", "Ll", "Lt"]),
        "Lu" | "Ll" | "Lt" if ignore_case => union_of(&["Lu", "Ll", "Lt"]),
        "LD" => union_of(&["L", "Nd"]),
        "L1" => Some(class(&[('\0', '\u{ff}')])),
        "all" | "ALL" => Some(full()),
        _ if name.len() <= 2 && name.starts_with(|c: char| c.is_ascii_uppercase()) => property(name),
        _ => None,
    }
}

fn binary_property(name: &str, ignore_case: bool) -> Option<ClassUnicode> {
    match name {
        "lowercase" | "uppercase" | "titlecase" if ignore_case => union_of(&["Lowercase", "Uppercase", "Lt"]),
        "titlecase" => property("Lt"),
        "alphabetic" | "ideographic" | "letter" | "lowercase" | "uppercase" | "white_space" | "hex_digit"
        | "join_control" | "emoji" | "emoji_presentation" => property(name),
        "punctuation" => property("P"),
        "control" => property("Cc"),
        "digit" => property("Nd"),
        "assigned" => Some(negated(property("Cn")?)),
        "noncharacter_code_point" | "noncharactercodepoint" => property("Noncharacter_Code_Point"),
        "alnum" | "blank" | "graph" | "print" | "punct" | "xdigit" | "space" | "cntrl" | "alpha" | "lower"
        | "upper" => posix_unicode(name),
        "word" => Some(word(true)),
        _ => None,
    }
}

/// `\p{name}` and `[[:name:]]` of Oniguruma, which take the POSIX names in any case and mean Unicode.
pub(super) fn oniguruma_property(name: &str) -> Option<ClassUnicode> {
    let lower = name.to_ascii_lowercase();
    posix_unicode(&lower)
        .or_else(|| if lower == "any" { Some(full()) } else { None })
        .or_else(|| property(name))
        .or_else(|| property(&format!("Script={name}")))
}
