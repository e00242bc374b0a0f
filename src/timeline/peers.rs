//! A sender's wall clock is its own: it may be off. All tracks of a peer share it, so it is judged and corrected for all of
//! them at once, and what it says of their distances stays true: lips before rooms.

use super::{
    Rung,
    evidence::{Evidence, Received},
    fit::{Sample, Slope, median, slope},
    ladder::Claim,
    readings::edge_samples,
    reports::ReportFit,
};

const MILLI: f64 = 1e6;

/// From a frame's capture to the arrival of its least delayed packet, where no peer's clock tells it better.
const USUAL_DELAY: f64 = 15.0 * MILLI;
/// The least delay of a network lies between these; anything else is a sender's clock that is off. Receive times are read
/// in whole milliseconds at times, and two computers' clocks agree no better than that.
const LEAST_DELAY: f64 = -20.0 * MILLI;
const MOST_DELAY: f64 = 250.0 * MILLI;
/// Clocks that part by less than this over a dump are left alone.
const SMALL: f64 = 20.0 * MILLI;

/// A dump on its way to its place.
pub struct Draft<'a> {
    /// Index into the timeline's peers: drafts of equal numbers share a sender.
    pub peer: usize,
    pub evidence: &'a Evidence,
    pub drift: f64,
    pub claims: Vec<Claim>,
}

/// Where a dump was placed: its clock's zero on the session clock, and its drift.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    pub anchor: Rung,
    pub level: f64,
    pub drift: f64,
    /// How far the sender's wall clock is ahead of the recorder's, where that was corrected.
    pub sender_ahead: Option<f64>,
}

/// How a sender's wall clock stands to the recorder's: at `t` of its own, packets seem to be `delay + drift * t` late.
#[derive(Debug, Clone, Copy)]
struct SenderClock {
    delay: f64,
    drift: f64,
    verdict: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Right,
    Off,
}

/// Places every draft; marks the sender reports that were found wrong.
pub fn place(drafts: &mut [Draft<'_>]) -> Vec<Place> {
    let peers = drafts.iter().map(|draft| draft.peer + 1).max().unwrap_or(0);
    let clocks: Vec<Option<SenderClock>> = (0..peers).map(|peer| sender_clock(drafts, peer)).collect();
    let right = clocks.iter().flatten().filter(|clock| clock.verdict == Verdict::Right);
    let delays: Vec<f64> = right.map(|clock| clock.delay).collect();
    let usual = if delays.is_empty() { USUAL_DELAY } else { median(delays) };
    drafts
        .iter_mut()
        .map(|draft| draft.place(clocks[draft.peer], usual))
        .collect()
}

/// Judges the clock of one peer by all of its dumps that have both sender reports and receive times.
fn sender_clock(drafts: &[Draft<'_>], peer: usize) -> Option<SenderClock> {
    let own: Vec<&Draft<'_>> = drafts.iter().filter(|draft| draft.peer == peer).collect();
    let drift = relative_drift(&own);
    let delays: Vec<f64> = own.iter().filter_map(|draft| draft.delay(drift)).collect();
    let usual: Vec<f64> = delays.iter().copied().filter(|delay| is_delay(*delay)).collect();
    let verdict = if usual.is_empty() || drift != 0.0 {
        Verdict::Off
    } else {
        Verdict::Right
    };
    let delays = if usual.is_empty() { delays } else { usual };
    (!delays.is_empty()).then(|| SenderClock {
        delay: median(delays),
        drift,
        verdict,
    })
}

fn is_delay(delay: f64) -> bool {
    (LEAST_DELAY..=MOST_DELAY).contains(&delay)
}

/// How fast the sender's wall clock and the recorder's part: 0 unless it is certain and makes a difference.
fn relative_drift(own: &[&Draft<'_>]) -> f64 {
    let (mut weights, mut sum) = (0.0, 0.0);
    for draft in own {
        if let Some(slope) = draft.parting() {
            let weight = 1.0 / slope.error.max(1e-7).powi(2);
            (weights, sum) = (weights + weight, sum + weight * slope.ratio);
        }
    }
    if weights == 0.0 {
        return 0.0;
    }
    let length = own.iter().map(|draft| draft.evidence.length).fold(0.0, f64::max);
    let drift = Slope {
        ratio: sum / weights,
        error: 1.5 * (1.0 / weights).sqrt(),
    };
    let drift = drift.cautious();
    if drift.abs() * length < SMALL { 0.0 } else { drift }
}

impl Draft<'_> {
    fn place(&mut self, clock: Option<SenderClock>, usual: f64) -> Place {
        let by_sender = clock.and_then(|clock| self.by_sender(clock, usual));
        by_sender.unwrap_or_else(|| self.by_ladder(clock, usual))
    }

    /// By sender reports, set right by the recorder's clock if need be.
    fn by_sender(&mut self, clock: SenderClock, usual: f64) -> Option<Place> {
        let level = self.reported()?.level;
        let apart = self.delay(clock.drift)? - clock.delay;
        if apart.abs() > MOST_DELAY {
            self.reject_reports("does not fit the other tracks of its peer".to_owned());
            return None;
        }
        if clock.verdict == Verdict::Right {
            self.accept_reports();
            return Some(Place {
                anchor: Rung::SenderReports,
                level,
                drift: self.drift,
                sender_ahead: None,
            });
        }
        let late = clock.delay + clock.drift * level - usual;
        self.reject_reports(format!(
            "the sender's clock is {:.3} s {} the recorder's; it only tells how the peer's tracks lie to each other",
            late.abs() / 1e9,
            if late < 0.0 { "ahead of" } else { "behind" },
        ));
        Some(Place {
            anchor: Rung::ReceiveTimes,
            level: level + late,
            drift: self.drift + clock.drift,
            sender_ahead: Some(-late),
        })
    }

    /// By the best rung that is believed.
    fn by_ladder(&self, clock: Option<SenderClock>, usual: f64) -> Place {
        let usual = match clock {
            Some(clock) if clock.verdict == Verdict::Right => clock.delay,
            _ => usual,
        };
        let best = self.claims.iter().find(|claim| claim.rejected.is_none());
        let (anchor, level) = best.map_or((Rung::Recording, 0.0), |claim| (claim.rung, claim.level));
        let level = match anchor {
            Rung::ReceiveTimes => level - usual,
            _ => level,
        };
        Place {
            anchor,
            level,
            drift: self.drift,
            sender_ahead: None,
        }
    }

    /// Reports that are sound in themselves, whatever clock they were written by.
    fn reported(&self) -> Option<&ReportFit> {
        self.evidence.reported.as_ref().filter(|fit| !fit.slope.is_absurd())
    }

    /// Receive times whose clock is believed.
    fn received(&self) -> Option<&Received> {
        let is_believed = |claim: &Claim| claim.rung == Rung::ReceiveTimes && claim.rejected.is_none();
        self.evidence
            .received
            .as_ref()
            .filter(|_| self.claims.iter().any(is_believed))
    }

    /// How late the least delayed packets came at time zero of the sender's clock, given how the clocks part.
    fn delay(&self, parting: f64) -> Option<f64> {
        let (reported, received) = (self.reported()?, self.received()?);
        Some(received.level(self.drift + parting) - reported.level - parting * reported.level)
    }

    /// How fast receive times and sender reports part.
    fn parting(&self) -> Option<Slope> {
        let (reported, received) = (self.reported()?, self.received()?);
        let straight = |sample: &Sample| Sample {
            at: sample.at,
            offset: sample.offset - self.drift * sample.at,
        };
        let straight: Vec<Sample> = received.samples.iter().map(straight).collect();
        let found = slope(&edge_samples(&straight));
        Some(Slope {
            ratio: found.ratio,
            error: found.error.hypot(reported.slope.error),
        })
    }

    fn reject_reports(&mut self, why: String) {
        for claim in &mut self.claims {
            if claim.rung == Rung::SenderReports {
                claim.rejected = Some(why.clone());
            }
        }
    }

    fn accept_reports(&mut self) {
        for claim in &mut self.claims {
            if claim.rung == Rung::SenderReports {
                claim.rejected = None;
            }
        }
    }
}
