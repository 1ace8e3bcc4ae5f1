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
    let mut wrong = Vec::new();
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
        (
            "try { ctx.a.b.c = 1 } catch (Exception e) { ctx.e = e.getMessage() }",
            "{}",
            r#"{"e":"cannot access method/field [b] from a null def reference"}"#,
        ),
        (
            "ctx.x = ctx.l.stream().filter(v -> v > 1).map(v -> v * 2).collect(Collectors.toList())",
            r#"{"l":[1,2,3]}"#,
            r#"{"l":[1,2,3],"x":[4,6]}"#,
        ),
        ("ctx.x = new HashSet(ctx.l)", r#"{"l":[3,1,3]}"#, r#"{"l":[3,1,3],"x":[1,3]}"#),
        (
            "StringBuilder b = new StringBuilder(); for (int i = 0; i < 3; ++i) { b.append((char) (97 + i)) } ctx.x = b.toString()",
            "{}",
            r#"{"x":"abc"}"#,
        ),
        (
            "def m = /(\\w+)@(\\w+)/.matcher(ctx.s); if (m.find()) { ctx.u = m.group(1); ctx.d = m.group(2) }",
            r#"{"s":"to bob@host"}"#,
            r#"{"s":"to bob@host","u":"bob","d":"host"}"#,
        ),
        (
            "ctx.x = ctx.s.replaceAll(/[A-Z]/, c -> '_' + c.group().toLowerCase())",
            r#"{"s":"aBcD"}"#,
            r#"{"s":"aBcD","x":"a_bc_d"}"#,
        ),
        ("ctx.x = String.format('%05.1f|%-4s|%x', new def[] {2.25, 'a', 255})", "{}", r#"{"x":"002.3|a   |ff"}"#),
        (
            "ctx.x = Math.round(ctx.n * 1.5) + Integer.parseInt('7') + Long.parseLong('ff', 16)",
            r#"{"n":3}"#,
            r#"{"n":3,"x":267}"#,
        ),
        (
            "ctx.x = (int) 3000000000L; ctx.y = (byte) 200; ctx.z = 7 / 2; ctx.w = -7 % 3",
            "{}",
            r#"{"x":-1294967296,"y":-56,"z":3,"w":-1}"#,
        ),
        (
            "TreeMap t = new TreeMap(); t.put('b', 1); t.put('a', 2); ctx.x = t.firstKey(); ctx.t = t",
            "{}",
            r#"{"x":"a","t":{"b":1,"a":2}}"#,
        ),
        (
            "ctx.l.sort((a, b) -> b.compareTo(a)); Collections.reverse(ctx.k)",
            r#"{"l":[1,3,2],"k":[1,2]}"#,
            r#"{"l":[3,2,1],"k":[2,1]}"#,
        ),
        (
            "while (true) { ctx.n = 1 }",
            "{}",
            "1:1: org.elasticsearch.painless.PainlessError: The maximum number of statements that can be executed in a loop has been reached.",
        ),
        ("int f(int n) { return f(n + 1) } f(0)", "{}", "1:23: java.lang.StackOverflowError: null"),
        (
            "ctx.a = ctx",
            "{}",
            "1:1: java.lang.IllegalArgumentException: Iterable object is self-referencing itself (ingest script)",
        ),
        (
            "def a = ZonedDateTime.parse(ctx.a); def b = ZonedDateTime.parse(ctx.b); ctx.ms = ChronoUnit.MILLIS.between(a, b); ctx.n = Duration.between(a, b).toNanos(); ctx.s = b.plusHours(1).toString()",
            r#"{"a":"2023-01-01T00:00:00Z","b":"2023-01-01T02:00:01.5+01:00"}"#,
            r#"{"a":"2023-01-01T00:00:00Z","b":"2023-01-01T02:00:01.5+01:00","ms":3601500,"n":3601500000000,"s":"2023-01-01T03:00:01.500+01:00"}"#,
        ),
        (
            "ctx.x = ZonedDateTime.parse(ctx.a).withMonth(2).plus(90, ChronoUnit.MINUTES).toString(); ctx.y = ZonedDateTime.parse(ctx.a).getLong(ChronoField.MILLI_OF_DAY)",
            r#"{"a":"2024-01-31T23:00:00Z"}"#,
            r#"{"a":"2024-01-31T23:00:00Z","x":"2024-03-01T00:30Z","y":82800000}"#,
        ),
        (
            "ctx.x = LocalDate.of(2023, 1, 31).plusMonths(1).toString(); ctx.d = ChronoUnit.DAYS.between(LocalDate.of(2024, 1, 1), LocalDate.of(2024, 3, 1))",
            "{}",
            r#"{"x":"2023-02-28","d":60}"#,
        ),
        (
            "ctx.x = LocalDateTime.parse('2023-05-06 07:08:09', DateTimeFormatter.ofPattern('yyyy-MM-dd HH:mm:ss')).atZone(ZoneId.of('Europe/Berlin')).toString()",
            "{}",
            r#"{"x":"2023-05-06T07:08:09+02:00[Europe/Berlin]"}"#,
        ),
        (
            "ctx.x = ZonedDateTime.parse(ctx.a); ctx.y = ctx.x.format(DateTimeFormatter.ISO_LOCAL_DATE); ctx.z = DateTimeFormatter.ISO_INSTANT.format(ctx.x)",
            r#"{"a":"2024-01-31T23:00:00Z"}"#,
            r#"{"a":"2024-01-31T23:00:00Z","x":"2024-01-31T23:00:00.000Z","y":"2024-01-31","z":"2024-01-31T23:00:00Z"}"#,
        ),
        ("ctx.x = new SimpleDateFormat('dd/MMM/yyyy').parse('03/Feb/2021').getTime()", "{}", r#"{"x":1612310400000}"#),
        ("ctx.x = params.n; ctx.l = params.list", "{}", r#"{"x":5,"l":["a","b"]}"#),
    ] {
        let found = script(source, doc);
        if found != expected {
            wrong.push(format!("{source}\n  gives {found}\n  not   {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
