//! What stands between a replica and OpenSearch and misbehaves: 429, 503, half of the items refused, connections cut before and after the
//! request was applied, and being away altogether. Which request meets which fault is drawn from a seed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::world::World;

pub struct Proxy {
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    target: String,
    http: reqwest::Client,
    faulty: AtomicBool,
    away: AtomicBool,
    unauthorized: AtomicBool,
    faults: AtomicU64,
    random: Mutex<StdRng>,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    TooManyRequests,
    Unavailable,
    HalfRefused,
    CutBefore,
    CutAfter,
}

impl Proxy {
    pub fn start(world: &World, seed: u64) -> Proxy {
        let shared = Arc::new(Shared {
            target: world.opensearch.clone(),
            http: reqwest::Client::new(),
            faulty: AtomicBool::new(false),
            away: AtomicBool::new(false),
            unauthorized: AtomicBool::new(false),
            faults: AtomicU64::new(0),
            random: Mutex::new(StdRng::seed_from_u64(seed)),
        });
        let listener = world.runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass).with_state(shared.clone());
        world.runtime.spawn(async move { axum::serve(listener, router).await });
        Proxy { url, shared }
    }

    /// Whether bulk requests meet faults.
    pub fn set_faulty(&self, faulty: bool) {
        self.shared.faulty.store(faulty, Ordering::SeqCst);
    }

    /// Whether every request finds its connection cut.
    pub fn set_away(&self, away: bool) {
        self.shared.away.store(away, Ordering::SeqCst);
    }

    /// Whether every request is answered 401, as when a password was changed.
    pub fn set_unauthorized(&self, unauthorized: bool) {
        self.shared.unauthorized.store(unauthorized, Ordering::SeqCst);
    }

    /// How many requests have met a fault.
    pub fn faults(&self) -> u64 {
        self.shared.faults.load(Ordering::SeqCst)
    }
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if shared.away.load(Ordering::SeqCst) {
        return cut();
    }
    if shared.unauthorized.load(Ordering::SeqCst) {
        return (StatusCode::UNAUTHORIZED, "Unauthorized").into_response();
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else { return cut() };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let fault =
        if path.contains("_bulk") && shared.faulty.load(Ordering::SeqCst) { draw(&shared) } else { Fault::None };
    if !matches!(fault, Fault::None) {
        shared.faults.fetch_add(1, Ordering::SeqCst);
    }
    let forward = |body: Bytes| {
        let mut request = shared.http.request(parts.method.clone(), format!("{}{path}", shared.target)).body(body);
        if let Some(kind) = parts.headers.get("content-type") {
            request = request.header("content-type", kind);
        }
        async {
            let response = request.send().await?;
            let status = response.status();
            let kind = response.headers().get("content-type").cloned();
            Ok::<_, reqwest::Error>((status, kind, response.bytes().await?))
        }
    };
    match fault {
        Fault::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, "circuit_breaking_exception").into_response(),
        Fault::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable").into_response(),
        Fault::CutBefore => cut(),
        Fault::CutAfter => {
            let _ = forward(body).await;
            cut()
        }
        Fault::HalfRefused => match half_refused(&body) {
            Some((taken, order)) => match forward(taken).await {
                Ok((status, _, reply)) if status.is_success() => join(&reply, &order),
                _ => cut(),
            },
            None => cut(),
        },
        Fault::None => match forward(body).await {
            Ok((status, kind, reply)) => {
                let mut response = (status, reply).into_response();
                if let Some(kind) = kind {
                    response.headers_mut().insert("content-type", kind);
                }
                response
            }
            Err(_) => cut(),
        },
    }
}

fn draw(shared: &Shared) -> Fault {
    let mut random = shared.random.lock().unwrap();
    match random.random_range(0..12) {
        0 => Fault::TooManyRequests,
        1 => Fault::Unavailable,
        2 => Fault::HalfRefused,
        3 => Fault::CutBefore,
        4 => Fault::CutAfter,
        _ => Fault::None,
    }
}

/// A response whose body breaks off: the client sees its connection cut.
fn cut() -> Response {
    let broken = tokio_stream::once(Err::<Bytes, _>(std::io::Error::other("cut")));
    Response::builder().header("content-length", "1000").body(Body::from_stream(broken)).unwrap()
}

/// Every second item is taken out; `order` says for each item of the request, in order, `None` when it was let through and its action line otherwise.
fn half_refused(body: &[u8]) -> Option<(Bytes, Vec<Option<Value>>)> {
    let text = std::str::from_utf8(body).ok()?;
    let mut lines = text.lines();
    let (mut taken, mut order) = (String::new(), Vec::new());
    while let (Some(action), Some(source)) = (lines.next(), lines.next()) {
        if order.len() % 2 == 0 {
            taken.push_str(action);
            taken.push('\n');
            taken.push_str(source);
            taken.push('\n');
            order.push(None);
        } else {
            order.push(Some(serde_json::from_str(action).ok()?));
        }
    }
    Some((taken.into(), order))
}

fn join(reply: &[u8], order: &[Option<Value>]) -> Response {
    let Ok(mut reply) = serde_json::from_slice::<Value>(reply) else { return cut() };
    let mut answered = reply["items"].as_array().cloned().unwrap_or_default().into_iter();
    let items: Vec<Value> = order
        .iter()
        .map(|refused| match refused {
            None => answered.next().unwrap_or(Value::Null),
            Some(action) => {
                let (verb, target) = action.as_object().unwrap().iter().next().unwrap();
                json!({verb: {
                    "_index": target["_index"], "_id": target["_id"], "status": 429,
                    "error": {"type": "rejected_execution_exception", "reason": "rejected execution of coordinating operation"},
                }})
            }
        })
        .collect();
    reply["errors"] = json!(true);
    reply["items"] = json!(items);
    axum::Json(reply).into_response()
}
