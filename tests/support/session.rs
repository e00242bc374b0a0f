//! A copy of the sample session that a test may spoil.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::sample;

/// The folder `session` inside a folder of its own, so that a path can lead out of it to something that exists.
pub struct SessionCopy {
    outer: TempDir,
    pub manifest: Value,
}

impl SessionCopy {
    pub fn new() -> SessionCopy {
        let outer = TempDir::new().unwrap();
        let tracks = outer.path().join("session/tracks");
        fs::create_dir_all(&tracks).unwrap();
        for entry in fs::read_dir(sample().join("tracks")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), tracks.join(entry.file_name())).unwrap();
        }
        let manifest = fs::read(sample().join("session.json")).unwrap();
        SessionCopy {
            outer,
            manifest: serde_json::from_slice(&manifest).unwrap(),
        }
    }

    /// The folder that the manifest may not leave.
    pub fn folder(&self) -> PathBuf {
        self.outer.path().join("session")
    }

    pub fn outside(&self) -> &Path {
        self.outer.path()
    }

    /// The file that `uri` names.
    pub fn file(&self, uri: &str) -> PathBuf {
        self.folder().join(uri)
    }

    /// Writes the manifest and says where the session is.
    pub fn saved(&self) -> PathBuf {
        let text = serde_json::to_vec_pretty(&self.manifest).unwrap();
        fs::write(self.folder().join("session.json"), text).unwrap();
        self.folder()
    }

    pub fn track(&mut self, id: &str) -> &mut Value {
        let tracks = self.manifest["tracks"].as_array_mut().unwrap();
        let found = tracks.iter_mut().find(|track| track["id"] == id);
        found.unwrap_or_else(|| panic!("the sample has no track {id}"))
    }

    /// Leaves only these tracks, with their dumps unspoilt.
    pub fn keep_tracks(&mut self, ids: &[&str]) {
        let tracks = self.manifest["tracks"].as_array_mut().unwrap();
        tracks.retain(|track| ids.iter().any(|id| track["id"] == *id));
        assert_eq!(tracks.len(), ids.len());
    }

    /// Says that these stretches were recorded, in seconds since the sample's start.
    pub fn record(&mut self, windows: &[(f64, f64)]) {
        let window = |(from, to): &(f64, f64)| json!({"started_at": wall(*from), "stopped_at": wall(*to)});
        self.manifest["recording"] = windows.iter().map(window).collect();
    }

    pub fn mute(&mut self, track: &str, from: f64, to: f64) {
        let event = |at, kind| json!({"at": wall(at), "type": kind, "track_id": track});
        let events = self.manifest["events"].as_array_mut().unwrap();
        events.extend([event(from, "track.muted"), event(to, "track.unmuted")]);
    }

    /// The uris of all dumps.
    pub fn uris(&self) -> Vec<String> {
        let tracks = self.manifest["tracks"].as_array().unwrap();
        let dumps = tracks.iter().flat_map(|track| track["dumps"].as_array().unwrap());
        dumps.map(|dump| dump["uri"].as_str().unwrap().to_owned()).collect()
    }
}

/// The wall clock so many seconds after the sample's start; less than a minute.
pub fn wall(seconds: f64) -> String {
    format!("2026-11-20T10:00:{seconds:06.3}Z")
}
