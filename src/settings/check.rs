//! Raw settings made into [`Settings`]: what each value must be beyond its form, and which keys need or exclude each other.
//!
//! A function here returns `None` when its part cannot be built; the reason is then among the faults, and the others go on, so
//! that one run lists everything.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use config::ValueKind;
use jiff::tz::TimeZone;
use tracing_subscriber::EnvFilter;

use crate::decode::{self, Format, TopicRules};

use super::keys::TOPIC_KEYS;
use super::raw::Raw;
use super::{
    Credentials, Events, IndexName, Kafka, Limits, OpenSearch, Pipelines, Rules, Secret, Settings, Telemetry, Topic,
    TopicSource,
};

/// Kafka's own limit on the name of a topic.
const TOPIC_NAME_BYTES_MAX: usize = 249;

/// Properties that the delivery promise rests on, or that have a key of their own, with the way out.
const RESERVED_PROPERTIES: [(&str, &str); 9] = [
    ("bootstrap.servers", "set kafka.brokers instead"),
    ("metadata.broker.list", "set kafka.brokers instead"),
    ("group.id", "set kafka.group instead"),
    ("enable.auto.commit", "Sluice commits what is indexed; remove it"),
    ("enable.auto.offset.store", "Sluice commits what is indexed; remove it"),
    ("auto.offset.reset", "Sluice always begins at the earliest record, so that none is skipped; remove it"),
    ("enable.idempotence", "Sluice's producer is always idempotent; remove it"),
    ("acks", "Sluice waits for all replicas; remove it"),
    ("transactional.id", "Sluice uses no transactions; remove it"),
];

pub fn settings(raw: &mut Raw) -> Option<Settings> {
    // Each part first, so that the faults of all are found.
    let kafka = kafka(raw);
    let opensearch = opensearch(raw);
    let events = index_name(raw, "events.index");
    let pipelines = Pipelines { dir: path(raw, "pipelines.dir") };
    let rules = Rules {
        dirs: raw.texts("rules.dirs").into_iter().map(PathBuf::from).collect(),
        overlay: path(raw, "rules.overlay"),
    };
    let limits = limits(raw);
    let telemetry = telemetry(raw);
    Some(Settings {
        kafka: kafka?,
        opensearch: opensearch?,
        events: Events { index: events? },
        pipelines,
        rules,
        limits: limits?,
        telemetry: telemetry?,
    })
}

fn kafka(raw: &mut Raw) -> Option<Kafka> {
    let brokers = raw.text("kafka.brokers").filter(|text| brokers_are_good(raw, text));
    let group = raw.text("kafka.group");
    let dead_letters = topic_name(raw, "kafka.dead_letters");
    let topics = topics(raw);
    if let Some(name) = dead_letters.as_ref().filter(|name| topics.iter().any(|topic| topic.name == **name)) {
        raw.fault("kafka.dead_letters", format!("the topic {name} has another use already; give each its own topic"));
    }
    let properties = raw.properties("kafka.properties");
    for (name, advice) in RESERVED_PROPERTIES {
        if let Some((path, _)) = properties.get(name) {
            raw.fault(path, format!("may not be set: {advice}"));
        }
    }
    Some(Kafka {
        brokers: brokers?,
        group: group?,
        topics,
        properties: properties.into_iter().map(|(name, (_, value))| (name, value)).collect(),
        dead_letters: dead_letters?,
    })
}

fn brokers_are_good(raw: &mut Raw, text: &str) -> bool {
    for broker in text.split(',').map(str::trim) {
        let address = broker.rsplit_once("://").map_or(broker, |(_, address)| address);
        let port = address.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port);
        if !port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0)) {
            raw.fault("kafka.brokers", format!("`{broker}` is not host:port, as 127.0.0.1:9092"));
            return false;
        }
    }
    true
}

fn topic_name(raw: &mut Raw, path: &str) -> Option<String> {
    let name = raw.text(path)?;
    is_topic_name(raw, path, &name).then_some(name)
}

fn is_topic_name(raw: &mut Raw, path: &str, name: &str) -> bool {
    let allowed = |char: char| char.is_ascii_alphanumeric() || "._-".contains(char);
    if let Some(char) = name.chars().find(|char| !allowed(*char)) {
        raw.fault(path, format!("`{char}` may not be in a topic's name: letters, digits, `.`, `_` and `-` may"));
        return false;
    }
    if name.len() > TOPIC_NAME_BYTES_MAX || name == "." || name == ".." {
        raw.fault(path, format!("a topic's name has 1 to {TOPIC_NAME_BYTES_MAX} characters and is not `.` or `..`"));
        return false;
    }
    true
}

fn topics(raw: &mut Raw) -> Vec<Topic> {
    let mut topics: Vec<Topic> = Vec::new();
    let faults_before = raw.faults.len();
    for (path, item) in raw.items("kafka.topics") {
        let topic = match item.kind {
            ValueKind::Table(table) => mapped_topic(raw, &path, &table),
            _ => raw.as_text(&path, &item).filter(|name| is_topic_name(raw, &path, name)).map(|name| Topic {
                name,
                source: None,
                rules: TopicRules::default(),
                namespace: NAMESPACE.to_string(),
                epoch: 0,
            }),
        };
        let Some(topic) = topic else { continue };
        if topics.iter().any(|other| other.name == topic.name) {
            raw.fault(&path, format!("the topic {} is listed twice; remove one", topic.name));
            continue;
        }
        topics.push(topic);
    }
    if topics.is_empty() && raw.faults.len() == faults_before {
        raw.fault("kafka.topics", "there is no topic; name at least one, as [logs]");
    }
    topics
}

/// As Elastic's and OpenSearch's data streams call the namespace of those who name none.
const NAMESPACE: &str = "default";
/// `data_stream.namespace` may be no longer.
const NAMESPACE_BYTES_MAX: usize = 100;

fn mapped_topic(raw: &mut Raw, path: &str, table: &config::Map<String, config::Value>) -> Option<Topic> {
    let [name, source, format, timezone, namespace, epoch] = TOPIC_KEYS;
    let given = |key: &str| table.get(key).filter(|value| value.kind != ValueKind::Nil);
    let mut text = |key: &str| {
        let key_path = format!("{path}.{key}");
        given(key).and_then(|value| raw.as_text(&key_path, value))
    };
    let (topic_name, source, format) = (text(name), text(source), text(format));
    let (timezone, namespace) = (text(timezone), text(namespace));
    if given(name).is_none() {
        raw.fault(path, "a topic needs a name, as {name: logs}");
    }
    let topic_name = topic_name.filter(|text| is_topic_name(raw, &format!("{path}.name"), text))?;
    let format = match format.as_deref() {
        None | Some("auto") => Format::Auto,
        Some("json") => Format::Json,
        Some("text") => Format::Text,
        Some(_) => {
            raw.fault(&format!("{path}.format"), "auto, json or text is wanted");
            Format::Auto
        }
    };
    let zone = match timezone {
        None => TimeZone::UTC,
        Some(zone) => match TimeZone::get(&zone) {
            Ok(zone) => zone,
            Err(_) => {
                raw.fault(
                    &format!("{path}.timezone"),
                    format!("the time zone {zone} is not known; name one as Asia/Tokyo or UTC"),
                );
                TimeZone::UTC
            }
        },
    };
    let namespace = namespace.unwrap_or_else(|| NAMESPACE.to_string());
    let is_namespace_char = |char: char| !char.is_uppercase() && !r#"-\/*?"<>| ,#:"#.contains(char);
    if namespace.len() > NAMESPACE_BYTES_MAX || !namespace.chars().all(is_namespace_char) {
        raw.fault(
            &format!("{path}.namespace"),
            format!("a namespace is lower-case, without `-` and at most {NAMESPACE_BYTES_MAX} bytes long, as prod"),
        );
    }
    let epoch = match given(epoch).map(|value| &value.kind) {
        None => Some(0),
        Some(ValueKind::I64(number)) => u32::try_from(*number).ok(),
        Some(_) => None,
    };
    if epoch.is_none() {
        raw.fault(&format!("{path}.epoch"), "a whole number from 0 is wanted");
    }
    let source = source.map(|name| TopicSource { name, at: raw.place(&format!("{path}.source")) });
    Some(Topic { name: topic_name, source, rules: TopicRules { format, zone }, namespace, epoch: epoch.unwrap_or(0) })
}

fn opensearch(raw: &mut Raw) -> Option<OpenSearch> {
    let nodes = nodes(raw);
    let credentials = credentials(raw);
    let ca = path(raw, "opensearch.ca");
    let gzip = raw.flag("opensearch.gzip");
    let requests_in_flight = raw.count("opensearch.requests_in_flight");
    let requests_per_second = raw.count("opensearch.requests_per_second").and_then(|count| u32::try_from(count).ok());
    let request_timeout = raw.duration("opensearch.request_timeout");
    let closed_index_dead_letter_after = raw.duration("opensearch.closed_index_dead_letter_after");
    Some(OpenSearch {
        nodes,
        credentials: credentials?,
        ca,
        gzip: gzip?,
        requests_in_flight: usize::try_from(requests_in_flight?).ok()?,
        requests_per_second,
        request_timeout: request_timeout?,
        closed_index_dead_letter_after: closed_index_dead_letter_after?,
    })
}

fn nodes(raw: &mut Raw) -> Vec<String> {
    let path = "opensearch.nodes";
    let faults_before = raw.faults.len();
    let mut nodes = Vec::new();
    for (path, item) in raw.items(path) {
        let Some(text) = raw.as_text(&path, &item) else { continue };
        let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        let Some(host) = host.filter(|host| !host.is_empty() && !host.starts_with(['/', ':'])) else {
            raw.fault(&path, "a node is a URL, as http://127.0.0.1:9200 or https://search.example.com:9200");
            continue;
        };
        let authority = host.split('/').next().unwrap_or(host);
        if authority.contains('@') {
            // The URL is not repeated: it holds a password.
            raw.fault(&path, "a URL holds no user and password; set opensearch.username and opensearch.password");
            continue;
        }
        if host.contains(['?', '#']) || host.contains(char::is_whitespace) {
            raw.fault(&path, "a node's URL has no spaces, query or fragment");
            continue;
        }
        let port = authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map(|(_, port)| port);
        if port.is_some_and(|port| !port.parse::<u16>().is_ok_and(|port| port > 0)) {
            raw.fault(&path, "the port is not a number from 1 to 65535");
            continue;
        }
        nodes.push(text.trim_end_matches('/').to_string());
    }
    if nodes.is_empty() && raw.faults.len() == faults_before {
        raw.fault(path, "there is no node; name at least one, as [http://127.0.0.1:9200]");
    }
    nodes
}

fn credentials(raw: &mut Raw) -> Option<Credentials> {
    // The key that decides the kind, and the one that belongs to it.
    const KINDS: [(&str, Option<&str>); 4] = [
        ("opensearch.username", Some("opensearch.password")),
        ("opensearch.api_key", None),
        ("opensearch.client_certificate", Some("opensearch.client_key")),
        ("opensearch.sigv4.service", Some("opensearch.sigv4.region")),
    ];
    let mut first: Option<&str> = None;
    for (key, partner) in KINDS {
        let partner_given = partner.filter(|partner| raw.is_given(partner));
        if !raw.is_given(key) {
            if let Some(partner) = partner_given {
                raw.fault(partner, format!("{key} is missing beside it"));
            }
            continue;
        }
        if let (Some(partner), None) = (partner, partner_given) {
            raw.fault(key, format!("{partner} is missing beside it"));
        }
        match first {
            None => first = Some(key),
            Some(first) => raw.fault(key, format!("{first} is set too; keep one kind of credentials")),
        }
    }
    match first {
        None => Some(Credentials::None),
        Some("opensearch.username") => {
            let (username, password) = (raw.text("opensearch.username"), raw.secret("opensearch.password"));
            Some(Credentials::Basic { username: username?, password: password? })
        }
        Some("opensearch.api_key") => {
            let secret = raw.secret("opensearch.api_key")?;
            let api_key = api_key(secret.reveal());
            if api_key.is_none() {
                raw.fault("opensearch.api_key", "an API key is id:key, or that in base64");
            }
            api_key
        }
        Some("opensearch.client_certificate") => {
            let certificate = path(raw, "opensearch.client_certificate");
            let key = path(raw, "opensearch.client_key");
            Some(Credentials::ClientCertificate { certificate: certificate?, key: key? })
        }
        Some(_) => {
            let service = raw.text("opensearch.sigv4.service");
            if service.as_ref().is_some_and(|service| service != "es" && service != "aoss") {
                raw.fault("opensearch.sigv4.service", "es (a domain) or aoss (serverless) is wanted");
            }
            let region = raw.text("opensearch.sigv4.region");
            Some(Credentials::SigV4 { service: service?, region: region? })
        }
    }
}

fn api_key(text: &str) -> Option<Credentials> {
    let decoded = match text.contains(':') {
        true => text.to_string(),
        false => String::from_utf8(STANDARD.decode(text).ok()?).ok()?,
    };
    let (id, key) = decoded.split_once(':').filter(|(id, key)| !id.is_empty() && !key.is_empty())?;
    Some(Credentials::ApiKey { id: id.to_string(), key: Secret::new(key) })
}

fn index_name(raw: &mut Raw, path: &str) -> Option<IndexName> {
    let text = raw.text(path)?;
    match IndexName::parse(&text) {
        Ok(name) => Some(name),
        Err(message) => {
            raw.fault(path, message);
            None
        }
    }
}

fn limits(raw: &mut Raw) -> Option<Limits> {
    let memory = raw.count("limits.memory_mib");
    let payload = share_of_memory(raw, "limits.payload_mib", memory, 8);
    let decompressed = share_of_memory(raw, "limits.decompressed_mib", memory, 4);
    let events = raw.count("limits.events_per_payload");
    let nesting = raw.count("limits.nesting_levels");
    let bytes = |mib: Option<u64>| usize::try_from(mib?).ok()?.checked_mul(1024 * 1024);
    Some(Limits {
        memory_bytes: bytes(memory)?,
        decode: decode::Limits {
            payload_bytes_max: bytes(payload)?,
            unpacked_bytes_max: bytes(decompressed)?,
            events_max: u32::try_from(events?).ok()?,
            nesting_levels_max: usize::try_from(nesting?).ok()?,
            ..decode::Limits::default()
        },
    })
}

/// A size that may be at most one `divisor`th of the memory. The default shrinks with the memory; what was typed is refused instead.
fn share_of_memory(raw: &mut Raw, path: &str, memory_mib: Option<u64>, divisor: u64) -> Option<u64> {
    let mib = raw.count(path)?;
    let mib_max = memory_mib? / divisor;
    if mib > mib_max && raw.is_given(path) {
        let message = format!("limits.memory_mib allows at most {mib_max} here; lower it or raise limits.memory_mib");
        raw.fault(path, message);
    }
    Some(mib.min(mib_max))
}

fn telemetry(raw: &mut Raw) -> Option<Telemetry> {
    let listen = raw.text("telemetry.listen").and_then(|text| {
        let address = text.parse();
        if address.is_err() {
            raw.fault("telemetry.listen", format!("`{text}` is not an address and port, as 127.0.0.1:9600"));
        }
        address.ok()
    });
    let log = raw.text("telemetry.log").filter(|text| match EnvFilter::try_new(text) {
        Ok(_) => true,
        Err(_) => {
            let message = format!("`{text}` is no log filter, as info or info,sluice::source=debug");
            raw.fault("telemetry.log", message);
            false
        }
    });
    Some(Telemetry { listen: listen?, log: log? })
}

fn path(raw: &mut Raw, key: &str) -> Option<PathBuf> {
    raw.text(key).map(PathBuf::from)
}
