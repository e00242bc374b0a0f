//! Dumps: finding the files, probing them, and reading their packets in order.

mod locate;
pub mod probe;
mod reader;

pub use locate::{LocateError, SourcePolicy, locate};
pub use reader::Reader;

use crate::av::AvError;

/// Why a dump cannot be used, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    #[error(transparent)]
    Locate(#[from] LocateError),
    #[error("the file is empty")]
    Empty,
    #[error("format '{0}' is not known: use webm, mkv, ogg, ivf or mp4")]
    UnknownFormat(String),
    #[error("not a readable media file ({0})")]
    Unreadable(AvError),
    #[error("there is no {0} frame in it that can be used")]
    NoFrames(crate::media::Kind),
    #[error("its SHA-256 is {found}, not {expected} as the manifest says")]
    Checksum { expected: String, found: String },
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
}
