//! Who was muted and what was recorded, on the session clock.

use super::manifest::{EventKind, Manifest};
use crate::media::{SessionTime, Span, Spans, TrackId, WallTime};

/// When events say that a track was muted. A mute without an end lasts until `end`.
pub fn muted(manifest: &Manifest, track: &TrackId, origin: WallTime, end: SessionTime) -> Spans {
    let mut changes: Vec<(SessionTime, EventKind)> = manifest
        .events
        .iter()
        .filter(|event| event.track_id.as_ref() == Some(track))
        .filter_map(|event| Some((event.at.on_session_clock(origin), event.known_kind()?)))
        .filter(|(_, kind)| matches!(kind, EventKind::TrackMuted | EventKind::TrackUnmuted))
        .collect();
    changes.sort_by_key(|(at, _)| *at);
    let (mut spans, mut since) = (Vec::new(), None);
    for (at, kind) in changes {
        match kind {
            EventKind::TrackMuted => since = since.or(Some(at)),
            _ => spans.extend(since.take().map(|start| Span::new(start, at))),
        }
    }
    spans.extend(since.map(|start| Span::new(start, end)));
    Spans::union(spans)
}

/// The recorded stretches within `0..end` of the session clock; all of it where the manifest names none.
pub fn recorded(manifest: &Manifest, origin: WallTime, end: SessionTime) -> Spans {
    let whole = Spans::union([Span::new(SessionTime::START, end)]);
    let Some(windows) = &manifest.recording else {
        return whole;
    };
    let windows = windows.iter().map(|window| {
        let stop = window.stopped_at.map_or(end, |at| at.on_session_clock(origin));
        Span::new(window.started_at.on_session_clock(origin), stop)
    });
    Spans::union(windows).intersect(&whole)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::media::TimeDelta;

    fn manifest() -> Manifest {
        let at = |second: u32| format!("2026-11-20T10:00:{second:02}Z");
        let value = json!({
            "version": 1,
            "session": {"id": "s", "started_at": at(0), "ended_at": at(50)},
            "peers": [{"id": "p"}],
            "tracks": [{"id": "t", "peer_id": "p", "kind": "audio", "dumps": []}],
            "events": [
                {"at": at(40), "type": "track.muted", "track_id": "t"},
                {"at": at(5), "type": "track.muted", "track_id": "t"},
                {"at": at(6), "type": "track.muted", "track_id": "t"},
                {"at": at(9), "type": "track.unmuted", "track_id": "t"},
                {"at": at(20), "type": "track.unmuted", "track_id": "t"},
            ],
            "recording": [{"started_at": at(2), "stopped_at": at(12)}, {"started_at": at(30)}],
        });
        super::super::parse(&value.to_string()).unwrap().manifest
    }

    fn seconds(spans: &Spans) -> Vec<(i64, i64)> {
        let whole = |time: SessionTime| time.since_start().millis() / 1000;
        spans.iter().map(|span| (whole(span.start), whole(span.end))).collect()
    }

    #[test]
    fn mutes_pair_up_whatever_their_order() {
        let (manifest, end) = (manifest(), SessionTime::START + TimeDelta::from_seconds(48));
        let spans = muted(&manifest, &TrackId::new("t"), manifest.recording_started_at(), end);
        assert_eq!(seconds(&spans), [(3, 7), (38, 48)]);
    }

    #[test]
    fn windows_are_on_the_clock_that_starts_with_the_first() {
        let (manifest, end) = (manifest(), SessionTime::START + TimeDelta::from_seconds(48));
        assert_eq!(
            seconds(&recorded(&manifest, manifest.recording_started_at(), end)),
            [(0, 10), (28, 48)]
        );
    }
}
