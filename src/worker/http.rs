//! What operators and their tools ask a worker: health, readiness, figures and what it is doing.

use std::{net::SocketAddr, sync::Arc};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::{net::TcpListener, task::JoinHandle};
use tracing::{info, warn};

use super::{Course, Status, Worker};
use crate::job::JobError;

/// Begins to collect figures, for the whole process.
pub fn recorder() -> Result<PrometheusHandle, JobError> {
    let failed = |error: String| JobError::Settings(format!("figures cannot be collected: {error}"));
    let handle = PrometheusBuilder::new()
        .install_recorder()
        .map_err(|error| failed(error.to_string()))?;
    describe();
    Ok(handle)
}

/// Serves until the task is aborted.
pub async fn serve(worker: Arc<Worker>, metrics: PrometheusHandle) -> Result<JoinHandle<()>, JobError> {
    let address = worker.settings.listen;
    let failed = |error: std::io::Error| {
        JobError::Settings(format!("cannot listen on {address}: {error}: choose another --listen"))
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    info!(address = %listener.local_addr().map_err(failed)?, "serving /healthz, /readyz, /metrics and /status");
    let router = Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route(
            "/status",
            get(|State(worker): State<Arc<Worker>>| async move { Json(worker.status()) }),
        )
        .route("/metrics", get(move || async move { metrics.render() }))
        .with_state(worker);
    Ok(tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            warn!("no more answers over HTTP: {error}");
        }
    }))
}

/// Asks the worker at `address` what it is doing.
pub async fn ask_status(address: SocketAddr) -> Result<Status, JobError> {
    let failed = |error: reqwest::Error| {
        JobError::Settings(format!(
            "no worker answers at {address} ({error}): check --listen, and that it runs"
        ))
    };
    let answer = reqwest::get(format!("http://{address}/status")).await.map_err(failed)?;
    let text = answer.text().await.map_err(failed)?;
    serde_json::from_str(&text)
        .map_err(|error| JobError::Settings(format!("what answers at {address} is no worker: {error}")))
}

async fn ready(State(worker): State<Arc<Worker>>) -> (StatusCode, &'static str) {
    match (worker.link.current(), worker.course()) {
        (Some(_), Course::Working) => (StatusCode::OK, "ready\n"),
        (None, Course::Working) => (StatusCode::SERVICE_UNAVAILABLE, "no broker\n"),
        (_, Course::Stopping | Course::HandingBack | Course::Killing) => {
            (StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
        }
    }
}

fn describe() {
    metrics::describe_counter!("tessera_jobs_total", "messages answered, by verdict");
    metrics::describe_gauge!("tessera_jobs_running", "jobs under way");
    metrics::describe_histogram!("tessera_stage_seconds", "wall clock of each stage of a job");
    metrics::describe_histogram!(
        "tessera_cpu_seconds_per_media_minute",
        "CPU time that a minute of recording took"
    );
    metrics::describe_histogram!("tessera_queue_age_seconds", "from submission until a slot took the job");
    metrics::describe_counter!("tessera_webhooks_total", "attempts to deliver a webhook, by outcome");
    metrics::describe_gauge!(
        "tessera_webhooks_waiting",
        "webhooks in the outbox that are still to be delivered"
    );
    metrics::describe_gauge!("tessera_queue_messages", "messages that wait in a queue");
    metrics::describe_gauge!("tessera_spool_bytes", "bytes of the spool in use");
}
