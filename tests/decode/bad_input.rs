//! The table of bad input: each line is a payload and what becomes of it.

use sluice::decode::{Format, Limits, TopicRules};

use super::{base64, gzip, open, open_record, record};

/// Whole payloads that give no event: kind and reason.
#[test]
fn payloads_that_cannot_be_opened() {
    let truncated = {
        let mut bytes = gzip(r#"{"a":1}"#.repeat(100));
        bytes.truncate(bytes.len() - 9);
        bytes
    };
    let flipped = {
        let mut bytes = gzip(r#"{"a":1}"#);
        let crc = bytes.len() - 8;
        bytes[crc] ^= 1;
        bytes
    };
    let bomb = gzip(vec![b' '; 33 << 20]);
    let bomb_of_bombs = gzip(&bomb);
    let matryoshka = (0..9).fold(b"{}".to_vec(), |inner, _| gzip(inner));
    let cases: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        ("empty", vec![], "empty", "the record's value is empty"),
        ("blank", b" \r\n\t".to_vec(), "empty", "the record's value is empty"),
        ("invalid UTF-8 text", b"\xff\xfe\x00".to_vec(), "invalid_utf8", "invalid UTF-8 at byte 0"),
        ("invalid UTF-8 in JSON", b"{\"a\":\"\xc3(\"}".to_vec(), "invalid_utf8", "invalid UTF-8 at byte 6"),
        ("UTF-16", b"\xff\xfe{\0}\0".to_vec(), "invalid_utf8", "invalid UTF-8 at byte 0"),
        ("no JSON", b"{broken".to_vec(), "json_invalid", "no key in quotes at byte 1"),
        ("truncated JSON", br#"{"a":[1,"#.to_vec(), "json_truncated", "the JSON text ends too early at byte 8"),
        (
            "control character",
            b"{\"a\":\"\x01\"}".to_vec(),
            "json_invalid",
            "a control character inside a string at byte 6",
        ),
        ("bad escape", br#"{"a":"\x"}"#.to_vec(), "json_invalid", "an unknown escape at byte 7"),
        ("not a number", br#"{"a":NaN}"#.to_vec(), "json_invalid", "no JSON value at byte 5"),
        ("objects in objects", r#"{"a":"#.repeat(100_000).into(), "nesting_too_deep", "nested too deep at byte 640"),
        ("lists in lists", "[".repeat(1_000_000).into(), "nesting_too_deep", "nested too deep at byte 128"),
        ("truncated gzip", truncated, "gzip_truncated", "the gzip data ends too early, "),
        ("damaged gzip", flipped, "gzip_invalid", "the gzip data is damaged after 7 bytes that came out of it: "),
        (
            "gzip header only",
            b"\x1f\x8b".to_vec(),
            "gzip_truncated",
            "the gzip data ends too early, 0 bytes came out of it",
        ),
        (
            "rubbish after gzip",
            [gzip("{}"), b"rubbish behind it".to_vec()].concat(),
            "gzip_invalid",
            "the gzip data is damaged after 2 bytes",
        ),
        (
            "gzip bomb",
            bomb,
            "unpacked_too_large",
            "the payload unpacks to more than the 33554432 bytes that are left to it",
        ),
        ("gzip bomb in gzip", bomb_of_bombs, "unpacked_too_large", "the payload unpacks to more than the "),
        (
            "gzip in gzip in gzip",
            matryoshka,
            "layers_too_many",
            "more than 8 envelopes and compressions in one another",
        ),
        ("truncated base64 of gzip", base64(gzip("{}"))[..13].into(), "base64_invalid", "the base64 text is damaged: "),
        ("cut base64 of gzip", base64(gzip("{}"))[..12].into(), "gzip_truncated", "the gzip data ends too early"),
        (
            "cut base64 of JSON",
            base64(r#"{"a":"bcdef"}"#)[..12].into(),
            "json_truncated",
            "the JSON text ends too early at byte 9",
        ),
        (
            "damaged awslogs",
            br#"{"awslogs":{"data":"H4s!"}}"#.to_vec(),
            "base64_invalid",
            "awslogs.data: the base64 text is damaged: ",
        ),
        (
            "no data in awslogs",
            br#"{"awslogs":{}}"#.to_vec(),
            "envelope_malformed",
            "there is no `awslogs.data` that is a string",
        ),
        ("only numbers", b"[[1]]".to_vec(), "not_an_event", "[0]: a list stands where an event should"),
        (
            "too large",
            vec![b'x'; (16 << 20) + 1],
            "payload_too_large",
            "the payload has 16777217 bytes, at most 16777216 are taken",
        ),
        (
            "too many events",
            "{}\n".repeat(50_001).into(),
            "events_too_many",
            "the payload holds more than 50000 events",
        ),
        ("too many lines", gzip("x\n".repeat(50_001)), "events_too_many", "the payload holds more than 50000 events"),
        (
            "too many elements",
            format!(r#"{{"a":[{}0]}}"#, "0,".repeat(1_000_000)).into(),
            "values_too_many",
            "the event has more than 100000 members and elements",
        ),
        (
            "too many keys",
            format!("{{{}\"z\":0}}", (0..200_000).map(|n| format!("\"{n}\":0,")).collect::<String>()).into(),
            "values_too_many",
            "too many keys in one object at byte 152740",
        ),
        (
            "too many empty lists",
            format!(r#"{{"a":{}{}}}"#, "[[]".to_owned() + &",[]".repeat(200_000), "]").into(),
            "values_too_many",
            "the event has more than 100000 members and elements",
        ),
    ];
    for (name, payload, kind, reason) in cases {
        let outcome = open(&payload);
        assert_eq!(outcome.events, [], "{name}");
        assert_eq!(outcome.kinds(), [(None, kind)], "{name}: {:?}", outcome.rejects);
        assert!(outcome.rejects[0].2.starts_with(reason), "{name}: {:?}", outcome.rejects[0].2);
    }
    let tombstone = open_record(&record(None), &TopicRules::default(), &Limits::default());
    assert_eq!(tombstone.rejects, [(None, "tombstone", "the record has no value (a tombstone)".to_owned())]);
    assert_eq!(tombstone.events, []);
}

/// Odd JSON that is an event all the same: it comes out with the same values.
#[test]
fn oddities_that_are_no_faults() {
    for (name, payload, body) in [
        ("the last of duplicate keys counts", r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
        ("half of a surrogate pair", r#"{"a":"x\ud800y"}"#, "{\"a\":\"x\u{fffd}y\"}"),
        ("a surrogate pair", r#"{"a":"\ud83d\ude00"}"#, r#"{"a":"😀"}"#),
        (
            "beyond 2^53",
            r#"{"a":9007199254740993,"b":-18446744073709551617}"#,
            r#"{"a":9007199254740993,"b":-18446744073709551617}"#,
        ),
        ("decimals keep their text", r#"{"a":1.10,"b":1E400,"c":-0}"#, r#"{"a":1.10,"b":1E400,"c":-0}"#),
        ("a byte order mark", "\u{feff}{\"a\":1}", r#"{"a":1}"#),
        ("white space around", "\r\n {\"a\":1} \n", r#"{"a":1}"#),
        ("an empty key and object", r#"{"":{}}"#, r#"{"":{}}"#),
        ("an escaped NUL", r#"{"a":"\u0000"}"#, r#"{"a":"\u0000"}"#),
    ] {
        let outcome = open(payload);
        assert_eq!(outcome.bodies(), [body], "{name}");
        assert_eq!(outcome.rejects, [], "{name}");
    }
}

/// What is broken in a payload of many is rejected alone.
#[test]
fn broken_events_among_good_ones() {
    let cases: Vec<(&str, Vec<u8>, &[&str], &[(Option<u32>, &str)])> = vec![
        ("a line", b"{\"a\":1}\n{broken\n{\"a\":2}\n".to_vec(), &[r#"{"a":1}"#, r#"{"a":2}"#], &[(Some(1), "json_invalid")]),
        ("the first line", b"{\"a\":\n{\"a\":2}\n".to_vec(), &[r#"{"a":2}"#], &[(Some(0), "json_truncated")]),
        ("the last line", b"{\"a\":1}\n{\"a\":".to_vec(), &[r#"{"a":1}"#], &[(Some(1), "json_truncated")]),
        ("a line that is no JSON", b"{\"a\":1}\nhello\n{\"a\":2}".to_vec(), &[r#"{"a":1}"#, r#"{"a":2}"#], &[(Some(1), "json_invalid")]),
        ("what follows without a line", br#"{"a":1}{"a":}{"a":2}"#.to_vec(), &[r#"{"a":1}"#], &[(Some(1), "json_invalid")]),
        ("invalid UTF-8", b"{\"a\":1}\n{\"a\":\"\xff\"}\n{\"a\":2}".to_vec(), &[r#"{"a":1}"#, r#"{"a":2}"#], &[(Some(1), "invalid_utf8")]),
        ("invalid UTF-8 between", b"{\"a\":1}\xff\n{\"a\":2}".to_vec(), &[r#"{"a":1}"#, r#"{"a":2}"#], &[(Some(1), "invalid_utf8")]),
        ("a deep one", [b"{\"a\":1}\n{\"a\":".to_vec(), b"[".repeat(500), b"\n{\"a\":2}".to_vec()].concat(), &[r#"{"a":1}"#, r#"{"a":2}"#], &[(Some(1), "nesting_too_deep")]),
        ("a line of text", b"one\n\xff\r\nthree\r\n".to_vec(), &["one", "three"], &[(Some(1), "invalid_utf8")]),
        ("an element of a list", br#"[{"a":1},2,"three",{"a":4}]"#.to_vec(), &[r#"{"a":1}"#, "three", r#"{"a":4}"#], &[(Some(1), "not_an_event")]),
        ("a record of a file", br#"{"Records":[{"a":1},null,{"a":3}]}"#.to_vec(), &[r#"{"a":1}"#, r#"{"a":3}"#], &[(Some(1), "not_an_event")]),
        (
            "a log event",
            br#"{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","logEvents":[{"id":"1","timestamp":5,"message":"one"},{"id":"2","timestamp":5},7,{"id":"4","timestamp":5,"message":"four"}]}"#.to_vec(),
            &["one", "four"],
            &[(Some(1), "envelope_malformed"), (Some(2), "envelope_malformed")],
        ),
        (
            "a record of Firehose",
            format!(r#"{{"requestId":"r","timestamp":1,"records":[{{"data":"{}"}},{{"data":"*"}},{{}},3,{{"data":"{}"}}]}}"#, base64("{\"a\":1}"), base64("{\"a\":2}")).into(),
            &[r#"{"a":1}"#, r#"{"a":2}"#],
            &[(Some(1), "base64_invalid"), (Some(2), "envelope_malformed"), (Some(3), "envelope_malformed")],
        ),
    ];
    for (name, payload, bodies, rejects) in cases {
        let outcome = open(&payload);
        assert_eq!(outcome.bodies(), bodies, "{name}");
        assert_eq!(outcome.kinds(), rejects, "{name}: {:?}", outcome.rejects);
        let mut positions: Vec<u32> = outcome.events.iter().map(|event| event.position).collect();
        positions.extend(outcome.rejects.iter().filter_map(|reject| reject.0));
        positions.sort();
        assert_eq!(positions, (0..positions.len() as u32).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn a_reason_says_where_in_the_envelope() {
    let data = base64(b"{\"a\":");
    let outcome =
        open(format!(r#"{{"requestId":"r","timestamp":1,"records":[{{"data":"e30="}},{{"data":"{data}"}}]}}"#));
    assert_eq!(outcome.rejects[0].2, "records[1]: data: the JSON text ends too early at byte 5");
    let outcome = open(r#"{"Records":[{"a":1},7]}"#);
    assert_eq!(outcome.rejects[0].2, "Records[1]: a number stands where an event should");
}

/// A bomb beside honest records takes them with it: none of a payload past a limit is kept.
#[test]
fn nothing_of_a_payload_past_a_limit_is_kept() {
    let bomb = base64(gzip(vec![b' '; 40 << 20]));
    let outcome = open(format!(
        r#"{{"requestId":"r","timestamp":1,"records":[{{"data":"{}"}},{{"data":"{bomb}"}}]}}"#,
        base64("{}")
    ));
    assert_eq!(outcome.events, []);
    assert_eq!(outcome.kinds(), [(None, "unpacked_too_large")]);
    // Many small ones add up.
    let part = base64(gzip(vec![b' '; 4 << 20]));
    let parts = vec![format!(r#"{{"data":"{part}"}}"#); 9].join(",");
    let outcome = open(format!(r#"{{"requestId":"r","timestamp":1,"records":[{parts}]}}"#));
    assert_eq!(outcome.kinds(), [(None, "unpacked_too_large")]);
}

#[test]
fn a_topic_may_fix_the_format() {
    let limits = Limits::default();
    let text = TopicRules { format: Format::Text, ..TopicRules::default() };
    let json = TopicRules { format: Format::Json, ..TopicRules::default() };
    let outcome = open_record(&record(Some(b"{\"a\":1}\n{broken\n")), &text, &limits);
    assert_eq!(outcome.bodies(), ["{\"a\":1}", "{broken"]);
    let outcome = open_record(&record(Some(b"hello")), &json, &limits);
    assert_eq!(outcome.kinds(), [(None, "json_invalid")]);
    assert_eq!(outcome.rejects[0].2, "neither a JSON object nor a list, and the topic takes JSON only");
    assert_eq!(open_record(&record(Some(&gzip("{\"a\":1}"))), &json, &limits).bodies(), ["{\"a\":1}"]);
}
