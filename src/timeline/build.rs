//! Placing every dump on the session clock and deciding which dump counts when.

use super::{
    Clock, Piece, SyncCertificate, Timeline, TrackTimeline,
    live::live,
    place::{PlacedDump, place_all},
};
use crate::{
    media::{Kind, SessionTime, Span, Spans, Stamps, TimeDelta, WallTime},
    session::{Manifest, SenderReport, Track, muted, recorded},
};

/// The last packet may be this much longer than the time to its receipt: a frame, and the clocks' disagreement.
const AFTER_LAST_PACKET: TimeDelta = TimeDelta::from_seconds(2);

/// A usable dump: which it is, and what it says of its own time.
#[derive(Debug, Clone, Copy)]
pub struct DumpInput<'a> {
    /// Index into the manifest's tracks.
    pub track: usize,
    /// Index into that track's dumps.
    pub dump: usize,
    pub stamps: &'a Stamps,
    /// Sender reports found in the dump itself, besides those that the manifest tells.
    pub sender_reports: &'a [SenderReport],
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
    let said_end = session_end(manifest, origin);
    let (mut warnings, mut certificates) = (Vec::new(), Vec::new());
    let mut tracks: Vec<(usize, Vec<Placed>)> = Vec::new();
    let mut dumps: Vec<DumpInput<'_>> = dumps.to_vec();
    dumps.sort_by_key(|input| (input.track, input.dump));
    for (input, placed) in dumps.iter().zip(place_all(manifest, &dumps, said_end)) {
        let on_clock = on_clock(&manifest.tracks[input.track], input, &placed);
        match tracks.last_mut() {
            Some((index, dumps)) if *index == input.track => dumps.push(on_clock),
            _ => tracks.push((input.track, vec![on_clock])),
        }
        warnings.extend(placed.warnings);
        certificates.push(placed.certificate);
    }
    let latest_frame = tracks
        .iter()
        .flat_map(|(_, placed)| placed)
        .filter_map(|placed| placed.live.iter().last())
        .map(|span| span.end)
        .max();
    let end = said_end.or(latest_frame).unwrap_or(SessionTime::START);
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
        certificate: SyncCertificate::of(certificates),
        warnings,
    }
}

/// When a dump is alive: by its frames, but no longer than packets were received.
fn on_clock(track: &Track, input: &DumpInput<'_>, placed: &PlacedDump) -> Placed {
    let mut live = live(input.stamps, &placed.clock, track.source());
    let start = live.as_slice().first().map(|span| span.start);
    if let (Some(last), Some(start)) = (placed.last_received, start) {
        live = live.intersect(&Spans::union([Span::new(start, last + AFTER_LAST_PACKET)]));
    }
    Placed {
        dump: input.dump,
        layer_rank: track.dumps[input.dump].layer_rank(),
        clock: placed.clock.clone(),
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

/// No meeting is longer: a date decades away is no evidence of an end.
const LONGEST_RECORDING: TimeDelta = TimeDelta::from_seconds(7 * 24 * 3600);

/// The end of the session by what the platform says; `None` where it says nothing.
fn session_end(manifest: &Manifest, origin: WallTime) -> Option<SessionTime> {
    let within = |at: WallTime| {
        let end = at.on_session_clock(origin);
        (end > SessionTime::START && end <= SessionTime::START + LONGEST_RECORDING).then_some(end)
    };
    let said = manifest.session.ended_at.and_then(within);
    said.or_else(|| {
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
        windows.chain(events).chain(peers).chain(dumps).filter_map(within).max()
    })
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
