//! Redundant audio (RFC 2198): a packet that carries copies of earlier ones.

use bytes::Bytes;

const MORE_FOLLOW: u8 = 0x80;
const BLOCK_HEADER: usize = 4;

/// A packet and the copies it carries, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redundant {
    pub payload_type: u8,
    pub primary: Bytes,
    pub copies: Vec<Copy>,
}

/// A copy of what was sent so much earlier, in units of the clock rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    pub earlier: u32,
    pub data: Bytes,
}

/// `None` if the payload is not built like this, with one payload type throughout.
pub fn parse(payload: &Bytes) -> Option<Redundant> {
    let mut headers = Vec::new();
    let mut rest = payload.clone();
    let payload_type = payload.first()? & !MORE_FOLLOW;
    loop {
        let first = *rest.first()?;
        if first & !MORE_FOLLOW != payload_type {
            return None;
        }
        if first & MORE_FOLLOW == 0 {
            rest = rest.slice(1..);
            break;
        }
        let &[_, high, middle, low] = rest.get(..BLOCK_HEADER)? else {
            return None;
        };
        let earlier = u32::from(high) << 6 | u32::from(middle >> 2);
        headers.push((earlier, usize::from(middle & 0b11) << 8 | usize::from(low)));
        rest = rest.slice(BLOCK_HEADER..);
    }
    let mut copies = Vec::with_capacity(headers.len());
    for (earlier, length) in headers {
        let data = rest.slice_ref(rest.get(..length)?);
        rest = rest.slice(length..);
        // senders leave blocks empty for what they did not send
        if !data.is_empty() {
            copies.push(Copy { earlier, data });
        }
    }
    let primary = rest;
    Some(Redundant {
        payload_type,
        primary,
        copies,
    })
}
