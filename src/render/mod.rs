//! Rendering a plan: decode, draw, mix, encode, join. Mechanical; every decision is in the plan.
//!
//! Chunks are composed one after another, the tiles of a chunk in parallel; each composed chunk is encoded on its own
//! while the next ones are composed. Sound is mixed beside them. The finished chunks are joined by remuxing.

mod assembly;
mod canvas;
mod chunk;
mod compose;
mod decoder;
mod decor;
mod fader;
mod feed;
mod input;
mod kept;
mod limiter;
mod listen;
mod mastering;
mod mixer;
mod outcome;
mod player;
mod preview;
mod small_file;
mod sound;
mod still;
mod trial;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

pub use decor::{Fonts, check_picture};
pub use input::{DumpFile, Dumps, RenderInput};
pub use kept::{Keeping, KeptSound};
pub use listen::{Listened, listen};
pub use preview::preview;
pub use small_file::read_small;
pub use still::{Still, still};
pub use trial::decode_all;

use crate::{av::AvError, dump::probe::DumpKey, media::Decibels};
use canvas::CanvasPool;
use compose::Composer;
use outcome::Outcome;

/// Why a plan could not be rendered. None of these is a dump's fault: a bad dump only leaves its place empty.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("cannot {0}")]
    Av(#[from] AvError),
    #[error("{path}: {1}", path = .0.display())]
    Work(PathBuf, std::io::Error),
    #[error("cannot start {0} threads: {1}")]
    Threads(usize, rayon::ThreadPoolBuildError),
    #[error("cancelled")]
    Cancelled,
}

/// Told how rendering goes; asked whether it should go on.
pub trait Watch: Sync {
    /// `ticks` more of the recording are encoded.
    fn encoded(&self, ticks: i64);
    fn is_cancelled(&self) -> bool;
}

/// Where rendering works.
#[derive(Debug, Clone, Copy)]
pub struct Workplace<'a> {
    /// The file to write.
    pub output: &'a Path,
    /// An existing folder for chunks, on the same file system. Chunks of the same plan that lie there are not made again.
    pub work: &'a Path,
    pub threads: usize,
}

/// What rendering found and took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rendered {
    /// From the start of rendering to the first encoded picture.
    pub first_frame: Duration,
    /// Decoding, drawing, mixing and encoding.
    pub media: Duration,
    pub assembly: Duration,
    pub encoded_frames: u64,
    /// Chunks that an earlier rendering had finished.
    pub resumed_chunks: u64,
    /// The integrated loudness of all sound, in LUFS, as it is heard from the finished file; nothing of silence.
    pub loudness: Option<Decibels>,
    /// Its highest true peak, in dBTP.
    pub peak: Option<Decibels>,
    /// Dumps that could not be decoded in part or at all, sorted.
    pub faults: Vec<DumpFault>,
    /// What of the decoration had to be left out, and why.
    pub warnings: Vec<String>,
}

/// Packets of a dump that could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DumpFault {
    pub key: DumpKey,
    pub packets: u64,
    pub first: String,
}

/// Renders `input`. The bytes do not depend on the number of threads.
pub fn render(input: &RenderInput<'_>, place: Workplace<'_>, watch: &dyn Watch) -> Result<Rendered, RenderError> {
    let began = Instant::now();
    let threads = place.threads.max(1);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| RenderError::Threads(threads, error))?;
    let sound = place.work.join("sound.mka");
    let outcome = Outcome::new(input.plan.chunks.len(), began);
    let mut composer = Composer::new(input);
    let canvases = CanvasPool::new(input.plan.canvas, composer.most_pictures() * (threads + 1));
    let mut resumed_chunks = 0;
    let mix = || outcome.mixed(mixer::render(input, &sound, watch));
    pool.in_place_scope(|scope| {
        // with a single thread the sound would keep the pictures waiting, so it comes last
        if threads > 1 {
            scope.spawn(|_| mix());
        }
        for index in 0..input.plan.chunks.len() {
            if watch.is_cancelled() || outcome.has_failed() {
                break;
            }
            if let Some(chunk) = chunk::finished_before(input.plan, index, place.work) {
                composer.skip(index);
                resumed_chunks += 1;
                outcome.encoded(Ok(chunk), watch);
                continue;
            }
            match pool.install(|| composer.compose(index, &canvases)) {
                Ok(composed) => {
                    scope.spawn(|_| outcome.encoded(chunk::encode(input.plan, composed, place.work, &outcome), watch))
                }
                Err(error) => outcome.failed(error.into()),
            }
        }
        if threads == 1 {
            scope.spawn(|_| mix());
        }
    });
    if watch.is_cancelled() {
        return Err(RenderError::Cancelled);
    }
    let media = began.elapsed();
    let findings = composer.findings();
    let finished = outcome.finish(findings.faults)?;
    assembly::assemble(input.plan, &finished.chunks, &sound, place.output)?;
    let assembly = began.elapsed() - media;
    let encoded_frames = finished.chunks.iter().map(|chunk| chunk.ticks.len() as u64).sum();
    Ok(Rendered {
        first_frame: finished.first_frame,
        media,
        assembly,
        encoded_frames,
        resumed_chunks,
        loudness: finished.measured.loudness,
        peak: finished.measured.peak,
        faults: finished.faults,
        warnings: findings.warnings,
    })
}
