//! Placing every dump on the session clock and deciding which dump counts when.

use super::{Clock, Piece, Timeline, TrackTimeline, live::live};
use crate::{
    media::{Kind, SessionTime, Span, Spans, Stamps, TimeDelta, WallTime},
    session::{Manifest, Track, muted, recorded},
};

/// A container whose first timestamp is further than this from zero does not count from its own start.
const SANE_START: TimeDelta = TimeDelta::from_seconds(10);

/// A usable dump: which it is, and what it says of its own time.
#[derive(Debug, Clone, Copy)]
pub struct DumpInput<'a> {
    /// Index into the manifest's tracks.
    pub track: usize,
    /// Index into that track's dumps.
    pub dump: usize,
    pub stamps: &'a Stamps,
}

/// One dump with its clock and its live stretches, before it is known which dump counts when.
struct Placed {
    dump: usize,
    layer_rank: u32,
    clock: Clock,
    live: Spans,
}

/// Places all dumps of a session.
pub fn build(manifest: &Manifest, dumps: &[DumpInput<'_>]) -> Timeline {
    let origin = manifest.recording_started_at();
    let mut warnings = Vec::new();
    let mut tracks: Vec<(usize, Vec<Placed>)> = Vec::new();
    for (index, track) in manifest.tracks.iter().enumerate() {
        let inputs = dumps.iter().filter(|input| input.track == index);
        let placed: Vec<Placed> = inputs.map(|input| place(track, input, origin, &mut warnings)).collect();
        if !placed.is_empty() {
            tracks.push((index, placed));
        }
    }
    let latest_frame = tracks
        .iter()
        .flat_map(|(_, placed)| placed)
        .filter_map(|placed| placed.live.iter().last())
        .map(|span| span.end)
        .max();
    let end = session_end(manifest, origin)
        .or(latest_frame)
        .unwrap_or(SessionTime::START);
    let recorded = recorded(manifest, origin, end);
    let end = recorded.iter().last().map_or(SessionTime::START, |span| span.end);
    let within = Spans::union([Span::new(SessionTime::START, end)]);
    let tracks = tracks.into_iter().map(|(index, placed)| {
        let track = &manifest.tracks[index];
        let mutes = muted(manifest, &track.id, origin, end);
        let (pieces, live) = arrange(placed, &within);
        TrackTimeline {
            index,
            track_id: track.id.clone(),
            peer_id: track.peer_id.clone(),
            kind: track.kind,
            source: track.source(),
            pieces,
            live: live.subtract(&mutes),
        }
    });
    Timeline {
        origin,
        end,
        recorded,
        tracks: tracks.collect(),
        warnings,
    }
}

fn place(track: &Track, input: &DumpInput<'_>, origin: WallTime, warnings: &mut Vec<String>) -> Placed {
    let dump = &track.dumps[input.dump];
    let stamps = input.stamps;
    let at = match dump.started_at {
        Some(wall) => wall.on_session_clock(origin),
        None => {
            warnings.push(format!(
                "{}: has no started_at, placed at the start of the recording",
                dump.uri
            ));
            SessionTime::START
        }
    };
    let first = stamps.start().unwrap_or(0);
    let zero = if stamps.time_base.delta(first).abs() > SANE_START {
        let offset = stamps.time_base.delta(first);
        warnings.push(format!(
            "{}: its first timestamp is {offset}; counted from its first frame instead",
            dump.uri
        ));
        first
    } else {
        0
    };
    let clock = Clock::anchored(stamps.time_base, zero, at);
    let live = live(stamps, &clock, track.source());
    Placed {
        dump: input.dump,
        layer_rank: dump.layer_rank(),
        clock,
        live,
    }
}

/// Where dumps of one track overlap, the better layer counts; among equals the one that began later.
fn arrange(mut placed: Vec<Placed>, within: &Spans) -> (Vec<Piece>, Spans) {
    placed.sort_by_key(|placed| (placed.layer_rank, placed.live.iter().next().map(|span| span.start)));
    let mut taken: Vec<(Spans, &Placed)> = Vec::new();
    for next in &placed {
        let mine = next.live.intersect(within);
        for (spans, _) in &mut taken {
            *spans = spans.subtract(&mine);
        }
        taken.push((mine, next));
    }
    let live = Spans::union(taken.iter().flat_map(|(spans, _)| spans.iter().collect::<Vec<_>>()));
    let mut pieces: Vec<Piece> = taken
        .iter()
        .flat_map(|(spans, placed)| {
            spans.iter().map(|span| Piece {
                dump: placed.dump,
                span,
                clock: placed.clock.clone(),
            })
        })
        .collect();
    pieces.sort_by_key(|piece| piece.span.start);
    (pieces, live)
}

/// The end of the session by what the platform says; `None` where it says nothing.
fn session_end(manifest: &Manifest, origin: WallTime) -> Option<SessionTime> {
    let said = manifest.session.ended_at.or_else(|| {
        let windows = manifest
            .recording
            .iter()
            .flatten()
            .filter_map(|window| window.stopped_at);
        let events = manifest.events.iter().map(|event| event.at);
        let peers = manifest.peers.iter().filter_map(|peer| peer.left_at);
        let dumps = manifest
            .tracks
            .iter()
            .flat_map(|track| &track.dumps)
            .filter_map(|dump| dump.ended_at);
        windows.chain(events).chain(peers).chain(dumps).max()
    });
    said.map(|at| at.on_session_clock(origin))
        .filter(|end| *end > SessionTime::START)
}

impl TrackTimeline {
    /// Whether anything of this track can be in the recording.
    pub fn is_alive(&self) -> bool {
        !self.live.is_empty()
    }

    pub fn is_video(&self) -> bool {
        self.kind == Kind::Video
    }
}
