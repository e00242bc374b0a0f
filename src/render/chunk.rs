//! Encoding one chunk: a closed GOP in a file of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{RenderError, compose::Composed, outcome::Outcome};
use crate::{
    av::{AvError, Container, Muxer, TrackHandle, VideoEncoder, VideoSettings},
    composition::{Chunk, Plan},
    media::Tick,
};

/// A chunk's file, and the ticks of its packets in decoding order.
pub struct EncodedChunk {
    pub index: usize,
    pub chunk: Chunk,
    pub path: PathBuf,
    pub ticks: Vec<Tick>,
}

/// Encodes `composed` into a file in `work`; its canvases go back to their pool one by one.
pub fn encode(plan: &Plan, composed: Composed, work: &Path, outcome: &Outcome) -> Result<EncodedChunk, RenderError> {
    let Composed { index, chunk, pictures } = composed;
    let (path, draft) = (path_of(work, index, "mkv"), path_of(work, index, "part"));
    let mut encoder = VideoEncoder::open(VideoSettings {
        size: plan.canvas,
        rate: plan.ticks_per_second,
        preset: plan.encoding.preset,
        crf: plan.encoding.crf,
        keyframe_interval: Tick(chunk.end.0 - chunk.start.0),
    })?;
    let mut muxer = Muxer::create(&draft, Container::Matroska)?;
    let track = muxer.add_video(&encoder, plan.ticks_per_second)?;
    muxer.begin()?;
    let mut file = ChunkFile {
        muxer,
        track,
        ticks: Vec::with_capacity(pictures.len()),
        start: chunk.start,
    };
    for (tick, mut canvas) in pictures {
        encoder.send(&mut canvas.picture, Tick(tick.0 - chunk.start.0))?;
        drop(canvas);
        file.drain(&mut encoder)?;
        outcome.first_frame();
    }
    encoder.send_end()?;
    file.drain(&mut encoder)?;
    file.muxer.finish()?;
    let encoded = EncodedChunk {
        index,
        chunk,
        path,
        ticks: file.ticks,
    };
    publish(plan, &encoded, &draft, work)?;
    Ok(encoded)
}

/// The chunk that an earlier rendering of the same plan in the same folder finished, if there is one.
pub fn finished_before(plan: &Plan, index: usize, work: &Path) -> Option<EncodedChunk> {
    let note: Note = serde_json::from_slice(&fs::read(path_of(work, index, "json")).ok()?).ok()?;
    let path = path_of(work, index, "mkv");
    let size = fs::metadata(&path).ok()?.len();
    (note.plan == plan.hash && note.size == size).then(|| EncodedChunk {
        index,
        chunk: plan.chunks[index],
        path,
        ticks: note.ticks,
    })
}

/// What is noted beside a finished chunk.
#[derive(Serialize, Deserialize)]
struct Note {
    plan: String,
    size: u64,
    ticks: Vec<Tick>,
}

/// Gives the chunk its name, and notes that it is whole: last, so that a note always tells of a whole file.
fn publish(plan: &Plan, encoded: &EncodedChunk, draft: &Path, work: &Path) -> Result<(), RenderError> {
    let failed = |error| RenderError::Work(encoded.path.clone(), error);
    let size = fs::metadata(draft).map_err(failed)?.len();
    fs::rename(draft, &encoded.path).map_err(failed)?;
    let note = Note {
        plan: plan.hash.clone(),
        size,
        ticks: encoded.ticks.clone(),
    };
    let text = serde_json::to_vec(&note).expect("a note is plain data and always serialises");
    let note_draft = path_of(work, encoded.index, "note");
    fs::write(&note_draft, text).map_err(failed)?;
    fs::rename(&note_draft, path_of(work, encoded.index, "json")).map_err(failed)
}

fn path_of(work: &Path, index: usize, ending: &str) -> PathBuf {
    work.join(format!("chunk-{index:06}.{ending}"))
}

struct ChunkFile {
    muxer: Muxer,
    track: TrackHandle,
    ticks: Vec<Tick>,
    start: Tick,
}

impl ChunkFile {
    fn drain(&mut self, encoder: &mut VideoEncoder) -> Result<(), AvError> {
        while let Some(packet) = encoder.receive()? {
            let tick = packet.pts().expect("x264 gives every packet the time of its picture");
            self.ticks.push(Tick(self.start.0 + tick));
            self.muxer.write(self.track, packet)?;
        }
        Ok(())
    }
}
