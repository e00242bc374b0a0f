//! A recording's sound, decoded: when which tone begins, and how loud it is.

use std::{f64::consts::TAU, path::Path};

use super::{text, tool};

const RATE: usize = 48_000;
/// One measurement a millisecond.
const HOP: usize = 48;
/// 20 ms under a Hann window: the sample's tones are multiples of 100 Hz apart, where this window hears nothing.
const WINDOW: usize = 960;
/// Beeps have an amplitude of 0.25; this is far above what one tone leaves at another's frequency.
const AUDIBLE: f64 = 0.05;
/// Where no sample is louder, no tone is audible.
const QUIET: f32 = 0.01;
/// How long a beep's plateau is looked for, in measurements.
const PLATEAU: usize = 60;

pub struct Sound {
    samples: Vec<f32>,
}

/// A tone that begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Onset {
    /// Seconds since the recording began.
    pub at: f64,
    /// The highest amplitude of the tone; 1 is full scale.
    pub level: f64,
}

impl Sound {
    /// Players skip the encoder's priming; so does ffmpeg.
    pub fn decoded(path: &Path) -> Sound {
        let pick = ["-i", text(path), "-map", "0:a"];
        let raw = ["-ac", "1", "-ar", "48000", "-f", "f32le", "-"];
        let bytes = tool("ffmpeg", &[pick.as_slice(), raw.as_slice()].concat());
        let sample = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().expect("four bytes"));
        Sound {
            samples: bytes.chunks_exact(4).map(sample).collect(),
        }
    }

    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / RATE as f64
    }

    /// The largest sample of `from..to`, in seconds; 1 is full scale.
    pub fn peak(&self, from: f64, to: f64) -> f64 {
        let index = |seconds: f64| ((seconds * RATE as f64) as usize).min(self.samples.len());
        let samples = &self.samples[index(from)..index(to)];
        samples
            .iter()
            .fold(0.0, |peak, sample| f64::from(sample.abs()).max(peak))
    }

    /// Everywhere that `tone` (in Hz) begins.
    pub fn onsets(&self, tone: f64) -> Vec<Onset> {
        let levels = self.levels(tone);
        let (mut onsets, mut at) = (Vec::new(), 0);
        while let Some(found) = levels[at..].iter().position(|level| *level >= AUDIBLE) {
            let heard = at + found;
            let after = &levels[heard..(heard + PLATEAU).min(levels.len())];
            let level = after.iter().fold(0.0f64, |most, level| most.max(*level));
            let begins = (at..levels.len()).find(|index| levels[*index] >= level / 2.0);
            onsets.push(Onset {
                at: begins.unwrap_or(heard) as f64 * HOP as f64 / RATE as f64,
                level,
            });
            let ends = levels[heard..].iter().position(|level| *level < AUDIBLE / 2.0);
            at = ends.map_or(levels.len(), |length| heard + length);
        }
        onsets
    }

    /// The amplitude of `tone` each millisecond: Goertzel's measure, in a window around that moment.
    fn levels(&self, tone: f64) -> Vec<f64> {
        let step = TAU * tone / RATE as f64;
        let hann = |n: usize| 0.5 - 0.5 * (TAU * (n as f64 + 0.5) / WINDOW as f64).cos();
        let kernel: Vec<(f32, f32)> = (0..WINDOW)
            .map(|n| {
                let (sin, cos) = (step * n as f64).sin_cos();
                ((hann(n) * cos) as f32, (hann(n) * sin) as f32)
            })
            .collect();
        let silence = vec![0.0; WINDOW / 2];
        let padded = [&silence, &self.samples, &silence].map(|part| part.as_slice()).concat();
        let windows = padded.windows(WINDOW).step_by(HOP);
        let level = |window: &[f32]| {
            // most of a session is silence, which needs no measuring
            if window.iter().all(|sample| sample.abs() < QUIET) {
                return 0.0;
            }
            let parts = window.iter().zip(&kernel);
            let (re, im) = parts.fold((0.0f32, 0.0f32), |(re, im), (sample, (cos, sin))| {
                (re + sample * cos, im + sample * sin)
            });
            // a Hann window halves what it sees, and a real tone shows half of itself at its frequency
            f64::from(re.hypot(im)) * 4.0 / WINDOW as f64
        };
        windows.map(level).collect()
    }
}
