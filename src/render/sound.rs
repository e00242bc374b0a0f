//! One dump's sound on the recording's clock: decoded once, placed to the sample, silent where it should be.

use std::collections::VecDeque;

use super::{
    DumpFault, Dumps,
    decoder::Faults,
    feed::{Fed, Feed},
    kept::{Keeping, KeptDump},
};
use crate::{
    av::{AudioFrame, AvError, Resampler},
    composition::SoundStretch,
    dump::{DumpError, probe::DumpKey},
    media::{ChannelCount, Gain, SamplePosition},
};

/// A timestamp this far (in samples, 10 ms) from where the sound has got to is a jump; anything less is evened out.
const JUMP: i64 = 480;
/// Timestamps are watched this long (in samples) before the speed is corrected.
const WATCH: i64 = 24_000;
/// A mean deviation below this (in samples, 0.25 ms) is left alone.
const DEAD_ZONE: i64 = 12;
/// Length of the ramp where sound is cut, in samples: 3 ms, so that a mute does not click.
const RAMP: i64 = 144;

/// The sound of one dump, ready to be added to the mix block by block.
pub struct SoundSource<'a> {
    dumps: Dumps<'a>,
    key: DumpKey,
    stretches: Vec<&'a SoundStretch>,
    channels: ChannelCount,
    /// What each sample is multiplied by.
    factor: f32,
    state: State<'a>,
    ready: VecDeque<Piece>,
    faults: Faults,
    keeping: Option<&'a Keeping<'a>>,
}

enum State<'a> {
    Closed,
    Open(Box<Decoding<'a>>),
    Finished(Option<KeptDump>),
}

/// Samples that start at a position of the recording; already cut to a stretch.
struct Piece {
    at: i64,
    channels: Vec<Vec<f32>>,
}

struct Decoding<'a> {
    feed: Feed<'a>,
    resampler: Resampler,
    /// The first stretch that can still be heard.
    stretch: usize,
    /// Where the next sample goes; `None` after a jump.
    next: Option<i64>,
    deviation: Deviation,
}

/// How far timestamps are from where the sound has got to, gathered over a while.
#[derive(Default)]
struct Deviation {
    sum: i64,
    frames: i64,
    samples: i64,
}

impl<'a> SoundSource<'a> {
    /// `stretches` are those of one dump, sorted, and at least one.
    pub fn new(
        dumps: Dumps<'a>,
        channels: ChannelCount,
        gain: Gain,
        key: DumpKey,
        stretches: Vec<&'a SoundStretch>,
    ) -> SoundSource<'a> {
        SoundSource {
            dumps,
            key,
            stretches,
            channels,
            factor: gain.factor() as f32,
            state: State::Closed,
            ready: VecDeque::new(),
            faults: Faults::default(),
            keeping: None,
        }
    }

    /// Also keeps what is decoded.
    pub fn kept_in(self, keeping: Option<&'a Keeping<'a>>) -> SoundSource<'a> {
        SoundSource { keeping, ..self }
    }

    /// What was kept of the dump, once all that is wanted of it was heard.
    pub fn into_kept(mut self) -> Option<(DumpKey, KeptDump)> {
        // the last packets may still hold sound that begins where the last block ended
        self.decode_until(i64::MAX);
        match self.state {
            State::Finished(kept) => Some((self.key, kept?)),
            State::Closed | State::Open(_) => None,
        }
    }

    /// Adds what is heard from `start` on to `mix`, one vector per channel. Blocks must follow on each other.
    pub fn add_to(&mut self, start: SamplePosition, mix: &mut [Vec<f32>]) {
        let end = start.0 + mix[0].len() as i64;
        self.decode_until(end);
        self.drop_before(start.0);
        while let Some(piece) = self.ready.front_mut() {
            if piece.at >= end {
                break;
            }
            let take = (end - piece.at).min(piece.channels[0].len() as i64) as usize;
            let offset = usize::try_from(piece.at - start.0).expect("what came before the block was dropped");
            for (sum, channel) in mix.iter_mut().zip(&mut piece.channels) {
                for (sum, sample) in sum[offset..].iter_mut().zip(channel.drain(..take)) {
                    *sum += sample * self.factor;
                }
            }
            piece.at += take as i64;
            if piece.channels[0].is_empty() {
                self.ready.pop_front();
            }
        }
    }

    /// Sound whose time has passed, because timestamps jumped back, is not heard.
    fn drop_before(&mut self, start: i64) {
        self.ready.retain_mut(|piece| {
            let late = (start - piece.at).clamp(0, piece.channels[0].len() as i64);
            piece
                .channels
                .iter_mut()
                .for_each(|channel| drop(channel.drain(..late as usize)));
            piece.at += late;
            !piece.channels[0].is_empty()
        });
    }

    pub fn fault(&self) -> Option<DumpFault> {
        let mut faults = self.faults.clone();
        if let State::Open(decoding) = &self.state {
            faults.add(decoding.feed.faults());
        }
        faults.report(self.key)
    }

    fn decode_until(&mut self, end: i64) {
        if matches!(self.state, State::Closed) && self.stretches[0].start.0 < end {
            self.state = match Decoding::open(self.dumps, self.key, self.channels, self.keeping) {
                Ok(decoding) => State::Open(Box::new(decoding)),
                Err(error) => {
                    self.faults.note(&error);
                    State::Finished(None)
                }
            };
        }
        while let State::Open(decoding) = &mut self.state {
            let is_ahead = self.ready.back().is_some_and(|piece| piece.end() >= end);
            let is_over = match self.stretches.get(decoding.stretch) {
                Some(stretch) if is_ahead || stretch.start.0 >= end => return,
                Some(_) => decoding
                    .step(&self.stretches, &mut self.ready, &mut self.faults)
                    .is_ended(),
                None => true,
            };
            if is_over {
                self.finish();
            }
        }
    }

    fn finish(&mut self) {
        if let State::Open(decoding) = std::mem::replace(&mut self.state, State::Finished(None)) {
            self.faults.add(decoding.feed.faults());
            self.state = State::Finished(decoding.feed.finish());
        }
    }
}

impl Piece {
    fn end(&self) -> i64 {
        self.at + self.channels[0].len() as i64
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Went,
    Ended,
}

impl Step {
    fn is_ended(self) -> bool {
        self == Step::Ended
    }
}

impl<'a> Decoding<'a> {
    fn open(
        dumps: Dumps<'a>,
        key: DumpKey,
        channels: ChannelCount,
        keeping: Option<&'a Keeping<'a>>,
    ) -> Result<Decoding<'a>, DumpError> {
        Ok(Decoding {
            feed: Feed::open(dumps, key, keeping)?,
            resampler: Resampler::new(channels),
            stretch: 0,
            next: None,
            deviation: Deviation::default(),
        })
    }

    /// Takes what one packet holds.
    fn step(&mut self, stretches: &[&SoundStretch], ready: &mut VecDeque<Piece>, faults: &mut Faults) -> Step {
        let Fed { frames, is_last } = self.feed.next();
        for frame in frames {
            if let Err(error) = self.place(&frame, stretches, ready) {
                faults.note(&error);
            }
        }
        if is_last { Step::Ended } else { Step::Went }
    }

    fn place(
        &mut self,
        frame: &AudioFrame,
        stretches: &[&SoundStretch],
        ready: &mut VecDeque<Piece>,
    ) -> Result<(), AvError> {
        let Some(pts) = frame.pts() else { return Ok(()) };
        while stretches
            .get(self.stretch)
            .is_some_and(|stretch| stretch.end <= stretch.sample_of(pts))
        {
            self.stretch += 1;
            self.next = None;
        }
        let Some(stretch) = stretches.get(self.stretch) else {
            return Ok(());
        };
        let length = frame.samples() as i64 * i64::from(crate::media::SAMPLE_RATE) / i64::from(frame.rate().max(1));
        let due = stretch.sample_of(pts).0;
        if due + length <= stretch.start.0 {
            self.next = None;
            return Ok(());
        }
        let at = self.follow(due - self.resampler.delay(), length)?;
        let mut channels = vec![Vec::new(); self.resampler.channels().count()];
        self.resampler.convert(frame, &mut channels)?;
        self.next = Some(at + channels[0].len() as i64);
        let same_clock = stretches[self.stretch..]
            .iter()
            .take_while(|other| other.sample_of(pts).0 == due);
        for stretch in same_clock.take_while(|other| other.start.0 < at + channels[0].len() as i64) {
            ready.extend(cut(at, &channels, stretch));
        }
        Ok(())
    }

    /// Where sound that is due at `due` really goes: on where it has got to, unless that is too far off.
    fn follow(&mut self, due: i64, length: i64) -> Result<i64, AvError> {
        let Some(next) = self.next.filter(|next| (due - next).abs() <= JUMP) else {
            self.deviation = Deviation::default();
            let held_back = self.resampler.delay();
            self.resampler.reset();
            return Ok(due + held_back);
        };
        self.deviation.sum += due - next;
        self.deviation.frames += 1;
        self.deviation.samples += length;
        if self.deviation.samples >= WATCH {
            let mean = self.deviation.sum / self.deviation.frames;
            if mean.abs() >= DEAD_ZONE {
                self.resampler.stretch(mean as i32)?;
            }
            self.deviation = Deviation::default();
        }
        Ok(next)
    }
}

/// The part of `channels` that lies in `stretch`, with ramps at its edges.
fn cut(at: i64, channels: &[Vec<f32>], stretch: &SoundStretch) -> Option<Piece> {
    let length = channels[0].len() as i64;
    let (from, to) = (at.max(stretch.start.0), (at + length).min(stretch.end.0));
    if from >= to {
        return None;
    }
    let range = (from - at) as usize..(to - at) as usize;
    let mut channels: Vec<Vec<f32>> = channels.iter().map(|channel| channel[range.clone()].to_vec()).collect();
    for position in (from..to).filter(|position| position - stretch.start.0 < RAMP || stretch.end.0 - position <= RAMP)
    {
        let gain = (position - stretch.start.0).min(stretch.end.0 - 1 - position).max(0) as f32 / RAMP as f32;
        for channel in &mut channels {
            channel[(position - from) as usize] *= gain.min(1.0);
        }
    }
    Some(Piece { at: from, channels })
}
