//! Properties of decoding: no bytes make it panic or pass a limit, and a well-formed envelope gives each event once and in order.

use std::collections::HashSet;

use proptest::collection::vec;
use proptest::prelude::*;
use sluice::decode::{Format, Limits, TopicRules};

use super::{base64, gzip, open, open_record, record};

/// Pieces from which hostile payloads are put together: what decides branches, whole and cut.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<Vec<u8>> = [
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        "\n",
        "\n{",
        "\\u",
        "\\ud800",
        "null",
        "1e9",
        "\u{feff}",
        "<34>1 ",
        "<13>",
        "CEF:0|",
        "H4sI",
        "eyJ",
        "{\"Records\":[",
        "{\"records\":[",
        "{\"data\":\"",
        "\"}]}",
        "{\"awslogs\":{\"data\":\"",
        "\"requestId\":\"r\",",
        "{\"messageType\":\"DATA_MESSAGE\",\"logEvents\":[",
        "{\"id\":\"1\",\"timestamp\":1,\"message\":\"",
        "CONTROL_MESSAGE",
        "{\"source\":\"s\",\"detail-type\":\"t\",\"detail\":{",
        "{\"@metadata\":{\"beat\":\"b\"},",
        "\"event\":{\"dataset\":\"aws.cloudtrail\"},",
        "\"eventVersion\":1,\"eventSource\":2,\"eventName\":3,\"eventID\":\"e\",\"eventTime\":\"2026-01-01T00:00:00Z\"",
        "Feb 29 23:59:60 ",
    ]
    .iter()
    .map(|word| word.as_bytes().to_vec())
    .collect();
    let deep = (1usize..300).prop_map(|levels| b"[".repeat(levels));
    prop_oneof![4 => proptest::sample::select(words), 2 => vec(any::<u8>(), 0..20), 1 => deep]
}

/// Any layers of packing around any pieces, cut anywhere.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    (vec(piece(), 0..12), vec(0..4u8, 0..6), any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |(pieces, layers, cut, is_cut)| {
            let packed = layers.into_iter().fold(pieces.concat(), |inner, layer| match layer {
                0 => gzip(inner),
                1 => base64(inner).into(),
                2 => format!(r#"{{"awslogs":{{"data":"{}"}}}}"#, base64(inner)).into(),
                _ => format!(r#"{{"requestId":"r","records":[{{"data":"{}"}},{{"data":"e30="}}]}}"#, base64(inner))
                    .into(),
            });
            let end = if is_cut { cut.index(packed.len() + 1) } else { packed.len() };
            packed[..end].to_vec()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic_or_pass_a_limit(payload in payload(), format in 0..3u8) {
        let limits = Limits { events_max: 20, unpacked_bytes_max: 10_000, event_values_max: 50, nesting_levels_max: 64, layers_max: 4, ..Limits::default() };
        let format = [Format::Auto, Format::Json, Format::Text][usize::from(format)];
        let topic = TopicRules { format, ..TopicRules::default() };
        let outcome = open_record(&record(Some(&payload)), &topic, &limits);
        prop_assert!(outcome.events.len() + outcome.rejects.len() <= 20);
        let mut positions = HashSet::new();
        prop_assert!(outcome.events.iter().all(|event| positions.insert(event.position)), "positions are distinct");
        prop_assert!(outcome.rejects.iter().filter_map(|reject| reject.0).all(|position| positions.insert(position)));
        prop_assert!(positions.iter().all(|position| *position < 20));
        if outcome.rejects.iter().any(|reject| reject.0.is_none()) {
            prop_assert!(outcome.events.is_empty() && outcome.rejects.len() == 1, "a payload is rejected whole or not");
        }
        // The same bytes give the same again: a replay must not look different.
        prop_assert_eq!(&outcome, &open_record(&record(Some(&payload)), &topic, &limits));
    }

    #[test]
    fn every_event_of_a_well_formed_envelope_comes_out_once_and_in_order(
        texts in vec("[^\u{0}]{0,12}", 1..20), split in 1usize..6, envelope in 0..8u8, packings in vec(any::<bool>(), 0..3),
    ) {
        let events: Vec<String> =
            texts.iter().enumerate().map(|(n, text)| serde_json::json!({ "n": n, "text": text }).to_string()).collect();
        let wrapped = match envelope {
            0 => events.join("\n"),
            1 => events.concat(),
            2 => format!("[{}]", events.join(",")),
            3 => format!(r#"{{"Records":[{}]}}"#, events.join(",")),
            4 => format!(r#"{{ "records" : [ {} ] }}"#, events.join(" ,\n")),
            5 => {
                let records: Vec<String> = events.chunks(split).map(|chunk| format!(r#"{{"data":"{}"}}"#, base64(gzip(chunk.concat())))).collect();
                format!(r#"{{"requestId":"r","timestamp":1,"records":[{}]}}"#, records.join(","))
            }
            6 => {
                let entries: Vec<_> = events.iter().enumerate().map(|(n, event)| serde_json::json!({ "id": n.to_string(), "timestamp": n, "message": event })).collect();
                serde_json::json!({ "messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "s", "logEvents": entries }).to_string()
            }
            _ => events.iter().map(|event| format!(r#"{{"source":"s","detail-type":"t","detail":{event}}}"#)).collect::<Vec<_>>().join("\n"),
        };
        let payload = packings.iter().fold(wrapped.into_bytes(), |inner, is_gzip| if *is_gzip { gzip(inner) } else { base64(gzip(inner)).into() });
        let outcome = open(&payload);
        prop_assert_eq!(&outcome.rejects, &vec![]);
        let values: Vec<serde_json::Value> = outcome.events.iter().map(|event| serde_json::from_str(&event.body).unwrap()).collect();
        let expected: Vec<serde_json::Value> = events.iter().map(|event| serde_json::from_str(event).unwrap()).collect();
        prop_assert_eq!(values, expected);
        let positions: Vec<u32> = outcome.events.iter().map(|event| event.position).collect();
        prop_assert_eq!(positions, (0..events.len() as u32).collect::<Vec<_>>());
        let ids: HashSet<_> = outcome.events.iter().map(|event| event.id).collect();
        prop_assert_eq!(ids.len(), events.len());
    }

    #[test]
    fn every_line_comes_out_once_and_in_order(lines in vec("[a-z<>:| 0-9]{0,30}", 1..30), is_crlf in any::<bool>()) {
        let payload = lines.join(if is_crlf { "\r\n" } else { "\n" });
        let expected: Vec<&str> = lines.iter().map(String::as_str).filter(|line| !line.trim().is_empty()).collect();
        prop_assume!(!expected.is_empty());
        let topic = TopicRules { format: Format::Text, ..TopicRules::default() };
        let outcome = open_record(&record(Some(payload.as_bytes())), &topic, &Limits::default());
        // White space around the whole payload is no part of a line.
        let bodies: Vec<&str> = outcome.bodies().into_iter().map(str::trim).collect();
        prop_assert_eq!(bodies, expected.iter().map(|line| line.trim()).collect::<Vec<_>>());
    }
}
