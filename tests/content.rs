//! What a viewer of the finished file notices: who is where, when, in which colour, and how far sound is from picture.

mod support;

use std::sync::OnceLock;

use serde_json::json;
use support::{
    Recording, expect, planned, sample,
    session::{SessionCopy, wall},
    story::Story,
    video::Area,
};

/// The sample as `make demo` composes it.
fn standup() -> &'static Recording {
    static STANDUP: OnceLock<Recording> = OnceLock::new();
    STANDUP.get_or_init(|| Recording::of(&sample(), &[]))
}

#[test]
fn tiles_come_and_go_with_their_cameras() {
    let (recording, story) = (standup(), Story::sample());
    expect::tiles_are_right(recording, &story);
    // the story itself must know of the camera that is off and of the rejoin
    let shown = |track: &str, tick| recording.plan.tiles_at(tick).iter().any(|tile| tile.track_id == track);
    assert_eq!(
        [274, 275, 374, 375].map(|tick| shown("chen-camera", tick)),
        [true, false, false, true]
    );
    assert_eq!(
        [324, 325, 449, 450].map(|tick| shown("dalia-camera", tick)),
        [true, false, false, true]
    );
}

#[test]
fn every_pixel_of_every_scene_is_its_peers_colour_or_background() {
    expect::pictures_are_right(standup(), &Story::sample());
}

#[test]
fn every_flash_stands_with_its_beep() {
    expect::flashes_meet_beeps(standup(), &Story::sample());
}

#[test]
fn nobody_is_heard_between_the_beeps() {
    expect::silence_between_beeps(standup(), &Story::sample());
}

#[test]
fn a_muted_microphone_is_silent_while_the_others_are_heard() {
    let within_mute = |tone: f64| {
        let onsets = standup().sound.onsets(tone);
        onsets.iter().filter(|onset| (20.5..22.5).contains(&onset.at)).count()
    };
    let tones: Vec<f64> = Story::sample().voices.iter().map(|voice| voice.tone).collect();
    assert_eq!(tones.into_iter().map(within_mute).collect::<Vec<_>>(), [2, 0, 2, 0]);
}

#[test]
fn four_voices_at_once_neither_clip_nor_get_much_quieter() {
    let recording = standup();
    let peak = recording.sound.peak(0.0, recording.sound.seconds());
    assert!(peak < 0.95, "the highest sample is {peak}");
    for voice in Story::sample().voices {
        for onset in recording.sound.onsets(voice.tone) {
            // the four beeps add up to full scale: headroom may take a little off each
            assert!((0.19..0.27).contains(&onset.level), "{}: {onset:?}", voice.peer_id);
        }
    }
}

#[test]
fn players_find_what_they_need_in_the_file() {
    let recording = standup();
    let facts = |kind: &str, keys: &[&str]| {
        let stream = recording.stream(kind);
        keys.iter().map(|key| stream[key].clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        facts(
            "video",
            &[
                "codec_name",
                "profile",
                "pix_fmt",
                "color_range",
                "color_space",
                "start_pts"
            ]
        ),
        [
            json!("h264"),
            json!("High"),
            json!("yuv420p"),
            json!("tv"),
            json!("smpte170m"),
            json!(0)
        ]
    );
    assert_eq!(
        facts("video", &["width", "height", "avg_frame_rate"]),
        [json!(1280), json!(720), json!("25/1")]
    );
    assert_eq!(
        facts("audio", &["codec_name", "profile", "sample_rate", "start_pts"]),
        [json!("aac"), json!("LC"), json!("48000"), json!(0)]
    );
    let tags = &recording.facts["format"]["tags"];
    assert_eq!(tags["title"], "standup");
    assert_eq!(tags["creation_time"], "2026-11-20T10:00:00.000000Z");
    assert_eq!(recording.file_name, "Rec-ses-standup-1795168800000.mp4");
}

#[test]
fn the_index_comes_before_the_media() {
    let boxes = top_level_boxes(&standup().bytes);
    let place = |name: &str| boxes.iter().position(|found| found == name);
    assert!(place("moov").is_some() && place("moov") < place("mdat"), "{boxes:?}");
}

#[test]
fn picture_and_sound_last_as_long_as_planned() {
    let recording = standup();
    let (planned, frame) = (recording.plan.seconds(recording.plan.length), recording.plan.seconds(1));
    assert_eq!(planned, 25.0);
    for kind in ["video", "audio"] {
        let length: f64 = recording.stream(kind)["duration"].as_str().unwrap().parse().unwrap();
        assert!(
            (length - planned).abs() <= frame,
            "{kind} lasts {length} s, not {planned} s"
        );
    }
    assert!((recording.sound.seconds() - planned).abs() <= frame);
}

#[test]
fn players_can_seek_every_two_seconds() {
    let recording = standup();
    let (keyframes, step) = (
        &recording.video.keyframes,
        2 * i64::from(recording.plan.ticks_per_second),
    );
    assert_eq!(keyframes[0], 0);
    let ends = keyframes[1..].iter().chain([&recording.plan.length]);
    assert!(
        keyframes.iter().zip(ends).all(|(one, next)| next - one <= step),
        "{keyframes:?}"
    );
}

#[test]
fn a_standing_picture_costs_few_frames_unless_asked_for() {
    let mut copy = SessionCopy::new();
    copy.keep_tracks(&["bruno-screen"]);
    let session = copy.saved();
    let mut story = Story::sample();
    story.pictures.retain(|picture| picture.track_id == "bruno-screen");
    story.voices.clear();

    let sparse = Recording::small(&session, &[]);
    expect::tells(&sparse, &story);
    let ticks = &sparse.video.ticks;
    // the screen is at 5 a second for 8 seconds; with nobody on the canvas one a second is enough
    assert!((40..=70).contains(&ticks.len()), "{} frames", ticks.len());
    let rate = i64::from(sparse.plan.ticks_per_second);
    assert!(ticks.windows(2).all(|pair| pair[1] - pair[0] <= rate), "{ticks:?}");

    let constant = Recording::small(&session, &["--constant-frame-rate"]);
    expect::tells(&constant, &story);
    assert_eq!(constant.video.ticks, (0..constant.plan.length).collect::<Vec<_>>());
    assert_eq!(constant.plan.length, sparse.plan.length);
}

#[test]
fn a_slow_portrait_recording_tells_the_same() {
    let options = ["--fps", "10", "--resolution", "720x1280", "--preset", "ultrafast"];
    let recording = Recording::of(&sample(), &options);
    let video = recording.stream("video");
    assert_eq!([&video["width"], &video["height"]], [720, 1280]);
    assert_eq!((recording.plan.ticks_per_second, recording.plan.length), (10, 250));
    expect::tells(&recording, &Story::sample());
    let areas: Vec<Area> = recording.plan.tiles_at(120).iter().map(|tile| tile.area).collect();
    assert!(
        areas.iter().all(|area| area.width > area.height),
        "tiles of {areas:?} waste a portrait canvas"
    );
}

#[test]
fn a_part_of_the_session_tells_that_part() {
    let recording = Recording::small(&sample(), &["--from", "4.52", "--to", "0:12.24"]);
    expect::tells(&recording, &Story::sample().recorded(&[(4.52, 12.24)], 25.0));
    assert_eq!(recording.plan.length, 193);
    assert_eq!(recording.plan.started_at, wall(4.52));
    assert_eq!(recording.file_name, "Rec-ses-standup-1795168804520.mp4");
}

#[test]
fn pauses_are_cut_out_and_all_stays_in_time() {
    // neither the first window's length nor the second's start falls on a tick
    let windows = [(2.0, 9.51), (13.27, 20.0)];
    let mut copy = SessionCopy::new();
    copy.record(&windows);
    let recording = Recording::small(&copy.saved(), &[]);
    let story = Story::sample().recorded(&windows, 25.0);
    expect::tells(&recording, &story);
    expect::silence_between_beeps(&recording, &story);
    assert_eq!(recording.plan.length, 188 + 169);
    assert_eq!(recording.plan.started_at, wall(2.0));
}

#[test]
fn a_muted_camera_gives_its_tile_back() {
    let mut copy = SessionCopy::new();
    copy.mute("asha-camera", 5.0, 7.4);
    let mut story = Story::sample();
    story.picture("asha-camera").off(5.0, 7.4);
    expect::tells(
        &Recording::small(&copy.saved(), &["--to", "9"]),
        &story.recorded(&[(0.0, 9.0)], 25.0),
    );
}

#[test]
fn a_camera_that_stops_sending_gives_its_tile_back_unasked() {
    let mut copy = SessionCopy::new();
    // without events only the hole in Chen's dump says that his camera was off, and nothing mutes Dalia
    copy.manifest["events"] = json!([]);
    let recording = Recording::small(&copy.saved(), &[]);
    let mut story = Story::sample();
    story.voices[3].beeps = [8..13, 18..25].into_iter().flatten().map(f64::from).collect();
    expect::tells(&recording, &story);
}

#[test]
fn dumps_may_begin_before_the_session_and_outlive_it() {
    let mut copy = SessionCopy::new();
    copy.manifest["session"]["started_at"] = json!(wall(4.24));
    copy.manifest["session"]["ended_at"] = json!(wall(19.48));
    copy.manifest.as_object_mut().unwrap().remove("recording");
    let recording = Recording::small(&copy.saved(), &[]);
    expect::tells(&recording, &Story::sample().recorded(&[(4.24, 19.48)], 25.0));
    assert_eq!(recording.plan.length, 381);
}

#[test]
fn tracks_of_one_meeting_may_come_in_any_order() {
    let mut copy = SessionCopy::new();
    let scenes = |session: &std::path::Path| {
        let plan: serde_json::Value = serde_json::from_str(&planned(session, &[])).unwrap();
        plan["scenes"].clone()
    };
    let before = scenes(&copy.saved());
    copy.manifest["tracks"].as_array_mut().unwrap().reverse();
    copy.manifest["events"].as_array_mut().unwrap().reverse();
    assert_eq!(scenes(&copy.saved()), before);
}

/// The names of an MP4 file's outermost boxes (ISO/IEC 14496-12 section 4.2).
fn top_level_boxes(bytes: &[u8]) -> Vec<String> {
    let (mut names, mut at) = (Vec::new(), 0);
    while at + 8 <= bytes.len() {
        let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        assert!(size >= 8, "a box of {size} bytes at {at}");
        names.push(String::from_utf8_lossy(&bytes[at + 4..at + 8]).into_owned());
        at += size;
    }
    names
}
