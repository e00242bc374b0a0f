//! Placing every dump on the session clock and deciding which dump counts when.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Clock, Piece, SyncCertificate, Timeline, TrackTimeline,
    live::live,
    place::{PlacedDump, place_all},
};
use crate::{
    media::{Kind, SessionTime, Span, Spans, Stamps, TimeDelta, WallTime},
    session::{Event, EventKind, Manifest, SenderReport, Track, muted, recorded},
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
#[derive(Debug)]
struct Placed {
    dump: usize,
    layer_rank: u32,
    clock: Arc<Clock>,
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
        clock: Arc::new(placed.clock.clone()),
        live,
    }
}

/// Where dumps of one track overlap, the better layer counts; among equals the one that began later.
fn arrange(mut placed: Vec<Placed>, within: &Spans) -> (Vec<Piece>, Spans) {
    placed.sort_by_key(|placed| (placed.layer_rank, placed.live.iter().next().map(|span| span.start)));
    let mut edges: Vec<(SessionTime, usize)> = Vec::new();
    for (rank, placed) in placed.iter().enumerate() {
        let live = placed.live.intersect(within);
        edges.extend(live.iter().flat_map(|span| [(span.start, rank), (span.end, rank)]));
    }
    edges.sort_unstable();
    let (mut alive, mut pieces) = (BTreeSet::new(), Vec::new());
    for (index, (at, rank)) in edges.iter().enumerate() {
        // a dump's edges come in turns: it begins, it ends
        if !alive.remove(rank) {
            alive.insert(*rank);
        }
        let until = edges.get(index + 1).map_or(*at, |next| next.0);
        if let Some(best) = alive.last().map(|rank| &placed[*rank]) {
            extend(&mut pieces, best, Span::new(*at, until));
        }
    }
    let live = Spans::union(pieces.iter().map(|piece: &Piece| piece.span));
    (pieces, live)
}

/// Adds what is alive within `span`: to the last piece, if that goes on.
fn extend(pieces: &mut Vec<Piece>, placed: &Placed, span: Span) {
    match pieces.last_mut() {
        _ if span.is_empty() => {}
        Some(last) if last.dump == placed.dump && last.span.end == span.start => last.span.end = span.end,
        _ => pieces.push(Piece {
            dump: placed.dump,
            span,
            clock: Arc::clone(&placed.clock),
        }),
    }
}

/// No meeting is longer: a date decades away is no evidence of an end.
const LONGEST_RECORDING: TimeDelta = TimeDelta::from_seconds(7 * 24 * 3600);

/// The end of the session by what the platform says; `None` where it says nothing of it.
///
/// A mute or a leave is no end: it only counts where every dump or every recorded stretch has one.
fn session_end(manifest: &Manifest, origin: WallTime) -> Option<SessionTime> {
    let within = |at: WallTime| {
        let end = at.on_session_clock(origin);
        (end > SessionTime::START && end <= SessionTime::START + LONGEST_RECORDING).then_some(end)
    };
    let latest = |times: Vec<WallTime>| times.into_iter().filter_map(within).max();
    let said = manifest.session.ended_at.and_then(within);
    let is_end = |event: &&Event| event.known_kind() == Some(EventKind::SessionEnded);
    let said = said.or_else(|| latest(manifest.events.iter().filter(is_end).map(|event| event.at).collect()));
    let windows = manifest.recording.iter().flatten().map(|window| window.stopped_at);
    let dumps = manifest.tracks.iter().flat_map(|track| &track.dumps);
    said.or_else(|| latest(windows.collect::<Option<_>>()?)).or_else(|| {
        let mut times = dumps.map(|dump| dump.ended_at).collect::<Option<Vec<WallTime>>>()?;
        times.extend(manifest.peers.iter().filter_map(|peer| peer.left_at));
        times.extend(manifest.events.iter().map(|event| event.at));
        latest(times)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::media::TimeBase;

    fn at(nanos: i64) -> SessionTime {
        SessionTime::from_nanos(nanos)
    }

    fn placed() -> impl Strategy<Value = Placed> {
        (0u32..3, prop::collection::vec((0i64..60, 0i64..20), 0..5)).prop_map(|(layer_rank, spans)| Placed {
            dump: 0,
            layer_rank,
            clock: Arc::new(Clock::anchored(TimeBase::MILLIS, 0, SessionTime::START)),
            live: Spans::union(
                spans
                    .iter()
                    .map(|(start, length)| Span::new(at(*start), at(start + length))),
            ),
        })
    }

    proptest! {
        /// At every instant counts, of the dumps that are alive, the one of the best layer that began last.
        #[test]
        fn the_best_that_is_alive_counts(placed in prop::collection::vec(placed(), 0..6)) {
            let mut placed = placed;
            placed.iter_mut().enumerate().for_each(|(dump, placed)| placed.dump = dump);
            let expected = |nanos: i64| {
                let alive = placed.iter().filter(|placed| placed.live.contains(at(nanos)));
                let began = |placed: &Placed| placed.live.iter().next().map(|span| span.start);
                alive.max_by_key(|placed| (placed.layer_rank, began(placed), placed.dump)).map(|placed| placed.dump)
            };
            let expected: Vec<Option<usize>> = (0..60).map(expected).collect();
            let (pieces, live) = arrange(placed, &Spans::union([Span::new(at(0), at(60))]));
            for (nanos, expected) in (0..60).zip(expected) {
                let mut covering = pieces.iter().filter(|piece| piece.span.contains(at(nanos)));
                prop_assert_eq!(covering.next().map(|piece| piece.dump), expected);
                prop_assert!(covering.next().is_none());
                prop_assert_eq!(live.contains(at(nanos)), expected.is_some());
            }
            for pair in pieces.windows(2) {
                let apart = pair[1].span.start - pair[0].span.end;
                prop_assert!(apart > TimeDelta::ZERO || (apart == TimeDelta::ZERO && pair[0].dump != pair[1].dump));
            }
        }
    }
}
