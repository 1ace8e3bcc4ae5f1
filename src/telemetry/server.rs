//! `/metrics`, `/livez` and `/readyz` over HTTP.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use metrics::gauge;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;

use super::health::Conditions;
use super::names;
use crate::clock;

/// Samples of histograms are summed up so often: without it they would gather for as long as nobody reads `/metrics`.
const UPKEEP_SECONDS: u64 = 5;

/// The recorder of this process. There is one, set before the first metric is touched.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// `Err` when there is one already.
    pub fn install() -> anyhow::Result<Metrics> {
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full(names::BULK_SECONDS.to_owned()), names::BULK_SECONDS_BUCKETS)?
            .install_recorder()?;
        names::describe();
        Ok(Metrics(handle))
    }

    /// The text that Prometheus reads.
    pub fn render(&self) -> String {
        self.0.render()
    }
}

/// The listening socket, so that a port that is taken is an error at the start and port 0 can be looked up.
pub async fn bind(listen: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(listen)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("telemetry.listen: cannot listen on {listen}: {error}")))
}

/// Answers until it is dropped.
pub fn serve(listener: TcpListener, metrics: Metrics, conditions: Conditions) -> impl Future<Output = ()> {
    let upkeep = metrics.clone();
    let routes = Router::new()
        .route("/metrics", get(show_metrics))
        .route("/livez", get(show_alive))
        .route("/readyz", get(show_ready))
        .with_state((metrics, conditions));
    async move {
        let serve = async {
            if let Err(error) = axum::serve(listener, routes).await {
                tracing::error!(%error, "metrics and health are no longer served");
            }
        };
        let keep = async {
            let mut interval = tokio::time::interval(Duration::from_secs(UPKEEP_SECONDS));
            loop {
                interval.tick().await;
                upkeep.0.run_upkeep();
            }
        };
        tokio::select! {
            () = serve => {}
            () = keep => {}
        }
    }
}

async fn show_metrics(State((metrics, conditions)): State<(Metrics, Conditions)>) -> impl IntoResponse {
    gauge!(names::CONDITIONS).set(conditions.reasons().len() as f64);
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], metrics.render())
}

async fn show_alive(State((_, conditions)): State<(Metrics, Conditions)>) -> impl IntoResponse {
    let stopped = conditions.stopped(clock::now_ms());
    if stopped.is_empty() {
        return (StatusCode::OK, "alive\n".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, format!("not alive\nstopped: {}\n", stopped.join(", ")))
}

async fn show_ready(State((_, conditions)): State<(Metrics, Conditions)>) -> impl IntoResponse {
    let reasons = conditions.reasons();
    if reasons.is_empty() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    let mut text = "not ready\n".to_owned();
    for (name, reason) in reasons {
        text.push_str(&format!("{name}: {reason}\n"));
    }
    (StatusCode::SERVICE_UNAVAILABLE, text)
}
