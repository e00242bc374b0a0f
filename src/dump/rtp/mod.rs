//! A stream of RTP packets turned into frames for a decoder, with an account of what happened to it on the way.
//!
//! ```text
//! records ─▶ order ─▶ clock ─▶ pictures or sound ─▶ frames
//!        (as sent)  (media time)     └ receipts
//! ```

mod audio;
mod av1;
mod chain;
mod clock;
mod coded;
mod h264;
mod opus;
mod order;
mod packet;
mod receipts;
mod red;
mod sniff;
#[cfg(test)]
mod tests;
mod video;
mod vp8;
mod vp9;

use std::collections::{BTreeSet, VecDeque};

use self::{
    audio::Sound,
    clock::{MediaClock, Timed},
    order::{Ordered, Place, Reorder},
    receipts::ReceiptLog,
    video::Pictures,
};
use super::Transport;
use crate::{
    av::Importance,
    media::{Codec, Receipts, Rotation, TimeBase, WallTime},
};

pub use packet::RtpPacket;
pub use sniff::settings;

/// A track changes its source a few times at most.
const MOST_SOURCES: usize = 64;

/// What has to be known of a stream before its first packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamSettings {
    pub codec: Codec,
    pub payload_type: u8,
    /// The payload type of redundant audio (RFC 2198), if there is any.
    pub red: Option<u8>,
}

/// A coded frame; times are in units of [`time_base`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub codec: Codec,
    pub pts: i64,
    /// Zero where it is not known: a picture lasts until the next one.
    pub duration: i64,
    pub importance: Importance,
    pub rotation: Rotation,
    pub data: Vec<u8>,
}

/// What a stream's packets say beside their frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub transport: Transport,
    pub receipts: Receipts,
    /// Timestamps of pictures that came but cannot be decoded.
    pub withheld: Vec<i64>,
    pub channels: u32,
}

/// Takes packets as they were received, gives frames in decoding order.
#[derive(Debug)]
pub struct Stream {
    settings: StreamSettings,
    reorder: Reorder,
    clock: MediaClock,
    log: ReceiptLog,
    media: Media,
    counts: Transport,
    sources: BTreeSet<u32>,
    /// Loss before packets that were passed over counts for the one that follows them.
    pending: Place,
    timed: VecDeque<Timed>,
    frames: VecDeque<Frame>,
}

#[derive(Debug)]
enum Media {
    Pictures(Box<Pictures>),
    Sound(Sound),
}

/// The unit of the timestamps of a codec's frames.
pub fn time_base(codec: Codec) -> TimeBase {
    let rate = match codec {
        Codec::Vp8 | Codec::Vp9 | Codec::H264 | Codec::Av1 => 90_000,
        Codec::Opus | Codec::Aac => 48_000,
    };
    TimeBase::new(1, rate).expect("both parts are positive")
}

impl Stream {
    /// `None` for a codec that has no payload format here.
    pub fn new(settings: StreamSettings) -> Option<Stream> {
        let media = match settings.codec {
            Codec::Vp8 | Codec::Vp9 | Codec::H264 | Codec::Av1 => {
                Media::Pictures(Box::new(Pictures::new(settings.payload_type, settings.codec)?))
            }
            Codec::Opus => Media::Sound(Sound::new(settings.red)),
            Codec::Aac => return None,
        };
        let time_base = time_base(settings.codec);
        Some(Stream {
            settings,
            reorder: Reorder::default(),
            clock: MediaClock::new(settings.codec, time_base),
            log: ReceiptLog::new(time_base),
            media,
            counts: Transport::default(),
            sources: BTreeSet::new(),
            pending: Place::Restart,
            timed: VecDeque::new(),
            frames: VecDeque::new(),
        })
    }

    /// The next packet of the file; `None` for bytes that are no RTP packet.
    pub fn push(&mut self, packet: Option<RtpPacket>) {
        let Some(packet) = packet else {
            self.counts.malformed += 1;
            return;
        };
        self.counts.packets += 1;
        self.reorder.push(packet, &mut self.counts);
        self.advance();
    }

    /// The file has ended.
    pub fn finish(&mut self) {
        self.reorder.finish(&mut self.counts);
        self.advance();
        self.clock.finish(&mut self.timed, &mut self.counts);
        self.advance();
        if let Media::Pictures(pictures) = &mut self.media {
            pictures.finish(&mut self.counts);
        }
    }

    /// The next frame, as far as it is known by now.
    pub fn pop(&mut self) -> Option<Frame> {
        self.frames.pop_front()
    }

    /// The sources that the stream's packets came from.
    pub fn sources(&self) -> &BTreeSet<u32> {
        &self.sources
    }

    /// What was found so far; whole once the file has ended. `since` is what its times of receipt count from.
    pub fn facts(&self, since: Option<WallTime>) -> Facts {
        let (points, breaks) = self.log.found();
        let receipts = Receipts {
            since,
            points,
            breaks,
            epochs: self.clock.epochs().to_vec(),
        };
        let (withheld, channels) = match &self.media {
            Media::Pictures(pictures) => (pictures.withheld().to_vec(), 0),
            Media::Sound(sound) => (Vec::new(), sound.channels()),
        };
        Facts {
            transport: self.counts,
            receipts,
            withheld,
            channels,
        }
    }

    fn advance(&mut self) {
        while let Some(ordered) = self.reorder.pop() {
            if let Some(ordered) = self.wanted(ordered) {
                self.clock.push(ordered, &mut self.timed, &mut self.counts);
            }
        }
        while let Some(timed) = self.timed.pop_front() {
            self.log.note(&timed);
            if self.sources.len() < MOST_SOURCES {
                self.sources.insert(timed.ordered.packet.ssrc);
            }
            match &mut self.media {
                Media::Pictures(pictures) => pictures.push(timed, &mut self.frames, &mut self.counts),
                Media::Sound(sound) => sound.push(timed, &mut self.frames, &mut self.counts),
            }
        }
    }

    /// Whether a packet's payload is of the track. A new payload type is taken up where it shows what it is.
    fn is_known(&mut self, packet: &RtpPacket) -> bool {
        let (own, payload_type) = (self.settings, packet.payload_type);
        if payload_type == own.payload_type || Some(payload_type) == own.red {
            return true;
        }
        match &mut self.media {
            Media::Pictures(pictures) => pictures.takes(payload_type, &packet.payload),
            Media::Sound(sound) => {
                let is_red = sniff::is_red_around(own.payload_type, &packet.payload);
                if is_red {
                    self.settings.red = Some(payload_type);
                    sound.set_red(payload_type);
                }
                is_red
            }
        }
    }

    /// Padding and packets of another kind fill their place in the sequence and are passed over.
    fn wanted(&mut self, mut ordered: Ordered) -> Option<Ordered> {
        self.pending = self.pending.and_then(ordered.place);
        if ordered.packet.payload.is_empty() {
            return None;
        }
        if !self.is_known(&ordered.packet) {
            self.counts.foreign += 1;
            return None;
        }
        ordered.place = std::mem::replace(&mut self.pending, Place::Next);
        Some(ordered)
    }
}
