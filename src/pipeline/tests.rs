//! What processors do to documents, in tables: a pipeline's processors, a document, and what comes out.

use std::sync::Arc;

use proptest::prelude::*;

use super::files::Source;
use super::processors::Resources;
use super::run::{Limits, Metadata, Moment, Outcome, Pipelines};
use crate::event::{Arena, Symbols, Value, parse, write};
use crate::settings::Fault;

/// 2026-03-02T08:15:30.123Z
const NOW_MS: i64 = 1_772_439_330_123;

fn load(sources: &[(&str, &str)], limits: Limits) -> Result<(Pipelines, Arc<Symbols>), Vec<Fault>> {
    let sources: Vec<Source> = sources
        .iter()
        .map(|(name, text)| Source {
            name: (*name).into(),
            file: format!("{name}.yml"),
            text: (*text).into(),
            scope: None,
        })
        .collect();
    let mut symbols = Symbols::new();
    let pipelines = Pipelines::load(&sources, &mut symbols, &Resources::default(), limits)?;
    Ok((pipelines, Arc::new(symbols)))
}

/// The document afterwards, `dropped`, or `processor(tag): reason`.
fn run(pipelines: &Pipelines, symbols: &Arc<Symbols>, document: &str) -> String {
    let arena = Arena::new(symbols.clone());
    let moment = Moment::new(NOW_MS);
    let Ok(Value::Object(ctx)) = parse::document(&arena, document.as_bytes(), 200) else {
        panic!("no JSON object: {document}")
    };
    let id = pipelines.id("main").unwrap();
    match pipelines.run(id, &arena, ctx, Metadata { index: "logs-a.b-default", id: Some("1") }, &moment) {
        Outcome::Keep(_) => write::to_string(&Value::Object(ctx)),
        Outcome::Dropped => "dropped".into(),
        Outcome::Failed(failure) => {
            let origin = failure.origin.unwrap();
            format!("{}({}): {}", origin.processor, origin.tag.unwrap_or_default(), failure.reason)
        }
    }
}

fn one(processors: &str, document: &str) -> String {
    let text = format!("processors: {processors}");
    match load(&[("main", &text)], Limits::default()) {
        Ok((pipelines, symbols)) => run(&pipelines, &symbols, document),
        Err(faults) => panic!("{processors}: {faults:?}"),
    }
}

fn table(cases: &[(&str, &str, &str)]) {
    for (processors, document, expected) in cases {
        assert_eq!(one(processors, document), *expected, "{processors} on {document}");
    }
}

#[test]
fn fields_are_moved_as_ingest_documents_move_them() {
    table(&[
        ("[{set: {field: a.b, value: 1}}]", r#"{}"#, r#"{"a":{"b":1}}"#),
        ("[{set: {field: a.0, value: x}}]", r#"{"a":[1,2]}"#, r#"{"a":["x",2]}"#),
        (
            "[{set: {field: a.2, value: x, tag: t}}]",
            r#"{"a":[1,2]}"#,
            "set(t): [2] is out of bounds for array with length [2] as part of path [a.2]",
        ),
        (
            "[{set: {field: a.b.c, value: x}}]",
            r#"{"a":{"b":"s"}}"#,
            "set(): cannot set [c] with parent object of type [java.lang.String] as part of path [a.b.c]",
        ),
        ("[{set: {field: a, copy_from: b}}]", r#"{"b":{"c":[1]}}"#, r#"{"b":{"c":[1]},"a":{"c":[1]}}"#),
        ("[{set: {field: a, copy_from: b}}]", r#"{}"#, "set(): field [b] not present as part of path [b]"),
        ("[{set: {field: a, copy_from: b, ignore_empty_value: true}}]", r#"{"b":""}"#, r#"{"b":""}"#),
        ("[{set: {field: a, value: 2, override: false}}]", r#"{"a":null}"#, r#"{"a":2}"#),
        ("[{set: {field: a, value: 2, override: false}}]", r#"{"a":1}"#, r#"{"a":1}"#),
        (
            "[{set: {field: '{{k}}', value: '{{{v}}}-{{v}}'}}]",
            r#"{"k":"x","v":"\""}"#,
            r#"{"k":"x","v":"\"","x":"\"-\\\""}"#,
        ),
        ("[{set: {field: a, value: '{{v}}', media_type: text/plain}}]", r#"{"v":"\""}"#, r#"{"v":"\"","a":"\""}"#),
        ("[{set: {field: a, value: '{{{missing}}}', ignore_empty_value: true}}]", r#"{}"#, r#"{}"#),
        (
            "[{set: {field: a, value: '{{#l}}<{{.}}>{{/l}}{{^m}}none{{/m}}'}}]",
            r#"{"l":[1,"b"]}"#,
            r#"{"l":[1,"b"],"a":"<1><b>none"}"#,
        ),
        (
            "[{set: {field: a, value: '{{{o}}} {{{l.1}}}'}}]",
            r#"{"o":{"k":1.50},"l":[true,null,2]}"#,
            r#"{"o":{"k":1.50},"l":[true,null,2],"a":"{k=1.5} "}"#,
        ),
        ("[{append: {field: a, value: [2, 3]}}]", r#"{"a":1}"#, r#"{"a":[1,2,3]}"#),
        ("[{append: {field: a, value: [1, 2], allow_duplicates: false}}]", r#"{"a":[1]}"#, r#"{"a":[1,2]}"#),
        ("[{append: {field: a, value: 1, allow_duplicates: false}}]", r#"{"a":1}"#, r#"{"a":1}"#),
        ("[{append: {field: a, value: x}}]", r#"{}"#, r#"{"a":["x"]}"#),
        ("[{remove: {field: [a, b.c]}}]", r#"{"a":1,"b":{"c":2,"d":3}}"#, r#"{"b":{"d":3}}"#),
        ("[{remove: {field: b.x}}]", r#"{"b":{}}"#, "remove(): field [x] not present as part of path [b.x]"),
        ("[{remove: {field: [b.x, c], ignore_missing: true}}]", r#"{"b":{},"c":1}"#, r#"{"b":{}}"#),
        ("[{remove: {keep: [a.b, d]}}]", r#"{"a":{"b":1,"c":2},"d":{"e":1},"f":1}"#, r#"{"a":{"b":1},"d":{"e":1}}"#),
        ("[{remove_by_pattern: {field_pattern: 'a*c'}}]", r#"{"abc":1,"ac":2,"b":3}"#, r#"{"b":3}"#),
        ("[{remove_by_pattern: {exclude_field_pattern: ['a*']}}]", r#"{"abc":1,"b":3}"#, r#"{"abc":1}"#),
        ("[{rename: {field: a.b, target_field: c.d}}]", r#"{"a":{"b":1}}"#, r#"{"a":{},"c":{"d":1}}"#),
        ("[{rename: {field: a, target_field: b}}]", r#"{"a":1,"b":2}"#, "rename(): field [b] already exists"),
        ("[{rename: {field: a, target_field: b, override: true}}]", r#"{"a":1,"b":2}"#, r#"{"b":1}"#),
        ("[{rename: {field: a, target_field: b}}]", r#"{}"#, "rename(): field [a] doesn't exist"),
        ("[{rename: {field: a, target_field: b, ignore_missing: true}}]", r#"{}"#, r#"{}"#),
        ("[{copy: {source_field: a, target_field: b, remove_source: true}}]", r#"{"a":[1]}"#, r#"{"b":[1]}"#),
        ("[{copy: {source_field: a, target_field: b}}]", r#"{"a":1,"b":2}"#, "copy(): target field [b] already exists"),
        ("[{dot_expander: {field: a.b}}]", r#"{"a.b":1,"a":{"b":2}}"#, r#"{"a":{"b":[2,1]}}"#),
        ("[{dot_expander: {field: '*', override: true}}]", r#"{"a.b":1,"c.d":2}"#, r#"{"a":{"b":1},"c":{"d":2}}"#),
        (
            "[{dot_expander: {field: a.b}}]",
            r#"{"a.b":1,"a":2}"#,
            "dot_expander(): cannot expand [a.b], because [a] is not an object field, but a value field",
        ),
    ]);
}

#[test]
fn texts_and_lists_are_turned_as_java_turns_them() {
    table(&[
        ("[{lowercase: {field: a}}]", r#"{"a":["ÀB","c"]}"#, r#"{"a":["àb","c"]}"#),
        ("[{uppercase: {field: a, target_field: b}}]", r#"{"a":"straße"}"#, r#"{"a":"straße","b":"STRASSE"}"#),
        ("[{trim: {field: a}}]", r#"{"a":" \u0001x\t"}"#, r#"{"a":"x"}"#),
        (
            "[{lowercase: {field: a}}]",
            r#"{"a":1}"#,
            "lowercase(): field [a] of type [java.lang.Integer] cannot be cast to [java.lang.String]",
        ),
        ("[{lowercase: {field: a}}]", r#"{"a":null}"#, "lowercase(): field [a] is null, cannot process it."),
        ("[{urldecode: {field: a}}]", r#"{"a":"x%20y+z%C3%A9"}"#, r#"{"a":"x y zé"}"#),
        ("[{html_strip: {field: a}}]", r#"{"a":"<p>a &amp; <b>b</b></p>1 < 2"}"#, r#"{"a":"\na & b\n1 < 2"}"#),
        ("[{bytes: {field: a}}]", r#"{"a":"1.5kb"}"#, r#"{"a":1536}"#),
        ("[{split: {field: a, separator: ','}}]", r#"{"a":"x,,y,,"}"#, r#"{"a":["x","","y"]}"#),
        ("[{split: {field: a, separator: ',', preserve_trailing: true}}]", r#"{"a":"x,"}"#, r#"{"a":["x",""]}"#),
        ("[{split: {field: a, separator: '\\s+'}}]", r#"{"a":"x  y"}"#, r#"{"a":["x","y"]}"#),
        ("[{join: {field: a, separator: '-'}}]", r#"{"a":[1,"b",true,1.0]}"#, r#"{"a":"1-b-true-1.0"}"#),
        ("[{sort: {field: a, order: desc}}]", r#"{"a":[1,3,2]}"#, r#"{"a":[3,2,1]}"#),
        ("[{gsub: {field: a, pattern: '(\\w)-', replacement: '$1_'}}]", r#"{"a":"a-b-"}"#, r#"{"a":"a_b_"}"#),
        ("[{convert: {field: a, type: integer}}]", r#"{"a":["1","-0x10"]}"#, r#"{"a":[1,-16]}"#),
        ("[{convert: {field: a, type: integer}}]", r#"{"a":"x"}"#, "convert(): unable to convert [x] to integer"),
        ("[{convert: {field: a, type: boolean}}]", r#"{"a":"TRUE"}"#, r#"{"a":true}"#),
        ("[{convert: {field: a, type: string}}]", r#"{"a":1.50}"#, r#"{"a":"1.5"}"#),
        ("[{convert: {field: a, type: auto}}]", r#"{"a":["1","1.5","true","x"]}"#, r#"{"a":[1,1.5,true,"x"]}"#),
        (
            "[{convert: {field: a, type: ip}}]",
            r#"{"a":"1.2.3"}"#,
            "convert(): [1.2.3] is not a valid ipv4/ipv6 address",
        ),
        ("[{json: {field: a}}]", r#"{"a":"{\"b\":[1]}"}"#, r#"{"a":{"b":[1]}}"#),
        (
            "[{json: {field: a, add_to_root: true, add_to_root_conflict_strategy: merge}}]",
            r#"{"a":"{\"c\":{\"x\":1}}","c":{"y":2}}"#,
            r#"{"a":"{\"c\":{\"x\":1}}","c":{"y":2,"x":1}}"#,
        ),
        ("[{json: {field: a}}]", r#"{"a":"{\"b\":1,\"b\":2}"}"#, "json(): Duplicate field 'b'"),
        ("[{json: {field: a, allow_duplicate_keys: true}}]", r#"{"a":"{\"b\":1,\"b\":2}"}"#, r#"{"a":{"b":2}}"#),
        ("[{json: {field: a, strict_json_parsing: false}}]", r#"{"a":"1 x"}"#, r#"{"a":1}"#),
        (
            "[{kv: {field: a, field_split: ' ', value_split: '=', prefix: p_, trim_value: '\"'}}]",
            r#"{"a":"x=\"1\" y=2 x=3"}"#,
            r#"{"a":"x=\"1\" y=2 x=3","p_x":["1","3"],"p_y":"2"}"#,
        ),
        (
            "[{kv: {field: a, field_split: ' ', value_split: '=', target_field: t, include_keys: [x], strip_brackets: true}}]",
            r#"{"a":"x=(1) y=2"}"#,
            r#"{"a":"x=(1) y=2","t":{"x":"1"}}"#,
        ),
        (
            "[{kv: {field: a, field_split: ' ', value_split: '='}}]",
            r#"{"a":"x"}"#,
            "kv(): field [a] does not contain value_split [=]",
        ),
        (
            "[{csv: {field: a, target_fields: [x, y, z]}}]",
            r#"{"a":"1,\"b,\"\"c\"\"\",3"}"#,
            r#"{"a":"1,\"b,\"\"c\"\"\",3","x":"1","y":"b,\"c\"","z":"3"}"#,
        ),
        (
            "[{csv: {field: a, target_fields: [x, y], empty_value: '', trim: true}}]",
            r#"{"a":" 1 ,,"}"#,
            r#"{"a":" 1 ,,","x":"1","y":""}"#,
        ),
        ("[{csv: {field: a, target_fields: [x]}}]", r#"{"a":"\"1"}"#, "csv(): Unmatched quote"),
    ]);
}

#[test]
fn failures_go_to_their_handlers_with_their_metadata() {
    let message = "{set: {field: e, value: '{{{_ingest.on_failure_message}}}|{{_ingest.on_failure_processor_type}}|{{_ingest.on_failure_processor_tag}}|{{_ingest.on_failure_pipeline}}'}}";
    table(&[
        (
            &format!(
                "[{{convert: {{field: a, type: long, tag: t, on_failure: [{message}]}}}}, {{set: {{field: after, value: 1}}}}]"
            ),
            r#"{"a":"x"}"#,
            r#"{"a":"x","e":"For input string: \"x\"|convert|t|main","after":1}"#,
        ),
        (
            "[{fail: {message: 'no {{a}}', ignore_failure: true}}, {set: {field: b, value: 1}}]",
            r#"{"a":1}"#,
            r#"{"a":1,"b":1}"#,
        ),
        ("[{fail: {message: 'no {{a}}', tag: x}}]", r#"{"a":1}"#, "fail(x): no 1"),
        ("[{drop: {if: ctx.a == 1}}]", r#"{"a":1}"#, "dropped"),
        ("[{drop: {if: ctx.a == 1}}]", r#"{"a":2}"#, r#"{"a":2}"#),
        ("[{terminate: {}}, {set: {field: a, value: 1}}]", r#"{}"#, r#"{}"#),
        (
            "[{foreach: {field: a, processor: {uppercase: {field: _ingest._value}}}}]",
            r#"{"a":["x","y"]}"#,
            r#"{"a":["X","Y"]}"#,
        ),
        (
            "[{foreach: {field: a, processor: {set: {field: _ingest._key, value: 'k_{{_ingest._key}}'}}}}]",
            r#"{"a":{"x":1}}"#,
            r#"{"a":{"k_x":1}}"#,
        ),
        ("[{foreach: {field: a, processor: {drop: {}}}}]", r#"{"a":[1]}"#, "dropped"),
        ("[{set: {field: t, value: '{{{_ingest.timestamp}}}'}}]", r#"{}"#, r#"{"t":"2026-03-02T08:15:30.123Z"}"#),
        ("[{set: {field: i, value: '{{{_index}}}'}}]", r#"{}"#, r#"{"i":"logs-a.b-default"}"#),
        (
            "[{reroute: {dataset: ['{{d}}', x]}}]",
            r#"{"d":"A-b","event":{"dataset":"o"}}"#,
            r#"{"d":"A-b","event":{"dataset":"a_b"},"data_stream":{"type":"logs","dataset":"a_b","namespace":"default"}}"#,
        ),
    ]);
}

#[test]
fn pipelines_call_each_other() {
    let main = "processors: [{pipeline: {name: '{{ IngestPipeline \"inner\" }}'}}, {set: {field: b, value: 1}}]";
    let inner = "processors: [{fail: {message: m}}]\non_failure: [{set: {field: a, value: '{{_ingest.pipeline}}'}}]";
    let (pipelines, symbols) = load(&[("main", main), ("inner", inner)], Limits::default()).unwrap();
    assert_eq!(run(&pipelines, &symbols, "{}"), r#"{"a":"inner","b":1}"#);
    let ends = "processors: [{terminate: {}}, {fail: {message: m}}]";
    let (pipelines, symbols) = load(&[("main", main), ("inner", ends)], Limits::default()).unwrap();
    assert_eq!(run(&pipelines, &symbols, "{}"), r#"{"b":1}"#);
}

#[test]
fn faults_are_listed_all_with_their_places() {
    let text = "\
processors:
  - sett:
      field: a
  - set:
      feld: a
      value: 1
  - set:
      field: a
      value: 1
      override: maybe
  - set:
      field: a
      value: 1
      overide: true
  - set:
      field: a
      value: 1
      if: |
        ctx.a == )
  - pipeline: { name: nobody }
  - pipeline: { name: main }
procesors: []
";
    let faults = match load(&[("main", text)], Limits::default()) {
        Ok(_) => panic!("no fault was found"),
        Err(faults) => faults.iter().map(Fault::to_string).collect::<Vec<_>>(),
    };
    for expected in [
        "main.yml:2:5: there is no processor `sett`; did you mean `set`?",
        "main.yml:4:5: set: the option `field` is missing",
        "main.yml:10:17: set: `override` must be true or false, not text",
        "main.yml:14:7: set: there is no option `overide`; did you mean `override`?",
        "main.yml:20:23: there is no pipeline `nobody`",
        "main.yml:21:23: the pipeline `main` comes back here: pipelines must not call each other in a circle",
        "main.yml:22:1: a pipeline has no option `procesors`; it has `processors` and `on_failure`",
    ] {
        assert!(faults.iter().any(|fault| fault == expected), "{expected} is not in\n{}", faults.join("\n"));
    }
    assert!(
        faults.iter().any(|fault| fault.starts_with("main.yml:19:")),
        "the script's own line:\n{}",
        faults.join("\n")
    );
}

#[test]
fn a_document_ends_at_its_limits() {
    let limits = Limits { foreach_elements_max: 2, ..Limits::default() };
    let text = "processors: [{foreach: {field: a, processor: {trim: {field: _ingest._value}}}}]";
    let (pipelines, symbols) = load(&[("main", text)], limits).unwrap();
    let got = run(&pipelines, &symbols, r#"{"a":["","",""]}"#);
    assert_eq!(got, "foreach(): field [a] has 3 elements, more than 2");

    let doubling = "{append: {field: a, copy_from: a}},".repeat(60);
    let text = format!("processors: [{doubling}]");
    let limits = Limits { growth_bytes_max: 1 << 20, ..Limits::default() };
    let (pipelines, symbols) = load(&[("main", &text)], limits).unwrap();
    let got = run(&pipelines, &symbols, r#"{"a":[1]}"#);
    assert!(got.contains("too large") || got.contains("bytes of memory"), "{got}");
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        Just(r#""{\"b\":[1,{\"c\":null}]}""#.to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f32>().prop_filter("finite", |n| n.is_finite()).prop_map(|n| format!("{n:e}")),
        "[a-z0-9 =,.%<>&\"\\\\\\[\\]é-]{0,12}".prop_map(|s| serde_json::to_string(&s).unwrap()),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::btree_map("[a-c](\\.[a-c])?", inner, 0..4).prop_map(|entries| {
                let entries: Vec<_> = entries.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
                format!("{{{}}}", entries.join(","))
            }),
        ]
    })
}

fn processor() -> impl Strategy<Value = String> {
    let field = "(a|b|c|a\\.b|b\\.c|a\\.0|c\\.1)";
    let kinds = prop_oneof![
        (field, json()).prop_map(|(f, v)| format!("{{set: {{field: {f}, value: {v}}}}}")),
        (field, field).prop_map(|(f, g)| format!("{{set: {{field: {f}, copy_from: {g}}}}}")),
        (field, json()).prop_map(|(f, v)| format!("{{append: {{field: {f}, value: {v}}}}}")),
        field.prop_map(|f| format!("{{remove: {{field: {f}}}}}")),
        field.prop_map(|f| format!("{{remove: {{keep: {f}}}}}")),
        (field, field).prop_map(|(f, g)| format!("{{rename: {{field: {f}, target_field: {g}}}}}")),
        field.prop_map(|f| format!("{{split: {{field: {f}, separator: ' '}}}}")),
        field.prop_map(|f| format!("{{join: {{field: {f}, separator: ' '}}}}")),
        field.prop_map(|f| format!("{{sort: {{field: {f}}}}}")),
        field.prop_map(|f| format!("{{json: {{field: {f}}}}}")),
        field.prop_map(|f| format!("{{kv: {{field: {f}, field_split: ' ', value_split: '='}}}}")),
        field.prop_map(|f| format!("{{csv: {{field: {f}, target_fields: [a, b.c, d]}}}}")),
        field.prop_map(|f| format!("{{html_strip: {{field: {f}}}}}")),
        field.prop_map(|f| format!("{{urldecode: {{field: {f}}}}}")),
        field.prop_map(|f| format!("{{bytes: {{field: {f}}}}}")),
        (field, "(integer|long|float|double|boolean|ip|string|auto)")
            .prop_map(|(f, t)| format!("{{convert: {{field: {f}, type: {t}}}}}")),
        Just("{dot_expander: {field: '*'}}".to_owned()),
        (field, field).prop_map(|(f, g)| format!(
            "{{foreach: {{field: {f}, processor: {{append: {{field: {g}, value: '{{{{{{_ingest._value}}}}}}'}}}}}}}}"
        )),
    ];
    kinds.prop_map(|text| text)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn no_document_breaks_a_pipeline(processors in prop::collection::vec(processor(), 1..8), document in json()) {
        let document = format!("{{\"a\":{document},\"b\":\"x=1 y=2\",\"c\":[1,\"2\"]}}");
        let steps = processors
            .iter()
            .map(|step| step.strip_suffix("}}").unwrap().to_owned() + ", ignore_failure: true}}")
            .collect::<Vec<_>>()
            .join(",\n  ");
        let text = format!("{{\"processors\": [{steps}]}}");
        if let Ok((pipelines, symbols)) = load(&[("main", &text)], Limits::default()) {
            let got = run(&pipelines, &symbols, &document);
            prop_assert!(serde_json::from_str::<serde_json::Value>(&got).is_ok(), "{}\n{}", text, got);
        } else {
            prop_assert!(false, "{}", text);
        }
    }

    #[test]
    fn no_text_breaks_the_loader(text in "[a-z{}\\[\\]:,|>&* \n\"'-]{0,80}") {
        let _ = load(&[("main", &text)], Limits::default());
    }
}
