//! Sender reports out of RTCP (RFC 3550 section 6.4.1): the sender's wall clock against its RTP clock.

use crate::{media::WallTime, session::SenderReport};

const SENDER_REPORT: u8 = 200;
/// Version 2, in the upper two bits.
const VERSION: u8 = 0b10;
const NTP_TO_UNIX: i64 = 2_208_988_800;
/// NTP's seconds wrap in 2036; those in the lower half are of the era after that (RFC 4330 section 3).
const NTP_ERA: i64 = 1 << 32;

/// The sender reports of a compound packet, each with its source. Ends where the packet stops making sense.
pub fn sender_reports(mut packet: &[u8]) -> Vec<(u32, SenderReport)> {
    let mut found = Vec::new();
    while let [first, kind, high, low, ..] = *packet {
        let length = 4 * (usize::from(u16::from_be_bytes([high, low])) + 1);
        let (Some(part), true) = (packet.get(..length), first >> 6 == VERSION) else {
            break;
        };
        if kind == SENDER_REPORT {
            found.extend(report(part));
        }
        packet = &packet[length..];
    }
    found
}

fn report(part: &[u8]) -> Option<(u32, SenderReport)> {
    let word = |index: usize| Some(u32::from_be_bytes(part.get(4 * index..4 * index + 4)?.try_into().ok()?));
    let (source, seconds, fraction, rtp) = (word(1)?, word(2)?, word(3)?, word(4)?);
    // a sender without a wall clock says zero
    let ntp = wall_time(seconds, fraction).filter(|_| (seconds, fraction) != (0, 0))?;
    Some((source, SenderReport { ntp, rtp }))
}

fn wall_time(seconds: u32, fraction: u32) -> Option<WallTime> {
    let era = if seconds >> 31 == 0 { NTP_ERA } else { 0 };
    let seconds = i64::from(seconds) + era - NTP_TO_UNIX;
    let nanos = (u64::from(fraction) * 1_000_000_000) >> 32;
    Some(WallTime::from_unix_nanos(
        seconds.checked_mul(1_000_000_000)?.checked_add(nanos as i64)?,
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compound() -> Vec<u8> {
        let receiver_report = [0x80, 201, 0, 1, 0, 0, 0, 9];
        let mut packet = receiver_report.to_vec();
        packet.extend([0x80, 200, 0, 6, 0, 0, 0, 7]);
        packet.extend(3_989_520_000u32.to_be_bytes());
        packet.extend(0x8000_0000u32.to_be_bytes());
        packet.extend(90_000u32.to_be_bytes());
        packet.extend([0; 8]);
        packet
    }

    #[test]
    fn reports_are_found_in_a_compound_packet() {
        let ntp = WallTime::from_unix_nanos(1_780_531_200_500_000_000);
        assert_eq!(sender_reports(&compound()), [(7, SenderReport { ntp, rtp: 90_000 })]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..80), cut in 0usize..40) {
            sender_reports(&bytes);
            prop_assert!(sender_reports(&compound()[..cut.min(35)]).len() <= 1);
        }
    }
}
