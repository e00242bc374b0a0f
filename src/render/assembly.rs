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
    /// When to decode each packet, in decoding order, and how many packets came before.
    decode_at: Vec<Tick>,
    done: usize,
    end: Tick,
}

impl<'a> Pictures<'a> {
    fn open(plan: &Plan, chunks: &'a [EncodedChunk]) -> Result<Pictures<'a>, AvError> {
        let ticks: Vec<Tick> = chunks.iter().flat_map(|chunk| chunk.ticks.iter().copied()).collect();
        let decode_at = latest_decode_times(&ticks, plan.length);
        let demuxer = Demuxer::open(&chunks[0].path, Kind::Video)?;
        Ok(Pictures {
            chunks,
            demuxer,
            chunk: 0,
            packet: 0,
            decode_at,
            done: 0,
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

    /// A packet's duration is the way to the next decode time, as MP4 keeps it; all of them make up the recording.
    fn times(&self, tick: Tick) -> Times {
        let dts = self.decode_at[self.done].0;
        let end = self.end.0 + self.decode_at[0].0;
        let next = self.decode_at.get(self.done + 1).map_or(end, |next| next.0);
        Times {
            pts: tick.0,
            dts,
            duration: next - dts,
        }
    }
}

/// When to decode pictures that are shown at `ticks`, which are in decoding order: as late as can be, a tick apart, and
/// as long before `end` as the first one is before the start.
///
/// Players look up keyframes by decode time, so a picture decoded long before it is shown would be found too early.
fn latest_decode_times(ticks: &[Tick], end: Tick) -> Vec<Tick> {
    let ahead = -decode_times_before(ticks, i64::MAX).first().map_or(0, |first| first.0);
    decode_times_before(ticks, end.0 - ahead)
}

fn decode_times_before(ticks: &[Tick], end: i64) -> Vec<Tick> {
    let mut next = end;
    let mut times: Vec<Tick> = ticks
        .iter()
        .rev()
        .map(|tick| {
            next = tick.0.min(next - 1);
            Tick(next)
        })
        .collect();
    times.reverse();
    times
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
    fn pictures_are_decoded_as_late_as_can_be() {
        let ticks = |values: &[i64]| values.iter().map(|value| Tick(*value)).collect::<Vec<_>>();
        let times = |values: &[i64], end: i64| latest_decode_times(&ticks(values), Tick(end));
        assert_eq!(times(&[0, 1, 2, 3], 4), ticks(&[0, 1, 2, 3]));
        assert_eq!(times(&[0, 90, 60, 30, 120], 150), ticks(&[0, 28, 29, 30, 120]));
        assert_eq!(
            times(&[0, 4, 2, 1, 3, 8, 6, 5, 7], 9),
            ticks(&[-2, -1, 0, 1, 2, 3, 4, 5, 6])
        );
    }
}
