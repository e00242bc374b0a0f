//! Timestamps of containers that cannot be: a wild one must neither move a dump nor lengthen it.

use std::collections::VecDeque;

use crate::{
    av::Packet,
    media::{TimeBase, TimeDelta},
};

/// Packets simply follow on each other within this, …
const AHEAD: TimeDelta = TimeDelta::from_seconds(10);
/// … and as pictures may be stored in another order than they are shown, back within this.
const BACK: TimeDelta = TimeDelta::from_seconds(1);
/// A sender may pause for so long, if the next packet goes on from there.
const LONGEST_PAUSE: TimeDelta = TimeDelta::from_seconds(3600);
/// Any other jump is believed if so many packets in a row agree with it.
const PROOF: usize = 16;

/// Takes packets in file order and hands them out with timestamps that can be.
#[derive(Debug)]
pub struct Mender {
    time_base: TimeBase,
    /// The last timestamp that is believed, and the step to it.
    last: Option<i64>,
    step: i64,
    /// Packets before the first timestamp that is believed.
    early: Vec<Packet>,
    /// Packets that jumped, until it is clear whether the others follow them.
    held: Vec<Packet>,
    jump: Jump,
    ready: VecDeque<Packet>,
    mended: u64,
}

/// What makes the packets held back doubtful.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Jump {
    /// They are the first.
    First,
    /// The sender may have paused.
    Pause,
    /// They go back, or further ahead than any pause.
    Wild,
}

impl Mender {
    pub fn new(time_base: TimeBase) -> Mender {
        Mender {
            time_base,
            last: None,
            step: time_base.units(TimeDelta::from_millis(20)).max(1),
            early: Vec::new(),
            held: Vec::new(),
            jump: Jump::First,
            ready: VecDeque::new(),
            mended: 0,
        }
    }

    pub fn push(&mut self, packet: Packet) {
        let Some(pts) = packet.pts() else {
            let waiting = if self.held.is_empty() {
                None
            } else {
                Some(&mut self.held)
            };
            return match waiting {
                Some(held) => held.push(packet),
                None => self.ready.push_back(packet),
            };
        };
        if !self.held.is_empty() {
            if self.goes_on(pts) {
                self.held.push(packet);
                if self.is_proven() {
                    self.believe();
                }
                return;
            }
            self.doubt(pts);
        }
        if self.last.is_some_and(|last| self.is_near(last, pts)) {
            self.hand_out(packet);
        } else {
            self.hold(packet, pts);
        }
    }

    /// The next packet, as far as it is known by now.
    pub fn pop(&mut self) -> Option<Packet> {
        self.ready.pop_front()
    }

    /// Nothing follows.
    pub fn finish(&mut self) {
        match self.jump {
            Jump::First | Jump::Pause => self.believe(),
            Jump::Wild => self.mend_held(None),
        }
    }

    /// How many timestamps were put right.
    pub fn mended(&self) -> u64 {
        self.mended
    }

    fn hold(&mut self, packet: Packet, pts: i64) {
        let is_pause = |last: i64| (0..=self.time_base.units(LONGEST_PAUSE)).contains(&pts.saturating_sub(last));
        self.jump = match self.last {
            None => Jump::First,
            Some(last) if is_pause(last) => Jump::Pause,
            Some(_) => Jump::Wild,
        };
        self.held.push(packet);
    }

    /// Whether `pts` agrees with the packets held back.
    fn goes_on(&self, pts: i64) -> bool {
        let Some(before) = self.held.iter().rev().find_map(Packet::pts) else {
            return false;
        };
        let may_pause = match self.jump {
            Jump::Pause => true,
            // containers count from zero, or nearly so
            Jump::First => before >= -self.time_base.units(AHEAD),
            Jump::Wild => false,
        };
        let step = pts.saturating_sub(before);
        self.is_near(before, pts) || (may_pause && (0..=self.time_base.units(LONGEST_PAUSE)).contains(&step))
    }

    fn is_near(&self, before: i64, pts: i64) -> bool {
        let (back, ahead) = (self.time_base.units(BACK), self.time_base.units(AHEAD));
        (-back..=ahead).contains(&pts.saturating_sub(before))
    }

    fn is_proven(&self) -> bool {
        match self.jump {
            Jump::First | Jump::Pause => true,
            Jump::Wild => self.held.len() >= PROOF,
        }
    }

    /// The packets held back are right, and those before the first of them only if they lead to it.
    fn believe(&mut self) {
        let mut stamps = self.held.iter().filter_map(Packet::pts);
        let first = stamps.next().unwrap_or(0);
        let step = stamps.next().map_or(0, |second| second.saturating_sub(first));
        let is_step = (1..=self.time_base.units(BACK)).contains(&step);
        let step = if is_step { step } else { 1 };
        let early = std::mem::take(&mut self.early);
        let count = early.len() as i64;
        for (packet, ahead) in early.into_iter().zip((1..=count).rev()) {
            let leads = packet.pts().is_some_and(|pts| self.is_near(pts, first));
            self.mended += u64::from(!leads);
            let packet = if leads {
                packet
            } else {
                packet.at(first.saturating_sub(step * ahead))
            };
            self.ready.push_back(packet);
        }
        for packet in std::mem::take(&mut self.held) {
            self.hand_out(packet);
        }
    }

    /// `pts` does not go on from the packets held back: they are wrong, unless nothing is believed yet.
    fn doubt(&mut self, pts: i64) {
        if self.last.is_some() {
            return self.mend_held(Some(pts));
        }
        self.early.append(&mut self.held);
        if self.early.len() >= PROOF {
            // there is no order at all in them
            self.held = std::mem::take(&mut self.early);
            self.believe();
        }
    }

    /// Spreads the packets held back between the last timestamp that is believed and the next.
    fn mend_held(&mut self, next: Option<i64>) {
        let Some(last) = self.last else { return };
        let held = std::mem::take(&mut self.held);
        let room = next.map(|next| next.saturating_sub(last)).filter(|room| *room > 0);
        let parts = held.len() as i64 + 1;
        let step = room
            .filter(|_| next.is_some_and(|next| self.is_near(last, next)))
            .map_or(self.step, |room| room / parts);
        for (index, packet) in (1..).zip(held) {
            self.mended += u64::from(packet.pts().is_some());
            self.ready
                .push_back(packet.at(last.saturating_add(step.saturating_mul(index))));
        }
    }

    fn hand_out(&mut self, packet: Packet) {
        if let Some(pts) = packet.pts() {
            let step = self.last.map_or(0, |last| pts.saturating_sub(last));
            if (1..=self.time_base.units(BACK)).contains(&step) {
                self.step = step;
            }
            self.last = Some(pts);
        }
        self.ready.push_back(packet);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::av::Importance;

    fn mended(stamps: &[i64]) -> (Vec<i64>, u64) {
        let (mut mender, mut out) = (Mender::new(TimeBase::MILLIS), Vec::new());
        for stamp in stamps {
            mender.push(Packet::new(&[1], *stamp, Importance::Delta));
            out.extend(std::iter::from_fn(|| mender.pop()));
        }
        mender.finish();
        out.extend(std::iter::from_fn(|| mender.pop()));
        (
            out.iter().map(|packet| packet.pts().unwrap()).collect(),
            mender.mended(),
        )
    }

    proptest! {
        /// Wherever one timestamp is wild, all others stay and it comes to stand between its neighbours.
        #[test]
        fn one_wild_timestamp_moves_nothing(
            at in 0usize..40,
            step in 5i64..400,
            wild in prop_oneof![
                Just(i64::MIN + 1), Just(i64::MAX), -1_000_000_000_000i64..-20_000, 4_000_000i64..1_000_000_000_000,
            ],
        ) {
            let right: Vec<i64> = (0..40).map(|n| n * step).collect();
            let mut stamps = right.clone();
            stamps[at] = wild;
            let (found, count) = mended(&stamps);
            prop_assert_eq!(count, 1);
            prop_assert_eq!(found.len(), right.len());
            for (index, (found, right)) in found.iter().zip(&right).enumerate() {
                let near = if index == at { step } else { 0 };
                prop_assert!((found - right).abs() <= near, "{} instead of {} at {}", found, right, index);
            }
        }

        #[test]
        fn no_packet_is_lost_and_none_is_kept_back(stamps in prop::collection::vec(i64::MIN + 1.., 0..100)) {
            prop_assert_eq!(mended(&stamps).0.len(), stamps.len());
        }

        /// Pauses, pictures stored out of order, and clocks that do not begin at zero are nothing wild.
        #[test]
        fn what_can_be_stays(
            start in prop_oneof![Just(0i64), Just(1_795_330_535_000), -5_000i64..5_000],
            steps in prop::collection::vec(prop_oneof![10 => 1i64..500, 1 => 500i64..3_000_000, 2 => -900i64..0], 1..60),
        ) {
            let mut top = start;
            let stamps: Vec<i64> = std::iter::once(start).chain(steps.iter().map(|step| {
                let at = top + step;
                top = top.max(at);
                at
            })).collect();
            let (found, count) = mended(&stamps);
            prop_assert_eq!((found, count), (stamps, 0));
        }
    }

    #[test]
    fn a_jump_that_all_others_follow_is_believed() {
        let ahead: Vec<i64> = (0..20)
            .map(|n| n * 20)
            .chain((0..20).map(|n| 40_000_000 + n * 20))
            .collect();
        assert_eq!(mended(&ahead), (ahead, 0));
        let back: Vec<i64> = (0..20)
            .map(|n| 90_000 + n * 20)
            .chain((0..20).map(|n| n * 20))
            .collect();
        assert_eq!(mended(&back), (back, 0));
    }

    #[test]
    fn half_an_hour_that_nothing_follows_is_no_pause() {
        assert_eq!(mended(&[0, 20, 1_800_000, 60, 80]), (vec![0, 20, 40, 60, 80], 1));
    }
}
