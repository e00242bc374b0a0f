//! Listening to all sound of a session once, before anything is planned: who speaks when, and how loud.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use ebur128::{EbuR128, Mode};
use rayon::prelude::*;

use super::{Dumps, Keeping, KeptSound, RenderError, kept::KeptDump, mixer::sources, sound::SoundSource};
use crate::{
    composition::{
        hearing::{Audible, Heard, Hearing, Listening, Loudness, Peak, SKETCH, Sketch, Tenth},
        leaks::{Room, Taken},
        voice::{Level, SILENT},
    },
    dump::probe::DumpKey,
    media::{ChannelCount, SAMPLE_RATE, SamplePosition, Spans},
};

/// Sound is listened to in blocks of a second.
const BLOCK: usize = SAMPLE_RATE as usize;
/// Of which one tenth each is measured for loudness, …
const TENTH: usize = BLOCK / 10;
/// … and one hundredth for the level of speech.
const FRAME: usize = BLOCK / 100;
/// The band of speech, in Hz: rumble and hiss are left out.
const BAND: (f64, f64) = (120.0, 4000.0);

/// The bits of a byte as signs.
const SIGNS: [[f32; SKETCH]; 256] = {
    let mut signs = [[1.0; SKETCH]; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        while bit < SKETCH {
            if byte >> bit & 1 == 1 {
                signs[byte][bit] = -1.0;
            }
            bit += 1;
        }
        byte += 1;
    }
    signs
};

/// What was heard, and what of it need not be decoded again.
#[derive(Debug, Default)]
pub struct Listened {
    pub hearing: Hearing,
    pub kept: KeptSound,
}

/// Those of one track.
type KeptDumps = Vec<(DumpKey, KeptDump)>;

/// Listens to all tracks, as many at once as there are threads, and keeps what was decoded in `keeping`, if that is given.
pub fn listen(
    listening: &Listening,
    dumps: Dumps<'_>,
    keeping: Option<&Keeping<'_>>,
    threads: usize,
    cancelled: &AtomicBool,
) -> Result<Listened, RenderError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.max(1))
        .build()
        .map_err(|error| RenderError::Threads(threads, error))?;
    let hear = |audible: &Audible| {
        let sources = sources(dumps, listening.channels, &audible.track);
        let sources = sources.into_iter().map(|source| source.kept_in(keeping)).collect();
        hear(audible, sources, listening.channels, cancelled)
    };
    let heard: Option<Vec<_>> = pool.install(|| listening.tracks.par_iter().with_max_len(1).map(hear).collect());
    let (heard, kept): (Vec<(Taken, Loudness)>, Vec<_>) = heard.ok_or(RenderError::Cancelled)?.into_iter().unzip();
    let (taken, loudness): (Vec<Taken>, Vec<Loudness>) = heard.into_iter().unzip();
    let room = Room::of(&taken);
    let voices: Vec<Spans> = pool.install(|| {
        (0..taken.len())
            .into_par_iter()
            .map(|track| room.voice(track))
            .collect()
    });
    let heard = listening.tracks.iter().zip(voices.into_iter().zip(loudness));
    let heard = heard.map(|(audible, (voice, loudness))| {
        let heard = Heard {
            peer_id: audible.track.peer_id.clone(),
            source: audible.source,
            voice,
            loudness,
        };
        (audible.track.track, Arc::new(heard))
    });
    Ok(Listened {
        hearing: Hearing {
            tracks: heard.collect(),
        },
        kept: KeptSound::of(kept.into_iter().flatten()),
    })
}

/// What is heard of one track, and what of it was kept; nothing if it was cancelled.
fn hear(
    audible: &Audible,
    mut sources: Vec<SoundSource<'_>>,
    channels: ChannelCount,
    cancelled: &AtomicBool,
) -> Option<((Taken, Loudness), KeptDumps)> {
    let track = &audible.track;
    let edges = || track.stretches.iter().map(|stretch| (stretch.start.0, stretch.end.0));
    let second = BLOCK as i64;
    let first = edges()
        .map(|(start, _)| start)
        .min()
        .unwrap_or(0)
        .div_euclid(second)
        .max(0);
    let last = -(-edges().map(|(_, end)| end).max().unwrap_or(0)).div_euclid(second);
    let before = usize::try_from(first).unwrap_or(0) * 10;
    let mut ear = Ear::new(channels, before);
    for second in first..last {
        if cancelled.load(Ordering::Relaxed) {
            return None;
        }
        ear.take(&block(&mut sources, second, channels));
    }
    let taken = Taken::new(
        track.peer_id.clone(),
        audible.source,
        before * TENTH / FRAME,
        ear.levels,
    );
    let loudness = Loudness {
        before,
        tenths: ear.tenths,
    };
    Some((
        (taken, loudness),
        sources.into_iter().filter_map(SoundSource::into_kept).collect(),
    ))
}

/// One second of the track.
fn block(sources: &mut [SoundSource<'_>], second: i64, channels: ChannelCount) -> Vec<Vec<f32>> {
    let mut block = vec![vec![0.0f32; BLOCK]; channels.count()];
    for source in sources {
        source.add_to(SamplePosition(second * BLOCK as i64), &mut block);
    }
    block
}

/// Measures one track second by second.
struct Ear {
    meter: Option<EbuR128>,
    band: Vec<Filter>,
    levels: Vec<Level>,
    /// Of the session, before the first of `tenths`.
    before: usize,
    tenths: Vec<Tenth>,
}

impl Ear {
    fn new(channels: ChannelCount, before: usize) -> Ear {
        // as many channels at 48 kHz as there are can always be measured; without a meter nothing is levelled
        let meter = EbuR128::new(channels.count() as u32, SAMPLE_RATE, Mode::M).ok();
        Ear {
            meter,
            band: vec![Filter::high_pass(BAND.0), Filter::low_pass(BAND.1)],
            levels: Vec::new(),
            before,
            tenths: Vec::new(),
        }
    }

    fn take(&mut self, block: &[Vec<f32>]) {
        if block.iter().flatten().all(|sample| *sample == 0.0) {
            self.levels.resize(self.levels.len() + BLOCK / FRAME, SILENT);
            self.tenths.resize(self.tenths.len() + BLOCK / TENTH, Tenth::SILENT);
            return;
        }
        for at in (0..BLOCK).step_by(TENTH) {
            let part: Vec<&[f32]> = block.iter().map(|channel| &channel[at..at + TENTH]).collect();
            let tenth = Tenth {
                loudness: self.loudness(&part),
                peaks: std::array::from_fn(|index| peak(&part, index * FRAME)),
                sketch: self.sketch(&part),
            };
            self.tenths.push(tenth);
        }
    }

    /// What a tenth sounds like in the band of speech; takes note of the levels in it.
    fn sketch(&mut self, part: &[&[f32]]) -> Sketch {
        let mut signs = [0u8; TENTH];
        // every tenth has its own: a steady tone would be mistaken in the same way again and again
        fastrand::Rng::with_seed((self.before + self.tenths.len()) as u64).fill(&mut signs);
        let mut sums = [0.0f32; SKETCH];
        for (at, signs) in (0..TENTH).step_by(FRAME).zip(signs.chunks(FRAME)) {
            let part: Vec<&[f32]> = part.iter().map(|channel| &channel[at..at + FRAME]).collect();
            let level = self.level(&part, |index, sample| {
                let factors = &SIGNS[usize::from(signs[index])];
                (0..SKETCH).for_each(|row| sums[row] += factors[row] * sample as f32);
            });
            self.levels.push(level);
        }
        Sketch::of(sums)
    }

    fn loudness(&mut self, part: &[&[f32]]) -> i16 {
        let measured = self.meter.as_mut().and_then(|meter| {
            meter.add_frames_planar_f32(part).ok()?;
            meter.loudness_window(100).ok()
        });
        measured.map_or(Tenth::NOTHING, |loudness| hundredths(loudness, Tenth::NOTHING))
    }

    /// The level of a frame in the band of speech, each sample of which is told to `tell`.
    fn level(&mut self, part: &[&[f32]], mut tell: impl FnMut(usize, f64)) -> Level {
        let mut sum = 0.0;
        for index in 0..FRAME {
            let mean = part.iter().map(|channel| f64::from(channel[index])).sum::<f64>() / part.len() as f64;
            let heard = self.band.iter_mut().fold(mean, |sample, filter| filter.pass(sample));
            tell(index, heard);
            sum += heard * heard;
        }
        let is_silent = part.iter().all(|channel| channel.iter().all(|sample| *sample == 0.0));
        if is_silent {
            return SILENT;
        }
        hundredths(10.0 * (sum / FRAME as f64).log10(), SILENT)
    }
}

/// The largest sample of a hundredth of a second.
fn peak(part: &[&[f32]], at: usize) -> Peak {
    let samples = part.iter().flat_map(|channel| &channel[at..at + FRAME]);
    let peak = samples.fold(0.0f32, |peak, sample| peak.max(sample.abs()));
    Peak::of(f64::from(peak))
}

/// A level in hundredths; `least` if it is minus infinity or nearly so.
fn hundredths(decibels: f64, least: i16) -> i16 {
    if decibels.is_finite() {
        (decibels * 100.0).round().clamp(f64::from(least), f64::from(i16::MAX)) as i16
    } else {
        least
    }
}

/// A second-order filter in transposed direct form II; coefficients by the cookbook formulae of R. Bristow-Johnson.
struct Filter {
    b: [f64; 3],
    a: [f64; 2],
    state: [f64; 2],
}

impl Filter {
    fn high_pass(hertz: f64) -> Filter {
        let (cos, alpha) = Filter::angle(hertz);
        let edge = (1.0 + cos) / 2.0;
        Filter::normalized([edge, -(1.0 + cos), edge], cos, alpha)
    }

    fn low_pass(hertz: f64) -> Filter {
        let (cos, alpha) = Filter::angle(hertz);
        let edge = (1.0 - cos) / 2.0;
        Filter::normalized([edge, 1.0 - cos, edge], cos, alpha)
    }

    /// Cosine and bandwidth of a filter without a peak.
    fn angle(hertz: f64) -> (f64, f64) {
        let angle = std::f64::consts::TAU * hertz / f64::from(SAMPLE_RATE);
        (angle.cos(), angle.sin() / std::f64::consts::SQRT_2)
    }

    fn normalized(b: [f64; 3], cos: f64, alpha: f64) -> Filter {
        let unit = 1.0 + alpha;
        Filter {
            b: b.map(|b| b / unit),
            a: [-2.0 * cos / unit, (1.0 - alpha) / unit],
            state: [0.0; 2],
        }
    }

    fn pass(&mut self, sample: f64) -> f64 {
        let out = self.b[0] * sample + self.state[0];
        self.state[0] = self.b[1] * sample - self.a[0] * out + self.state[1];
        self.state[1] = self.b[2] * sample - self.a[1] * out;
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second of a sine, so loud at its peak, heard after another second of it.
    fn heard(hertz: f64, peak: f64) -> Ear {
        let step = std::f64::consts::TAU * hertz / f64::from(SAMPLE_RATE);
        let mut ear = Ear::new(ChannelCount::Mono, 0);
        for second in 0..2 {
            let sample = |index: usize| ((step * (second * BLOCK + index) as f64).sin() * peak) as f32;
            ear.take(&[(0..BLOCK).map(sample).collect()]);
        }
        ear
    }

    #[test]
    fn a_kilohertz_is_as_loud_as_the_standard_says() {
        // EBU Tech 3341: a sine of 1 kHz is 3.01 dB below its peak in one channel
        let ear = heard(1000.0, 0.1);
        assert!((ear.tenths[15].loudness + 2301).abs() <= 10, "{:?}", ear.tenths[15]);
        assert!(
            ear.tenths[15].peaks.iter().all(|peak| *peak == Peak::of(0.1)),
            "{:?}",
            ear.tenths[15]
        );
        assert!((ear.levels[150] + 2301).abs() <= 30, "{}", ear.levels[150]);
    }

    #[test]
    fn rumble_and_hiss_are_no_speech() {
        for hertz in [30.0, 15_000.0] {
            let level = heard(hertz, 0.1).levels[150];
            assert!(level < -40_00, "{level} at {hertz} Hz");
        }
    }

    #[test]
    fn nothing_is_silent() {
        let mut ear = Ear::new(ChannelCount::Stereo, 0);
        ear.take(&[vec![0.0; BLOCK], vec![0.0; BLOCK]]);
        assert!(ear.levels.iter().all(|level| *level == SILENT) && ear.levels.len() == 100);
        assert!(ear.tenths.iter().all(|tenth| *tenth == Tenth::SILENT) && ear.tenths.len() == 10);
    }
}
