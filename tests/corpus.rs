//! What fuzzing starts from, and what it found: every file of the corpus, through the code that is fuzzed.

#[path = "../fuzz/entries.rs"]
mod entries;

use std::{fs, path::Path};

/// Puts every file of a target's corpus through its entry; a panic names the file.
fn run(target: &str, entry: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display()))
        .map(|file| file.expect("an open folder can be read on").path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "there is nothing in {}", folder.display());
    for file in files {
        let input = fs::read(&file).unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()));
        if std::panic::catch_unwind(|| entry(&input)).is_err() {
            panic!("{} fails, see above", file.display());
        }
    }
}

#[test]
fn janus_dumps() {
    run("mjr", entries::mjr);
}

#[test]
fn dumps_of_rtptools() {
    run("rtpdump", entries::rtpdump);
}

#[test]
fn streams_of_packets() {
    run("rtp", entries::rtp);
}

#[test]
fn manifests() {
    run("manifest", entries::manifest);
}
