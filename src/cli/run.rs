//! `tessera run` and `tessera deliver`: a whole job here and now.

use std::{fs, path::PathBuf, thread, time::Duration};

use clap::Args;
use serde_json::json;

use super::{
    print, print_json, progress,
    service::{ServiceArgs, wait},
    text::{bytes, clock},
};
use crate::{
    job::{Done, Failures, Job, JobError, JobId, Made, OnCancel, ReadJob, RunRequest, Service, read_destination},
    media::TimeDelta,
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
struct HowArgs {
    /// Threads to render with [default: one per core]; the result is the same with any number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Seconds to stay for webhooks that are not taken at once; then they wait in the outbox
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    webhook_wait: u32,
    /// Keep what is finished when stopped, and stay silent about failures that are ours: somebody will try again
    #[arg(long, hide = true)]
    will_retry: bool,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    service: ServiceArgs,
}

pub fn run(args: RunArgs) -> Result<(), JobError> {
    wait(async {
        let service = args.how.service.open().await?;
        let name = args.job.display().to_string();
        let text = fs::read_to_string(&args.job).map_err(|error| JobError::Unreadable {
            path: args.job.clone(),
            error,
        })?;
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

async fn carry_out(service: &Service, read: &ReadJob, how: &HowArgs) -> Result<(), JobError> {
    for warning in &read.warnings {
        tracing::warn!("job: {warning}");
    }
    let cancelled = progress::cancellation();
    let request = RunRequest {
        threads: how
            .jobs
            .map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from),
        webhook_patience: Duration::from_secs(u64::from(how.webhook_wait)),
        cancelled: cancelled.clone(),
        on_cancel: if how.will_retry {
            OnCancel::KeepSpool
        } else {
            OnCancel::CleanUp
        },
        failures: if how.will_retry {
            Failures::WillRetry
        } else {
            Failures::Announce
        },
    };
    let done = service
        .run(read, &request, &|plan| {
            Box::new(progress::Progress::new(plan, cancelled.clone()))
        })
        .await?;
    if how.json {
        print_json(&outcome(&done))
    } else {
        print(&summary(&done))
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
