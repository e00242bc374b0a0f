//! Meetings dumped packet by packet: their manifests, and how late their recordings show and sound what happened.

use std::fmt;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Recording, rtp_dump::Script, video::Area};
use tessera::media::{Kind, TimeDelta, WallTime};

/// The session's start, on the same second as [`Script::new`] assumes.
const STARTED: i64 = 1_795_330_535_000_000_000;
/// Ticks are short, so that what is measured is the placing, not the grid.
const TICKS: &str = "100";

/// A track to be: one dump for each script.
pub struct Published {
    pub id: &'static str,
    pub peer: &'static str,
    pub scripts: Vec<Script>,
}

/// What of sender reports is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reports {
    InManifest,
    /// Packet by packet, among the others.
    InDump,
    None,
}

pub struct Meeting {
    pub tracks: Vec<Published>,
    pub reports: Reports,
    pub seconds: i64,
}

/// By how many milliseconds each flash or beep of a track is late.
pub struct Lateness {
    pub what: String,
    pub millis: Vec<f64>,
    /// When the marks were that `millis` is of, and those that were not found.
    pub came: Vec<f64>,
    pub missed: Vec<f64>,
}

/// A script whose sender begins so many milliseconds after the session.
pub fn beginning(millis: i64, script: Script) -> Script {
    Script {
        began: WallTime::from_unix_nanos(STARTED) + TimeDelta::from_millis(millis),
        ..script
    }
}

impl Meeting {
    /// Composes the meeting and watches it.
    pub fn recorded(&self) -> Recording {
        let folder = self.written();
        let options = [
            "--layout",
            "grid",
            "--resolution",
            "160x90",
            "--preset",
            "ultrafast",
            "--fps",
            TICKS,
        ];
        Recording::of(folder.path(), &options)
    }

    /// Writes dumps and manifest.
    pub fn written(&self) -> TempDir {
        let folder = TempDir::new().unwrap();
        let peers: std::collections::BTreeSet<&str> = self.tracks.iter().map(|track| track.peer).collect();
        let tracks: Vec<Value> = self.tracks.iter().map(|track| self.track(track, &folder)).collect();
        let manifest = json!({
            "version": 1,
            "session": {"id": "meeting", "room_id": "room", "started_at": wall(0), "ended_at": wall(self.seconds * 1000)},
            "peers": peers.iter().map(|id| json!({"id": id, "name": id})).collect::<Vec<Value>>(),
            "tracks": tracks,
        });
        std::fs::write(folder.path().join("session.json"), manifest.to_string()).unwrap();
        folder
    }

    fn track(&self, track: &Published, folder: &TempDir) -> Value {
        let codec = track.scripts[0].codec;
        let dumps = track.scripts.iter().enumerate().map(|(index, script)| {
            let dump = script.dump();
            let ending = if self.reports == Reports::InDump {
                "rtpdump"
            } else {
                "mjr"
            };
            let name = format!("{}-{index}.{ending}", track.id);
            let path = folder.path().join(&name);
            match self.reports {
                Reports::InDump => dump.write_rtpdump(&path),
                Reports::InManifest | Reports::None => dump.write_mjr(&path),
            }
            let (first, last) = dump.received();
            let mut value = json!({"uri": name, "format": ending, "started_at": first, "ended_at": last});
            if self.reports == Reports::InManifest {
                let report = |(ntp, rtp): &(WallTime, u32)| json!({"ntp": ntp, "rtp": rtp});
                value["sender_reports"] = dump.sender_reports.iter().map(report).collect();
            }
            value
        });
        let source = if codec.kind() == Kind::Audio {
            "microphone"
        } else {
            "camera"
        };
        json!({"id": track.id, "peer_id": track.peer, "kind": codec.kind(), "source": source, "codec": codec,
               "dumps": dumps.collect::<Vec<Value>>()})
    }

    fn scripts(&self, id: &str) -> &[Script] {
        let track = self.tracks.iter().find(|track| track.id == id);
        &track.unwrap_or_else(|| panic!("nobody published {id}")).scripts
    }

    /// How late the flashes of a camera are.
    pub fn flashes(&self, recording: &Recording, id: &str) -> Lateness {
        let plan = &recording.plan;
        let (mut onsets, mut was_white) = (Vec::new(), true);
        for tick in recording.video.ticks.iter().copied() {
            let tile = plan.tiles_at(tick).iter().find(|tile| tile.track_id == id);
            let is_white = tile.map(|tile| {
                let colour = recording.video.at(tick).mean(middle(tile.area));
                colour.iter().all(|channel| *channel > 200.0)
            });
            if is_white == Some(true) && !was_white {
                // a picture stands on a tick for half of one too long on average
                onsets.push(plan.seconds(tick) - plan.seconds(1) / 2.0);
            }
            // a tile that comes while it is white tells nothing of when the flash began
            was_white = is_white.unwrap_or(true);
        }
        self.lateness(id, &onsets)
    }

    /// How late the beeps of a microphone are.
    pub fn beeps(&self, recording: &Recording, id: &str, tone: u32) -> Lateness {
        let onsets = recording.sound.onsets(f64::from(tone));
        self.lateness(id, &onsets.iter().map(|onset| onset.at).collect::<Vec<f64>>())
    }

    /// Every onset belongs to the nearest whole second of its sender.
    fn lateness(&self, id: &str, onsets: &[f64]) -> Lateness {
        let expected: Vec<Mark> = self.scripts(id).iter().flat_map(marks).collect();
        let mut found = vec![None; expected.len()];
        for onset in onsets {
            let off = |index: &usize| (expected[*index].at - onset).abs();
            let nearest = (0..expected.len()).min_by(|a, b| off(a).total_cmp(&off(b)));
            let nearest = nearest.expect("every track has marks");
            let late = (onset - expected[nearest].at) * 1000.0;
            assert!(late.abs() < 500.0, "{id}: a mark at {onset} s, where there was none");
            found[nearest] = found[nearest].or(Some(late));
        }
        let sure = expected
            .iter()
            .zip(found)
            .filter(|(mark, _)| mark.certainty == Certainty::Sure);
        let (came, missed): (Vec<_>, Vec<_>) = sure.partition(|(_, found)| found.is_some());
        Lateness {
            what: id.to_owned(),
            missed: missed.into_iter().map(|(mark, _)| mark.at).collect(),
            came: came.iter().map(|(mark, _)| mark.at).collect(),
            millis: came.into_iter().filter_map(|(_, late)| late).collect(),
        }
    }
}

/// A whole second of a sender, on the session clock.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: f64,
    certainty: Certainty,
}

/// Whether the mark must be seen and heard, and from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Certainty {
    Sure,
    AtAnEdge,
}

/// What is sent near the edge of a dump, a pause or a cut may be seen or not.
fn marks(script: &Script) -> Vec<Mark> {
    let began = (script.began.unix_nanos() - STARTED) as f64 / 1e9;
    let seconds = |at: TimeDelta| at.nanos() as f64 / 1e9;
    let (first, last) = (
        seconds(script.frames[0].captured),
        seconds(script.frames[script.frames.len() - 1].captured),
    );
    let pauses = script
        .pauses
        .iter()
        .map(|pause| (pause.from, pause.from + pause.length));
    // what was on its way again when the cut came is lost as well
    let late = if script.resent > 0 { 3.1 } else { 0.0 };
    let cuts = script
        .cuts
        .iter()
        .map(|(from, to)| (seconds(*from) - late, seconds(*to)));
    let holes = pauses.map(|(from, to)| (seconds(from), seconds(to))).chain(cuts);
    let holes: Vec<(f64, f64)> = holes.chain([(first, first), (last, last)]).collect();
    let certainty = |at: f64| {
        let near = holes.iter().any(|(from, to)| from - 0.3 < at && at < to + 0.3);
        if near { Certainty::AtAnEdge } else { Certainty::Sure }
    };
    let whole = (first.ceil() as i64..=last.ceil() as i64).map(|second| second as f64);
    whole
        .map(|at| Mark {
            at: began + at,
            certainty: certainty(at),
        })
        .collect()
}

/// A share of a tile that its picture certainly covers, upright or portrait.
fn middle(area: Area) -> Area {
    let side = 0.3 * area.width.min(area.height);
    Area {
        x: area.x + (area.width - side) / 2.0,
        y: area.y + (area.height - side) / 2.0,
        width: side,
        height: side,
    }
}

fn wall(millis: i64) -> String {
    (WallTime::from_unix_nanos(STARTED) + TimeDelta::from_millis(millis)).to_string()
}

impl Lateness {
    /// The bars of a picture: median within 20 ms, p5 and p95 within 60 ms.
    pub fn is_a_picture_in_time(&self) {
        let (low, high) = (self.quantile(0.05), self.quantile(0.95));
        assert!(self.median().abs() <= 20.0 && low >= -60.0 && high <= 60.0, "{self}");
    }

    /// The bars of sound: median within 20 ms, worst within 45 ms.
    pub fn is_sound_in_time(&self) {
        let worst = self.millis.iter().fold(0.0f64, |worst, late| worst.max(late.abs()));
        assert!(self.median().abs() <= 20.0 && worst <= 45.0, "{self}");
    }

    /// Lips: sound within 30 ms of the picture.
    pub fn goes_with(&self, picture: &Lateness) {
        assert!((self.median() - picture.median()).abs() <= 30.0, "{self}\n{picture}");
    }

    /// So many marks at most were not found.
    pub fn misses_at_most(&self, count: usize) {
        assert!(self.missed.len() <= count, "{self}\nmissed {:?}", self.missed);
    }

    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.millis.clone();
        sorted.sort_by(f64::total_cmp);
        assert!(!sorted.is_empty(), "{}: no mark at all was found", self.what);
        sorted[((sorted.len() - 1) as f64 * share).round() as usize]
    }
}

impl fmt::Display for Lateness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (p5, median, p95) = (self.quantile(0.05), self.median(), self.quantile(0.95));
        let worst = (0..self.millis.len()).max_by(|a, b| self.millis[*a].abs().total_cmp(&self.millis[*b].abs()));
        let worst = worst.expect("a quantile was found");
        write!(
            f,
            "{}: {} marks, {} missed, p5 {p5:.1}, median {median:.1}, p95 {p95:.1}, worst {:.1} ms (at {} s)",
            self.what,
            self.millis.len(),
            self.missed.len(),
            self.millis[worst],
            self.came[worst],
        )
    }
}
