//! What can keep a job from its end, and who can mend it.

use std::{io, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{JobId, JobState};
use crate::{
    composition::PlanError,
    layout::LayoutError,
    media::document::{self, Fault},
    notify::FailureKind,
    render::RenderError,
    session::{ManifestError, import::ImportError},
    storage::{Checkup, Class, KeyError, StorageError},
};

/// Who can mend an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// Whoever wrote the command, job, manifest or layout.
    Caller,
    /// Whoever owns the place that results go to.
    Destination,
    /// Whoever made the dumps.
    Input,
    /// Tessera itself.
    Us,
    /// Somebody asked to stop.
    Nobody,
}

#[derive(Debug, thiserror::Error)]
pub enum JobError {
    #[error("{path}: cannot be read: {error}{cure}", path = path.display(), cure = missing_cure(error))]
    ManifestUnreadable { path: PathBuf, error: io::Error },
    #[error("{path}: {error}", path = path.display())]
    Manifest { path: PathBuf, error: ManifestError },
    #[error("{path}: cannot be read: {error}", path = path.display())]
    FolderUnreadable { path: PathBuf, error: io::Error },
    #[error("{path}: {error}", path = path.display())]
    Import { path: PathBuf, error: ImportError },
    #[error("{path}: is already there: pass --force to replace it, or --print to see the new one", path = path.display())]
    ManifestExists { path: PathBuf },
    #[error("{path}: cannot be written: {error}: pass --print and write it elsewhere", path = path.display())]
    ManifestUnwritable { path: PathBuf, error: io::Error },
    #[error("{path}: cannot be used as messages: {reason}", path = path.display())]
    Chat { path: PathBuf, reason: String },
    #[error("layout {path}: cannot be read: {error}", path = path.display())]
    LayoutUnreadable { path: PathBuf, error: io::Error },
    #[error("layout {name}: its picture {path} cannot be used: {error}", path = path.display())]
    LayoutPicture {
        name: String,
        path: PathBuf,
        error: io::Error,
    },
    #[error("layout {name}: {error}")]
    Layout { name: String, error: LayoutError },
    #[error("{path}: no input streams available to create recording: none of its dumps can be used\n{reasons}", path = path.display(), reasons = listed(reasons))]
    NoUsableDump { path: PathBuf, reasons: Vec<String> },
    #[error("{path}: {error}", path = path.display())]
    Plan { path: PathBuf, error: PlanError },
    #[error("{path}: cannot be written: {error}: choose another folder with --out", path = path.display())]
    Output { path: PathBuf, error: io::Error },
    #[error("rendering failed: {0}")]
    Render(RenderError),
    #[error("{name}: {count} fault(s) in the job\n{lines}", count = faults.len(), lines = document::listed(faults))]
    Job { name: String, faults: Vec<Fault> },
    #[error("{name}: {count} fault(s) in the destination\n{lines}", count = faults.len(), lines = document::listed(faults))]
    Destination { name: String, faults: Vec<Fault> },
    #[error("{path}: cannot be read: {error}", path = path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{0}")]
    Settings(String),
    #[error("the job names template '{}', but no folder of templates is configured: set TESSERA_TEMPLATES", template.escape_default())]
    NoTemplates { template: String },
    #[error("template '{}': {why}", template.escape_default())]
    Template { template: String, why: String },
    #[error("{0}: choose another prefix or session id")]
    Key(KeyError),
    #[error("jobs may not deliver to folder {}: see TESSERA_DESTINATION_FOLDER", path.display())]
    FolderNotAllowed { path: PathBuf },
    #[error(
        "{uri} is already there, made from another plan: say \"reprocess\": \"replace\" or \"new-key\" in the job to make it again"
    )]
    OtherPlan { uri: String },
    #[error("there is no job '{0}' in the store: check the id, and TESSERA_STORE")]
    UnknownJob(JobId),
    #[error("no job of session '{}' is in the store: check the id, and TESSERA_STORE", .0.escape_default())]
    UnknownSession(String),
    #[error("there is no webhook '{}' in the outbox: see `tessera webhook list`", .0.escape_default())]
    UnknownWebhook(String),
    #[error("job '{job}' has no recording yet: its state is {state}")]
    NoRecording { job: JobId, state: JobState },
    #[error("job '{job}' is being worked on by another process on this spool: wait for it, or stop it")]
    Busy { job: JobId },
    #[error("spool {path}: {error}: check TESSERA_SPOOL", path = path.display())]
    Spool { path: PathBuf, error: io::Error },
    #[error("spool {path}: the job needs {needed} bytes and {available} are free: free some, or raise TESSERA_SPOOL_LIMIT", path = path.display())]
    SpoolFull { path: PathBuf, needed: u64, available: u64 },
    #[error("source: {0}")]
    Source(StorageError),
    #[error("the service's own store: {0}")]
    Store(StorageError),
    #[error("the service's own store: {place} is damaged: {why}")]
    StoreDamaged { place: String, why: String },
    #[error("{place} cannot be used as it is:\n{lines}", place = .0.place(), lines = .0.complaint())]
    DestinationRefused(Box<Checkup>),
    #[error("destination: {0}")]
    Delivery(StorageError),
    #[error(
        "the recording is made, but could not be delivered: {error}\nit waits in the store: mend the destination, then run `tessera deliver {job}`"
    )]
    Parked { job: JobId, error: StorageError },
    #[error("{0}")]
    Broker(String),
    #[error("given up: {0}")]
    GivenUp(String),
    #[error("cancelled")]
    Cancelled,
}

impl JobError {
    pub fn blame(&self) -> Blame {
        match self {
            JobError::ManifestUnreadable { .. }
            | JobError::Manifest { .. }
            | JobError::FolderUnreadable { .. }
            | JobError::ManifestExists { .. }
            | JobError::Import {
                error: ImportError::SeveralRooms(_),
                ..
            }
            | JobError::Chat { .. }
            | JobError::LayoutUnreadable { .. }
            | JobError::LayoutPicture { .. }
            | JobError::Layout { .. }
            | JobError::Job { .. }
            | JobError::Destination { .. }
            | JobError::Unreadable { .. }
            | JobError::Settings(_)
            | JobError::NoTemplates { .. }
            | JobError::Template { .. }
            | JobError::Key(_)
            | JobError::FolderNotAllowed { .. }
            | JobError::OtherPlan { .. }
            | JobError::UnknownJob(_)
            | JobError::UnknownSession(_)
            | JobError::UnknownWebhook(_)
            | JobError::NoRecording { .. } => Blame::Caller,
            JobError::Source(error) => match error.fault.class() {
                Class::Missing => Blame::Caller,
                Class::Refused | Class::Transient | Class::Broken => Blame::Us,
            },
            JobError::DestinationRefused(_) | JobError::Delivery(_) | JobError::Parked { .. } => Blame::Destination,
            JobError::Busy { .. }
            | JobError::Spool { .. }
            | JobError::SpoolFull { .. }
            | JobError::GivenUp(_)
            | JobError::Broker(_)
            | JobError::Store(_)
            | JobError::StoreDamaged { .. } => Blame::Us,
            JobError::NoUsableDump { .. }
            | JobError::Import {
                error: ImportError::NothingFound(_),
                ..
            } => Blame::Input,
            JobError::Plan {
                error: PlanError::NothingUsable,
                ..
            } => Blame::Input,
            JobError::Plan {
                error: PlanError::NothingKept { .. } | PlanError::Layout { .. },
                ..
            } => Blame::Caller,
            JobError::Output { .. } | JobError::ManifestUnwritable { .. } => Blame::Destination,
            JobError::Render(_) => Blame::Us,
            JobError::Cancelled => Blame::Nobody,
        }
    }

    /// What the customer's program is told, if anything.
    pub fn failure_kind(&self) -> Option<FailureKind> {
        match self.blame() {
            Blame::Caller => Some(FailureKind::ConfigError),
            Blame::Destination => Some(FailureKind::CloudAccessError),
            Blame::Input => Some(FailureKind::InputError),
            Blame::Us => Some(match self {
                JobError::SpoolFull { .. } => FailureKind::MemoryError,
                JobError::Source(_) | JobError::Store(_) => FailureKind::ApiError,
                _ => FailureKind::ProcessingCmdError,
            }),
            Blame::Nobody => None,
        }
    }

    /// The exit code of the command line.
    pub fn exit_code(&self) -> u8 {
        match self.blame() {
            Blame::Us => 1,
            Blame::Caller => 2,
            Blame::Input => 3,
            Blame::Destination => 4,
            // 128 + SIGINT, as shells have it
            Blame::Nobody => 130,
        }
    }
}

impl From<RenderError> for JobError {
    fn from(error: RenderError) -> JobError {
        match error {
            RenderError::Cancelled => JobError::Cancelled,
            error @ (RenderError::Av(_) | RenderError::Threads(..) | RenderError::Work(..)) => JobError::Render(error),
        }
    }
}

fn missing_cure(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => ": give a session.json, or a folder that holds one",
        _ => "",
    }
}

fn listed(lines: &[String]) -> String {
    lines
        .iter()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
