//! Reading a manifest: every fault at once, each with its JSON path; what can be lived with becomes a warning.

use std::{collections::BTreeSet, fmt};

use super::manifest::{Event, EventKind, Manifest, RecordingWindow};
use crate::media::{
    TimeDelta, WallTime,
    document::{self, Fault, Values},
};

/// No meeting is longer: a forged `ended_at` must not ask for years of black pictures.
const LONGEST_SESSION: TimeDelta = TimeDelta::from_seconds(7 * 24 * 3600);

/// Everything that keeps a manifest from being used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ManifestError {
    pub faults: Vec<Fault>,
}

/// A usable manifest, and what was overlooked in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    pub manifest: Manifest,
    pub warnings: Vec<String>,
}

/// Reads the text of a `session.json`.
pub fn parse(text: &str) -> Result<Parsed, ManifestError> {
    let value = document::parse(text).map_err(|fault| ManifestError { faults: vec![fault] })?;
    let read = document::read(&value, Values::Shown).map_err(|faults| ManifestError { faults })?;
    let (manifest, mut warnings): (Manifest, _) = (read.document, read.warnings);
    let faults = meaning_faults(&manifest);
    if !faults.is_empty() {
        return Err(ManifestError { faults });
    }
    warnings.extend(event_warnings(&manifest));
    Ok(Parsed { manifest, warnings })
}

/// What no schema can say: references that lead nowhere, ids used twice, times in the wrong order.
fn meaning_faults(manifest: &Manifest) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut peers = BTreeSet::new();
    for (index, peer) in manifest.peers.iter().enumerate() {
        if !peers.insert(&peer.id) {
            faults.push(fault(
                format!("/peers/{index}/id"),
                format!("peer '{}' is there twice", peer.id),
            ));
        }
    }
    let mut tracks = BTreeSet::new();
    for (index, track) in manifest.tracks.iter().enumerate() {
        if !tracks.insert(&track.id) {
            faults.push(fault(
                format!("/tracks/{index}/id"),
                format!("track '{}' is there twice", track.id),
            ));
        }
        if !peers.contains(&track.peer_id) {
            faults.push(fault(
                format!("/tracks/{index}/peer_id"),
                format!("there is no peer '{}'", track.peer_id),
            ));
        }
    }
    let session = &manifest.session;
    if let Some(ended) = session.ended_at {
        faults.extend(order_fault("/session/ended_at".into(), session.started_at, ended));
    }
    let windows = manifest.recording.as_deref().unwrap_or_default();
    if manifest.recording.is_some() && windows.is_empty() {
        faults.push(fault(
            "/recording".into(),
            "no window at all: leave it out if everything was recorded".into(),
        ));
    }
    faults.extend(
        windows
            .iter()
            .enumerate()
            .filter_map(|(index, window)| window_fault(index, *window)),
    );
    faults
}

fn window_fault(index: usize, window: RecordingWindow) -> Option<Fault> {
    order_fault(
        format!("/recording/{index}/stopped_at"),
        window.started_at,
        window.stopped_at?,
    )
}

fn order_fault(path: String, start: WallTime, end: WallTime) -> Option<Fault> {
    let length = end - start;
    if length <= TimeDelta::ZERO {
        Some(fault(path, format!("{end} is not after its start, {start}")))
    } else if length > LONGEST_SESSION {
        Some(fault(
            path,
            format!("{end} is more than seven days after its start, {start}"),
        ))
    } else {
        None
    }
}

/// An event that cannot be understood changes nothing, and is said.
fn event_warnings(manifest: &Manifest) -> Vec<String> {
    manifest
        .events
        .iter()
        .enumerate()
        .filter_map(|(index, event)| event_warning(manifest, index, event))
        .collect()
}

fn event_warning(manifest: &Manifest, index: usize, event: &Event) -> Option<String> {
    let Some(kind) = event.known_kind() else {
        return Some(format!("events.{index}: unknown type '{}', ignored", event.kind));
    };
    match kind {
        EventKind::PeerJoined | EventKind::PeerLeft | EventKind::PeerRoleChanged => match &event.peer_id {
            Some(id) if manifest.peer(id).is_some() => None,
            Some(id) => Some(format!("events.{index}: there is no peer '{id}', ignored")),
            None => Some(format!("events.{index}: '{}' without peer_id, ignored", event.kind)),
        },
        EventKind::TrackMuted | EventKind::TrackUnmuted => match &event.track_id {
            Some(id) if manifest.tracks.iter().any(|track| track.id == *id) => None,
            Some(id) => Some(format!("events.{index}: there is no track '{id}', ignored")),
            None => Some(format!("events.{index}: '{}' without track_id, ignored", event.kind)),
        },
        EventKind::SessionEnded => None,
    }
}

fn fault(path: String, what: String) -> Fault {
    Fault { path, what }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} fault(s) in the manifest\n{}",
            self.faults.len(),
            document::listed(&self.faults)
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn good() -> Value {
        json!({
            "version": 1,
            "session": {"id": "s1", "started_at": "2026-11-20T10:00:00Z", "ended_at": "2026-11-20T10:01:00Z"},
            "peers": [{"id": "p1"}],
            "tracks": [{"id": "t1", "peer_id": "p1", "kind": "video", "dumps": [{"uri": "a.webm"}]}],
        })
    }

    fn faults_of(value: &Value) -> Vec<String> {
        let error = parse(&value.to_string()).expect_err("the manifest was taken");
        error.faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_small_manifest_is_enough() {
        let parsed = parse(&good().to_string()).unwrap();
        assert!(parsed.warnings.is_empty(), "{:?}", parsed.warnings);
        assert_eq!(parsed.manifest.tracks[0].source(), crate::media::Source::Camera);
    }

    #[test]
    fn all_faults_are_told_at_once_with_their_paths() {
        let mut value = good();
        value["session"]["id"] = json!("../../etc/passwd");
        value["session"]["started_at"] = json!("yesterday");
        value["tracks"][0]["kind"] = json!("smell");
        value["tracks"][0]["dumps"][0]["uri"] = json!(7);
        value["peers"][0].as_object_mut().unwrap().remove("id");
        let faults = faults_of(&value);
        for path in [
            "/session/id",
            "/session/started_at",
            "/tracks/0/kind",
            "/tracks/0/dumps/0/uri",
            "/peers/0",
        ] {
            assert!(
                faults.iter().any(|fault| fault.starts_with(path)),
                "{path} is missing from {faults:#?}"
            );
        }
    }

    #[test]
    fn references_ids_and_orders_are_checked() {
        let mut value = good();
        value["tracks"][0]["peer_id"] = json!("nobody");
        value["peers"] = json!([{"id": "p1"}, {"id": "p1"}]);
        value["session"]["ended_at"] = json!("2036-11-20T10:01:00Z");
        value["recording"] = json!([{"started_at": "2026-11-20T10:00:30Z", "stopped_at": "2026-11-20T10:00:10Z"}]);
        let faults = faults_of(&value);
        assert_eq!(faults.len(), 4, "{faults:#?}");
    }

    #[test]
    fn strange_additions_are_warnings() {
        let mut value = good();
        value["session"]["mood"] = json!("good");
        value["events"] = json!([
            {"at": "2026-11-20T10:00:05Z", "type": "peer.danced"},
            {"at": "2026-11-20T10:00:05Z", "type": "track.muted", "track_id": "nothing"},
            {"at": "2026-11-20T10:00:05Z", "type": "peer.left"},
        ]);
        let warnings = parse(&value.to_string()).unwrap().warnings;
        assert_eq!(warnings.len(), 4, "{warnings:#?}");
        assert_eq!(warnings[0], "session.mood: unknown field, ignored");
    }

    #[test]
    fn what_is_not_json_says_where() {
        assert!(faults_of(&json!(null))[0].contains("is not of type"));
        assert!(
            parse("{\"version\": 1,")
                .unwrap_err()
                .to_string()
                .contains("line 1 column")
        );
    }
}
