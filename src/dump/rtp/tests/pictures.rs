//! Pictures: loss, codecs, layers.

use super::*;

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

#[test]
fn one_absurd_timestamp_spoils_no_picture() {
    let plain = video(20, 20);
    let expected = run(VIDEO, &plain).0;
    for index in 1..plain.len() {
        let mut packets = plain.clone();
        packets[index].timestamp ^= 0x4000_0000;
        let (frames, facts) = run(VIDEO, &packets);
        assert_eq!(
            (facts.transport.absurd, facts.transport.restarts),
            (1, 0),
            "packet {index}"
        );
        assert_eq!(frames.len(), expected.len(), "packet {index}");
        for (found, expected) in frames.iter().zip(&expected) {
            assert_eq!(found.data, expected.data, "packet {index}");
            assert!(
                (found.pts - expected.pts).abs() < 3600,
                "packet {index}: {} instead of {}",
                found.pts,
                expected.pts
            );
        }
    }
}
