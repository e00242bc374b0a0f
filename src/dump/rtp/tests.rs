//! Whole streams of hand-made packets: what must not matter, and what must be told.

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
fn a_retransmission_seconds_late_finds_its_place() {
    let plain = video(100, 100);
    let mut packets = plain.clone();
    let late = packets.remove(30);
    let at = packets
        .iter()
        .position(|packet| packet.after > Some(TimeDelta::from_millis(3000)))
        .unwrap();
    packets.insert(
        at,
        RtpPacket {
            after: packets[at].after,
            ..late
        },
    );
    let (frames, facts) = run(VIDEO, &packets);
    assert_eq!(relative(&frames), relative(&run(VIDEO, &plain).0));
    assert_eq!(
        (
            facts.transport.reordered,
            facts.transport.retransmitted,
            facts.transport.lost
        ),
        (1, 1, 0)
    );
}

#[test]
fn padding_fills_its_place() {
    let mut packets = video(20, 20);
    for packet in packets.iter_mut().skip(30) {
        packet.sequence += 2;
    }
    for index in 0..2 {
        let mut padding = packets[29].clone();
        (padding.sequence, padding.payload, padding.marker) = (30 + index, Bytes::new(), false);
        packets.insert(30 + usize::from(index), padding);
    }
    let (frames, facts) = run(VIDEO, &packets);
    assert_eq!(
        (frames.len(), facts.transport.lost, facts.transport.withheld),
        (20, 0, 0)
    );
}

#[test]
fn lost_padding_withholds_nothing() {
    // picture ids go on without a hole, so no picture is missing
    let mut packets = video(20, 20);
    packets.iter_mut().skip(30).for_each(|packet| packet.sequence += 2);
    let (frames, facts) = run(VIDEO, &packets);
    assert_eq!(
        (frames.len(), facts.transport.lost, facts.transport.withheld),
        (20, 2, 0)
    );
}

#[test]
fn lost_sound_is_concealed_a_little_and_then_silent() {
    let plain = sound(100);
    let without = |from: usize, to: usize| [&plain[..from], &plain[to..]].concat();
    let (frames, facts) = run(SOUND, &without(10, 13));
    assert_eq!(
        (frames.len(), facts.transport.lost, facts.transport.concealed),
        (100, 3, 3)
    );
    assert_eq!(
        (frames[10].pts, frames[10].duration, &frames[10].data[..]),
        (9600, 960, &[0x78][..])
    );
    let (frames, facts) = run(SOUND, &without(10, 60));
    assert_eq!((frames.len(), facts.transport.concealed), (55, 5));
    assert_eq!((frames[14].pts, frames[15].pts), (14 * 960, 60 * 960));
}

#[test]
fn silence_that_was_not_sent_is_no_loss() {
    let mut packets = sound(100);
    for packet in packets.iter_mut().skip(50) {
        packet.timestamp += 48_000;
        packet.after = packet.after.map(|after| after + TimeDelta::from_seconds(1));
    }
    let (frames, facts) = run(SOUND, &packets);
    assert_eq!(
        (frames.len(), facts.transport.concealed, facts.receipts.breaks.len()),
        (100, 0, 0)
    );
}

#[test]
fn redundant_copies_fill_losses() {
    let settings = StreamSettings { red: Some(63), ..SOUND };
    let mut packets = sound(50);
    for index in (1..50).rev() {
        let before = packets[index - 1].payload.clone();
        let header = [
            0x80 | 111,
            (960u16 >> 6) as u8,
            (960u16 << 2) as u8,
            before.len() as u8,
            111,
        ];
        packets[index].payload = Bytes::from([&header[..], &before, &packets[index].payload].concat());
        packets[index].payload_type = 63;
    }
    let plain = run(settings, &packets).0;
    packets.remove(20);
    let (frames, facts) = run(settings, &packets);
    assert_eq!(relative(&frames), relative(&plain));
    assert_eq!((facts.transport.recovered, facts.transport.concealed), (1, 0));
    // the payload type is found out too
    let (frames, facts) = run(SOUND, &packets);
    assert_eq!((frames.len(), facts.transport.foreign), (50, 0));
}

#[test]
fn timestamps_that_restart_go_on_by_the_time_of_receipt() {
    let mut packets = sound(100);
    packets
        .iter_mut()
        .skip(50)
        .for_each(|packet| packet.timestamp = packet.timestamp.wrapping_add(0x9000_0000));
    let (frames, facts) = run(SOUND, &packets);
    assert_eq!(
        millis(SOUND, &frames),
        (0..100).map(|index| index * 20).collect::<Vec<_>>()
    );
    assert_eq!((facts.transport.restarts, facts.receipts.epochs.len()), (1, 2));
    let epoch = facts.receipts.epochs[1];
    assert_eq!((epoch.pts, epoch.rtp), (48_000, packets[50].timestamp));
}

#[test]
fn one_absurd_timestamp_is_left_out() {
    let mut packets = sound(100);
    packets[50].timestamp ^= 0x4000_0000;
    let (frames, facts) = run(SOUND, &packets);
    assert_eq!(
        (frames.len(), facts.transport.absurd, facts.transport.restarts),
        (99, 1, 0)
    );
    assert_eq!(facts.receipts.epochs.len(), 1);
}

#[test]
fn a_pause_that_the_clock_slept_through_is_noted_and_nothing_else() {
    let mut packets = sound(500);
    for packet in packets.iter_mut().skip(250) {
        packet.after = packet.after.map(|after| after + TimeDelta::from_seconds(7));
    }
    let (frames, facts) = run(SOUND, &packets);
    assert_eq!(
        millis(SOUND, &frames),
        (0..500).map(|index| index * 20).collect::<Vec<_>>()
    );
    let [pause] = facts.receipts.breaks[..] else {
        panic!("one break")
    };
    assert_eq!((pause.before.pts, pause.after.pts), (249 * 960, 250 * 960));
    assert_eq!((pause.after.after - pause.before.after).millis(), 7020);
    assert_eq!(facts.transport.restarts, 0);
}

#[test]
fn a_new_source_is_followed_and_a_passing_one_is_not() {
    let mut packets = sound(100);
    for packet in packets.iter_mut().skip(50) {
        (packet.ssrc, packet.sequence) = (9, packet.sequence.wrapping_add(30_000));
        packet.timestamp = packet.timestamp.wrapping_add(0x7654_3210);
    }
    packets[20].ssrc = 99;
    packets[20].sequence = 12_345;
    let (frames, facts) = run(SOUND, &packets);
    assert_eq!((frames.len(), frames.last().unwrap().pts), (100, 99 * 960));
    let transport = facts.transport;
    assert_eq!(
        (
            transport.foreign,
            transport.ssrc_changes,
            transport.restarts,
            transport.concealed
        ),
        (1, 1, 1, 1)
    );
}

#[test]
fn loss_in_an_upper_temporal_layer_leaves_the_base_alone() {
    // base and upper pictures in turn; the upper ones need their own layer, but for every eighth picture
    let picture = |index: u16| {
        let (is_key, temporal, sync) = (index == 0, (index % 2) as u8, (index % 8 == 1) as u8);
        let base_index = (index / 2) as u8;
        let id = index.to_be_bytes();
        let mut payload = vec![0x90, 0xe0, id[0] | 0x80, id[1], base_index, temporal << 6 | sync << 5];
        payload.extend(if is_key { KEY } else { DELTA });
        packet(VIDEO, index, u32::from(index) * 3600, i64::from(index) * 40, payload)
    };
    let mut packets: Vec<RtpPacket> = (0..24).map(picture).collect();
    packets.remove(3);
    let (frames, facts) = run(VIDEO, &packets);
    let shown = [
        0, 1, 2, 4, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
    ];
    assert_eq!(millis(VIDEO, &frames), shown.map(|index| index * 40));
    assert_eq!(facts.transport.withheld, 2);
    assert_eq!(facts.withheld, [5 * 3600, 7 * 3600]);
}

#[test]
fn parameter_sets_are_put_before_a_keyframe_that_lacks_them() {
    let settings = StreamSettings {
        codec: Codec::H264,
        ..VIDEO
    };
    let stap = vec![0x78, 0, 4, 0x67, 66, 0, 31, 0, 2, 0x68, 0xce];
    let pieces = [vec![0x7c, 0x85, 1, 2], vec![0x7c, 0x05, 3], vec![0x7c, 0x45, 4]];
    let slice = vec![0x61, 5, 6, 7];
    let mut packets = vec![packet(settings, 0, 0, 0, stap)];
    packets[0].marker = false;
    for (index, piece) in pieces.iter().enumerate() {
        packets.push(packet(settings, 1 + index as u16, 0, 1, piece.clone()));
        packets[1 + index].marker = index == 2;
    }
    packets.push(packet(settings, 4, 3600, 40, slice));
    packets.push(packet(settings, 5, 7200, 80, vec![0x65, 8, 9, 9]));
    let (frames, facts) = run(settings, &packets);
    let (sps, pps) = ([0, 0, 0, 1, 0x67, 66, 0, 31], [0, 0, 0, 1, 0x68, 0xce]);
    assert_eq!(
        frames[0].data,
        [&sps[..], &pps, &[0, 0, 0, 1, 0x65, 1, 2, 3, 4]].concat()
    );
    assert_eq!(frames[1].data, [0, 0, 0, 1, 0x61, 5, 6, 7]);
    assert_eq!(frames[2].data, [&sps[..], &pps, &[0, 0, 0, 1, 0x65, 8, 9, 9]].concat());
    let keys: Vec<Importance> = frames.iter().map(|frame| frame.importance).collect();
    assert_eq!(keys, [Importance::Key, Importance::Delta, Importance::Key]);
    assert_eq!(facts.transport.malformed, 0);
}

#[test]
fn another_codec_is_followed_from_its_keyframe_on() {
    let mut packets = video(20, 20);
    for (index, picture) in (20u16..30).enumerate() {
        let payload = if index % 5 == 1 {
            vec![0x78, 0, 4, 0x67, 66, 0, 31, 0, 2, 0x68, 0xce, 0, 3, 0x65, 1, 2]
        } else {
            vec![0x61, 1, 2, 3]
        };
        let mut packet = packet(
            VIDEO,
            60 + index as u16,
            u32::from(picture) * 3600,
            i64::from(picture) * 40,
            payload,
        );
        packet.payload_type = 102;
        packets.push(packet);
    }
    let (frames, facts) = run(VIDEO, &packets);
    let codecs: Vec<Codec> = frames.iter().map(|frame| frame.codec).collect();
    assert_eq!(codecs, [vec![Codec::Vp8; 20], vec![Codec::H264; 9]].concat());
    assert_eq!((facts.transport.foreign, facts.transport.codec_changes), (1, 1));
}
