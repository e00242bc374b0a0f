//! The fader of the mix, moved as the plan says.

use crate::{composition::FaderPoint, media::SamplePosition};

/// Turns a block of the mix that begins at `start` up or down.
pub fn turn(points: &[FaderPoint], start: SamplePosition, channels: &mut [Vec<f32>]) {
    let end = start.0 + channels[0].len() as i64;
    let mut at = start.0;
    while at < end && !points.is_empty() {
        let way = Way::at(points, at);
        let stop = way.end.min(end);
        let range = (at - start.0) as usize..(stop - start.0) as usize;
        for channel in channels.iter_mut() {
            for (position, sample) in (at..stop).zip(&mut channel[range.clone()]) {
                *sample *= way.factor(position);
            }
        }
        at = stop;
    }
}

/// From one point of the fader to the next.
struct Way {
    start: i64,
    end: i64,
    from: f64,
    to: f64,
}

impl Way {
    /// The way on which a position is; `points` are at least one.
    fn at(points: &[FaderPoint], position: i64) -> Way {
        let next = points.partition_point(|point| point.at.0 <= position);
        let before = points[next.saturating_sub(1)];
        let after = points[next.min(points.len() - 1)];
        Way {
            start: if next == 0 { i64::MIN } else { before.at.0 },
            end: if next == points.len() { i64::MAX } else { after.at.0 },
            from: before.gain.factor(),
            to: after.gain.factor(),
        }
    }

    /// What a sample is multiplied by, whatever block it is in.
    fn factor(&self, position: i64) -> f32 {
        if self.from == self.to {
            return self.from as f32;
        }
        let share = (position - self.start) as f64 / (self.end - self.start) as f64;
        (self.from + (self.to - self.from) * share) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Gain;

    fn turned(points: &[(i64, f64)], block: usize) -> Vec<f32> {
        let point = |(at, decibels): &(i64, f64)| FaderPoint {
            at: SamplePosition(*at),
            gain: Gain::from_decibels(*decibels),
        };
        let points: Vec<FaderPoint> = points.iter().map(point).collect();
        let blocks = (0..1000).step_by(block).flat_map(|start| {
            let mut channels = vec![vec![0.5f32; block], vec![1.0; block]];
            turn(&points, SamplePosition(start), &mut channels);
            assert!(
                channels[0]
                    .iter()
                    .zip(&channels[1])
                    .all(|(half, whole)| *half == whole * 0.5)
            );
            channels.remove(1)
        });
        blocks.collect()
    }

    #[test]
    fn the_fader_moves_evenly_between_its_points_and_rests_outside() {
        let heard = turned(&[(200, 0.0), (400, -20.0), (600, -20.0), (800, -6.0)], 1000);
        for (position, expected) in [(0, 1.0), (200, 1.0), (300, 0.55), (400, 0.1), (599, 0.1), (900, 0.501)] {
            assert!(
                (heard[position] - expected).abs() < 1e-3,
                "{} at {position}",
                heard[position]
            );
        }
        assert!(heard.windows(2).all(|two| (two[0] - two[1]).abs() < 0.006));
    }

    #[test]
    fn blocks_make_no_difference() {
        let points = [(130, 0.0), (333, -12.0), (333, -9.0), (700, -1.0)];
        let whole = turned(&points, 1000);
        for block in [1, 50, 125] {
            assert_eq!(turned(&points, block), whole);
        }
    }

    #[test]
    fn without_points_nothing_changes() {
        assert_eq!(turned(&[], 1000), vec![1.0; 1000]);
    }
}
