//! VP8 in RTP (RFC 7741).

use bytes::Bytes;
use rtc_rtp::{codec::vp8::Vp8Packet, packetizer::Depacketizer};

use super::coded::{Coded, Dependence, Description, Importance, Layer, Malformed, PictureId, Standing};

/// Gathers the packets of one picture.
#[derive(Debug, Default)]
pub struct Vp8Assembler {
    coded: Coded,
    description: Description,
}

/// The crate takes no payload shorter than this, though the shortest that the format allows has two bytes.
const CRATE_MINIMUM: usize = 4;

impl Vp8Assembler {
    pub fn add(&mut self, payload: &Bytes) -> Result<(), Malformed> {
        let (header, data) = parse(payload)?;
        if self.coded.data.is_empty() {
            self.description = describe(&header, payload);
            let is_key = starts_picture(&header) && data.first().is_some_and(|first| first & 1 == 0);
            self.coded.standing = if is_key {
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
        parse(payload).is_ok_and(|(header, _)| starts_picture(&header))
    }
}

/// Whether a payload is the beginning of a keyframe (RFC 6386 section 9.1).
pub fn is_keyframe(payload: &Bytes) -> bool {
    parse(payload).is_ok_and(|(header, data)| {
        starts_picture(&header) && data.len() >= 10 && data[0] & 1 == 0 && data[3..6] == [0x9d, 0x01, 0x2a]
    })
}

fn parse(payload: &Bytes) -> Result<(Vp8Packet, Bytes), Malformed> {
    let mut header = Vp8Packet::default();
    if payload.len() >= CRATE_MINIMUM {
        let data = header.depacketize(payload).map_err(|_| Malformed)?;
        return Ok((header, data));
    }
    let mut padded = payload.to_vec();
    padded.resize(CRATE_MINIMUM, 0);
    let data = header.depacketize(&Bytes::from(padded)).map_err(|_| Malformed)?;
    let length = (data.len() + payload.len())
        .checked_sub(CRATE_MINIMUM)
        .filter(|length| *length > 0);
    Ok((header, data.slice(..length.ok_or(Malformed)?)))
}

fn starts_picture(header: &Vp8Packet) -> bool {
    header.s == 1 && header.pid == 0
}

fn describe(header: &Vp8Packet, payload: &Bytes) -> Description {
    let is_long = payload.get(2).is_some_and(|first| first & 0x80 != 0);
    let picture = PictureId {
        value: header.picture_id,
        modulus: if is_long { 1 << 15 } else { 1 << 7 },
    };
    let layer = Layer {
        temporal: header.tid,
        base_index: header.tl0_pic_idx,
        dependence: if header.y == 1 {
            Dependence::Base
        } else {
            Dependence::OwnLayer
        },
    };
    Description {
        picture: (header.i == 1).then_some(picture),
        layer: (header.l == 1 && header.t == 1).then_some(layer),
        importance: if header.n == 1 {
            Importance::Discardable
        } else {
            Importance::Reference
        },
        references: None,
    }
}
