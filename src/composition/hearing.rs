//! What was heard in a session when all of it was listened to, and what follows from it before anything is mixed.

use std::collections::BTreeMap;

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
    pub tracks: BTreeMap<usize, Heard>,
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
    /// The largest sample of each hundredth of a second, in hundredths of a decibel relative to full scale.
    pub peaks: [i16; PEAKS],
}

impl Tenth {
    pub const NOTHING: i16 = i16::MIN;
    pub const SILENT: Tenth = Tenth {
        loudness: Tenth::NOTHING,
        peaks: [Tenth::NOTHING; PEAKS],
    };
    pub const LENGTH: TimeDelta = TimeDelta::from_millis(100);

    /// As energy; 1 is 0 LUFS.
    pub fn energy(self) -> f64 {
        ratio(self.loudness, 1000.0)
    }

    /// As samples; 1 is full scale.
    pub fn amplitudes(self) -> [f64; PEAKS] {
        self.peaks.map(|peak| ratio(peak, 2000.0))
    }
}

fn ratio(level: i16, tenfold: f64) -> f64 {
    if level == Tenth::NOTHING {
        0.0
    } else {
        10f64.powf(f64::from(level) / tenfold)
    }
}

impl Hearing {
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
