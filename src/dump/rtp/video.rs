//! Packets into pictures, and which pictures a decoder may be given.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

use super::{
    Frame,
    av1::Av1Assembler,
    chain::Chain,
    clock::Timed,
    coded::{Coded, Description, Malformed, Standing},
    h264::H264Assembler,
    order::Place,
    packet::RtpPacket,
    sniff,
    vp8::Vp8Assembler,
    vp9::Vp9Assembler,
};
use crate::{
    av::Importance,
    dump::Transport,
    media::{Codec, Rotation},
};

/// No picture of a meeting is larger; more is a sender that never ends one.
const MOST_BYTES: usize = 16 << 20;

/// Gathers pictures from packets in the order of sending.
#[derive(Debug)]
pub struct Pictures {
    format: Format,
    codec: Codec,
    /// What each payload type carries.
    types: BTreeMap<u8, Codec>,
    building: Option<Building>,
    chain: Chain,
    rotation: Rotation,
    /// Timestamps of pictures that came, wholly or in part, but cannot be decoded.
    withheld: Vec<i64>,
}

/// The payload format, with what it has gathered of the current picture.
#[derive(Debug)]
enum Format {
    Vp8(Vp8Assembler),
    Vp9(Vp9Assembler),
    H264(H264Assembler),
    Av1(Av1Assembler),
}

#[derive(Debug)]
struct Building {
    pts: i64,
    state: State,
    bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Whole,
    Damaged,
}

impl Pictures {
    /// `None` for a codec that has no payload format for pictures.
    pub fn new(payload_type: u8, codec: Codec) -> Option<Pictures> {
        Some(Pictures {
            format: Format::new(codec)?,
            codec,
            types: BTreeMap::from([(payload_type, codec)]),
            building: None,
            chain: Chain::default(),
            rotation: Rotation::None,
            withheld: Vec::new(),
        })
    }

    /// Whether packets of this payload type are wanted: a new one is, from a keyframe on.
    pub fn takes(&mut self, payload_type: u8, payload: &Bytes) -> bool {
        if self.types.contains_key(&payload_type) {
            return true;
        }
        let codec = sniff::codec_of(payload);
        self.types.extend(codec.map(|codec| (payload_type, codec)));
        codec.is_some()
    }

    pub fn push(&mut self, timed: Timed, out: &mut VecDeque<Frame>, counts: &mut Transport) {
        let (pts, place, packet) = (timed.pts, timed.ordered.place, timed.ordered.packet);
        self.follow_codec(packet.payload_type, counts);
        self.rotation = packet.rotation.unwrap_or(self.rotation);
        let is_start = self.format.is_start(&packet.payload);
        self.close_before(pts, place, is_start, out, counts);
        let building = self.building.get_or_insert(Building {
            pts,
            state: if is_start { State::Whole } else { State::Damaged },
            bytes: 0,
        });
        building.bytes += packet.payload.len();
        if building.bytes > MOST_BYTES {
            building.state = State::Damaged;
        } else if self.format.add(&packet.payload).is_err() {
            counts.malformed += 1;
            building.state = State::Damaged;
        }
        if self.format.is_end(&packet) {
            self.close(out, counts);
        }
    }

    /// Nothing follows: a picture without its end is as good as one that was cut.
    pub fn finish(&mut self, counts: &mut Transport) {
        if let Some(building) = self.building.take() {
            self.withhold(building.pts, counts);
        }
    }

    pub fn withheld(&self) -> &[i64] {
        &self.withheld
    }

    /// Another codec begins anew: nothing of the old one helps to decode it.
    fn follow_codec(&mut self, payload_type: u8, counts: &mut Transport) {
        let codec = self
            .types
            .get(&payload_type)
            .copied()
            .filter(|codec| *codec != self.codec);
        let Some((codec, format)) = codec.and_then(|codec| Some((codec, Format::new(codec)?))) else {
            return;
        };
        self.finish(counts);
        counts.codec_changes += 1;
        (self.codec, self.format, self.chain) = (codec, format, Chain::default());
    }

    /// Closes the picture before a packet of another one, and notes what was lost between them.
    fn close_before(
        &mut self,
        pts: i64,
        place: Place,
        is_start: bool,
        out: &mut VecDeque<Frame>,
        counts: &mut Transport,
    ) {
        let goes_on = self
            .building
            .as_ref()
            .is_some_and(|building| building.pts == pts && !(is_start && self.format.starts_are_certain()));
        if let Some(building) = self.building.as_mut().filter(|_| place != Place::Next) {
            building.state = State::Damaged;
        }
        if goes_on {
            return;
        }
        if self.building.is_some() {
            self.close(out, counts);
        }
        if place != Place::Next {
            self.format.take();
            self.chain.lost();
        }
    }

    fn close(&mut self, out: &mut VecDeque<Frame>, counts: &mut Transport) {
        let Some(Building { pts, state, .. }) = self.building.take() else {
            return;
        };
        if state == State::Whole && !self.format.holds_picture() {
            return;
        }
        let (Coded { data, standing }, description) = self.format.take();
        if state == State::Damaged {
            self.chain.damaged(&standing);
            return self.withhold(pts, counts);
        }
        if !self.chain.admits(&standing) {
            return self.withhold(pts, counts);
        }
        let importance = if standing == Standing::Key {
            self.chain.place_key(&description);
            Importance::Key
        } else {
            Importance::Delta
        };
        out.push_back(Frame {
            codec: self.codec,
            pts,
            duration: 0,
            importance,
            rotation: self.rotation,
            data,
        });
    }

    fn withhold(&mut self, pts: i64, counts: &mut Transport) {
        counts.withheld += 1;
        self.withheld.push(pts);
    }
}

impl Format {
    fn new(codec: Codec) -> Option<Format> {
        match codec {
            Codec::Vp8 => Some(Format::Vp8(Vp8Assembler::default())),
            Codec::Vp9 => Some(Format::Vp9(Vp9Assembler::default())),
            Codec::H264 => Some(Format::H264(H264Assembler::default())),
            Codec::Av1 => Some(Format::Av1(Av1Assembler::default())),
            Codec::Opus | Codec::Aac => None,
        }
    }

    fn add(&mut self, payload: &Bytes) -> Result<(), Malformed> {
        match self {
            Format::Vp8(assembler) => assembler.add(payload),
            Format::Vp9(assembler) => assembler.add(payload),
            Format::H264(assembler) => assembler.add(payload),
            Format::Av1(assembler) => assembler.add(payload),
        }
    }

    fn take(&mut self) -> (Coded, Description) {
        match self {
            Format::Vp8(assembler) => assembler.take(),
            Format::Vp9(assembler) => assembler.take(),
            Format::H264(assembler) => assembler.take(),
            Format::Av1(assembler) => assembler.take(),
        }
    }

    /// Whether a payload may be the first of a picture.
    fn is_start(&self, payload: &Bytes) -> bool {
        match self {
            Format::Vp8(_) => Vp8Assembler::is_start(payload),
            Format::Vp9(_) => Vp9Assembler::is_start(payload),
            Format::H264(_) => H264Assembler::is_start(payload),
            Format::Av1(_) => Av1Assembler::is_start(payload),
        }
    }

    /// Whether [`Format::is_start`] means that a picture does begin, even at the instant of the one before.
    fn starts_are_certain(&self) -> bool {
        match self {
            Format::Vp8(_) | Format::Vp9(_) => true,
            Format::H264(_) | Format::Av1(_) => false,
        }
    }

    fn is_end(&self, packet: &RtpPacket) -> bool {
        match self {
            Format::Vp9(_) => packet.marker || Vp9Assembler::is_end(&packet.payload),
            Format::Vp8(_) | Format::H264(_) | Format::Av1(_) => packet.marker,
        }
    }

    /// Whether there is something to show in what was gathered.
    fn holds_picture(&self) -> bool {
        match self {
            Format::H264(assembler) => assembler.holds_picture(),
            Format::Vp8(_) | Format::Vp9(_) | Format::Av1(_) => true,
        }
    }
}
