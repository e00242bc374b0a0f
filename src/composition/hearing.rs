//! What was heard in a session when all of it was listened to, and what follows from it before anything is mixed.

use std::{collections::BTreeMap, sync::Arc};

use super::{AudioTrack, speakers::Speech};
use crate::media::{ChannelCount, PeerId, SessionTime, Source, Spans, TimeDelta};

/// All that there is to listen to before planning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    pub tracks: Vec<Audible>,
    pub channels: ChannelCount,
}

/// A track of the whole session, in samples since the start of the session clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audible {
    pub track: AudioTrack,
    pub source: Source,
}

/// All tracks of sound of a session, by their index in the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hearing {
    pub tracks: BTreeMap<usize, Arc<Heard>>,
}

/// What was heard of one track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub peer_id: PeerId,
    pub source: Source,
    /// When somebody speaks.
    pub voice: Spans,
    pub loudness: Loudness,
}

/// How loud each tenth of a second of the session clock was, from its start on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loudness {
    /// How many tenths come before the first of `tenths`; all silent.
    pub before: usize,
    pub tenths: Vec<Tenth>,
}

/// Hundredths of a second in a tenth.
pub const PEAKS: usize = 10;

/// A tenth of a second of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tenth {
    /// Hundredths of LUFS (EBU R128), or [`Tenth::NOTHING`].
    pub loudness: i16,
    /// The largest sample of each hundredth of a second. Small, as there are millions in a long session.
    pub peaks: [Peak; PEAKS],
    pub sketch: Sketch,
}

impl Tenth {
    pub const NOTHING: i16 = i16::MIN;
    pub const SILENT: Tenth = Tenth {
        loudness: Tenth::NOTHING,
        peaks: [Peak::NOTHING; PEAKS],
        sketch: Sketch::NOTHING,
    };
    pub const LENGTH: TimeDelta = TimeDelta::from_millis(100);

    /// As energy; 1 is 0 LUFS.
    pub fn energy(self) -> f64 {
        match self.loudness {
            Tenth::NOTHING => 0.0,
            level => 10f64.powf(f64::from(level) / 1000.0),
        }
    }
}

/// A largest sample in half decibels above -108 dBFS; 0 is silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peak(u8);

impl Peak {
    pub const NOTHING: Peak = Peak(0);
    const FAINTEST: f64 = -108.0;

    /// Of a sample; 1 is full scale.
    pub fn of(amplitude: f64) -> Peak {
        let half_decibels = (20.0 * amplitude.abs().log10() - Peak::FAINTEST) * 2.0;
        // a cast keeps what is too small or no number at zero
        Peak(half_decibels.round() as u8)
    }

    /// As a sample; 1 is full scale.
    pub fn amplitude(self) -> f64 {
        match self.0 {
            0 => 0.0,
            level => 10f64.powf((f64::from(level) / 2.0 + Peak::FAINTEST) / 20.0),
        }
    }
}

/// How many numbers a sketch has.
pub const SKETCH: usize = 8;

/// What sets the sound of a tenth apart from that of another track, whatever its loudness: its samples weighted with
/// random signs, the same for all tracks, and summed up, for as many rows of signs as it has numbers.
///
/// On average the angle between two sketches is that between the sounds (Johnson and Lindenstrauss): sounds that have
/// nothing to do with each other stand at right angles and add up by their energy, two recordings of one by amplitude.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sketch([i8; SKETCH]);

impl Sketch {
    pub const NOTHING: Sketch = Sketch([0; SKETCH]);

    pub fn of(sums: [f32; SKETCH]) -> Sketch {
        let largest = sums.iter().fold(0.0f32, |largest, sum| largest.max(sum.abs()));
        // a cast keeps what is no number at zero
        Sketch(sums.map(|sum| (sum / largest * 127.0).round() as i8))
    }

    /// Its direction, of length 1; nothing if there was no sound.
    pub fn direction(self) -> Option<[f64; SKETCH]> {
        let numbers = self.0.map(f64::from);
        let length = numbers.iter().map(|number| number * number).sum::<f64>().sqrt();
        (length > 0.0).then(|| numbers.map(|number| number / length))
    }
}

impl Hearing {
    /// What was heard of some of the tracks.
    pub fn only(&self, is_meant: impl Fn(usize, &Heard) -> bool) -> Hearing {
        let tracks = self.tracks.iter().filter(|(index, heard)| is_meant(**index, heard));
        Hearing {
            tracks: tracks.map(|(index, heard)| (*index, Arc::clone(heard))).collect(),
        }
    }

    /// Who speaks when, by microphones alone.
    pub fn speech(&self) -> Speech {
        let mut voices: BTreeMap<PeerId, Vec<_>> = BTreeMap::new();
        for heard in self.tracks.values().filter(|heard| heard.source == Source::Microphone) {
            voices
                .entry(heard.peer_id.clone())
                .or_default()
                .extend(heard.voice.iter());
        }
        Speech {
            voices: voices
                .into_iter()
                .map(|(peer, spans)| (peer, Spans::union(spans)))
                .collect(),
        }
    }
}

impl Loudness {
    /// A tenth of the session clock, counted from its start.
    pub fn tenth(&self, tenth: usize) -> Tenth {
        let own = tenth.checked_sub(self.before).and_then(|index| self.tenths.get(index));
        own.copied().unwrap_or(Tenth::SILENT)
    }

    /// The tenths that were listened to.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.before..self.before + self.tenths.len()
    }

    /// The middle of a tenth.
    pub fn time(tenth: usize) -> SessionTime {
        let tenths = i64::try_from(tenth).unwrap_or(i64::MAX);
        SessionTime::from_nanos(
            tenths
                .saturating_mul(Tenth::LENGTH.nanos())
                .saturating_add(Tenth::LENGTH.nanos() / 2),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_are_kept_to_a_quarter_of_a_decibel() {
        for decibels in [-100.0f64, -33.3, -3.0, 0.0, 2.6] {
            let kept = 20.0 * Peak::of(10f64.powf(decibels / 20.0)).amplitude().log10();
            assert!((kept - decibels).abs() <= 0.26, "{kept} instead of {decibels} dB");
        }
        for nothing in [0.0, 1e-9, f64::NAN] {
            assert_eq!(Peak::of(nothing), Peak::NOTHING);
        }
        assert_eq!(Peak::NOTHING.amplitude(), 0.0);
    }
}
