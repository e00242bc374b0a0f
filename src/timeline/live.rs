//! When a dump has something to show, by its own frames.

use super::Clock;
use crate::media::{Kind, Source, Span, Spans, Stamps, TimeDelta};

/// How long a camera may be without a new frame before it counts as switched off. A static screen sends nothing for
/// minutes and still shows the truth.
const CAMERA_GAP: TimeDelta = TimeDelta::from_millis(2000);
const SCREEN_GAP: TimeDelta = TimeDelta::from_seconds(3600);

/// Silence shorter than this does not end a stretch of sound.
const SOUND_GAP: TimeDelta = TimeDelta::from_seconds(2);

/// The last frame before a hole is held no longer than this.
const LONGEST_HOLD: TimeDelta = TimeDelta::from_millis(500);

/// The stretches of session time in which a dump is alive.
pub fn live(stamps: &Stamps, clock: &Clock, kind: Kind, source: Source) -> Spans {
    match kind {
        Kind::Audio => audible(stamps, clock),
        Kind::Video => visible(stamps, clock, gap_limit(source)),
    }
}

fn gap_limit(source: Source) -> TimeDelta {
    match source {
        Source::Screen => SCREEN_GAP,
        Source::Camera | Source::Microphone | Source::ScreenAudio => CAMERA_GAP,
    }
}

/// Short holes (DTX, loss) play as silence anyway: bridging them keeps the plan small.
fn audible(stamps: &Stamps, clock: &Clock) -> Spans {
    let mut spans: Vec<Span> = Vec::new();
    for run in &stamps.runs {
        let run = Span::new(clock.session_time(run.0), clock.session_time(run.1));
        match spans.last_mut() {
            Some(last) if run.start - last.end <= SOUND_GAP => last.end = last.end.max(run.end),
            _ => spans.push(run),
        }
    }
    Spans::union(spans)
}

fn visible(stamps: &Stamps, clock: &Clock, gap: TimeDelta) -> Spans {
    let usual = stamps.time_base.delta(stamps.usual_interval());
    let hold = if usual < LONGEST_HOLD { usual } else { LONGEST_HOLD };
    let mut spans: Vec<Span> = Vec::new();
    let mut last = None;
    for pts in &stamps.frames {
        let at = clock.session_time(*pts);
        match (spans.last_mut(), last) {
            (Some(span), Some(last)) if at - last <= gap => span.end = at + hold,
            _ => spans.push(Span::new(at, at + hold)),
        }
        last = Some(at);
    }
    Spans::union(spans)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{SessionTime, TimeBase};

    fn millis(value: i64) -> SessionTime {
        SessionTime::START + TimeDelta::from_millis(value)
    }

    fn frames(frames: Vec<i64>) -> Stamps {
        Stamps {
            time_base: TimeBase::MILLIS,
            frames,
            runs: vec![],
            first_decodable: None,
        }
    }

    #[test]
    fn a_camera_that_pauses_gives_its_place_back() {
        let stamps = frames((0..50).map(|n| n * 40).chain((0..50).map(|n| 9000 + n * 40)).collect());
        let clock = Clock::anchored(TimeBase::MILLIS, 0, millis(1000));
        let cameras = live(&stamps, &clock, Kind::Video, Source::Camera);
        assert_eq!(
            cameras.as_slice(),
            [
                Span::new(millis(1000), millis(3000)),
                Span::new(millis(10_000), millis(12_000))
            ]
        );
        let screens = live(&stamps, &clock, Kind::Video, Source::Screen);
        assert_eq!(screens.as_slice(), [Span::new(millis(1000), millis(12_000))]);
    }
}
