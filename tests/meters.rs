//! Level meters on finished recordings: they move with the sound of their own person.

mod support;

use std::{fs, path::Path};

use serde_json::Value;
use support::{Recording, planned, sample, session::SessionCopy, tessera, text, tool, video::Area};
use tempfile::TempDir;

const OPTIONS: [&str; 6] = ["--resolution", "480x270", "--fps", "10", "--crf", "12"];

/// How bright each peer's meter is at some seconds; `None` for who has none.
fn brightness(session: &Path, layout: &str, seconds: &[f64], peer: &str) -> Vec<f64> {
    let options = [&OPTIONS[..], &["--layout", layout]].concat();
    let plan: Value = serde_json::from_str(&planned(session, &options)).unwrap();
    let recording = Recording::of(session, &options);
    let at = |seconds: &f64| {
        let tick = (seconds * 10.0).round() as i64;
        let meter = meter(&plan, tick, peer).expect("everybody has a meter");
        recording.video.at(tick).mean(meter)[1]
    };
    seconds.iter().map(at).collect()
}

/// Where a peer's meter stands at a tick.
fn meter(plan: &Value, tick: i64, peer: &str) -> Option<Area> {
    let mut scenes = plan["scenes"].as_array().unwrap().iter();
    let scene = scenes.find(|scene| tick < scene["end"].as_i64().unwrap())?;
    let places = [&scene["tiles"], &scene["decorations"]];
    let mut places = places.into_iter().filter_map(Value::as_array).flatten();
    let place = places.find(|place| place["peer_id"] == peer)?;
    serde_json::from_value(place["label"]["meter"].clone()).ok()
}

/// Everybody beeps for a tenth of each second; the first is muted for a while.
fn session() -> SessionCopy {
    let mut copy = SessionCopy::new();
    copy.mute("asha-mic", 10.5, 13.5);
    copy
}

#[test]
fn a_meter_is_high_while_its_person_sounds_and_low_while_not() {
    let copy = session();
    let session = copy.saved();
    let seconds = [9.0, 9.7, 12.0, 12.7, 15.0, 15.7];
    let first = brightness(&session, "audio-only", &seconds, "p1");
    let second = brightness(&session, "audio-only", &seconds, "p2");
    let is_high = |levels: &[f64]| {
        let silent = levels[1];
        levels.iter().map(|level| *level > silent + 20.0).collect::<Vec<bool>>()
    };
    assert_eq!(is_high(&first), [true, false, false, false, true, false], "{first:?}");
    assert_eq!(is_high(&second), [true, false, true, false, true, false], "{second:?}");
}

#[test]
fn meters_stand_over_pictures_too_and_fall_between_two_sounds() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("own.toml");
    let gallery = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("layouts/gallery.toml")).unwrap();
    fs::write(&file, gallery.replace("[style]", "[style]\nmeters = true")).unwrap();
    let copy = session();
    // at 14.1 s she flashes
    let levels = brightness(&copy.saved(), text(&file), &[14.0, 14.2, 14.3, 14.7], "p1");
    let fell = levels.windows(2).all(|pair| pair[0] > pair[1] + 2.0);
    assert!(fell && levels[0] > levels[3] + 20.0, "{levels:?}");
}

#[test]
fn layouts_without_meters_carry_no_levels() {
    let copy = session();
    let session = copy.saved();
    let plan: Value = serde_json::from_str(&planned(&session, &[])).unwrap();
    assert_eq!(plan.get("levels"), None);
    let plan: Value = serde_json::from_str(&planned(&session, &["--layout", "audio-only"])).unwrap();
    let levels = plan["levels"].as_array().unwrap();
    assert_eq!(levels.len(), 4);
    for steps in levels.iter().map(|levels| levels["steps"].as_array().unwrap()) {
        assert!(
            steps
                .windows(2)
                .all(|pair| pair[0][0].as_i64() < pair[1][0].as_i64() && pair[0][1] != pair[1][1])
        );
    }
}

#[test]
fn a_title_is_not_covered_by_a_meter() {
    let folder = TempDir::new().unwrap();
    let gallery = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("layouts/gallery.toml")).unwrap();
    let session = sample();
    // all pixels of the frame, and where meters stand on it
    let seen = |style: &str| {
        let file = folder.path().join("own.toml");
        fs::write(&file, gallery.replace("[style]", &format!("[style]\n{style}"))).unwrap();
        let out = folder.path().join("frame.png");
        let options = [&OPTIONS[..], &["--layout", text(&file), "--frame-at", "19", text(&out)]].concat();
        let all = [&["compose", text(&session)], &options[..]].concat();
        assert_eq!(tessera(&all).code, Some(0));
        let pixels = tool(
            "ffmpeg",
            &["-i", text(&out), "-pix_fmt", "rgb24", "-f", "rawvideo", "-"],
        );
        let options = [&OPTIONS[..], &["--layout", text(&file)]].concat();
        let plan: Value = serde_json::from_str(&planned(&session, &options)).unwrap();
        (plan, pixels)
    };
    let (plan, with) = seen("meters = true\ntitle = { place = \"bottom-right\" }");
    let (_, without) = seen("title = { place = \"bottom-right\" }");
    let differs = |peer: &str| {
        let area = meter(&plan, 190, peer).expect("everybody has a meter");
        let (left, top) = (area.x as usize, area.y as usize);
        let mut rows = top..top + area.height as usize;
        rows.any(|y| {
            let row = (y * 480 + left) * 3..(y * 480 + left + area.width as usize) * 3;
            with[row.clone()] != without[row]
        })
    };
    assert!(differs("p1"), "there is no meter");
    assert!(!differs("p4"), "the meter covers the title");
}
