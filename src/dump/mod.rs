//! Dumps: finding the files, probing them, and reading their packets in order.

mod locate;
mod mend;
pub mod mjr;
mod packets;
pub mod probe;
mod reader;
pub mod record;
pub mod rtcp;
pub mod rtp;
pub mod rtpdump;
mod transport;

pub use locate::{LocateError, SourcePolicy, locate};
pub use reader::Reader;
pub use transport::Transport;

use crate::av::AvError;

/// Why a dump cannot be used, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    #[error(transparent)]
    Locate(#[from] LocateError),
    #[error("cannot be fetched: {0}")]
    NotFetched(String),
    /// It takes down whoever decodes it.
    #[error("it is deadly: {0}")]
    Deadly(String),
    #[error("the file is empty")]
    Empty,
    #[error("format '{0}' is not known: use webm, mkv, ogg, ivf, mp4, mjr or rtpdump")]
    UnknownFormat(String),
    #[error("not a readable media file ({0})")]
    Unreadable(AvError),
    #[error("not a readable Janus recording: {0}")]
    Mjr(#[from] mjr::MjrError),
    #[error("not a readable rtpdump file: {0}")]
    Rtpdump(#[from] rtpdump::RtpdumpError),
    #[error("packet dumps of codec '{}' cannot be read", .0.escape_default())]
    NoPayloadFormat(String),
    #[error("nothing says which codec it holds: name it at the track in the manifest")]
    UnknownCodec,
    #[error("it holds {found}, not {expected}")]
    WrongKind {
        found: crate::media::Kind,
        expected: crate::media::Kind,
    },
    #[error("there is no {0} frame in it that can be used")]
    NoFrames(crate::media::Kind),
    #[error("its SHA-256 is {found}, not {expected} as the manifest says")]
    Checksum { expected: String, found: String },
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
}
