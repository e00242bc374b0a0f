//! Dumps that are broken, missing, or not what they say: each is left out or used as far as it goes, is named in a
//! warning, and costs the others nothing.

mod support;

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;
use support::{Recording, compose, expect, names_in, sample, session::SessionCopy, story::Story, text, tool};
use tempfile::TempDir;

const CAMERA: &str = "tracks/asha-camera.webm";

/// Composes the session, in which only the dump `bad` is not as it should be, and holds the result against `story`.
fn composed_despite(copy: &SessionCopy, bad: &str, verdict: &str, story: &Story, options: &[&str]) {
    let recording = Recording::small(&copy.saved(), options);
    for uri in copy.uris() {
        let expected = if uri == bad { verdict } else { "used" };
        assert_eq!(recording.verdict(&uri), expected, "{uri}");
    }
    names_the_dump(&recording, bad);
    expect::tells(&recording, story);
}

/// The dump is used as far as it goes, which `story` knows.
fn repaired(copy: &SessionCopy, bad: &str, story: &Story) {
    composed_despite(copy, bad, "repaired", story, &[]);
}

/// The dump is left out, and `track` with it. Eleven seconds are enough to see everybody else.
fn left_out(copy: &SessionCopy, bad: &str, track: &str) {
    let story = Story::sample().without(track).recorded(&[(0.0, 11.0)], 25.0);
    composed_despite(copy, bad, "quarantined", &story, &["--to", "11"]);
}

/// The summary for people and the report for programs both name the dump.
fn names_the_dump(recording: &Recording, uri: &str) {
    let warnings = recording.warnings();
    assert!(
        warnings.iter().any(|warning| warning.contains(uri)),
        "{uri} is not in {warnings:?}"
    );
    let mut lines = recording.summary.lines();
    assert!(
        lines.any(|line| line.trim_start().starts_with('-') && line.contains(uri)),
        "{uri} is not in the summary:\n{}",
        recording.summary
    );
}

/// This is not what the file of a camera may hold.
fn no_camera(content: &[u8]) {
    let copy = SessionCopy::new();
    fs::write(copy.file(CAMERA), content).unwrap();
    left_out(&copy, CAMERA, "asha-camera");
}

/// Numbers that look random, the same each time (xorshift).
fn random(seed: u64) -> impl FnMut() -> usize {
    let mut state = 0x9E37_79B9_7F4A_7C15 ^ (seed << 32);
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as usize
    }
}

fn random_bytes(count: usize) -> Vec<u8> {
    let mut next = random(0);
    (0..count).map(|_| next() as u8).collect()
}

/// Cuts the file in half; says when its last packet begins, in seconds of its own time.
fn halve(path: &Path) -> f64 {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    // not through `tool`: ffprobe rightly complains of the cut
    let times = ["-v", "quiet", "-show_entries", "packet=pts_time", "-of", "csv=p=0"];
    let output = Command::new("ffprobe").args(times).arg(path).output().unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    let times = listed
        .lines()
        .filter_map(|line| line.trim_matches(',').parse::<f64>().ok());
    times.fold(0.0, f64::max)
}

#[test]
fn a_cut_webm_is_shown_until_the_cut() {
    let copy = SessionCopy::new();
    let end = halve(&copy.file(CAMERA)) + 1.0 / 25.0;
    assert!((5.0..20.0).contains(&end), "the cut is at {end}");
    let mut story = Story::sample();
    story.picture("asha-camera").off(end, 25.0);
    repaired(&copy, CAMERA, &story);
}

#[test]
fn a_cut_ivf_is_shown_until_the_cut() {
    let (copy, uri) = (SessionCopy::new(), "tracks/dalia-camera-2.ivf");
    let end = 18.0 + halve(&copy.file(uri)) + 1.0 / 15.0;
    assert!((19.0..24.0).contains(&end), "the cut is at {end}");
    let mut story = Story::sample();
    story.picture("dalia-camera").off(end, 25.0);
    repaired(&copy, uri, &story);
}

#[test]
fn a_cut_mp4_has_lost_its_index_and_is_left_out() {
    let (copy, uri) = (SessionCopy::new(), "tracks/bruno-camera.mp4");
    halve(&copy.file(uri));
    left_out(&copy, uri, "bruno-camera");
}

#[test]
fn a_cut_ogg_is_heard_until_the_cut() {
    let (copy, uri) = (SessionCopy::new(), "tracks/chen-mic.ogg");
    let end = 5.73 + halve(&copy.file(uri));
    let mut story = Story::sample();
    story.voices[2].beeps.retain(|at| at + 0.1 < end);
    assert!((3..15).contains(&story.voices[2].beeps.len()), "the cut is at {end}");
    repaired(&copy, uri, &story);
}

#[test]
fn an_empty_file_is_left_out() {
    no_camera(b"");
}

#[test]
fn random_bytes_are_left_out() {
    no_camera(&random_bytes(100_000));
}

#[test]
fn a_good_beginning_does_not_excuse_a_random_rest() {
    let (copy, uri) = (SessionCopy::new(), "tracks/bruno-camera.mp4");
    let mut bytes = fs::read(copy.file(uri)).unwrap();
    // from the second to the third keyframe, in the middle of the media
    let (from, to) = (bytes.len() / 4, bytes.len() / 2);
    bytes[from..to].copy_from_slice(&random_bytes(to - from));
    fs::write(copy.file(uri), bytes).unwrap();
    let recording = Recording::small(&copy.saved(), &[]);
    assert_eq!(recording.verdict(uri), "repaired");
    names_the_dump(&recording, uri);
    // what Bruno's tile shows meanwhile is nobody's promise; all others are as ever, and he comes back
    let frame = |seconds: f64| (seconds * 25.0) as i64;
    expect::tiles_are_right(&recording, &Story::sample());
    for at in [2.5, 19.5, 20.5, 22.5] {
        expect::canvas_is_right(&recording, &Story::sample(), frame(at));
    }
}

#[test]
fn damage_anywhere_never_fails_the_session() {
    for seed in 1..=8 {
        let copy = SessionCopy::new();
        let mut next = random(seed);
        for uri in copy.uris() {
            let mut bytes = fs::read(copy.file(&uri)).unwrap();
            for _ in 0..20 {
                let at = next() % bytes.len();
                bytes[at] = next() as u8;
            }
            fs::write(copy.file(&uri), bytes).unwrap();
        }
        let out = TempDir::new().unwrap();
        let run = compose(&copy.saved(), out.path(), support::SMALL);
        assert_eq!(run.code, Some(0), "with seed {seed}: {}", run.stderr);
        assert_eq!(names_in(out.path()).len(), 2);
    }
}

#[test]
fn sound_that_jumps_back_in_time_is_survived() {
    let (copy, uri) = (SessionCopy::new(), "tracks/chen-mic.ogg");
    // a recorder that was started again wrote on at the end of its old file
    let whole = fs::read(copy.file(uri)).unwrap();
    let end = 5.73 + halve(&copy.file(uri));
    let half = fs::read(copy.file(uri)).unwrap();
    fs::write(copy.file(uri), [half, whole].concat()).unwrap();
    let recording = Recording::small(&copy.saved(), &[]);
    expect::tells(&recording, &Story::sample().without("chen-mic"));
    // until the jump Chen is heard as ever
    let chen = &Story::sample().voices[2];
    let near = |at: &f64| {
        recording
            .sound
            .onsets(chen.tone)
            .iter()
            .any(|onset| (onset.at - at).abs() < 0.01)
    };
    assert!(chen.beeps.iter().filter(|at| **at + 0.2 < end).all(near));
}

#[test]
fn sound_in_place_of_a_picture_is_left_out() {
    no_camera(&fs::read(sample().join("tracks/asha-mic.mka")).unwrap());
}

#[test]
fn a_picture_in_place_of_sound_is_left_out() {
    let (copy, uri) = (SessionCopy::new(), "tracks/asha-mic.mka");
    fs::copy(copy.file(CAMERA), copy.file(uri)).unwrap();
    left_out(&copy, uri, "asha-mic");
}

#[test]
fn a_codec_that_no_sfu_sends_is_left_out() {
    let theora = [
        "-f",
        "lavfi",
        "-i",
        "testsrc=size=160x90:rate=10:duration=2",
        "-c:v",
        "libtheora",
        "-f",
        "ogg",
        "-",
    ];
    no_camera(&tool("ffmpeg", &theora));
}

#[test]
fn a_container_that_no_sfu_writes_is_left_out() {
    let (copy, uri) = (SessionCopy::new(), "tracks/asha-mic.mka");
    let mp3 = [
        "-f",
        "lavfi",
        "-i",
        "sine=duration=2",
        "-c:a",
        "libmp3lame",
        "-f",
        "mp3",
        "-",
    ];
    fs::write(copy.file(uri), tool("ffmpeg", &mp3)).unwrap();
    left_out(&copy, uri, "asha-mic");
}

#[test]
fn a_playlist_does_not_lead_to_other_files() {
    let secret = sample().join("tracks/asha-camera.webm");
    no_camera(format!("#EXTM3U\n#EXTINF:25,\nfile://{}\n#EXT-X-ENDLIST\n", secret.display()).as_bytes());
    no_camera(format!("ffconcat version 1.0\nfile '{}'\n", secret.display()).as_bytes());
}

#[test]
fn a_wrong_label_is_told_but_the_content_counts() {
    let mut copy = SessionCopy::new();
    copy.track("asha-camera")["codec"] = json!("h264");
    repaired(&copy, CAMERA, &Story::sample());
}

#[test]
fn a_missing_file_is_left_out() {
    let copy = SessionCopy::new();
    fs::remove_file(copy.file(CAMERA)).unwrap();
    left_out(&copy, CAMERA, "asha-camera");
}

#[test]
fn what_is_not_a_regular_file_is_left_out_and_never_waited_for() {
    let copy = SessionCopy::new();
    fs::remove_file(copy.file(CAMERA)).unwrap();
    let made = Command::new("mkfifo").arg(copy.file(CAMERA)).status().unwrap();
    assert!(made.success());
    left_out(&copy, CAMERA, "asha-camera");
}

/// A session whose first camera lies outside the manifest's folder: a good file that only its place forbids.
fn camera_outside() -> (SessionCopy, PathBuf) {
    let copy = SessionCopy::new();
    let outside = copy.outside().join("asha-camera.webm");
    fs::rename(copy.file(CAMERA), &outside).unwrap();
    (copy, outside)
}

#[test]
fn paths_that_lead_out_of_the_folder_are_not_followed() {
    let (mut copy, outside) = camera_outside();
    let outside = text(&outside);
    let hostile = [
        "../asha-camera.webm",
        "tracks/../../asha-camera.webm",
        outside,
        &format!("file://{outside}"),
    ];
    for uri in hostile {
        copy.track("asha-camera")["dumps"][0]["uri"] = json!(uri);
        left_out(&copy, uri, "asha-camera");
    }
}

#[test]
fn links_that_lead_out_of_the_folder_are_not_followed() {
    let (copy, outside) = camera_outside();
    symlink(&outside, copy.file(CAMERA)).unwrap();
    left_out(&copy, CAMERA, "asha-camera");
}

#[test]
fn a_file_uri_is_followed_where_the_caller_allows_it() {
    let (mut copy, outside) = camera_outside();
    copy.track("asha-camera")["dumps"][0]["uri"] = json!(format!("file://{}", outside.display()));
    let recording = Recording::small(&copy.saved(), &["--allow-file-uris"]);
    assert_eq!(recording.warnings(), Vec::<&str>::new());
    expect::tells(&recording, &Story::sample());
}

#[test]
fn strange_names_do_not_reach_the_terminal() {
    let mut copy = SessionCopy::new();
    copy.track("asha-camera")["dumps"][0]["uri"] = json!("tracks/\u{1b}[2Jasha\n.webm");
    let recording = Recording::small(&copy.saved(), &[]);
    expect::tells(&recording, &Story::sample().without("asha-camera"));
    assert!(recording.summary.contains("asha-camera"), "{}", recording.summary);
    let harmless = |text: &str| {
        text.chars()
            .all(|character| character == '\n' || !character.is_control())
    };
    assert!(harmless(&recording.summary), "{:?}", recording.summary);
}

#[test]
fn with_no_good_dump_left_there_is_no_recording() {
    let (copy, out) = (SessionCopy::new(), TempDir::new().unwrap());
    for uri in copy.uris() {
        fs::write(copy.file(&uri), random_bytes(5_000)).unwrap();
    }
    let run = compose(&copy.saved(), out.path(), &[]);
    run.failed_with(3, &["no input streams available to create recording"]);
    let uris = copy.uris();
    run.failed_with(3, &uris.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(names_in(out.path()), Vec::<String>::new());
}

#[test]
fn one_good_dump_is_enough() {
    let copy = SessionCopy::new();
    for uri in copy.uris().iter().filter(|uri| !uri.contains("chen-mic")) {
        fs::write(copy.file(uri), b"").unwrap();
    }
    let recording = Recording::small(&copy.saved(), &[]);
    let mut story = Story::sample();
    story.pictures.clear();
    story.voices.retain(|voice| voice.peer_id == "p3");
    expect::tells(&recording, &story);
    assert_eq!(recording.warnings().len(), copy.uris().len() - 1);
}
