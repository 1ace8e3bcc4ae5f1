//! What an index must be like before its first document: templates and aliases, as the requests that make them.
//!
//! Mappings cannot explode: ECS fields are typed, each vendor's subtree is one field, and everything else is kept in the document and not
//! mapped. Requests are data, so that a dry run prints exactly what a run would send. Every one may be sent again.

use serde_json::{Map, Value, json};

use super::name;
use super::opensearch::{Answer, Client, Failure, Product, ProductKind, refusal};
use super::verdict;
use crate::event::ecs::{self, Field, FieldType};
use crate::settings::{IndexName, Settings};

pub const EVENTS_TEMPLATE: &str = "sluice-events";
const FIELDS_COMPONENT: &str = "sluice-fields";
pub const EVENTS_ALIAS: &str = "sluice-events";

/// Above the templates for `logs-*-*` that the products bring (100, and up to 250 for their packages).
const PRIORITY: u32 = 500;
/// Declared fields with their objects are fewer; dynamic ones there are none.
const FIELDS_MAX: u32 = 2_000;
const KEYWORD_CHARS_MAX: u32 = 1_024;
/// Below Lucene's limit of 32,766 bytes a term, for characters of four bytes.
const WILDCARD_CHARS_MAX: u32 = 8_191;
const FLAT_LEVELS_MAX: u32 = 64;

/// The subtrees that Beats' modules and Elastic's packages write beside ECS, ours last.
const VENDORS: &[&str] = &[
    "activemq",
    "apache",
    "apache_tomcat",
    "atlassian_bitbucket",
    "auditd",
    "auditd_manager",
    "aws",
    "awscloudwatch",
    "awsfargate",
    "azure",
    "barracuda",
    "bitwarden",
    "box_events",
    "carbon_black",
    "carbonblack_edr",
    "cef",
    "checkpoint",
    "cisco",
    "cisco_ise",
    "cisco_meraki",
    "cisco_nexus",
    "cisco_secure_email_gateway",
    "cisco_secure_endpoint",
    "cisco_umbrella",
    "cloudflare",
    "cloudflare_logpush",
    "coredns",
    "crowdstrike",
    "cyberarkpas",
    "cylance",
    "docker",
    "envoyproxy",
    "f5",
    "fim",
    "fireeye",
    "forgerock",
    "fortinet",
    "gcp",
    "github",
    "gitlab",
    "google_workspace",
    "gsuite",
    "haproxy",
    "hashicorp_vault",
    "iis",
    "imperva",
    "infoblox",
    "input",
    "iptables",
    "jamf",
    "jumpcloud",
    "juniper",
    "kafka",
    "kubernetes",
    "lastpass",
    "m365_defender",
    "microsoft",
    "mimecast",
    "misp",
    "mongodb",
    "mysql",
    "nats",
    "netflow",
    "netscout",
    "netskope",
    "nginx",
    "o365",
    "okta",
    "oracle",
    "osquery",
    "panw",
    "ping_one",
    "postgresql",
    "proofpoint",
    "pulse_secure",
    "rabbitmq",
    "radware",
    "redis",
    "salesforce",
    "santa",
    "sentinel_one",
    "slack",
    "snort",
    "snyk",
    "sonicwall",
    "sophos",
    "squid",
    "suricata",
    "symantec",
    "sysmon",
    "sysmon_linux",
    "system",
    "tanium",
    "tenable",
    "tomcat",
    "traefik",
    "trellix",
    "trend_micro",
    "windows",
    "winlog",
    "zeek",
    "zoom",
    "zscaler",
    "sluice",
];

/// One request of the set-up.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub method: &'static str,
    pub path: String,
    pub body: Value,
}

/// Everything that is installed, in order.
pub fn requests(product: &Product, settings: &Settings) -> Vec<Request> {
    let put = |path: String, body| Request { method: "PUT", path, body };
    let mut requests = vec![put(format!("_component_template/{FIELDS_COMPONENT}"), fields_component(product))];
    let name = &settings.events.index;
    requests.push(put(format!("_index_template/{EVENTS_TEMPLATE}"), index_template(EVENTS_ALIAS, name)));
    for pattern in name::patterns(name) {
        let action = json!({"add": {"index": pattern, "alias": EVENTS_ALIAS}});
        requests.push(Request { method: "POST", path: "_aliases".into(), body: json!({"actions": [action]}) });
    }
    requests
}

/// Sends one request. `Ok(false)`: there is nothing yet that it concerns.
pub async fn install(client: &Client, request: &Request) -> Result<bool, Failure> {
    let body = bytes::Bytes::from(request.body.to_string());
    let Answer { status, body } = match request.method {
        "PUT" => client.put(&request.path, body).await?,
        _ => client.post(&request.path, body).await?,
    };
    match status {
        200..300 => Ok(true),
        // An alias of a pattern without an index: the template gives it to the first one.
        404 if request.path == "_aliases" => Ok(false),
        _ => Err(refusal(status, &body)),
    }
}

/// What is missing of our templates. Only the products' own word for it counts: a user who may not look, and a server that has no such
/// thing as templates, are taken at the operator's word.
pub async fn missing(client: &Client) -> Result<Option<String>, Failure> {
    let Answer { status, body } = client.get(&format!("_index_template/{EVENTS_TEMPLATE}")).await?;
    match status {
        401 | 429 | 500.. => Err(refusal(status, &body)),
        404 if verdict::error_type(&body) == "resource_not_found_exception" => {
            Ok(Some(format!("the index template {EVENTS_TEMPLATE} is missing")))
        }
        _ => Ok(None),
    }
}

fn index_template(alias: &str, name: &IndexName) -> Value {
    let mut aliases = Map::new();
    aliases.insert(alias.to_owned(), json!({}));
    json!({
        "index_patterns": name::patterns(name),
        "priority": PRIORITY,
        "composed_of": [FIELDS_COMPONENT],
        "template": {"aliases": aliases},
        "_meta": {"managed_by": "sluice", "version": env!("CARGO_PKG_VERSION")},
    })
}

fn fields_component(product: &Product) -> Value {
    let mut properties = Map::new();
    for field in ecs::fields() {
        insert(&mut properties, field.name, mapping(&field, product));
    }
    for vendor in VENDORS {
        insert(&mut properties, vendor, flat(product));
    }
    json!({
        "template": {
            "settings": {"index": {"codec": "best_compression", "mapping": {"total_fields": {"limit": FIELDS_MAX}}}},
            "mappings": {"dynamic": false, "properties": properties},
        },
        "_meta": {"managed_by": "sluice", "version": env!("CARGO_PKG_VERSION")},
    })
}

/// Puts a dotted name where it belongs, making the objects on the way.
fn insert(properties: &mut Map<String, Value>, name: &str, mapping: Value) {
    let Some((first, rest)) = name.split_once('.') else {
        properties.insert(name.to_owned(), mapping);
        return;
    };
    let object = properties.entry(first).or_insert_with(|| json!({"properties": {}}));
    if let Some(Value::Object(inner)) = object.get_mut("properties") {
        insert(inner, rest, mapping);
    }
}

fn mapping(field: &Field, product: &Product) -> Value {
    let mut mapping = match field.field_type {
        FieldType::Keyword => keyword(),
        FieldType::Wildcard if product.is_at_least((7, 9), (2, 15)) => {
            json!({"type": "wildcard", "ignore_above": WILDCARD_CHARS_MAX})
        }
        FieldType::Wildcard => keyword(),
        FieldType::Text => text(product),
        FieldType::Stored => json!({"type": "keyword", "index": false, "doc_values": false}),
        FieldType::Long => json!({"type": "long"}),
        FieldType::Float => json!({"type": "float"}),
        FieldType::Boolean => json!({"type": "boolean"}),
        FieldType::Date => json!({"type": "date"}),
        FieldType::Ip => json!({"type": "ip"}),
        FieldType::GeoPoint => json!({"type": "geo_point"}),
        FieldType::Flat => flat(product),
    };
    if field.has_text
        && let Value::Object(members) = &mut mapping
    {
        members.insert("fields".to_owned(), json!({"text": text(product)}));
    }
    mapping
}

fn keyword() -> Value {
    json!({"type": "keyword", "ignore_above": KEYWORD_CHARS_MAX})
}

fn text(product: &Product) -> Value {
    let kind = if product.is_at_least((7, 14), (2, 12)) { "match_only_text" } else { "text" };
    json!({"type": kind})
}

/// One field for a whole subtree.
fn flat(product: &Product) -> Value {
    match product.kind {
        ProductKind::OpenSearch if product.is_at_least((0, 0), (2, 7)) => json!({"type": "flat_object"}),
        // Kept and not searched: what came before has no such type.
        ProductKind::OpenSearch => json!({"type": "object", "enabled": false}),
        ProductKind::Elasticsearch => {
            json!({"type": "flattened", "ignore_above": KEYWORD_CHARS_MAX, "depth_limit": FLAT_LEVELS_MAX})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(kind: ProductKind, version: &str) -> Product {
        // What OpenSearch may pretend to be is told apart before.
        let major = match (kind, version) {
            (ProductKind::OpenSearch, "7.10.2") => 2,
            (_, version) => version.split('.').next().unwrap().parse().unwrap(),
        };
        Product { kind, major, version: version.into() }
    }

    fn settings() -> Settings {
        let text = "kafka: {brokers: 'h:1', topics: [logs]}\nopensearch: {nodes: ['http://h:9200']}\n";
        Settings::parse("test", text, &std::collections::HashMap::new()).unwrap()
    }

    #[test]
    fn each_product_gets_the_types_that_it_has() {
        for (kind, version, vendor, command_line, message) in [
            (ProductKind::OpenSearch, "3.6.0", "flat_object", "wildcard", "match_only_text"),
            (ProductKind::OpenSearch, "2.11.1", "flat_object", "keyword", "text"),
            (ProductKind::OpenSearch, "7.10.2", "object", "keyword", "text"),
            (ProductKind::Elasticsearch, "7.10.0", "flattened", "wildcard", "text"),
            (ProductKind::Elasticsearch, "9.1.0", "flattened", "wildcard", "match_only_text"),
        ] {
            let component = fields_component(&product(kind, version));
            let properties = &component["template"]["mappings"]["properties"];
            assert_eq!(properties["aws"]["type"], vendor, "{version}");
            assert_eq!(properties["process"]["properties"]["command_line"]["type"], command_line, "{version}");
            assert_eq!(properties["message"]["type"], message, "{version}");
            assert_eq!(properties["source"]["properties"]["ip"]["type"], "ip");
            assert_eq!(component["template"]["mappings"]["dynamic"], false);
        }
    }

    #[test]
    fn no_vendor_hides_a_field_of_ecs() {
        for field in ecs::fields() {
            let root = field.name.split('.').next().unwrap();
            assert!(!VENDORS.contains(&root), "{}", field.name);
        }
    }

    #[test]
    fn templates_match_every_index_of_ours_and_no_other() {
        let requests = requests(&product(ProductKind::OpenSearch, "3.6.0"), &settings());
        let paths: Vec<_> = requests.iter().map(|request| format!("{} {}", request.method, request.path)).collect();
        assert_eq!(
            paths,
            [
                "PUT _component_template/sluice-fields",
                "PUT _index_template/sluice-events",
                "POST _aliases",
                "POST _aliases",
            ]
        );
        assert_eq!(requests[1].body["index_patterns"], json!(["logs-sluice-*.*.*", "logs-sluice-misdated"]));
    }
}
