//! H.264 in RTP (RFC 6184): single NAL units, STAP-A and FU-A, into the byte stream of Annex B.

use bytes::Bytes;
use rtc_rtp::{codec::h264, packetizer::Depacketizer};

use super::coded::{Coded, Description, Malformed, Standing};

const START_CODE: &[u8] = &[0, 0, 0, 1];
const SLICE: std::ops::RangeInclusive<u8> = 1..=5;
const KEY_SLICE: u8 = 5;
/// A parameter set larger than this is none.
const MOST_PARAMETERS: usize = 4096;

/// Gathers the packets of one picture; remembers parameter sets for keyframes that come without.
#[derive(Debug, Default)]
pub struct H264Assembler {
    parser: h264::H264Packet,
    data: Vec<u8>,
    seen: Seen,
    sequence_parameters: Option<Bytes>,
    picture_parameters: Option<Bytes>,
}

/// What the current picture holds.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    slices: u32,
    key_slices: u32,
    sequence_parameters: u32,
    picture_parameters: u32,
}

impl H264Assembler {
    pub fn add(&mut self, payload: &Bytes) -> Result<(), Malformed> {
        for unit in units(payload)? {
            self.note(&unit);
        }
        let data = self.parser.depacketize(payload).map_err(|_| Malformed)?;
        self.data.extend_from_slice(&data);
        Ok(())
    }

    /// Parameter sets that were sent as a picture of their own wait for the picture that follows.
    pub fn holds_picture(&self) -> bool {
        self.seen.slices > 0
    }

    pub fn take(&mut self) -> (Coded, Description) {
        self.parser = h264::H264Packet::default();
        let (seen, data) = (std::mem::take(&mut self.seen), std::mem::take(&mut self.data));
        let coded = match self.missing_parameters(seen) {
            Some(parameters) if seen.key_slices > 0 => Coded {
                data: [parameters, data].concat(),
                standing: Standing::Key,
            },
            _ => Coded {
                data,
                standing: Standing::Unknown,
            },
        };
        (coded, Description::default())
    }

    /// Anything but a later part of a unit may be the first packet of a picture.
    pub fn is_start(payload: &Bytes) -> bool {
        h264::H264Packet::default().is_partition_head(payload)
    }

    fn note(&mut self, unit: &Unit) {
        match unit.kind {
            h264::SPS_NALU_TYPE => {
                self.seen.sequence_parameters += 1;
                self.sequence_parameters = unit.whole.clone().or(self.sequence_parameters.take());
            }
            h264::PPS_NALU_TYPE => {
                self.seen.picture_parameters += 1;
                self.picture_parameters = unit.whole.clone().or(self.picture_parameters.take());
            }
            kind if SLICE.contains(&kind) => {
                self.seen.slices += 1;
                self.seen.key_slices += u32::from(kind == KEY_SLICE);
            }
            _ => {}
        }
    }

    /// What has to be put before the picture to make it a beginning; `None` if that was never sent.
    fn missing_parameters(&self, seen: Seen) -> Option<Vec<u8>> {
        let (sps, pps) = (self.sequence_parameters.as_ref()?, self.picture_parameters.as_ref()?);
        let both = [(seen.sequence_parameters, sps), (seen.picture_parameters, pps)];
        let missing = both.into_iter().filter(|(seen, _)| *seen == 0);
        Some(missing.flat_map(|(_, unit)| [START_CODE, unit].concat()).collect())
    }
}

/// Whether a payload holds a sequence parameter set of a profile that exists (H.264 annex A).
pub fn has_sequence_parameters(payload: &Bytes) -> bool {
    const PROFILES: [u8; 7] = [66, 77, 88, 100, 110, 122, 244];
    let is_one = |unit: &Unit| {
        let profile = unit.whole.as_ref().and_then(|bytes| bytes.get(1));
        unit.kind == h264::SPS_NALU_TYPE && profile.is_some_and(|profile| PROFILES.contains(profile))
    };
    units(payload).is_ok_and(|units| units.iter().any(is_one))
}

/// A NAL unit that begins in a payload.
struct Unit {
    kind: u8,
    /// Its bytes, if it is wholly in this packet and small enough to be remembered.
    whole: Option<Bytes>,
}

/// The units that begin in a payload. Lengths are checked here, since the crate trusts those of a STAP-A.
fn units(payload: &Bytes) -> Result<Vec<Unit>, Malformed> {
    let first = *payload.first().ok_or(Malformed)?;
    if first & 0x80 != 0 {
        return Err(Malformed);
    }
    match first & h264::NALU_TYPE_BITMASK {
        h264::STAPA_NALU_TYPE => aggregated(payload),
        h264::FUA_NALU_TYPE => {
            let header = *payload.get(1).ok_or(Malformed)?;
            let (kind, begins) = (header & h264::NALU_TYPE_BITMASK, header & h264::FU_START_BITMASK != 0);
            Ok(if begins {
                vec![Unit { kind, whole: None }]
            } else {
                Vec::new()
            })
        }
        kind @ 1..=23 => Ok(vec![unit(kind, payload.clone())]),
        _ => Err(Malformed),
    }
}

fn aggregated(payload: &Bytes) -> Result<Vec<Unit>, Malformed> {
    let (mut units, mut rest) = (Vec::new(), payload.slice(h264::STAPA_HEADER_SIZE..));
    while !rest.is_empty() {
        let [high, low] = *rest.get(..2).ok_or(Malformed)? else {
            return Err(Malformed);
        };
        let end = 2 + usize::from(u16::from_be_bytes([high, low]));
        let bytes = rest.get(2..end).ok_or(Malformed)?;
        let kind = bytes.first().ok_or(Malformed)? & h264::NALU_TYPE_BITMASK;
        units.push(unit(kind, rest.slice_ref(bytes)));
        rest = rest.slice(end..);
    }
    Ok(units)
}

fn unit(kind: u8, bytes: Bytes) -> Unit {
    let whole = (bytes.len() <= MOST_PARAMETERS).then_some(bytes);
    Unit { kind, whole }
}
