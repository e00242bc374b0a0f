//! All that one dump and the manifest say of when the dump was recorded, before any of it is weighed.

use super::{
    DumpInput,
    fit::{STEEPEST, Sample, Slope, slope},
    name::time_in_name,
    readings::{Observed, Steps, edge_samples, lower_edge},
    reports::{self, ReportFit},
    steps,
};
use crate::{media::WallTime, session::Manifest};

/// Readings of a dump's clock, and what other clocks say of its beginning.
///
/// Levels are nanoseconds on the session clock at which the dump's clock was zero, each by its own witness.
pub struct Evidence {
    pub steps: Steps,
    pub reported: Option<ReportFit>,
    pub received: Option<Received>,
    /// The first packet: its timestamp, and when it was received on the session clock.
    pub first_packet: Option<Sample>,
    pub manifest: Option<f64>,
    pub file_name: Option<f64>,
    /// How far the dump's clock ran, steps mended.
    pub length: f64,
}

/// The packets on the mended clock, offsets in nanoseconds on the session clock.
pub struct Received {
    pub samples: Vec<Sample>,
    pub slope: Slope,
}

impl Evidence {
    pub fn gather(manifest: &Manifest, input: &DumpInput<'_>) -> Evidence {
        let (dump, stamps) = (&manifest.tracks[input.track].dumps[input.dump], input.stamps);
        let origin = manifest.recording_started_at();
        let observed = Observed::of(stamps, origin);
        let located = reports::locate(&[&dump.sender_reports[..], input.sender_reports].concat(), &observed);
        let mut steps = steps::find(&observed, &located);
        let drift = slope(&edge_samples(&steps.mended(&observed.points))).cautious();
        steps = steps::measured(&steps, &observed.points, drift);
        let reported = reports::fit(&located, &mut steps);
        let received = received(&observed, &steps);
        let on_session_clock = |wall: WallTime| wall.on_session_clock(origin).nanos() as f64;
        let end = observed.axis.nominal(stamps.end().unwrap_or(observed.axis.zero));
        Evidence {
            length: end.saturating_add(steps.behind_at(end)).max(0) as f64,
            first_packet: first_packet(&observed),
            reported,
            received,
            steps,
            manifest: dump.started_at.map(on_session_clock),
            file_name: time_in_name(&dump.uri, manifest.session.started_at).map(on_session_clock),
        }
    }

    /// How much longer than nominal the dump's seconds are: by the sender's own clock, or else by the recorder's.
    pub fn drift(&self) -> f64 {
        if let Some(fit) = self.reported.as_ref().filter(|fit| !fit.slope.is_absurd()) {
            return fit.slope.cautious();
        }
        let drift = self.received.as_ref().map_or(0.0, |received| received.slope.cautious());
        if drift.abs() * self.length < UNSURE { 0.0 } else { drift }
    }

    /// How much the drift may be wrong.
    pub fn drift_error(&self) -> f64 {
        let reported = self.reported.as_ref().map(|fit| fit.slope.error);
        let error = reported.or(self.received.as_ref().map(|received| received.slope.error));
        error.unwrap_or(0.0).min(STEEPEST)
    }
}

impl Received {
    pub fn level(&self, drift: f64) -> f64 {
        lower_edge(&self.samples, drift)
    }

    /// How much later than the least delayed the packets came.
    pub fn residuals(&self, drift: f64) -> Vec<f64> {
        let level = self.level(drift);
        let late = |sample: &Sample| (sample.offset - drift * sample.at - level).abs();
        self.samples.iter().map(late).collect()
    }
}

/// A network that gets busier looks like drift: what adds up to less than this over the whole dump is none.
const UNSURE: f64 = 15e6;
/// Fewer points than a second's are no better than the first packet alone.
const FEWEST: usize = 4;

fn received(observed: &Observed<'_>, steps: &Steps) -> Option<Received> {
    let since = observed.since()? as f64;
    let mut samples = steps.mended(&observed.points);
    for sample in &mut samples {
        sample.offset += since;
    }
    (samples.len() >= FEWEST).then(|| Received {
        slope: slope(&edge_samples(&samples)),
        samples,
    })
}

fn first_packet(observed: &Observed<'_>) -> Option<Sample> {
    let since = observed.since()?;
    let start = observed.stamps.start().map(|pts| observed.axis.nominal(pts));
    let (x, after) = match observed.points.first() {
        Some(point) => (point.x, point.after),
        None => (start?, 0),
    };
    Some(Sample {
        at: x as f64,
        offset: since.saturating_add(after).saturating_sub(x) as f64,
    })
}
