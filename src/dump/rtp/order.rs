//! Back into the order of sending: a jitter buffer over a file, with as much patience as a file allows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::packet::RtpPacket;
use crate::{dump::Transport, media::TimeDelta};

/// A missing packet is waited for as long as this, by the clock of receipt …
const PATIENCE: TimeDelta = TimeDelta::from_seconds(5);
/// … and as long as no more than this many packets …
const MOST_WAITING: usize = 4096;
/// … and bytes pile up behind it.
const MOST_BYTES: usize = 8 << 20;
/// The first packets may come in disorder too: nothing is handed out before so many are there, or so much time went by.
const FIRST_PACKETS: usize = 64;
const FIRST_TIME: TimeDelta = TimeDelta::from_seconds(1);
/// A jump ahead of no more than this is loss (RFC 3550 appendix A.1).
const DROPOUT: i64 = 3000;
/// More packets than this in a second are not lost by any network, so a jump that needs more is a restart.
const FASTEST: i64 = 5000;
/// A jump back of no more than this is a packet that comes late.
const MISORDER: i64 = 4096;
/// A packet that comes this much later than one that was sent after it was sent again.
const SENT_AGAIN: TimeDelta = TimeDelta::from_millis(200);
/// So many packets in a row confirm a new source or a restart of sequence numbers …
const CONFIRMED: usize = 2;
/// … and so many if their payload type is new too: that may be retransmission or something else not wanted here.
const CONFIRMED_FOREIGN: usize = 16;
/// For so many packets after a change of source, or for [`PATIENCE`], the old one does not count as new again.
const RETIREMENT: u32 = 512;

/// A packet in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ordered {
    pub packet: RtpPacket,
    pub place: Place,
    pub receipt: Receipt,
}

/// How a packet follows on the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Next,
    /// So many packets between them never came.
    AfterLoss(u64),
    /// It is the first, or sequence numbers began anew.
    Restart,
}

impl Place {
    /// How a packet follows on another if one or more between them, which followed like this, are passed over.
    pub fn and_then(self, next: Place) -> Place {
        match (self, next) {
            (Place::Restart, _) | (_, Place::Restart) => Place::Restart,
            (Place::AfterLoss(one), Place::AfterLoss(other)) => Place::AfterLoss(one.saturating_add(other)),
            (Place::AfterLoss(lost), Place::Next) | (Place::Next, Place::AfterLoss(lost)) => Place::AfterLoss(lost),
            (Place::Next, Place::Next) => Place::Next,
        }
    }
}

/// Whether a packet was received after all packets that were sent before it, so that its time of receipt means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    InOrder,
    Late,
}

/// Takes packets as they were received and hands them out as they were sent.
#[derive(Debug, Default)]
pub struct Reorder {
    current: Option<Sequence>,
    waiting: BTreeMap<i64, (RtpPacket, Receipt)>,
    bytes: usize,
    ready: VecDeque<Ordered>,
    /// Numbers that came lately, to tell a duplicate from a packet that is too late.
    came: BTreeSet<i64>,
    /// Packets that do not fit, until it is clear whether they are a new beginning.
    strays: Vec<RtpPacket>,
    retired: Option<Retired>,
}

/// The source before the last change: for a while, what still comes from it is late.
#[derive(Debug)]
struct Retired {
    ssrc: u32,
    since: Option<TimeDelta>,
    packets_left: u32,
}

/// Sequence numbers counted on without wrapping.
#[derive(Debug)]
struct Sequence {
    ssrc: u32,
    payload_type: u8,
    highest: i64,
    highest_after: Option<TimeDelta>,
    /// What is to be handed out next; `None` while the first packets are gathered.
    next: Option<i64>,
    handed_out: Handed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handed {
    Nothing,
    Something,
}

impl Reorder {
    pub fn push(&mut self, packet: RtpPacket, counts: &mut Transport) {
        if self.is_from_retired(&packet) {
            counts.too_late += 1;
            return;
        }
        let Some(current) = &mut self.current else {
            return self.begin(packet);
        };
        match current.unwrap(&packet) {
            Some(sequence) => {
                if packet.ssrc != current.ssrc {
                    counts.ssrc_changes += 1;
                    self.retired = Some(Retired::at(current.ssrc, packet.after));
                    current.ssrc = packet.ssrc;
                }
                counts.foreign += self.strays.drain(..).len() as u64;
                self.put(sequence, packet, counts);
                self.hand_out(counts);
            }
            None => self.consider(packet, counts),
        }
    }

    /// The next packet in the order of sending, as far as that is known by now.
    pub fn pop(&mut self) -> Option<Ordered> {
        self.ready.pop_front()
    }

    /// Nothing follows: what was waited for will not come.
    pub fn finish(&mut self, counts: &mut Transport) {
        counts.foreign += self.strays.drain(..).len() as u64;
        self.flush(counts);
    }

    fn begin(&mut self, packet: RtpPacket) {
        let sequence = i64::from(packet.sequence);
        self.current = Some(Sequence {
            ssrc: packet.ssrc,
            payload_type: packet.payload_type,
            highest: sequence,
            highest_after: packet.after,
            next: None,
            handed_out: Handed::Nothing,
        });
        self.came.clear();
        self.bytes += packet.payload.len();
        self.waiting.insert(sequence, (packet, Receipt::InOrder));
    }

    fn put(&mut self, sequence: i64, packet: RtpPacket, counts: &mut Transport) {
        let current = self.current.as_mut().expect("a packet was unwrapped by it");
        if current.next.is_some_and(|next| sequence < next) {
            *(if self.came.insert(sequence) {
                &mut counts.too_late
            } else {
                &mut counts.duplicates
            }) += 1;
            return;
        }
        if self.waiting.contains_key(&sequence) {
            counts.duplicates += 1;
            return;
        }
        let receipt = if sequence > current.highest {
            (current.highest, current.highest_after) = (sequence, packet.after.or(current.highest_after));
            Receipt::InOrder
        } else {
            counts.reordered += 1;
            let overtaken_by = self
                .waiting
                .range(sequence..)
                .next()
                .and_then(|(_, (other, _))| other.after);
            let late = overtaken_by.zip(packet.after).map(|(other, own)| own - other);
            counts.retransmitted += u64::from(late.is_some_and(|late| late > SENT_AGAIN));
            Receipt::Late
        };
        self.bytes += packet.payload.len();
        self.waiting.insert(sequence, (packet, receipt));
    }

    /// Hands out what is next, and gives up what was waited for too long.
    fn hand_out(&mut self, counts: &mut Transport) {
        while let (Some(current), Some((first, (packet, _)))) = (&self.current, self.waiting.first_key_value()) {
            let waited = current.highest_after.zip(packet.after).map(|(now, then)| now - then);
            let out_of_room = self.waiting.len() > MOST_WAITING || self.bytes > MOST_BYTES;
            let due = match current.next {
                Some(next) => *first == next || out_of_room || waited.is_some_and(|waited| waited > PATIENCE),
                None => self.waiting.len() >= FIRST_PACKETS || waited.is_some_and(|waited| waited > FIRST_TIME),
            };
            if !due {
                break;
            }
            self.hand_out_first(counts);
        }
    }

    fn hand_out_first(&mut self, counts: &mut Transport) {
        let (Some(current), Some((sequence, (packet, receipt)))) = (&mut self.current, self.waiting.pop_first()) else {
            return;
        };
        let place = match (current.handed_out, current.next) {
            (Handed::Something, Some(next)) if next < sequence => Place::AfterLoss((sequence - next) as u64),
            (Handed::Something, _) => Place::Next,
            (Handed::Nothing, _) => Place::Restart,
        };
        if let Place::AfterLoss(lost) = place {
            counts.lost += lost;
        }
        self.came.insert(sequence);
        while self.came.first().is_some_and(|first| *first < sequence - MISORDER) {
            self.came.pop_first();
        }
        (current.next, current.handed_out) = (Some(sequence + 1), Handed::Something);
        self.bytes -= packet.payload.len();
        self.ready.push_back(Ordered { packet, place, receipt });
    }

    fn flush(&mut self, counts: &mut Transport) {
        while !self.waiting.is_empty() {
            self.hand_out_first(counts);
        }
    }

    /// A packet that does not fit may be noise, or the first one of a new beginning.
    fn consider(&mut self, packet: RtpPacket, counts: &mut Transport) {
        if self.strays.last().is_some_and(|last| !follows(last, &packet)) {
            counts.foreign += self.strays.drain(..).len() as u64;
        }
        self.strays.push(packet);
        let (last, current) = (&self.strays[self.strays.len() - 1], &self.current);
        let known_type = current
            .as_ref()
            .is_some_and(|current| current.payload_type == last.payload_type);
        if self.strays.len() < if known_type { CONFIRMED } else { CONFIRMED_FOREIGN } {
            return;
        }
        self.flush(counts);
        let first = &self.strays[0];
        if let Some(old) = self.current.take().filter(|old| old.ssrc != first.ssrc) {
            counts.ssrc_changes += 1;
            self.retired = Some(Retired::at(old.ssrc, first.after));
        }
        for packet in std::mem::take(&mut self.strays) {
            self.push(packet, counts);
        }
    }

    fn is_from_retired(&mut self, packet: &RtpPacket) -> bool {
        let Some(retired) = &mut self.retired else { return false };
        retired.packets_left -= 1;
        let elapsed = packet.after.zip(retired.since).map(|(now, then)| now - then);
        let is_late = packet.ssrc == retired.ssrc;
        if retired.packets_left == 0 || elapsed.is_some_and(|elapsed| elapsed > PATIENCE) {
            self.retired = None;
            return false;
        }
        is_late
    }
}

impl Retired {
    fn at(ssrc: u32, since: Option<TimeDelta>) -> Retired {
        let packets_left = RETIREMENT;
        Retired {
            ssrc,
            since,
            packets_left,
        }
    }
}

impl Sequence {
    /// The packet's sequence number counted on without wrapping; `None` if the packet does not belong here.
    fn unwrap(&self, packet: &RtpPacket) -> Option<i64> {
        let step = i64::from(packet.sequence.wrapping_sub(self.highest as u16) as i16);
        let elapsed = packet.after.zip(self.highest_after).map(|(now, then)| now - then);
        let nearest = if packet.ssrc == self.ssrc {
            let fast = elapsed.map_or(DROPOUT, |elapsed| elapsed.millis().saturating_mul(FASTEST) / 1000);
            -MISORDER..=DROPOUT.max(fast)
        } else {
            // an SFU that counts on over a change of source leaves no hole
            1..=16
        };
        nearest.contains(&step).then(|| self.highest + step)
    }
}

/// Whether `next` may be the packet after `last`, or nearly so.
fn follows(last: &RtpPacket, next: &RtpPacket) -> bool {
    last.ssrc == next.ssrc
        && last.payload_type == next.payload_type
        && (1..=16).contains(&next.sequence.wrapping_sub(last.sequence))
}
