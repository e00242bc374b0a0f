//! A whole job here and now: pull, plan, render, deliver, notify, report. Doing it again does only what is missing.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tracing::{Instrument, field::Empty, info, info_span, warn};

use super::{Blame, FolderPolicy, Job, JobError, JobRecord, JobSpool, ReadJob, Service, Timings, attempt::Attempt};
use crate::{
    composition::Plan,
    notify::Entry,
    render::Watch,
    storage::{Bucket, Destination, UploadJournal},
};

/// Called once the plan is known, and gives the watch that is told of progress.
pub type Begin<'a> = &'a (dyn Fn(&Plan) -> Box<dyn Watch> + Sync);

/// How a job is to be run.
#[derive(Debug, Clone)]
pub struct RunRequest {
    pub threads: usize,
    /// How long the command stays for webhooks that are not taken at once.
    pub webhook_patience: Duration,
    /// Set from outside to give the job up.
    pub cancelled: Arc<AtomicBool>,
    pub on_cancel: OnCancel,
    pub failures: Failures,
    pub dumps: DumpTrust,
}

/// How dumps are met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DumpTrust {
    Usual,
    /// Earlier attempts crashed: each is decoded in a process of its own first, and left out if that crashes.
    TryEach,
}

/// What becomes of the spool when a job is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCancel {
    CleanUp,
    /// Somebody will go on from there.
    KeepSpool,
}

/// Whether customers hear of a failure that is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failures {
    Announce,
    /// It is tried again: only what trying again cannot mend is told.
    WillRetry,
}

/// A job that came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    pub record: JobRecord,
    pub made: Made,
    /// Webhooks that are still to be delivered.
    pub waiting: Vec<Entry>,
    /// What rendering took, if there was any.
    pub timings: Option<Timings>,
}

/// What had to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Made {
    /// Rendered and delivered.
    Rendered,
    /// It had been rendered before and is delivered now.
    Delivered,
    /// It was in its place already.
    Nothing,
}

impl Service {
    /// Runs a job to its end, unless somebody else does.
    pub async fn run(&self, read: &ReadJob, request: &RunRequest, begin: Begin<'_>) -> Result<Done, JobError> {
        let span = info_span!("job", job = %read.job.job_id, session = Empty, room = Empty, account = Empty);
        let work = async {
            let job = &read.job;
            self.check_folder(&job.destination)?;
            let spool = JobSpool::enter(&self.settings.spool, &job.job_id)?;
            let lease = self.lease(&job.job_id, &request.cancelled).await?;
            let result = self.run_alone(read, request, spool, begin).await;
            lease.end().await;
            result
        };
        work.instrument(span).await
    }

    /// Runs a job that nobody else works on.
    async fn run_alone(
        &self,
        read: &ReadJob,
        request: &RunRequest,
        spool: JobSpool,
        begin: Begin<'_>,
    ) -> Result<Done, JobError> {
        let job = &read.job;
        let before = self.store.record(&job.job_id).await?;
        self.store.keep_job(&job.job_id, &read.document).await?;
        let mut attempt = Attempt {
            service: self,
            job,
            request,
            spool: &spool,
            session: None,
            before,
            timings: None,
        };
        match attempt.go(begin).await {
            Ok((record, made)) => {
                let timings = attempt.timings;
                spool.leave()?;
                info!(state = %record.state, "job done");
                let waiting = self.send_webhooks_of(&record, request.webhook_patience).await?;
                Ok(Done {
                    record,
                    made,
                    waiting,
                    timings,
                })
            }
            Err(error) => {
                let told = attempt.failed(&error).await;
                self.clean_up(job, request, spool, &error).await;
                if let Some(record) = told? {
                    self.send_webhooks_of(&record, request.webhook_patience).await?;
                }
                Err(error)
            }
        }
    }

    /// Jobs from a queue may not write wherever they like.
    fn check_folder(&self, destination: &Destination) -> Result<(), JobError> {
        let Destination::File(folder) = destination else {
            return Ok(());
        };
        let path = &folder.location;
        let climbs = path.components().any(|part| part == std::path::Component::ParentDir);
        let allowed = match &self.settings.destinations {
            FolderPolicy::Any => true,
            FolderPolicy::Below(root) => path.starts_with(root) && !climbs,
            FolderPolicy::None => false,
        };
        if allowed {
            Ok(())
        } else {
            Err(JobError::FolderNotAllowed { path: path.clone() })
        }
    }

    /// After a failure the spool stays only where another attempt can use it.
    async fn clean_up(&self, job: &Job, request: &RunRequest, spool: JobSpool, error: &JobError) {
        let keep = match error.blame() {
            Blame::Us => true,
            Blame::Nobody => request.on_cancel == OnCancel::KeepSpool,
            Blame::Caller | Blame::Destination | Blame::Input => false,
        };
        let aborted = Bucket::of(&job.destination)
            .await
            .abort_unfinished(&journal(&spool))
            .await;
        if let Err(error) = aborted {
            warn!("parts of an unfinished upload are left: {error}");
        }
        if !keep && let Err(error) = spool.leave() {
            warn!("{error}");
        }
    }
}

/// Where the job remembers an upload under way.
pub(super) fn journal(spool: &JobSpool) -> UploadJournal {
    UploadJournal::at(spool.file("upload.json"))
}
