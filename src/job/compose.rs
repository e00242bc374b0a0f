//! A local run: session in, recording and report out.

use std::{path::PathBuf, sync::atomic::AtomicBool};

use tracing::debug;

use super::{
    JobError, Prepared, Report, SessionSource,
    output::OutputFolder,
    prepare::{Verdict, prepare},
    report::Stages,
    speakers::{speakers, webvtt},
    usage::{Meter, peak_memory},
};
use crate::{
    composition::{Material, Plan, PlanError, Request, plan},
    dump::probe::Depth,
    render::{Fonts, Keeping, RenderInput, Watch, Workplace, render},
};

/// Decoded sound up to this size waits on the disk to be mixed: an hour and a half of one microphone.
const MOST_KEPT: u64 = 1 << 30;

/// What to compose, how, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComposeRequest {
    pub source: SessionSource,
    pub request: Request,
    pub out: PathBuf,
    pub fonts: Fonts,
    pub threads: usize,
}

/// Composes a session. `begin` is called once the plan is known and gives the watch that is told of progress; until then
/// `cancelled` asks to stop.
pub fn compose<W: Watch>(
    request: &ComposeRequest,
    cancelled: &AtomicBool,
    begin: impl FnOnce(&Plan) -> W,
) -> Result<Report, JobError> {
    let mut meter = Meter::start();
    let mut prepared = prepare(&request.source, Depth::Packets)?;
    let mut stages = Stages {
        prepare: meter.lap(),
        ..Stages::default()
    };
    let folder = OutputFolder::open(&request.out)?;
    let keeping = Keeping::new(folder.work(), MOST_KEPT);
    prepared.listen(Some(&keeping), request.threads, cancelled)?;
    let plan = prepared.plan(&request.request)?;
    stages.listen = meter.lap();
    let watch = begin(&plan);
    let name = format!("{}.mp4", plan.file_stem());
    let making = Making {
        folder: &folder,
        name: &name,
        threads: request.threads,
        fonts: &request.fonts,
        stages,
    };
    let mut report = make(prepared, &plan, making, &watch)?;
    if !report.speakers.is_empty() {
        let name = format!("{}.speakers.vtt", plan.file_stem());
        report
            .assets
            .push(folder.write(&webvtt(&report.speakers), &name, "speakers")?);
    }
    folder.write_report(&report)?;
    Ok(report)
}

/// Where and how a recording is made.
pub(super) struct Making<'a> {
    pub folder: &'a OutputFolder,
    /// Of the finished file.
    pub name: &'a str,
    pub threads: usize,
    pub fonts: &'a Fonts,
    /// What was taken so far.
    pub stages: Stages,
}

/// Renders the plan into the folder and reports.
pub(super) fn make(
    mut prepared: Prepared,
    plan: &Plan,
    making: Making<'_>,
    watch: &dyn Watch,
) -> Result<Report, JobError> {
    debug!(session = %plan.session_id, plan = %plan.hash, scenes = plan.scenes.len(), chunks = plan.chunks.len(), "planned");
    let Making { folder, mut stages, .. } = making;
    let mut meter = Meter::start();
    let recording = folder.work().join("recording.mp4");
    let input = RenderInput {
        plan,
        files: &prepared.files,
        probes: &prepared.probes,
        kept: &prepared.kept,
        fonts: making.fonts,
    };
    let place = Workplace {
        output: &recording,
        work: folder.work(),
        threads: making.threads,
    };
    let rendered = render(&input, place, watch)?;
    stages.first_frame = rendered.first_frame;
    stages.render = meter.lap();

    debug!(session = %plan.session_id, frames = rendered.encoded_frames, media = ?rendered.media, assembly = ?rendered.assembly, "rendered");

    for fault in rendered.faults {
        prepared.remark(
            fault.key,
            format!(
                "{} packet(s) could not be decoded (first: {})",
                fault.packets, fault.first
            ),
        );
    }
    let asset = folder.publish(&recording, making.name, "room-composite")?;
    stages.finish = meter.lap();

    let mut report = Report::of(plan);
    report.encoded_frames = rendered.encoded_frames;
    report.resumed_chunks = rendered.resumed_chunks;
    report.loudness_lufs = rendered.loudness;
    report.true_peak_dbtp = rendered.peak;
    report.assets = vec![asset];
    report.speakers = speakers(plan, &prepared.manifest);
    report.timings = stages.timings(peak_memory());
    report.warnings = prepared
        .warnings
        .iter()
        .chain(&plan.warnings)
        .cloned()
        .chain(rendered.warnings)
        .chain(prepared.dump_warnings())
        .collect();
    report.dumps = prepared.verdicts;
    report.sync = prepared.timeline.certificate;
    Ok(report)
}

impl Prepared {
    /// The plan of one recording of this session.
    pub fn plan(&self, request: &Request) -> Result<Plan, JobError> {
        let path = self.manifest_path.clone();
        let material = Material {
            timeline: &self.timeline,
            probes: &self.probes,
            hearing: &self.hearing,
        };
        plan(&self.manifest, material, request).map_err(|error| match error {
            PlanError::NothingUsable
                if self
                    .verdicts
                    .iter()
                    .all(|verdict| verdict.verdict == Verdict::Quarantined) =>
            {
                JobError::NoUsableDump {
                    path,
                    reasons: self.dump_warnings(),
                }
            }
            error @ (PlanError::NothingUsable | PlanError::NothingKept { .. } | PlanError::Layout { .. }) => {
                JobError::Plan { path, error }
            }
        })
    }
}
