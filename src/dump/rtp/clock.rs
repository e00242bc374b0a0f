//! From 32-bit RTP timestamps to media time that never wraps and survives restarts.

use std::collections::VecDeque;

use super::order::{Ordered, Place, Receipt};
use crate::{
    dump::Transport,
    media::{Codec, Kind, RtpEpoch, TimeBase, TimeDelta},
};

/// A jump ahead of up to this may be anything; beyond it the time of receipt must support it.
const JUMP: TimeDelta = TimeDelta::from_seconds(1);
/// Without times of receipt a sender may have paused for this long.
const LONGEST_PAUSE: TimeDelta = TimeDelta::from_seconds(600);
/// The same, if the source changed as well.
const LONGEST_CHANGE: TimeDelta = TimeDelta::from_seconds(5);
/// Pictures may be sent in another order than they are shown, within this.
const PICTURE_REORDER: TimeDelta = TimeDelta::from_millis(500);
/// The least delay is that of the last one or two spans of this length: clocks drift.
const MEMORY: TimeDelta = TimeDelta::from_seconds(30);
/// So many packets of one timestamp are a new beginning, even if no other timestamp confirms it.
const MOST_HELD: usize = 512;

/// A packet with its presentation time, in units of the clock rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timed {
    pub pts: i64,
    pub ordered: Ordered,
}

/// The sender's clock, followed packet by packet in the order of sending.
#[derive(Debug)]
pub struct MediaClock {
    kind: Kind,
    time_base: TimeBase,
    /// How far timestamps may fall from one packet to the next without being a restart.
    reorder: i64,
    last: Option<Last>,
    /// The last step from one timestamp to a later one.
    interval: i64,
    least: LeastDelay,
    held: Vec<Ordered>,
    epochs: Vec<RtpEpoch>,
    ssrc: Option<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    rtp: u32,
    pts: i64,
    after: Option<TimeDelta>,
    marker: bool,
}

/// The least difference of receipt and timestamp seen lately.
#[derive(Debug, Default)]
struct LeastDelay {
    span: i64,
    now: Option<i64>,
    before: Option<i64>,
}

impl MediaClock {
    pub fn new(codec: Codec, time_base: TimeBase) -> MediaClock {
        let reorder = match codec {
            Codec::H264 => PICTURE_REORDER,
            Codec::Vp8 | Codec::Vp9 | Codec::Av1 | Codec::Opus | Codec::Aac => TimeDelta::ZERO,
        };
        MediaClock {
            kind: codec.kind(),
            time_base,
            reorder: time_base.units(reorder),
            last: None,
            interval: time_base.units(TimeDelta::from_millis(20)),
            least: LeastDelay::default(),
            held: Vec::new(),
            epochs: Vec::new(),
            ssrc: None,
        }
    }

    /// Where the timestamps began, and began anew.
    pub fn epochs(&self) -> &[RtpEpoch] {
        &self.epochs
    }

    /// Adds `packet` to `out` with its time, and what was held back until now.
    pub fn push(&mut self, packet: Ordered, out: &mut VecDeque<Timed>, counts: &mut Transport) {
        let Some(last) = self.last else {
            self.ssrc = Some(packet.packet.ssrc);
            return self.begin(i64::from(packet.packet.timestamp), packet, out);
        };
        if self.fits(&packet, last) {
            let next = last.pts_of(packet.packet.timestamp);
            self.mend_held(last, Some(next), out, counts);
            return self.accept(packet, last, out);
        }
        self.held.push(packet);
        if self.is_confirmed() {
            counts.restarts += 1;
            self.restart(last, out, counts);
        }
    }

    /// Nothing follows: what is still held back fits nothing.
    pub fn finish(&mut self, out: &mut VecDeque<Timed>, counts: &mut Transport) {
        if let Some(last) = self.last {
            self.mend_held(last, None, out, counts);
        }
    }

    /// Gives the packets held back a place before `next`: their timestamps are wrong, but their frames are not.
    ///
    /// Sound goes between its neighbours, a part of a picture to the other parts. Their time of receipt proves nothing.
    fn mend_held(&mut self, last: Last, next: Option<i64>, out: &mut VecDeque<Timed>, counts: &mut Transport) {
        let held = std::mem::take(&mut self.held);
        counts.absurd += held.len() as u64;
        let (places, mut has_ended) = (held.len() as i64 + 1, last.marker);
        let next = next.unwrap_or(last.pts.saturating_add(self.interval * places));
        let mut least = last.pts.min(next);
        let own = held.into_iter().filter(|held| Some(held.packet.ssrc) == self.ssrc);
        for (index, held) in (1..).zip(own) {
            let place = match self.kind {
                Kind::Video if !has_ended => last.pts,
                Kind::Video if !held.packet.marker => next,
                Kind::Video | Kind::Audio => last.pts + next.saturating_sub(last.pts) * index / places,
            };
            // what was sent later is not shown earlier
            let pts = place.max(least);
            least = pts;
            has_ended |= held.packet.marker;
            let receipt = Receipt::Late;
            out.push_back(Timed {
                pts,
                ordered: Ordered { receipt, ..held },
            });
        }
    }

    fn accept(&mut self, packet: Ordered, last: Last, out: &mut VecDeque<Timed>) {
        let pts = last.pts_of(packet.packet.timestamp);
        let step = pts.saturating_sub(last.pts);
        if step > 0 {
            self.interval = step.min(self.time_base.units(JUMP));
        }
        self.ssrc = Some(packet.packet.ssrc);
        self.put(pts, packet, out);
    }

    fn begin(&mut self, pts: i64, packet: Ordered, out: &mut VecDeque<Timed>) {
        let rtp = packet.packet.timestamp;
        self.epochs.push(RtpEpoch { pts, rtp });
        self.least = LeastDelay::default();
        self.put(pts, packet, out);
    }

    fn put(&mut self, pts: i64, packet: Ordered, out: &mut VecDeque<Timed>) {
        let (rtp, after) = (packet.packet.timestamp, packet.packet.after);
        if let (Some(after), Receipt::InOrder) = (after, packet.receipt) {
            let units = self.time_base.units(after);
            self.least
                .note(units.saturating_sub(pts), units / self.time_base.units(MEMORY).max(1));
        }
        let after = match packet.receipt {
            Receipt::InOrder => after,
            Receipt::Late => self.last.and_then(|last| last.after).or(after),
        };
        let marker = packet.packet.marker;
        self.last = Some(Last {
            rtp,
            pts,
            after,
            marker,
        });
        out.push_back(Timed { pts, ordered: packet });
    }

    /// Whether the timestamp goes on from the last one, as far as the time of receipt can tell.
    fn fits(&self, packet: &Ordered, last: Last) -> bool {
        let step = i64::from(packet.packet.timestamp.wrapping_sub(last.rtp) as i32);
        let units = |delta| self.time_base.units(delta);
        let new_source = packet.place == Place::Restart || Some(packet.packet.ssrc) != self.ssrc;
        if step < -self.reorder {
            return false;
        }
        if step <= units(JUMP) && !new_source {
            return true;
        }
        match (packet.packet.after, last.after, self.least.get()) {
            (Some(after), Some(before), _) if new_source => (step - units(after - before)).abs() <= units(JUMP),
            (Some(after), _, Some(least)) => units(after) - (last.pts.saturating_add(step)) >= least - units(JUMP),
            _ if new_source => step <= units(LONGEST_CHANGE),
            _ => step <= units(LONGEST_PAUSE),
        }
    }

    /// Whether the packets held back agree with each other: one alone is noise.
    fn is_confirmed(&self) -> bool {
        let (Some(first), Some(last)) = (self.held.first(), self.held.last()) else {
            return false;
        };
        let step = i64::from(last.packet.timestamp.wrapping_sub(first.packet.timestamp) as i32);
        let near = 10 * self.time_base.units(JUMP);
        (step != 0 && step.abs() <= near) || self.held.len() >= MOST_HELD
    }

    /// Media time goes on by as much as went by on the clock of receipt.
    fn restart(&mut self, last: Last, out: &mut VecDeque<Timed>, counts: &mut Transport) {
        let mut held = std::mem::take(&mut self.held).into_iter();
        let Some(first) = held.next() else { return };
        let elapsed = first
            .packet
            .after
            .zip(last.after)
            .map(|(now, then)| self.time_base.units(now - then));
        let step = elapsed.unwrap_or(self.interval).max(self.interval).max(1);
        self.ssrc = Some(first.packet.ssrc);
        self.begin(last.pts.saturating_add(step), first, out);
        for packet in held {
            self.push(packet, out, counts);
        }
    }
}

impl Last {
    /// The media time of a timestamp within half a lap of this one.
    fn pts_of(self, rtp: u32) -> i64 {
        self.pts.saturating_add(i64::from(rtp.wrapping_sub(self.rtp) as i32))
    }
}

impl LeastDelay {
    fn note(&mut self, delay: i64, span: i64) {
        if span > self.span {
            self.before = self.now.take();
            self.span = span;
        }
        self.now = Some(self.now.map_or(delay, |now| now.min(delay)));
    }

    fn get(&self) -> Option<i64> {
        self.now.into_iter().chain(self.before).min()
    }
}
