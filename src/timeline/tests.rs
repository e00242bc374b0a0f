//! Synthetic senders with known truth, and how near to it their dumps are placed.

mod sender;

use proptest::prelude::*;

use super::*;
use crate::{
    media::{Break, Receipt, Receipts, RtpEpoch, TimeBase, TimeDelta},
    session::Manifest,
};
use sender::{Dumped, MILLI, Packet, SECOND, Sender, wall};

fn timeline(senders: &[Sender]) -> (Timeline, Vec<Dumped>) {
    let dumps: Vec<Dumped> = senders.iter().map(Sender::dump).collect();
    let tracks: Vec<serde_json::Value> = senders
        .iter()
        .zip(&dumps)
        .enumerate()
        .map(|(index, (sender, dump))| {
            let started_at = sender.started_at.map(|off| wall(sender.begins + 30 * MILLI + off));
            serde_json::json!({"id": format!("t{index}"), "peer_id": sender.peer, "kind": "audio", "codec": "opus",
                "dumps": [{"uri": sender.uri, "started_at": started_at, "sender_reports": dump.reports}]})
        })
        .collect();
    let manifest = serde_json::json!({"version": 1, "session": {"id": "s", "started_at": wall(0)}, "tracks": tracks});
    let manifest: Manifest = serde_json::from_value(manifest).unwrap();
    let input = |(track, dump)| {
        let Dumped { stamps, .. }: &Dumped = dump;
        DumpInput {
            track,
            dump: 0,
            stamps,
            sender_reports: &[],
        }
    };
    let inputs: Vec<DumpInput<'_>> = dumps.iter().enumerate().map(input).collect();
    (build(&manifest, &inputs), dumps)
}

/// How late the packets of one dump stand, in milliseconds: the earliest and the latest. Delay may hide for a moment
/// which packet was the first after a pause.
fn lateness(timeline: &Timeline, index: usize, sender: &Sender, dump: &Dumped) -> (i64, i64) {
    let clock = &timeline.tracks[index].pieces[0].clock;
    let late = |packet: &Packet| (clock.session_time(packet.pts).nanos() - sender.begins - packet.captured) / MILLI;
    let is_plain = |packet: &&Packet| {
        let blurred =
            |(at, length, _): &(i64, i64, i64)| (at - SECOND / 2..at + length + SECOND / 2).contains(&packet.captured);
        !sender.pauses.iter().any(blurred)
    };
    let all = || dump.packets.iter().filter(is_plain).map(late);
    (all().min().unwrap(), all().max().unwrap())
}

fn expect(sender: Sender, anchor: Rung, within: std::ops::RangeInclusive<i64>) -> DumpCertificate {
    let senders = [sender];
    let (timeline, dumps) = timeline(&senders);
    let certificate = timeline.certificate.dumps[0].clone();
    let (earliest, latest) = lateness(&timeline, 0, &senders[0], &dumps[0]);
    let found = format!("{earliest}..{latest} ms late\n{certificate:#?}\n{:?}", senders[0]);
    assert_eq!(certificate.anchor, anchor, "{found}");
    assert!(within.contains(&earliest) && within.contains(&latest), "{found}");
    assert!(dumps[0].packets.windows(2).all(|pair| {
        let clock = &timeline.tracks[0].pieces[0].clock;
        clock.session_time(pair[0].pts) <= clock.session_time(pair[1].pts)
    }));
    certificate
}

fn outcome(certificate: &DumpCertificate, rung: Rung) -> Outcome {
    certificate
        .rungs
        .iter()
        .find(|report| report.rung == rung)
        .unwrap()
        .outcome
}

proptest! {
    #[test]
    fn reports_place_a_drifting_clock(ppm in -300i64..=300, seed: u64, bad in 4usize..9, jitter in 1i64..60, wrap: u32) {
        let sender = Sender { ppm, seed, bad_report: bad, jitter: jitter * MILLI, first_rtp: wrap, length: 90 * SECOND, ..Sender::default() };
        let certificate = expect(sender, Rung::SenderReports, -8..=8);
        prop_assert!(certificate.sender_reports.rejected > 0);
    }

    #[test]
    fn receive_times_alone_find_the_least_delay(ppm in -300i64..=300, seed: u64, jitter in 1i64..60) {
        let sender = Sender { ppm, seed, jitter: jitter * MILLI, report_every: None, length: 120 * SECOND, ..Sender::default() };
        expect(sender, Rung::ReceiveTimes, -12..=22);
    }

    /// Delays as long as the pause itself may hide it: then only reports can tell.
    #[test]
    fn a_clock_that_stood_still_is_told_by_receive_times(at in 8i64..50, seed: u64, still in 150i64..9000, jitter in 1i64..30) {
        let (at, still, jitter) = (at * SECOND, still * MILLI, (jitter * MILLI).min(still * MILLI / 40));
        let sender = Sender { seed, jitter, report_every: None, pauses: vec![(at, still, still)], length: 70 * SECOND, ..Sender::default() };
        prop_assert_eq!(expect(sender, Rung::ReceiveTimes, -15..=25).steps.len(), 1);
    }

    #[test]
    fn a_tenth_of_a_second_is_a_step(at in 8i64..50, seed: u64, ppm in -300i64..=300, reports: bool, ahead: bool) {
        let step = if ahead { (at * SECOND, 0, -100 * MILLI) } else { (at * SECOND, 100 * MILLI, 100 * MILLI) };
        let (anchor, within, every) = match reports {
            true => (Rung::SenderReports, -15..=15, Some(2 * SECOND)),
            false => (Rung::ReceiveTimes, -15..=25, None),
        };
        let sender = Sender { seed, ppm, jitter: 2 * MILLI, report_every: every, pauses: vec![step], ..Sender::default() };
        prop_assert_eq!(expect(sender, anchor, within).steps.len(), 1);
    }

    #[test]
    fn a_clock_that_stood_still_is_told_by_reports(at in 8i64..50, seed: u64, still in 90i64..9000, ppm in -300i64..=300) {
        let (at, still) = (at * SECOND, still * MILLI);
        let sender = Sender { seed, ppm, pauses: vec![(at, still, still)], length: 70 * SECOND, ..Sender::default() };
        prop_assert_eq!(expect(sender, Rung::SenderReports, -15..=15).steps.len(), 1);
    }

    #[test]
    fn neither_pauses_nor_bursts_are_steps(at in 5i64..50, seed: u64, most in 100i64..450, length in 200i64..8000, reports: bool) {
        let sender = Sender {
            seed,
            bursts: vec![(at * SECOND, length * MILLI, most * MILLI)],
            pauses: vec![(30 * SECOND, 4 * SECOND, 0)],
            report_every: reports.then_some(2 * SECOND),
            ..Sender::default()
        };
        let anchor = if reports { Rung::SenderReports } else { Rung::ReceiveTimes };
        prop_assert_eq!(expect(sender, anchor, -12..=15).steps.len(), 0);
    }

    #[test]
    fn a_wrap_anywhere_changes_nothing(seed: u64, first_rtp: u32, ppm in -300i64..=300) {
        let sender = Sender { seed, ppm, pauses: vec![(20 * SECOND, SECOND, SECOND)], ..Sender::default() };
        let wrapped = Sender { first_rtp, ..sender.clone() };
        let (plain, wrapped) = (timeline(&[sender]).0, timeline(&[wrapped]).0);
        prop_assert_eq!(plain.certificate, wrapped.certificate);
    }

    #[test]
    fn shifting_everybody_shifts_everything(seed: u64, by in 0i64..3600, ppm in -300i64..=300) {
        let sender = |begins| Sender { seed, ppm, begins, report_every: Some(3 * SECOND), ..Sender::default() };
        let other = |begins| Sender { peer: "q", ahead: 2 * SECOND, ..sender(begins) };
        let (here, _) = timeline(&[sender(SECOND), other(SECOND)]);
        let (there, _) = timeline(&[sender((1 + by) * SECOND), other((1 + by) * SECOND)]);
        for (one, two) in here.tracks.iter().zip(&there.tracks) {
            let apart = two.pieces[0].clock.session_time(90_000) - one.pieces[0].clock.session_time(90_000);
            prop_assert!((apart - TimeDelta::from_seconds(by)).abs() <= TimeDelta::from_nanos(2000), "{}", apart);
        }
    }

    #[test]
    fn any_evidence_will_do(
        receipts in prop::collection::vec((any::<i64>(), any::<i64>()), 0..30),
        epochs in prop::collection::vec((any::<i64>(), any::<u32>()), 0..4),
        since: Option<i64>, num in 1i32.., run: (i64, i64),
    ) {
        let sender = Sender::default();
        let mut dump = sender.dump();
        let receipt = |(pts, after): &(i64, i64)| Receipt { pts: *pts, after: TimeDelta::from_nanos(*after) };
        let points: Vec<Receipt> = receipts.iter().map(receipt).collect();
        dump.stamps.runs = vec![run];
        dump.stamps.time_base = TimeBase::new(num, 90_000).unwrap();
        dump.stamps.receipts = Receipts {
            since: since.map(WallTime::from_unix_nanos),
            breaks: points.windows(2).map(|pair| Break { before: pair[0], after: pair[1] }).collect(),
            points,
            epochs: epochs.iter().map(|(pts, rtp)| RtpEpoch { pts: *pts, rtp: *rtp }).collect(),
        };
        let manifest = serde_json::json!({"version": 1, "session": {"id": "s", "started_at": wall(0)}, "tracks": [
            {"id": "t", "peer_id": "p", "kind": "audio", "dumps": [{"uri": "a", "sender_reports": dump.reports}]}]});
        let manifest: Manifest = serde_json::from_value(manifest).unwrap();
        let input = DumpInput { track: 0, dump: 0, stamps: &dump.stamps, sender_reports: &[] };
        let placed = build(&manifest, &[input]);
        prop_assert_eq!(placed.certificate.dumps.len(), 1);
    }
}

/// As many restarts, breaks and pauses as a file of megabytes can hold: what is made of them stays small, and work that
/// grew with their square would keep this test for minutes.
#[test]
fn a_clock_that_does_nothing_but_break_costs_little() {
    const MANY: i64 = 60_000;
    let receipt = |index: i64| Receipt {
        pts: index * 48_000 + (index * 7919) % 40_000,
        after: TimeDelta::from_millis(index * 500 + (index * 104_729) % 400),
    };
    let receipts: Vec<Receipt> = (0..5 * MANY).map(receipt).collect();
    let mut dump = Sender::default().dump();
    dump.stamps.runs = (0..MANY)
        .map(|index| (index * 240_000, index * 240_000 + 48_000))
        .collect();
    dump.stamps.receipts = Receipts {
        breaks: receipts
            .windows(2)
            .map(|pair| Break {
                before: pair[0],
                after: pair[1],
            })
            .take(MANY as usize)
            .collect(),
        epochs: (0..MANY)
            .map(|index| RtpEpoch {
                pts: index * 240_000,
                rtp: index as u32,
            })
            .collect(),
        since: dump.stamps.receipts.since,
        points: receipts,
    };
    let dumps: Vec<serde_json::Value> = (0..20)
        .map(|index| serde_json::json!({"uri": index.to_string()}))
        .collect();
    let manifest = serde_json::json!({"version": 1, "session": {"id": "s", "started_at": wall(0)}, "tracks": [
        {"id": "t", "peer_id": "p", "kind": "video", "dumps": dumps}]});
    let manifest: Manifest = serde_json::from_value(manifest).unwrap();
    let input = |index| DumpInput {
        track: 0,
        dump: index,
        stamps: &dump.stamps,
        sender_reports: &[],
    };
    let timeline = build(&manifest, &[input(0), input(1)]);
    let track = &timeline.tracks[0];
    assert!(track.pieces.len() <= 2 * MANY as usize, "{} pieces", track.pieces.len());
    for piece in &track.pieces {
        assert!(piece.clock.knots().len() <= 400, "{} knots", piece.clock.knots().len());
        assert!(track.pieces[0].dump != piece.dump || std::sync::Arc::ptr_eq(&track.pieces[0].clock, &piece.clock));
    }
}

#[test]
fn a_sender_whose_clock_is_off_is_placed_by_receive_times() {
    for ahead in [2 * SECOND, -300 * MILLI, 500 * MILLI, 30 * 365 * 86_400 * SECOND] {
        for started_at in [Some(0), None] {
            let sender = Sender {
                ahead,
                started_at,
                ppm: 120,
                ..Sender::default()
            };
            let certificate = expect(sender, Rung::ReceiveTimes, -5..=15);
            assert_eq!(outcome(&certificate, Rung::SenderReports), Outcome::Rejected);
            let found = certificate.sender_clock_ahead.unwrap() - TimeDelta::from_nanos(ahead);
            assert!(found.abs() < TimeDelta::from_millis(20), "{found}");
        }
    }
}

#[test]
fn tracks_of_one_peer_keep_their_distance() {
    let microphone = Sender {
        ahead: 2 * SECOND,
        delay: 20 * MILLI,
        ..Sender::default()
    };
    let camera = Sender {
        delay: 80 * MILLI,
        seed: 7,
        begins: 3 * SECOND,
        ..microphone.clone()
    };
    let senders = [microphone, camera];
    let (timeline, dumps) = timeline(&senders);
    let middle = |index: usize| {
        let (earliest, latest) = lateness(&timeline, index, &senders[index], &dumps[index]);
        (earliest + latest) / 2
    };
    assert!((middle(0) - middle(1)).abs() <= 4, "{} and {}", middle(0), middle(1));
}

#[test]
fn wrong_witnesses_are_outvoted() {
    let years = 5 * 365 * 86_400 * SECOND;
    let wrong_manifest = Sender {
        started_at: Some(-years),
        ..Sender::default()
    };
    let certificate = expect(wrong_manifest.clone(), Rung::SenderReports, -5..=5);
    assert_eq!(outcome(&certificate, Rung::Manifest), Outcome::Rejected);
    let unreported = Sender {
        report_every: None,
        ..wrong_manifest
    };
    let certificate = expect(unreported, Rung::ReceiveTimes, -5..=20);
    assert_eq!(outcome(&certificate, Rung::Manifest), Outcome::Rejected);

    let wrong_recorder = Sender {
        since: Some(years),
        ..Sender::default()
    };
    let certificate = expect(wrong_recorder.clone(), Rung::SenderReports, -5..=5);
    assert_eq!(outcome(&certificate, Rung::ReceiveTimes), Outcome::Rejected);
    let unreported = Sender {
        report_every: None,
        ..wrong_recorder
    };
    let certificate = expect(unreported, Rung::Manifest, 10..=40);
    assert_eq!(outcome(&certificate, Rung::FirstPacket), Outcome::Rejected);
}

#[test]
fn a_name_is_better_than_nothing() {
    let sender = Sender {
        since: None,
        started_at: None,
        report_every: None,
        uri: "room-1795168802010-a.mjr",
        ..Sender::default()
    };
    expect(sender, Rung::FileName, 5..=15);
    let sender = Sender {
        since: None,
        started_at: None,
        report_every: None,
        begins: 0,
        ..Sender::default()
    };
    expect(sender, Rung::Recording, 0..=0);
}

#[test]
fn ten_minutes_of_drift_and_steps() {
    let sender = Sender {
        ppm: -280,
        length: 600 * SECOND,
        jitter: 40 * MILLI,
        pauses: vec![
            (100 * SECOND, 100 * MILLI, 100 * MILLI),
            (300 * SECOND, 7 * SECOND, 7 * SECOND),
        ],
        report_every: Some(5 * SECOND),
        ..Sender::default()
    };
    assert_eq!(expect(sender.clone(), Rung::SenderReports, -10..=10).steps.len(), 2);
    let unreported = Sender {
        report_every: None,
        ..sender
    };
    assert_eq!(expect(unreported, Rung::ReceiveTimes, -20..=30).steps.len(), 2);
}
