//! The proof of how every dump was placed: which evidence there was, which counted, and how well it fits.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::media::{SessionTime, TimeDelta, TrackId};

/// How a session's dumps were placed on one clock.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SyncCertificate {
    /// The weakest evidence that any dump stands on; nothing if there is no dump.
    pub worst_anchor: Option<Rung>,
    /// The largest p95 of any dump's residuals, in milliseconds.
    #[serde(rename = "worst_residual_ms", serialize_with = "millis")]
    pub worst_residual: TimeDelta,
    /// The one figure: how far any dump may stand from its true place, as far as the evidence tells, in milliseconds.
    #[serde(rename = "worst_offset_ms", serialize_with = "millis")]
    pub worst_offset: TimeDelta,
    /// In the order of the manifest.
    pub dumps: Vec<DumpCertificate>,
}

/// How one dump was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DumpCertificate {
    pub track_id: TrackId,
    /// Index into the manifest's tracks.
    pub track: usize,
    /// Index into the track's dumps.
    pub dump: usize,
    /// The evidence that fixes the dump on the wall clock.
    pub anchor: Rung,
    /// Every rung that has anything to say, best first.
    pub rungs: Vec<RungReport>,
    /// How much longer than nominal a second of the dump's clock is, in parts per billion.
    pub drift_ppb: i64,
    /// How far the single readings of the anchor lie from the line through them.
    pub residual: Residual,
    pub sender_reports: ReportCount,
    /// How far the sender's wall clock is ahead of the recorder's, where it had to be corrected, in milliseconds.
    #[serde(rename = "sender_clock_ahead_ms", serialize_with = "optional_millis")]
    pub sender_clock_ahead: Option<TimeDelta>,
    pub steps: Vec<StepReport>,
    /// How often RTP timestamps began anew, the first time included; 0 where the dump has no RTP time.
    pub epochs: usize,
    /// How far the dump may stand from its true place, as far as the evidence tells, in milliseconds.
    #[serde(rename = "estimated_offset_ms", serialize_with = "millis")]
    pub estimated_offset: TimeDelta,
}

/// Evidence of where a dump lies on the wall clock, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    SenderReports,
    ReceiveTimes,
    FirstPacket,
    /// `started_at` of the dump in the manifest.
    Manifest,
    FileName,
    /// No evidence at all: the dump is taken to begin with the recording.
    Recording,
}

/// What one rung says of a dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RungReport {
    pub rung: Rung,
    /// How much later than where it was placed the dump would stand by this rung alone, in milliseconds.
    #[serde(rename = "offset_ms", serialize_with = "millis")]
    pub offset: TimeDelta,
    pub outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Used,
    Agrees,
    /// Says something else, but not enough speaks against it to call it wrong.
    Differs,
    Rejected,
}

/// Distances of readings from their line, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Residual {
    #[serde(rename = "p50_ms", serialize_with = "millis")]
    pub p50: TimeDelta,
    #[serde(rename = "p95_ms", serialize_with = "millis")]
    pub p95: TimeDelta,
    #[serde(rename = "max_ms", serialize_with = "millis")]
    pub max: TimeDelta,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct ReportCount {
    pub used: usize,
    pub rejected: usize,
}

/// At `at` the dump's clock fell back behind the session's by `size` (or jumped ahead, if negative), in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct StepReport {
    #[serde(rename = "at_ms", serialize_with = "session_millis")]
    pub at: SessionTime,
    #[serde(rename = "size_ms", serialize_with = "millis")]
    pub size: TimeDelta,
}

impl SyncCertificate {
    pub fn of(dumps: Vec<DumpCertificate>) -> SyncCertificate {
        let longest = |of: fn(&DumpCertificate) -> TimeDelta| dumps.iter().map(of).max().unwrap_or_default();
        SyncCertificate {
            worst_anchor: dumps.iter().map(|dump| dump.anchor).max(),
            worst_residual: longest(|dump| dump.residual.p95),
            worst_offset: longest(|dump| dump.estimated_offset),
            dumps,
        }
    }
}

impl Residual {
    pub(super) fn of(distances: Vec<f64>) -> Residual {
        let at = |share| super::fit::quantile(distances.clone(), share);
        let delta = |nanos: f64| TimeDelta::from_nanos(nanos.round() as i64);
        Residual {
            p50: delta(at(0.5)),
            p95: delta(at(0.95)),
            max: delta(at(1.0)),
        }
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Rung::SenderReports => "sender reports",
            Rung::ReceiveTimes => "receive times",
            Rung::FirstPacket => "first packet",
            Rung::Manifest => "started_at",
            Rung::FileName => "file name",
            Rung::Recording => "start of the recording",
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Outcome::Used => "used",
            Outcome::Agrees => "agrees",
            Outcome::Differs => "differs",
            Outcome::Rejected => "rejected",
        })
    }
}

/// Milliseconds with microseconds behind the point.
fn millis<S: Serializer>(delta: &TimeDelta, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((delta.nanos() as f64 / 1e3).round() / 1e3)
}

fn optional_millis<S: Serializer>(delta: &Option<TimeDelta>, serializer: S) -> Result<S::Ok, S::Error> {
    match delta {
        Some(delta) => millis(delta, serializer),
        None => serializer.serialize_none(),
    }
}

fn session_millis<S: Serializer>(time: &SessionTime, serializer: S) -> Result<S::Ok, S::Error> {
    millis(&time.since_start(), serializer)
}
