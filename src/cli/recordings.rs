//! `tessera recordings`: what was made.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::{
    print, print_json,
    service::{ServiceArgs, wait},
    text::{bytes, clock},
};
use crate::{
    job::{JobError, JobId, JobRecord, Sought},
    media::{TimeDelta, WallTime},
};

/// Find recordings, and get links to them
#[derive(Debug, Subcommand)]
pub enum RecordingsCommand {
    /// List what was made
    List(ListArgs),
    /// Show the record and the report of a job
    Show(ShowArgs),
    /// Print a fresh link to a recording
    Url(UrlArgs),
}

#[derive(Debug, Args)]
pub struct ListArgs {
    #[arg(long, value_name = "ROOM_ID")]
    room: Option<String>,
    #[arg(long, value_name = "SESSION_ID")]
    session: Option<String>,
    /// Sessions that began then or later: 2026-11-20 or 2026-11-20T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    since: Option<WallTime>,
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    service: ServiceArgs,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    #[arg(value_name = "JOB_ID")]
    job: JobId,
    #[command(flatten)]
    service: ServiceArgs,
}

#[derive(Debug, Args)]
pub struct UrlArgs {
    #[arg(value_name = "JOB_ID")]
    job: JobId,
    /// How long the link works; S3 allows at most 7 days (168)
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u64).range(1..=168))]
    hours: u64,
    #[command(flatten)]
    service: ServiceArgs,
}

pub fn run(command: RecordingsCommand) -> Result<(), JobError> {
    wait(async {
        match command {
            RecordingsCommand::List(args) => list(args).await,
            RecordingsCommand::Show(args) => show(args).await,
            RecordingsCommand::Url(args) => {
                let link = args
                    .service
                    .open()
                    .await?
                    .link(&args.job, Duration::from_secs(args.hours * 3600))
                    .await?;
                print(&format!("{link}\n"))
            }
        }
    })
}

async fn list(args: ListArgs) -> Result<(), JobError> {
    let sought = Sought {
        room: args.room,
        session: args.session,
        since: args.since,
    };
    let records = args.service.open().await?.recordings(&sought).await?;
    if args.json {
        return print_json(&records);
    }
    print(&records.iter().map(line).collect::<String>())
}

async fn show(args: ShowArgs) -> Result<(), JobError> {
    let service = args.service.open().await?;
    let record = service.recording(&args.job).await?;
    let report = service.store.report(&args.job).await?;
    print_json(&serde_json::json!({"record": record, "report": report}))
}

fn line(record: &JobRecord) -> String {
    let made = match &record.recording {
        Some(recording) => {
            let place = recording.uri.as_deref().unwrap_or("waits in the store");
            format!(
                "{}  {}  {place}",
                clock(TimeDelta::from_millis(recording.duration_ms)),
                bytes(recording.size)
            )
        }
        None => record
            .error
            .as_deref()
            .and_then(|error| error.lines().next())
            .unwrap_or_default()
            .to_owned(),
    };
    // ids come from strangers: control characters must not reach a terminal
    let session = record.session.as_ref().map_or_else(String::new, |session| {
        let room = session.room_id.as_str().escape_debug();
        let id = session.session_id.as_str().escape_debug();
        format!("  {}  room {room}  session {id}", session.started_at)
    });
    let state = record.state.to_string();
    format!("{state:<9}  {}{session}  {made}\n", record.job_id)
}

fn parse_since(text: &str) -> Result<WallTime, String> {
    WallTime::parse(text).or_else(|error| WallTime::parse(&format!("{text}T00:00:00Z")).map_err(|_| error))
}
