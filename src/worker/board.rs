//! What a worker is doing: for `tessera status`, `/status` and `/metrics`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::{child::Line, verdict::Verdict};
use crate::job::JobId;

#[derive(Debug, Default)]
pub struct Board {
    jobs: Mutex<BTreeMap<JobId, Running>>,
}

#[derive(Debug)]
struct Running {
    began: Instant,
    lane: String,
    account: String,
    session: String,
    attempt: u32,
    pid: Option<u32>,
    done: i64,
    total: i64,
}

/// What `/status` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub worker: String,
    pub slots: usize,
    pub connected: bool,
    pub stopping: bool,
    pub jobs: Vec<JobStatus>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStatus {
    pub job_id: String,
    pub session: String,
    pub account: String,
    pub lane: String,
    pub attempt: u32,
    pub pid: Option<u32>,
    pub running_s: u64,
    pub percent: u8,
    /// Unknown until the first part is encoded.
    pub eta_s: Option<u64>,
}

/// What is known of a job when it begins.
#[derive(Debug, Clone)]
pub struct Beginning {
    pub lane: String,
    pub account: String,
    pub session: String,
    pub attempt: u32,
}

impl Board {
    pub fn begin(&self, id: &JobId, beginning: Beginning) {
        let Beginning {
            lane,
            account,
            session,
            attempt,
        } = beginning;
        let running = Running {
            began: Instant::now(),
            lane,
            account,
            session,
            attempt,
            pid: None,
            done: 0,
            total: 0,
        };
        self.jobs().insert(id.clone(), running);
        metrics::gauge!("tessera_jobs_running").set(self.jobs().len() as f64);
    }

    pub fn started(&self, id: &JobId, pid: Option<u32>) {
        if let Some(job) = self.jobs().get_mut(id) {
            job.pid = pid;
        }
    }

    pub fn progress(&self, id: &JobId, (done, total): (i64, i64)) {
        if let Some(job) = self.jobs().get_mut(id) {
            (job.done, job.total) = (done, total);
        }
    }

    /// The job is over for this worker.
    pub fn end(&self, id: &JobId, last: Option<&Line>) {
        self.jobs().remove(id);
        metrics::gauge!("tessera_jobs_running").set(self.jobs().len() as f64);
        let Some(Line::Done {
            timings: Some(timings),
            duration_ms,
        }) = last
        else {
            return;
        };
        let seconds = |millis: u64| millis as f64 / 1000.0;
        for (stage, millis) in [
            ("prepare", timings.prepare_ms),
            ("render", timings.render_ms),
            ("finish", timings.finish_ms),
        ] {
            metrics::histogram!("tessera_stage_seconds", "stage" => stage).record(seconds(millis));
        }
        if *duration_ms > 0 {
            let per_minute = seconds(timings.cpu_ms) * 60_000.0 / *duration_ms as f64;
            metrics::histogram!("tessera_cpu_seconds_per_media_minute").record(per_minute);
        }
    }

    pub fn jobs_status(&self) -> Vec<JobStatus> {
        self.jobs().iter().map(|(id, job)| job.status(id)).collect()
    }

    fn jobs(&self) -> MutexGuard<'_, BTreeMap<JobId, Running>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn status(&self, id: &JobId) -> JobStatus {
        let elapsed = self.began.elapsed();
        let left = (self.total - self.done).max(0);
        let eta = u32::try_from(self.done).ok().filter(|done| *done > 0).map(|done| {
            let left = u32::try_from(left).unwrap_or(u32::MAX);
            (elapsed.saturating_mul(left) / done).as_secs()
        });
        JobStatus {
            job_id: id.to_string(),
            session: self.session.clone(),
            account: self.account.clone(),
            lane: self.lane.clone(),
            attempt: self.attempt,
            pid: self.pid,
            running_s: elapsed.as_secs(),
            percent: u8::try_from((self.done * 100).checked_div(self.total).unwrap_or(0).clamp(0, 100)).unwrap_or(0),
            eta_s: eta,
        }
    }
}

/// Counts what became of a message.
pub fn count(verdict: &Verdict) {
    let name = match verdict {
        Verdict::Ack => "ack",
        Verdict::HandBack => "hand_back",
        Verdict::RetryAfter { .. } => "retry",
        Verdict::Park { .. } => "park",
        Verdict::DeadLetter { .. } => "dead_letter",
    };
    metrics::counter!("tessera_jobs_total", "verdict" => name).increment(1);
}

/// How long a job waited from submission until a slot took it.
pub fn waited(age: Duration) {
    metrics::histogram!("tessera_queue_age_seconds").record(age.as_secs_f64());
}
