//! One number gone wild, in a dump that is good otherwise: it moves nothing and makes nothing longer.

mod support;

use serde_json::{Value, json};
use support::{
    Recording, expect,
    ivf::Ivf,
    meeting::{Meeting, Published, Reports},
    rtp_dump::Script,
    session::SessionCopy,
    story::Story,
    studio::{Silence, camera, microphone},
    tessera, text, tool,
};
use tessera::media::{Codec, TimeDelta};

/// The sample's length in ticks by its dumps alone: the last packet of sound ends a little after the last picture.
const LENGTH: i64 = 626;

#[test]
fn a_wild_timestamp_of_a_picture_moves_nothing_and_lasts_no_longer() {
    let uri = "tracks/dalia-camera-1.ivf";
    let frames = Ivf::read(&SessionCopy::new().file(uri)).frames.len();
    let wild = [-(1 << 40), -1_000_000_000, 15 * 86_400 * 365, i64::MAX].map(|pts| pts as u64);
    for (index, pts) in [0, 1, 20, frames - 1]
        .into_iter()
        .zip(wild)
        .chain([(0, wild[2]), (frames - 1, wild[1])])
    {
        let mut copy = SessionCopy::new();
        let mut dump = Ivf::read(&copy.file(uri));
        dump.frames[index].pts = pts;
        dump.write(&copy.file(uri));
        nobody_says_when_it_ended(&mut copy);
        let recording = Recording::small(&copy.saved(), &[]);
        expect::tells(&recording, &Story::sample());
        assert_eq!((recording.plan.length, recording.verdict(uri)), (LENGTH, "repaired"));
    }
}

#[test]
fn a_wild_timestamp_of_sound_moves_nothing_and_lasts_no_longer() {
    let uri = "tracks/asha-mic.mka";
    for index in [0, 1, 300] {
        let mut copy = SessionCopy::new();
        let (whole, wild) = (copy.file(uri), copy.file("tracks/wild.mka"));
        let stamp = format!("setts=pts='if(eq(N,{index}),PTS+8e9,PTS)'");
        tool(
            "ffmpeg",
            &["-i", text(&whole), "-c", "copy", "-bsf:a", &stamp, text(&wild)],
        );
        copy.track("asha-mic")["dumps"][0]["uri"] = json!("tracks/wild.mka");
        nobody_says_when_it_ended(&mut copy);
        let session = copy.saved();
        let recording = Recording::small(&session, &[]);
        expect::tells(&recording, &Story::sample());
        assert_eq!(
            (recording.plan.length, recording.verdict("tracks/wild.mka")),
            (LENGTH, "repaired")
        );
        let inspected = tessera(&["inspect", text(&session), "--json"]);
        assert!(!inspected.stdout.contains("8000000"), "{}", inspected.stdout);
    }
}

/// Only the dumps are left to say how long the session was.
fn nobody_says_when_it_ended(copy: &mut SessionCopy) {
    copy.manifest["session"].as_object_mut().unwrap().remove("ended_at");
    copy.manifest.as_object_mut().unwrap().remove("recording");
    for peer in copy.manifest["peers"].as_array_mut().unwrap() {
        peer.as_object_mut().unwrap().remove("left_at");
    }
    for track in copy.manifest["tracks"].as_array_mut().unwrap() {
        for dump in track["dumps"].as_array_mut().unwrap() {
            dump.as_object_mut().unwrap().remove("ended_at");
        }
    }
    let is_mute = |event: &Value| event["track_id"].is_string();
    copy.manifest["events"].as_array_mut().unwrap().retain(is_mute);
}

/// The packets of a camera and a microphone, some of them spoilt.
fn meeting(spoilt: impl Fn(Script) -> Script) -> Meeting {
    let seconds = 20;
    let picture = Script::new(Codec::Vp8, camera(Codec::Vp8, (160, 90), seconds));
    let sound = Script::new(Codec::Opus, microphone(600, Silence::Sent, seconds));
    let track = |id, script| Published {
        id,
        peer: "a",
        scripts: vec![spoilt(script)],
    };
    Meeting {
        tracks: vec![track("a-camera", picture), track("a-mic", sound)],
        reports: Reports::None,
        seconds,
    }
}

fn is_in_time(meeting: &Meeting) {
    let recording = meeting.recorded();
    let (flashes, beeps) = (
        meeting.flashes(&recording, "a-camera"),
        meeting.beeps(&recording, "a-mic", 600),
    );
    flashes.is_a_picture_in_time();
    beeps.is_sound_in_time();
    beeps.goes_with(&flashes);
    flashes.misses_at_most(0);
    beeps.misses_at_most(0);
    assert_eq!(recording.plan.length, 2000);
}

#[test]
fn a_wild_rtp_timestamp_is_survived() {
    for index in [0, 1, 150, 399] {
        let wild_timestamps = vec![(index, 0x9000_0000)];
        is_in_time(&meeting(|script| Script {
            wild_timestamps: wild_timestamps.clone(),
            ..script
        }));
    }
}

#[test]
fn a_wild_time_of_receipt_is_survived() {
    for index in [1, 150, 399] {
        let wild_receipts = vec![(index, TimeDelta::from_seconds(40 * 86_400))];
        is_in_time(&meeting(|script| Script {
            wild_receipts: wild_receipts.clone(),
            ..script
        }));
    }
}
