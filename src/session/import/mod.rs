//! Manifests made from what an SFU left behind where nobody wrote one. One file per SFU.

mod janus;

use super::Manifest;
use crate::media::{Kind, WallTime};

/// An SFU whose recordings can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sfu {
    /// The VideoRoom plugin of Janus, recording to MJR files.
    Janus,
}

/// A recording found in a folder: its name there, and what the file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundDump {
    pub name: String,
    pub kind: Kind,
    pub codec: Option<String>,
    /// Arrival of the first packet.
    pub started_at: Option<WallTime>,
}

/// A manifest, and what had to be guessed or left out for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    pub manifest: Manifest,
    pub remarks: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    #[error("there is no recording of audio or video among {0} file(s)")]
    NothingFound(usize),
    #[error("recordings of several rooms are mixed here ({0}): import them from folders of their own")]
    SeveralRooms(String),
}

/// The file ending of what the SFU records.
pub fn ending(sfu: Sfu) -> &'static str {
    match sfu {
        Sfu::Janus => "mjr",
    }
}

/// Makes a manifest from the recordings of one session.
pub fn import(sfu: Sfu, dumps: &[FoundDump]) -> Result<Imported, ImportError> {
    match sfu {
        Sfu::Janus => janus::import(dumps),
    }
}
