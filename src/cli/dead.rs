//! `tessera dead`: jobs that can never work as they are.

use clap::{Args, Subcommand};

use super::{
    print, print_json,
    service::{QueueArgs, ServiceArgs, wait},
};
use crate::{
    job::JobError,
    worker::{DeadJob, Which, dead_jobs, requeue_dead},
};

/// See the jobs of the dead-letter queue, and put them back
#[derive(Debug, Subcommand)]
pub enum DeadCommand {
    /// List them with their reasons
    List(ListArgs),
    /// Show one with all that is known of it
    Show(OneArgs),
    /// Put one, or all, back to where jobs enter, with a clean history
    Requeue(RequeueArgs),
}

#[derive(Debug, Args)]
pub struct ListArgs {
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: AtArgs,
}

#[derive(Debug, Args)]
pub struct OneArgs {
    /// Its job id, or its number in the list
    #[arg(value_name = "JOB_ID|NUMBER")]
    job: String,
    #[command(flatten)]
    at: AtArgs,
}

#[derive(Debug, Args)]
pub struct RequeueArgs {
    #[arg(value_name = "JOB_ID", required_unless_present = "all")]
    job: Option<String>,
    #[arg(long, conflicts_with = "job")]
    all: bool,
    #[command(flatten)]
    at: AtArgs,
}

#[derive(Debug, Args)]
struct AtArgs {
    #[command(flatten)]
    queue: QueueArgs,
    #[command(flatten)]
    service: ServiceArgs,
}

pub fn run(command: DeadCommand) -> Result<(), JobError> {
    let broker = |error: crate::worker::BrokerError| JobError::Broker(error.to_string());
    wait(async {
        match command {
            DeadCommand::List(args) => {
                let jobs = dead_jobs(&args.at.queue.settings(&args.at.service)?)
                    .await
                    .map_err(broker)?;
                if args.json {
                    print_json(&jobs)
                } else {
                    print(&jobs.iter().map(line).collect::<String>())
                }
            }
            DeadCommand::Show(args) => {
                let jobs = dead_jobs(&args.at.queue.settings(&args.at.service)?)
                    .await
                    .map_err(broker)?;
                let wanted =
                    |job: &&DeadJob| job.job_id.as_ref() == Some(&args.job) || job.number.to_string() == args.job;
                let unknown = || {
                    JobError::Settings(format!(
                        "there is no '{}' among the dead: see `tessera dead list`",
                        args.job.escape_default()
                    ))
                };
                print_json(jobs.iter().find(wanted).ok_or_else(unknown)?)
            }
            DeadCommand::Requeue(args) => {
                let which = args.job.map_or(Which::All, Which::Job);
                let count = requeue_dead(&args.at.queue.settings(&args.at.service)?, &which)
                    .await
                    .map_err(broker)?;
                print(&format!("{count} job(s) put back\n"))
            }
        }
    })
}

fn line(job: &DeadJob) -> String {
    let id = job.job_id.as_deref().unwrap_or("(no job id)").escape_debug();
    let reason = job
        .reason
        .as_deref()
        .and_then(|reason| reason.lines().next())
        .unwrap_or("no reason given")
        .escape_debug();
    format!("{:>4}  {id}  {} attempt(s)  {reason}\n", job.number, job.attempts + 1)
}
