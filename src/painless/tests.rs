//! Tables of the language: a script, the document it runs on, and what comes of it.

use std::sync::Arc;

use super::{Context, Env, compile};
use crate::event::{Arena, Symbols, Value, parse, write};

/// What a condition gives on a document: `true`, `false`, the class and message of an exception, or `line:column: message` of a fault.
fn condition(source: &str, doc: &str) -> String {
    let mut symbols = Symbols::new();
    let script = match compile(source, Context::Condition, &mut symbols) {
        Ok(script) => script,
        Err(fault) => return fault.to_string(),
    };
    let arena = Arena::new(Arc::new(symbols));
    let doc = parse::document(&arena, doc.as_bytes(), 100).unwrap();
    match script.test(&arena, doc.as_object().unwrap(), Value::Null, &Env::default()) {
        Ok(result) => result.to_string(),
        Err(error) => format!("{}: {}", error.class, error.message),
    }
}

/// What a script returns and leaves in the document.
fn script(source: &str, doc: &str) -> String {
    let mut symbols = Symbols::new();
    let script = match compile(source, Context::Script, &mut symbols) {
        Ok(script) => script,
        Err(fault) => return fault.to_string(),
    };
    let arena = Arena::new(Arc::new(symbols));
    let doc = parse::document(&arena, doc.as_bytes(), 100).unwrap();
    let ctx = doc.as_object().unwrap();
    let params = parse::document(&arena, br#"{"n":5,"list":["a","b"]}"#, 100).unwrap();
    match script.run(&arena, ctx, params, &Env::default()) {
        Ok(_) => write::to_string(&doc),
        Err(error) => format!("{}:{}: {}: {}", error.line, error.column, error.class, error.message),
    }
}

#[test]
fn conditions() {
    let doc = r#"{"event":{"outcome":"failure","n":3,"big":5000000000,"d":1.5},"tags":["a","b"],"s":"Text","flag":true,"nothing":null}"#;
    for (source, expected) in [
        ("ctx.event?.outcome == 'failure'", "true"),
        ("ctx.event?.outcome == 'failure' && ctx.aws?.cloudtrail?.error_code != null", "false"),
        ("ctx.aws?.cloudtrail?.error_code == null", "true"),
        ("ctx?.event?.n == 3 && ctx.event.n < 4 && ctx.event.n >= 3L && ctx.event.n != 3.5", "true"),
        ("ctx.event.big > 2147483647", "true"),
        ("ctx.event.d * 2 == 3", "true"),
        ("ctx.tags.contains('a') && !ctx.tags.contains('z')", "true"),
        ("ctx.s instanceof String && ctx.tags instanceof List && ctx.event instanceof Map", "true"),
        ("ctx.s.toLowerCase() == 'text' && ctx.s.length() == 4 && ctx.s.startsWith('Te')", "true"),
        ("ctx['s'] == 'Text' && ctx['event']['n'] == 3", "true"),
        ("ctx.containsKey('s') && ctx.event.size() == 4", "true"),
        ("ctx.flag", "true"),
        ("!ctx.flag || ctx.nothing != null", "false"),
        ("['a','b'].contains(ctx.tags[0])", "true"),
        ("ctx.tags[-1] == 'b'", "true"),
        ("(ctx.missing ?: 'x') == 'x'", "true"),
        ("ctx.s == 'Text' ? ctx.flag : false", "true"),
        ("if (ctx.s == 'Text') { return true } return false", "true"),
        ("def x = ctx.event.n; x++; x == 4", "true"),
        ("ctx.tags.any(t -> t == 'b')", "true"),
        (
            "ctx.missing.name == 'x'",
            "java.lang.NullPointerException: cannot access method/field [name] from a null def reference",
        ),
        ("ctx.s", "java.lang.ClassCastException: Cannot cast from [java.lang.String] to [boolean]."),
        ("ctx.nothing", "java.lang.NullPointerException: Cannot cast null to a primitive type [boolean]."),
        (
            "ctx.event.n.startsWith('a')",
            "java.lang.IllegalArgumentException: dynamic method [java.lang.Integer, startsWith/1] not found",
        ),
        ("ctx.s.nosuch()", "1:6: dynamic method [nosuch/0] not found in any class"),
        ("'a'.nosuch()", "1:4: member method [java.lang.String, nosuch/0] not found"),
        ("ctx.a ==", "1:9: unexpected end of script, expected an expression."),
        ("foo == 1", "1:1: cannot resolve symbol [foo]"),
        (
            "ctx.s == 'a\\q'",
            "1:12: unexpected character ['\\q]. The only valid escape sequences in strings starting with ['] are [\\\\] and [\\'].",
        ),
        ("1 + 1", "1:3: Cannot cast from [int] to [boolean]."),
    ] {
        assert_eq!(condition(source, doc), expected, "{source}");
    }
}

#[test]
fn scripts_change_the_document() {
    for (source, doc, expected) in [
        ("ctx.b = ctx.a + 1", r#"{"a":1}"#, r#"{"a":1,"b":2}"#),
        ("def m = ctx.a; m.x = 1", r#"{"a":{}}"#, r#"{"a":{"x":1}}"#),
        ("ctx.x = 0; for (int i = 0; i < 4; i++) { if (i == 2) continue; ctx.x += i }", "{}", r#"{"x":4}"#),
        (
            "ctx.l = []; for (e in ctx.m.entrySet()) { ctx.l.add(e.getKey() + e.value) }",
            r#"{"m":{"b":1,"a":2}}"#,
            r#"{"m":{"b":1,"a":2},"l":["a2","b1"]}"#,
        ),
        ("int f(int x) { return x * 2 } ctx.x = f(21)", "{}", r#"{"x":42}"#),
        ("ctx.values().removeIf(v -> v == null)", r#"{"a":null,"b":1,"c":null}"#, r#"{"b":1}"#),
        ("def k = 'z'; ctx.l.removeIf(x -> x == k)", r#"{"l":["z","y"]}"#, r#"{"l":["y"]}"#),
        ("ctx.x = params.n; ctx.l = params.list", "{}", r#"{"x":5,"l":["a","b"]}"#),
    ] {
        assert_eq!(script(source, doc), expected, "{source}");
    }
}
