//! Coded frames cut into RTP payloads, as browsers do it.

use tessera::media::Codec;

/// Largest payload of a packet.
const PAYLOAD: usize = 1100;

/// The payloads of one frame; `picture` counts frames.
pub fn payloads(codec: Codec, picture: u16, data: &[u8]) -> Vec<Vec<u8>> {
    match codec {
        Codec::Opus => vec![data.to_vec()],
        Codec::Vp8 => vp8(picture, data),
        Codec::Vp9 => vp9(picture, data),
        Codec::H264 => h264(data),
        other => panic!("the generator does not packetize {other}"),
    }
}

/// RFC 7741, with picture ids of 15 bits.
fn vp8(picture: u16, data: &[u8]) -> Vec<Vec<u8>> {
    let [high, low] = picture.to_be_bytes();
    let descriptor = |part| [if part == 0 { 0x90 } else { 0x80 }, 0x80, 0x80 | high, low];
    let parts = data.chunks(PAYLOAD).enumerate();
    parts
        .map(|(part, bytes)| [&descriptor(part)[..], bytes].concat())
        .collect()
}

/// RFC 9628, with picture ids of 15 bits.
fn vp9(picture: u16, data: &[u8]) -> Vec<Vec<u8>> {
    let (last, [high, low]) = (data.len().div_ceil(PAYLOAD) - 1, picture.to_be_bytes());
    // profile 0 keyframes have their type and show bits clear below the frame marker
    let predicted = if data[0] & 0b1111_1100 == 0b1000_0000 { 0 } else { 0x40 };
    let edges = |part| if part == 0 { 0x08 } else { 0 } | if part == last { 0x04 } else { 0 };
    let descriptor = |part| [0x80 | predicted | edges(part), 0x80 | high, low];
    let parts = data.chunks(PAYLOAD).enumerate();
    parts
        .map(|(part, bytes)| [&descriptor(part)[..], bytes].concat())
        .collect()
}

/// RFC 6184: parameter sets together (STAP-A), slices whole or in parts (FU-A).
fn h264(data: &[u8]) -> Vec<Vec<u8>> {
    let (mut sets, mut slices) = (vec![0x78], Vec::new());
    for unit in units(data) {
        match unit[0] & 0x1f {
            7 | 8 => {
                sets.extend((unit.len() as u16).to_be_bytes());
                sets.extend(unit);
            }
            1 | 5 if unit.len() <= PAYLOAD => slices.push(unit.to_vec()),
            1 | 5 => slices.extend(fragments(unit)),
            _ => {}
        }
    }
    if sets.len() > 1 {
        slices.insert(0, sets);
    }
    slices
}

fn fragments(unit: &[u8]) -> Vec<Vec<u8>> {
    let parts: Vec<&[u8]> = unit[1..].chunks(PAYLOAD).collect();
    let last = parts.len() - 1;
    let edges = |part| if part == 0 { 0x80 } else { 0 } | if part == last { 0x40 } else { 0 };
    let header = |part| [unit[0] & 0x60 | 28, unit[0] & 0x1f | edges(part)];
    let parts = parts.into_iter().enumerate();
    parts.map(|(part, bytes)| [&header(part)[..], bytes].concat()).collect()
}

/// The NAL units of a byte stream (H.264 annex B).
pub fn units(data: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> = (0..data.len().saturating_sub(2))
        .filter(|at| data[*at..].starts_with(&[0, 0, 1]))
        .collect();
    let ends = starts.iter().skip(1).copied().chain([data.len()]);
    let unit = |(start, end): (&usize, usize)| {
        let unit = &data[start + 3..end];
        // the zero before a start code of four bytes
        unit.strip_suffix(&[0]).unwrap_or(unit)
    };
    starts.iter().zip(ends).map(unit).collect()
}
