//! The client of OpenSearch and Elasticsearch: one transport per node, failover between them, credentials, and which product answers.
//!
//! The only place that names the `opensearch` crate. The crate asks its pool for a node before it knows how the last request ended, and
//! gives no way to report it; so each node has a transport of its own, and which one is next is decided here. A request that no node took,
//! or that came to nothing on its way, may be sent again to another node without harm: every write has an id that makes it one.

use std::error::Error;
use std::fmt;
use std::io::Write;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use opensearch::auth::{ClientCertificate, Credentials as Auth};
use opensearch::cert::{Certificate, CertificateValidation};
use opensearch::http::headers::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use opensearch::http::transport::{SingleNodeConnectionPool, Transport, TransportBuilder};
use opensearch::http::{Method, Url};
use serde::Deserialize;
use tokio::time::Instant;

use super::retry::{Backoff, Random};
use super::template;
use super::throttle::Pace;
use super::verdict::{self, HaltCause, Reply};
use crate::settings::{self, Credentials};

/// Only what a verdict needs, so that a reply costs the network some thirty bytes an item.
const BULK_PATH: &str =
    "_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by";
/// A longer reply is no bulk reply: no error with its causes comes near it.
const REPLY_BYTES_MAX_PER_ITEM: u64 = 16 * 1024;
const REPLY_BYTES_MIN: u64 = 1024 * 1024;
/// How long a node that failed is passed over while others answer.
const NODE: Backoff = Backoff { first_ms: 1_000, max_ms: 30_000 };

/// How long a look at the templates is good for. Longer: more documents in an index made without them. Shorter: requests for nothing.
const TEMPLATES_SEEN_FOR: Duration = Duration::from_secs(20);

/// A client for all nodes.
pub struct Client {
    nodes: Vec<Node>,
    rotation: Mutex<Rotation>,
    pace: Pace,
    gzip: bool,
    timeout: Duration,
    is_serverless: bool,
    /// When our templates were last seen.
    templates_seen: Mutex<Option<Instant>>,
}

struct Node {
    url: String,
    transport: Transport,
}

/// What answers, as far as it matters to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    pub kind: ProductKind,
    pub major: u32,
    /// As the server writes it.
    pub version: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProductKind {
    OpenSearch,
    Elasticsearch,
}

impl Product {
    /// Whether it is at least this version (major, minor) of Elasticsearch or of OpenSearch.
    pub fn is_at_least(&self, elasticsearch: (u32, u32), opensearch: (u32, u32)) -> bool {
        // The number may be one that OpenSearch only pretends to; then nothing is known of the minor version.
        let mut numbers = self.version.split('.').map(|number| number.parse().unwrap_or(0));
        let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        let version = if major == self.major { (major, minor) } else { (self.major, 0) };
        match self.kind {
            ProductKind::Elasticsearch => version >= elasticsearch,
            ProductKind::OpenSearch => version >= opensearch,
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.kind {
            ProductKind::OpenSearch => "OpenSearch",
            ProductKind::Elasticsearch => "Elasticsearch",
        };
        write!(f, "{name} {}", self.version)
    }
}

/// Why a request has no good answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No node answered; waiting may help.
    Unreachable(String),
    /// A node answered that it will not; waiting does not help.
    Refused { status: u16, reason: String },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Unreachable(reason) => write!(f, "OpenSearch does not answer: {reason}"),
            Failure::Refused { status: 401, reason } => {
                write!(f, "OpenSearch refuses the credentials of the settings (opensearch.*): {reason}")
            }
            Failure::Refused { status: 403, reason } => {
                write!(f, "OpenSearch does not allow it to this user: {reason}")
            }
            Failure::Refused { reason, .. } => write!(f, "OpenSearch refuses: {reason}"),
        }
    }
}

impl Error for Failure {}

/// An answer of a server, whatever its status.
pub struct Answer {
    pub status: u16,
    pub body: Bytes,
}

/// The client cannot be built from the settings.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("{key}: the file {path} cannot be read: {fault}")]
    File { key: &'static str, path: String, fault: std::io::Error },
    #[error("{key}: {path} holds no usable PEM: {fault}")]
    Pem { key: &'static str, path: String, fault: String },
    #[error("opensearch.nodes: {url} is no URL: {fault}")]
    Url { url: String, fault: String },
    #[error("the HTTP client cannot be built: {0}; are system CA certificates installed (package ca-certificates)?")]
    Transport(String),
    #[error("AWS credentials are not configured for region {0}")]
    NoAwsCredentials(String),
}

impl Client {
    pub async fn new(settings: &settings::OpenSearch) -> Result<Client, Unusable> {
        let auth = auth(&settings.credentials).await?;
        let authority = match &settings.ca {
            Some(path) => Some((path.display().to_string(), read("opensearch.ca", &path.display().to_string())?)),
            None => None,
        };
        let mut nodes = Vec::new();
        for text in &settings.nodes {
            let url: Url =
                Url::parse(text).map_err(|fault| Unusable::Url { url: text.clone(), fault: fault.to_string() })?;
            let is_loopback =
                url.host_str().is_some_and(|host| host == "localhost" || host.starts_with("127.") || host == "[::1]");
            let mut builder =
                TransportBuilder::new(SingleNodeConnectionPool::new(url)).timeout(settings.request_timeout);
            if is_loopback {
                // A proxy of the environment cannot know this machine's own address.
                builder = builder.disable_proxy();
            }
            if let Some(auth) = &auth {
                builder = builder.auth(auth.clone());
            }
            if let Credentials::SigV4 { service, .. } = &settings.credentials {
                builder = builder.service_name(service);
            }
            if let Some((path, pem)) = &authority {
                let unusable = |error| Unusable::Pem { key: "opensearch.ca", path: path.clone(), fault: chain(&error) };
                let certificate = Certificate::from_pem(pem).map_err(unusable)?;
                builder = builder.cert_validation(CertificateValidation::Full(certificate));
            }
            let transport = builder.build().map_err(|error| Unusable::Transport(chain(&error)))?;
            nodes.push(Node { url: text.clone(), transport });
        }
        let rotation = Mutex::new(Rotation::new(nodes.len(), Instant::now()));
        let is_serverless = matches!(&settings.credentials, Credentials::SigV4 { service, .. } if service == "aoss");
        Ok(Client {
            nodes,
            rotation,
            pace: Pace::new(settings.requests_per_second.and_then(NonZeroU32::new)),
            gzip: settings.gzip,
            timeout: settings.request_timeout,
            is_serverless,
            templates_seen: Mutex::new(None),
        })
    }

    /// Posts a bulk body of so many items, if our templates are there. Without them the first document of a day would make an index with
    /// guessed types, and no later repair reaches it; and they may be removed while we run.
    pub async fn bulk(&self, body: Bytes, items: usize) -> Reply {
        if let Err(reply) = self.look_for_templates().await {
            return reply;
        }
        self.pace.turn().await;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        let body = if self.gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            match tokio::task::spawn_blocking(move || compress(&body)).await {
                Ok(Ok(compressed)) => compressed,
                Ok(Err(error)) => return Reply::Unserved { busy: false, reason: format!("gzip: {error}") },
                Err(error) => return Reply::Unserved { busy: false, reason: format!("gzip: {error}") },
            }
        } else {
            body
        };
        let bytes_max = REPLY_BYTES_MIN + items as u64 * REPLY_BYTES_MAX_PER_ITEM;
        match self.send(Method::Post, BULK_PATH, headers, Some(body), bytes_max).await {
            Ok(Answer { status, body }) => verdict::read_reply(status, &body, items),
            Err(reason) => Reply::Unserved { busy: false, reason },
        }
    }

    async fn look_for_templates(&self) -> Result<(), Reply> {
        let seen = *self.templates_seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_some_and(|seen| seen.elapsed() < TEMPLATES_SEEN_FOR) {
            return Ok(());
        }
        match template::missing(self).await {
            Ok(None) => {
                *self.templates_seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                Ok(())
            }
            Ok(Some(reason)) => Err(Reply::Halt { cause: HaltCause::TemplateMissing, reason }),
            Err(Failure::Refused { status: 401, reason }) => {
                Err(Reply::Halt { cause: HaltCause::Unauthorized, reason })
            }
            Err(Failure::Refused { status, reason }) => Err(Reply::Unserved { busy: status == 429, reason }),
            Err(Failure::Unreachable(reason)) => Err(Reply::Unserved { busy: false, reason }),
        }
    }

    /// Any other request, with JSON; an answer with an error status is an answer.
    pub async fn request(&self, method: Method, path: &str, body: Option<Bytes>) -> Result<Answer, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.send(method, path, headers, body, u64::MAX).await.map_err(Failure::Unreachable)
    }

    pub async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.request(Method::Get, path, None).await
    }

    pub async fn put(&self, path: &str, body: Bytes) -> Result<Answer, Failure> {
        self.request(Method::Put, path, Some(body)).await
    }

    pub async fn post(&self, path: &str, body: Bytes) -> Result<Answer, Failure> {
        self.request(Method::Post, path, Some(body)).await
    }

    /// Asks which product and version it is.
    pub async fn product(&self) -> Result<Product, Failure> {
        if self.is_serverless {
            // It answers nothing at its root, and has OpenSearch 2's interface.
            return Ok(Product { kind: ProductKind::OpenSearch, major: 2, version: "serverless".into() });
        }
        let Answer { status, body } = self.get("").await?;
        if status != 200 {
            return Err(refusal(status, &body));
        }
        read_product(&body).ok_or_else(|| Failure::Refused {
            status,
            reason: "what answers is neither OpenSearch nor Elasticsearch; check opensearch.nodes".into(),
        })
    }

    /// Tries the nodes in turn, beginning with another one each time.
    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Option<Bytes>,
        reply_bytes_max: u64,
    ) -> Result<Answer, String> {
        let order = self.with_rotation(|rotation| rotation.order(Instant::now()));
        let mut faults = Vec::new();
        for number in order {
            let Some(node) = self.nodes.get(number) else { continue };
            let sent =
                node.transport.send(method, path, headers.clone(), None::<&()>, body.clone(), Some(self.timeout)).await;
            let received = match sent {
                Ok(response) => {
                    let status = response.status_code().as_u16();
                    if let Some(bytes) = response.content_length().filter(|bytes| *bytes > reply_bytes_max) {
                        return Err(format!("{}: a reply of {bytes} bytes", node.url));
                    }
                    response.bytes().await.map(|body| Answer { status, body })
                }
                Err(error) => Err(error),
            };
            match received {
                Ok(answer) => {
                    self.with_rotation(|rotation| rotation.answered(number));
                    return Ok(answer);
                }
                Err(error) => {
                    self.with_rotation(|rotation| rotation.failed(number, Instant::now()));
                    faults.push(format!("{}: {}", node.url, chain(&error)));
                    if error.is_timeout() {
                        // Another node would take as long again; the next attempt begins with another one.
                        break;
                    }
                }
            }
        }
        Err(faults.join("; "))
    }

    fn with_rotation<T>(&self, work: impl FnOnce(&mut Rotation) -> T) -> T {
        // A poisoned rotation is still a rotation: nothing in it can be half done.
        work(&mut self.rotation.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Which node is next, and which ones are passed over.
struct Rotation {
    next: usize,
    random: Random,
    down: Vec<Option<Down>>,
    start: Instant,
}

#[derive(Clone, Copy)]
struct Down {
    until_ms: i64,
    attempts: u32,
}

impl Rotation {
    fn new(nodes: usize, start: Instant) -> Rotation {
        Rotation { next: 0, random: Random::new(nodes as u64), down: vec![None; nodes], start }
    }

    fn now_ms(&self, now: Instant) -> i64 {
        i64::try_from(now.saturating_duration_since(self.start).as_millis()).unwrap_or(i64::MAX)
    }

    /// All nodes: those that answered last, then the ones that may be tried again, then the rest, so that none is ever given up.
    fn order(&mut self, now: Instant) -> Vec<usize> {
        let now_ms = self.now_ms(now);
        let count = self.down.len();
        self.next = (self.next + 1) % count.max(1);
        let mut order: Vec<usize> = (0..count).map(|step| (self.next + step) % count).collect();
        order.sort_by_key(|number| match self.down.get(*number).copied().flatten() {
            None => 0,
            // A node whose time is over must be tried first, or it would never be tried while another one answers.
            Some(down) if down.until_ms <= now_ms => -1,
            Some(_) => 1,
        });
        order
    }

    fn answered(&mut self, number: usize) {
        if let Some(down) = self.down.get_mut(number) {
            *down = None;
        }
    }

    fn failed(&mut self, number: usize, now: Instant) {
        let now_ms = self.now_ms(now);
        if let Some(slot) = self.down.get_mut(number) {
            let attempts = slot.map_or(0, |down| down.attempts + 1);
            *slot = Some(Down { until_ms: now_ms.saturating_add(NODE.delay_ms(attempts, &mut self.random)), attempts });
        }
    }
}

/// An answer with an error status as a failure, in the server's own words.
pub fn refusal(status: u16, body: &[u8]) -> Failure {
    Failure::Refused { status, reason: verdict::reason_of(status, body) }
}

fn read_product(body: &[u8]) -> Option<Product> {
    #[derive(Deserialize)]
    struct Root {
        version: Version,
        #[serde(default)]
        tagline: String,
    }
    #[derive(Deserialize)]
    struct Version {
        number: String,
        #[serde(default)]
        distribution: String,
    }
    let root: Root = serde_json::from_slice(body).ok()?;
    let major: u32 = root.version.number.split('.').next()?.parse().ok()?;
    // OpenSearch may be set to give Elasticsearch's number 7.10.2, for old clients; its tagline stays.
    let is_opensearch = root.version.distribution == "opensearch" || root.tagline.contains("OpenSearch");
    if !is_opensearch && !root.tagline.contains("You Know, for Search") {
        return None;
    }
    let (kind, major) = match (is_opensearch, major) {
        (true, 7) => (ProductKind::OpenSearch, 2),
        (true, major) => (ProductKind::OpenSearch, major),
        (false, major) => (ProductKind::Elasticsearch, major),
    };
    Some(Product { kind, major, version: root.version.number })
}

async fn auth(credentials: &Credentials) -> Result<Option<Auth>, Unusable> {
    Ok(match credentials {
        Credentials::None => None,
        Credentials::Basic { username, password } => Some(Auth::Basic(username.clone(), password.reveal().to_owned())),
        Credentials::ApiKey { id, key } => Some(Auth::ApiKey(id.clone(), key.reveal().to_owned())),
        Credentials::ClientCertificate { certificate, key } => {
            let mut pem = read("opensearch.client_certificate", &certificate.display().to_string())?;
            pem.push(b'\n');
            pem.extend(read("opensearch.client_key", &key.display().to_string())?);
            Some(Auth::Certificate(ClientCertificate::Pem(pem)))
        }
        Credentials::SigV4 { region, .. } => {
            let loader = aws_config::defaults(BehaviorVersion::latest()).region(Region::new(region.clone()));
            let config = loader.load().await;
            let auth = Auth::try_from(config).map_err(|_| Unusable::NoAwsCredentials(region.clone()))?;
            Some(auth)
        }
    })
}

fn read(key: &'static str, path: &str) -> Result<Vec<u8>, Unusable> {
    std::fs::read(path).map_err(|fault| Unusable::File { key, path: path.to_owned(), fault })
}

fn compress(body: &[u8]) -> std::io::Result<Bytes> {
    // The fastest level: the server inflates all levels alike, and repeated field names compress at any.
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 6), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish().map(Bytes::from)
}

/// The error and its causes: the outermost alone says no more than "error sending request".
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let reason = inner.to_string();
        if !text.contains(&reason) {
            text.push_str(": ");
            text.push_str(&reason);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_told_apart() {
        let root = |version: &str, distribution: &str, tagline: &str| {
            let body =
                serde_json::json!({"version": {"number": version, "distribution": distribution}, "tagline": tagline});
            read_product(body.to_string().as_bytes()).map(|product| (product.kind, product.major, product.to_string()))
        };
        let (opensearch, elastic) = ("The OpenSearch Project: https://opensearch.org/", "You Know, for Search");
        for (version, distribution, tagline, expected) in [
            ("3.6.0", "opensearch", opensearch, Some((ProductKind::OpenSearch, 3, "OpenSearch 3.6.0"))),
            ("2.19.1", "opensearch", opensearch, Some((ProductKind::OpenSearch, 2, "OpenSearch 2.19.1"))),
            ("7.10.2", "", opensearch, Some((ProductKind::OpenSearch, 2, "OpenSearch 7.10.2"))),
            ("7.17.29", "", elastic, Some((ProductKind::Elasticsearch, 7, "Elasticsearch 7.17.29"))),
            ("9.1.0", "", elastic, Some((ProductKind::Elasticsearch, 9, "Elasticsearch 9.1.0"))),
            ("1.0", "", "nginx", None),
            ("x", "", elastic, None),
        ] {
            let expected = expected.map(|(kind, major, text)| (kind, major, text.to_owned()));
            assert_eq!(root(version, distribution, tagline), expected, "{version} {tagline}");
        }
        assert_eq!(read_product(b"<html>"), None);
    }

    #[test]
    fn a_failed_node_is_passed_over_until_its_time_is_over() {
        let start = Instant::now();
        let mut rotation = Rotation::new(3, start);
        assert_eq!(rotation.order(start), [1, 2, 0]);
        assert_eq!(rotation.order(start), [2, 0, 1]);
        rotation.failed(0, start);
        assert_eq!(rotation.order(start), [1, 2, 0]);
        assert_eq!(rotation.order(start), [1, 2, 0]);
        // Its time is over: it is asked first, with the others behind it.
        let later = start + Duration::from_millis(1_001);
        assert_eq!(rotation.order(later)[0], 0);
        rotation.failed(0, later);
        assert_eq!(*rotation.order(later + Duration::from_millis(900)).last().unwrap(), 0);
        rotation.answered(0);
        rotation.failed(1, later);
        rotation.failed(2, later);
        assert_eq!(rotation.order(later)[0], 0);
    }

    #[test]
    fn refusals_say_what_to_do() {
        let failure = refusal(401, b"Unauthorized");
        assert_eq!(
            failure.to_string(),
            "OpenSearch refuses the credentials of the settings (opensearch.*): status 401: Unauthorized"
        );
    }
}
