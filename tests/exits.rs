//! How a run ends when it cannot do what it was asked: the exit code says who can mend it, stderr what and how, and
//! nothing half-made is left.

mod support;

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use support::{Run, command, compose, names_in, sample, session::SessionCopy, tessera, text};
use tempfile::TempDir;

/// Composes a session whose manifest is `text`; gives also what is left in the folder for results.
fn with_manifest(manifest: &str) -> Run {
    let (copy, out) = (SessionCopy::new(), TempDir::new().unwrap());
    let session = copy.saved();
    fs::write(session.join("session.json"), manifest).unwrap();
    let run = compose(&session, out.path(), &[]);
    assert_eq!(names_in(out.path()), Vec::<String>::new());
    run
}

fn spoilt_manifest(spoil: impl FnOnce(&mut Value)) -> Run {
    let mut copy = SessionCopy::new();
    spoil(&mut copy.manifest);
    with_manifest(&copy.manifest.to_string())
}

#[test]
fn every_fault_of_shape_is_told_at_once_with_its_path() {
    let run = spoilt_manifest(|manifest| {
        manifest["version"] = json!(7);
        manifest["session"]["started_at"] = json!("yesterday");
        manifest["peers"][1].as_object_mut().unwrap().remove("id");
        manifest["tracks"][0]["kind"] = json!("smell");
        manifest["tracks"][7]["dumps"][1]["uri"] = json!(5);
        manifest["events"][3]["at"] = json!("25:00");
        manifest["recording"][0]["started_at"] = json!(null);
    });
    let paths = [
        "/version",
        "/session/started_at",
        "/peers/1",
        "/tracks/0/kind",
        "/tracks/7/dumps/1/uri",
        "/events/3/at",
        "/recording/0/started_at",
    ];
    run.failed_with(2, &paths);
    run.failed_with(2, &["session.json"]);
}

#[test]
fn every_fault_of_meaning_is_told_at_once_with_its_path() {
    let run = spoilt_manifest(|manifest| {
        manifest["session"]["ended_at"] = json!("2026-11-20T09:00:00.000Z");
        manifest["peers"][2]["id"] = json!("p1");
        manifest["tracks"][3]["peer_id"] = json!("p9");
        manifest["tracks"][4]["id"] = json!("asha-camera");
        manifest["recording"][0]["stopped_at"] = json!("2026-11-20T09:59:00.000Z");
    });
    let paths = [
        "/session/ended_at",
        "/peers/2/id",
        "/tracks/3/peer_id",
        "p9",
        "/tracks/4/id",
        "/recording/0/stopped_at",
    ];
    run.failed_with(2, &paths);
}

#[test]
fn a_session_id_cannot_choose_where_the_recording_goes() {
    let run = spoilt_manifest(|manifest| manifest["session"]["id"] = json!("../../etc/cron.d/x"));
    run.failed_with(2, &["/session/id"]);
}

#[test]
fn what_is_not_json_says_where_it_stops_being_json() {
    with_manifest("{\"version\": 1,\n \"session\": oops}").failed_with(2, &["line 2 column"]);
    with_manifest("").failed_with(2, &["session.json"]);
    with_manifest("[]").failed_with(2, &["session.json"]);
}

#[test]
fn a_session_that_is_not_there_is_named_with_a_cure() {
    let nowhere = sample().join("nowhere");
    for subcommand in ["compose", "plan", "inspect"] {
        tessera(&[subcommand, text(&nowhere)]).failed_with(2, &[text(&nowhere), "give a session.json"]);
    }
}

#[test]
fn wrong_options_are_refused_before_anything_is_made() {
    let wrong: &[(&[&str], &str)] = &[
        (&["--resolution", "1281x720"], "even"),
        (&["--resolution", "1280"], "1280x720"),
        (&["--resolution", "0x0"], "0x0"),
        (&["--resolution", "99999x100"], "99999x100"),
        (&["--fps", "0"], "--fps"),
        (&["--fps", "often"], "auto"),
        (&["--crf", "52"], "--crf"),
        (&["--preset", "swift"], "swift"),
        (&["--from", "soon"], "soon"),
        (&["--to", "1:99"], "1:99"),
        (&["--jobs", "0"], "--jobs"),
        (&["--layout", "mosaic"], "grid"),
        (&["--layout", "./mosaic.toml"], "mosaic.toml"),
        (&["--colour", "red"], "--colour"),
    ];
    let out = TempDir::new().unwrap();
    for (options, word) in wrong {
        compose(&sample(), &out.path().join("made"), options).failed_with(2, &[word]);
    }
    assert_eq!(names_in(out.path()), Vec::<String>::new());
}

#[test]
fn a_part_that_does_not_exist_is_the_callers_fault() {
    let out = TempDir::new().unwrap();
    for options in [
        ["--from", "0:30", "--to", "0:40"],
        ["--from", "9", "--to", "9"],
        ["--from", "9", "--to", "4"],
    ] {
        compose(&sample(), out.path(), &options).failed_with(2, &["nothing to record"]);
    }
    assert_eq!(names_in(out.path()), Vec::<String>::new());
}

#[test]
fn a_layout_file_is_checked_like_a_manifest() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("mine.toml");
    let run_with = |content: &str| {
        fs::write(&file, content).unwrap();
        tessera(&["plan", text(&sample()), "--layout", text(&file)])
    };
    let good = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("layouts/grid.toml")).unwrap();
    assert_eq!(run_with(&good).code, Some(0));
    run_with(&good.replace("#101418", "grey")).failed_with(2, &["mine.toml", "background"]);
    run_with(&good.replace("49", "5000")).failed_with(2, &["mine.toml", "5000"]);
    run_with("tiles = many").failed_with(2, &["mine.toml"]);
}

#[test]
fn an_output_folder_that_cannot_be_made_is_the_destinations_fault() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    // below a regular file not even root can write
    let out = file.join("recordings");
    compose(&sample(), &out, support::SMALL).failed_with(4, &[text(&out), "--out"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "not a folder");
}

#[test]
fn interrupting_leaves_nothing_behind() {
    for signal in ["INT", "TERM"] {
        let folder = TempDir::new().unwrap();
        let out = folder.path().join("out");
        // much slower than it takes to read a line and send a signal
        let mut child = command()
            .args(["compose", text(&sample()), "--out", text(&out)])
            .args(["--resolution", "1920x1080", "--preset", "slower", "--jobs", "1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut messages = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        messages.read_line(&mut first).unwrap();
        assert!(first.starts_with("composing"), "{first}");
        assert_eq!(
            names_in(&out).len(),
            1,
            "the work folder is where the recording will be"
        );
        let sent = Command::new("kill")
            .args(["-s", signal, &child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        let mut rest = String::new();
        messages.read_to_string(&mut rest).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(130), 0), "{rest}");
        assert!(rest.contains("cancelled"), "{rest}");
        assert_eq!(names_in(&out), Vec::<String>::new());
    }
}
