//! Where a sender's clock stood still or jumped: told from a network that was only slow for a while.
//!
//! Delay comes and goes, a step stays. So a step is where the least delayed packets before and after lie apart by more
//! than they scatter, and go on doing so; sender reports have the last word where there are any, as no network can
//! delay the time written in them.

use super::{
    fit::{median, quantile},
    places::{Candidate, MILLI, Mark, SMALLEST, candidates},
    readings::{Observed, Seen, Step, Steps},
    reports::Report,
};

/// At a restart of timestamps the reader had to guess where they go on: any step is likely there.
const SMALLEST_AT_RESTART: i64 = 8 * MILLI;
/// No network delays packets as long as this without losing them: such a step needs less proof.
const LARGE: i64 = 1000 * MILLI;

/// Points (half seconds) on each side that a step is judged by, and those that must show that it lasts.
const NEAR: usize = 20;
const LASTING: usize = 40;
/// Points that each side must have at least.
const FEWEST: usize = 6;
const FEWEST_IF_LARGE: usize = 2;

const LOW: f64 = 0.15;
const ROUNDS: usize = 8;
/// More steps than this are no clock any more.
const MOST: usize = 200;

/// A step that was found, and how much better the points fit with it.
#[derive(Debug, Clone, Copy)]
struct Found {
    split: usize,
    gain: f64,
    step: Step,
}

struct Search<'a> {
    points: &'a [Seen],
    reports: &'a [Report],
}

/// All steps of a dump's clock.
pub fn find(observed: &Observed<'_>, reports: &[Report]) -> Steps {
    let points = &observed.points;
    let search = Search { points, reports };
    let candidates = candidates(observed);
    let mut found: Vec<Found> = Vec::new();
    for _ in 0..ROUNDS {
        let new = search.round(&candidates, &found);
        if new.is_empty() || found.len() >= MOST {
            break;
        }
        found.extend(new);
        found.sort_by_key(|found| found.split);
    }
    in_order(search.confirmed(&candidates, found))
}

/// The steps with their sizes measured again over all points between them, as the clock's drift is known by now.
pub fn measured(steps: &Steps, points: &[Seen], drift: f64) -> Steps {
    let splits: Vec<usize> = steps
        .0
        .iter()
        .map(|step| points.partition_point(|point| point.after < step.when))
        .collect();
    let mut sized = steps.clone();
    for (index, split) in splits.iter().enumerate() {
        let from = index.checked_sub(1).map_or(0, |before| splits[before]);
        let to = splits.get(index + 1).copied().unwrap_or(points.len());
        let (before, after) = (
            &points[from.max(split.saturating_sub(LASTING))..*split],
            &points[*split..to],
        );
        let after = &after[..after.len().min(LASTING)];
        if before.len() >= FEWEST && after.len() >= FEWEST {
            let level = |points: &[Seen]| low(points.iter().map(|p| p.offset() as f64 - drift * p.after as f64), LOW);
            // what the drift adds over the pause itself is not the step's
            sized.0[index].size = (level(after) - level(before)).round() as i64;
        }
    }
    sized
}

/// In order, and dropping what would let timestamps run backwards.
fn in_order(found: Vec<Found>) -> Steps {
    let mut steps: Vec<Step> = Vec::new();
    for found in found {
        if steps
            .last()
            .is_none_or(|last| last.pts < found.step.pts && last.when < found.step.when)
        {
            steps.push(found.step);
        }
    }
    Steps(steps)
}

impl Search<'_> {
    /// The best step of each neighbourhood that has none yet.
    fn round(&self, candidates: &[Candidate], known: &[Found]) -> Vec<Found> {
        let mut scored: Vec<Found> = candidates
            .iter()
            .filter_map(|candidate| self.judge(candidate, known))
            .collect();
        scored.sort_by(|a, b| b.gain.total_cmp(&a.gain).then(a.split.cmp(&b.split)));
        let mut best: Vec<Found> = Vec::new();
        for found in scored {
            if best.len() < MOST && best.iter().all(|other| other.split.abs_diff(found.split) >= NEAR) {
                best.push(found);
            }
        }
        best
    }

    /// Those that still are steps with all the others known.
    fn confirmed(&self, candidates: &[Candidate], found: Vec<Found>) -> Vec<Found> {
        let mut kept = found;
        let mut index = 0;
        while index < kept.len() {
            let found = kept.remove(index);
            let again = candidates.binary_search_by_key(&found.split, |candidate| candidate.split);
            let again = again.ok().map(|index| &candidates[index]);
            if let Some(again) = again.and_then(|candidate| self.judge(candidate, &kept)) {
                kept.insert(index, again);
                index += 1;
            }
        }
        kept
    }

    fn judge(&self, candidate: &Candidate, known: &[Found]) -> Option<Found> {
        let split = candidate.split;
        let next = known.partition_point(|found| found.split <= split);
        let (previous, next) = (next.checked_sub(1).map(|index| known[index]), known.get(next));
        if previous.is_some_and(|previous| previous.split == split) {
            return None;
        }
        let from = previous.map_or(0, |previous| previous.split);
        let to = next.map_or(self.points.len(), |next| next.split);
        let (before, after) = (&self.points[from..split], &self.points[split..to]);
        let (near_before, near_after) = (last(before, NEAR), first(after, NEAR));
        let (level_before, level_after) = (low_of(near_before), low_of(near_after));
        let size = (level_after - level_before).round() as i64;
        let place = candidate.place_of(size, (level_before / 2.0 + level_after / 2.0).round() as i64);
        let smallest = if place.mark == Mark::Restart {
            SMALLEST_AT_RESTART
        } else {
            SMALLEST
        };
        let is_step = match (self.reported(place.after.after, size, known), place.mark) {
            (Some(verdict), _) => verdict && near_before.len().min(near_after.len()) >= FEWEST_IF_LARGE,
            (None, Mark::Restart) => is_clear(near_before, near_after, size),
            (None, Mark::Break(own)) => {
                is_clear(near_before, near_after, size) && is_sudden(own, size) && lasts(before, after, size)
            }
            (None, Mark::Hidden) => false,
        };
        let joint = &self.points[split - near_before.len()..split + near_after.len()];
        (is_step && size.abs() >= smallest).then(|| Found {
            split,
            gain: scatter(joint) - scatter(near_before) - scatter(near_after),
            step: Step {
                pts: place.pts,
                x: place.after.x,
                x_before: place.before.x,
                when: place.after.after,
                size,
            },
        })
    }

    /// What the sender's reports say of a step; nothing where there are too few of them.
    fn reported(&self, when: i64, size: i64, known: &[Found]) -> Option<bool> {
        const READINGS: usize = 5;
        let others = known.iter().map(|found| found.step.when);
        let from = others.clone().filter(|other| *other < when).max().unwrap_or(i64::MIN);
        let to = others.filter(|other| *other > when).min().unwrap_or(i64::MAX);
        let place = |when: i64| self.reports.partition_point(|report| report.when < when);
        let (before, after) = (
            &self.reports[place(from)..place(when)],
            &self.reports[place(when)..place(to)],
        );
        let (before, after) = (last(before, READINGS), first(after, READINGS));
        if before.len() < 2 || after.len() < 2 {
            return None;
        }
        let level = |reports: &[Report]| {
            median(
                reports
                    .iter()
                    .map(|report| report.ntp.saturating_sub(report.x) as f64)
                    .collect(),
            )
        };
        let told = level(after) - level(before);
        Some(
            (told - size as f64).abs()
                <= (0.4 * size.abs() as f64)
                    .max(60.0 * MILLI as f64)
                    .min(0.8 * size.abs() as f64),
        )
    }
}

/// Whether two packets moved apart by as much as all the others, or by more. A queue that fills up does so slowly.
fn is_sudden(own: i64, size: i64) -> bool {
    let slack = (size.saturating_abs() / 2).max(100 * MILLI);
    own.saturating_mul(size.signum()) >= size.saturating_abs().saturating_sub(slack)
}

/// Whether both sides have enough points, and lie further apart than they scatter.
fn is_clear(before: &[Seen], after: &[Seen], size: i64) -> bool {
    let fewest = if size.abs() >= LARGE { FEWEST_IF_LARGE } else { FEWEST };
    let scatter = |points: &[Seen]| low(offsets(points), 0.5) - low_of(points);
    before.len().min(after.len()) >= fewest && size.abs() as f64 >= 2.0 * scatter(before).max(scatter(after))
}

/// Whether the points stay apart: after a burst of delay they come back, before the end of one they were there already.
fn lasts(before: &[Seen], after: &[Seen], size: i64) -> bool {
    let (before, after) = (last(before, LASTING), first(after, LASTING));
    let apart = if size > 0 {
        low(offsets(after), 0.1) - low_of(last(before, NEAR))
    } else {
        low_of(first(after, NEAR)) - low(offsets(before), 0.1)
    };
    apart * size.signum() as f64 >= 0.6 * size.abs() as f64
}

/// How badly one level fits these points.
fn scatter(points: &[Seen]) -> f64 {
    let level = median(offsets(points).collect());
    offsets(points).map(|offset| (offset - level).abs()).sum()
}

fn offsets(points: &[Seen]) -> impl Iterator<Item = f64> + '_ {
    points.iter().map(|point| point.offset() as f64)
}

fn low_of(points: &[Seen]) -> f64 {
    low(offsets(points), LOW)
}

fn low(values: impl Iterator<Item = f64>, share: f64) -> f64 {
    quantile(values.collect(), share)
}

fn first<T>(all: &[T], count: usize) -> &[T] {
    &all[..all.len().min(count)]
}

fn last<T>(all: &[T], count: usize) -> &[T] {
    &all[all.len() - all.len().min(count)..]
}
