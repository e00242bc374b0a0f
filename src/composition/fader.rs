//! The slow hand on the fader of the mix. The limiter acts within milliseconds: a sound far too loud would be turned
//! down alone, and what was said just before it would seem as loud as it, or louder. So where the mix is far too loud
//! for longer than a knock lasts, all of it is turned down gently, from before until after; a little is left to the
//! limiter.

use super::{CEILING, hearing::PEAKS, levels::TARGET};
use crate::media::{Gain, SessionTime};

/// Hundredths of a second in a tenth for which a sound must be too loud to move the fader. A knock is shorter.
const HELD: usize = 5;
/// How far above the ceiling the fader lets peaks go, 6 dB: that much a limiter can do unnoticed.
const PEAK: f64 = 2.0 * CEILING;
/// How loud the fader lets the mix become: 8 LU above the target, as EBU R128 s1 allowed for moments.
const LOUDEST: f64 = TARGET + 8.0;
/// The fader is down from so many tenths before a loud one to so many after it, …
const REACH: usize = 3;
/// … and its way there is a mean of the tenths around, so weighted. No wider than the reach, or loud sounds would begin
/// before it is down.
const WAY: [f64; 5] = [1.0 / 12.0, 3.0 / 12.0, 4.0 / 12.0, 3.0 / 12.0, 1.0 / 12.0];

/// How far a tenth of a second is beyond what the fader lets pass, as a factor of its amplitude.
pub fn beyond(energy: f64, mut peaks: [f64; PEAKS]) -> f64 {
    peaks.sort_unstable_by(f64::total_cmp);
    let held = peaks[PEAKS - HELD];
    let loudest = 10f64.powf(LOUDEST / 20.0);
    // no sound has more energy than its peaks allow: what is more is a knock's
    (held / PEAK).max(energy.sqrt().min(held) / loudest)
}

/// Where the fader stands in each tenth of a second, in decibels, given how far each is beyond what may pass.
pub fn stands(beyond: &[f64]) -> Vec<f64> {
    let needed: Vec<f64> = beyond.iter().map(|beyond| -20.0 * beyond.max(1.0).log10()).collect();
    let lowest = around(&needed, REACH).map(|around| around.fold(0.0, f64::min));
    let lowest: Vec<f64> = lowest.collect();
    let mean =
        around(&lowest, WAY.len() / 2).map(|around| around.zip(WAY).map(|(lowest, weight)| lowest * weight).sum());
    mean.collect()
}

/// What is around each value, so far on either side; at the ends, as if they went on.
fn around(values: &[f64], reach: usize) -> impl Iterator<Item = impl Iterator<Item = f64> + '_> + '_ {
    let last = values.len().saturating_sub(1);
    (0..values.len())
        .map(move |middle| (middle..=middle + 2 * reach).map(move |at| values[at.saturating_sub(reach).min(last)]))
}

/// The points at which the fader begins or ends to rest, or goes through on its way.
pub fn points(stands: impl Iterator<Item = (SessionTime, f64)>) -> Vec<(SessionTime, Gain)> {
    let all: Vec<(SessionTime, Gain)> = stands.map(|(time, stand)| (time, Gain::from_decibels(stand))).collect();
    if all.iter().all(|(_, gain)| *gain == Gain::UNITY) {
        return Vec::new();
    }
    let moves = |index: usize| {
        let neighbours = [index.saturating_sub(1), (index + 1).min(all.len() - 1)];
        neighbours.iter().any(|neighbour| all[*neighbour].1 != all[index].1)
    };
    (0..all.len())
        .filter(|index| moves(*index))
        .map(|index| all[index])
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::media::TimeDelta;

    proptest! {
        #[test]
        fn no_loud_tenth_finds_the_fader_too_high(beyond in prop::collection::vec(0.0f64..20.0, 0..100)) {
            for (beyond, stand) in beyond.iter().zip(stands(&beyond)) {
                prop_assert!(stand <= 0.0);
                prop_assert!(beyond * 10f64.powf(stand / 20.0) <= 1.000_001);
            }
        }

        #[test]
        fn what_may_pass_passes(beyond in prop::collection::vec(0.0..=1.0, 0..100)) {
            prop_assert!(stands(&beyond).iter().all(|stand| *stand == 0.0));
        }
    }

    #[test]
    fn a_tone_is_too_loud_and_a_knock_is_not() {
        let tone = beyond(0.5, [1.0; PEAKS]);
        assert!((20.0 * tone.log10() - 5.0).abs() < 0.1, "{tone}");
        let mut knock = [0.01; PEAKS];
        knock[..HELD - 1].fill(8.0);
        assert!(beyond(3.0, knock) < 1.0);
        knock[HELD - 1] = 8.0;
        assert!(beyond(3.0, knock) > 5.0);
        // speech: large samples of little energy are left to the limiter
        assert!(beyond(0.025, [1.5; PEAKS]) < 1.0);
    }

    #[test]
    fn the_fader_is_down_before_a_loud_sound_and_moves_gently() {
        let mut beyond = vec![0.1; 21];
        beyond[10] = 10.0;
        let stands = stands(&beyond);
        let twelfths = [12.0, 12.0, 11.0, 8.0, 4.0, 1.0, 0.0];
        for (distance, twelfths) in twelfths.iter().enumerate() {
            for stand in [stands[10 - distance], stands[10 + distance]] {
                assert!((stand + 20.0 * twelfths / 12.0).abs() < 1e-9, "{stands:?}");
            }
        }
    }

    #[test]
    fn a_fader_at_rest_needs_few_points() {
        let at = |tenth: i64| SessionTime::START + TimeDelta::from_millis(tenth * 100);
        let told = |stands: &[f64]| -> Vec<i64> {
            let points = points((0..).map(at).zip(stands.iter().copied()));
            points.iter().map(|(time, _)| time.nanos() / 100_000_000).collect()
        };
        assert_eq!(told(&[0.0; 5]), Vec::<i64>::new());
        assert_eq!(told(&[]), Vec::<i64>::new());
        assert_eq!(told(&[0.0, 0.0, 0.0, -3.0, -6.0, -6.0, -6.0, -6.0]), [2, 3, 4]);
    }
}
