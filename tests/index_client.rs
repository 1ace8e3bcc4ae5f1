//! The index side against a scripted server over real HTTP: what is sent, what is made of each answer, and that nothing is lost between.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io::Read;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use sluice::index::opensearch::Client;
use sluice::index::outbox::Limits;
use sluice::index::verdict::{HaltCause, Reply, Verdict};
use sluice::index::{BatchWriter, Indexer, Outcome, Token};
use sluice::record::DocId;
use sluice::settings::Settings;

/// A server that answers bulk requests from a script, then takes everything, keeping ids as an index does.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    replies: VecDeque<(u16, String)>,
    has_no_templates: bool,
    /// A body of more is too large.
    items_max: Option<usize>,
    ids: BTreeSet<String>,
    requests: Vec<(String, HeaderMap, Bytes)>,
}

impl Server {
    async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        url
    }

    fn then(&self, status: u16, body: &str) {
        self.0.lock().unwrap().replies.push_back((status, body.to_owned()));
    }

    fn bulks(&self) -> Vec<(HeaderMap, Bytes)> {
        let script = self.0.lock().unwrap();
        let is_bulk = |request: &&(String, HeaderMap, Bytes)| request.0.starts_with("POST /_bulk");
        script.requests.iter().filter(is_bulk).map(|(_, headers, body)| (headers.clone(), body.clone())).collect()
    }
}

async fn answer(
    State(server): State<Server>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let mut script = server.0.lock().unwrap();
    script.requests.push((format!("{method} {uri}"), headers.clone(), body.clone()));
    let (status, text) = match uri.path() {
        "/_bulk" => match script.replies.pop_front() {
            Some(reply) => reply,
            None if script.items_max.is_some_and(|max| text_of(&headers, &body).lines().count() / 2 > max) => {
                (413, String::new())
            }
            None => (200, script.take(&text_of(&headers, &body))),
        },
        path if path.starts_with("/_index_template/") && script.has_no_templates => {
            (404, r#"{"error":{"type":"resource_not_found_exception","reason":"index template matching [x] not found"},"status":404}"#.into())
        }
        "/" => (200, r#"{"version":{"distribution":"opensearch","number":"3.6.0"},"tagline":"The OpenSearch Project: https://opensearch.org/"}"#.into()),
        _ => (200, "{}".into()),
    };
    (StatusCode::from_u16(status).unwrap(), text)
}

impl Script {
    /// One verdict per document, in order.
    fn take(&mut self, body: &str) -> String {
        let lines: Vec<&str> = body.lines().collect();
        let items: Vec<String> = lines
            .chunks(2)
            .map(|pair| {
                let id = pair[0].split("\"_id\":\"").nth(1).unwrap().split('"').next().unwrap();
                match self.ids.insert(id.to_owned()) {
                    true => r#"{"create":{"status":201}}"#.to_owned(),
                    false => r#"{"create":{"status":409,"error":{"type":"version_conflict_engine_exception","reason":"document already exists"}}}"#.to_owned(),
                }
            })
            .collect();
        format!(r#"{{"errors":true,"items":[{}]}}"#, items.join(","))
    }
}

fn text_of(headers: &HeaderMap, body: &Bytes) -> String {
    if headers.get("content-encoding").is_some_and(|encoding| encoding == "gzip") {
        let mut text = String::new();
        flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap();
        return text;
    }
    String::from_utf8(body.to_vec()).unwrap()
}

async fn client(nodes: &[&str], more: &str) -> Client {
    let text =
        format!("kafka: {{brokers: 'h:1', topics: [logs]}}\nopensearch:\n  nodes: [{}]\n{more}", nodes.join(", "));
    let settings = Settings::parse("test", &text, &HashMap::new()).unwrap();
    Client::new(&settings.opensearch).await.unwrap()
}

const BODY: &str = "{\"create\":{\"_index\":\"a\",\"_id\":\"1\"}}\n{\"x\":1}\n";

#[tokio::test]
async fn bodies_arrive_as_they_are_with_credentials_and_compressed_if_told() {
    let server = Server::default();
    let url = server.start().await;
    for (more, header, expected) in [
        ("", "content-type", "application/x-ndjson"),
        ("  username: u\n  password: p\n", "authorization", "Basic dTpw"),
        ("  api_key: id:key\n", "authorization", "ApiKey aWQ6a2V5"),
        ("  gzip: true\n", "content-encoding", "gzip"),
    ] {
        client(&[&url], more).await.bulk(Bytes::from_static(BODY.as_bytes()), 1).await;
        let (headers, body) = server.bulks().pop().unwrap();
        assert_eq!(headers.get(header).unwrap(), expected, "{more}");
        assert_eq!(text_of(&headers, &body), BODY, "{more}");
    }
}

#[tokio::test]
async fn a_node_that_is_away_is_passed_over() {
    let server = Server::default();
    let url = server.start().await;
    let away = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = client(&[&format!("http://{away}"), &url], "").await;
    for _ in 0..6 {
        let reply = client.bulk(Bytes::from_static(BODY.as_bytes()), 1).await;
        assert!(matches!(&reply, Reply::AllDone), "{reply:?}");
    }
}

#[tokio::test]
async fn answers_of_the_server_and_of_what_stands_before_it_are_told_apart() {
    let server = Server::default();
    let url = server.start().await;
    let client = client(&[&url], "").await;
    server.then(401, "Unauthorized");
    server.then(502, "<html>Bad Gateway</html>");
    server.then(200, r#"{"errors":true,"items":[{"create":{"status":400,"error":{"type":"mapper_parsing_exception","reason":"failed to parse"}}}]}"#);
    let mut replies = Vec::new();
    for _ in 0..3 {
        replies.push(client.bulk(Bytes::from_static(BODY.as_bytes()), 1).await);
    }
    assert!(matches!(&replies[0], Reply::Halt { cause: HaltCause::Unauthorized, .. }), "{replies:?}");
    assert!(matches!(&replies[1], Reply::Unserved { busy: false, .. }), "{replies:?}");
    assert!(
        matches!(&replies[2], Reply::Items(verdicts) if matches!(&verdicts[..], [Verdict::Reject { kind: "mapping_conflict", .. }]))
    );
}

#[tokio::test]
async fn nothing_is_posted_while_a_template_is_missing() {
    let server = Server::default();
    let url = server.start().await;
    let client = client(&[&url], "").await;
    server.0.lock().unwrap().has_no_templates = true;
    let reply = client.bulk(Bytes::from_static(BODY.as_bytes()), 1).await;
    assert_eq!(
        reply,
        Reply::Halt { cause: HaltCause::TemplateMissing, reason: "the index template sluice-events is missing".into() }
    );
    assert!(server.bulks().is_empty());
    server.0.lock().unwrap().has_no_templates = false;
    assert_eq!(client.bulk(Bytes::from_static(BODY.as_bytes()), 1).await, Reply::AllDone);
}

#[tokio::test]
async fn every_item_is_answered_whatever_the_server_does_at_first() {
    let server = Server::default();
    let url = server.start().await;
    server.then(429, r#"{"error":{"type":"es_rejected_execution_exception","reason":"rejected"},"status":429}"#);
    server.then(503, "");
    server.then(200, "{\"errors\":false,\"items\":[]}");
    server.0.lock().unwrap().items_max = Some(12);
    let client = Arc::new(client(&[&url], "").await);
    let limits = Limits {
        body_bytes_max: 64 << 10,
        body_items_max: 100,
        requests_in_flight_max: 2,
        held_bytes_max: 32 << 10,
        closed_index_reject_after_ms: 60_000,
    };
    let (indexer, mut answers, work) = Indexer::new(limits, 1, move |body, items| {
        let client = client.clone();
        async move { client.bulk(body, items).await }
    });
    tokio::spawn(work);
    let submitting = indexer.clone();
    tokio::spawn(async move {
        for lane in 0..20 {
            let mut writer = BatchWriter::default();
            for item in 0..50_u64 {
                let mut id = [0; 16];
                id[8..].copy_from_slice(&(lane << 32 | item).to_be_bytes());
                writer.create("a", &DocId(id), Token { lane, item }, |out| out.extend_from_slice(b"{\"x\":1}"));
            }
            submitting.submit(writer.finish()).await.unwrap();
        }
    });
    drop(indexer);
    let mut done = BTreeSet::new();
    while let Some(some) = answers.recv().await {
        for answer in some {
            assert_eq!(answer.outcome, Outcome::Done);
            assert!(done.insert((answer.token.lane, answer.token.item)), "{:?} twice", answer.token);
        }
    }
    assert_eq!((done.len(), server.0.lock().unwrap().ids.len()), (1000, 1000));
}
