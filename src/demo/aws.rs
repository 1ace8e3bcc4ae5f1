//! What AWS would send: CloudTrail events, VPC flow log lines, and the envelopes around them.
//!
//! Shapes follow AWS's documentation; account, keys and addresses are those that it reserves for examples.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::records::Dice;

pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "eu-central-1";
/// Where the company's people sit.
pub const OFFICE: &str = "198.51.100.10";

/// Who calls AWS.
#[derive(Clone, Copy)]
pub enum Caller {
    User { name: &'static str, key: &'static str },
    Role { name: &'static str, session: &'static str },
    Service(&'static str),
}

pub struct Call<'a> {
    pub source: &'a str,
    pub name: &'a str,
    pub caller: Caller,
    pub address: &'a str,
    pub agent: &'a str,
    pub request: Value,
    pub response: Value,
    /// Code and message.
    pub error: Option<(&'a str, &'a str)>,
    pub mfa: bool,
}

pub fn call(dice: &mut Dice, at_ms: i64, call: &Call) -> Value {
    let time = time(at_ms);
    let is_read_only = ["Get", "List", "Describe", "Head"].iter().any(|verb| call.name.starts_with(verb));
    let mut event = json!({
        "eventVersion": "1.09",
        "userIdentity": identity(call, &time),
        "eventTime": time,
        "eventSource": call.source,
        "eventName": call.name,
        "awsRegion": REGION,
        "sourceIPAddress": call.address,
        "userAgent": call.agent,
        "requestParameters": call.request,
        "responseElements": call.response,
        "requestID": dice.uuid(),
        "eventID": dice.uuid(),
        "readOnly": is_read_only,
        "eventType": if call.name == "ConsoleLogin" { "AwsConsoleSignIn" } else { "AwsApiCall" },
        "managementEvent": call.name != "GetObject",
        "recipientAccountId": ACCOUNT,
        "eventCategory": if call.name == "GetObject" { "Data" } else { "Management" },
    });
    let Some(fields) = event.as_object_mut() else { return event };
    if let Some((code, message)) = call.error {
        // A failed sign-in says so in its response elements and has a message without a code.
        if call.name != "ConsoleLogin" {
            fields.insert("errorCode".to_string(), json!(code));
        }
        fields.insert("errorMessage".to_string(), json!(message));
    }
    if call.name == "ConsoleLogin" {
        let used = if call.mfa { "Yes" } else { "No" };
        fields.insert(
            "additionalEventData".to_string(),
            json!({"LoginTo": "https://console.aws.amazon.com/console/home", "MobileVersion": "No", "MFAUsed": used}),
        );
    } else if !matches!(call.caller, Caller::Service(_)) {
        fields.insert(
            "tlsDetails".to_string(),
            json!({"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256", "clientProvidedHostHeader": call.source}),
        );
    }
    event
}

fn identity(call: &Call, time: &str) -> Value {
    match call.caller {
        Caller::User { name, key } => {
            let mut identity = json!({
                "type": "IAMUser",
                "principalId": "AIDACKCEVSQ6C2EXAMPLE",
                "arn": format!("arn:aws:iam::{ACCOUNT}:user/{name}"),
                "accountId": ACCOUNT,
                "userName": name,
            });
            if call.name != "ConsoleLogin"
                && let Some(fields) = identity.as_object_mut()
            {
                fields.insert("accessKeyId".to_string(), json!(key));
            }
            identity
        }
        Caller::Role { name, session } => json!({
            "type": "AssumedRole",
            "principalId": format!("AROAIDPPEZS35WEXAMPLE:{session}"),
            "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{session}"),
            "accountId": ACCOUNT,
            "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": "AROAIDPPEZS35WEXAMPLE",
                    "arn": format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
                    "accountId": ACCOUNT,
                    "userName": name,
                },
                "attributes": {"creationDate": time, "mfaAuthenticated": "false"},
            },
        }),
        Caller::Service(name) => json!({"type": "AWSService", "invokedBy": name}),
    }
}

const BROWSER: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36";
const CLI: &str = "aws-cli/2.17.40 md/awscrt#0.21.2 ua/2.0 os/linux#6.1.0 lang/python#3.11.9 cfg/retry-mode#standard";
const TERRAFORM: &str = "APN/1.0 HashiCorp/1.0 Terraform/1.9.5 aws-sdk-go-v2/1.30.3";

/// A call as they happen all day: people looking, machines working, a little of it denied.
pub fn everyday_call(dice: &mut Dice, at_ms: i64) -> Value {
    let people =
        [("alice", "AKIAI44QH8DHBEXAMPLE"), ("bob", "AKIAIOSFODNN7BEXAMPL"), ("carol", "AKIAIOSFODNN7CEXAMPL")];
    let (name, key) = dice.one_of(&people);
    let person = Caller::User { name, key };
    let node = Caller::Role { name: "app-node", session: dice.one_of(&["i-0a1b2c3d4e5f60001", "i-0a1b2c3d4e5f60002"]) };
    let bucket = dice.one_of(&["app-assets", "app-backups", "billing-reports"]);
    let of_node = |source, name, request| Call {
        source,
        name,
        caller: node,
        address: "203.0.113.20",
        agent: "aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.6",
        request,
        response: Value::Null,
        error: None,
        mfa: false,
    };
    let of_person =
        |source, name, request| Call { caller: person, address: OFFICE, agent: CLI, ..of_node(source, name, request) };
    let described = match dice.below(100) {
        0..25 => of_node(
            "s3.amazonaws.com",
            "PutObject",
            json!({"bucketName": bucket, "key": format!("day/{}", dice.below(9999))}),
        ),
        25..40 => of_node("kms.amazonaws.com", "Decrypt", json!({"encryptionAlgorithm": "SYMMETRIC_DEFAULT"})),
        40..55 => Call {
            caller: Caller::Service("ec2.amazonaws.com"),
            address: "ec2.amazonaws.com",
            agent: "ec2.amazonaws.com",
            response: json!({"credentials": {"accessKeyId": "ASIAIOSFODNN7EXAMPLE", "sessionToken": "HIDDEN_DUE_TO_SECURITY_REASONS"}}),
            ..of_node(
                "sts.amazonaws.com",
                "AssumeRole",
                json!({"roleArn": format!("arn:aws:iam::{ACCOUNT}:role/app-node"), "roleSessionName": "i-0a1b2c3d4e5f60001"}),
            )
        },
        55..75 => of_person(
            "ec2.amazonaws.com",
            "DescribeInstances",
            json!({"maxResults": 100, "instancesSet": {}, "filterSet": {}}),
        ),
        75..83 => of_person("s3.amazonaws.com", "ListBuckets", json!({"Host": "s3.eu-central-1.amazonaws.com"})),
        83..90 => {
            Call { agent: TERRAFORM, ..of_person("iam.amazonaws.com", "GetRole", json!({"roleName": "app-node"})) }
        }
        90..95 => of_person("sts.amazonaws.com", "GetCallerIdentity", Value::Null),
        95..98 => Call {
            agent: BROWSER,
            response: json!({"ConsoleLogin": "Success"}),
            mfa: true,
            ..of_person("signin.amazonaws.com", "ConsoleLogin", Value::Null)
        },
        _ => Call {
            error: Some(("AccessDenied", "User is not authorized to perform: cloudwatch:GetMetricData")),
            ..of_person("monitoring.amazonaws.com", "GetMetricData", Value::Null)
        },
    };
    call(dice, at_ms, &described)
}

/// A line in VPC flow logs' default format, version 2.
pub struct Flow<'a> {
    pub from: (&'a str, u16),
    pub to: (&'a str, u16),
    pub protocol: u8,
    pub packets: u64,
    pub bytes: u64,
    pub is_accepted: bool,
}

pub fn flow(at_ms: i64, flow: &Flow) -> String {
    let (start, action) = (at_ms / 1000, if flow.is_accepted { "ACCEPT" } else { "REJECT" });
    format!(
        "2 {ACCOUNT} eni-0f00ba4000000001 {} {} {} {} {} {} {} {start} {} {action} OK",
        flow.from.0,
        flow.to.0,
        flow.from.1,
        flow.to.1,
        flow.protocol,
        flow.packets,
        flow.bytes,
        start + 57,
    )
}

pub fn everyday_flow(dice: &mut Dice, at_ms: i64) -> String {
    if dice.below(200) == 0 {
        let start = at_ms / 1000;
        return format!("2 {ACCOUNT} eni-0f00ba4000000002 - - - - - - - {start} {} - NODATA", start + 60);
    }
    let client = format!("192.0.2.{}", 1 + dice.below(250));
    let near = format!("10.0.{}.{}", dice.below(3), 10 + dice.below(40));
    let port = u16::try_from(32_768 + dice.below(28_000)).unwrap_or(40_000);
    let packets = 2 + dice.below(60);
    let (from, to, protocol) = match dice.below(10) {
        0..5 => ((client.as_str(), port), ("10.0.1.20", 443), 6),
        5..7 => ((near.as_str(), port), ("10.0.2.5", 5432), 6),
        7..9 => ((near.as_str(), port), ("10.0.0.2", 53), 17),
        _ => ((near.as_str(), port), ("198.51.100.80", 443), 6),
    };
    let is_accepted = dice.below(50) != 0;
    flow(at_ms, &Flow { from, to, protocol, packets, bytes: packets * (60 + dice.below(900)), is_accepted })
}

/// A subscription's payload as Kafka gets it from Firehose: gzip.
pub fn cloudwatch(dice: &mut Dice, lines: &[(i64, String)]) -> Vec<u8> {
    let events: Vec<Value> = lines
        .iter()
        .map(|(at_ms, line)| {
            let id = format!("3{:018}{:018}{:019}", at_ms, dice.below(1 << 59), dice.below(1 << 62));
            json!({"id": id, "timestamp": at_ms, "message": line})
        })
        .collect();
    gzip(&json!({
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": "/aws/vpc/flowlogs",
        "logStream": "eni-0f00ba4000000001-all",
        "subscriptionFilters": ["to-kafka"],
        "logEvents": events,
    }))
}

/// What CloudWatch sends to see whether anyone listens; no event.
pub fn control_message() -> Vec<u8> {
    gzip(&json!({
        "messageType": "CONTROL_MESSAGE",
        "owner": "CloudwatchLogs",
        "logGroup": "",
        "logStream": "",
        "subscriptionFilters": [],
        "logEvents": [{"id": "", "timestamp": 0, "message": "CWL CONTROL MESSAGE: Checking health of destination Firehose."}],
    }))
}

pub fn event_bridge(dice: &mut Dice, detail: Value) -> Vec<u8> {
    let source = detail.get("eventSource").and_then(Value::as_str).unwrap_or_default();
    let service = source.split('.').next().unwrap_or_default();
    json!({
        "version": "0",
        "id": dice.uuid(),
        "detail-type": if service == "signin" { "AWS Console Sign In via CloudTrail" } else { "AWS API Call via CloudTrail" },
        "source": format!("aws.{service}"),
        "account": ACCOUNT,
        "time": detail.get("eventTime"),
        "region": REGION,
        "resources": [],
        "detail": detail,
    })
    .to_string()
    .into_bytes()
}

fn gzip(value: &Value) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to a Vec does not fail.
    let _ = encoder.write_all(value.to_string().as_bytes());
    encoder.finish().unwrap_or_default()
}

fn time(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
