//! `report.json`: what was made of what, and what it took.

use serde::{Deserialize, Serialize};

use super::{DumpVerdict, speakers::SpokenBy, usage::Taken};
use crate::{
    composition::Plan,
    media::{Decibels, SessionId, Size, TickRate, TimeDelta, WallTime},
    timeline::SyncCertificate,
};

/// What support reads first. Times are wall clock where they end in `_at`, else lengths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Version of this shape, 1.
    pub version: u32,
    pub tessera: &'static str,
    pub session_id: SessionId,
    pub plan_hash: String,
    /// Wall clock of the recording's first picture.
    pub started_at: WallTime,
    pub duration_ms: i64,
    pub layout: String,
    pub canvas: Size,
    pub ticks_per_second: TickRate,
    pub scenes: usize,
    pub encoded_frames: u64,
    /// Parts that an earlier attempt had finished.
    pub resumed_chunks: u64,
    /// Of the finished recording: integrated loudness and highest true peak (ITU-R BS.1770-4); nothing of silence.
    pub loudness_lufs: Option<Decibels>,
    pub true_peak_dbtp: Option<Decibels>,
    pub assets: Vec<Asset>,
    pub timings: Timings,
    /// Who was the speaker when.
    pub speakers: Vec<SpokenBy>,
    pub dumps: Vec<DumpVerdict>,
    /// How every dump was placed on the session clock, and how well.
    pub sync: SyncCertificate,
    pub warnings: Vec<String>,
}

/// A finished file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asset {
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Relative to the report.
    pub file: String,
    /// Where it is on this machine.
    pub path: String,
    pub size: u64,
    pub sha256: String,
}

/// What the job took, in milliseconds; `cpu_*` is user and system time of all threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Timings {
    pub total_ms: u64,
    pub cpu_ms: u64,
    pub prepare_ms: u64,
    pub cpu_prepare_ms: u64,
    /// Listening to all sound, to level it and to tell who speaks; and planning.
    pub listen_ms: u64,
    pub cpu_listen_ms: u64,
    pub render_ms: u64,
    pub cpu_render_ms: u64,
    pub finish_ms: u64,
    pub cpu_finish_ms: u64,
    /// From the start of the job to the first encoded picture.
    pub first_frame_ms: u64,
    pub peak_memory_bytes: u64,
}

/// How long each stage took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stages {
    pub prepare: Taken,
    pub listen: Taken,
    pub render: Taken,
    pub finish: Taken,
    pub first_frame: std::time::Duration,
}

impl Stages {
    pub(super) fn timings(self, peak_memory_bytes: u64) -> Timings {
        let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let stages = [self.prepare, self.listen, self.render, self.finish];
        Timings {
            total_ms: millis(stages.iter().map(|taken| taken.wall).sum()),
            cpu_ms: millis(stages.iter().map(|taken| taken.cpu).sum()),
            prepare_ms: millis(self.prepare.wall),
            cpu_prepare_ms: millis(self.prepare.cpu),
            listen_ms: millis(self.listen.wall),
            cpu_listen_ms: millis(self.listen.cpu),
            render_ms: millis(self.render.wall),
            cpu_render_ms: millis(self.render.cpu),
            finish_ms: millis(self.finish.wall),
            cpu_finish_ms: millis(self.finish.cpu),
            first_frame_ms: millis(self.prepare.wall + self.listen.wall + self.first_frame),
            peak_memory_bytes,
        }
    }
}

impl Report {
    pub(super) fn of(plan: &Plan) -> Report {
        Report {
            version: 1,
            tessera: env!("CARGO_PKG_VERSION"),
            session_id: plan.session_id.clone(),
            plan_hash: plan.hash.clone(),
            started_at: plan.started_at,
            duration_ms: plan.duration().millis(),
            layout: plan.layout.clone(),
            canvas: plan.canvas,
            ticks_per_second: plan.ticks_per_second,
            scenes: plan.scenes.len(),
            encoded_frames: 0,
            resumed_chunks: 0,
            loudness_lufs: None,
            true_peak_dbtp: None,
            assets: Vec::new(),
            timings: Timings::default(),
            speakers: Vec::new(),
            dumps: Vec::new(),
            sync: SyncCertificate::default(),
            warnings: Vec::new(),
        }
    }

    pub fn duration(&self) -> TimeDelta {
        TimeDelta::from_millis(self.duration_ms)
    }

    /// How many times faster than the session it was, in thousandths.
    pub fn speed_thousandths(&self) -> u64 {
        u64::try_from(self.duration_ms).unwrap_or(0) * 1000 / self.timings.total_ms.max(1)
    }
}
