//! What can keep a job from its end, and who can mend it.

use std::{io, path::PathBuf};

use crate::{
    composition::PlanError,
    layout::LayoutError,
    render::RenderError,
    session::{ManifestError, import::ImportError},
};

/// Who can mend an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
            | JobError::Layout { .. } => Blame::Caller,
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
                error: PlanError::NothingKept { .. },
                ..
            } => Blame::Caller,
            JobError::Output { .. } | JobError::ManifestUnwritable { .. } => Blame::Destination,
            JobError::Render(_) => Blame::Us,
            JobError::Cancelled => Blame::Nobody,
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
            error @ (RenderError::Av(_) | RenderError::Threads(..)) => JobError::Render(error),
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
