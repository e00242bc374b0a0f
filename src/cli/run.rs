//! `tessera run` and `tessera deliver`: a whole job here and now.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    thread,
    time::Duration,
};

use clap::Args;
use serde_json::json;

use super::{
    limits, print, print_json, print_line, progress,
    service::{ServiceArgs, wait},
    text::{bytes, clock},
};
use crate::{
    composition::Plan,
    config::Trust,
    job::{
        Done, DumpTrust, Failures, Job, JobError, JobId, Made, OnCancel, ReadJob, RunRequest, Service, read_destination,
    },
    media::TimeDelta,
    render::Watch,
    worker::Line,
};

/// Do a whole job here and now: pull, compose, deliver, tell
///
/// Running the same job again does only what is missing: a recording that is verified in its place is not made again.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The job as JSON; see `tessera schema job`
    #[arg(value_name = "JOB.json")]
    job: PathBuf,
    #[command(flatten)]
    how: HowArgs,
}

/// Deliver a recording that waits in the store, or take up a job that failed
///
/// A recording that was parked because its destination refused it is delivered without being made again.
#[derive(Debug, Args)]
pub struct DeliverArgs {
    #[arg(value_name = "JOB_ID")]
    job: JobId,
    /// Deliver there from now on: the `destination` of a job, as a JSON file
    #[arg(long, value_name = "DEST.json")]
    destination: Option<PathBuf>,
    #[command(flatten)]
    how: HowArgs,
}

#[derive(Debug, Args)]
pub struct HowArgs {
    /// Threads to render with [default: one per core]; the result is the same with any number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Seconds to stay for webhooks that are not taken at once; then they wait in the outbox
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    webhook_wait: u32,
    #[command(flatten)]
    supervision: Supervision,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    service: ServiceArgs,
}

/// For jobs that a worker starts; see `tessera worker`.
#[derive(Debug, Args)]
struct Supervision {
    /// Speak to a worker: lines of JSON on stdout; another attempt may follow
    #[arg(long, hide = true)]
    supervised: bool,
    /// No other attempt follows
    #[arg(long, hide = true)]
    last_attempt: bool,
    /// Bytes of address space
    #[arg(long, hide = true, value_name = "BYTES")]
    memory_limit: Option<u64>,
    #[arg(long, hide = true, value_name = "SECONDS")]
    cpu_limit: Option<u64>,
    /// Earlier attempts crashed: try every dump by itself first, and leave out those that crash
    #[arg(long, hide = true)]
    try_dumps: bool,
}

impl RunArgs {
    /// Whether a worker started it.
    pub fn is_supervised(&self) -> bool {
        self.how.supervision.supervised
    }
}

pub fn run(args: RunArgs) -> Result<(), JobError> {
    if args.is_supervised() {
        return supervised(args);
    }
    wait(async {
        let service = args.how.service.open().await?;
        let (name, text) = job_text(&args.job)?;
        let read = Job::read(&text, &name, service.settings.templates.as_deref())?;
        carry_out(&service, &read, &args.how).await
    })
}

pub fn deliver(args: DeliverArgs) -> Result<(), JobError> {
    wait(async {
        let service = args.how.service.open().await?;
        let destination = match &args.destination {
            Some(path) => {
                let text = fs::read_to_string(path).map_err(|error| JobError::Unreadable {
                    path: path.clone(),
                    error,
                })?;
                read_destination(&text, &path.display().to_string())?;
                serde_json::from_str(&text).ok()
            }
            None => None,
        };
        let read = service.kept_job(&args.job, destination).await?;
        carry_out(&service, &read, &args.how).await
    })
}

/// The job of a file, or of stdin.
fn job_text(path: &Path) -> Result<(String, String), JobError> {
    let unreadable = |error| JobError::Unreadable {
        path: path.to_owned(),
        error,
    };
    if path == Path::new("-") {
        let text = std::io::read_to_string(std::io::stdin()).map_err(unreadable)?;
        return Ok(("stdin".to_owned(), text));
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    Ok((path.display().to_string(), text))
}

pub async fn carry_out(service: &Service, read: &ReadJob, how: &HowArgs) -> Result<(), JobError> {
    for warning in &read.warnings {
        tracing::warn!("job: {warning}");
    }
    let cancelled = progress::cancellation();
    let request = how.request(&cancelled);
    let begin = |plan: &Plan| -> Box<dyn Watch> { Box::new(progress::Progress::new(plan, cancelled.clone())) };
    let done = service.run(read, &request, &begin).await?;
    if how.json {
        print_json(&outcome(&done))
    } else {
        print(&summary(&done))
    }
}

/// A job for a worker, which reads what it says and how it ends.
fn supervised(args: RunArgs) -> Result<(), JobError> {
    limits::take(args.how.supervision.memory_limit, args.how.supervision.cpu_limit)?;
    let cancelled = progress::cancellation();
    let result = wait(async {
        let service = args.how.service.open_for(Trust::Queue).await?;
        let (name, text) = job_text(&args.job)?;
        let read = Job::read(&text, &name, service.settings.templates.as_deref())?;
        let begin = |plan: &Plan| -> Box<dyn Watch> { Box::new(progress::Lines::new(plan, cancelled.clone())) };
        service.run(&read, &args.how.request(&cancelled), &begin).await
    });
    let (line, result) = match result {
        Ok(done) => {
            let duration_ms = done
                .record
                .recording
                .as_ref()
                .map_or(0, |recording| recording.duration_ms);
            (
                Line::Done {
                    timings: done.timings,
                    duration_ms,
                },
                Ok(()),
            )
        }
        Err(error @ JobError::Busy { .. }) => (Line::Busy, Err(error)),
        Err(error) => (
            Line::Failed {
                blame: error.blame(),
                error: error.to_string(),
            },
            Err(error),
        ),
    };
    print_line(&line)?;
    result
}

impl HowArgs {
    pub fn service(&self) -> &ServiceArgs {
        &self.service
    }

    fn request(&self, cancelled: &Arc<AtomicBool>) -> RunRequest {
        let supervised = self.supervision.supervised;
        RunRequest {
            threads: self
                .jobs
                .map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from),
            // a worker sees to webhooks itself
            webhook_patience: Duration::from_secs(if supervised { 0 } else { u64::from(self.webhook_wait) }),
            cancelled: Arc::clone(cancelled),
            on_cancel: if supervised {
                OnCancel::KeepSpool
            } else {
                OnCancel::CleanUp
            },
            failures: if supervised && !self.supervision.last_attempt {
                Failures::WillRetry
            } else {
                Failures::Announce
            },
            dumps: if self.supervision.try_dumps {
                DumpTrust::TryEach
            } else {
                DumpTrust::Usual
            },
        }
    }
}

fn outcome(done: &Done) -> serde_json::Value {
    json!({
        "job_id": done.record.job_id,
        "state": done.record.state,
        "made": done.made,
        "recording": done.record.recording,
        "webhooks_waiting": done.waiting.iter().map(|entry| &entry.id).collect::<Vec<_>>(),
    })
}

fn summary(done: &Done) -> String {
    let mut text = String::new();
    if let Some(recording) = &done.record.recording {
        let how = match done.made {
            Made::Rendered => "made and delivered",
            Made::Delivered => "made before, delivered now",
            Made::Nothing => "was there already, verified",
        };
        let length = clock(TimeDelta::from_millis(recording.duration_ms));
        text += &format!(
            "{}\n  {how}; {length} long, {}\n",
            recording.uri.as_deref().unwrap_or_default(),
            bytes(recording.size)
        );
        match recording.warnings.len() {
            0 => text += "  no warnings\n",
            count => {
                text += &format!("  {count} warning(s):\n");
                recording
                    .warnings
                    .iter()
                    .for_each(|warning| text += &format!("  - {warning}\n"));
            }
        }
    }
    for entry in &done.waiting {
        let last = entry.last.as_deref().unwrap_or("not tried yet");
        text += &format!(
            "  webhook {} waits in the outbox ({last}): `tessera webhook send` tries again\n",
            entry.id
        );
    }
    text
}
