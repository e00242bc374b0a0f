//! Packet dumps of real frames, read as a job reads them: against containers with the same frames, and against the
//! truth of what a network did to them.

mod support;

use std::{fs, path::Path};

use support::rtp_dump::{Fate, NewSource, Pause, PauseClock, Restart, Script, frames_of};
use tessera::{
    av::{AudioDecoder, VideoDecoder},
    dump::{
        Reader,
        probe::{Depth, Probe, probe},
    },
    media::{Kind, TimeDelta},
    session::Dump,
};

fn sample(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("samples/standup/tracks")
        .join(name)
}

fn script(name: &str, kind: Kind) -> Script {
    let (codec, frames) = frames_of(&sample(name), kind);
    Script::new(codec, frames)
}

fn camera() -> Script {
    script("asha-camera.webm", Kind::Video)
}

fn microphone() -> Script {
    script("asha-mic.mka", Kind::Audio)
}

fn look(path: &Path, script: &Script) -> Probe {
    let dump: Dump = serde_json::from_value(serde_json::json!({"uri": "x"})).unwrap();
    probe(path, &dump, script.codec.kind(), Some(script.codec), Depth::Packets).unwrap()
}

/// Writes a dump in each format and probes it.
fn probes(script: &Script) -> Vec<Probe> {
    let folder = tempfile::tempdir().unwrap();
    let dump = script.dump();
    let paths = ["a.mjr", "old.mjr", "a.rtpdump"].map(|name| folder.path().join(name));
    dump.write_mjr(&paths[0]);
    dump.write_old_mjr(&paths[1]);
    dump.write_rtpdump(&paths[2]);
    paths.iter().map(|path| look(path, script)).collect()
}

fn millis(probe: &Probe, pts: i64) -> i64 {
    probe
        .stamps
        .time_base
        .delta(pts - probe.stamps.start().unwrap())
        .millis()
}

#[test]
fn a_packet_dump_holds_the_same_frames_as_its_container() {
    for script in [camera(), script("chen-camera.webm", Kind::Video), microphone()] {
        for probe in probes(&script) {
            let transport = probe.transport.unwrap();
            assert_eq!(probe.frames, script.frames.len() as u64, "{}", probe.container);
            assert_eq!((transport.lost, transport.withheld, transport.malformed), (0, 0, 0));
            assert!(probe.remarks.is_empty(), "{:?}", probe.remarks);
        }
    }
}

#[test]
fn every_format_knows_what_it_can_of_receipt() {
    let [mjr, old, rtpdump] = &probes(&camera())[..] else {
        panic!("three formats")
    };
    let began = camera().began;
    assert_eq!(
        mjr.stamps.receipts.since.map(|at| at.unix_nanos() - began.unix_nanos()),
        Some(20_000_000)
    );
    assert_eq!(rtpdump.stamps.receipts.since, Some(began));
    assert_eq!((old.stamps.receipts.since, old.stamps.receipts.points.len()), (None, 0));
    let reports = camera().dump().sender_reports;
    let found: Vec<_> = rtpdump
        .sender_reports
        .iter()
        .map(|report| (report.ntp, report.rtp))
        .collect();
    assert_eq!(found, reports);
    assert!(mjr.stamps.receipts.points.len() >= 10);
}

#[test]
fn only_whole_chains_of_pictures_reach_the_decoder() {
    for (lost, seed) in [(5, 1), (40, 2), (150, 3)] {
        let script = Script {
            lost,
            seed,
            reordered: 50,
            duplicated: 20,
            ..camera()
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mjr");
        let dump = script.dump();
        dump.write_mjr(&path);
        let probe = look(&path, &script);
        let transport = probe.transport.unwrap();
        assert_eq!((transport.lost, transport.duplicates), (dump.lost, dump.duplicated));
        let whole = dump
            .frames
            .iter()
            .take_while(|frame| frame.fate == Fate::Arrived)
            .count();
        assert!(probe.frames >= whole as u64 && probe.frames < script.frames.len() as u64);
        let mut reader = Reader::reopen(&path, None, &probe).unwrap();
        let mut decoder = VideoDecoder::open(reader.parameters()).unwrap();
        let mut shown = 0;
        while let Some(packet) = reader.read().unwrap() {
            decoder.send(&packet).unwrap();
            while let Some(frame) = decoder.receive().unwrap() {
                assert!(!frame.is_corrupt());
                shown += 1;
            }
        }
        assert_eq!(shown, probe.frames);
    }
}

#[test]
fn lost_sound_is_decoded_without_a_hole_or_a_click() {
    let script = Script {
        lost: 40,
        ..microphone()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mjr");
    script.dump().write_mjr(&path);
    let probe = look(&path, &script);
    assert!(probe.transport.unwrap().concealed > 10);
    let mut reader = Reader::reopen(&path, None, &probe).unwrap();
    let mut decoder = AudioDecoder::open(reader.parameters()).unwrap();
    let (mut next, mut samples) = (None, 0);
    while let Some(packet) = reader.read().unwrap() {
        decoder.send(&packet).unwrap();
        while let Some(frame) = decoder.receive().unwrap() {
            assert!(
                next.is_none_or(|next| next == frame.pts().unwrap()),
                "a hole before {:?}",
                frame.pts()
            );
            next = frame.pts().map(|pts| pts + frame.samples() as i64);
            samples += frame.samples();
        }
    }
    let length = probe.stamps.end().unwrap() - probe.stamps.start().unwrap();
    assert!((samples as i64 - length).abs() <= 960, "{samples} samples of {length}");
}

#[test]
fn timestamps_may_begin_anywhere_and_begin_anew() {
    let at = TimeDelta::from_seconds(4);
    for (first_timestamp, first_sequence) in [(0, 0), (u32::MAX - 50_000, u16::MAX - 40)] {
        for source in [NewSource::Yes, NewSource::No] {
            let restart = Restart {
                at,
                timestamp: 0xdead_beef,
                source,
            };
            let script = Script {
                first_timestamp,
                first_sequence,
                restarts: vec![restart],
                ..camera()
            };
            let dump = script.dump();
            let mjr = &probes(&script)[0];
            assert_eq!(mjr.transport.unwrap().restarts, 1);
            assert_eq!(mjr.stamps.receipts.epochs.len(), 2);
            let first = dump.frames[0].captured;
            for (pts, sent) in mjr.stamps.frames.iter().zip(&dump.frames) {
                let off = millis(mjr, *pts) - (sent.captured - first).millis();
                assert!(off.abs() <= 2, "off by {off} ms at {sent:?}");
            }
        }
    }
}

#[test]
fn a_pause_is_told_by_what_the_clock_did() {
    let (from, length) = (TimeDelta::from_millis(3000), TimeDelta::from_millis(2000));
    for (clock, breaks) in [(PauseClock::RunsOn, 0), (PauseClock::StandsStill, 1)] {
        let script = Script {
            pauses: vec![Pause { from, length, clock }],
            ..microphone()
        };
        let mjr = &probes(&script)[0];
        assert_eq!(mjr.stamps.receipts.breaks.len(), breaks, "{clock:?}");
        assert_eq!(mjr.transport.unwrap().restarts, 0);
    }
}

#[test]
fn a_dump_cut_or_spoiled_anywhere_is_read_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mjr");
    for script in [camera(), microphone()] {
        script.dump().write_mjr(&path);
        let whole = fs::read(&path).unwrap();
        for step in 0..60usize {
            let mut bytes = whole.clone();
            if step % 2 == 0 {
                bytes.truncate(whole.len() * step / 60);
            } else {
                (0..step).for_each(|index| bytes[index * 7919 % whole.len().min(40_000)] ^= 1 << (index % 8));
            }
            fs::write(&path, &bytes).unwrap();
            if let Ok(mut reader) = Reader::open(&path, None, script.codec.kind(), None) {
                while let Ok(Some(_)) = reader.read() {}
                reader.facts().unwrap();
            }
        }
    }
}
