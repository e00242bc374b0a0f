//! Placing every dump on the session clock, and certifying how.

use super::{
    Clock, DumpCertificate, DumpInput, Knot, Outcome, ReportCount, Residual, Rung, RungReport, StepReport,
    evidence::Evidence,
    ladder::{Claim, agree, claims},
    peers::{Draft, Place, place},
    readings::Axis,
};
use crate::{
    media::{PeerId, SessionTime, TimeDelta},
    session::Manifest,
};

/// A dump on the session clock.
pub struct PlacedDump {
    pub clock: Clock,
    pub certificate: DumpCertificate,
    /// When its last packet was received, where that is known.
    pub last_received: Option<SessionTime>,
    pub warnings: Vec<String>,
}

/// Places all dumps, in their order; `session_end` is what the platform says of it.
pub fn place_all(manifest: &Manifest, dumps: &[DumpInput<'_>], session_end: Option<SessionTime>) -> Vec<PlacedDump> {
    let gather = |input: &DumpInput<'_>| Evidence::gather(manifest, input);
    let evidence: Vec<Evidence> = dumps.iter().map(gather).collect();
    let end = session_end.map(|end| end.nanos() as f64);
    let mut peers: Vec<&PeerId> = Vec::new();
    let mut drafts: Vec<Draft<'_>> = Vec::new();
    for (input, evidence) in dumps.iter().zip(&evidence) {
        let drift = evidence.drift();
        drafts.push(Draft {
            peer: number_of(&mut peers, &manifest.tracks[input.track].peer_id),
            evidence,
            drift,
            claims: claims(evidence, drift, end),
        });
    }
    let places = place(&mut drafts);
    let placed = dumps.iter().zip(drafts.iter().zip(places));
    placed
        .map(|(input, (draft, place))| finish(manifest, input, draft, place))
        .collect()
}

fn number_of<'a>(peers: &mut Vec<&'a PeerId>, peer: &'a PeerId) -> usize {
    peers.iter().position(|known| *known == peer).unwrap_or_else(|| {
        peers.push(peer);
        peers.len() - 1
    })
}

fn finish(manifest: &Manifest, input: &DumpInput<'_>, draft: &Draft<'_>, place: Place) -> PlacedDump {
    let axis = Axis::of(input.stamps);
    let evidence = draft.evidence;
    let clock = clock(axis, evidence, place);
    let track = &manifest.tracks[input.track];
    let dump = &track.dumps[input.dump];
    let used = evidence.reported.as_ref().map_or(0, |fit| fit.residuals.len());
    let (residual, estimated_offset) = quality(evidence, place);
    let certificate = DumpCertificate {
        track_id: track.id.clone(),
        track: input.track,
        dump: input.dump,
        anchor: place.anchor,
        rungs: rungs(&draft.claims, place),
        drift_ppb: ppb(place.drift),
        residual,
        sender_reports: ReportCount {
            used,
            rejected: (dump.sender_reports.len() + input.sender_reports.len()).saturating_sub(used),
        },
        sender_clock_ahead: place.sender_ahead.map(delta),
        steps: steps(evidence, &clock),
        epochs: input.stamps.receipts.epochs.len(),
        estimated_offset,
    };
    PlacedDump {
        last_received: last_received(evidence, place),
        warnings: warnings(&dump.uri, input, &certificate),
        clock,
        certificate,
    }
}

/// One knot where the dump's clock is zero, and one at each step. A clock never runs backwards over a step.
fn clock(axis: Axis, evidence: &Evidence, place: Place) -> Clock {
    let drift_ppb = ppb(place.drift);
    let zero = nanos(place.level);
    let at = |x: i64, behind: i64| {
        let mended = x.saturating_add(behind);
        let extra = i128::from(mended) * i128::from(drift_ppb) / 1_000_000_000;
        let extra = extra.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64;
        SessionTime::from_nanos(zero.saturating_add(mended).saturating_add(extra))
    };
    let first = evidence
        .steps
        .0
        .first()
        .map_or(axis.zero, |step| axis.zero.min(step.pts.saturating_sub(1)));
    let mut knots = vec![Knot {
        pts: first,
        at: at(axis.nominal(first), 0),
        drift_ppb,
    }];
    let mut behind = 0i64;
    for step in &evidence.steps.0 {
        let last = at(step.x_before, behind);
        behind = behind.saturating_add(step.size);
        knots.push(Knot {
            pts: step.pts,
            at: at(step.x, behind).max(last),
            drift_ppb,
        });
    }
    let anchored = Clock::anchored(axis.base, first, SessionTime::from_nanos(zero));
    Clock::from_knots(axis.base, knots).unwrap_or(anchored)
}

/// What each rung says, against where the dump was placed.
fn rungs(claims: &[Claim], place: Place) -> Vec<RungReport> {
    let placed = Claim {
        rung: place.anchor,
        level: place.level,
        rejected: None,
    };
    let report = |claim: &Claim| RungReport {
        rung: claim.rung,
        offset: delta(claim.level - place.level),
        outcome: match &claim.rejected {
            Some(_) => Outcome::Rejected,
            None if claim.rung == place.anchor => Outcome::Used,
            None if agree(claim, &placed) => Outcome::Agrees,
            None => Outcome::Differs,
        },
        why: claim.rejected.clone(),
    };
    claims.iter().map(report).collect()
}

fn steps(evidence: &Evidence, clock: &Clock) -> Vec<StepReport> {
    let report = |(step, knot): (&super::readings::Step, &Knot)| StepReport {
        at: knot.at,
        size: TimeDelta::from_nanos(step.size),
    };
    evidence
        .steps
        .0
        .iter()
        .zip(clock.knots().iter().skip(1))
        .map(report)
        .collect()
}

/// How well the anchor's readings fit, and how far the dump may be off by them.
fn quality(evidence: &Evidence, place: Place) -> (Residual, TimeDelta) {
    const UNKNOWN_DELAY: TimeDelta = TimeDelta::from_millis(30);
    let residuals = match place.anchor {
        Rung::SenderReports => evidence.reported.as_ref().map(|fit| fit.residuals.clone()),
        Rung::ReceiveTimes => evidence
            .received
            .as_ref()
            .map(|received| received.residuals(evidence.drift())),
        _ => None,
    };
    let count = residuals.as_ref().map_or(1, Vec::len).max(1) as f64;
    let residual = residuals.map(Residual::of).unwrap_or_default();
    let scatter = 2.0 * residual.p95.nanos() as f64 / count.sqrt();
    let drift = evidence.drift_error() * evidence.length;
    let own = match place.anchor {
        Rung::SenderReports => delta(scatter + drift),
        Rung::ReceiveTimes => UNKNOWN_DELAY + delta(scatter + drift),
        Rung::FirstPacket | Rung::Manifest => TimeDelta::from_millis(300),
        Rung::FileName => TimeDelta::from_seconds(1),
        Rung::Recording => TimeDelta::from_seconds(10),
    };
    (residual, own)
}

fn last_received(evidence: &Evidence, place: Place) -> Option<SessionTime> {
    let last = evidence.received.as_ref()?.samples.last()?;
    let at = last.at + place.level + place.drift * last.at;
    Some(SessionTime::from_nanos(nanos(at)))
}

fn warnings(uri: &str, input: &DumpInput<'_>, certificate: &DumpCertificate) -> Vec<String> {
    let mut warnings = Vec::new();
    if certificate.anchor == Rung::Recording {
        warnings.push(format!(
            "{uri}: has no started_at, placed at the start of the recording"
        ));
    }
    let zero = Axis::of(input.stamps).zero;
    if zero != 0 && input.stamps.receipts.epochs.is_empty() {
        let offset = input.stamps.time_base.delta(zero);
        warnings.push(format!(
            "{uri}: its first timestamp is {offset}; counted from its first frame instead"
        ));
    }
    for rung in certificate
        .rungs
        .iter()
        .filter(|rung| rung.outcome == Outcome::Rejected)
    {
        let why = rung.why.as_deref().unwrap_or("is not believed");
        warnings.push(format!("{uri}: {} not used: {why}", rung.rung));
    }
    warnings
}

fn ppb(drift: f64) -> i64 {
    (drift * 1e9).round() as i64
}

/// Out of the arithmetic of clocks, rounded once.
fn nanos(value: f64) -> i64 {
    value.round() as i64
}

fn delta(value: f64) -> TimeDelta {
    TimeDelta::from_nanos(nanos(value))
}
