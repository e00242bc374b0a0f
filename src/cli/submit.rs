//! `tessera submit` and `tessera reprocess`: jobs onto the queue.

use std::{fs, path::PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::{
    print,
    run::{self, HowArgs},
    service::{QueueArgs, ServiceArgs, wait},
};
use crate::{
    job::{Job, JobError, JobId},
    worker::submit,
};

/// Put a job on the queue, confirmed by the broker
#[derive(Debug, Args)]
pub struct SubmitArgs {
    /// The job as JSON; see `tessera schema job`
    #[arg(value_name = "JOB.json")]
    job: PathBuf,
    #[command(flatten)]
    queue: QueueArgs,
    #[command(flatten)]
    service: ServiceArgs,
}

/// Make the recording of a past session again, changed or not
///
/// Takes the last job of the session from the store, changes it as told, and runs it here, or on the queue with
/// --enqueue.
#[derive(Debug, Args)]
pub struct ReprocessArgs {
    #[arg(value_name = "SESSION_ID")]
    session: String,
    /// Another layout
    #[arg(long, value_name = "NAME")]
    layout: Option<String>,
    /// Another size
    #[arg(long, value_name = "WxH")]
    resolution: Option<String>,
    /// x264 constant rate factor
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=51))]
    crf: Option<u8>,
    /// What becomes of the recording that is there
    #[arg(long, value_enum, default_value_t = Existing::Replace)]
    existing: Existing,
    /// Name of the new job [default: the old one's, with the time behind it]
    #[arg(long, value_name = "JOB_ID")]
    job_id: Option<JobId>,
    /// Put it on the queue instead of running it here
    #[arg(long)]
    enqueue: bool,
    #[command(flatten)]
    queue: QueueArgs,
    #[command(flatten)]
    how: HowArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Existing {
    /// The new one takes its place
    Replace,
    /// The new one lies beside it, under a key of its own
    Keep,
}

pub fn run(args: SubmitArgs) -> Result<(), JobError> {
    let unreadable = |error| JobError::Unreadable {
        path: args.job.clone(),
        error,
    };
    let text = fs::read_to_string(&args.job).map_err(unreadable)?;
    let id = checked(&text, &args.job.display().to_string(), &args.service)?;
    let settings = args.queue.settings(&args.service)?;
    wait(async {
        submit(&settings, text.into_bytes())
            .await
            .map_err(|error| JobError::Broker(error.to_string()))
    })?;
    print(&format!("job {id} is on the queue {}.jobs\n", settings.prefix))
}

pub fn reprocess(args: ReprocessArgs) -> Result<(), JobError> {
    wait(async {
        let service = args.how.service().open().await?;
        let mut document = service.last_job_of(&args.session).await?;
        change(&mut document, &args);
        let read = Job::from_document(document.clone(), "the changed job")?;
        if !args.enqueue {
            return run::carry_out(&service, &read, &args.how).await;
        }
        let settings = args.queue.settings(args.how.service())?;
        let sent = submit(&settings, document.to_string().into_bytes()).await;
        sent.map_err(|error| JobError::Broker(error.to_string()))?;
        print(&format!(
            "job {} is on the queue {}.jobs\n",
            read.job.job_id, settings.prefix
        ))
    })
}

/// Refuses here what the worker would put among the dead.
fn checked(text: &str, name: &str, service: &ServiceArgs) -> Result<JobId, JobError> {
    let settings = crate::config::settings(&service.overrides(), crate::config::Trust::Person)?;
    match &settings.templates {
        Some(folder) => Job::read(text, name, Some(folder)).map(|read| read.job.job_id),
        // the worker has the templates
        None => Job::read_before_template(text, name),
    }
}

fn change(document: &mut Value, args: &ReprocessArgs) {
    let old = document["job_id"].as_str().unwrap_or_default().to_owned();
    let fresh = || {
        let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S").to_string();
        let kept: String = old.chars().take(100).collect();
        format!("{kept}-{stamp}")
    };
    document["job_id"] = json!(args.job_id.as_ref().map_or_else(fresh, ToString::to_string));
    document["reprocess"] = json!(match args.existing {
        Existing::Replace => "replace",
        Existing::Keep => "new-key",
    });
    if document["outputs"].get(0).is_none() {
        document["outputs"] = json!([{"type": "room-composite"}]);
    }
    let output = &mut document["outputs"][0];
    let changes = [
        ("layout", json!(args.layout)),
        ("resolution", json!(args.resolution)),
        ("crf", json!(args.crf)),
    ];
    for (name, value) in changes {
        if !value.is_null() {
            output[name] = value;
        }
    }
}
