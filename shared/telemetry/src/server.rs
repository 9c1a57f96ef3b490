//! The process's answers over HTTP: `/metrics`, `/livez`, `/readyz`, and `/optimization` where models run.
use crate::{Health, Metrics};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::get};
use std::future::IntoFuture;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// How often recorded times are folded into the histograms.
const UPKEEP: Duration = Duration::from_secs(5);

/// How long clients may take to read their last answer after shutdown.
const GRACE: Duration = Duration::from_secs(2);

/// Says as JSON what models really ran on: the answer of `/optimization`.
pub type Optimization = Arc<dyn Fn() -> String + Send + Sync>;

/// Answers on `listener` until `shutdown` completes: `/metrics` in Prometheus' text format; `/livez` and `/readyz` with 200
/// or with 503 and the reason; `/optimization` if there is something to report. Keeps up the histograms meanwhile. Errors are those of the listener.
pub async fn serve(
    listener: TcpListener,
    metrics: Metrics,
    health: Health,
    optimization: Option<Optimization>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stopping, stopped) = tokio::sync::oneshot::channel::<()>();
    let signal = async move {
        shutdown.await;
        drop(stopping);
    };
    let server = axum::serve(listener, router(metrics.clone(), health, optimization))
        .with_graceful_shutdown(signal)
        .into_future();
    tokio::select! {
        served = server => served,
        () = keep_up(&metrics) => Ok(()),
        // A client that holds its connection open does not keep the process alive.
        () = async { let _ = stopped.await; tokio::time::sleep(GRACE).await } => Ok(()),
    }
}

fn router(metrics: Metrics, health: Health, optimization: Option<Optimization>) -> Router {
    let router = match optimization {
        Some(report) => Router::new().route("/optimization", get(json).with_state(report)),
        None => Router::new(),
    };
    router
        .route("/metrics", get(text).with_state(metrics))
        .route("/livez", get(async |State(health): State<Health>| verdict(health.death())).with_state(health.clone()))
        .route("/readyz", get(async |State(health): State<Health>| verdict(health.hindrance())).with_state(health))
}

async fn text(State(metrics): State<Metrics>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.text()).into_response()
}

async fn json(State(report): State<Optimization>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], report()).into_response()
}

fn verdict(problem: Option<String>) -> (StatusCode, String) {
    match problem {
        None => (StatusCode::OK, "ok\n".to_owned()),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}

/// Never ends.
async fn keep_up(metrics: &Metrics) {
    let mut interval = tokio::time::interval(UPKEEP);
    loop {
        interval.tick().await;
        metrics.upkeep();
    }
}
