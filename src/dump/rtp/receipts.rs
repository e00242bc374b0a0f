//! What the recorder's clock says of the sender's: the least delayed packets, and where the two clocks moved apart.

use super::{clock::Timed, order::Receipt as Order};
use crate::media::{Break, Receipt, TimeBase, TimeDelta};

/// One packet is kept of each span of this length.
const SPAN: TimeDelta = TimeDelta::from_millis(500);
/// Two clocks that move apart by more than this from one packet to the next are noted.
const APART: TimeDelta = TimeDelta::from_millis(40);
/// More breaks than this are a network at fault, not a sender that pauses: 2 MiB of them are enough.
const MOST_BREAKS: usize = 1 << 16;

/// Gathers receipts from packets in the order of sending.
#[derive(Debug)]
pub struct ReceiptLog {
    time_base: TimeBase,
    points: Vec<Receipt>,
    breaks: Vec<Break>,
    /// The least delayed packet of the current span.
    best: Option<(i64, Receipt)>,
    previous: Option<Receipt>,
}

impl ReceiptLog {
    pub fn new(time_base: TimeBase) -> ReceiptLog {
        ReceiptLog {
            time_base,
            points: Vec::new(),
            breaks: Vec::new(),
            best: None,
            previous: None,
        }
    }

    pub fn note(&mut self, packet: &Timed) {
        let (Some(after), Order::InOrder) = (packet.ordered.packet.after, packet.ordered.receipt) else {
            return;
        };
        let receipt = Receipt { pts: packet.pts, after };
        if let Some(before) = self.previous.replace(receipt) {
            let apart = (self.delay(receipt) - self.delay(before)).abs();
            if apart > APART && self.breaks.len() < MOST_BREAKS {
                self.breaks.push(Break { before, after: receipt });
            }
        }
        let span = after.nanos().div_euclid(SPAN.nanos());
        match self.best {
            Some((current, best)) if current == span => {
                if self.delay(receipt) < self.delay(best) {
                    self.best = Some((span, receipt));
                }
            }
            // a time of receipt that falls back was wrong before, or is wrong now
            Some((current, _)) if current > span => {
                if self.points.last().is_none_or(|last| last.after < after) {
                    self.best = Some((span, receipt));
                }
            }
            _ => {
                self.points.extend(self.best.map(|(_, best)| best));
                self.best = Some((span, receipt));
            }
        }
    }

    /// Points and breaks so far.
    pub fn found(&self) -> (Vec<Receipt>, Vec<Break>) {
        let best = self.best.map(|(_, best)| best);
        let points = self.points.iter().copied().chain(best).collect();
        (points, self.breaks.clone())
    }

    fn delay(&self, receipt: Receipt) -> TimeDelta {
        receipt.after - self.time_base.delta(receipt.pts)
    }
}
