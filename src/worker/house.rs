//! Housekeeping: webhooks that are due, folders that nobody needs, and figures about both.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tracing::{info, warn};

use super::Worker;
use crate::job::{JobId, JobSpool, Webhooks, used_bytes};

const EVERY: Duration = Duration::from_secs(5);
/// How many rounds between sweeps of the spool.
const SWEEP_EVERY: u32 = 120;
/// A folder that was not touched for so long belongs to a job that went elsewhere.
const STALE: Duration = Duration::from_secs(24 * 3600);

pub async fn keep(worker: Arc<Worker>) {
    let mut round = 0_u32;
    loop {
        if round.is_multiple_of(SWEEP_EVERY) {
            sweep(&worker);
        }
        match worker.service.send_due_webhooks().await {
            Ok(sent) => {
                metrics::counter!("tessera_webhooks_total", "outcome" => "delivered").increment(sent.delivered as u64);
                metrics::counter!("tessera_webhooks_total", "outcome" => "failed").increment(sent.failed as u64);
            }
            Err(error) => warn!("webhooks cannot be sent: {error}"),
        }
        if let Ok(waiting) = worker.service.store.webhooks(Webhooks::Pending).await {
            metrics::gauge!("tessera_webhooks_waiting").set(waiting.len() as f64);
        }
        if let Some(broker) = worker.link.current() {
            let names = &worker.names;
            for queue in [names.jobs(), names.parked(), names.dead()] {
                if let Ok(depth) = broker.depth(&queue).await {
                    metrics::gauge!("tessera_queue_messages", "queue" => queue).set(f64::from(depth));
                }
            }
        }
        metrics::gauge!("tessera_spool_bytes").set(used_bytes(&worker.service.settings.spool.folder) as f64);
        round = round.wrapping_add(1);
        // not all workers at the same time
        tokio::time::sleep(EVERY + Duration::from_millis(fastrand::u64(..2000))).await;
    }
}

/// Deletes the folders of jobs that have been finished elsewhere, or given up.
fn sweep(worker: &Worker) {
    let settings = &worker.service.settings.spool;
    let Ok(entries) = fs::read_dir(settings.folder.join("jobs")) else {
        return;
    };
    for entry in entries.flatten() {
        let id = entry.file_name().to_str().and_then(JobId::parse);
        if let Some(id) = id.filter(|_| is_stale(&entry.path()))
            && let Ok(spool) = JobSpool::enter(settings, &id)
            && spool.leave().is_ok()
        {
            info!(job = %id, "a stale folder of the spool is deleted");
        }
    }
}

fn is_stale(folder: &Path) -> bool {
    let newest = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.metadata().ok()?.modified().ok())
        .max();
    let touched = newest.or_else(|| fs::metadata(folder).ok()?.modified().ok());
    touched
        .and_then(|touched| SystemTime::now().duration_since(touched).ok())
        .is_some_and(|age| age > STALE)
}
