//! Tables against the documented behaviour of `java.util.regex`.

use super::*;

fn java(pattern: &str) -> Regex {
    Regex::compile(pattern, Flags::NONE).unwrap()
}

fn first<'t>(regex: &Regex, text: &'t str) -> Option<&'t str> {
    regex.find_at(text, 0).unwrap().map(|(start, end)| &text[start..end])
}

#[test]
fn what_engines_read_differently_means_what_java_says() {
    for (pattern, text, expected) in [
        (r"\d+", "٣1", Some("1")),
        (r"a*+a", "aaa", None),
        (r"(?>a|ab)c", "abc", None),
        (r"\<b\>", "<b>", Some("<b>")),
        (r"\Qa.b\E+", "a.bbb", Some("a.bbb")),
        (r"[\w-.]+", "a-b.c d", Some("a-b.c")),
        (r"[a-z&&[^aeiou]]+", "aeixyz", Some("xyz")),
        (r"[a-c[x-z]]+", "mazbx", Some("azbx")),
        (r"[^a-c[x-z]]+", "azmnb", Some("mn")),
        (r"\0101\x42\u0043\x{44}", "ABCD", Some("ABCD")),
        (r"\p{Upper}\p{javaLowerCase}\p{IsDigit}\p{L}", "Ab1é", Some("Ab1é")),
        (r"\p{InGreek}+", "abγδ", Some("γδ")),
        (r"\h+", "x \t", Some(" \t")),
        (r"a\Rb", "a\r\nb", Some("a\r\nb")),
        (r"x$", "x\n", Some("x")),
        (r"x\z", "x\n", None),
        (r"x\Z", "x\r\n", Some("x")),
        (r"(?m)^b$", "a\nb\nc", Some("b")),
        (r"(?i)straße", "STRAßE", Some("STRAßE")),
        (r"(?i)é", "É", None),
        (r"(?iu)é", "É", Some("É")),
        (r"a.c", "a\u{85}c", None),
        (r"(?d)a.c", "a\u{85}c", Some("a\u{85}c")),
        (r"(?x) a b # comment", "ab", Some("ab")),
        (r"(a)\1", "aa", Some("aa")),
        (r"(?<n>.)-\k<n>", "a-b b-b", Some("b-b")),
        (r"(?<=\$)\d+", "x5$7", Some("7")),
        (r"(?<!\$)\b\d+", "$7 8", Some("8")),
        (r"\cA", "\u{1}", Some("\u{1}")),
        (r"\w+(?=foo)", "xfoo", Some("x")),
        (r"\w+(?!foo)b", "xb", Some("xb")),
        (r"(?<=ab)c", "cabc", Some("c")),
        (r"\Bb", "b ab", Some("b")),
        (r"(?!ab)a.", "abac", Some("ac")),
        (r"a(?=x\B)", "axy", Some("a")),
        (r"(?>\d\d){1,2}:", "2000:", Some("2000:")),
        (r"{0}a", "a", Some("a")),
    ] {
        assert_eq!(first(&java(pattern), text), expected, "{pattern} on {text:?}");
    }
}

#[test]
fn faults_have_javas_words() {
    for (pattern, what) in [
        ("(a", "Unclosed group"),
        ("a)", "Unmatched closing ')'"),
        ("*a", "Dangling meta character '*'"),
        ("a**", "Dangling meta character '*'"),
        ("[a", "Unclosed character class"),
        ("a{x}", "Illegal repetition"),
        ("a{2", "Unclosed counted closure"),
        ("a{3,2}", "Illegal repetition range"),
        ("[b-a]", "Illegal character range"),
        (r"\i", "Illegal/unsupported escape sequence"),
        (r"\p{Foo}", "Unknown character property name {Foo}"),
        ("(?<=a*)b", "Look-behind group does not have an obvious maximum length"),
        ("(?<n>a)(?<n>b)", "Named capturing group <n> is already defined"),
    ] {
        assert_eq!(Regex::compile(pattern, Flags::NONE).unwrap_err().what, what, "{pattern}");
    }
}

#[test]
fn patterns_that_need_no_backtracking_are_linear() {
    for pattern in [r"[0-9]++ ", r"(?>a+)b", r" (?<![0-9])x", r"(?<![0-9])\d+(?![0-9])", r"^a$", r"a(?!b)c"] {
        assert!(java(pattern).is_linear(), "{pattern}");
    }
    for pattern in [r"(a)\1", r"(?:a(?=b).)*", r"\G\d"] {
        assert!(!java(pattern).is_linear(), "{pattern}");
    }
}

#[test]
fn replacements_and_splits() {
    let replace = |pattern: &str, text: &str, replacement: &str| {
        let regex = java(pattern);
        regex.replace(text, &Replacement::new(&regex, replacement), false, 1 << 20).map(|text| text.into_owned())
    };
    assert_eq!(replace("a*", "aab", "x").as_deref(), Ok("xxbx"));
    assert_eq!(replace(r"(\w)(\d)", "a1b2", "$2$1").as_deref(), Ok("1a2b"));
    assert_eq!(replace(r"(?<l>\w)", "ab", r"${l}\$").as_deref(), Ok("a$b$"));
    assert_eq!(replace(r"(a)", "a", "$12").as_deref(), Ok("a2"));
    assert_eq!(replace("a", "b", "$9").as_deref(), Ok("b"));
    for (replacement, what) in [
        ("$9", "No group 9"),
        ("$x", "Illegal group reference"),
        ("$", "Illegal group reference: group index is missing"),
        ("\\", "character to be escaped is missing"),
        ("${n}", "No group with name {n}"),
    ] {
        assert_eq!(replace("a", "a", replacement), Err(ReplaceFault::Replacement(what.into())));
    }
    for (pattern, text, limit, parts) in [
        (",", "a,b,,c,,", 0, &["a", "b", "", "c"][..]),
        (",", "a,b,,", -1, &["a", "b", "", ""]),
        (",", "a,b,c", 2, &["a", "b,c"]),
        ("", "abc", 0, &["a", "b", "c"]),
        (",", "", 0, &[""]),
        (",", ",", 0, &[]),
        (",", ",a", 0, &["", "a"]),
        ("x", "abc", 0, &["abc"]),
    ] {
        assert_eq!(java(pattern).split(text, limit).unwrap(), parts, "{pattern} {text} {limit}");
    }
}

#[test]
fn grok_is_written_in_oniguruma() {
    for (pattern, text, expected) in [
        (r"\h+", "xyzbeef", Some("beef")),
        (r"^b$", "a\nb\nc", Some("b")),
        (r"a{,2}b", "aab", Some("aab")),
        (r"a{x}", "a{x}", Some("a{x}")),
        (r"[[:alpha:]_]+", "1é_2", Some("é_")),
        (r"(?m)a.b", "a\nb", Some("a\nb")),
        (r"(?<a.b>x)", "x", Some("x")),
    ] {
        assert_eq!(first(&Regex::oniguruma(pattern).unwrap(), text), expected, "{pattern}");
    }
    let named = Regex::oniguruma("(a)(?<n>b)").unwrap();
    assert_eq!((named.group_count(), named.group_number("n")), (1, Some(1)));
}

#[test]
fn a_hostile_pattern_is_given_up() {
    let regex = java(r"(a*)*\1x");
    assert!(regex.is_match(&"a".repeat(5000)).is_err());
}
