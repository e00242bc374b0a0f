//! The shape of `session.json`, version 1. Its JSON Schema is generated from these types.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ChatMessage;
use crate::media::{AccountId, Codec, Kind, PeerId, RoomId, SessionId, Source, StreamId, TrackId, WallTime};

/// A session: who took part, which dumps the SFU wrote of whom, and what happened when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Tessera session manifest")]
pub struct Manifest {
    /// Always 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    pub session: SessionInfo,
    /// Participants. A track's peer must be one of them.
    #[serde(default)]
    pub peers: Vec<Peer>,
    /// Published tracks with the dumps that hold them.
    pub tracks: Vec<Track>,
    /// What happened, in any order. Default: nothing.
    #[serde(default)]
    pub events: Vec<Event>,
    /// Messages that were sent, in any order; shown in the recording if asked for. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chat: Vec<ChatMessage>,
    /// The stretches that were recorded. Default: the whole session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<Vec<RecordingWindow>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionInfo {
    /// Names the recording's file: letters, digits, `.`, `_` and `-`.
    #[schemars(with = "String", regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"))]
    pub id: SessionId,
    /// Default: the session id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<RoomId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    pub started_at: WallTime,
    /// Default: the last moment that a dump, an event or a peer gives evidence of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<WallTime>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Peer {
    #[schemars(with = "String", length(min = 1))]
    pub id: PeerId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Shown to people. Default: the peer's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined_at: Option<WallTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_at: Option<WallTime>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Track {
    #[schemars(with = "String", length(min = 1))]
    pub id: TrackId,
    /// Default: the track's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_id: Option<StreamId>,
    pub peer_id: PeerId,
    pub kind: Kind,
    /// Default: `camera` for video, `microphone` for audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// `vp8`, `vp9`, `h264`, `av1`, `opus` or `aac`. Containers know it themselves; packet dumps need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<String>,
    /// The files that hold the track: one after another, or its simulcast layers beside each other.
    pub dumps: Vec<Dump>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dump {
    /// Relative to the manifest's folder; `file://` or `s3://` where the caller allows it.
    #[schemars(length(min = 1))]
    pub uri: String,
    /// `webm`, `mkv`, `ogg`, `ivf`, `mp4`, `mjr` or `rtpdump`. Default: by the file's ending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Wall clock of the dump's own time zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<WallTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<WallTime>,
    /// Simulcast layer, `low`, `medium` or `high`, or a number (more is better); of overlapping dumps the best is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// SHA-256 of the file in hexadecimal; checked if given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9a-fA-F]{64}$"))]
    pub sha256: Option<String>,
    /// RTCP sender reports (RFC 3550 section 6.4.1) that the SFU saw, in the dump's own RTP time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sender_reports: Vec<SenderReport>,
}

/// At wall clock `ntp` of the sender, its RTP clock showed `rtp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SenderReport {
    pub ntp: WallTime,
    pub rtp: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    pub at: WallTime,
    /// `peer.joined`, `peer.left`, `peer.role_changed`, `track.muted`, `track.unmuted` or `session.ended`; others are ignored.
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_id: Option<PeerId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track_id: Option<TrackId>,
}

/// What an event says, once its type is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    PeerJoined,
    PeerLeft,
    PeerRoleChanged,
    TrackMuted,
    TrackUnmuted,
    SessionEnded,
}

/// One stretch that was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordingWindow {
    pub started_at: WallTime,
    /// Default: the end of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<WallTime>,
}

impl Manifest {
    /// Wall clock of tick 0: where the first recorded window begins, or else the session.
    pub fn recording_started_at(&self) -> WallTime {
        let first = self
            .recording
            .as_ref()
            .and_then(|windows| windows.iter().map(|window| window.started_at).min());
        first.unwrap_or(self.session.started_at)
    }

    pub fn peer(&self, id: &PeerId) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.id == *id)
    }

    /// The room, or the session where no room is named.
    pub fn room_id(&self) -> RoomId {
        self.session
            .room_id
            .clone()
            .unwrap_or_else(|| RoomId::new(self.session.id.as_str()))
    }
}

impl Peer {
    /// Their name, or else their id; a name that cannot be seen is none.
    pub fn display_name(&self) -> &str {
        let name = self.name.as_deref().filter(|name| !is_blank(name));
        name.unwrap_or(self.id.as_str())
    }
}

/// Whether nothing of a text can be seen: it has only spaces and characters without width.
pub fn is_blank(text: &str) -> bool {
    text.chars()
        .all(|it| it.is_whitespace() || it.is_control() || is_without_width(it))
}

/// Unicode's `Default_Ignorable_Code_Point`, and the blank of Braille.
fn is_without_width(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

impl Track {
    pub fn source(&self) -> Source {
        self.source.unwrap_or(match self.kind {
            Kind::Video => Source::Camera,
            Kind::Audio => Source::Microphone,
        })
    }

    /// The codec that the manifest promises, if it is one that Tessera knows.
    pub fn known_codec(&self) -> Option<Codec> {
        self.codec.as_deref().and_then(Codec::from_name)
    }
}

impl Dump {
    /// Rank among simulcast layers: more is better; an unnamed layer is an ordinary dump and ranks highest.
    pub fn layer_rank(&self) -> u32 {
        match self.layer.as_deref() {
            None => u32::MAX,
            Some("high" | "h" | "f") => 3,
            Some("medium" | "mid" | "m") => 2,
            Some("low" | "l" | "q") => 1,
            Some(other) => other.parse().unwrap_or(0),
        }
    }
}

impl Event {
    pub fn known_kind(&self) -> Option<EventKind> {
        Some(match self.kind.as_str() {
            "peer.joined" => EventKind::PeerJoined,
            "peer.left" => EventKind::PeerLeft,
            "peer.role_changed" => EventKind::PeerRoleChanged,
            "track.muted" => EventKind::TrackMuted,
            "track.unmuted" => EventKind::TrackUnmuted,
            "session.ended" => EventKind::SessionEnded,
            _ => return None,
        })
    }
}

/// The JSON Schema of the manifest.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Manifest).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_name_to_be_seen_is_called_by_id() {
        let called = |name: Option<&str>| {
            let peer = Peer {
                id: PeerId::new("p7"),
                user_id: None,
                name: name.map(str::to_owned),
                role: None,
                joined_at: None,
                left_at: None,
            };
            peer.display_name().to_owned()
        };
        for nothing in [
            None,
            Some(""),
            Some(" \t"),
            Some("\u{200b}\u{200d}\u{feff}"),
            Some("\u{3164}\u{202e}"),
        ] {
            assert_eq!(called(nothing), "p7", "{nothing:?}");
        }
        assert_eq!(called(Some("Asha")), "Asha");
    }
}
