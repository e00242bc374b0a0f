//! What a dump's clock was seen to show, in nanoseconds: the common ground of all evidence.

use super::fit::{Sample, quantile};
use crate::media::{Receipt, Stamps, TimeBase, TimeDelta, WallTime};

/// A container whose first timestamp is further than this from zero does not count from its own start.
const SANE_START: TimeDelta = TimeDelta::from_seconds(10);

/// The least delayed of many packets are this share: few enough to be near the true minimum, enough not to hang on one.
const LEAST_DELAYED: f64 = 0.1;

/// The dump's own clock in nominal nanoseconds since `zero`.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    pub base: TimeBase,
    pub zero: i64,
}

/// A packet: what its timestamp says (nominal nanoseconds) and when it was received (nanoseconds after `since`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub x: i64,
    pub after: i64,
}

/// What was seen of one dump; `origin` is the wall clock of session time zero.
pub struct Observed<'a> {
    pub stamps: &'a Stamps,
    pub axis: Axis,
    pub origin: WallTime,
    /// In order of receipt.
    pub points: Vec<Seen>,
}

/// From timestamp `pts` on (received at `when`), the dump's clock stands `size` further behind than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub pts: i64,
    pub x: i64,
    /// The timestamp of the packet before it.
    pub x_before: i64,
    pub when: i64,
    pub size: i64,
}

/// The steps of one dump; `x`, `pts` and `when` all grow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps(pub Vec<Step>);

impl Axis {
    /// A packet dump counts from its first packet; a container from its own zero, unless its first timestamp is far
    /// from there.
    pub fn of(stamps: &Stamps) -> Axis {
        let first = stamps.start().unwrap_or(0);
        let is_sane = stamps.time_base.delta(first).abs() <= SANE_START;
        let zero = match stamps.receipts.epochs.first() {
            Some(epoch) => epoch.pts,
            None if is_sane => 0,
            None => first,
        };
        Axis {
            base: stamps.time_base,
            zero,
        }
    }

    pub fn nominal(self, pts: i64) -> i64 {
        self.base.delta(pts.saturating_sub(self.zero)).nanos()
    }

    pub fn seen(self, receipt: Receipt) -> Seen {
        Seen {
            x: self.nominal(receipt.pts),
            after: receipt.after.nanos(),
        }
    }
}

impl<'a> Observed<'a> {
    pub fn of(stamps: &'a Stamps, origin: WallTime) -> Observed<'a> {
        let axis = Axis::of(stamps);
        let mut points: Vec<Seen> = stamps.receipts.points.iter().map(|point| axis.seen(*point)).collect();
        points.sort_by_key(|point| (point.after, point.x));
        Observed {
            stamps,
            axis,
            origin,
            points,
        }
    }

    /// Nanoseconds on the session clock that receive times count from, by the recorder's clock.
    pub fn since(&self) -> Option<i64> {
        let since = self.stamps.receipts.since?;
        Some(since.on_session_clock(self.origin).nanos())
    }
}

impl Seen {
    /// How far the recorder's clock is ahead of the dump's: grows with the delay.
    pub fn offset(self) -> i64 {
        self.after.saturating_sub(self.x)
    }
}

impl Steps {
    /// How far the dump's clock has fallen behind by timestamp `x`.
    pub fn behind_at(&self, x: i64) -> i64 {
        self.sum(|step| step.x <= x)
    }

    /// How far the dump's clock had fallen behind when the recorder's clock showed `after`.
    pub fn behind_when(&self, after: i64) -> i64 {
        self.sum(|step| step.when <= after)
    }

    fn sum(&self, is_past: impl Fn(&Step) -> bool) -> i64 {
        self.0
            .iter()
            .filter(|step| is_past(step))
            .fold(0, |sum: i64, step| sum.saturating_add(step.size))
    }

    /// The points on one unbroken clock: as if it had never stepped.
    pub fn mended(&self, points: &[Seen]) -> Vec<Sample> {
        let mend = |point: &Seen| {
            let behind = self.behind_when(point.after);
            Sample {
                at: point.x.saturating_add(behind) as f64,
                offset: point.offset().saturating_sub(behind) as f64,
            }
        };
        points.iter().map(mend).collect()
    }
}

/// Where most packets would stand if the network had not delayed them: the lower edge of their offsets.
pub fn lower_edge(samples: &[Sample], slope: f64) -> f64 {
    let rests = samples.iter().map(|sample| sample.offset - slope * sample.at);
    quantile(rests.collect(), LEAST_DELAYED)
}

/// The least delayed sample of each of many equal stretches, for fitting a slope to the lower edge.
pub fn edge_samples(samples: &[Sample]) -> Vec<Sample> {
    const STRETCHES: usize = 60;
    const FEWEST: usize = 8;
    let size = samples.len().div_ceil(STRETCHES).max(FEWEST);
    let edge = |stretch: &[Sample]| Sample {
        at: stretch.iter().map(|sample| sample.at).sum::<f64>() / stretch.len().max(1) as f64,
        offset: lower_edge(stretch, 0.0),
    };
    samples.chunks(size).map(edge).collect()
}
