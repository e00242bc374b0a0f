//! A look-ahead limiter: the mix never passes the ceiling, and is untouched while it stays below.

use std::collections::VecDeque;

use crate::composition;

/// What no sample passes, where no lower ceiling is given.
pub const CEILING: f32 = composition::CEILING as f32;
/// How far ahead a peak is seen, in samples: 5 ms.
const LOOK_AHEAD: usize = 240;
/// Share of the way back to unity gain per sample: about 100 ms to recover.
const RELEASE: f32 = 1.0 / 4800.0;

/// Delays the sound by [`Limiter::DELAY`] samples and keeps it below the ceiling, all channels alike.
pub struct Limiter {
    delayed: Vec<VecDeque<f32>>,
    /// Needed gains of the samples ahead whose minimum is still to come, growing: a monotonic queue.
    needed: VecDeque<(u64, f32)>,
    /// Minimum gains of late, whose mean is a smooth way down.
    recent: VecDeque<f32>,
    sum: f64,
    held: f32,
    position: u64,
}

impl Limiter {
    pub const DELAY: usize = LOOK_AHEAD;

    pub fn new(channels: usize) -> Limiter {
        let delayed = (0..channels).map(|_| VecDeque::from(vec![0.0; Self::DELAY])).collect();
        let recent = VecDeque::from(vec![1.0; LOOK_AHEAD]);
        Limiter {
            delayed,
            needed: VecDeque::new(),
            recent,
            sum: LOOK_AHEAD as f64,
            held: 1.0,
            position: 0,
        }
    }

    /// Replaces each sample by the limited one of [`Limiter::DELAY`] samples before; `ceiling` is that of a sample that
    /// comes in, by its index.
    pub fn process(&mut self, channels: &mut [Vec<f32>], ceiling: impl Fn(usize) -> f32) {
        for index in 0..channels[0].len() {
            let peak = channels
                .iter()
                .fold(0.0f32, |peak, channel| peak.max(channel[index].abs()));
            let ceiling = ceiling(index);
            let gain = self.gain(if peak > ceiling { ceiling / peak } else { 1.0 });
            for (channel, delayed) in channels.iter_mut().zip(&mut self.delayed) {
                delayed.push_back(channel[index]);
                channel[index] = delayed.pop_front().expect("the delay line keeps its length") * gain;
            }
        }
    }

    /// The gain of the sample that leaves the delay line, given what the one that enters needs.
    fn gain(&mut self, needed: f32) -> f32 {
        while self.needed.back().is_some_and(|(_, later)| *later >= needed) {
            self.needed.pop_back();
        }
        self.needed.push_back((self.position, needed));
        while self
            .needed
            .front()
            .is_some_and(|(at, _)| *at + (LOOK_AHEAD as u64) < self.position)
        {
            self.needed.pop_front();
        }
        self.position += 1;
        let lowest = self.needed.front().map_or(1.0, |(_, gain)| *gain);
        self.held = if lowest < self.held {
            lowest
        } else {
            self.held + (lowest - self.held) * RELEASE
        };
        self.recent.push_back(self.held);
        self.sum += f64::from(self.held) - f64::from(self.recent.pop_front().unwrap_or(1.0));
        ((self.sum / LOOK_AHEAD as f64) as f32).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limited(input: &[f32]) -> Vec<f32> {
        let mut channels = vec![
            input
                .iter()
                .copied()
                .chain(vec![0.0; Limiter::DELAY])
                .collect::<Vec<f32>>(),
        ];
        Limiter::new(1).process(&mut channels, |_| CEILING);
        channels[0][Limiter::DELAY..].to_vec()
    }

    proptest! {
        #[test]
        fn nothing_passes_the_ceiling(input in prop::collection::vec(-8.0f32..8.0, 1..3000)) {
            for (index, sample) in limited(&input).iter().enumerate() {
                prop_assert!(sample.abs() <= CEILING * 1.0001, "{sample} at {index}");
            }
        }

        #[test]
        fn what_is_quiet_enough_is_untouched(input in prop::collection::vec(-0.79f32..0.79, 1..2000)) {
            prop_assert_eq!(limited(&input), input);
        }
    }
}
