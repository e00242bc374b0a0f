//! Whole streams of hand-made packets: what must not matter, and what must be told.

mod pictures;
mod sound;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::media::TimeDelta;

const VIDEO: StreamSettings = StreamSettings {
    codec: Codec::Vp8,
    payload_type: 96,
    red: None,
};
const SOUND: StreamSettings = StreamSettings {
    codec: Codec::Opus,
    payload_type: 111,
    red: None,
};
/// A VP8 keyframe's tag and start code, and an interframe's tag.
const KEY: &[u8] = &[0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 48, 0];
const DELTA: &[u8] = &[0x11, 0, 0, 7];

fn run(settings: StreamSettings, packets: &[RtpPacket]) -> (Vec<Frame>, Facts) {
    let mut stream = Stream::new(settings).unwrap();
    let mut frames = Vec::new();
    for packet in packets {
        stream.push(Some(packet.clone()));
        frames.extend(std::iter::from_fn(|| stream.pop()));
    }
    stream.finish();
    frames.extend(std::iter::from_fn(|| stream.pop()));
    (frames, stream.facts(None))
}

fn packet(settings: StreamSettings, sequence: u16, timestamp: u32, millis: i64, payload: Vec<u8>) -> RtpPacket {
    RtpPacket {
        sequence,
        timestamp,
        ssrc: 7,
        payload_type: settings.payload_type,
        marker: true,
        payload: Bytes::from(payload),
        rotation: None,
        after: Some(TimeDelta::from_millis(millis)),
    }
}

/// Pictures of three packets at 25 a second, each 40 ms; every `keys`th is a keyframe.
fn video(pictures: u16, keys: u16) -> Vec<RtpPacket> {
    let part = |picture: u16, part: u16| {
        let descriptor = if part == 0 { 0x90 } else { 0x80 };
        let tag = if picture.is_multiple_of(keys) { KEY } else { DELTA };
        let id = picture.to_be_bytes();
        let mut payload = vec![descriptor, 0x80, id[0] | 0x80, id[1]];
        let rest = [part as u8, picture as u8];
        payload.extend(if part == 0 { tag } else { &rest });
        let millis = i64::from(picture) * 40 + i64::from(part);
        let mut packet = packet(VIDEO, picture * 3 + part, u32::from(picture) * 3600, millis, payload);
        packet.marker = part == 2;
        packet
    };
    (0..pictures)
        .flat_map(|picture| (0..3).map(move |index| part(picture, index)))
        .collect()
}

/// Opus packets of 20 ms.
fn sound(packets: u16) -> Vec<RtpPacket> {
    let one = |index: u16| {
        let payload = vec![0x78, index as u8, 1, 2];
        packet(SOUND, index, u32::from(index) * 960, i64::from(index) * 20, payload)
    };
    (0..packets).map(one).collect()
}

/// What the receipts' order says; the time of receipt goes by the place in the file.
fn received(order: &[usize], packets: &[RtpPacket]) -> Vec<RtpPacket> {
    let moved = order.iter().zip(packets).map(|(index, at)| RtpPacket {
        after: at.after,
        ..packets[*index].clone()
    });
    moved.collect()
}

fn relative(frames: &[Frame]) -> Vec<(i64, &[u8])> {
    let first = frames.first().map_or(0, |frame| frame.pts);
    frames
        .iter()
        .map(|frame| (frame.pts - first, &frame.data[..]))
        .collect()
}

fn millis(settings: StreamSettings, frames: &[Frame]) -> Vec<i64> {
    let base = time_base(settings.codec);
    frames.iter().map(|frame| base.delta(frame.pts).millis()).collect()
}

#[test]
fn pictures_and_packets_of_sound_come_whole() {
    let (frames, facts) = run(VIDEO, &video(30, 30));
    assert_eq!(frames.len(), 30);
    assert_eq!(frames[0].data, [KEY, &[1, 0, 2, 0]].concat());
    assert_eq!(
        (frames[0].importance, frames[1].importance),
        (Importance::Key, Importance::Delta)
    );
    assert_eq!(
        facts.transport,
        Transport {
            packets: 90,
            ..Transport::default()
        }
    );
    let (frames, facts) = run(SOUND, &sound(10));
    assert_eq!((frames.len(), frames[3].pts, frames[3].duration), (10, 2880, 960));
    assert_eq!((facts.channels, facts.receipts.epochs.len()), (1, 1));
}

proptest! {
    #[test]
    fn a_wrap_anywhere_changes_nothing(sequence: u16, timestamp: u32) {
        for (settings, plain) in [(VIDEO, video(20, 7)), (SOUND, sound(60))] {
            let shifted = plain.iter().cloned().map(|mut packet| {
                packet.sequence = packet.sequence.wrapping_add(sequence);
                packet.timestamp = packet.timestamp.wrapping_add(timestamp);
                packet
            });
            let (shifted, shifted_facts) = run(settings, &shifted.collect::<Vec<_>>());
            let (plain, facts) = run(settings, &plain);
            prop_assert_eq!(relative(&shifted), relative(&plain));
            prop_assert_eq!(shifted_facts.transport, facts.transport);
            prop_assert_eq!(shifted[0].pts, i64::from(timestamp));
        }
    }

    #[test]
    fn disorder_within_the_window_changes_nothing(keys in prop::collection::vec(0usize..40, 120)) {
        for (settings, plain) in [(VIDEO, video(40, 9)), (SOUND, sound(120))] {
            let mut order: Vec<usize> = (0..plain.len()).collect();
            order.sort_by_key(|index| index + keys[*index]);
            let (shuffled, facts) = run(settings, &received(&order, &plain));
            let (plain, _) = run(settings, &plain);
            prop_assert_eq!(relative(&shuffled), relative(&plain));
            prop_assert_eq!(facts.transport.lost + facts.transport.withheld, 0);
        }
    }

    #[test]
    fn duplicates_change_nothing(again in prop::collection::vec((0usize..120, 0usize..30), 0..40)) {
        for (settings, plain) in [(VIDEO, video(40, 9)), (SOUND, sound(120))] {
            let mut packets = plain.clone();
            for (index, later) in &again {
                packets.insert((index + later).min(packets.len()), plain[*index].clone());
            }
            // a copy may come before the packet itself, which then is the copy
            let ((frames, facts), (plain, _)) = (run(settings, &packets), run(settings, &plain));
            prop_assert_eq!(relative(&frames), relative(&plain));
            prop_assert_eq!(facts.transport.duplicates, again.len() as u64);
        }
    }

    #[test]
    fn loss_never_shows_a_picture_that_builds_on_it(lost in prop::collection::btree_set(0usize..120, 0..20)) {
        let plain = video(40, 9);
        let kept: Vec<RtpPacket> =
            plain.iter().enumerate().filter(|(index, _)| !lost.contains(index)).map(|(_, packet)| packet.clone()).collect();
        let (frames, _) = run(VIDEO, &kept);
        let whole = |picture: usize| !(picture * 3..picture * 3 + 3).any(|index| lost.contains(&index));
        let decodable = |picture: &usize| (*picture / 9 * 9..=*picture).all(whole);
        let expected: Vec<i64> = (0..40).filter(decodable).map(|picture| picture as i64 * 40).collect();
        prop_assert_eq!(millis(VIDEO, &frames), expected);
    }

    #[test]
    fn no_bytes_make_it_fail(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..60),
        jumps in prop::collection::vec((any::<u16>(), any::<u32>(), 0i64..100_000, any::<u8>()), 60),
    ) {
        for codec in Codec::ALL {
            let settings = StreamSettings { codec, payload_type: 96, red: Some(63) };
            let Some(mut stream) = Stream::new(settings) else { continue };
            for (index, (payload, (sequence, timestamp, after, dice))) in payloads.iter().zip(&jumps).enumerate() {
                let mut packet = packet(settings, index as u16, index as u32 * 960, *after, payload.clone());
                match dice % 16 {
                    0 => packet.sequence = *sequence,
                    1 => packet.timestamp = *timestamp,
                    2 => packet.ssrc = *timestamp,
                    3 => packet.payload_type = 63,
                    4 => packet.after = None,
                    dice => packet.marker = dice % 2 == 0,
                }
                stream.push(Some(packet));
                while stream.pop().is_some() {}
            }
            stream.finish();
            while stream.pop().is_some() {}
            stream.facts(None);
        }
    }
}

#[test]
fn what_comes_after_its_place_was_given_up_is_too_late_once() {
    let mut packets = sound(400);
    let missing = packets.remove(100);
    let late = RtpPacket {
        after: packets[398].after,
        ..missing
    };
    packets.extend([late.clone(), late]);
    let counts = run(SOUND, &packets).1.transport;
    assert_eq!((counts.lost, counts.too_late, counts.duplicates), (1, 1, 1));
}
