//! `tessera status`: what a worker is doing.

use std::net::SocketAddr;

use clap::Args;

use super::{print, print_json, service::wait, text::clock};
use crate::{
    job::JobError,
    media::TimeDelta,
    worker::{JobStatus, Status, ask_status},
};

/// Show what a worker is doing
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The worker's --listen address
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "TESSERA_LISTEN",
        default_value = "127.0.0.1:9090"
    )]
    listen: SocketAddr,
    #[arg(long)]
    json: bool,
}

pub fn run(args: StatusArgs) -> Result<(), JobError> {
    let status = wait(ask_status(args.listen))?;
    if args.json {
        print_json(&status)
    } else {
        print(&table(&status))
    }
}

fn table(status: &Status) -> String {
    let broker = if status.connected { "connected" } else { "no broker" };
    let stopping = if status.stopping { ", stopping" } else { "" };
    let mut text = format!(
        "worker {}: {} of {} slots in use, {broker}{stopping}\n",
        status.worker,
        status.jobs.len(),
        status.slots
    );
    for job in &status.jobs {
        text += &line(job);
    }
    text
}

fn line(job: &JobStatus) -> String {
    let seconds = |seconds: u64| {
        clock(TimeDelta::from_seconds(
            i64::try_from(seconds).unwrap_or(i64::MAX / 2_000_000_000),
        ))
    };
    let eta = job.eta_s.map_or_else(|| "not known yet".to_owned(), seconds);
    let (session, account) = (job.session.escape_debug(), job.account.escape_debug());
    format!(
        "  {}  {} %  running {}  to go {eta}  attempt {}  {} lane  {account}  {session}\n",
        job.job_id,
        job.percent,
        seconds(job.running_s),
        job.attempt,
        job.lane
    )
}
