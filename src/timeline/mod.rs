//! All dumps of a session on one clock: where each begins, when each has something to show, who is muted. Pure.

//!
//! Each dump's evidence is read onto its own clock (`readings`, `reports`, `places`, `steps`), gathered (`evidence`), weighed
//! (`ladder`, `peers`) and turned into a clock with a certificate (`place`).

mod build;
mod certificate;
mod clock;
mod evidence;
mod fit;
mod ladder;
mod live;
mod name;
mod peers;
mod place;
mod places;
mod readings;
mod reports;
mod steps;

pub use build::{DumpInput, build};
pub use certificate::{DumpCertificate, Outcome, ReportCount, Residual, Rung, RungReport, StepReport, SyncCertificate};
pub use clock::{Clock, Knot};

use std::sync::Arc;

use crate::media::{Kind, PeerId, SessionTime, Source, Span, Spans, TrackId, WallTime};

/// Every usable dump placed on the session clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// Wall clock of session time zero: the start of the recording.
    pub origin: WallTime,
    /// The end of the last recorded stretch.
    pub end: SessionTime,
    /// What was recorded of `0..end`; between these stretches the recording was paused.
    pub recorded: Spans,
    /// In the order of the manifest; tracks without a usable dump are missing.
    pub tracks: Vec<TrackTimeline>,
    /// How every dump was placed, and how well.
    pub certificate: SyncCertificate,
    pub warnings: Vec<String>,
}

/// One track on the session clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackTimeline {
    /// Index into the manifest's tracks.
    pub index: usize,
    pub track_id: TrackId,
    pub peer_id: PeerId,
    pub kind: Kind,
    pub source: Source,
    /// Which dump counts when; sorted and disjoint.
    pub pieces: Vec<Piece>,
    /// When there is something to see or hear: within the pieces, neither muted nor in a hole.
    pub live: Spans,
}

/// A stretch of session time for which one dump is the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Index into the track's dumps.
    pub dump: usize,
    pub span: Span,
    /// Shared by all pieces of the dump.
    pub clock: Arc<Clock>,
}

#[cfg(test)]
mod tests;
