//! Speakers and their loudness, on the finished file: everybody is heard equally well, the recording is as loud as it
//! should be, and who speaks when is told.

mod support;

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};
use support::{compose, planned, text, tool};
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
        tracks.push(microphone(peer.id));
    }
    write_manifest(folder, &PEERS.map(|peer| peer.id), &tracks);
}

const BEEPERS: [&str; 4] = ["one", "two", "three", "four"];
/// In the middle of each turn all beep at once for a tenth of a second, at 30 dB above the one who is speaking.
const BEEP: f64 = 3.5;

/// A session of quiet microphones: babble in turns, and beeps of all.
fn session_with_beeps(folder: &Path) {
    for (index, id) in BEEPERS.iter().enumerate() {
        let turn = index as f64 * TURN;
        let speaks = format!("between(mod(t-{turn}+24,24),1,{})", TURN - 0.5);
        let syllables = format!("(0.55+0.45*sin(2*PI*4*t))*0.12*{speaks}");
        let hertz = 400 + 200 * index;
        let noise = format!("anoisesrc=c=pink:r=48000:a=0.9:d={SECONDS}:seed={}:n=480", index + 1);
        let beep = format!("0.18*sin(2*PI*{hertz}*t)*lt(mod(t-{BEEP}+{TURN},{TURN}),0.1)");
        let tone = format!("aevalsrc='{beep}':s=48000:d={SECONDS}");
        let mixed = format!(
            "[0]highpass=f=150,lowpass=f=3500,volume='{syllables}':eval=frame[babble];\
             [babble][1]amix=inputs=2:normalize=0"
        );
        let path = folder.join(format!("{id}.mka"));
        let sources = ["-f", "lavfi", "-i", &noise, "-f", "lavfi", "-i", &tone];
        let encode = ["-filter_complex", &mixed, "-c:a", "libopus", "-b:a", "64k", text(&path)];
        tool("ffmpeg", &[&sources[..], &encode[..]].concat());
    }
    write_manifest(folder, &BEEPERS, &BEEPERS.map(microphone));
}

/// A session of one microphone: all that `source` and `filter` of ffmpeg make.
fn session_of_one(folder: &Path, source: &str, filter: &str) {
    let path = folder.join("one.mka");
    let encode = ["-c:a", "libopus", "-b:a", "64k", text(&path)];
    let graph = ["-f", "lavfi", "-i", source, "-af", filter];
    tool("ffmpeg", &[&graph[..], &encode[..]].concat());
    write_manifest(folder, &["one"], &[microphone("one")]);
}

fn microphone(id: &str) -> Value {
    json!({
        "id": format!("{id}-mic"), "peer_id": id, "kind": "audio", "source": "microphone",
        "dumps": [{"uri": format!("{id}.mka"), "format": "mka", "started_at": "2026-11-20T10:00:00Z"}],
    })
}

fn write_manifest(folder: &Path, ids: &[&str], tracks: &[Value]) {
    let peers: Vec<Value> = ids
        .iter()
        .map(|id| json!({"id": id, "name": id.to_uppercase()}))
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

/// The mean level of a part of a recording, in dBFS.
fn level(path: &Path, from: f64, to: f64) -> f64 {
    let (from, to) = (from.to_string(), to.to_string());
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostats", "-ss", &from, "-to", &to, "-i", text(path)])
        .args(["-af", "volumedetect", "-f", "null", "-"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    let mean = told.split("mean_volume:").nth(1).unwrap();
    mean.split_whitespace().next().unwrap().parse().unwrap()
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
fn many_who_sound_alike_are_no_louder_together() {
    let (folder, out) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    session(folder.path());
    // twelve in a room with the same device, or an echo of everybody
    let ids: Vec<String> = (0..12).map(|index| format!("peer-{index}")).collect();
    let tracks: Vec<Value> = (ids.iter().enumerate())
        .map(|(index, id)| {
            let mut track = microphone(id);
            track["dumps"][0]["uri"] = json!(format!("{}.mka", PEERS[index % PEERS.len()].id));
            track
        })
        .collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    write_manifest(folder.path(), &ids, &tracks);
    let (path, _) = recorded(folder.path(), out.path(), &[]);
    let (loudness, peak) = measured(&path, 0.0, SECONDS as f64);
    assert!((loudness + 16.0).abs() <= 1.0, "{loudness} LUFS");
    assert!(peak <= -1.0, "{peak} dBTP");
}

#[test]
fn speech_alone_does_not_move_the_fader() {
    let folder = TempDir::new().unwrap();
    session(folder.path());
    let plan: Value = serde_json::from_str(&planned(folder.path(), &[])).unwrap();
    assert_eq!(plan["fader"], json!([]));
    assert_ne!(plan["audio"][0]["gain"], 0);
}

#[test]
fn loud_beeps_keep_their_size_against_the_quiet_words_before_them() {
    let (folder, out) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    session_with_beeps(folder.path());
    let (path, _) = recorded(folder.path(), out.path(), &[]);
    let (loudness, peak) = measured(&path, 0.0, SECONDS as f64);
    assert!((loudness + 16.0).abs() <= 1.0, "{loudness} LUFS");
    assert!(peak <= -1.0, "{peak} dBTP");
    for turn in 1..9 {
        let beep = f64::from(turn) * TURN + BEEP;
        let (loud, before) = (level(&path, beep, beep + 0.1), level(&path, beep - 0.25, beep));
        // the limiter alone would leave 6 of 30 dB
        assert!(
            loud - before >= 15.0,
            "{loud} dBFS at {beep} s, after words at {before} dBFS"
        );
        // who speaks is as loud as ever soon before and after
        for words in [
            level(&path, beep - 1.25, beep - 1.0),
            level(&path, beep + 1.25, beep + 1.5),
        ] {
            assert!((words + 16.0).abs() <= 3.0, "{words} dBFS around {beep} s");
        }
    }
}

#[test]
fn what_was_guessed_wrongly_is_made_good() {
    let folder = TempDir::new().unwrap();
    // a voice of pulses: limited, it is much quieter than its levels tell
    let syllables = "(0.55+0.45*sin(2*PI*4*t))*between(mod(t,8),1,5.5)";
    let pulses = format!("aevalsrc='0.5*pow(sin(2*PI*110*t),61)*{syllables}':s=48000:d={SECONDS}");
    session_of_one(folder.path(), &pulses, "anull");
    let (path, report) = recorded(folder.path(), &folder.path().join("pulses"), &[]);
    let (loudness, peak) = measured(&path, 0.0, SECONDS as f64);
    assert!(
        (loudness + 16.0).abs() <= 1.0 && peak <= -1.0,
        "{loudness} LUFS, {peak} dBTP"
    );
    let told = |name: &str| report[name].as_f64().unwrap();
    assert!((told("loudness_lufs") - loudness).abs() < 0.15, "{report}");
    assert!((told("true_peak_dbtp") - peak).abs() < 0.3, "{report}");

    // short bursts of noise: coding makes them higher than the limiter left them
    let noise = format!("anoisesrc=c=white:r=48000:a=1:d={SECONDS}:seed=6:n=480");
    let folder = TempDir::new().unwrap();
    let filter = format!("volume='max(0.05*{syllables},0.6*lt(mod(t+3,9),0.03))':eval=frame");
    session_of_one(folder.path(), &noise, &filter);
    let (path, _) = recorded(folder.path(), &folder.path().join("bursts"), &[]);
    let (loudness, peak) = measured(&path, 0.0, SECONDS as f64);
    assert!(
        (loudness + 16.0).abs() <= 1.0 && peak <= -1.0,
        "{loudness} LUFS, {peak} dBTP"
    );
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
fn who_is_silenced_does_not_speak_and_is_marked() {
    let folder = TempDir::new().unwrap();
    session(folder.path());
    let options = ["--layout", "audio-only", "--silence-peer", "loud"];
    let plan: Value = serde_json::from_str(&planned(folder.path(), &options)).unwrap();
    let speakers: Vec<&str> = (plan["speakers"].as_array().unwrap().iter())
        .map(|speaker| speaker["peer_id"].as_str().unwrap())
        .collect();
    assert!(
        speakers.contains(&"usual") && !speakers.contains(&"loud"),
        "{speakers:?}"
    );
    let scenes = plan["scenes"].as_array().unwrap();
    let labels = scenes.iter().flat_map(|scene| scene["decorations"].as_array().unwrap());
    let labels: Vec<&Value> = labels
        .filter(|it| it["peer_id"] == "loud")
        .map(|it| &it["label"])
        .collect();
    assert!(
        !labels.is_empty() && labels.iter().all(|it| it["muted"] == true && it["speaking"] != true),
        "{labels:?}"
    );
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
