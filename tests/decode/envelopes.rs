//! Every envelope, in every packing: the events in order, the hints, the facts, the identities.

use sluice::decode::{Limits, TopicRules};
use sluice::record::{Coordinates, Record};

use super::{Outcome, base64, gzip, open, open_record, record};

const TRAIL: &str = r#"{"eventVersion":"1.08","eventSource":"iam.amazonaws.com","eventName":"CreateUser","eventID":"0d3a-1","eventTime":"2026-09-20T10:00:00Z"}"#;
const TRAIL_MS: i64 = 1_789_898_400_000;

fn cloud_watch(events: &[(&str, &str)]) -> String {
    let events: Vec<String> = events
        .iter()
        .map(|(id, message)| {
            let message = serde_json::to_string(message).unwrap();
            format!(r#"{{"id":"{id}","timestamp":1690319075000,"message":{message}}}"#)
        })
        .collect();
    format!(
        r#"{{"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"/aws/lambda/f","logStream":"s-1","subscriptionFilters":["x"],"logEvents":[{}]}}"#,
        events.join(",")
    )
}

const CONTROL: &str = r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1510254469274,"message":"CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}"#;

fn firehose(records: &[Vec<u8>]) -> String {
    let records: Vec<String> = records.iter().map(|bytes| format!(r#"{{"data":"{}"}}"#, base64(bytes))).collect();
    format!(r#"{{"requestId":"r-1","timestamp":1578090901599,"records":[{}]}}"#, records.join(","))
}

fn event_bridge(source: &str, detail_type: &str, detail: &str) -> String {
    format!(
        r#"{{"version":"0","id":"eb-1","detail-type":"{detail_type}","source":"{source}","account":"123456789012","time":"2026-09-20T10:00:05Z","region":"eu-west-1","resources":["arn:x"],"detail":{detail}}}"#
    )
}

/// The same content in every packing that a shipper may choose.
#[test]
fn packings_change_nothing() {
    let lines = "{\"a\":1}\n{\"a\":2}\n";
    for (name, payload) in [
        ("lines", lines.as_bytes().to_vec()),
        ("no line break between", br#"{"a":1}{"a":2}"#.to_vec()),
        ("a list", br#" [ {"a":1} , {"a":2} ] "#.to_vec()),
        ("carriage returns", b"{\"a\":1}\r\n\r\n{\"a\":2}\r\n".to_vec()),
        ("gzip", gzip(lines)),
        ("gzip members", [gzip("{\"a\":1}\n"), gzip("{\"a\":2}\n")].concat()),
        ("a member that ends within an event", [gzip("{\"a\":1}\n{\"a\""), gzip(":2}\n")].concat()),
        ("base64", base64(lines).into()),
        ("base64 without padding, with a line break", (base64(lines).trim_end_matches('=').to_owned() + "\n").into()),
        ("base64 of a list", base64(r#"[{"a":1},{"a":2}]"#).into()),
        ("gzip in base64", base64(gzip(lines)).into()),
        ("a Firehose request", firehose(&[b"{\"a\":1}\n".to_vec(), gzip("{\"a\":2}\n"), vec![]]).into()),
        ("a Firehose request of base64", firehose(&[base64(lines).into()]).into()),
        ("a Firehose request in gzip", gzip(firehose(&[lines.into()]))),
        (
            "what a transformation is given",
            format!(r#"{{"invocationId":"i","deliveryStreamArn":"arn","region":"r","records":[{{"recordId":"1","approximateArrivalTimestamp":1,"data":"{}"}}]}}"#, base64(lines)).into(),
        ),
        (
            "what a transformation gives back",
            format!(r#"{{"records":[{{"recordId":"1","result":"Ok","data":"{}"}},{{"recordId":"2","result":"Dropped","data":""}}]}}"#, base64(lines)).into(),
        ),
        ("records of a file", br#"{"Records":[{"a":1},{"a":2}]}"#.to_vec()),
        ("records of Azure", br#"{"records":[{"a":1},{"a":2}]}"#.to_vec()),
    ] {
        let outcome = open(&payload);
        assert_eq!(outcome.bodies(), [r#"{"a":1}"#, r#"{"a":2}"#], "{name}: {:?}", outcome.rejects);
        assert_eq!(outcome.rejects, [], "{name}");
        let positions: Vec<_> = outcome.events.iter().map(|event| event.position).collect();
        assert_eq!(positions, [0, 1], "{name}");
    }
}

#[test]
fn an_envelope_with_something_beside_its_content_is_an_event() {
    for payload in [
        r#"{"Records":[{"a":1}],"host":"h"}"#,
        r#"{"records":[{"a":1}],"host":"h"}"#,
        r#"{"awslogs":{"data":"e30="},"host":"h"}"#,
        r#"{"Records":{"a":1}}"#,
        r#"{"records":7}"#,
        r#"{"messageType":"DATA_MESSAGE"}"#,
        r#"{"detail-type":"x","source":"y","detail":"z"}"#,
        r#"{"@metadata":{"x":1},"a":2}"#,
    ] {
        assert_eq!(open(payload).bodies(), [payload]);
    }
}

#[test]
fn cloud_watch_messages_come_out_with_their_group_and_id() {
    let payload = cloud_watch(&[
        ("100", "START\nRequestId: 1"),
        ("101", r#"{"level":"info"}"#),
        ("102", "{not json}"),
        ("103", TRAIL),
    ]);
    for packed in [
        payload.clone().into_bytes(),
        gzip(&payload),
        base64(gzip(&payload)).into(),
        format!(r#"{{"awslogs":{{"data":"{}"}}}}"#, base64(gzip(&payload))).into(),
    ] {
        let outcome = open(packed);
        assert_eq!(outcome.bodies(), ["START\nRequestId: 1", r#"{"level":"info"}"#, "{not json}", TRAIL]);
        for event in &outcome.events {
            assert_eq!(event.envelope, "CloudWatch");
            let facts = [
                ("cloud.provider", "\"aws\""),
                ("cloud.account.id", "\"123456789012\""),
                ("aws.cloudwatch.log_group", "\"/aws/lambda/f\""),
                ("aws.cloudwatch.log_stream", "\"s-1\""),
            ];
            assert_eq!(event.facts, facts.map(|(field, value)| (field, value.to_owned())));
        }
        let identities: Vec<_> = outcome.events.iter().map(|event| (event.extractor, event.time_ms)).collect();
        let own = ("cloudwatch.v1", Some(1_690_319_075_000));
        assert_eq!(identities, [own, own, own, ("cloudtrail.v1", Some(TRAIL_MS))]);
        assert_eq!(outcome.events[3].dataset.as_deref(), Some("aws.cloudtrail"));
    }
}

#[test]
fn a_control_message_gives_no_event() {
    for payload in [CONTROL.as_bytes().to_vec(), gzip(CONTROL), firehose(&[gzip(CONTROL)]).into()] {
        let outcome = open(payload);
        assert_eq!(outcome, Outcome { control_messages: 1, ..Outcome::default() });
    }
    let mixed = format!("{CONTROL}{}", cloud_watch(&[("1", "one")]));
    let outcome = open(mixed);
    assert_eq!((outcome.bodies(), outcome.control_messages), (vec!["one"], 1));
}

/// A message is one event whatever it looks like: its id is one, so what a function logs of its input must not multiply.
#[test]
fn a_list_inside_a_message_is_not_opened() {
    let outcome = open(cloud_watch(&[("1", r#"{"Records":[{"a":1},{"a":2}]}"#), ("2", "[{\"a\":1}]")]));
    assert_eq!(outcome.bodies(), [r#"{"Records":[{"a":1},{"a":2}]}"#, "[{\"a\":1}]"]);
}

#[test]
fn event_bridge_gives_its_detail() {
    let outcome = open(event_bridge("my.app", "Order", r#"{"order":7}"#));
    assert_eq!(outcome.bodies(), [r#"{"order":7}"#]);
    let event = &outcome.events[0];
    assert_eq!((event.envelope.as_str(), event.extractor), ("EventBridge", "eventbridge.v1"));
    assert_eq!(event.time_ms, Some(TRAIL_MS + 5_000));
    let facts: Vec<_> = event.facts.iter().map(|(field, value)| format!("{field}={value}")).collect();
    assert_eq!(
        facts,
        [
            r#"cloud.provider="aws""#,
            r#"cloud.account.id="123456789012""#,
            r#"cloud.region="eu-west-1""#,
            r#"aws.eventbridge.id="eb-1""#,
            r#"aws.eventbridge.source="my.app""#,
            r#"aws.eventbridge.detail_type="Order""#,
            r#"aws.eventbridge.time="2026-09-20T10:00:05Z""#,
            r#"aws.eventbridge.resources=["arn:x"]"#,
        ]
    );
    let findings = r#"{"findings":[{"SchemaVersion":"2018-10-08","ProductArn":"p","Id":"1","UpdatedAt":"2026-09-20T10:00:00Z"},{"SchemaVersion":"2018-10-08","ProductArn":"p","Id":"2","UpdatedAt":"2026-09-20T10:00:00Z"}]}"#;
    let outcome = open(event_bridge("aws.securityhub", "Security Hub Findings - Imported", findings));
    let ids: Vec<_> = outcome.events.iter().map(|event| (event.extractor, event.dataset.as_deref())).collect();
    assert_eq!(ids, [("securityhub.v1", Some("aws.securityhub_findings")); 2]);
    assert_ne!(outcome.events[0].id, outcome.events[1].id);
}

#[test]
fn beats_keep_everything_and_say_which_pipeline() {
    let payload = r#"{"@timestamp":"2026-09-20T10:00:00.000Z","@metadata":{"beat":"filebeat","type":"_doc","version":"8.19.0","pipeline":"filebeat-8.19.0-system-auth-pipeline"},"fileset":{"name":"auth"},"event":{"module":"system","dataset":"system.auth"},"message":"x"}"#;
    let outcome = open(payload);
    assert_eq!(outcome.bodies(), [payload]);
    let event = &outcome.events[0];
    assert_eq!((event.envelope.as_str(), event.extractor), ("Beats", ""));
    assert_eq!(event.dataset.as_deref(), Some("system.auth"));
    assert_eq!(event.pipeline.as_deref(), Some("filebeat-8.19.0-system-auth-pipeline"));
    assert_eq!(event.original, payload);
}

#[test]
fn lines_are_known_by_their_beginning() {
    for (line, envelope, time_ms) in [
        ("hello world", "Text(Plain)", None),
        ("<34>1 2026-09-20T10:00:00Z host app - - - hi", "Text(Syslog5424)", Some(TRAIL_MS)),
        ("<34>1 - host app - - - hi", "Text(Syslog5424)", None),
        ("<34>Sep 20 10:00:00 host su: hi", "Text(Syslog3164)", Some(TRAIL_MS)),
        ("<34>2026-09-20T12:00:00+02:00 host su: hi", "Text(Syslog3164)", Some(TRAIL_MS)),
        ("Sep 20 10:00:00 host su: hi", "Text(Syslog3164)", Some(TRAIL_MS)),
        ("<192>Sep 20 10:00:00 host su: hi", "Text(Plain)", None),
        ("<34>hi", "Text(Syslog3164)", None),
        ("CEF:0|Vendor|Product|1|2|name|5|src=10.0.0.1", "Text(Cef)", None),
        ("Sep 20 10:00:00 host CEF:0|Vendor|Product|1|2|name|5|src=10.0.0.1", "Text(Cef)", Some(TRAIL_MS)),
        ("[Sun Sep 20 10:00:00 2026] [error] no JSON", "Text(Plain)", None),
        ("H4sI am a line", "Text(Plain)", None),
        ("eyJhbGciOi.is.not base64", "Text(Plain)", None),
        ("42", "Text(Plain)", None),
    ] {
        let outcome = open(line);
        assert_eq!(outcome.bodies(), [line]);
        assert_eq!((outcome.events[0].envelope.as_str(), outcome.events[0].time_ms), (envelope, time_ms), "{line}");
    }
    let tokyo = TopicRules { zone: jiff::tz::TimeZone::get("Asia/Tokyo").unwrap(), ..TopicRules::default() };
    let outcome = open_record(&record(Some(b"<34>Sep 20 19:00:00 host su: hi")), &tokyo, &Limits::default());
    assert_eq!(outcome.events[0].time_ms, Some(TRAIL_MS));
}

/// One CloudTrail event, brought by everything that can bring it, is one document.
#[test]
fn the_same_event_through_any_envelope_is_one_document() {
    let message = serde_json::to_string(TRAIL).unwrap();
    let ids: Vec<_> = [
        TRAIL.to_owned(),
        format!(r#"{{"Records":[{TRAIL}]}}"#),
        cloud_watch(&[("9", TRAIL)]),
        firehose(&[gzip(cloud_watch(&[("9", TRAIL)]))]),
        event_bridge("aws.iam", "AWS API Call via CloudTrail", TRAIL),
        format!(r#"{{"@metadata":{{"beat":"filebeat"}},"event":{{"module":"aws","dataset":"aws.cloudtrail"}},"message":{message}}}"#),
    ]
    .iter()
    .map(|payload| {
        let outcome = open(payload);
        assert_eq!((outcome.events.len(), outcome.events[0].extractor), (1, "cloudtrail.v1"), "{payload}");
        outcome.events[0].id
    })
    .collect();
    assert!(ids.iter().all(|id| *id == ids[0] && id.time_ms() == TRAIL_MS), "{ids:?}");
}

/// Ids that are missing, empty, huge or of another type, and times that are none: the coordinates are the identity.
#[test]
fn a_malformed_id_falls_back_to_the_coordinates() {
    let huge = format!("\"{}\"", "x".repeat(513));
    for id in ["null", "7", "\"\"", "{}", "[\"a\"]", huge.as_str()] {
        let outcome = open(TRAIL.replace("\"0d3a-1\"", id));
        assert_eq!(
            (outcome.events[0].extractor, outcome.events[0].dataset.as_deref()),
            ("", Some("aws.cloudtrail")),
            "{id}"
        );
    }
    for time in ["null", "\"yesterday\"", "5", "\"1969-12-31T23:59:59Z\"", "\"2026-09-20T10:00:00\""] {
        let outcome = open(TRAIL.replace("\"2026-09-20T10:00:00Z\"", time));
        assert_eq!(outcome.events[0].extractor, "", "{time}");
    }
    for (from, to) in [
        ("\"id\":\"1\"", "\"id\":\"\""),
        ("1690319075000", "\"now\""),
        ("1690319075000", "-1"),
        ("\"owner\"", "\"other\""),
    ] {
        let outcome = open(cloud_watch(&[("1", "x")]).replace(from, to));
        assert_eq!((outcome.bodies(), outcome.events[0].extractor), (vec!["x"], ""), "{from} as {to}");
    }
}

#[test]
fn a_finding_is_one_document_for_each_of_its_states() {
    let guard_duty = r#"{"schemaVersion":"2.0","accountId":"1","region":"r","id":"f-1","type":"T","service":{"count":1},"updatedAt":"2026-09-20T10:00:00.000Z"}"#;
    let macie =
        r#"{"schemaVersion":"1.0","id":"f-1","type":"T","resourcesAffected":{},"updatedAt":"2026-09-20T10:00:00Z"}"#;
    let inspector = r#"{"awsAccountId":"1","findingArn":"f-1","updatedAt":"Sep 20, 2026, 10:00:00 AM"}"#;
    let hub = r#"{"SchemaVersion":"2018-10-08","ProductArn":"p","Id":"f-1","UpdatedAt":"2026-09-20T10:00:00Z","Workflow":{"Status":"NEW"}}"#;
    for (finding, extractor, later) in [
        (guard_duty, "guardduty.v1", guard_duty.replace("10:00:00", "11:00:00")),
        (macie, "macie.v1", macie.replace("10:00:00", "11:00:00")),
        (inspector, "inspector.v1", inspector.replace("10:00:00", "11:00:00")),
        (hub, "securityhub.v1", hub.replace("10:00:00", "11:00:00")),
        (hub, "securityhub.v1", hub.replace("NEW", "RESOLVED")),
    ] {
        let bare = &open(finding).events[0];
        assert_eq!((bare.extractor, bare.time_ms), (extractor, Some(TRAIL_MS)), "{finding}");
        assert_eq!(bare.id.time_ms(), TRAIL_MS);
        let wrapped = &open(event_bridge("aws.x", "Finding", finding)).events[0];
        assert_eq!((wrapped.id, wrapped.body.as_str()), (bare.id, finding));
        assert_ne!(open(&later).events[0].id, bare.id, "{later}");
    }
    // Exports leave the milliseconds out.
    assert_eq!(open(guard_duty).events[0].id, open(guard_duty.replace(".000Z", "Z")).events[0].id);
}

/// A dead letter that is produced again gives the documents that it gave before.
#[test]
fn a_record_produced_again_keeps_its_identity() {
    let first = record(Some(b"{\"a\":1}\n{\"a\":2}\n"));
    let mut again = Record {
        coordinates: Coordinates { offset: 99, ..first.coordinates.clone() },
        timestamp_ms: first.timestamp_ms + 86_400_000,
        ..first.clone()
    };
    let (topic, limits) = (TopicRules::default(), Limits::default());
    let ids = |record: &Record| open_record(record, &topic, &limits).events.iter().map(|e| e.id).collect::<Vec<_>>();
    assert_ne!(ids(&first), ids(&again));
    again.origin = Some(first.first());
    assert_eq!(ids(&first), ids(&again));
}
