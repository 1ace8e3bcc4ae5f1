//! Settings as an operator meets them: every kind of mistake with the exact message, the environment, and the example file.
//!
//! Each `*.bad.yml` beside this file begins with the faults that it must give, one comment line each.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use sluice::decode::{self, Format};
use sluice::settings::keys::{Default, Form, KEYS};
use sluice::settings::{Credentials, Faults, Secret, Settings};

const MINIMAL: &str =
    "kafka: {brokers: '127.0.0.1:9092', topics: [logs]}\nopensearch: {nodes: ['http://127.0.0.1:9200']}\n";

fn parse(text: &str, variables: &[(&str, &str)]) -> Result<Settings, Faults> {
    let environment = variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    Settings::parse("sluice.yml", text, &environment)
}

fn fault_lines(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    parse(text, variables)
        .err()
        .map_or_else(Vec::new, |faults| faults.0.iter().map(|fault| fault.to_string()).collect())
}

#[test]
fn every_faulty_file_gives_exactly_its_faults() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/settings");
    let mut files: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.to_string_lossy().ends_with(".bad.yml"));
    files.sort();
    assert!(files.len() >= 40, "only {} faulty files were found", files.len());
    let mut differing = Vec::new();
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let expected: Vec<String> =
            text.lines().map_while(|line| line.strip_prefix("# ")).map(str::to_string).collect();
        let given: Vec<String> = match Settings::parse(&name, &text, &HashMap::new()) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.0.iter().map(|fault| fault.to_string()).collect(),
        };
        if expected.is_empty() || given != expected {
            differing.push(format!("{name}\n  expected {expected:#?}\n  given {given:#?}"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn the_keys_of_the_first_release_are_read() {
    let text = r#"
kafka:
  brokers: 127.0.0.1:9092
  group: sluice
  topics: [logs, {name: cloudtrail, source: aws_cloudtrail, format: json, timezone: Asia/Tokyo, namespace: prod, epoch: 2}]
  properties: {session.timeout.ms: 6000, enable.ssl.certificate.verification: false}
opensearch:
  nodes: [http://127.0.0.1:9200, "https://[::1]:9200/"]
events:
  index: "logs-sluice-{yyyy.MM.dd}"
pipelines:
  dir: pipelines/sources
telemetry:
  listen: 127.0.0.1:9600
limits:
  memory_mib: 256
"#;
    let settings = parse(text, &[]).unwrap();
    assert_eq!(settings.kafka.topics[0].name, "logs");
    assert_eq!(settings.kafka.topics[0].namespace, "default");
    let cloudtrail = &settings.kafka.topics[1];
    assert_eq!(
        (cloudtrail.source.as_ref().map(|source| source.name.as_str()), cloudtrail.epoch),
        (Some("aws_cloudtrail"), 2)
    );
    assert_eq!(cloudtrail.rules.zone.iana_name(), Some("Asia/Tokyo"));
    assert_eq!((settings.kafka.topics[0].rules.format, cloudtrail.rules.format), (Format::Auto, Format::Json));
    assert_eq!(settings.limits.decode, decode::Limits::default());
    let properties: BTreeMap<_, _> =
        settings.kafka.properties.iter().map(|(name, value)| (name.as_str(), value.reveal())).collect();
    assert_eq!(properties["session.timeout.ms"], "6000");
    assert_eq!(properties["enable.ssl.certificate.verification"], "false");
    assert_eq!(settings.opensearch.nodes, ["http://127.0.0.1:9200", "https://[::1]:9200"]);
    assert_eq!(settings.limits.memory_bytes, 256 << 20);
    assert_eq!(settings.pipelines.dir, Some(PathBuf::from("pipelines/sources")));
}

#[test]
fn variables_override_the_file() {
    let settings = parse(
        MINIMAL,
        &[
            ("SLUICE__KAFKA__BROKERS", "a:1,b:2"),
            ("SLUICE__KAFKA__TOPICS", "one, two"),
            ("SLUICE__KAFKA__GROUP", "007"),
            ("SLUICE__KAFKA__PROPERTIES__SECURITY_PROTOCOL", "SSL"),
            ("SLUICE__OPENSEARCH__NODES", "http://a:9200,http://b:9200"),
            ("SLUICE__OPENSEARCH__GZIP", "true"),
            ("SLUICE__OPENSEARCH__SIGV4__SERVICE", "es"),
            ("SLUICE__OPENSEARCH__SIGV4__REGION", "eu-central-1"),
            ("SLUICE__OPENSEARCH__REQUEST_TIMEOUT", "500ms"),
            ("SLUICE__LIMITS__MEMORY_MIB", "64"),
            ("SLUICE_LOG", "no variable of the settings"),
        ],
    );
    let faults = settings.unwrap_err();
    let expected = "environment: SLUICE__OPENSEARCH__REQUEST_TIMEOUT: a time from 1s to 1h is wanted: a number with ms, s, m, h or d, as 60s";
    assert_eq!(faults.to_string(), expected);

    let settings = parse(
        MINIMAL,
        &[
            ("SLUICE__KAFKA__BROKERS", "a:1,b:2"),
            ("SLUICE__KAFKA__TOPICS", "one, two"),
            ("SLUICE__KAFKA__GROUP", "007"),
            ("SLUICE__KAFKA__PROPERTIES__SECURITY_PROTOCOL", "SSL"),
            ("SLUICE__OPENSEARCH__NODES", "http://a:9200,http://b:9200"),
            ("SLUICE__OPENSEARCH__GZIP", "true"),
            ("SLUICE__LIMITS__MEMORY_MIB", "64"),
        ],
    )
    .unwrap();
    assert_eq!(settings.kafka.brokers, "a:1,b:2");
    assert_eq!(settings.kafka.group, "007");
    assert_eq!(settings.kafka.topics.iter().map(|topic| topic.name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(settings.kafka.properties.get("security.protocol"), Some(&Secret::new("SSL")));
    assert_eq!(settings.opensearch.nodes, ["http://a:9200", "http://b:9200"]);
    assert!(settings.opensearch.gzip);
    // The default sizes shrink with the memory instead of becoming faults that nobody typed.
    assert_eq!((settings.limits.memory_bytes, settings.limits.decode.payload_bytes_max), (64 << 20, 8 << 20));
}

#[test]
fn variables_alone_are_enough() {
    let variables = [
        ("SLUICE__KAFKA__BROKERS", "kafka:9092"),
        ("SLUICE__KAFKA__TOPICS", "logs"),
        ("SLUICE__OPENSEARCH__NODES", "http://opensearch:9200"),
    ];
    assert!(parse("", &variables).is_ok());
}

#[test]
fn faults_of_the_environment_name_the_variable() {
    for (variable, value, expected) in [
        (
            "SLUICE__KAFKA__BROKER",
            "a:1",
            "environment: unknown variable SLUICE__KAFKA__BROKER; did you mean SLUICE__KAFKA__BROKERS?",
        ),
        (
            "SLUICE__DEBUG",
            "1",
            "environment: unknown variable SLUICE__DEBUG; a variable is named like its key, as SLUICE__KAFKA__BROKERS for kafka.brokers",
        ),
        (
            "SLUICE__KAFKA__TOPICS[99999999999]",
            "a",
            "environment: unknown variable SLUICE__KAFKA__TOPICS[99999999999]; a variable is named like its key, as SLUICE__KAFKA__BROKERS for kafka.brokers",
        ),
        (
            "SLUICE__KAFKA__GROUP",
            " ",
            "environment: SLUICE__KAFKA__GROUP: it is empty; give it a value or leave the key out",
        ),
        (
            "SLUICE__KAFKA__TOPICS",
            "logs,my logs",
            "environment: SLUICE__KAFKA__TOPICS: ` ` may not be in a topic's name: letters, digits, `.`, `_` and `-` may",
        ),
        (
            "SLUICE__KAFKA__TOPICS",
            ",",
            "environment: SLUICE__KAFKA__TOPICS: there is no topic; name at least one, as [logs]",
        ),
        (
            "SLUICE__LIMITS__MEMORY_MIB",
            "lots",
            "environment: SLUICE__LIMITS__MEMORY_MIB: a whole number from 64 to 1048576 is wanted",
        ),
        ("SLUICE__OPENSEARCH__GZIP", "yes", "environment: SLUICE__OPENSEARCH__GZIP: true or false is wanted"),
        (
            "SLUICE__KAFKA__PROPERTIES__GROUP_ID",
            "other",
            "environment: SLUICE__KAFKA__PROPERTIES__GROUP_ID: may not be set: set kafka.group instead",
        ),
        (
            "SLUICE__KAFKA__PROPERTIES__SASL_PASSWORD",
            "${env:ABSENT}",
            "environment: SLUICE__KAFKA__PROPERTIES__SASL_PASSWORD: the environment variable ABSENT is not set; set it, or name another one",
        ),
    ] {
        assert_eq!(fault_lines(MINIMAL, &[(variable, value)]), [expected], "{variable}={value}");
    }
}

#[test]
fn credentials_come_in_one_kind_and_by_reference() {
    let secret = Secret::new;
    for (keys, expected) in [
        ("", Credentials::None),
        (
            "username: u\n  password: ${env:PASSWORD}",
            Credentials::Basic { username: "u".to_string(), password: secret("hunter2") },
        ),
        ("api_key: id:key", Credentials::ApiKey { id: "id".to_string(), key: secret("key") }),
        ("api_key: aWQ6a2V5", Credentials::ApiKey { id: "id".to_string(), key: secret("key") }),
        (
            "client_certificate: c.pem\n  client_key: c.key",
            Credentials::ClientCertificate { certificate: "c.pem".into(), key: "c.key".into() },
        ),
        (
            "sigv4: {service: aoss, region: eu-central-1}",
            Credentials::SigV4 { service: "aoss".to_string(), region: "eu-central-1".to_string() },
        ),
    ] {
        let text =
            format!("kafka: {{brokers: 'a:1', topics: [logs]}}\nopensearch:\n  nodes: ['http://a:9200']\n  {keys}\n");
        let settings = parse(&text, &[("PASSWORD", "hunter2")]).unwrap();
        assert_eq!(settings.opensearch.credentials, expected);
        let debug = format!("{settings:?}");
        assert!(!debug.contains("hunter2") && !debug.contains("\"key\""), "{debug}");
    }
}

/// The example file as the declaration of the keys has it.
fn example_file() -> String {
    let mut text = String::from(
        "# The example settings: every key with its meaning; those that are commented out show their default or an example.\n\
         # Every key can also come from the environment, as SLUICE__KAFKA__BROKERS for kafka.brokers; lists by comma.\n",
    );
    let mut open: Vec<&str> = Vec::new();
    for key in KEYS {
        let parts: Vec<&str> = key.path.split('.').collect();
        let (name, sections) = parts.split_last().unwrap();
        let is_active = matches!(key.default, Default::Required) || matches!(key.path, "pipelines.dir");
        let shared = open.iter().zip(sections).take_while(|(a, b)| a == b).count();
        for (depth, section) in sections.iter().enumerate().skip(shared) {
            if depth == 0 {
                text.push_str(&format!("\n{section}:\n"));
            } else {
                text.push_str(&format!("{}# {section}:\n", "  ".repeat(depth)));
            }
        }
        let indent = "  ".repeat(sections.len());
        if shared == sections.len() {
            text.push('\n');
        }
        for line in wrapped(key.doc, 118 - indent.len()) {
            text.push_str(&format!("{indent}# {line}\n"));
        }
        let value = match key.default {
            Default::Value(value) => value,
            Default::Required | Default::Unset => key.example,
        };
        let needs_quotes = matches!(key.form, Form::Text | Form::Secret) && value.contains('{');
        let value = if needs_quotes { format!("\"{value}\"") } else { value.to_string() };
        let mark = if is_active { "" } else { "# " };
        text.push_str(&format!("{indent}{mark}{name}: {value}\n"));
        open = sections.to_vec();
    }
    text
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().unwrap();
        if !line.is_empty() && line.len() + word.len() >= width {
            lines.push(word.to_string());
        } else {
            *line = if line.is_empty() { word.to_string() } else { format!("{line} {word}") };
        }
    }
    lines
}

#[test]
fn the_example_file_is_what_the_keys_declare() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/settings.yml");
    let expected = example_file();
    if std::env::var_os("SLUICE_UPDATE_EXAMPLE").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, expected, "pipelines/settings.yml is stale: run this test with SLUICE_UPDATE_EXAMPLE=1");
    parse(&written, &[]).unwrap();
}

#[test]
fn every_example_and_default_of_a_key_is_accepted() {
    let partners = [
        ("opensearch.username", "opensearch.password"),
        ("opensearch.client_certificate", "opensearch.client_key"),
        ("opensearch.sigv4.service", "opensearch.sigv4.region"),
    ];
    let environment = [("OPENSEARCH_PASSWORD", "p"), ("OPENSEARCH_API_KEY", "id:key"), ("KAFKA_PASSWORD", "p")];
    for key in KEYS {
        let partner = partners.iter().find_map(|(a, b)| match key.path {
            path if path == *a => Some(*b),
            path if path == *b => Some(*a),
            _ => None,
        });
        let shown = KEYS.iter().filter(|other| {
            matches!(other.default, Default::Required) || other.path == key.path || Some(other.path) == partner
        });
        // As the file has them: a section opens once, so that no key is written twice.
        let mut text = String::new();
        let mut open: Vec<&str> = Vec::new();
        for key in shown {
            let parts: Vec<&str> = key.path.split('.').collect();
            let (name, sections) = parts.split_last().unwrap();
            let shared = open.iter().zip(sections).take_while(|(a, b)| a == b).count();
            for (depth, section) in sections.iter().enumerate().skip(shared) {
                text.push_str(&format!("{}{section}:\n", "  ".repeat(depth)));
            }
            let quote = if matches!(key.form, Form::Text | Form::Secret) { "\"" } else { "" };
            text.push_str(&format!("{}{name}: {quote}{}{quote}\n", "  ".repeat(sections.len()), key.example));
            open = sections.to_vec();
        }
        assert_eq!(fault_lines(&text, &environment), [""; 0], "{text}");
        assert!(!key.doc.is_empty() && key.doc.ends_with('.'), "{}: its doc is no sentence", key.path);
    }
}

#[test]
fn a_file_that_is_absent_or_no_text_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let absent = dir.path().join("absent.yml");
    let faults = Settings::load(&absent, &HashMap::new()).unwrap_err();
    let expected = format!(
        "{}: cannot be read: No such file or directory (os error 2); name the settings file with -c FILE",
        absent.display()
    );
    assert_eq!(faults.to_string(), expected);
    let binary = dir.path().join("binary.yml");
    fs::write(&binary, [0xff, 0xfe, 0x00]).unwrap();
    let faults = Settings::load(&binary, &HashMap::new()).unwrap_err();
    assert!(faults.to_string().starts_with(&format!("{}: cannot be read: ", binary.display())), "{faults}");
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}", indented in "(( {0,4}[a-z\\-]{1,8}:?[ \\[\\]{}&*!|>'\"#%@,0-9a-z]{0,10})\n){0,12}") {
        let _ = parse(&text, &[]);
        let _ = parse(&indented, &[]);
    }

    /// A key of the example cut, doubled or replaced anywhere: an answer, whatever it is.
    #[test]
    fn no_damaged_example_panics(at in 0_usize..6000, length in 0_usize..40, by in "[\\[\\]{}:,&*\\- \n\t#a-z\"']{0,6}") {
        let mut text: Vec<char> = example_file().replace("  # ", "  ").chars().collect();
        let at = at.min(text.len());
        let end = (at + length).min(text.len());
        text.splice(at..end, by.chars());
        let _ = parse(&text.iter().collect::<String>(), &[]);
    }
}
