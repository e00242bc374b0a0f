//! AV1 in RTP: open bitstream units, some of them in pieces, into temporal units (AV1 RTP specification, section 4).

use bytes::Bytes;
use rtc_rtp::{codec::av1::Av1Depacketizer, packetizer::Depacketizer};

use super::coded::{Coded, Description, Malformed, Standing};

const CONTINUES: u8 = 0x80;
const NEW_SEQUENCE: u8 = 0x08;
const RESERVED: u8 = 0x07;
const SEQUENCE_HEADER: u8 = 1;
const HAS_EXTENSION: u8 = 0x04;

/// Gathers the packets of one temporal unit.
#[derive(Debug, Default)]
pub struct Av1Assembler {
    parser: Av1Depacketizer,
    coded: Coded,
}

impl Av1Assembler {
    pub fn add(&mut self, payload: &Bytes) -> Result<(), Malformed> {
        for element in elements(payload)? {
            // a header that promises a second byte and has none: the crate trusts it
            if element.len() == 1 && element[0] & HAS_EXTENSION != 0 {
                return Err(Malformed);
            }
        }
        if has_sequence_header(payload) {
            self.coded.standing = Standing::Key;
        }
        let data = self.parser.depacketize(payload).map_err(|_| Malformed)?;
        self.coded.data.extend_from_slice(&data);
        Ok(())
    }

    pub fn take(&mut self) -> (Coded, Description) {
        self.parser = Av1Depacketizer::new();
        (std::mem::take(&mut self.coded), Description::default())
    }

    pub fn is_start(payload: &Bytes) -> bool {
        payload.first().is_some_and(|first| first & CONTINUES == 0)
    }
}

/// Whether a payload says that it begins a new sequence, and does so with a sequence header.
pub fn begins_sequence(payload: &Bytes) -> bool {
    let says_so = payload
        .first()
        .is_some_and(|first| first & (CONTINUES | NEW_SEQUENCE | RESERVED) == NEW_SEQUENCE);
    let begins = |elements: Vec<Bytes>| elements.first().is_some_and(is_sequence_header);
    says_so && elements(payload).is_ok_and(begins)
}

/// Senders put a sequence header before keyframes and nowhere else.
fn has_sequence_header(payload: &Bytes) -> bool {
    elements(payload).is_ok_and(|elements| elements.iter().any(is_sequence_header))
}

fn is_sequence_header(element: &Bytes) -> bool {
    element
        .first()
        .is_some_and(|first| first >> 3 & 0b1111 == SEQUENCE_HEADER)
}

/// The units, or first parts of units, that begin in a payload.
fn elements(payload: &Bytes) -> Result<Vec<Bytes>, Malformed> {
    let first = *payload.first().ok_or(Malformed)?;
    let count = usize::from(first >> 4 & 0b11);
    let (mut found, mut rest) = (Vec::new(), payload.slice(1..));
    let mut index = 0;
    while !rest.is_empty() {
        index += 1;
        let length = if index == count {
            rest.len()
        } else {
            take_length(&mut rest)?
        };
        let element = rest.slice_ref(rest.get(..length).ok_or(Malformed)?);
        rest = rest.slice(length..);
        if index > 1 || first & CONTINUES == 0 {
            found.push(element);
        }
        if index == count && !rest.is_empty() {
            return Err(Malformed);
        }
    }
    Ok(found)
}

/// A LEB128 number, as long as it fits 28 bits: no packet holds more.
fn take_length(rest: &mut Bytes) -> Result<usize, Malformed> {
    let mut length = 0;
    for (index, byte) in rest.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            *rest = rest.slice(index + 1..);
            return Ok(length);
        }
    }
    Err(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sequence header of three bytes and a frame of four, whole and in pieces.
    #[test]
    fn units_are_joined_and_get_their_sizes() {
        let frame = [0x30, 1, 2, 3];
        let whole: &[&[u8]] = &[&[0x28, 3, 0x08, 7, 7, 0x30, 1, 2, 3]];
        let pieces: &[&[u8]] = &[&[0x48, 3, 0x08, 7, 7, 2, 0x30, 1], &[0x90, 2, 3]];
        for packets in [whole, pieces] {
            let mut assembler = Av1Assembler::default();
            for packet in packets {
                assembler.add(&Bytes::from_static(packet)).unwrap();
            }
            let (coded, _) = assembler.take();
            assert_eq!(
                coded.data,
                [&[0x0a, 2, 7, 7][..], &[frame[0] | 2, 3], &frame[1..]].concat()
            );
            assert_eq!(coded.standing, Standing::Key);
            assert!(begins_sequence(&Bytes::from_static(packets[0])));
        }
    }

    #[test]
    fn lying_lengths_are_refused() {
        // a header that promises an extension, lengths past the end, more than was counted
        for payload in [
            &[0x10, 0x36][..],
            &[0x00, 9, 0x30],
            &[0x20, 0xff, 0xff, 0xff, 0xff, 1],
            &[0x20],
        ] {
            let added = Av1Assembler::default().add(&Bytes::from_static(payload));
            assert_eq!(added, Err(Malformed), "{payload:?} was taken");
        }
    }
}
