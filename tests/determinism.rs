//! The same session and options give the same bytes, whatever the machine does meanwhile.

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use sha2::{Digest, Sha256};
use support::{compose, names_in, planned, sample};
use tempfile::TempDir;

/// The MP4 that so many threads make, and its checksum by the report.
fn composed(resolution: &str, jobs: &str) -> (Vec<u8>, String) {
    let out = TempDir::new().unwrap();
    let run = compose(&sample(), out.path(), &["--resolution", resolution, "--jobs", jobs]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let report: Value = serde_json::from_slice(&fs::read(out.path().join("report.json")).unwrap()).unwrap();
    let asset = &report["assets"][0];
    let bytes = fs::read(out.path().join(asset["file"].as_str().unwrap())).unwrap();
    assert_eq!(asset["size"], bytes.len());
    (bytes, asset["sha256"].as_str().unwrap().to_owned())
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_threads() {
    let ((one, checksum), (four, _)) = (composed("640x360", "1"), composed("640x360", "4"));
    // not assert_eq: nobody wants to read two videos
    assert!(one == four, "{} and {} bytes, not the same", one.len(), four.len());
    let hash: String = Sha256::digest(&one).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(checksum, hash);
}

#[test]
fn the_bytes_are_the_same_each_time_at_sizes_that_x264_reads_past() {
    // rows of 11 macroblocks; some of its code takes eight at a time
    let composed = || composed("176x320", "2").0;
    let first = composed();
    assert!((0..4).all(|_| composed() == first));
}

/// The MP4 of a job whose spool may hold so much.
fn delivered(spool: &str) -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    let place = |name: &str| support::text(&folder.path().join(name)).to_owned();
    let job = serde_json::json!({
        "version": 1, "job_id": "job", "session": support::text(&sample()),
        "outputs": [{"type": "room-composite", "resolution": "160x90", "preset": "ultrafast"}],
        "destination": {"type": "file", "location": place("out")},
    });
    fs::write(place("job.json"), job.to_string()).unwrap();
    let mut command = support::command();
    command.args(["run", &place("job.json"), "--json"]);
    command
        .env("TESSERA_SPOOL", place("spool"))
        .env("TESSERA_STORE", place("store"));
    command
        .env("TESSERA_SPOOL_LIMIT", spool)
        .env("TESSERA_DESTINATION_FOLDER", folder.path());
    let run = support::Run::of(command.output().unwrap());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    fs::read(recording_below(&folder.path().join("out")).unwrap()).unwrap()
}

fn recording_below(folder: &Path) -> Option<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.into_iter().find_map(|path| match path.is_dir() {
        true => recording_below(&path),
        false => path.extension().is_some_and(|ending| ending == "mp4").then_some(path),
    })
}

#[test]
fn the_bytes_do_not_depend_on_how_much_decoded_sound_can_be_kept() {
    // an eighth of the spool: room for one microphone of the four, and for all
    let (little, plenty) = (delivered("44M"), delivered("4G"));
    assert!(
        little == plenty,
        "{} and {} bytes, not the same",
        little.len(),
        plenty.len()
    );
}

#[test]
fn a_second_run_replaces_the_recording_of_the_first() {
    let out = TempDir::new().unwrap();
    let options = [support::SMALL, &["--to", "3"]].concat();
    let contents = || {
        assert_eq!(compose(&sample(), out.path(), &options).code, Some(0));
        let names = names_in(out.path());
        assert_eq!(names.len(), 2, "{names:?}");
        fs::read(out.path().join(&names[0])).unwrap()
    };
    assert!(contents() == contents());
}

#[test]
fn plans_are_the_same_to_the_byte() {
    for options in [&[][..], &["--fps", "30", "--from", "2.5"]] {
        assert_eq!(planned(&sample(), options), planned(&sample(), options));
    }
}

#[test]
fn a_plans_hash_tells_plans_apart() {
    let hash = |options: &[&str]| {
        let plan: Value = serde_json::from_str(&planned(&sample(), options)).unwrap();
        plan["hash"].as_str().unwrap().to_owned()
    };
    let hashes = [
        hash(&[]),
        hash(&["--crf", "24"]),
        hash(&["--preset", "fast"]),
        hash(&["--fps", "24"]),
        hash(&["--to", "24"]),
        hash(&["--constant-frame-rate"]),
        hash(&["--resolution", "640x360"]),
    ];
    let distinct: std::collections::BTreeSet<&String> = hashes.iter().collect();
    assert_eq!(distinct.len(), hashes.len(), "{hashes:#?}");
    assert!(hashes.iter().all(|hash| hash.len() == 64));
}
