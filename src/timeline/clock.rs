//! From a dump's own timestamps to the session clock.

use serde::{Deserialize, Serialize};

use crate::media::{SessionTime, Span, TimeBase, TimeDelta};

/// Maps a dump's timestamps to session time, piecewise linearly: each knot holds until the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    time_base: TimeBase,
    knots: Vec<Knot>,
}

/// From `pts` on (units of the dump's time base), the dump's clock stands at `at` and runs slow by `drift`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Knot {
    pub pts: i64,
    pub at: SessionTime,
    /// How much longer than nominal a unit of the dump's clock is, in parts per billion.
    pub drift_ppb: i64,
}

impl Clock {
    /// A clock that runs true and shows `pts` at `at`.
    pub fn anchored(time_base: TimeBase, pts: i64, at: SessionTime) -> Clock {
        Clock {
            time_base,
            knots: vec![Knot { pts, at, drift_ppb: 0 }],
        }
    }

    /// A clock of several stretches; `None` unless there is a knot and their timestamps grow.
    pub fn from_knots(time_base: TimeBase, knots: Vec<Knot>) -> Option<Clock> {
        let growing = knots.windows(2).all(|pair| pair[0].pts < pair[1].pts);
        (!knots.is_empty() && growing).then_some(Clock { time_base, knots })
    }

    pub fn time_base(&self) -> TimeBase {
        self.time_base
    }

    pub fn knots(&self) -> &[Knot] {
        &self.knots
    }

    /// The session time at which the dump's clock shows `pts`.
    pub fn session_time(&self, pts: i64) -> SessionTime {
        let after = self.knots.partition_point(|knot| knot.pts <= pts);
        self.time_by(self.knots[after.saturating_sub(1)], pts)
    }

    /// What the session clock shows from timestamp `start` up to `end`, a span for each unbroken stretch.
    pub fn spans(&self, start: i64, end: i64) -> Vec<Span> {
        let mut spans = Vec::new();
        let mut from = start;
        while from < end {
            let after = self.knots.partition_point(|knot| knot.pts <= from);
            let knot = self.knots[after.saturating_sub(1)];
            let to = self.knots[after..]
                .iter()
                .map(|next| next.pts)
                .find(|next| *next > from);
            let to = to.map_or(end, |next| next.min(end));
            spans.push(Span::new(self.time_by(knot, from), self.time_by(knot, to)));
            from = to;
        }
        spans
    }

    /// The clock as far as it matters within `span`: copies of it are as small as what they are for.
    pub fn within(&self, span: Span) -> Clock {
        let from = self
            .knots
            .partition_point(|knot| knot.at <= span.start)
            .saturating_sub(1);
        let to = self.knots.partition_point(|knot| knot.at < span.end).max(from + 1);
        Clock {
            time_base: self.time_base,
            knots: self.knots[from..to].to_vec(),
        }
    }

    fn time_by(&self, knot: Knot, pts: i64) -> SessionTime {
        let nominal = self.time_base.delta(pts.saturating_sub(knot.pts));
        let extra = i128::from(nominal.nanos()) * i128::from(knot.drift_ppb) / 1_000_000_000;
        let extra = extra.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64;
        knot.at + nominal + TimeDelta::from_nanos(extra)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_knot_holds_until_the_next() {
        let millis = |value: i64| SessionTime::START + TimeDelta::from_millis(value);
        let knots = vec![
            Knot {
                pts: 0,
                at: millis(500),
                drift_ppb: 0,
            },
            Knot {
                pts: 90_000,
                at: millis(8_500),
                drift_ppb: 1_000_000,
            },
        ];
        let clock = Clock::from_knots(TimeBase::new(1, 90_000).unwrap(), knots).unwrap();
        assert_eq!(clock.session_time(-45_000), millis(0));
        assert_eq!(clock.session_time(45_000), millis(1_000));
        assert_eq!(clock.session_time(90_000), millis(8_500));
        assert_eq!(clock.session_time(180_000), millis(9_501));
        let spans = clock.spans(0, 135_000);
        assert_eq!(
            spans,
            [
                Span::new(millis(500), millis(1_500)),
                Span::new(millis(8_500), clock.session_time(135_000))
            ]
        );
        let tail = clock.within(Span::new(millis(9_000), millis(9_100)));
        assert_eq!(
            (tail.knots(), tail.session_time(180_000)),
            (&clock.knots()[1..], millis(9_501))
        );
        assert_eq!(
            clock.within(Span::new(millis(0), millis(8_500))).knots(),
            &clock.knots()[..1]
        );
        assert_eq!(clock.within(Span::new(millis(0), millis(8_501))), clock);
        assert!(Clock::from_knots(TimeBase::MILLIS, vec![]).is_none());
    }
}
