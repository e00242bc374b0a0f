//! The timestamps of a dump's frames, in the dump's own clock.

use super::{TimeBase, TimeDelta, WallTime};

/// When a dump has something to show or play, in units of its own time base; says nothing of the wall clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamps {
    pub time_base: TimeBase,
    /// Presentation timestamps of every frame that can be shown, sorted and distinct. Video only: for sound `runs` are
    /// enough.
    pub frames: Vec<i64>,
    /// Stretches in which the sender sent without a hole, whether or not all of it can be decoded; sorted, disjoint.
    pub runs: Vec<(i64, i64)>,
    /// The first frame that can be decoded: what comes before it has no keyframe.
    pub first_decodable: Option<i64>,
    /// What the recorder saw of the dump's clock; empty where the dump does not say, as containers never do.
    pub receipts: Receipts,
}

/// When packets were received, by the recorder's clock, against the timestamps they carry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipts {
    /// Wall clock that `Receipt::after` counts from, as the dump's own header says.
    pub since: Option<WallTime>,
    /// The least delayed packet of each half second, in order of receipt.
    pub points: Vec<Receipt>,
    /// Where the two clocks moved apart by more than 40 ms from one packet to the next: the sender's clock may have
    /// stepped or stood still there, or the network may only have been slow.
    pub breaks: Vec<Break>,
    /// Raw RTP timestamps: from `pts` on, the RTP timestamp `rtp` stands for `pts` (one entry per restart).
    pub epochs: Vec<RtpEpoch>,
}

/// A packet with timestamp `pts` was received `after` the start of the dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    pub pts: i64,
    pub after: TimeDelta,
}

/// Two packets that were received one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Break {
    pub before: Receipt,
    pub after: Receipt,
}

/// From `pts` on, RTP timestamps are `rtp + (pts' - pts)` modulo 2^32 (RFC 3550 section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpEpoch {
    pub pts: i64,
    pub rtp: u32,
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
            return self.time_base.units(TimeDelta::from_millis(40)).max(1);
        }
        let middle = steps.len() / 2;
        *steps.select_nth_unstable(middle).1
    }
}
