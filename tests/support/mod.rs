//! What the integration tests share: the command line run as users run it, and its recordings watched as viewers do.

// every test binary compiles this module and uses its own part of it
#![allow(dead_code)]

pub mod expect;
pub mod ivf;
pub mod meeting;
pub mod rtp_dump;
pub mod session;
pub mod sound;
pub mod story;
pub mod studio;
pub mod video;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use sound::Sound;
use video::{Area, Video};

/// A canvas that is quick to encode, for tests whose subject is not the picture's finish.
pub const SMALL: &[&str] = &["--resolution", "320x180", "--preset", "ultrafast"];

/// How a run of `tessera` ended.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A finished recording with everything that can be known of it; its files are gone.
pub struct Recording {
    pub plan: Plan,
    pub report: Value,
    /// What `compose` printed to stdout.
    pub summary: String,
    pub file_name: String,
    pub bytes: Vec<u8>,
    /// `ffprobe -show_format -show_streams`.
    pub facts: Value,
    pub video: Video,
    pub sound: Sound,
}

/// `tessera plan --json`, as far as tests read it.
#[derive(Debug, Clone, Deserialize)]
pub struct Plan {
    pub started_at: String,
    pub ticks_per_second: u32,
    pub length: i64,
    pub canvas: Canvas,
    pub scenes: Vec<Scene>,
    pub audio: Vec<Value>,
    pub hash: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Canvas {
    pub width: usize,
    pub height: usize,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Scene {
    pub start: i64,
    pub end: i64,
    pub tiles: Vec<Tile>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Tile {
    pub track_id: String,
    pub peer_id: String,
    #[serde(flatten)]
    pub area: Area,
}

pub fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/standup")
}

/// The binary under test, free of whatever the developer's shell sets for it.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tessera"));
    command.env_remove("RUST_LOG").env_remove("TESSERA_LOG_FORMAT");
    command
}

pub fn tessera(args: &[&str]) -> Run {
    let output = command().args(args).output().expect("the binary was built");
    Run::of(output)
}

/// Runs `compose` into `out`.
pub fn compose(session: &Path, out: &Path, options: &[&str]) -> Run {
    let fixed = ["compose", text(session), "--out", text(out)];
    tessera(&[&fixed, options].concat())
}

/// What `plan --json` prints.
pub fn planned(session: &Path, options: &[&str]) -> String {
    let run = tessera(&[&["plan", text(session), "--json"], options].concat());
    assert_eq!(run.code, Some(0), "plan failed: {}", run.stderr);
    run.stdout
}

/// What one of the ffmpeg tools writes to stdout; it must have nothing to complain of.
pub fn tool(name: &str, args: &[&str]) -> Vec<u8> {
    let output = Command::new(name)
        .args(["-v", "error"])
        .args(args)
        .output()
        .unwrap_or_else(|error| panic!("{name} is needed by the tests: {error}"));
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && complaints.is_empty(),
        "{name} {args:?}: {complaints}"
    );
    output.stdout
}

/// What ffprobe says as JSON.
pub fn probed(path: &Path, args: &[&str]) -> Value {
    let json = tool("ffprobe", &[args, &["-of", "json", text(path)]].concat());
    serde_json::from_slice(&json).expect("ffprobe writes JSON")
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

/// The names in a folder, sorted; hidden ones too.
pub fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

impl Run {
    pub fn of(output: Output) -> Run {
        let text = |bytes| String::from_utf8(bytes).expect("tessera prints UTF-8");
        Run {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Asserts how the run ended and that stderr says each of `words`.
    pub fn failed_with(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        for word in words {
            assert!(self.stderr.contains(word), "stderr does not say '{word}': {self:#?}");
        }
    }
}

impl Recording {
    /// Composes a session, which must work, as a bare grid unless asked otherwise, and watches the result from end to end.
    pub fn of(session: &Path, options: &[&str]) -> Recording {
        let folder = TempDir::new().unwrap();
        // what is looked for in pictures must not be covered by names
        let bare = [&["--layout", "grid"], options].concat();
        let options = if options.contains(&"--layout") {
            options
        } else {
            &bare[..]
        };
        let run = compose(session, folder.path(), options);
        assert_eq!(run.code, Some(0), "compose failed: {}", run.stderr);
        let report: Value = serde_json::from_slice(&fs::read(folder.path().join("report.json")).unwrap()).unwrap();
        let file_name = report["assets"][0]["file"].as_str().unwrap().to_owned();
        // nothing else may be left behind
        let assets = report["assets"].as_array().unwrap().iter();
        let mut expected: Vec<&str> = assets.map(|asset| asset["file"].as_str().unwrap()).collect();
        expected.push("report.json");
        expected.sort_unstable();
        assert_eq!(names_in(folder.path()), expected);
        let path = folder.path().join(&file_name);
        let plan: Plan = serde_json::from_str(&planned(session, options)).unwrap();
        Recording {
            video: Video::decoded(&path, plan.canvas, plan.ticks_per_second),
            sound: Sound::decoded(&path),
            facts: probed(&path, &["-show_format", "-show_streams"]),
            bytes: fs::read(&path).unwrap(),
            plan,
            report,
            summary: run.stdout,
            file_name,
        }
    }

    /// The sample, or a copy of it, on a canvas that is quick to encode.
    pub fn small(session: &Path, options: &[&str]) -> Recording {
        Recording::of(session, &[SMALL, options].concat())
    }

    /// The facts of the stream of that kind.
    pub fn stream(&self, kind: &str) -> &Value {
        let streams = self.facts["streams"].as_array().unwrap();
        let mut found = streams.iter().filter(|stream| stream["codec_type"] == kind);
        let stream = found.next().unwrap_or_else(|| panic!("no {kind} stream"));
        assert!(found.next().is_none(), "more than one {kind} stream");
        stream
    }

    /// What the report says of the dump with that uri.
    pub fn verdict(&self, uri: &str) -> &str {
        let dumps = self.report["dumps"].as_array().unwrap();
        let dump = dumps.iter().find(|dump| dump["uri"] == uri);
        let dump = dump.unwrap_or_else(|| panic!("the report does not know {uri}"));
        dump["verdict"].as_str().unwrap()
    }

    pub fn warnings(&self) -> Vec<&str> {
        let warnings = self.report["warnings"].as_array().unwrap();
        warnings.iter().map(|warning| warning.as_str().unwrap()).collect()
    }
}

impl Plan {
    pub fn seconds(&self, tick: i64) -> f64 {
        tick as f64 / f64::from(self.ticks_per_second)
    }

    pub fn tiles_at(&self, tick: i64) -> &[Tile] {
        let scene = self.scenes.iter().find(|scene| scene.start <= tick && tick < scene.end);
        &scene.unwrap_or_else(|| panic!("no scene at tick {tick}")).tiles
    }
}
