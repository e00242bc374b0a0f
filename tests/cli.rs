//! What the command line says of itself and of sessions: help, layouts, schema, plan, inspect and the report.

mod support;

use std::{fs, path::Path};

use serde_json::{Value, json};
use support::{compose, sample, session::SessionCopy, tessera, text};
use tempfile::TempDir;

/// The JSON that a successful command prints.
fn printed(args: &[&str]) -> Value {
    let run = tessera(args);
    assert_eq!(run.code, Some(0), "{args:?}: {}", run.stderr);
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{args:?} printed no JSON: {error}"))
}

fn says(args: &[&str], words: &[&str]) {
    let run = tessera(args);
    assert_eq!(run.code, Some(0), "{args:?}: {}", run.stderr);
    for word in words {
        assert!(
            run.stdout.contains(word),
            "{args:?} does not say '{word}':\n{}",
            run.stdout
        );
    }
}

#[test]
fn help_names_every_option() {
    let recording = [
        "SESSION",
        "--allow-file-uris",
        "--layout",
        "--layout-at",
        "--show-role",
        "--hide-role",
        "--show-peer",
        "--hide-peer",
        "--hear-role",
        "--silence-role",
        "--hear-peer",
        "--silence-peer",
        "--resolution",
        "--fps",
        "--constant-frame-rate",
        "--preset",
        "--crf",
        "--from",
        "--to",
        "--json",
    ];
    says(
        &["--help"],
        &["compose", "plan", "inspect", "layouts", "schema", "Exit codes", "130"],
    );
    says(&["plan", "--help"], &recording);
    says(&["compose", "--help"], &recording);
    says(
        &["compose", "--help"],
        &["--out", "--fonts", "--jobs", "1280x720", "veryfast", "23", "auto"],
    );
    says(&["inspect", "--help"], &["SESSION", "--allow-file-uris", "--json"]);
    says(&["layouts", "--help"], &["list"]);
    says(&["layouts", "list", "--help"], &["--json"]);
    says(&["schema", "--help"], &["session", "layout"]);
    says(&["--version"], &[env!("CARGO_PKG_VERSION")]);
}

#[test]
fn without_a_command_there_is_help_and_an_error() {
    tessera(&[]).failed_with(2, &["compose", "Usage"]);
    tessera(&["compose"]).failed_with(2, &["SESSION"]);
    tessera(&["dance"]).failed_with(2, &["dance"]);
    tessera(&["schema", "weather"]).failed_with(2, &["session"]);
}

#[test]
fn the_schema_takes_the_sample_and_refuses_nonsense() {
    let schema = printed(&["schema", "session"]);
    assert!(jsonschema::meta::is_valid(&schema));
    let properties = schema["properties"].as_object().unwrap();
    for field in ["version", "session", "peers", "tracks", "events", "recording"] {
        assert!(
            properties.contains_key(field),
            "{field} is not in {:?}",
            properties.keys()
        );
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut manifest = SessionCopy::new().manifest;
    assert!(validator.is_valid(&manifest));
    // what the schema does not know must stay possible: newer platforms write more
    manifest["tracks"][0]["mood"] = json!("good");
    assert!(validator.is_valid(&manifest));
    manifest["tracks"][0]["kind"] = json!("smell");
    assert!(!validator.is_valid(&manifest));
}

#[test]
fn layouts_are_listed_for_people_and_programs() {
    says(&["layouts", "list"], &["gallery", "grid", "portrait"]);
    let listed = printed(&["layouts", "list", "--json"]);
    let grid = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|layout| layout["name"] == "grid")
        .unwrap();
    assert_eq!(grid["max_tiles"], 49);
    assert!(!grid["description"].as_str().unwrap().is_empty());
}

#[test]
fn a_layout_file_decides_how_many_are_shown_and_on_what() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("two.toml");
    let grid = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("layouts/grid.toml")).unwrap();
    fs::write(
        &file,
        grid.replace("49", "2")
            .replace("#101418", "#203040")
            .replace("\"grid\"", "\"two\""),
    )
    .unwrap();
    let session = sample();
    let args = ["plan", text(&session), "--layout", text(&file)];
    let plan = printed(&[&args[..], &["--json"]].concat());
    assert_eq!(
        (&plan["layout"], &plan["looks"][0]["background"]),
        (&json!("two"), &json!("#203040"))
    );
    let tiles = |scene: &Value| scene["tiles"].as_array().unwrap().len();
    assert_eq!(plan["scenes"].as_array().unwrap().iter().map(tiles).max(), Some(2));
    says(&args, &["warning", "bruno-screen"]);
}

#[test]
fn the_plan_has_the_promised_shape() {
    let plan = printed(&["plan", text(&sample()), "--layout", "grid", "--json"]);
    assert_eq!(plan["started_at"], "2026-11-20T10:00:00.000Z");
    assert_eq!(plan["ticks_per_second"], 25);
    assert_eq!(plan["canvas"], json!({"width": 1280, "height": 720}));
    let first = json!({
        "start": 0, "end": 85,
        "tiles": [{
            "track_id": "asha-camera", "peer_id": "p1", "fit": "contain",
            "x": 0, "y": 0, "width": 1280, "height": 720,
        }],
    });
    assert_eq!(plan["scenes"][0], first);
    assert_eq!(plan["audio"].as_array().unwrap().len(), 4);
    assert!(plan["hash"].is_string());
}

#[test]
fn the_plan_for_people_names_who_is_shown_and_heard() {
    says(
        &["plan", text(&sample()), "--layout", "grid"],
        &[
            "ses-standup",
            "11 scenes",
            "asha-camera 1280x720+0+0",
            "4 tracks heard",
            "chunks",
        ],
    );
}

/// What `inspect --json` says of each dump.
fn inspected(session: &Path, uri: &str) -> Value {
    let all = printed(&["inspect", text(session), "--json"]);
    let found = all["dumps"].as_array().unwrap().iter().find(|dump| dump["uri"] == uri);
    found.unwrap_or_else(|| panic!("{uri} was not inspected")).clone()
}

#[test]
fn inspect_finds_what_each_dump_holds() {
    let mut chen = inspected(&sample(), "tracks/chen-camera.webm");
    let sync = chen["found"].as_object_mut().and_then(|found| found.remove("sync"));
    assert_eq!(sync.expect("every usable dump has its place")["anchor"], "manifest");
    assert_eq!(
        (&chen["track_id"], &chen["verdict"]),
        (&json!("chen-camera"), &json!("used"))
    );
    let expected = json!({
        "container": "matroska,webm", "codec": "vp9", "frames": 308,
        "bytes": fs::metadata(sample().join("tracks/chen-camera.webm")).unwrap().len(),
        "start_ms": 5600, "end_ms": 25000, "keyframes_ms": [5600, 15000],
        "sizes": [{"at_ms": 5600, "width": 640, "height": 480}],
        "gaps": [{"at_ms": 11000, "length_ms": 4000}],
    });
    assert_eq!(chen["found"], expected);
    let bruno = inspected(&sample(), "tracks/bruno-camera.mp4");
    assert_eq!(bruno["found"]["keyframes_ms"], json!([3400, 8400, 13400, 18400]));
    let codec = |uri: &str| inspected(&sample(), uri)["found"]["codec"].clone();
    assert_eq!(
        ["asha-camera.webm", "asha-mic.mka", "bruno-camera.mp4", "bruno-mic.m4a"]
            .map(|name| codec(&format!("tracks/{name}"))),
        ["vp8", "opus", "h264", "aac"]
    );
}

#[test]
fn inspect_says_what_is_wrong_and_still_succeeds() {
    let copy = SessionCopy::new();
    fs::write(copy.file("tracks/asha-camera.webm"), "no video").unwrap();
    let session = copy.saved();
    let dump = inspected(&session, "tracks/asha-camera.webm");
    assert_eq!(dump["verdict"], "quarantined");
    assert!(dump["found"].is_null() && dump["remarks"][0].is_string(), "{dump}");
    says(
        &["inspect", text(&session)],
        &[
            "quarantined",
            "warning: dump tracks/asha-camera.webm",
            "chen-camera",
            "vp9",
            "640x480",
        ],
    );
}

#[test]
fn unknown_fields_and_events_are_warnings() {
    let mut copy = SessionCopy::new();
    copy.manifest["session"]["mood"] = json!("good");
    copy.manifest["events"][0]["type"] = json!("peer.danced");
    says(
        &["plan", text(&copy.saved())],
        &["warning: session.mood", "peer.danced"],
    );
}

#[test]
fn composing_prints_a_summary_and_leaves_a_report() {
    let out = TempDir::new().unwrap();
    let options = [support::SMALL, &["--to", "2"]].concat();
    let run = compose(&sample(), out.path(), &options);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let file = out.path().join("Rec-ses-standup-1795168800000.mp4");
    for word in [
        text(&file),
        "0:02.0 long",
        "320x180",
        "25 ticks a second",
        "x real time",
        "no warnings",
    ] {
        assert!(
            run.stdout.contains(word),
            "the summary does not say '{word}':\n{}",
            run.stdout
        );
    }
    // no terminal: plain lines, no cursor movements
    assert!(
        run.stderr.contains("composed 100 %") && !run.stderr.contains('\u{1b}'),
        "{}",
        run.stderr
    );
    let report: Value = serde_json::from_slice(&fs::read(out.path().join("report.json")).unwrap()).unwrap();
    assert_eq!((&report["version"], &report["duration_ms"]), (&json!(1), &json!(2000)));
    assert_eq!(report["dumps"].as_array().unwrap().len(), 11);
    let plan = printed(&[&["plan", text(&sample()), "--json"], &options[..]].concat());
    assert_eq!(report["plan_hash"], plan["hash"]);
}

#[test]
fn programs_get_the_report_on_stdout() {
    let out = TempDir::new().unwrap();
    let options = [support::SMALL, &["--to", "2", "--json"]].concat();
    let run = compose(&sample(), &out.path().join("made/for/it"), &options);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let report: Value = serde_json::from_slice(&fs::read(out.path().join("made/for/it/report.json")).unwrap()).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&run.stdout).unwrap(), report);
}
