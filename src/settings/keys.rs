//! Every key of the settings, declared once: its form, default, example and meaning.
//!
//! Reading, unknown keys, defaults and the example file `pipelines/settings.yml` all follow this table. A key whose form needs more
//! than its own text (two keys that exclude each other) is checked in `settings::check`.

/// The form of a value. The same text forms serve the file, the environment and the defaults below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    /// In the environment and as a default: separated by commas.
    Texts,
    /// Text, or a reference to it, that is never shown.
    Secret,
    Flag,
    Count {
        min: u64,
        max: u64,
    },
    /// A number with a unit, as `500ms`, `60s`, `5m`, `1h`, `7d`.
    Duration {
        min_ms: u64,
        max_ms: u64,
    },
    /// Names, or mappings of the keys in [`TOPIC_KEYS`].
    Topics,
    /// A mapping of any keys to single values; values may be references.
    Properties,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// Sluice does not start without it.
    Required,
    /// Nothing is set unless it is given.
    Unset,
    Value(&'static str),
}

#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub path: &'static str,
    pub form: Form,
    pub default: Default,
    /// As written in YAML.
    pub example: &'static str,
    pub doc: &'static str,
}

/// What a topic may say besides its name.
pub const TOPIC_KEYS: [&str; 6] = ["name", "source", "format", "timezone", "namespace", "epoch"];

const MS: u64 = 1;
const SECOND: u64 = 1000 * MS;
const HOUR: u64 = 3600 * SECOND;
const DAY: u64 = 24 * HOUR;

pub const KEYS: &[Key] = &[
    Key {
        path: "kafka.brokers",
        form: Form::Text,
        default: Default::Required,
        example: "127.0.0.1:9092",
        doc: "Kafka's bootstrap brokers: host:port, separated by commas.",
    },
    Key {
        path: "kafka.group",
        form: Form::Text,
        default: Default::Value("sluice"),
        example: "sluice",
        doc: "The consumer group. All replicas of one installation share it; another group reads everything anew.",
    },
    Key {
        path: "kafka.topics",
        form: Form::Topics,
        default: Default::Required,
        example: "[logs]",
        doc: "The input topics: names, or mappings as {name: cloudtrail, source: aws_cloudtrail, format: json, timezone: \
              Asia/Tokyo, namespace: prod, epoch: 1}. source is the pipeline for all of the topic's records (else each is \
              recognised by its shape), format is auto, json or text (lines, also those that begin like JSON), timezone that of \
              times without one (else UTC), namespace that of the events (else default); epoch is raised by one when a topic was \
              deleted and made anew, so that its events get new ids.",
    },
    Key {
        path: "kafka.properties",
        form: Form::Properties,
        default: Default::Unset,
        example: "{security.protocol: SASL_SSL, sasl.username: sluice, sasl.password: \"${env:KAFKA_PASSWORD}\"}",
        doc: "Any property of librdkafka, for consumer and producer. In the environment `_` stands for the dot: \
              SLUICE__KAFKA__PROPERTIES__SECURITY_PROTOCOL.",
    },
    Key {
        path: "kafka.dead_letters",
        form: Form::Text,
        default: Default::Value("sluice.dead-letters"),
        example: "sluice.dead-letters",
        doc: "The topic for records that cannot be processed.",
    },
    Key {
        path: "opensearch.nodes",
        form: Form::Texts,
        default: Default::Required,
        example: "[http://127.0.0.1:9200]",
        doc: "The nodes of OpenSearch or Elasticsearch as URLs; requests go to all of them in turn.",
    },
    Key {
        path: "opensearch.username",
        form: Form::Text,
        default: Default::Unset,
        example: "sluice",
        doc: "The user of basic authentication, with opensearch.password.",
    },
    Key {
        path: "opensearch.password",
        form: Form::Secret,
        default: Default::Unset,
        example: "${env:OPENSEARCH_PASSWORD}",
        doc: "The password: the text itself, ${env:NAME} or ${file:path}.",
    },
    Key {
        path: "opensearch.api_key",
        form: Form::Secret,
        default: Default::Unset,
        example: "${env:OPENSEARCH_API_KEY}",
        doc: "An API key instead of a user: id:key, or its base64 form as Elasticsearch gives it.",
    },
    Key {
        path: "opensearch.client_certificate",
        form: Form::Text,
        default: Default::Unset,
        example: "certs/sluice.pem",
        doc: "A client certificate (PEM) instead of a user, with opensearch.client_key.",
    },
    Key {
        path: "opensearch.client_key",
        form: Form::Text,
        default: Default::Unset,
        example: "certs/sluice.key",
        doc: "The private key (PEM) of the client certificate.",
    },
    Key {
        path: "opensearch.ca",
        form: Form::Text,
        default: Default::Unset,
        example: "certs/ca.pem",
        doc: "The certificate authority (PEM) that signed the nodes' certificates, if not a public one.",
    },
    Key {
        path: "opensearch.sigv4.service",
        form: Form::Text,
        default: Default::Unset,
        example: "es",
        doc: "Sign requests with AWS credentials from the environment, a profile or the instance: es for a domain, aoss for serverless.",
    },
    Key {
        path: "opensearch.sigv4.region",
        form: Form::Text,
        default: Default::Unset,
        example: "eu-central-1",
        doc: "The region that requests are signed for.",
    },
    Key {
        path: "opensearch.gzip",
        form: Form::Flag,
        default: Default::Value("false"),
        example: "true",
        doc: "Compress bulk requests: less network, more CPU time on both sides.",
    },
    Key {
        path: "opensearch.requests_in_flight",
        form: Form::Count { min: 1, max: 64 },
        default: Default::Value("4"),
        example: "4",
        doc: "Bulk requests under way at one time.",
    },
    Key {
        path: "opensearch.requests_per_second",
        form: Form::Count { min: 1, max: 100_000 },
        default: Default::Unset,
        example: "50",
        doc: "At most so many bulk requests a second; without it as many as OpenSearch takes.",
    },
    Key {
        path: "opensearch.request_timeout",
        form: Form::Duration { min_ms: SECOND, max_ms: HOUR },
        default: Default::Value("60s"),
        example: "60s",
        doc: "A request without an answer for so long is sent again.",
    },
    Key {
        path: "opensearch.closed_index_dead_letter_after",
        form: Form::Duration { min_ms: SECOND, max_ms: 7 * DAY },
        default: Default::Value("1h"),
        example: "1h",
        doc: "Events for an index that stays closed or read-only for so long go to the dead letters; until then all wait.",
    },
    Key {
        path: "events.index",
        form: Form::Text,
        default: Default::Value("logs-sluice-{yyyy.MM.dd}"),
        example: "logs-sluice-{yyyy.MM.dd}",
        doc: "The events' index. {yyyy.MM.dd}, {yyyy.MM}, {yyyy}, {dataset} and {namespace} are filled in.",
    },
    Key {
        path: "pipelines.dir",
        form: Form::Text,
        default: Default::Unset,
        example: "pipelines/sources",
        doc: "The folder of ingest pipelines, one folder per source. Without it events are indexed as they came. Changes are taken up while \
              Sluice runs, and on SIGHUP.",
    },
    Key {
        path: "rules.dirs",
        form: Form::Texts,
        default: Default::Unset,
        example: "[pipelines/rules]",
        doc: "Folders of Sigma rules, a checkout of SigmaHQ's repository for one. Changes are taken up as those of pipelines.",
    },
    Key {
        path: "rules.overlay",
        form: Form::Text,
        default: Default::Unset,
        example: "rules-overlay.yml",
        doc: "A file that says per rule: off, shadow (matched and counted only) or on, level, exceptions.",
    },
    Key {
        path: "limits.memory_mib",
        form: Form::Count { min: 64, max: 1024 * 1024 },
        default: Default::Value("256"),
        example: "256",
        doc: "The budget for everything that grows: fetched, in flight, rules, producer. It holds with OpenSearch away.",
    },
    Key {
        path: "limits.payload_mib",
        form: Form::Count { min: 1, max: 1024 },
        default: Default::Value("16"),
        example: "16",
        doc: "The largest record that is decoded; a larger one goes to the dead letters. At most an eighth of the memory.",
    },
    Key {
        path: "limits.decompressed_mib",
        form: Form::Count { min: 1, max: 1024 },
        default: Default::Value("32"),
        example: "64",
        doc: "The most that one record may unpack to. At most a quarter of the memory.",
    },
    Key {
        path: "limits.events_per_payload",
        form: Form::Count { min: 1, max: 10_000_000 },
        default: Default::Value("50000"),
        example: "100000",
        doc: "The most events that one record may hold.",
    },
    Key {
        path: "limits.nesting_levels",
        form: Form::Count { min: 4, max: 200 },
        default: Default::Value("128"),
        example: "64",
        doc: "The deepest nesting of lists and objects in an event.",
    },
    Key {
        path: "telemetry.listen",
        form: Form::Text,
        default: Default::Value("127.0.0.1:9600"),
        example: "0.0.0.0:9600",
        doc: "The address of /metrics, /livez and /readyz; port 0 takes a free one and logs it.",
    },
    Key {
        path: "telemetry.log",
        form: Form::Text,
        default: Default::Value("info"),
        example: "info,sluice::source=debug",
        doc: "What is logged: error, warn, info, debug or trace, for all or per module.",
    },
];

pub fn key(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// Whether `path` is a mapping that keys lie under, such as `opensearch.sigv4`.
pub fn is_section(path: &str) -> bool {
    KEYS.iter().any(|key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// The names that may stand directly under the section `path` (`""` for the whole file), each once.
pub fn names_under(path: &str) -> Vec<&'static str> {
    let mut names = Vec::new();
    for key in KEYS {
        let rest = if path.is_empty() {
            Some(key.path)
        } else {
            key.path.strip_prefix(path).and_then(|rest| rest.strip_prefix('.'))
        };
        if let Some(name) = rest.and_then(|rest| rest.split('.').next())
            && names.last() != Some(&name)
        {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_distinct_and_no_key_is_also_a_section() {
        let distinct: std::collections::BTreeSet<_> = KEYS.iter().map(|key| key.path).collect();
        assert_eq!(distinct.len(), KEYS.len());
        assert!(KEYS.iter().all(|key| !is_section(key.path)));
    }

    #[test]
    fn names_under_a_section_are_its_own() {
        assert_eq!(names_under("opensearch.sigv4"), ["service", "region"]);
        assert!(names_under("").contains(&"kafka"));
    }
}
