//! When somebody speaks, told from how loud a microphone was in the band of speech.
//!
//! Loud is what stands out from the noise of this microphone at that time, and is not far below its own speech. Speech
//! goes on: a click, a key or a beep does not. And it is never steady.

use super::steady::steady;
use crate::media::{SessionTime, Span, Spans, TimeDelta};

/// How loud 10 ms were, in hundredths of a decibel relative to full scale.
pub type Level = i16;

/// Nothing was sent, or nothing but zeros.
pub const SILENT: Level = Level::MIN;
/// The length of what a level is of.
pub const FRAME: TimeDelta = TimeDelta::from_millis(10);

/// What is quieter is no speech, however quiet the rest is.
const FAINTEST: Level = -60_00;
/// What is quieter than this is as good as nothing sent, and says nothing of a room's noise.
pub(super) const NOTHING: Level = -90_00;
/// Speech stands out from noise by this, …
const OVER_NOISE: Level = 10_00;
/// … and is no more than this below the loudest: what is, comes from another's loudspeaker.
const BELOW_LOUDEST: Level = 30_00;
/// Once somebody speaks, this much less will do.
const HYSTERESIS: Level = 5_00;

/// Noise is what the quietest frames show, …
const QUIETEST: f64 = 0.1;
/// … and the loudest speech what all but a few stay below.
const LOUDEST: f64 = 0.97;
/// Noise is measured anew in stretches of so many frames, each with its neighbours.
const STRETCH: usize = 1000;

/// Gaps of up to so many frames are part of speaking.
const BRIDGED: usize = 35;
/// So many frames at least must be loud, and this share of them all, in hundredths.
const FEWEST: usize = 20;
const DENSEST: usize = 35;
/// Soft beginnings: so many frames before the first loud one belong to it, if they are nearly as loud.
const ONSET: usize = 12;

/// The stretches in which somebody speaks; the first level is of the 10 ms from `start` on.
pub fn voice(levels: &[Level], start: SessionTime) -> Spans {
    let noise = noise(levels);
    // what is steady does not tell how loud this microphone's speech is
    let may_be_speech = |index: &usize| {
        let is_loud_noise = noise.steady[*index] > noise.usual[*index / STRETCH].saturating_add(OVER_NOISE);
        levels[*index] > NOTHING && !(is_loud_noise && levels[*index] < noise.at(*index).saturating_add(OVER_NOISE))
    };
    let candidates = (0..levels.len()).filter(may_be_speech).map(|index| levels[index]);
    let Some(loudest) = quantile(candidates, LOUDEST) else {
        return Spans::default();
    };
    let limit = |index: usize| {
        let over_noise = noise.at(index).saturating_add(OVER_NOISE);
        over_noise.max(loudest.saturating_sub(BELOW_LOUDEST)).max(FAINTEST)
    };
    let soft = |index: usize| {
        let over_noise = noise.at(index).saturating_add(OVER_NOISE / 2);
        over_noise.max(limit(index).saturating_sub(2 * HYSTERESIS))
    };
    let mut found: Vec<Stretch> = Vec::new();
    for (index, level) in levels.iter().enumerate() {
        let goes_on = found.last().is_some_and(|last| last.end == index);
        let needed = if goes_on {
            limit(index).saturating_sub(HYSTERESIS)
        } else {
            limit(index)
        };
        if *level < needed {
            continue;
        }
        match found.last_mut() {
            Some(last) if index <= last.end + BRIDGED => {
                last.end = index + 1;
                last.loud += 1;
            }
            _ => found.push(Stretch {
                begin: onset(levels, index, soft(index)),
                first: index,
                end: index + 1,
                loud: 1,
            }),
        }
    }
    let at = |index: usize| start + TimeDelta::from_nanos(FRAME.nanos().saturating_mul(index as i64));
    Spans::union(
        found
            .iter()
            .filter(|stretch| stretch.is_speech())
            .map(|stretch| Span::new(at(stretch.begin), at(stretch.end))),
    )
}

/// Frames that may be speech, by their places.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    begin: usize,
    /// The first that is loud.
    first: usize,
    end: usize,
    loud: usize,
}

impl Stretch {
    fn is_speech(&self) -> bool {
        self.loud >= FEWEST && self.loud * 100 >= (self.end - self.first) * DENSEST
    }
}

/// Where the sound that is loud from `first` on begins.
fn onset(levels: &[Level], first: usize, least: Level) -> usize {
    let before = levels[..first].iter().rev().take(ONSET);
    first - before.take_while(|level| **level >= least).count()
}

/// How loud noise is.
struct Noise {
    /// In each stretch of frames, by the quietest in and around it.
    usual: Vec<Level>,
    /// In each frame, if it is steady.
    steady: Vec<Level>,
}

impl Noise {
    fn at(&self, index: usize) -> Level {
        self.usual[index / STRETCH].max(self.steady[index])
    }
}

fn noise(levels: &[Level]) -> Noise {
    let stretches = levels.len().div_ceil(STRETCH);
    let around = |index: usize| {
        let from = index.saturating_sub(1) * STRETCH;
        let to = levels.len().min((index + 2) * STRETCH);
        let heard = levels[from..to].iter().copied().filter(|level| *level > NOTHING);
        quantile(heard, QUIETEST).unwrap_or(NOTHING)
    };
    Noise {
        usual: (0..stretches).map(around).collect(),
        steady: steady(levels),
    }
}

/// The level below which that share of all lies.
pub(super) fn quantile(levels: impl Iterator<Item = Level>, share: f64) -> Option<Level> {
    let mut levels: Vec<Level> = levels.collect();
    let place = (levels.len().checked_sub(1)? as f64 * share).round() as usize;
    Some(*levels.select_nth_unstable(place).1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOISE: Level = -68_00;
    const SPEECH: Level = -25_00;

    /// A room's noise with something in it: from a frame on, for so many frames, so loud.
    fn room(frames: usize, noise: Level, sounds: &[(usize, usize, Level)]) -> Vec<Level> {
        let mut levels: Vec<Level> = (0..frames)
            .map(|index| noise + (index * 7919 % 300) as Level - 150)
            .collect();
        for (from, length, level) in sounds {
            // syllables: louder and quieter by turns
            (*from..from + length).for_each(|index| levels[index] = level - if index / 9 % 3 == 2 { 8_00 } else { 0 });
        }
        levels
    }

    fn frames(spans: &Spans) -> Vec<(i64, i64)> {
        let frame = |time: SessionTime| time.nanos() / FRAME.nanos();
        spans.iter().map(|span| (frame(span.start), frame(span.end))).collect()
    }

    proptest! {
        #[test]
        fn speech_is_found_where_it_is(
            from in 300usize..2000, length in 40usize..800, noise in -80_00i16..-50_00, over in 18_00i16..45_00,
        ) {
            let found = frames(&voice(&room(3500, noise, &[(from, length, (noise + over).max(-50_00))]), SessionTime::START));
            prop_assert_eq!(found.len(), 1);
            prop_assert!((found[0].0 - from as i64).abs() <= 2, "{:?} instead of {}", found, from);
            prop_assert!((found[0].1 - (from + length) as i64).abs() <= 12, "{:?} instead of {}", found, from + length);
        }

        #[test]
        fn any_levels_will_do(levels in prop::collection::vec(any::<i16>(), 0..3000), start: i64) {
            voice(&levels, SessionTime::from_nanos(start));
        }

        #[test]
        fn how_loud_all_is_changes_nothing(by in -8_00i16..8_00, from in 300usize..2000) {
            let levels = room(3000, -62_00, &[(from, 150, -24_00), (100, 12, -20_00)]);
            let louder: Vec<Level> = levels.iter().map(|level| level + by).collect();
            prop_assert_eq!(voice(&levels, SessionTime::START), voice(&louder, SessionTime::START));
        }
    }

    #[test]
    fn short_noises_are_no_speech() {
        let keys: Vec<(usize, usize, Level)> = (0..30).map(|key| (1500 + key * 22, 2, SPEECH)).collect();
        let noises = [&[(500, 1, 0), (800, 10, SPEECH), (1000, 15, SPEECH)][..], &keys].concat();
        assert!(voice(&room(3000, NOISE, &noises), SessionTime::START).is_empty());
    }

    #[test]
    fn pauses_between_words_are_part_of_speaking_and_longer_ones_are_not() {
        let spoken = [(500, 100, SPEECH), (625, 80, SPEECH), (900, 100, SPEECH)];
        assert_eq!(
            voice(&room(3000, NOISE, &spoken), SessionTime::START).as_slice().len(),
            2
        );
    }

    #[test]
    fn steady_noise_and_another_peer_s_echo_are_no_speech() {
        let fan = room(3000, -35_00, &[]);
        assert!(voice(&fan, SessionTime::START).is_empty());
        let echo = room(3000, -75_00, &[(500, 300, -20_00), (1500, 300, -55_00)]);
        assert_eq!(voice(&echo, SessionTime::START).as_slice().len(), 1);
    }

    #[test]
    fn steady_noise_is_no_speech_whenever_it_begins() {
        let mut levels = room(6000, NOISE, &[(3000, 300, SPEECH)]);
        let fan = |index: usize| -33_00 + (index * 7919 % 200) as Level - 100;
        (1500..2700).for_each(|index| levels[index] = fan(index));
        assert_eq!(frames(&voice(&levels, SessionTime::START)).len(), 1);
        // a fan that is louder than the speech after it
        let mut levels = room(6000, NOISE, &[(3000, 300, -45_00)]);
        (1500..2700).for_each(|index| levels[index] = fan(index) + 20_00);
        let found = frames(&voice(&levels, SessionTime::START));
        assert!(found.len() == 1 && (found[0].0 - 3000).abs() <= 2, "{found:?}");
    }

    #[test]
    fn speech_over_steady_noise_is_found() {
        let words: Vec<(usize, usize, Level)> = (0..8).map(|word| (2000 + word * 60, 45, -15_00)).collect();
        let mut levels = room(6000, NOISE, &words);
        (1500..2700).for_each(|index| levels[index] = levels[index].max(-35_00 + (index * 7919 % 200) as Level - 100));
        let found = frames(&voice(&levels, SessionTime::START));
        assert!(
            found.len() == 1 && (found[0].0 - 2000).abs() <= 2 && (found[0].1 - 2465).abs() <= 12,
            "{found:?}"
        );
    }

    #[test]
    fn a_tone_of_two_seconds_is_a_sound() {
        let mut levels = room(3000, NOISE, &[]);
        (1000..1200).for_each(|index| levels[index] = SPEECH);
        assert_eq!(frames(&voice(&levels, SessionTime::START)), [(1000, 1200)]);
    }

    #[test]
    fn a_microphone_that_sends_nothing_in_between_says_nothing_of_noise() {
        let mut levels = vec![SILENT; 3000];
        levels[1000..1400].copy_from_slice(&room(400, NOISE, &[(50, 200, SPEECH)]));
        assert_eq!(voice(&levels, SessionTime::START).as_slice().len(), 1);
    }
}
