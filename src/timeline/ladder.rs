//! The rungs of a dump's evidence against each other.

use super::{Rung, evidence::Evidence};
use crate::media::TimeDelta;

/// Rungs of different witnesses that are closer than this support each other.
const SAME: f64 = 1e9;
/// A recorder may open its file long before the first packet.
const SAME_AS_NAME: f64 = 5e9;
/// A dump that does not begin within the session, and so much more, was not recorded in it.
const AROUND_SESSION: f64 = 600e9;

/// What one rung says: where the dump's clock was zero, in nanoseconds on the session clock.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    pub rung: Rung,
    pub level: f64,
    /// Why it is not believed.
    pub rejected: Option<String>,
}

/// Whose clock a rung was read from: rungs of one witness do not confirm each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Witness {
    Sender,
    Recorder,
    Manifest,
    FileSystem,
}

/// All claims of a dump whose clock drifts by `drift`, best rung first, those rejected that others outvote.
///
/// `session_end` is on the session clock, if the platform says when that was.
pub fn claims(evidence: &Evidence, drift: f64, session_end: Option<f64>) -> Vec<Claim> {
    let mut claims = Vec::new();
    let mut claim = |rung, level: Option<f64>| {
        claims.extend(level.map(|level| Claim {
            rung,
            level,
            rejected: None,
        }))
    };
    claim(Rung::SenderReports, evidence.reported.as_ref().map(|fit| fit.level));
    claim(
        Rung::ReceiveTimes,
        evidence.received.as_ref().map(|received| received.level(drift)),
    );
    let first = evidence.first_packet.map(|first| first.offset - drift * first.at);
    claim(Rung::FirstPacket, first);
    claim(Rung::Manifest, evidence.manifest);
    claim(Rung::FileName, evidence.file_name);
    let verdicts: Vec<Option<String>> = (0..claims.len())
        .map(|index| absurd(evidence, &claims[index]).or_else(|| outside(&claims, index, session_end)))
        .collect();
    apply(&mut claims, verdicts);
    let verdicts: Vec<Option<String>> = (0..claims.len()).map(|index| outvoted(&claims, index)).collect();
    apply(&mut claims, verdicts);
    claims
}

/// Whether two claims may both be right.
pub fn agree(one: &Claim, other: &Claim) -> bool {
    let by_name = one.rung == Rung::FileName || other.rung == Rung::FileName;
    (one.level - other.level).abs() <= if by_name { SAME_AS_NAME } else { SAME }
}

fn apply(claims: &mut [Claim], verdicts: Vec<Option<String>>) {
    for (claim, verdict) in claims.iter_mut().zip(verdicts) {
        claim.rejected = claim.rejected.take().or(verdict);
    }
}

fn absurd(evidence: &Evidence, claim: &Claim) -> Option<String> {
    let slope = evidence.reported.as_ref()?.slope;
    (claim.rung == Rung::SenderReports && slope.is_absurd())
        .then(|| format!("its clocks part by {:.0} ppm, as no clocks do", slope.ratio * 1e6))
}

/// A claim that lies outside the session gives way to any that lies inside.
fn outside(claims: &[Claim], index: usize, session_end: Option<f64>) -> Option<String> {
    let is_inside = |claim: &Claim| {
        claim.level >= -AROUND_SESSION && claim.level <= session_end.unwrap_or(86_400e9) + AROUND_SESSION
    };
    let claim = &claims[index];
    let other = claims
        .iter()
        .find(|other| other.rung.witness() != claim.rung.witness() && is_inside(other))?;
    (!is_inside(claim)).then(|| format!("lies outside the session, {} within it", other.rung))
}

/// A claim is outvoted by two others that agree, all read from different clocks.
fn outvoted(claims: &[Claim], index: usize) -> Option<String> {
    let claim = &claims[index];
    let mut against: Vec<&Claim> = claims
        .iter()
        .filter(|other| other.rejected.is_none() && other.rung.witness() != claim.rung.witness())
        .collect();
    against.retain(|other| !agree(claim, other));
    for (place, one) in against.iter().enumerate() {
        let mut others = against[place + 1..].iter();
        let is_second = |other: &&&Claim| other.rung.witness() != one.rung.witness() && agree(one, other);
        if let Some(other) = others.find(is_second) {
            let off = TimeDelta::from_nanos((claim.level - one.level).round() as i64);
            return Some(format!("is off by {off}: {} and {} agree", one.rung, other.rung));
        }
    }
    None
}

impl Rung {
    fn witness(self) -> Witness {
        match self {
            Rung::SenderReports => Witness::Sender,
            Rung::ReceiveTimes | Rung::FirstPacket => Witness::Recorder,
            Rung::Manifest | Rung::Recording => Witness::Manifest,
            Rung::FileName => Witness::FileSystem,
        }
    }
}
