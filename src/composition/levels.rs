//! How much louder each track is made, so that all speak equally loud and the mix is as loud as it should be; and how
//! its fader moves.

use std::collections::BTreeMap;

use super::{
    fader,
    hearing::{Heard, Hearing, Loudness, PEAKS, Peak, SKETCH},
};
use crate::media::{Gain, SessionTime, Source, Spans};

/// How loud a recording is: what players and platforms expect of speech (EBU R128 measure).
pub const TARGET: f64 = -16.0;
/// Nobody is made louder or quieter than this: what needs more is noise, or a fault.
const MOST_GAIN: f64 = 30.0;
/// Where several speak at once the mix is louder than each: all are turned down. Where it is limited it is quieter, and
/// that is made up for by no more than this.
const MOST_TRIM: f64 = 9.0;
const ROUNDS: usize = 16;
/// What is left of the limiter's work after a hundredth of a second: it recovers exponentially, to a third in a tenth.
const RECOVERED: f64 = 0.904_837;

/// A block of the measure is four tenths long, and one begins with each tenth.
const BLOCK: usize = 4;
/// Blocks below this (LUFS), or this far (LU) below the mean of the others, do not count.
const ABSOLUTE_GATE: f64 = -70.0;
const RELATIVE_GATE: f64 = 10.0;

/// No sample of a recording is louder than this, -2 dBFS: between the samples, and after lossy coding, sound may be a
/// little louder, and -1 dBTP are allowed.
pub const CEILING: f64 = 0.794_328;

/// What is done to the sound of a recording before it is limited.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Levels {
    /// The gain of each track, by its index in the manifest.
    ///
    /// Those in which nobody speaks stay as they are; so does everything if nobody speaks at all.
    pub gains: BTreeMap<usize, Gain>,
    /// Where the fader of the mix stands at these times, and rests or moves in between; empty if it never moves.
    pub fader: Vec<(SessionTime, Gain)>,
}

/// The levels for a recording of the stretches in `kept`.
pub fn levels(hearing: &Hearing, kept: &Spans) -> Levels {
    let own: BTreeMap<usize, f64> = hearing
        .tracks
        .iter()
        .filter_map(|(track, heard)| Some((*track, (TARGET - heard.integrated()?).clamp(-MOST_GAIN, MOST_GAIN))))
        .collect();
    if own.is_empty() {
        return Levels::default();
    }
    let mix = Mixed::of(hearing, &own, kept);
    let mut trim = 0.0f64;
    for _ in 0..ROUNDS {
        // what is made louder is limited more, so one step is not enough
        let off = mix.integrated(trim).map_or(0.0, |mixed| TARGET - mixed);
        trim = (trim + off).clamp(-MOST_GAIN, MOST_TRIM);
    }
    let times = mix.0.iter().map(|tenth| tenth.time);
    let gains = own
        .into_iter()
        .map(|(track, own)| (track, Gain::from_decibels(own + trim)));
    Levels {
        gains: gains.collect(),
        fader: fader::points(times.zip(mix.fader(trim))),
    }
}

impl Heard {
    /// The integrated loudness of the speaking in this track; of all sound in one that is not of a microphone.
    fn integrated(&self) -> Option<f64> {
        let counts = |tenth: &usize| match self.source {
            Source::Microphone => self.voice.contains(Loudness::time(*tenth)),
            Source::ScreenAudio | Source::Camera | Source::Screen => true,
        };
        let tenths = self.loudness.range().filter(counts);
        integrated(
            &tenths
                .map(|tenth| self.loudness.tenth(tenth).energy())
                .collect::<Vec<f64>>(),
        )
    }
}

/// The mix as it would be: each tenth of a second that is kept.
struct Mixed(Vec<MixedTenth>);

struct MixedTenth {
    /// Its middle.
    time: SessionTime,
    energy: f64,
    peaks: [f64; PEAKS],
    /// How far it is beyond what the fader lets pass, as a factor.
    beyond: f64,
}

impl Mixed {
    fn of(hearing: &Hearing, gains: &BTreeMap<usize, f64>, kept: &Spans) -> Mixed {
        let ends = hearing.tracks.values().map(|heard| heard.loudness.range().end);
        let tracks: Vec<(&Heard, f64)> = hearing
            .tracks
            .iter()
            .map(|(track, heard)| (&**heard, 10f64.powf(gains.get(track).unwrap_or(&0.0) / 20.0)))
            .collect();
        let kept = (0..ends.max().unwrap_or(0)).filter(|tenth| kept.contains(Loudness::time(*tenth)));
        Mixed(kept.map(|tenth| MixedTenth::of(&tracks, tenth)).collect())
    }

    /// The integrated loudness with so many decibels more, after the fader and the limiter.
    fn integrated(&self, trim: f64) -> Option<f64> {
        let mut limit = 1.0f64;
        let tenths = self.0.iter().zip(self.fader(trim)).map(|(tenth, fader)| {
            let factor = 10f64.powf((trim + fader) / 20.0);
            let (mut heard, mut all) = (0.0, 0.0);
            for peak in tenth.peaks {
                limit = (1.0 - (1.0 - limit) * RECOVERED).min(CEILING / (peak * factor).max(CEILING));
                // where samples are large is where the energy is
                (heard, all) = (heard + (peak * limit).powi(2), all + peak * peak);
            }
            let limited = if all > 0.0 { heard / all } else { 1.0 };
            tenth.energy * factor * factor * limited
        });
        integrated(&tenths.collect::<Vec<f64>>())
    }

    /// Where the fader stands in each tenth, in decibels, if everything is so many decibels louder.
    fn fader(&self, trim: f64) -> Vec<f64> {
        let factor = 10f64.powf(trim / 20.0);
        let beyond: Vec<f64> = self.0.iter().map(|tenth| tenth.beyond * factor).collect();
        fader::stands(&beyond)
    }
}

impl MixedTenth {
    fn of(tracks: &[(&Heard, f64)], index: usize) -> MixedTenth {
        // what has no direction adds up by energy with everything
        let (mut all, mut apart, mut together) = (0.0, 0.0, [0.0f64; SKETCH]);
        let (mut sums, mut squares) = ([0.0f64; PEAKS], [0.0f64; PEAKS]);
        for (heard, factor) in tracks
            .iter()
            .filter(|(heard, _)| heard.loudness.range().contains(&index))
        {
            let tenth = heard.loudness.tenth(index);
            let amplitude = tenth.energy().sqrt() * factor;
            all += amplitude * amplitude;
            match tenth.sketch.direction() {
                Some(direction) => (0..SKETCH).for_each(|row| together[row] += amplitude * direction[row]),
                None => apart += amplitude * amplitude,
            }
            for (place, amplitude) in tenth.peaks.map(Peak::amplitude).iter().enumerate() {
                sums[place] += amplitude * factor;
                squares[place] += (amplitude * factor).powi(2);
            }
        }
        let energy = apart + together.iter().map(|sum| sum * sum).sum::<f64>();
        // peaks meet at worst, and miss each other as a rule
        let peaks: [f64; PEAKS] = std::array::from_fn(|place| (sums[place] + squares[place].sqrt()) / 2.0);
        MixedTenth {
            time: Loudness::time(index),
            energy,
            peaks,
            // a single tenth's energy is but guessed from sketches: the fader goes by what is sure
            beyond: fader::beyond(all, peaks),
        }
    }
}

/// The integrated loudness of a row of tenths (ITU-R BS.1770-4 annex 1); nothing if all of it is too quiet to count.
fn integrated(tenths: &[f64]) -> Option<f64> {
    let blocks: Vec<f64> = tenths
        .windows(BLOCK)
        .map(|block| block.iter().sum::<f64>() / BLOCK as f64)
        .collect();
    let over = |gate: f64| {
        let least = 10f64.powf(gate / 10.0);
        let (count, sum) = blocks
            .iter()
            .filter(|block| **block > least)
            .fold((0u32, 0.0), |(count, sum), block| (count + 1, sum + block));
        (count > 0).then(|| 10.0 * (sum / f64::from(count)).log10())
    };
    over(over(ABSOLUTE_GATE)? - RELATIVE_GATE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::hearing::{Sketch, Tenth},
        *,
    };
    use crate::media::{PeerId, SessionTime, Span, TimeDelta};

    fn span(from: usize, to: usize) -> Span {
        let at = |tenth: usize| SessionTime::START + TimeDelta::from_millis(tenth as i64 * 100);
        Span::new(at(from), at(to))
    }

    /// A steady tone.
    fn tenth(loudness: i16) -> Tenth {
        Tenth {
            loudness,
            peaks: [Peak::of(10f64.powf((f64::from(loudness) + 300.0) / 2000.0)); PEAKS],
            sketch: Sketch::NOTHING,
        }
    }

    /// A microphone at which somebody speaks so loud from one tenth to another, in noise at -60 LUFS.
    fn heard(level: i16, from: usize, to: usize) -> Heard {
        Heard {
            peer_id: PeerId::new("p"),
            source: Source::Microphone,
            voice: Spans::union([span(from, to)]),
            loudness: Loudness {
                before: 0,
                tenths: (0..1000)
                    .map(|index| tenth(if (from..to).contains(&index) { level } else { -60_00 }))
                    .collect(),
            },
        }
    }

    fn whole() -> Spans {
        Spans::union([span(0, 1000)])
    }

    proptest! {
        #[test]
        fn the_quiet_and_the_loud_come_out_alike(levels in prop::collection::vec(-39_00i16..-1_00, 1..6)) {
            let tracks = levels.iter().enumerate().map(|(index, level)| (index, heard(*level, index * 150, index * 150 + 140).into()));
            let hearing = Hearing { tracks: tracks.collect() };
            let gains = super::levels(&hearing, &whole()).gains;
            for (track, level) in levels.iter().enumerate() {
                let out = f64::from(*level) / 100.0 + gains[&track].decibels();
                prop_assert!((out - TARGET).abs() < 0.4, "{out} LUFS");
            }
        }

        #[test]
        fn no_gain_is_beyond_bounds(level: i16, from in 0usize..500, length in 0usize..500) {
            let hearing = Hearing { tracks: [(0, heard(level, from, from + length).into())].into() };
            for gain in levels(&hearing, &whole()).gains.values() {
                prop_assert!((-2.0 * MOST_GAIN..=MOST_GAIN + MOST_TRIM).contains(&gain.decibels()));
            }
        }
    }

    #[test]
    fn those_who_speak_at_once_are_not_too_loud_together() {
        let hearing = Hearing {
            tracks: (0..4).map(|track| (track, heard(-20_00, 100, 900).into())).collect(),
        };
        // four of equal loudness are 6 dB louder than one
        let gains = levels(&hearing, &whole()).gains;
        assert!((gains[&0].decibels() + 2.0).abs() < 0.1, "{}", gains[&0]);
    }

    #[test]
    fn two_recordings_of_one_sound_add_up_by_amplitude() {
        let together = |sums: [[f32; SKETCH]; 2]| {
            let tracks = sums.into_iter().enumerate().map(|(track, sums)| {
                let mut heard = heard(-20_00, 100, 900);
                heard
                    .loudness
                    .tenths
                    .iter_mut()
                    .for_each(|tenth| tenth.sketch = Sketch::of(sums));
                (track, heard.into())
            });
            let hearing = Hearing {
                tracks: tracks.collect(),
            };
            levels(&hearing, &whole()).gains[&0].decibels()
        };
        let (one, other) = ([1.0; SKETCH], [1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0]);
        let (same, different) = (together([one, one]), together([one, other]));
        assert!(
            (same + 2.0).abs() < 0.1 && (different - 1.0).abs() < 0.1,
            "{same} {different}"
        );
    }

    #[test]
    fn where_nobody_speaks_nothing_changes() {
        let silent = Heard {
            voice: Spans::default(),
            ..heard(-30_00, 0, 1000)
        };
        let hearing = Hearing {
            tracks: [(0, silent.into())].into(),
        };
        assert_eq!(levels(&hearing, &whole()), Levels::default());
        assert_eq!(levels(&Hearing::default(), &whole()), Levels::default());
    }
}
