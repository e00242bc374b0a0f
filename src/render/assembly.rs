//! Joining chunks and sound into the finished file, by remuxing only.

use std::path::Path;

use super::{RenderError, chunk::EncodedChunk};
use crate::{
    av::{AvError, Container, Demuxer, Muxer, Packet, Times, TrackHandle},
    composition::Plan,
    media::{Kind, Tick},
};

/// AAC-LC: samples in a packet, and the encoder's priming before the first audible one (ISO/IEC 14496-3).
const AAC_PACKET: i64 = 1024;

/// Writes the MP4 at `output` from finished chunks, in order, and the file of the sound.
pub fn assemble(plan: &Plan, chunks: &[EncodedChunk], sound: &Path, output: &Path) -> Result<(), RenderError> {
    let mut pictures = Pictures::open(plan, chunks)?;
    let mut sound = Sound {
        demuxer: Demuxer::open(sound, Kind::Audio)?,
        next: -AAC_PACKET,
    };
    let mut muxer = Muxer::create(output, Container::Mp4)?;
    let video = muxer.add_copy(pictures.demuxer.parameters(), plan.ticks_per_second.per_second())?;
    let audio = muxer.add_copy(sound.demuxer.parameters(), plan.mix.sample_rate)?;
    muxer.describe(&plan.title, plan.started_at);
    muxer.begin()?;
    let (mut picture, mut heard) = (pictures.next()?, sound.next()?);
    loop {
        let picture_first = match (&picture, &heard) {
            (Some((_, picture)), Some((_, heard))) => {
                plan.ticks_per_second.time_of(Tick(picture.dts)).sample().0 <= heard.dts
            }
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => break,
        };
        if picture_first {
            write(&mut muxer, video, picture.take())?;
            picture = pictures.next()?;
        } else {
            write(&mut muxer, audio, heard.take())?;
            heard = sound.next()?;
        }
    }
    muxer.finish()?;
    Ok(())
}

fn write(muxer: &mut Muxer, track: TrackHandle, packet: Option<(Packet, Times)>) -> Result<(), AvError> {
    packet.map_or(Ok(()), |(packet, times)| muxer.write_timed(track, packet, times))
}

/// The packets of all chunks with their times in the whole recording, in ticks.
struct Pictures<'a> {
    chunks: &'a [EncodedChunk],
    demuxer: Demuxer,
    chunk: usize,
    packet: usize,
    /// Ticks of all pictures, sorted, and how many of them came before.
    shown: Vec<Tick>,
    done: usize,
    /// By how many pictures decoding runs ahead of showing.
    delay: usize,
    end: Tick,
}

impl<'a> Pictures<'a> {
    fn open(plan: &Plan, chunks: &'a [EncodedChunk]) -> Result<Pictures<'a>, AvError> {
        let mut shown: Vec<Tick> = chunks.iter().flat_map(|chunk| chunk.ticks.iter().copied()).collect();
        let delay = reorder_delay(&shown);
        shown.sort_unstable();
        let demuxer = Demuxer::open(&chunks[0].path, Kind::Video)?;
        Ok(Pictures {
            chunks,
            demuxer,
            chunk: 0,
            packet: 0,
            shown,
            done: 0,
            delay,
            end: plan.length,
        })
    }

    fn next(&mut self) -> Result<Option<(Packet, Times)>, AvError> {
        loop {
            if let Some(packet) = self.demuxer.read()? {
                let tick = self.chunks[self.chunk].ticks[self.packet];
                let times = self.times(tick);
                self.packet += 1;
                self.done += 1;
                return Ok(Some((packet, times)));
            }
            self.chunk += 1;
            self.packet = 0;
            let Some(chunk) = self.chunks.get(self.chunk) else {
                return Ok(None);
            };
            self.demuxer = Demuxer::open(&chunk.path, Kind::Video)?;
        }
    }

    /// A picture lasts until the next one; decode times are the sorted show times, run ahead by the delay.
    fn times(&self, tick: Tick) -> Times {
        let rank = self.shown.partition_point(|shown| *shown <= tick);
        let next = self.shown.get(rank).copied().unwrap_or(self.end);
        let dts = match self.done.checked_sub(self.delay) {
            Some(index) => self.shown[index].0,
            None => self.shown[0].0 + self.done as i64 - self.delay as i64,
        };
        Times {
            pts: tick.0,
            dts,
            duration: next.0 - tick.0,
        }
    }
}

/// The smallest delay with which no picture is shown before it is decoded.
fn reorder_delay(decoded: &[Tick]) -> usize {
    let mut sorted = decoded.to_vec();
    sorted.sort_unstable();
    let late = |(index, tick): (usize, &Tick)| index.saturating_sub(sorted.partition_point(|shown| shown < tick));
    decoded.iter().enumerate().map(late).max().unwrap_or(0)
}

/// The packets of the sound with their times in samples; the first is the encoder's priming and comes before zero.
struct Sound {
    demuxer: Demuxer,
    next: i64,
}

impl Sound {
    fn next(&mut self) -> Result<Option<(Packet, Times)>, AvError> {
        let packet = self.demuxer.read()?;
        let at = self.next;
        self.next += AAC_PACKET;
        Ok(packet.map(|packet| {
            (
                packet,
                Times {
                    pts: at,
                    dts: at,
                    duration: AAC_PACKET,
                },
            )
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_is_that_of_the_deepest_reordering() {
        let ticks = |values: &[i64]| values.iter().map(|value| Tick(*value)).collect::<Vec<_>>();
        assert_eq!(reorder_delay(&ticks(&[0, 1, 2, 3])), 0);
        assert_eq!(reorder_delay(&ticks(&[0, 4, 2, 1, 3, 8, 6])), 2);
        assert_eq!(reorder_delay(&ticks(&[0, 3, 1, 2])), 1);
    }
}
