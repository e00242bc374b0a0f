//! Sound: loss, redundancy, and clocks that misbehave.

use super::*;

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
fn one_absurd_timestamp_is_put_right_by_its_neighbours() {
    for index in [1, 50, 99] {
        let mut packets = sound(100);
        packets[index].timestamp ^= 0x4000_0000;
        let (frames, facts) = run(SOUND, &packets);
        assert_eq!(
            millis(SOUND, &frames),
            (0..100).map(|index| index * 20).collect::<Vec<_>>()
        );
        assert_eq!((facts.transport.absurd, facts.transport.restarts), (1, 0));
        assert_eq!(facts.receipts.epochs.len(), 1);
    }
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
