//! Dumps that are good, but not as one would wish: late keyframes, changing sizes, split files, rarer codecs.

mod support;

use std::fs;

use serde_json::json;
use support::{
    Recording, expect,
    ivf::Ivf,
    session::{SessionCopy, wall},
    story::Story,
    text, tool,
};

/// Dalia's camera alone, in one dump from 8 s to `end`.
fn only_dalia(copy: &mut SessionCopy, uri: &str, end: f64) {
    copy.keep_tracks(&["dalia-camera"]);
    copy.track("dalia-camera")["dumps"] = json!([
        {"uri": uri, "format": "ivf", "started_at": wall(8.0), "ended_at": wall(end)}
    ]);
}

fn dalias_story(end: f64) -> Story {
    let mut story = Story::sample();
    story.pictures.retain(|picture| picture.track_id == "dalia-camera");
    story.voices.clear();
    let dalia = story.picture("dalia-camera");
    dalia.spans = vec![(8.0, end)];
    dalia.flashes = (8..end as i32).map(f64::from).collect();
    story
}

#[test]
fn before_a_late_keyframe_there_is_background() {
    let mut copy = SessionCopy::new();
    // Dalia's first dump without its only keyframe; after five seconds her second, which has one
    let mut late = Ivf::read(&copy.file("tracks/dalia-camera-1.ivf"));
    late.frames.remove(0);
    late.append(&Ivf::read(&copy.file("tracks/dalia-camera-2.ivf")), 75);
    late.write(&copy.file("tracks/late.ivf"));
    only_dalia(&mut copy, "tracks/late.ivf", 20.0);

    let mut story = dalias_story(20.0);
    let dalia = story.picture("dalia-camera");
    dalia.spans = vec![(8.0 + 1.0 / 15.0, 20.0)];
    dalia.blank = vec![(8.0, 13.0)];
    dalia.flashes.retain(|at| *at >= 13.0);
    let recording = Recording::small(&copy.saved(), &[]);
    expect::tells(&recording, &story);
    assert_eq!(recording.video.ticks.first(), Some(&0));
}

#[test]
fn decoders_that_guess_are_not_believed_before_a_keyframe() {
    // the ffmpeg command would show grey smears here until the keyframe comes
    let mut copy = SessionCopy::new();
    let (whole, late) = (copy.file("tracks/bruno-camera.mp4"), copy.file("tracks/late.mkv"));
    let drop = [
        "-i",
        text(&whole),
        "-c",
        "copy",
        "-bsf:v",
        "noise=drop=eq(n\\,0)",
        text(&late),
    ];
    tool("ffmpeg", &drop);
    let dump = &mut copy.track("bruno-camera")["dumps"][0];
    (dump["uri"], dump["format"]) = (json!("tracks/late.mkv"), json!("mkv"));

    let mut story = Story::sample();
    let bruno = story.picture("bruno-camera");
    bruno.spans = vec![(3.44, 21.0)];
    bruno.blank = vec![(3.44, 8.4)];
    bruno.flashes.retain(|at| *at > 8.4);
    expect::tells(&Recording::small(&copy.saved(), &[]), &story);
}

#[test]
fn a_camera_may_turn_in_the_middle_of_its_dump() {
    let mut copy = SessionCopy::new();
    let upright = copy.file("tracks/upright.ivf");
    // white for the first 100 ms of every second, as all cameras of the sample are
    let turned = "color=c=0xE6AA1E:s=240x320:r=15:d=4,drawbox=c=white:t=fill:enable=lt(mod(t\\,1)\\,0.1)";
    let encode = [
        "-c:v",
        "libvpx",
        "-deadline",
        "realtime",
        "-cpu-used",
        "8",
        "-b:v",
        "1M",
        "-f",
        "ivf",
    ];
    tool(
        "ffmpeg",
        &[&["-f", "lavfi", "-i", turned][..], &encode, &[text(&upright)]].concat(),
    );
    let mut both = Ivf::read(&copy.file("tracks/dalia-camera-1.ivf"));
    both.append(&Ivf::read(&upright), 75);
    both.write(&copy.file("tracks/both.ivf"));
    only_dalia(&mut copy, "tracks/both.ivf", 17.0);

    let mut story = dalias_story(17.0);
    story.picture("dalia-camera").sizes = vec![(8.0, (480.0, 270.0)), (13.0, (240.0, 320.0))];
    expect::tells(&Recording::small(&copy.saved(), &[]), &story);
}

#[test]
fn a_dump_may_be_split_where_no_frame_is_missing() {
    let mut copy = SessionCopy::new();
    // the first part ends in the middle of a second; the second part has no keyframe until the rejoin's
    let whole = Ivf::read(&copy.file("tracks/dalia-camera-2.ivf"));
    let mut other = Ivf::read(&copy.file("tracks/dalia-camera-1.ivf"));
    other.append(&whole, 75);
    other.write(&copy.file("tracks/part-1.ivf"));
    whole.write(&copy.file("tracks/part-2.ivf"));
    only_dalia(&mut copy, "tracks/part-1.ivf", 20.0);
    let dumps = copy.track("dalia-camera")["dumps"].as_array_mut().unwrap();
    // the second part begins while the first still runs: nothing may flicker or be shown twice
    dumps.push(json!({"uri": "tracks/part-2.ivf", "started_at": wall(17.0), "ended_at": wall(24.0)}));
    expect::tells(&Recording::small(&copy.saved(), &[]), &dalias_story(24.0));
}

#[test]
fn av1_is_shown_like_the_others() {
    let mut copy = SessionCopy::new();
    let (vp8, av1) = (copy.file("tracks/asha-camera.webm"), copy.file("tracks/av1.webm"));
    let shrink = ["-i", text(&vp8), "-t", "6", "-vf", "scale=320:180"];
    let encode = [
        "-c:v",
        "libaom-av1",
        "-usage",
        "realtime",
        "-cpu-used",
        "8",
        "-crf",
        "30",
        text(&av1),
    ];
    tool("ffmpeg", &[&shrink[..], &encode].concat());
    copy.keep_tracks(&["asha-camera", "asha-mic"]);
    copy.track("asha-camera")["codec"] = json!("av1");
    let dump = &mut copy.track("asha-camera")["dumps"][0];
    (dump["uri"], dump["ended_at"]) = (json!("tracks/av1.webm"), json!(wall(6.0)));

    let mut story = Story::sample();
    story.pictures.retain(|picture| picture.track_id == "asha-camera");
    story.voices.retain(|voice| voice.peer_id == "p1");
    story.picture("asha-camera").off(6.0, 25.0);
    let recording = Recording::small(&copy.saved(), &["--to", "8"]);
    expect::tells(&recording, &story.recorded(&[(0.0, 8.0)], 25.0));
    assert_eq!(recording.verdict("tracks/av1.webm"), "used");
}

#[test]
fn endings_and_formats_may_be_wrong_or_missing() {
    let mut copy = SessionCopy::new();
    // a Matroska file that is called MP4, and a WebM of which nothing is said
    let camera = &mut copy.track("asha-camera")["dumps"][0];
    camera["format"] = json!("mp4");
    let plain = &mut copy.track("chen-camera")["dumps"][0];
    plain.as_object_mut().unwrap().remove("format");
    plain.as_object_mut().unwrap().remove("ended_at");
    let session = copy.saved();
    expect::tells(
        &Recording::small(&session, &["--to", "10"]),
        &Story::sample().recorded(&[(0.0, 10.0)], 25.0),
    );
    fs::remove_dir_all(session).unwrap();
}
