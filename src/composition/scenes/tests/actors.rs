//! Made-up sessions: who is in them, with camera, screen and microphone, and who speaks when.

use proptest::prelude::*;
use serde_json::json;

use super::super::*;
use crate::{
    composition::windows::windows,
    layout,
    media::{Kind, PeerId, SessionTime, Source, Span, Spans, TimeDelta, TrackId, WallTime},
    timeline::{Clock, Piece, SyncCertificate, TrackTimeline},
};

pub const SECONDS: i64 = 20;

/// A peer of a made-up session: camera, screen and microphone, each with when it is on.
#[derive(Debug, Clone)]
pub struct Actor {
    pub camera: Option<(i64, i64)>,
    pub screen: Option<(i64, i64)>,
    pub microphone: Option<(i64, i64)>,
    pub role: &'static str,
}

pub fn span(start: i64, end: i64) -> Span {
    let at = |second: i64| SessionTime::START + TimeDelta::from_seconds(second);
    Span::new(at(start), at(end))
}

pub fn track(index: usize, peer: &str, source: Source, on: (i64, i64)) -> TrackTimeline {
    let span = span(on.0, on.1);
    TrackTimeline {
        index,
        track_id: TrackId::new(format!("{peer}-{source}")),
        peer_id: PeerId::new(peer),
        kind: if source == Source::Microphone {
            Kind::Audio
        } else {
            Kind::Video
        },
        source,
        pieces: vec![Piece {
            dump: 0,
            span,
            clock: Clock::anchored(crate::media::TimeBase::MILLIS, 0, span.start).into(),
        }],
        live: Spans::union([span]),
    }
}

/// A session of `actors`, called `names`.
pub fn session(names: &[String], actors: &[Actor]) -> (Manifest, Timeline) {
    let (mut tracks, mut listed, mut peers) = (Vec::new(), Vec::new(), Vec::new());
    for (name, actor) in names.iter().zip(actors) {
        peers.push(json!({"id": name, "role": actor.role}));
        let sources = [
            (Source::Camera, actor.camera),
            (Source::Screen, actor.screen),
            (Source::Microphone, actor.microphone),
        ];
        for (source, on) in sources {
            if let Some(on) = on {
                let track = track(tracks.len(), name, source, on);
                listed.push(
                    json!({"id": track.track_id, "peer_id": name, "kind": track.kind, "source": source, "dumps": []}),
                );
                tracks.push(track);
            }
        }
    }
    let (start, end) = ("2026-11-20T10:00:00Z", "2026-11-20T10:00:20Z");
    let manifest = json!({"version": 1, "session": {"id": "s", "started_at": start, "ended_at": end}, "peers": peers, "tracks": listed});
    let timeline = Timeline {
        origin: WallTime::parse(start).unwrap(),
        end: span(0, SECONDS).end,
        recorded: Spans::union([span(0, SECONDS)]),
        tracks,
        certificate: SyncCertificate::default(),
        warnings: Vec::new(),
    };
    (crate::session::parse(&manifest.to_string()).unwrap().manifest, timeline)
}

/// The scenes of a session of `actors`, called `prefix` and a number, who speak as `turns` says.
pub fn staged(prefix: &str, actors: &[Actor], turns: &[(usize, i64, i64)], layout: &Layout, canvas: Size) -> Staging {
    let id = |index: usize| format!("{prefix}{index}");
    let names: Vec<String> = (0..actors.len()).map(id).collect();
    let (manifest, timeline) = session(&names, actors);
    let rate = TickRate::new(10).unwrap();
    let mut speech = Speech::default();
    for (who, from, to) in turns {
        let spans = speech.voices.entry(PeerId::new(id(*who))).or_default();
        *spans = Spans::union(spans.iter().chain([span(*from, *to)]));
    }
    stage(&Stage {
        manifest: &manifest,
        timeline: &timeline,
        speech: &speech,
        windows: &windows(&timeline.recorded, rate),
        rate,
        request: &Request {
            canvas,
            ..Request::of(layout.clone())
        },
        title: "room",
    })
}

/// Everybody with a camera and a microphone all the time.
pub fn seen(count: usize) -> Vec<Actor> {
    let on = Some((0, SECONDS));
    let actor = Actor {
        camera: on,
        screen: None,
        microphone: on,
        role: "guest",
    };
    vec![actor; count]
}

/// The tracks or peers shown at each second, in their order.
pub fn shown(staging: &Staging, second: i64) -> Vec<String> {
    let scene = staging.scenes.iter().find(|scene| scene.end.0 > second * 10).unwrap();
    scene
        .tiles
        .iter()
        .map(|tile| tile.track_id.as_str().to_owned())
        .collect()
}

pub fn named(name: &str) -> Layout {
    layout::builtin(name).unwrap()
}

pub fn any_on() -> impl Strategy<Value = Option<(i64, i64)>> {
    prop::option::weighted(
        0.7,
        (0..SECONDS - 1, 1..SECONDS).prop_map(|(start, length)| (start, (start + length).min(SECONDS))),
    )
}

pub fn any_actors() -> impl Strategy<Value = Vec<Actor>> {
    let screen = prop_oneof![9 => Just(None), 1 => any_on()];
    let actor = (
        any_on(),
        screen,
        any_on(),
        prop::sample::select(vec!["host", "guest", "viewer"]),
    );
    let actor = actor.prop_map(|(camera, screen, microphone, role)| Actor {
        camera,
        screen,
        microphone,
        role,
    });
    prop::collection::vec(actor, 0..=60)
}

pub fn any_turns() -> impl Strategy<Value = Vec<(usize, i64, i64)>> {
    prop::collection::vec(
        (0usize..60, 0..SECONDS - 2, 2i64..6).prop_map(|(who, at, length)| (who, at, at + length)),
        0..8,
    )
}
