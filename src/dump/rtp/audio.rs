//! Packets of sound: one Opus packet each, redundant copies put to use, losses concealed.

use std::collections::VecDeque;

use super::{
    Frame,
    clock::Timed,
    opus::{self, Toc},
    order::Place,
    red,
};
use crate::{
    av::Importance,
    dump::Transport,
    media::{Codec, Rotation},
};

/// A decoder can invent this many packets before it is better to fall silent.
const MOST_CONCEALED: u64 = 5;

/// Turns packets in the order of sending into packets for a decoder.
#[derive(Debug)]
pub struct Sound {
    /// The payload type of redundant audio.
    red: Option<u8>,
    last: Option<Last>,
    channels: u32,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    end: i64,
    toc: Toc,
}

impl Sound {
    pub fn new(red: Option<u8>) -> Sound {
        let (last, channels) = (None, 1);
        Sound { red, last, channels }
    }

    /// From now on packets of this payload type are redundant audio.
    pub fn set_red(&mut self, payload_type: u8) {
        self.red = Some(payload_type);
    }

    pub fn push(&mut self, timed: Timed, out: &mut VecDeque<Frame>, counts: &mut Transport) {
        let (place, packet) = (timed.ordered.place, timed.ordered.packet);
        let primary = if Some(packet.payload_type) == self.red {
            let Some(redundant) = red::parse(&packet.payload) else {
                counts.malformed += 1;
                return;
            };
            if place != Place::Next {
                self.recover(timed.pts, &redundant.copies, out, counts);
            }
            redundant.primary
        } else {
            packet.payload
        };
        let (Some(length), Some(toc)) = (opus::length(&primary), Toc::of(&primary)) else {
            counts.malformed += 1;
            return;
        };
        if let Place::AfterLoss(lost) = place {
            self.conceal(timed.pts, lost, out, counts);
        }
        self.put(timed.pts, length, toc, &primary, out);
    }

    /// How many channels the sender used at most; what it announced says nothing (RFC 7587 section 7).
    pub fn channels(&self) -> u32 {
        self.channels
    }

    fn recover(&mut self, pts: i64, copies: &[red::Copy], out: &mut VecDeque<Frame>, counts: &mut Transport) {
        let Some(last) = self.last else { return };
        for copy in copies {
            let (at, length) = (pts - i64::from(copy.earlier), opus::length(&copy.data));
            let (Some(length), Some(toc)) = (length, Toc::of(&copy.data)) else {
                continue;
            };
            let end = at + i64::from(length);
            if at >= last.end && self.last.is_some_and(|last| at >= last.end) && end <= pts {
                counts.recovered += 1;
                self.put(at, length, toc, &copy.data, out);
            }
        }
    }

    fn conceal(&mut self, pts: i64, lost: u64, out: &mut VecDeque<Frame>, counts: &mut Transport) {
        let Some(Last { end, toc }) = self.last else { return };
        let length = toc.frame_length();
        let missing = u64::try_from((pts - end) / i64::from(length.max(1))).unwrap_or(0);
        for index in 0..missing.min(lost).min(MOST_CONCEALED) {
            counts.concealed += 1;
            let at = end + index as i64 * i64::from(length);
            self.put(at, length, toc, &toc.lost(), out);
        }
    }

    fn put(&mut self, pts: i64, length: u32, toc: Toc, data: &[u8], out: &mut VecDeque<Frame>) {
        if toc.is_stereo() {
            self.channels = 2;
        }
        let end = pts + i64::from(length);
        self.last = Some(Last { end, toc });
        out.push_back(Frame {
            codec: Codec::Opus,
            pts,
            duration: i64::from(length),
            importance: Importance::Key,
            rotation: Rotation::None,
            data: Vec::from(data),
        });
    }
}
