//! Janus VideoRoom: names such as `videoroom-1001-user-102-1795330543840460-video-1.mjr` carry the room, the user, the
//! time in microseconds since the epoch and the m-line's index; the header of an MJR file carries kind, codec and times.

use std::collections::{BTreeMap, BTreeSet};

use super::{FoundDump, ImportError, Imported};
use crate::{
    media::{Kind, PeerId, RoomId, SessionId, Source, StreamId, TrackId, WallTime},
    session::{Dump, Manifest, Peer, SessionInfo, Track},
};

const NANOS_PER_MICRO: i64 = 1000;

/// One file, understood.
struct Recording<'a> {
    name: &'a str,
    room: &'a str,
    user: &'a str,
    kind: Kind,
    m_line: u32,
    codec: Option<String>,
    /// Arrival of the first packet, or else when the recorder was made.
    started_at: WallTime,
}

pub fn import(dumps: &[FoundDump]) -> Result<Imported, ImportError> {
    let mut remarks = Vec::new();
    let mut recordings: Vec<Recording<'_>> = Vec::new();
    for dump in dumps {
        match recording(dump) {
            Ok(recording) => recordings.push(recording),
            Err(why) => remarks.push(format!("{}: left out: {why}", dump.name)),
        }
    }
    if recordings.is_empty() {
        return Err(ImportError::NothingFound(dumps.len()));
    }
    recordings.sort_by(|a, b| (a.started_at, a.name).cmp(&(b.started_at, b.name)));
    let rooms: BTreeSet<&str> = recordings.iter().map(|recording| recording.room).collect();
    if rooms.len() > 1 {
        return Err(ImportError::SeveralRooms(
            rooms.into_iter().collect::<Vec<_>>().join(", "),
        ));
    }
    let room = recordings[0].room;
    let started_at = recordings[0].started_at;
    let session = SessionInfo {
        id: SessionId::new(format!("janus-{}-{}", plain(room), started_at.unix_millis() / 1000)),
        room_id: Some(RoomId::new(room)),
        room_name: None,
        template_id: None,
        app_id: None,
        account_id: None,
        started_at,
        ended_at: None,
    };
    let tracks = tracks(&recordings, &mut remarks);
    let manifest = Manifest {
        version: 1,
        session,
        peers: peers(&recordings),
        tracks,
        events: Vec::new(),
        chat: Vec::new(),
        recording: None,
    };
    Ok(Imported { manifest, remarks })
}

fn recording(dump: &FoundDump) -> Result<Recording<'_>, String> {
    let name = name_parts(&dump.name).ok_or("its name is not that of a VideoRoom recording")?;
    let NameParts {
        room,
        user,
        micros,
        m_line,
    } = name;
    let made_at = WallTime::from_unix_nanos(micros.saturating_mul(NANOS_PER_MICRO));
    let started_at = dump.started_at.unwrap_or(made_at);
    Ok(Recording {
        name: &dump.name,
        room,
        user,
        kind: dump.kind,
        m_line,
        codec: dump.codec.clone(),
        started_at,
    })
}

/// What the name of a file says.
struct NameParts<'a> {
    room: &'a str,
    user: &'a str,
    micros: i64,
    m_line: u32,
}

/// Rooms and users may hold dashes themselves.
fn name_parts(name: &str) -> Option<NameParts<'_>> {
    let stem = name.strip_suffix(".mjr")?;
    let (room, rest) = stem.strip_prefix("videoroom-")?.split_once("-user-")?;
    let mut parts = rest.rsplitn(4, '-');
    let (m_line, _kind, micros, user) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some(NameParts {
        room,
        user,
        micros: micros.parse().ok()?,
        m_line: m_line.parse().ok()?,
    })
}

fn peers(recordings: &[Recording<'_>]) -> Vec<Peer> {
    let mut seen = BTreeMap::new();
    for recording in recordings {
        seen.entry(recording.user).or_insert(recording.started_at);
    }
    let peer = |(user, joined_at): (&str, WallTime)| Peer {
        id: PeerId::new(user),
        user_id: Some(user.to_owned()),
        name: None,
        role: None,
        joined_at: Some(joined_at),
        left_at: None,
    };
    seen.into_iter().map(peer).collect()
}

/// One track per user, kind and m-line; its files are its dumps, as a rejoin makes a new one.
fn tracks(recordings: &[Recording<'_>], remarks: &mut Vec<String>) -> Vec<Track> {
    let mut grouped: BTreeMap<(&str, Kind, u32), Vec<&Recording<'_>>> = BTreeMap::new();
    for recording in recordings {
        grouped
            .entry((recording.user, recording.kind, recording.m_line))
            .or_default()
            .push(recording);
    }
    let first_video = |user: &str| {
        grouped
            .keys()
            .filter(|key| key.0 == user && key.1 == Kind::Video)
            .map(|key| key.2)
            .min()
    };
    let mut tracks = Vec::new();
    for ((user, kind, m_line), files) in &grouped {
        let is_second = *kind == Kind::Video && first_video(user).is_some_and(|first| first < *m_line);
        let source = match kind {
            Kind::Audio => Source::Microphone,
            Kind::Video if is_second => Source::Screen,
            Kind::Video => Source::Camera,
        };
        let id = format!("{user}-{kind}-{m_line}");
        if is_second {
            remarks.push(format!(
                "track {id}: taken for a screen, as it is the user's second video"
            ));
        }
        let shared = source == Source::Screen;
        tracks.push(Track {
            id: TrackId::new(id),
            stream_id: Some(StreamId::new(format!(
                "{user}-{}",
                if shared { "screen" } else { "main" }
            ))),
            peer_id: PeerId::new(*user),
            kind: *kind,
            source: Some(source),
            codec: files[0].codec.clone(),
            dumps: files.iter().map(|file| dump(file)).collect(),
        });
    }
    tracks
}

fn dump(recording: &Recording<'_>) -> Dump {
    Dump {
        uri: recording.name.to_owned(),
        format: Some("mjr".into()),
        started_at: Some(recording.started_at),
        ended_at: None,
        layer: None,
        sha256: None,
        sender_reports: Vec::new(),
    }
}

/// A room's name as a part of a session id.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' })
        .take(64)
        .collect()
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::session::parse;

    fn found(name: &str, kind: Kind, codec: &str, micros: i64) -> FoundDump {
        let started_at = Some(WallTime::from_unix_nanos(micros * NANOS_PER_MICRO));
        FoundDump {
            name: name.into(),
            kind,
            codec: Some(codec.into()),
            started_at,
        }
    }

    #[test]
    fn a_room_with_a_rejoin_and_a_screen() {
        let dumps = [
            found(
                "videoroom-1001-user-102-1795330543840460-video-1.mjr",
                Kind::Video,
                "vp8",
                1_795_330_543_952_000,
            ),
            found(
                "videoroom-1001-user-102-1795330543840363-audio-0.mjr",
                Kind::Audio,
                "opus",
                1_795_330_543_935_000,
            ),
            found(
                "videoroom-1001-user-102-1795330593840363-audio-0.mjr",
                Kind::Audio,
                "opus",
                1_795_330_593_935_000,
            ),
            found(
                "videoroom-1001-user-102-1795330565150435-video-2.mjr",
                Kind::Video,
                "vp8",
                1_795_330_565_150_435,
            ),
            found("holiday.mjr", Kind::Video, "vp8", 1_795_330_565_150_435),
        ];
        let imported = import(&dumps).unwrap();
        let manifest = &imported.manifest;
        let tracks: Vec<(&str, Source, usize)> = manifest
            .tracks
            .iter()
            .map(|track| (track.id.as_str(), track.source(), track.dumps.len()))
            .collect();
        assert_eq!(
            tracks,
            [
                ("102-audio-0", Source::Microphone, 2),
                ("102-video-1", Source::Camera, 1),
                ("102-video-2", Source::Screen, 1)
            ]
        );
        assert_eq!(imported.remarks.len(), 2, "{:?}", imported.remarks);
        assert_eq!(manifest.session.id.as_str(), "janus-1001-1795330543");
        let text = serde_json::to_string(manifest).unwrap();
        assert_eq!(parse(&text).unwrap().manifest, *manifest);
    }

    #[test]
    fn rooms_are_not_mixed() {
        let dumps = [
            found(
                "videoroom-a-user-1-1795330543840460-audio-0.mjr",
                Kind::Audio,
                "opus",
                1_795_330_543_952_000,
            ),
            found(
                "videoroom-b-user-1-1795330543840460-audio-0.mjr",
                Kind::Audio,
                "opus",
                1_795_330_543_952_000,
            ),
        ];
        assert_eq!(import(&dumps), Err(ImportError::SeveralRooms("a, b".into())));
        assert_eq!(import(&dumps[..0]), Err(ImportError::NothingFound(0)));
    }
}
