//! One frame of a session, as a picture.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use super::{JobError, SessionSource, prepare::prepare};
use crate::{
    composition::{PlanError, Request},
    dump::probe::Depth,
    media::{SessionTime, Tick},
    render::{Fonts, RenderInput, still},
};

/// Which frame of which session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameRequest {
    pub source: SessionSource,
    pub request: Request,
    /// Since the start of the recording.
    pub at: SessionTime,
    /// The PNG to write.
    pub out: PathBuf,
    pub fonts: Fonts,
    pub threads: usize,
}

/// Writes what the recording shows at one moment; says what is wrong with it.
pub fn compose_frame(request: &FrameRequest) -> Result<Vec<String>, JobError> {
    let mut prepared = prepare(&request.source, Depth::Packets)?;
    if request.request.follows_speech() {
        prepared.listen(None, request.threads, &AtomicBool::new(false))?;
    }
    let plan = prepared.plan(&request.request)?;
    let next = plan.ticks_per_second.tick_at_or_after(request.at);
    let is_on_it = plan.ticks_per_second.time_of(next) <= request.at;
    let tick = if is_on_it { next } else { Tick(next.0 - 1) };
    if !(Tick::ZERO..plan.length).contains(&tick) {
        return Err(JobError::Plan {
            path: prepared.manifest_path,
            error: PlanError::NothingKept {
                from: request.at,
                to: request.at,
                length: SessionTime::START + plan.duration(),
            },
        });
    }
    let input = RenderInput {
        plan: &plan,
        files: &prepared.files,
        probes: &prepared.probes,
        kept: &prepared.kept,
        fonts: &request.fonts,
    };
    let still = still(&input, tick)?;
    write_picture(&request.out, &still.png)?;
    let warnings = prepared.warnings.iter().chain(&plan.warnings).cloned();
    Ok(warnings.chain(prepared.dump_warnings()).chain(still.warnings).collect())
}

/// Writes a picture beside its place and moves it there, so that it is whole or absent.
pub(super) fn write_picture(path: &Path, png: &[u8]) -> Result<(), JobError> {
    let failed = |error| JobError::Output {
        path: path.to_owned(),
        error,
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let draft = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    fs::write(draft.path(), png).map_err(failed)?;
    let kept = draft.persist(path).map_err(|error| failed(error.error))?;
    // temporary files are their owner's alone, results are everybody's as the process has it
    let mode = fs::Permissions::from_mode(0o644);
    kept.set_permissions(mode).map_err(failed)
}
