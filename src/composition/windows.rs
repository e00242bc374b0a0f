//! From the session clock to the recording: pauses are cut out, so ticks of the recording are not evenly spread over it.

use crate::media::{SamplePosition, SessionTime, Span, Spans, Tick, TickRate, TimeDelta};

/// A recorded stretch and where it stands in the recording; windows follow on each other without a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub span: Span,
    pub start: Tick,
    pub end: Tick,
}

/// The windows of a recording at `rate`. A stretch that ends between two ticks is rounded up to a whole one.
pub fn windows(kept: &Spans, rate: TickRate) -> Vec<Window> {
    let mut start = Tick::ZERO;
    kept.iter()
        .map(|span| {
            let length = rate.tick_at_or_after(SessionTime::START + span.length());
            let window = Window {
                span,
                start,
                end: Tick(start.0 + length.0),
            };
            start = window.end;
            window
        })
        .collect()
}

impl Window {
    /// The first tick at or after `time`, kept within the window.
    pub fn tick_at_or_after(&self, time: SessionTime, rate: TickRate) -> Tick {
        let offset = rate.tick_at_or_after(SessionTime::START + (time - self.span.start));
        Tick(offset.0.saturating_add(self.start.0).clamp(self.start.0, self.end.0))
    }

    /// The sample of the recording that plays `time`, kept within the window.
    pub fn sample_at(&self, time: SessionTime, rate: TickRate) -> SamplePosition {
        let (first, last) = (self.first_sample(rate).0, rate.time_of(self.end).sample().0);
        let offset = (SessionTime::START + (time - self.span.start)).sample();
        SamplePosition(offset.0.saturating_add(first).clamp(first, last))
    }

    pub fn first_sample(&self, rate: TickRate) -> SamplePosition {
        rate.time_of(self.start).sample()
    }

    /// How far a time in this window lies ahead of its place in the recording.
    pub fn shift(&self, rate: TickRate) -> TimeDelta {
        self.span.start - rate.time_of(self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(value: i64) -> SessionTime {
        SessionTime::START + TimeDelta::from_millis(value)
    }

    #[test]
    fn pauses_are_cut_out() {
        let rate = TickRate::new(10).unwrap();
        let kept = Spans::union([
            Span::new(millis(0), millis(1000)),
            Span::new(millis(5000), millis(5950)),
        ]);
        let windows = windows(&kept, rate);
        assert_eq!(
            windows
                .iter()
                .map(|window| (window.start.0, window.end.0))
                .collect::<Vec<_>>(),
            [(0, 10), (10, 20)]
        );
        assert_eq!(windows[1].tick_at_or_after(millis(5000), rate), Tick(10));
        assert_eq!(windows[1].tick_at_or_after(millis(5001), rate), Tick(11));
        assert_eq!(windows[1].tick_at_or_after(millis(0), rate), Tick(10));
        assert_eq!(
            windows[1].sample_at(millis(5500), rate),
            SamplePosition(48_000 + 24_000)
        );
        assert_eq!(windows[1].shift(rate), TimeDelta::from_millis(4000));
    }
}
