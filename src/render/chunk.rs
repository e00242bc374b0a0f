//! Encoding one chunk: a closed GOP in a file of its own.

use std::path::{Path, PathBuf};

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
    let path = work.join(format!("chunk-{index:06}.mkv"));
    let mut encoder = VideoEncoder::open(VideoSettings {
        size: plan.canvas,
        rate: plan.ticks_per_second,
        preset: plan.encoding.preset,
        crf: plan.encoding.crf,
        keyframe_interval: Tick(chunk.end.0 - chunk.start.0),
    })?;
    let mut muxer = Muxer::create(&path, Container::Matroska)?;
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
    Ok(EncodedChunk {
        index,
        chunk,
        path,
        ticks: file.ticks,
    })
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
