//! When a dump has something to show, by its own frames.

use super::Clock;
use crate::media::{Source, Span, Spans, Stamps, TimeDelta};

/// How long a camera may be without a new frame before it counts as switched off. A static screen sends nothing for
/// minutes and still shows the truth.
const CAMERA_GAP: TimeDelta = TimeDelta::from_millis(2000);
const SCREEN_GAP: TimeDelta = TimeDelta::from_seconds(3600);

/// Silence shorter than this does not end a stretch of sound.
const SOUND_GAP: TimeDelta = TimeDelta::from_seconds(2);

/// The stretches of session time in which a dump is alive: its sender sent something.
///
/// Frames that were lost on the way do not end a stretch: their place keeps the last good picture.
pub fn live(stamps: &Stamps, clock: &Clock, source: Source) -> Spans {
    let gap = gap_limit(source);
    let mut spans: Vec<Span> = Vec::new();
    for run in stamps.runs.iter().flat_map(|run| clock.spans(run.0, run.1)) {
        match spans.last_mut() {
            Some(last) if run.start - last.end <= gap => last.end = last.end.max(run.end),
            _ => spans.push(run),
        }
    }
    Spans::union(spans)
}

/// Short holes in sound (DTX, loss) play as silence anyway: bridging them keeps the plan small.
fn gap_limit(source: Source) -> TimeDelta {
    match source {
        Source::Camera => CAMERA_GAP,
        Source::Screen => SCREEN_GAP,
        Source::Microphone | Source::ScreenAudio => SOUND_GAP,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{Receipts, SessionTime, TimeBase};

    fn millis(value: i64) -> SessionTime {
        SessionTime::START + TimeDelta::from_millis(value)
    }

    #[test]
    fn a_camera_that_pauses_gives_its_place_back() {
        let runs = vec![(0, 2000), (3500, 4000), (9000, 11_000)];
        let stamps = Stamps {
            time_base: TimeBase::MILLIS,
            frames: vec![],
            runs,
            first_decodable: None,
            receipts: Receipts::default(),
        };
        let clock = Clock::anchored(TimeBase::MILLIS, 0, millis(1000));
        let cameras = live(&stamps, &clock, Source::Camera);
        assert_eq!(
            cameras.as_slice(),
            [
                Span::new(millis(1000), millis(5000)),
                Span::new(millis(10_000), millis(12_000))
            ]
        );
        let screens = live(&stamps, &clock, Source::Screen);
        assert_eq!(screens.as_slice(), [Span::new(millis(1000), millis(12_000))]);
    }
}
