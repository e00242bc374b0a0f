//! Robust statistics over clock readings.
//!
//! Floating point lives here and in what calls it, never in a position: results are rounded to integers once. All sums
//! run in the order of the samples, so the same evidence gives the same bits.

/// How far one clock is ahead of another (nanoseconds) where the second stands at `at` (nanoseconds).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    pub at: f64,
    pub offset: f64,
}

/// How fast an offset grows, as a plain ratio, and the standard error of that.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Slope {
    pub ratio: f64,
    pub error: f64,
}

/// No quartz is this far off: a larger slope comes from wrong evidence.
pub const STEEPEST: f64 = 500e-6;

/// Pairs grow with the square of their samples: more than this many are thinned to medians of neighbours.
const MOST_SAMPLES: usize = 200;
/// Residuals this close to the line are never outliers, however tight the rest is.
const ALWAYS_NEAR: f64 = 2e6;

/// The value below which a share of all values lies; 0 of none.
pub fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    values.sort_by(f64::total_cmp);
    let place = (share.clamp(0.0, 1.0) * (values.len() - 1) as f64).round();
    values[(place as usize).min(values.len() - 1)]
}

/// The mean of the two middle values; 0 of none.
pub fn median(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        values[middle - 1] / 2.0 + values[middle] / 2.0
    }
}

/// The usual distance from `centre`, scaled so that it estimates the standard deviation of a normal distribution.
pub fn spread(values: &[f64], centre: f64) -> f64 {
    1.4826 * median(values.iter().map(|value| (value - centre).abs()).collect())
}

/// The slope through all samples: the weighted median of the slopes of all pairs (Theil and Sen), then least squares
/// through what lies near that line.
pub fn slope(samples: &[Sample]) -> Slope {
    let thinned = thin(samples);
    let rough = pairwise(&thinned);
    let rest = |sample: &Sample| sample.offset - rough * sample.at;
    let rests: Vec<f64> = thinned.iter().map(rest).collect();
    let level = median(rests.clone());
    let reach = (4.0 * spread(&rests, level)).max(ALWAYS_NEAR);
    let near: Vec<Sample> = thinned
        .iter()
        .copied()
        .filter(|sample| (rest(sample) - level).abs() <= reach)
        .collect();
    least_squares(&near)
}

impl Slope {
    /// The slope as far as the evidence carries it: what could be chance is drawn towards zero.
    pub fn cautious(self) -> f64 {
        let doubt = 2.0 * self.error;
        if self.ratio.abs() > STEEPEST || self.ratio.abs() <= doubt {
            return 0.0;
        }
        self.ratio * (1.0 - (doubt / self.ratio).powi(2))
    }

    /// Whether it is certainly steeper than any clock.
    pub fn is_absurd(self) -> bool {
        self.ratio.abs() - 3.0 * self.error > STEEPEST
    }
}

fn thin(samples: &[Sample]) -> Vec<Sample> {
    let size = samples.len().div_ceil(MOST_SAMPLES).max(1);
    let middle = |block: &[Sample]| Sample {
        at: median(block.iter().map(|sample| sample.at).collect()),
        offset: median(block.iter().map(|sample| sample.offset).collect()),
    };
    samples.chunks(size).map(middle).collect()
}

/// The median of the slopes of all pairs, each weighed by how far its samples lie apart.
fn pairwise(samples: &[Sample]) -> f64 {
    let mut slopes: Vec<(f64, f64)> = Vec::new();
    for (index, one) in samples.iter().enumerate() {
        for other in &samples[index + 1..] {
            let apart = other.at - one.at;
            if apart.abs() >= 1.0 {
                slopes.push(((other.offset - one.offset) / apart, apart.abs()));
            }
        }
    }
    slopes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = slopes.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut below = 0.0;
    for (slope, weight) in &slopes {
        below += weight;
        if below >= half {
            return *slope;
        }
    }
    0.0
}

fn least_squares(samples: &[Sample]) -> Slope {
    let count = samples.len() as f64;
    if samples.len() < 3 {
        return Slope {
            ratio: 0.0,
            error: STEEPEST,
        };
    }
    let at = samples.iter().map(|sample| sample.at).sum::<f64>() / count;
    let offset = samples.iter().map(|sample| sample.offset).sum::<f64>() / count;
    let square: f64 = samples.iter().map(|sample| (sample.at - at).powi(2)).sum();
    let product: f64 = samples
        .iter()
        .map(|sample| (sample.at - at) * (sample.offset - offset))
        .sum();
    if square < 1.0 {
        return Slope {
            ratio: 0.0,
            error: STEEPEST,
        };
    }
    let ratio = product / square;
    let rest: f64 = samples
        .iter()
        .map(|sample| (sample.offset - offset - ratio * (sample.at - at)).powi(2))
        .sum();
    Slope {
        ratio,
        error: (rest / (count - 2.0) / square).sqrt(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A part of the samples lies anywhere, the rest jitters by 2 ms: the slope is found to 60 ppm over two minutes.
        /// (Jitter that is all early at first and all late at last is a slope of three times itself over the time.)
        #[test]
        fn outliers_do_not_tilt_a_slope(
            ppm in -300i32..=300,
            jitter in prop::collection::vec((-2e6..2e6f64, 0u8..5, -5e9..5e9f64), 120),
        ) {
            let samples: Vec<Sample> = jitter.iter().enumerate().map(|(n, (small, dice, large))| {
                let at = n as f64 * 1e9;
                let noise = if *dice == 0 && n % 3 != 0 { *large } else { *small };
                Sample { at, offset: 3e9 + at * f64::from(ppm) * 1e-6 + noise }
            }).collect();
            let found = slope(&samples);
            prop_assert!((found.ratio * 1e6 - f64::from(ppm)).abs() < 60.0, "{found:?} instead of {ppm}");
        }

        #[test]
        fn any_samples_will_do(samples in prop::collection::vec((any::<i64>(), any::<i64>()), 0..40)) {
            let samples: Vec<Sample> = samples.iter().map(|(at, offset)| Sample { at: *at as f64, offset: *offset as f64 }).collect();
            prop_assert!(slope(&samples).cautious().abs() <= STEEPEST);
        }
    }

    #[test]
    fn chance_is_no_drift() {
        let noise = Slope {
            ratio: 100e-6,
            error: 60e-6,
        };
        assert_eq!(noise.cautious(), 0.0);
        let sure = Slope {
            ratio: 100e-6,
            error: 1e-6,
        };
        assert!((sure.cautious() - 100e-6).abs() < 1e-7);
        assert!(
            Slope {
                ratio: 2e-3,
                error: 1e-5
            }
            .is_absurd()
        );
    }
}
