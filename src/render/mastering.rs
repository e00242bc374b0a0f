//! Listening to the finished mix: what a plan guesses of loudness and peaks may be wrong, what players will hear is not.

use std::{collections::BTreeMap, path::Path};

use ebur128::{EbuR128, Mode};

use super::{RenderError, Watch, limiter::CEILING};
use crate::{
    av::{AudioDecoder, Demuxer, Resampler},
    media::{ChannelCount, Decibels, Gain, Kind, SAMPLE_RATE, SamplePosition},
};

/// Loudness this near to the target, in LU, is left alone; ±1 is asked for.
const NEAR: f64 = 0.5;
/// No sound is louder than this, in dBTP (ITU-R BS.1770-4 annex 2), which leaves a little of the -1 asked for to those
/// who measure it another way; …
const MOST_PEAK: f64 = -1.1;
/// … and where it was, it is held down to this: coding makes other peaks of other sound.
const SAFE_PEAK: f64 = -1.4;
/// What needs more gain than this is no speech.
const MOST_GAIN: f64 = 9.0;
/// No more at once: what is loud enough to count changes with the gain.
const MOST_STEP: f64 = 4.0;
/// Where the limiter works, a decibel more gives less than one; this is the least that is counted with.
const LEAST_YIELD: f64 = 0.4;
/// Where peaks are too high in more tenths of a second than this, they will be elsewhere, too.
const FEW: usize = 5;
/// Peaks are measured by tenths of a second.
const TENTH: usize = SAMPLE_RATE as usize / 10;

/// What the mix is put through last.
#[derive(Debug, Clone, PartialEq)]
pub struct Master {
    /// In decibels.
    gain: f64,
    /// The limiter's ceiling, …
    ceiling: f32,
    /// … and where it is lower: by which factor, by tenths of a second.
    lowered: BTreeMap<i64, f32>,
    /// The gain before, and what it gave.
    before: Option<(f64, f64)>,
}

/// How loud a finished mix is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measured {
    /// Integrated, in LUFS; nothing of silence.
    pub loudness: Option<Decibels>,
    /// The highest true peak, in dBTP; nothing of silence.
    pub peak: Option<Decibels>,
    /// Tenths of a second with a true peak above what is allowed, with that, in dBTP.
    over: Vec<(i64, f64)>,
}

impl Default for Master {
    fn default() -> Master {
        Master {
            gain: 0.0,
            ceiling: CEILING,
            lowered: BTreeMap::new(),
            before: None,
        }
    }
}

impl Master {
    pub fn factor(&self) -> f32 {
        Gain::from_decibels(self.gain).factor() as f32
    }

    /// The limiter's ceiling at `position`.
    pub fn ceiling(&self, position: SamplePosition) -> f32 {
        let tenth = position.0.div_euclid(TENTH as i64);
        self.ceiling * self.lowered.get(&tenth).unwrap_or(&1.0)
    }

    /// What may do better, given what came out; nothing where that is right.
    pub fn corrected(&self, measured: &Measured, target: Option<Decibels>) -> Option<Master> {
        let mut master = self.clone();
        let factors = measured.too_much();
        if measured.over.len() > FEW {
            master.ceiling *= factors.values().fold(1.0, |least: f32, factor| least.min(*factor));
        } else {
            for (tenth, factor) in factors {
                *master.lowered.entry(tenth).or_insert(1.0) *= factor;
            }
        }
        if let (Some(off), Some(loudness)) = (measured.off(target), measured.loudness) {
            let gives = self
                .before
                .map_or(1.0, |(gain, before)| (loudness.value() - before) / (self.gain - gain));
            let gives = if gives.is_finite() {
                gives.clamp(LEAST_YIELD, 1.0)
            } else {
                1.0
            };
            let step = (off / gives).clamp(-MOST_STEP, MOST_STEP);
            master.gain = (self.gain + step).clamp(-MOST_GAIN, MOST_GAIN);
            master.before = Some((self.gain, loudness.value()));
        }
        (master.gain != self.gain || !measured.over.is_empty()).then_some(master)
    }
}

impl Measured {
    /// How far it is from being right, in decibels.
    pub fn misses(&self, target: Option<Decibels>) -> f64 {
        let over = self.over.iter().map(|(_, peak)| peak - MOST_PEAK);
        self.off(target).unwrap_or(0.0).abs() + 2.0 * over.fold(0.0, f64::max)
    }

    /// How much louder it should be, if it is not near the target.
    fn off(&self, target: Option<Decibels>) -> Option<f64> {
        let off = target?.value() - self.loudness?.value();
        (off.abs() > NEAR).then_some(off)
    }

    /// Tenths of a second in which the ceiling is to be lowered, each with the factor.
    fn too_much(&self) -> BTreeMap<i64, f32> {
        let mut factors = BTreeMap::new();
        for (tenth, peak) in &self.over {
            let factor = Gain::from_decibels(SAFE_PEAK - peak).factor() as f32;
            // codecs smear what is loud over its neighbourhood
            for near in tenth - 1..=tenth + 1 {
                let least = factors.entry(near).or_insert(factor);
                *least = least.min(factor);
            }
        }
        factors
    }
}

/// Decodes the mix at `path` and measures it.
pub fn measure(path: &Path, channels: ChannelCount, watch: &dyn Watch) -> Result<Measured, RenderError> {
    let mut demuxer = Demuxer::open(path, Kind::Audio)?;
    let mut decoder = AudioDecoder::open(demuxer.parameters())?;
    let mut resampler = Resampler::new(channels);
    let mut ear = Ear::new(channels);
    loop {
        if watch.is_cancelled() {
            return Err(RenderError::Cancelled);
        }
        let packet = demuxer.read()?;
        match &packet {
            Some(packet) => decoder.send(packet)?,
            None => decoder.send_end()?,
        }
        while let Some(frame) = decoder.receive()? {
            resampler.convert(&frame, &mut ear.waiting)?;
            ear.hear_tenths(TENTH);
        }
        if packet.is_none() {
            ear.hear_tenths(1);
            return Ok(ear.measured());
        }
    }
}

struct Ear {
    meter: EbuR128,
    /// Decoded, by channel, and not measured yet.
    waiting: Vec<Vec<f32>>,
    tenths: i64,
    peak: f64,
    over: Vec<(i64, f64)>,
}

impl Ear {
    fn new(channels: ChannelCount) -> Ear {
        let meter = EbuR128::new(channels.count() as u32, SAMPLE_RATE, Mode::I | Mode::TRUE_PEAK);
        Ear {
            meter: meter.expect("one or two channels at 48 kHz can always be measured"),
            waiting: vec![Vec::new(); channels.count()],
            tenths: 0,
            peak: 0.0,
            over: Vec::new(),
        }
    }

    /// Measures what waits, tenth by tenth, while it is at least so many samples.
    fn hear_tenths(&mut self, least: usize) {
        while self.waiting[0].len() >= least {
            let length = self.waiting[0].len().min(TENTH);
            let part: Vec<&[f32]> = self.waiting.iter().map(|channel| &channel[..length]).collect();
            let heard = self.meter.add_frames_planar_f32(&part);
            heard.expect("all channels have as many samples");
            let peaks = (0..self.meter.channels()).map(|channel| self.meter.prev_true_peak(channel));
            let peak = peaks.fold(0.0, |most: f64, peak| {
                most.max(peak.expect("the meter has the channel and the mode"))
            });
            self.peak = self.peak.max(peak);
            let decibels = 20.0 * peak.log10();
            if decibels > MOST_PEAK {
                self.over.push((self.tenths, decibels));
            }
            self.waiting
                .iter_mut()
                .for_each(|channel| drop(channel.drain(..length)));
            self.tenths += 1;
        }
    }

    fn measured(self) -> Measured {
        Measured {
            loudness: self.meter.loudness_global().ok().and_then(Decibels::of),
            peak: Decibels::of(20.0 * self.peak.log10()),
            over: self.over,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Option<Decibels> = Some(Decibels::thousandths(-16_000));

    fn measured(loudness: f64, over: &[(i64, f64)]) -> Measured {
        Measured {
            loudness: Decibels::of(loudness),
            peak: None,
            over: over.to_vec(),
        }
    }

    #[test]
    fn what_is_right_is_left_alone() {
        assert_eq!(Master::default().corrected(&measured(-16.3, &[]), TARGET), None);
        assert_eq!(Master::default().corrected(&measured(-30.0, &[]), None), None);
        assert_eq!(Master::default().corrected(&Measured::default(), TARGET), None);
    }

    #[test]
    fn a_limiter_that_eats_half_is_made_up_for() {
        let first = Master::default().corrected(&measured(-18.0, &[]), TARGET).unwrap();
        assert_eq!(first.gain, 2.0);
        let second = first.corrected(&measured(-17.0, &[]), TARGET).unwrap();
        assert_eq!(second.gain, 4.0);
        let far = Master::default().corrected(&measured(-60.0, &[]), TARGET).unwrap();
        assert_eq!(far.gain, MOST_STEP);
    }

    #[test]
    fn a_peak_is_held_down_where_it_is() {
        let over = [(7, 1.0)];
        let master = Master::default().corrected(&measured(-16.0, &over), TARGET).unwrap();
        let ceilings = [5, 6, 7, 8, 9].map(|tenth| master.ceiling(SamplePosition(tenth * TENTH as i64)));
        let lowered = CEILING * Gain::from_decibels(SAFE_PEAK - 1.0).factor() as f32;
        assert_eq!(ceilings, [CEILING, lowered, lowered, lowered, CEILING]);
    }

    #[test]
    fn many_peaks_lower_the_ceiling_of_all() {
        let over: Vec<(i64, f64)> = (0..10).map(|tenth| (tenth * 10, 0.1 * tenth as f64)).collect();
        let master = Master::default().corrected(&measured(-16.0, &over), TARGET).unwrap();
        assert!(master.ceiling(SamplePosition(1_000_000_000)) < 0.77 * CEILING);
    }
}
