//! RTCP sender reports (RFC 3550 section 6.4.1): the sender's wall clock against its RTP clock.

use super::{
    fit::{STEEPEST, Sample, Slope, median, slope, spread},
    readings::{Axis, Observed, Seen, Steps},
};
use crate::{
    media::{RtpEpoch, Stamps, TimeDelta},
    session::SenderReport,
};

/// RTP timestamps return after 2^32 units.
const LAP: i128 = 1 << 32;
/// A report may come before the first packet, or after the last one, of what it reports on.
const AROUND: TimeDelta = TimeDelta::from_seconds(60);
/// In a dump of days a report may belong to several laps; more than this many are not tried.
const MOST_LAPS: usize = 64;
/// More reports than this add nothing, more restarts than this are no clock.
const MOST_REPORTS: usize = 10_000;
const MOST_EPOCHS: usize = 256;
/// Reports further than this from most others were written by a clock that was just being set.
const FAR: f64 = 250e6;
/// Reports closer to the line than this are never outliers.
const ALWAYS_NEAR: f64 = 20e6;
/// A step is measured by reports only if there are this many on each side.
const FEWEST_TO_MEASURE: usize = 4;

/// A report on the dump's own clock, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    pub x: i64,
    /// The sender's wall clock, on the session clock.
    pub ntp: i64,
    /// When it was sent, by the recorder's clock.
    pub when: i64,
}

/// A line through a dump's sender reports.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportFit {
    /// Where the dump's clock was zero, by the sender's wall clock, on the session clock.
    pub level: f64,
    pub slope: Slope,
    /// Distances from the line, of the reports that count.
    pub residuals: Vec<f64>,
    pub rejected: usize,
}

/// A report on the mended clock, and after how many steps.
#[derive(Clone, Copy)]
struct Mended {
    sample: Sample,
    steps: usize,
}

/// Finds the timestamp that each report means. Reports that mean none in this dump are left out.
pub fn locate(reports: &[SenderReport], observed: &Observed<'_>) -> Vec<Report> {
    let every = reports.len().div_ceil(MOST_REPORTS).max(1);
    let meant: Vec<(i64, Vec<i64>)> = reports
        .iter()
        .step_by(every)
        .map(|report| {
            let ntp = report.ntp.on_session_clock(observed.origin).nanos();
            (ntp, meanings(report.rtp, observed.stamps, observed.axis))
        })
        .collect();
    let expected = expected_offset(&meant, observed);
    let nearest = |(ntp, meant): &(i64, Vec<i64>)| {
        let unlike = |x: &i64| ntp.saturating_sub(*x).abs_diff(expected);
        let x = meant.iter().copied().min_by_key(unlike)?;
        Some((x, *ntp))
    };
    let located: Vec<(i64, i64)> = meant.iter().filter_map(nearest).collect();
    let ahead = recorder_ahead(&located, &observed.points);
    let timed = located.iter().map(|(x, ntp)| Report {
        x: *x,
        ntp: *ntp,
        when: ntp.saturating_add(ahead),
    });
    let mut timed: Vec<Report> = timed.collect();
    timed.sort_by_key(|report| (report.when, report.x));
    timed
}

/// Fits a line to the reports, the dump's steps mended; `None` where fewer than two agree.
///
/// The steps' sizes are corrected where the reports on both sides know better.
pub fn fit(reports: &[Report], steps: &mut Steps) -> Option<ReportFit> {
    let kept = inliers(mended(reports, steps));
    correct(steps, &kept);
    let kept = inliers(mended(reports, steps));
    if kept.len() < 2 {
        return None;
    }
    let samples: Vec<Sample> = kept.iter().map(|report| report.sample).collect();
    let slope = slope(&samples);
    let rests = rests(&samples, slope.cautious());
    let level = median(rests.clone());
    Some(ReportFit {
        level,
        slope,
        residuals: rests.iter().map(|rest| (rest - level).abs()).collect(),
        rejected: reports.len() - kept.len(),
    })
}

/// Every place in the dump at which its RTP clock showed `rtp`, in nanoseconds.
fn meanings(rtp: u32, stamps: &Stamps, axis: Axis) -> Vec<i64> {
    let epochs = &stamps.receipts.epochs;
    let around = i128::from(axis.base.units(AROUND));
    let mut meant: Vec<i64> = Vec::new();
    for (index, epoch) in epochs.iter().enumerate().take(MOST_EPOCHS) {
        let end = epochs.get(index + 1).map_or(stamps.end(), |next| Some(next.pts));
        let (lowest, highest) = (
            i128::from(epoch.pts) - around,
            i128::from(end.unwrap_or(epoch.pts)) + around,
        );
        meant.extend(laps(*epoch, rtp, lowest, highest).map(|pts| axis.nominal(pts)));
    }
    meant.sort_unstable();
    meant.dedup();
    meant.truncate(MOST_LAPS);
    meant
}

/// The timestamps between two limits that `rtp` may stand for.
fn laps(epoch: RtpEpoch, rtp: u32, lowest: i128, highest: i128) -> impl Iterator<Item = i64> {
    let base = i128::from(epoch.pts) + i128::from(rtp.wrapping_sub(epoch.rtp));
    let first = base - (base - lowest).div_euclid(LAP) * LAP;
    (0..MOST_LAPS as i128)
        .map(move |lap| first + lap * LAP)
        .take_while(move |pts| *pts <= highest)
        .filter_map(|pts| i64::try_from(pts).ok())
}

/// How far the sender's wall clock is ahead of the dump's clock: by the reports that can mean one thing only, or else
/// as if the sender's clock were right.
fn expected_offset(meant: &[(i64, Vec<i64>)], observed: &Observed<'_>) -> i64 {
    let certain = meant.iter().filter(|(_, meant)| meant.len() == 1);
    let offsets: Vec<f64> = certain
        .map(|(ntp, meant)| ntp.saturating_sub(meant[0]) as f64)
        .collect();
    let received = observed.points.first().map_or(0, |point| point.offset());
    if offsets.is_empty() {
        observed.since().unwrap_or(0).saturating_add(received)
    } else {
        median(offsets).round() as i64
    }
}

/// What to add to a sender's wall clock to have the recorder's, by the packets beside each report.
fn recorder_ahead(located: &[(i64, i64)], points: &[Seen]) -> i64 {
    let mut by_stamp: Vec<Seen> = points.to_vec();
    by_stamp.sort_by_key(|point| point.x);
    let beside = |x: i64| {
        let next = by_stamp.partition_point(|point| point.x < x);
        by_stamp.get(next).or(by_stamp.last()).map_or(0, |point| point.offset())
    };
    let aheads = located
        .iter()
        .map(|(x, ntp)| beside(*x).saturating_add(*x).saturating_sub(*ntp) as f64);
    median(aheads.collect()).round() as i64
}

fn mended(reports: &[Report], steps: &Steps) -> Vec<Mended> {
    let mend = |report: &Report| {
        let behind = steps.behind_when(report.when);
        let at = report.x.saturating_add(behind);
        Mended {
            sample: Sample {
                at: at as f64,
                offset: report.ntp.saturating_sub(at) as f64,
            },
            steps: steps.0.partition_point(|step| step.when <= report.when),
        }
    };
    reports.iter().map(mend).collect()
}

/// The reports that agree with most others: first about where the clock stands, then about the line.
fn inliers(mut reports: Vec<Mended>) -> Vec<Mended> {
    let samples = |reports: &[Mended]| reports.iter().map(|report| report.sample).collect::<Vec<Sample>>();
    let all = samples(&reports);
    let earliest = all.iter().map(|sample| sample.at).fold(f64::INFINITY, f64::min);
    let latest = all.iter().map(|sample| sample.at).fold(f64::NEG_INFINITY, f64::max);
    let level = median(rests(&all, 0.0));
    let reach = FAR + STEEPEST * (latest - earliest).max(0.0);
    reports.retain(|report| (report.sample.offset - level).abs() <= reach);
    let near = samples(&reports);
    let drift = slope(&near).ratio.clamp(-2.0 * STEEPEST, 2.0 * STEEPEST);
    let rests = rests(&near, drift);
    let level = median(rests.clone());
    let reach = (5.0 * spread(&rests, level)).max(ALWAYS_NEAR);
    let mut rests = rests.into_iter();
    reports.retain(|_| rests.next().is_some_and(|rest| (rest - level).abs() <= reach));
    reports
}

/// Corrects the size of each step by what the reports on both sides say, where there are enough.
fn correct(steps: &mut Steps, reports: &[Mended]) {
    let samples: Vec<Sample> = reports.iter().map(|report| report.sample).collect();
    let drift = slope(&samples).cautious();
    let levels: Vec<Option<f64>> = (0..=steps.0.len())
        .map(|count| {
            let here = reports.iter().filter(|report| report.steps == count);
            let here: Vec<Sample> = here.map(|report| report.sample).collect();
            (here.len() >= FEWEST_TO_MEASURE).then(|| median(rests(&here, drift)))
        })
        .collect();
    for (step, pair) in steps.0.iter_mut().zip(levels.windows(2)) {
        if let [Some(before), Some(after)] = pair {
            step.size = step.size.saturating_add((after - before).round() as i64);
        }
    }
}

fn rests(samples: &[Sample], slope: f64) -> Vec<f64> {
    samples.iter().map(|sample| sample.offset - slope * sample.at).collect()
}
