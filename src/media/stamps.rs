//! The timestamps of a dump's frames, in the dump's own clock.

use super::TimeBase;

/// When a dump has something to show or play, in units of its own time base; says nothing of the wall clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamps {
    pub time_base: TimeBase,
    /// Presentation timestamps of every frame, sorted and distinct. Video only: for sound `runs` are enough.
    pub frames: Vec<i64>,
    /// Stretches without a hole, from the first frame's start to the last one's end; sorted and disjoint.
    pub runs: Vec<(i64, i64)>,
    /// The first frame that can be decoded: what comes before it has no keyframe.
    pub first_decodable: Option<i64>,
}

impl Stamps {
    pub fn start(&self) -> Option<i64> {
        self.runs.first().map(|run| run.0)
    }

    pub fn end(&self) -> Option<i64> {
        self.runs.last().map(|run| run.1)
    }

    /// The usual distance of two frames: the median, or 40 ms where there are too few to tell.
    pub fn usual_interval(&self) -> i64 {
        let mut steps: Vec<i64> = self
            .frames
            .windows(2)
            .map(|pair| pair[1].saturating_sub(pair[0]))
            .collect();
        if steps.is_empty() {
            return self.time_base.units(super::TimeDelta::from_millis(40)).max(1);
        }
        let middle = steps.len() / 2;
        *steps.select_nth_unstable(middle).1
    }
}
