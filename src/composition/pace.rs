//! Which frame of a track is shown from which tick on.

use super::plan::VideoStretch;
use crate::media::{Stamps, Tick, TickRate};

/// Frames are weighed against ticks in thousandths of a tick.
const TICK: i128 = 1000;
/// A frame this much after a tick, in milliseconds, still counts as on it: what containers and clocks round timestamps by,
/// and a little more. Real jitter asks for a higher rate instead.
const SLACK_MILLIS: i128 = 3;

/// From `tick` on, the frame with timestamp `pts` (units of its dump's time base) is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacedFrame {
    pub tick: Tick,
    pub pts: i64,
}

/// What a stretch shows when, and how many of its frames found no tick of their own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paced {
    /// Ticks and timestamps both grow strictly.
    pub frames: Vec<PacedFrame>,
    pub lost: u64,
}

/// Gives each frame of a stretch its tick: the first at or after its time (give or take the slack), so that a tick shows
/// the frame whose interval covers it.
///
/// Where two frames fall on one tick because their timestamps are rounded, the later one moves to the next tick if that is
/// beyond its own by no more than the slack; else the earlier one is lost. Of the frames before the stretch the last is
/// shown from its start. What cannot be decoded (before the first keyframe) is never shown.
pub fn pace(stretch: &VideoStretch, stamps: &Stamps, rate: TickRate) -> Paced {
    let slack = SLACK_MILLIS * i128::from(rate.per_second());
    let mut pacer = Pacer {
        slack,
        stretch,
        slots: Vec::new(),
        lost: 0,
    };
    let Some(first) = stamps.first_decodable else {
        return Paced::default();
    };
    let begin = stamps.frames.partition_point(|pts| *pts < first);
    for pts in &stamps.frames[begin..] {
        let place = stretch.thousandths(*pts, rate);
        if ceil_tick(place - slack) >= stretch.end {
            break;
        }
        pacer.push(place, *pts);
    }
    let frames = pacer
        .slots
        .iter()
        .map(|slot| PacedFrame {
            tick: slot.tick,
            pts: slot.pts,
        })
        .collect();
    Paced {
        frames,
        lost: pacer.lost,
    }
}

struct Pacer<'a> {
    stretch: &'a VideoStretch,
    /// In thousandths of a tick.
    slack: i128,
    slots: Vec<Slot>,
    lost: u64,
}

/// A frame on its tick.
#[derive(Clone, Copy)]
struct Slot {
    tick: Tick,
    pts: i64,
}

impl Pacer<'_> {
    fn push(&mut self, place: i128, pts: i64) {
        let start = self.stretch.start;
        let tick = ceil_tick(place - self.slack).max(start);
        let Some(last) = self.slots.last().copied().filter(|last| last.tick >= tick) else {
            self.slots.push(Slot { tick, pts });
            return;
        };
        let is_before = place <= i128::from(start.0) * TICK;
        if !is_before && self.has_room_after(last, place) {
            let tick = Tick(last.tick.0 + 1);
            self.slots.push(Slot { tick, pts });
        } else {
            self.lost += u64::from(!is_before);
            self.replace_last(Slot { tick: last.tick, pts });
        }
    }

    fn replace_last(&mut self, slot: Slot) {
        self.slots.pop();
        self.slots.push(slot);
    }

    /// Whether a frame at `place` may stand on the tick after the last.
    fn has_room_after(&self, last: Slot, place: i128) -> bool {
        let late = i128::from(last.tick.0) * TICK - place;
        last.tick.0 + 1 < self.stretch.end.0 && late <= self.slack
    }
}

fn ceil_tick(place: i128) -> Tick {
    let tick = -(-place).div_euclid(TICK);
    Tick(tick.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        media::{Receipts, SessionTime, TimeBase},
        timeline::Clock,
    };

    fn stretch(ticks: i64) -> VideoStretch {
        VideoStretch {
            dump: 0,
            start: Tick::ZERO,
            end: Tick(ticks),
            session_start: SessionTime::START,
            clock: Clock::anchored(TimeBase::MILLIS, 0, SessionTime::START),
        }
    }

    fn stamps(frames: Vec<i64>) -> Stamps {
        let first_decodable = frames.first().copied();
        Stamps {
            time_base: TimeBase::MILLIS,
            frames,
            runs: vec![],
            first_decodable,
            receipts: Receipts::default(),
        }
    }

    fn rate(per_second: u32) -> TickRate {
        TickRate::new(per_second).unwrap()
    }

    proptest! {
        /// A camera of 15/s whose timestamps are rounded keeps every frame at 15/s, whatever its phase.
        #[test]
        fn jitter_loses_no_frame(phase in 0i64..66, jitter in prop::collection::vec(-1i64..=1, 100)) {
            let frames: Vec<i64> = jitter.iter().enumerate().map(|(n, off)| 20 + phase + n as i64 * 1000 / 15 + off).collect();
            let paced = pace(&stretch(200), &stamps(frames.clone()), rate(15));
            prop_assert_eq!(paced.lost, 0);
            prop_assert_eq!(paced.frames.iter().map(|frame| frame.pts).collect::<Vec<_>>(), frames);
        }

        #[test]
        fn ticks_and_frames_grow_and_stay_near(steps in prop::collection::vec(0i64..120, 1..200), per_second in 5u32..60) {
            let frames: Vec<i64> = steps.iter().scan(0, |at, step| { *at += step; Some(*at) }).collect();
            let mut frames = frames;
            frames.dedup();
            let (paced, ticks) = (pace(&stretch(100_000), &stamps(frames.clone()), rate(per_second)), 1000.0 / f64::from(per_second));
            prop_assert!(paced.frames.windows(2).all(|pair| pair[0].tick < pair[1].tick && pair[0].pts < pair[1].pts));
            prop_assert_eq!(paced.frames.len() as u64 + paced.lost, frames.len() as u64);
            for frame in &paced.frames {
                let late = frame.tick.0 as f64 * ticks - frame.pts as f64;
                prop_assert!((-3.1..=ticks + 3.1).contains(&late), "{late} ms late");
            }
        }
    }

    #[test]
    fn the_frame_before_the_start_is_shown_from_it() {
        let mut stretch = stretch(100);
        (stretch.start, stretch.session_start) = (Tick(10), SessionTime::from_nanos(1_000_000_000));
        let paced = pace(&stretch, &stamps(vec![0, 400, 990, 1000, 1040]), rate(25));
        assert_eq!(
            paced,
            Paced {
                frames: vec![
                    PacedFrame {
                        tick: Tick(10),
                        pts: 1000
                    },
                    PacedFrame {
                        tick: Tick(11),
                        pts: 1040
                    }
                ],
                lost: 0
            }
        );
    }

    #[test]
    fn what_cannot_be_decoded_is_not_shown() {
        let mut stamps = stamps(vec![0, 40, 80, 120]);
        stamps.first_decodable = Some(80);
        let paced = pace(&stretch(100), &stamps, rate(25));
        assert_eq!(paced.frames.first(), Some(&PacedFrame { tick: Tick(2), pts: 80 }));
        stamps.first_decodable = None;
        assert_eq!(pace(&stretch(100), &stamps, rate(25)), Paced::default());
    }
}
