//! The session as the platform described it: who took part, which dumps there are, what happened when. Pure.

mod check;
pub mod import;
mod manifest;
mod presence;

pub use check::{ManifestError, Parsed, parse};
pub use manifest::{Dump, Event, EventKind, Manifest, Peer, RecordingWindow, SenderReport, SessionInfo, Track, schema};
pub use presence::{muted, recorded};
