//! The session as the platform described it: who took part, which dumps there are, what happened when. Pure.

mod chat;
mod check;
pub mod import;
mod manifest;
mod presence;

pub use chat::{ChatMessage, parse_chat};
pub use check::{ManifestError, Parsed, parse};
pub use manifest::{
    Dump, Event, EventKind, Manifest, Peer, RecordingWindow, SenderReport, SessionInfo, Track, is_blank, schema,
};
pub use presence::{muted, recorded};
