//! Packets into pictures, and which pictures a decoder may be given.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{
    Frame,
    chain::Chain,
    clock::Timed,
    coded::{Coded, Description, Malformed, Standing},
    h264::H264Assembler,
    order::Place,
    vp8::Vp8Assembler,
};
use crate::{av::Importance, dump::Transport, media::Rotation};

/// No picture of a meeting is larger; more is a sender that never ends one.
const MOST_BYTES: usize = 16 << 20;

/// Gathers pictures from packets in the order of sending.
#[derive(Debug)]
pub struct Pictures {
    format: Format,
    building: Option<Building>,
    chain: Chain,
    rotation: Rotation,
    /// Timestamps of pictures that came, wholly or in part, but cannot be decoded.
    withheld: Vec<i64>,
}

/// The payload format, with what it has gathered of the current picture.
#[derive(Debug)]
pub enum Format {
    Vp8(Vp8Assembler),
    H264(H264Assembler),
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
    pub fn new(format: Format) -> Pictures {
        Pictures {
            format,
            building: None,
            chain: Chain::default(),
            rotation: Rotation::None,
            withheld: Vec::new(),
        }
    }

    pub fn push(&mut self, timed: Timed, out: &mut VecDeque<Frame>, counts: &mut Transport) {
        let (pts, place, packet) = (timed.pts, timed.ordered.place, timed.ordered.packet);
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
        if self.format.is_end(&packet.payload, packet.marker) {
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
        if place != Place::Next {
            if let Some(building) = &mut self.building {
                building.state = State::Damaged;
            }
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
    fn add(&mut self, payload: &Bytes) -> Result<(), Malformed> {
        match self {
            Format::Vp8(assembler) => assembler.add(payload),
            Format::H264(assembler) => assembler.add(payload),
        }
    }

    fn take(&mut self) -> (Coded, Description) {
        match self {
            Format::Vp8(assembler) => assembler.take(),
            Format::H264(assembler) => assembler.take(),
        }
    }

    /// Whether a payload may be the first of a picture.
    fn is_start(&self, payload: &Bytes) -> bool {
        match self {
            Format::Vp8(_) => Vp8Assembler::is_start(payload),
            Format::H264(_) => H264Assembler::is_start(payload),
        }
    }

    /// Whether [`Format::is_start`] means that a picture does begin, even at the instant of the one before.
    fn starts_are_certain(&self) -> bool {
        match self {
            Format::Vp8(_) => true,
            Format::H264(_) => false,
        }
    }

    fn is_end(&self, _payload: &Bytes, marker: bool) -> bool {
        marker
    }

    /// Whether there is something to show in what was gathered.
    fn holds_picture(&self) -> bool {
        match self {
            Format::Vp8(_) => true,
            Format::H264(assembler) => assembler.holds_picture(),
        }
    }
}
