//! VP9 in RTP (RFC 9628). Spatial layers are pictures of their own at the same instant; all of them are taken.

use bytes::Bytes;
use rtc_rtp::{codec::vp9::Vp9Packet, packetizer::Depacketizer};

use super::coded::{
    Below, Coded, Dependence, Description, Importance, Layer, Malformed, PictureId, References, Standing,
};

/// Gathers the packets of one layer of one picture.
#[derive(Debug, Default)]
pub struct Vp9Assembler {
    coded: Coded,
    description: Description,
}

/// The bits of the first byte of a payload that say whether a layer's picture begins or ends with it.
const BEGINS: u8 = 0x08;
const ENDS: u8 = 0x04;

impl Vp9Assembler {
    pub fn add(&mut self, payload: &Bytes) -> Result<(), Malformed> {
        let mut header = Vp9Packet::default();
        let data = header.depacketize(payload).map_err(|_| Malformed)?;
        if self.coded.data.is_empty() {
            self.description = describe(&header, payload);
            self.coded.standing = if header.b && !header.p && is_lowest(&header) {
                Standing::Key
            } else {
                Standing::Described(self.description.clone())
            };
        }
        self.coded.data.extend_from_slice(&data);
        Ok(())
    }

    pub fn take(&mut self) -> (Coded, Description) {
        (std::mem::take(&mut self.coded), std::mem::take(&mut self.description))
    }

    pub fn is_start(payload: &Bytes) -> bool {
        payload.first().is_some_and(|first| first & BEGINS != 0)
    }

    pub fn is_end(payload: &Bytes) -> bool {
        payload.first().is_some_and(|first| first & ENDS != 0)
    }
}

/// Whether a payload is the beginning of a keyframe (VP9 bitstream specification, section 7.2).
pub fn is_keyframe(payload: &Bytes) -> bool {
    let mut header = Vp9Packet::default();
    let Ok(data) = header.depacketize(payload) else {
        return false;
    };
    // frame marker 10, then a profile below 3, no existing frame shown, type key; then the sync code
    let is_key = |first: u8| first & 0b1100_1100 == 0b1000_0000 && first & 0b0011_0000 != 0b0011_0000;
    header.b && !header.p && data.len() > 4 && is_key(data[0]) && data[1..4] == [0x49, 0x83, 0x42]
}

fn is_lowest(header: &Vp9Packet) -> bool {
    !header.l || header.sid == 0
}

fn describe(header: &Vp9Packet, payload: &Bytes) -> Description {
    let is_long = payload.get(1).is_some_and(|first| first & 0x80 != 0);
    let picture = PictureId {
        value: header.picture_id,
        modulus: if is_long { 1 << 15 } else { 1 << 7 },
    };
    let layer = Layer {
        temporal: header.tid,
        base_index: header.tl0picidx,
        dependence: if header.u {
            Dependence::Base
        } else {
            Dependence::OwnLayer
        },
    };
    // without a word on references, a higher spatial layer's are not known: then only a whole chain will do
    let references = References {
        distances: header.pdiff.clone(),
        spatial: header.sid,
        below: if header.d { Below::Needed } else { Below::NotNeeded },
    };
    Description {
        picture: header.i.then_some(picture),
        layer: (header.l && !header.f && header.sid == 0).then_some(layer),
        importance: Importance::Reference,
        references: (header.i && header.f).then_some(references),
    }
}
