//! Packet dumps of whole meetings, composed and then watched: whatever clocks and networks did to them, every flash and
//! every beep stands where it happened.

mod support;

use support::{
    Recording,
    meeting::{Meeting, Published, Reports, beginning},
    rtp_dump::{NewSource, Pause, PauseClock, Restart, Script},
    studio::{Silence, camera, microphone, switched},
};
use tessera::media::{Codec, TimeDelta};

const SMALL: (u32, u32) = (160, 90);

/// A network as it usually is.
fn sent(codec: Codec, frames: Vec<support::rtp_dump::Coded>, seed: u64) -> Script {
    Script {
        jitter: TimeDelta::from_millis(12),
        seed,
        ..Script::new(codec, frames)
    }
}

fn picture(seconds: i64, seed: u64) -> Script {
    sent(Codec::Vp8, camera(Codec::Vp8, SMALL, seconds), seed)
}

fn sound(tone: u32, seconds: i64, seed: u64) -> Script {
    sent(Codec::Opus, microphone(tone, Silence::Sent, seconds), seed)
}

fn track(id: &'static str, peer: &'static str, scripts: Vec<Script>) -> Published {
    Published { id, peer, scripts }
}

/// Two peers, of whom one comes later; each flashes and beeps on a tone of its own.
fn two_peers(seconds: i64) -> [Published; 4] {
    let later = seconds - 4;
    [
        track("a-camera", "a", vec![picture(seconds, 1)]),
        track("a-mic", "a", vec![sound(600, seconds, 2)]),
        track("b-camera", "b", vec![beginning(3370, picture(later, 3))]),
        track("b-mic", "b", vec![beginning(3370, sound(1000, later, 4))]),
    ]
}

/// All flashes and beeps of two peers are in time, and few are missed.
fn is_in_time(meeting: &Meeting, recording: &Recording, missed: usize) {
    for (peer, tone) in [("a", 600), ("b", 1000)] {
        let flashes = meeting.flashes(recording, &format!("{peer}-camera"));
        let beeps = meeting.beeps(recording, &format!("{peer}-mic"), tone);
        println!("{flashes}\n{beeps}");
        flashes.is_a_picture_in_time();
        beeps.is_sound_in_time();
        beeps.goes_with(&flashes);
        flashes.misses_at_most(missed);
        beeps.misses_at_most(missed);
    }
}

fn composed_in_time(tracks: impl Into<Vec<Published>>, reports: Reports, seconds: i64, missed: usize) -> Recording {
    let meeting = Meeting {
        tracks: tracks.into(),
        reports,
        seconds,
    };
    let recording = meeting.recorded();
    is_in_time(&meeting, &recording, missed);
    recording
}

#[test]
fn a_plain_meeting_is_in_time_by_any_evidence() {
    for reports in [Reports::InManifest, Reports::InDump, Reports::None] {
        composed_in_time(two_peers(20), reports, 20, 0);
    }
}

#[test]
fn ten_minutes_of_drifting_clocks_end_as_they_began() {
    let seconds = 600;
    let mut tracks = two_peers(seconds);
    // each peer's microphone against its own camera, and the peers against each other
    for (track, ppm) in tracks.iter_mut().zip([300, -300, -250, 150]) {
        track.scripts[0].drift_ppm = ppm;
    }
    composed_in_time(tracks, Reports::InManifest, seconds, 0);
}

#[test]
fn drift_shows_in_times_of_receipt_alone() {
    let seconds = 180;
    let mut tracks = two_peers(seconds);
    for (track, ppm) in tracks.iter_mut().zip([300, 300, -300, -300]) {
        track.scripts[0].drift_ppm = ppm;
    }
    composed_in_time(tracks, Reports::None, seconds, 0);
}

#[test]
fn a_pause_is_as_long_as_it_was_whatever_the_clock_did() {
    for clock in [PauseClock::StandsStill, PauseClock::RunsOn] {
        for reports in [Reports::InManifest, Reports::None] {
            let mut tracks = two_peers(40);
            let pause = Pause {
                from: TimeDelta::from_millis(12_300),
                length: TimeDelta::from_seconds(7),
                clock,
            };
            tracks[1].scripts[0].pauses.push(pause);
            composed_in_time(tracks, reports, 40, 0);
        }
    }
}

#[test]
fn losses_and_a_cut_leave_the_rest_in_time() {
    let mut tracks = two_peers(60);
    for track in &mut tracks {
        let script = &mut track.scripts[0];
        (script.lost, script.resent, script.reordered, script.duplicated) = (2, 40, 40, 10);
        script.cuts = vec![(TimeDelta::from_millis(21_400), TimeDelta::from_millis(24_400))];
    }
    // a picture that is lost keeps the next ones from being decoded, for up to five seconds
    composed_in_time(tracks, Reports::InManifest, 60, 40);
}

#[test]
fn layers_may_switch_and_a_peer_may_come_back() {
    let (low, high) = (camera(Codec::Vp8, SMALL, 40), camera(Codec::Vp8, (640, 360), 40));
    let layers = [(0, low.as_slice()), (5, &high), (15, &low), (20, &high), (30, &low)];
    let mut tracks = two_peers(60);
    tracks[0].scripts = vec![
        sent(Codec::Vp8, switched(&layers), 5),
        beginning(47_250, picture(12, 6)),
    ];
    tracks[1].scripts = vec![sound(600, 40, 7), beginning(47_210, sound(600, 12, 8))];
    tracks[2].scripts = vec![beginning(3370, sent(Codec::Vp9, camera(Codec::Vp9, SMALL, 56), 9))];
    composed_in_time(tracks, Reports::InManifest, 60, 0);
}

#[test]
fn clocks_may_wrap_and_begin_anew() {
    let mut tracks = two_peers(40);
    for (track, source) in tracks
        .iter_mut()
        .zip([NewSource::Yes, NewSource::No, NewSource::No, NewSource::Yes])
    {
        let script = &mut track.scripts[0];
        (script.first_sequence, script.first_timestamp) = (u16::MAX - 100, u32::MAX - 400_000);
        script.restarts = vec![Restart {
            at: TimeDelta::from_millis(17_480),
            timestamp: 0xffff_0000,
            source,
        }];
    }
    composed_in_time(tracks, Reports::InManifest, 40, 0);
}

#[test]
fn silence_that_is_not_sent_moves_nothing() {
    for reports in [Reports::InManifest, Reports::None] {
        let mut tracks = two_peers(40);
        let frames = microphone(600, Silence::LeftOut, 40);
        tracks[1].scripts = vec![sent(Codec::Opus, frames, 2)];
        composed_in_time(tracks, reports, 40, 0);
    }
}

#[test]
fn a_phone_held_upright_is_in_time_and_upright() {
    let mut tracks = two_peers(30);
    let frames = camera(Codec::H264, SMALL, 30);
    tracks[0].scripts = vec![Script {
        // the picture is upright after a quarter turn
        orientation: Some(1),
        ..sent(Codec::H264, frames, 1)
    }];
    let recording = composed_in_time(tracks, Reports::InManifest, 30, 0);
    let tile = recording
        .plan
        .tiles_at(150)
        .iter()
        .find(|tile| tile.track_id == "a-camera")
        .unwrap();
    // the background stands beside the upright picture, not above it
    let edge = support::video::Area {
        width: tile.area.width * 0.2,
        ..tile.area
    };
    let beside = recording.video.at(150).mean(edge.shrunk(2.0));
    assert!(
        beside.iter().all(|channel| *channel < 50.0),
        "{beside:?} beside the picture"
    );
}
