//! Where in a dump a step of its clock may be: between which two packets.

use super::readings::{Observed, Seen};

pub const MILLI: i64 = 1_000_000;

/// The smallest step that is looked for: as small as the breaks that readers report.
pub const SMALLEST: i64 = 40 * MILLI;

/// Delayed packets may hide a step for so many points (half seconds).
const BLUR: usize = 2;

/// Where a step may be: from `pts` on, between two packets.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub pts: i64,
    pub before: Seen,
    pub after: Seen,
    pub mark: Mark,
}

/// What makes a place worth looking at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Timestamps began anew.
    Restart,
    /// Two clocks moved apart by so much from one packet to the next.
    Break(i64),
    /// Only two points lie apart: a delay hid the very packet.
    Hidden,
}

/// A step before the point `split`, and the places in order that it may have; points cannot tell those apart.
pub struct Candidate {
    pub split: usize,
    own: Vec<Place>,
    /// Those a little before and after it too.
    near: Vec<Place>,
    /// The least delayed packets around.
    points: Vec<Seen>,
}

/// Every point before which there may be a step, in order.
pub fn candidates(observed: &Observed<'_>) -> Vec<Candidate> {
    let places = places(observed);
    let splits: Vec<usize> = places
        .iter()
        .map(|place| observed.points.partition_point(|point| point.after < place.after.after))
        .collect();
    let from = |split: usize| splits.partition_point(|other| *other < split);
    let mut distinct = splits.clone();
    distinct.dedup();
    distinct
        .into_iter()
        .map(|split| Candidate {
            split,
            own: places[from(split)..from(split + 1)].to_vec(),
            near: places[from(split.saturating_sub(BLUR))..from(split + BLUR + 1)].to_vec(),
            points: around(&observed.points, split).to_vec(),
        })
        .collect()
}

impl Candidate {
    /// The place of a step of this size: a restart before all others, or else where it parts the packets that are less
    /// delayed than `middle` from the others. Before a step back and after a step ahead there can be none of them.
    pub fn place_of(&self, size: i64, middle: i64) -> Place {
        let restart = self.own.iter().find(|place| place.mark == Mark::Restart);
        let packets = self.near.iter().flat_map(|place| [place.before, place.after]);
        let packets = packets.chain(self.points.iter().copied());
        let low = packets
            .filter(|packet| packet.offset() < middle)
            .map(|packet| packet.after);
        let parting = if size > 0 {
            let last = low.max().unwrap_or(i64::MIN);
            self.near.iter().find(|place| place.after.after > last)
        } else {
            let first = low.min().unwrap_or(i64::MAX);
            self.near.iter().rfind(|place| place.after.after <= first)
        };
        let unlike = |place: &&Place| match place.mark {
            Mark::Break(own) => own.abs_diff(size),
            Mark::Restart | Mark::Hidden => u64::MAX,
        };
        let alike = self.own.iter().min_by_key(unlike);
        *restart.or(parting).or(alike).expect("a candidate has a place")
    }
}

fn around(points: &[Seen], split: usize) -> &[Seen] {
    let to = points.len().min(split + BLUR);
    &points[split.saturating_sub(BLUR + 1).min(to)..to]
}

/// All places in order of receipt.
fn places(observed: &Observed<'_>) -> Vec<Place> {
    let mut places: Vec<Place> = restarts(observed)
        .chain(breaks(observed))
        .chain(hidden(observed))
        .collect();
    // of two marks at one place the first says more, and the sort keeps them in order
    places.sort_by_key(|place| (place.after.after, place.pts));
    places.dedup_by_key(|place| (place.after.after, place.pts));
    places
}

fn breaks<'a>(observed: &'a Observed<'_>) -> impl Iterator<Item = Place> + 'a {
    let breaks = observed.stamps.receipts.breaks.iter();
    let onward = breaks.filter(|it| it.after.pts > it.before.pts);
    onward.map(|it| {
        let (before, after) = (observed.axis.seen(it.before), observed.axis.seen(it.after));
        Place {
            pts: it.after.pts,
            before,
            after,
            mark: Mark::Break(after.offset().saturating_sub(before.offset())),
        }
    })
}

fn restarts<'a>(observed: &'a Observed<'_>) -> impl Iterator<Item = Place> + 'a {
    // the highest timestamp up to each point grows, so the first point beyond a restart is found by halving
    let highest: Vec<i64> = observed
        .points
        .iter()
        .scan(i64::MIN, |highest, point| {
            *highest = point.x.max(*highest);
            Some(*highest)
        })
        .collect();
    observed.stamps.receipts.epochs.iter().skip(1).filter_map(move |epoch| {
        let x = observed.axis.nominal(epoch.pts);
        let first = observed.points.get(highest.partition_point(|highest| *highest < x))?;
        let after = first.after.saturating_sub(first.x.saturating_sub(x));
        let before = Seen {
            x: x.saturating_sub(1),
            after,
        };
        Some(Place {
            pts: epoch.pts,
            before,
            after: Seen { x, after },
            mark: Mark::Restart,
        })
    })
}

fn hidden<'a>(observed: &'a Observed<'_>) -> impl Iterator<Item = Place> + 'a {
    let pairs = observed.stamps.receipts.points.windows(2);
    let onward = pairs.filter(|pair| pair[0].pts < pair[1].pts);
    let places = onward.map(|pair| Place {
        pts: pair[1].pts,
        before: observed.axis.seen(pair[0]),
        after: observed.axis.seen(pair[1]),
        mark: Mark::Hidden,
    });
    places.filter(|place| place.before.offset().abs_diff(place.after.offset()) >= SMALLEST as u64 / 2)
}
