//! Speakers and their loudness, on the finished file: everybody is heard equally well, the recording is as loud as it
//! should be, and who speaks when is told.

mod support;

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};
use support::{compose, text, tool};
use tempfile::TempDir;

const SECONDS: i64 = 60;
/// Speakers take turns of so long, and are silent for the first second and the last half of it.
const TURN: f64 = 6.0;
const QUICK: &[&str] = &["--layout", "grid", "--resolution", "64x64", "--preset", "ultrafast"];

/// Somebody who speaks so loud in every third turn, from the first, the second or the third on.
struct Peer {
    id: &'static str,
    turn: i64,
    volume: f64,
}

const PEERS: [Peer; 3] = [
    Peer {
        id: "loud",
        turn: 0,
        volume: 3.0,
    },
    Peer {
        id: "usual",
        turn: 1,
        volume: 0.6,
    },
    Peer {
        id: "quiet",
        turn: 2,
        volume: 0.12,
    },
];

/// A session of microphones alone: babble in syllables, and a click now and then while others speak.
fn session(folder: &Path) {
    let mut tracks = Vec::new();
    for peer in &PEERS {
        let (volume, turn) = (peer.volume, peer.turn as f64 * TURN);
        let speaks = format!("between(mod(t-{turn}+18,18),1,{})", TURN - 0.5);
        let syllables = format!("(0.55+0.45*sin(2*PI*4*t))*{volume}*{speaks}");
        let click = format!("{volume}*lt(mod(t,20),0.02)");
        let filter = format!("highpass=f=150,lowpass=f=3500,volume='max({syllables},{click})':eval=frame");
        let path = folder.join(format!("{}.mka", peer.id));
        let noise = format!(
            "anoisesrc=c=pink:r=48000:a=0.9:d={SECONDS}:seed={}:n=480",
            peer.turn + 1
        );
        let encode = ["-c:a", "libopus", "-b:a", "64k", text(&path)];
        tool(
            "ffmpeg",
            &[&["-f", "lavfi", "-i", &noise, "-af", &filter], &encode[..]].concat(),
        );
        tracks.push(json!({
            "id": format!("{}-mic", peer.id), "peer_id": peer.id, "kind": "audio", "source": "microphone",
            "dumps": [{"uri": format!("{}.mka", peer.id), "format": "mka", "started_at": "2026-11-20T10:00:00Z"}],
        }));
    }
    let peers: Vec<Value> = PEERS
        .iter()
        .map(|peer| json!({"id": peer.id, "name": peer.id.to_uppercase()}))
        .collect();
    let manifest = json!({
        "version": 1,
        "session": {"id": "talk", "room_id": "r", "started_at": "2026-11-20T10:00:00Z", "ended_at": "2026-11-20T10:01:00Z"},
        "peers": peers,
        "tracks": tracks,
    });
    fs::write(folder.join("session.json"), manifest.to_string()).unwrap();
}

/// Integrated loudness and true peak of a part of a recording, as ffmpeg measures them.
fn measured(path: &Path, from: f64, to: f64) -> (f64, f64) {
    let (from, to) = (from.to_string(), to.to_string());
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostats", "-ss", &from, "-to", &to, "-i", text(path)])
        .args(["-af", "ebur128=peak=true", "-f", "null", "-"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    let summary = told.rsplit("Summary:").next().unwrap();
    let value = |name: &str| {
        let line = summary.lines().find_map(|line| line.trim().strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok())
    };
    (value("I:").unwrap(), value("Peak:").unwrap())
}

fn recorded(session: &Path, out: &Path, options: &[&str]) -> (std::path::PathBuf, Value) {
    let run = compose(session, out, &[QUICK, options].concat());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let report: Value = serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap();
    (out.join(report["assets"][0]["file"].as_str().unwrap()), report)
}

/// How loud each peer is in the recording.
fn each(path: &Path) -> Vec<f64> {
    let turn = |peer: &Peer| {
        let from = peer.turn as f64 * TURN + 18.0;
        measured(path, from + 1.0, from + TURN - 0.5).0
    };
    PEERS.iter().map(turn).collect()
}

#[test]
fn everybody_is_as_loud_as_the_recording_should_be() {
    let (folder, out) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    session(folder.path());
    let (path, _) = recorded(folder.path(), out.path(), &[]);
    let (loudness, peak) = measured(&path, 0.0, SECONDS as f64);
    assert!((loudness + 16.0).abs() <= 1.0, "{loudness} LUFS");
    assert!(peak <= -1.0, "{peak} dBTP");
    for loudness in each(&path) {
        assert!((loudness + 16.0).abs() <= 2.0, "{loudness} LUFS");
    }
}

#[test]
fn without_levelling_all_stay_as_they_are() {
    let (folder, out) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    session(folder.path());
    let (path, report) = recorded(folder.path(), out.path(), &["--no-levelling"]);
    let each = each(&path);
    // from 3 to 0.12 there are 28 dB
    assert!((each[0] - each[2] - 28.0).abs() <= 3.0, "{each:?} LUFS");
    assert_eq!(report["speakers"][0]["peer_id"], "loud");
}

#[test]
fn the_report_and_webvtt_say_who_speaks() {
    let (folder, out) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    session(folder.path());
    let (path, report) = recorded(folder.path(), out.path(), &[]);
    let speakers = report["speakers"].as_array().unwrap();
    assert_eq!(speakers.len(), 10, "{speakers:#?}");
    for (index, speaker) in speakers.iter().enumerate() {
        let start = speaker["start_ms"].as_f64().unwrap() / 1000.0;
        // the first sound is a little after the second at which the volume opens
        let off = start - (index as f64 * TURN + 1.0);
        assert!((-0.4..=0.15).contains(&off), "{index}: {off} s");
        assert_eq!(speaker["peer_id"], PEERS[index % 3].id);
        assert_eq!(speaker["name"], PEERS[index % 3].id.to_uppercase());
    }
    let beside = path.with_extension("speakers.vtt");
    let cues = fs::read_to_string(beside).unwrap();
    assert!(
        cues.starts_with("WEBVTT\n\n") && cues.contains("<v QUIET>QUIET</v>"),
        "{cues}"
    );
    assert_eq!(cues.matches(" --> ").count(), 10);
}
