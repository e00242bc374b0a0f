//! One RTP packet, reduced to what matters here.

use bytes::Bytes;
use rtc_rtp::Packet as Parsed;
use rtc_shared::marshal::Unmarshal;

use crate::media::{Rotation, TimeDelta};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtpPacket {
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload_type: u8,
    /// The last packet of a picture.
    pub marker: bool,
    /// Without padding; empty for a packet that is only padding.
    pub payload: Bytes,
    pub rotation: Option<Rotation>,
    /// When it was received, counted from the start of the dump.
    pub after: Option<TimeDelta>,
}

impl RtpPacket {
    /// `orientation` is the id of the header extension that carries the video orientation. `None` if it is not RTP.
    pub fn parse(bytes: Bytes, after: Option<TimeDelta>, orientation: Option<u8>) -> Option<RtpPacket> {
        if is_rtcp(&bytes) {
            return None;
        }
        let Parsed { header, payload } = Parsed::unmarshal(&mut bytes.clone()).ok()?;
        if header.version != 2 {
            return None;
        }
        let extension = orientation.and_then(|id| header.extensions.iter().find(|extension| extension.id == id));
        let rotation = extension.and_then(|extension| extension.payload.first().copied());
        Some(RtpPacket {
            sequence: header.sequence_number,
            timestamp: header.timestamp,
            ssrc: header.ssrc,
            payload_type: header.payload_type,
            marker: header.marker,
            payload,
            rotation: rotation.map(Rotation::from_video_orientation),
            after,
        })
    }
}

/// RTCP that shares a port with RTP is told by its packet type (RFC 5761 section 4).
fn is_rtcp(bytes: &Bytes) -> bool {
    bytes.get(1).is_some_and(|kind| (192..=223).contains(kind))
}
