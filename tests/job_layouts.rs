//! Layouts that a job file names, and when.

mod support;

use std::{fs, path::Path};

use serde_json::{Value, json};
use support::{Run, command, planned, sample, text};
use tempfile::TempDir;

/// Runs a job for the first three seconds of the sample.
fn run(folder: &Path, output: &Value) -> Run {
    let out = folder.join("out");
    fs::create_dir_all(&out).unwrap();
    let job = json!({
        "version": 1, "job_id": "job-1", "session": text(&sample()), "outputs": [output],
        "destination": {"type": "file", "location": text(&out), "prefix": "made"},
    });
    let file = folder.join("job.json");
    fs::write(&file, job.to_string()).unwrap();
    let mut command = command();
    command
        .args(["run", text(&file), "--json"])
        .env("TESSERA_SPOOL", folder.join("spool"))
        .env("TESSERA_STORE", folder.join("store"))
        .env("TESSERA_LAYOUTS", folder.join("layouts"));
    Run::of(command.output().expect("the binary was built"))
}

/// A folder of layouts with one in it, and that one's path.
fn with_own_layout() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let own = folder.path().join("layouts/own.toml");
    fs::create_dir_all(own.parent().unwrap()).unwrap();
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("layouts/single.toml")).unwrap();
    fs::write(&own, text.replace("name = \"single\"", "name = \"own\"")).unwrap();
    let path = own.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn a_job_switches_layouts_as_the_command_line_does() {
    let (folder, own) = with_own_layout();
    let output = json!({
        "type": "room-composite", "layout": "grid", "resolution": "320x180", "preset": "ultrafast", "to_ms": 3000,
        "layout_at": [{"at_ms": 2500, "layout": "interview"}, {"at_ms": 1200, "layout": "own"}],
    });
    let done = run(folder.path(), &output);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let record = fs::read(folder.path().join("store/jobs/job-1/record.json")).unwrap();
    let record: Value = serde_json::from_slice(&record).unwrap();
    let at = format!("1.2={own}");
    let same = ["--layout-at", &at, "--layout-at", "2.5=interview", "--to", "3"];
    let small = ["--layout", "grid", "--resolution", "320x180", "--preset", "ultrafast"];
    let plan: Value = serde_json::from_str(&planned(&sample(), &[&same[..], &small[..]].concat())).unwrap();
    let looks: Vec<&str> = (plan["looks"].as_array().unwrap().iter())
        .map(|look| look["layout"].as_str().unwrap())
        .collect();
    assert_eq!(looks, ["grid", "own", "interview"]);
    assert_eq!(record["recording"]["plan_hash"], plan["hash"]);
}

#[test]
fn wrong_switches_are_told_with_their_places_in_the_job() {
    let (folder, _) = with_own_layout();
    let with = |switches: Value| run(folder.path(), &json!({"type": "room-composite", "layout_at": switches}));
    let unknown = with(json!([{"at_ms": 0, "layout": "own"}, {"at_ms": 10, "layout": "mosaic"}]));
    unknown.failed_with(2, &["/outputs/0/layout_at/1/layout", "'mosaic'", "gallery"]);
    let shapeless = with(json!([{"at_ms": -1, "layout": "grid"}, {"at_ms": 5, "layout": "../grid"}]));
    shapeless.failed_with(2, &["/outputs/0/layout_at/0/at_ms", "/outputs/0/layout_at/1/layout"]);
    with(json!([{"layout": "grid"}])).failed_with(2, &["/outputs/0/layout_at/0", "at_ms"]);
}
