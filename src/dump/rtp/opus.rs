//! Opus packets: how long one lasts, and one that stands for a lost one (RFC 6716 section 3).

use crate::media::SAMPLE_RATE;

/// No packet lasts longer (RFC 6716 section 3.2.5).
const LONGEST: u32 = SAMPLE_RATE * 120 / 1000;

/// The first byte of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Toc(u8);

impl Toc {
    pub fn of(packet: &[u8]) -> Option<Toc> {
        packet.first().copied().map(Toc)
    }

    /// Samples in each of the packet's frames.
    pub fn frame_length(self) -> u32 {
        let micros: u32 = match self.0 >> 3 {
            silk @ 0..=11 => [10_000, 20_000, 40_000, 60_000][usize::from(silk & 3)],
            hybrid @ 12..=15 => [10_000, 20_000][usize::from(hybrid & 1)],
            celt => [2_500, 5_000, 10_000, 20_000][usize::from(celt & 3)],
        };
        SAMPLE_RATE / 1000 * micros / 1000
    }

    pub fn is_stereo(self) -> bool {
        self.0 & 0b100 != 0
    }

    /// A packet with one frame of no bytes, which a decoder takes for a lost one and conceals (section 3.2.1).
    pub fn lost(self) -> [u8; 1] {
        [self.0 & !0b11]
    }
}

/// Samples in a packet; `None` if it is not Opus.
pub fn length(packet: &[u8]) -> Option<u32> {
    let toc = Toc::of(packet)?;
    let frames = match toc.0 & 0b11 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(packet.get(1)? & 0b11_1111),
    };
    let length = frames * toc.frame_length();
    (1..=LONGEST).contains(&length).then_some(length)
}
