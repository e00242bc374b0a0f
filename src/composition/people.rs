//! Everybody who may be shown, with all that decides when and how, on the recording's own ticks.

use super::{
    choice::admits,
    speakers::{SpeakerTurn, Speech},
    windows::Window,
};
use crate::{
    layout::Select,
    media::{Kind, SessionTime, Source, Span, Spans, Tick, TickRate, TimeDelta, TrackId},
    session::{EventKind, Manifest, Peer, muted},
    timeline::{Timeline, TrackTimeline},
};

/// A peer between whose tracks there is no more than this is taken to have stayed.
const LONGEST_GAP: TimeDelta = TimeDelta::from_seconds(2);

/// What lasts less is not worth a change: a microphone that begins a little after its camera marks nobody as muted.
const SHORTEST_STATE: TimeDelta = TimeDelta::from_millis(1500);
/// Pauses up to this long are part of speaking, and no less than this is speaking.
const SHORTEST_PAUSE: TimeDelta = TimeDelta::from_millis(900);
const SHORTEST_SPEECH: TimeDelta = TimeDelta::from_millis(500);

/// A peer who published something.
pub struct Person<'a> {
    pub peer: &'a Peer,
    /// Place among the manifest's peers.
    pub index: usize,
    /// When they were first there; then the place of their first track in the manifest.
    pub joined: (SessionTime, usize),
    /// When they have a place, seen or not.
    pub present: Ticks,
    /// When they cannot be heard: muted, without a microphone, or left out of the mix.
    pub muted: Ticks,
    pub speaking: Ticks,
    /// When they began to speak, each time.
    pub turns: Vec<Tick>,
    pub cameras: Vec<Shown<'a>>,
    pub screens: Vec<Shown<'a>>,
}

/// A video track with the ticks at which it has something to show.
pub struct Shown<'a> {
    pub track: &'a TrackTimeline,
    pub joined: (SessionTime, usize),
    pub live: Ticks,
}

/// Sorted stretches of ticks, each up to, not including, its end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ticks(Vec<(Tick, Tick)>);

/// What people are gathered from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    pub manifest: &'a Manifest,
    pub timeline: &'a Timeline,
    pub speech: &'a Speech,
    /// Who has the floor when.
    pub turns: &'a [SpeakerTurn],
    pub windows: &'a [Window],
    pub rate: TickRate,
    /// Who may be heard.
    pub heard: &'a Select,
}

/// Everybody who published something, in the order of the manifest.
pub fn people(sources: Sources<'_>) -> Vec<Person<'_>> {
    let peers = sources.manifest.peers.iter().enumerate();
    peers.filter_map(|(index, peer)| sources.person(index, peer)).collect()
}

impl<'a> Sources<'a> {
    fn person(self, index: usize, peer: &'a Peer) -> Option<Person<'a>> {
        let tracks = || self.timeline.tracks.iter().filter(|track| track.peer_id == peer.id);
        let first_track = tracks().map(|track| track.index).min()?;
        let present = self.present(peer, tracks());
        let heard = Spans::union(
            tracks()
                .filter(|track| track.source == Source::Microphone)
                .flat_map(|track| self.unmuted(track).iter().collect::<Vec<_>>()),
        );
        let seen = Spans::union(
            tracks()
                .filter(|track| track.kind == Kind::Video && track.source != Source::Screen)
                .flat_map(|track| track.live.iter().collect::<Vec<_>>()),
        );
        let spoken = || self.turns.iter().filter(|turn| turn.peer == peer.id);
        let shown = |source: Source| {
            let video = tracks().filter(|track| track.kind == Kind::Video && track.is_alive());
            // whatever is no screen stands where cameras stand
            video
                .filter(|track| (track.source == Source::Screen) == (source == Source::Screen))
                .map(|track| self.shown(track))
                .collect::<Vec<_>>()
        };
        let start = present.iter().next().map_or(self.timeline.end, |span| span.start);
        Some(Person {
            peer,
            index,
            joined: (start, first_track),
            muted: match admits(self.heard, peer) {
                true => self.ticks(&lasting(&present.subtract(&heard))),
                false => self.ticks(&present),
            },
            present: self.ticks(&without_hems(&present, &seen)),
            speaking: self.ticks(&self.speaking(peer)),
            turns: spoken().filter_map(|turn| self.tick(turn.span.start)).collect(),
            cameras: shown(Source::Camera),
            screens: shown(Source::Screen),
        })
    }

    fn shown(self, track: &'a TrackTimeline) -> Shown<'a> {
        let start = track.live.iter().next().map_or(self.timeline.end, |span| span.start);
        Shown {
            track,
            joined: (start, track.index),
            live: self.ticks(&track.live),
        }
    }

    /// While a peer published anything, and by the manifest had joined and not left.
    fn present<'b>(self, peer: &Peer, tracks: impl Iterator<Item = &'b TrackTimeline>) -> Spans {
        let published: Vec<Span> = tracks
            .flat_map(|track| track.pieces.iter().map(|piece| piece.span))
            .collect();
        closed(&Spans::union(published), LONGEST_GAP).subtract(&self.absent(peer))
    }

    /// Before the first joining, and between each leaving and the next joining, as far as the manifest tells.
    fn absent(self, peer: &Peer) -> Spans {
        let origin = self.timeline.origin;
        let mut marks: Vec<(SessionTime, bool)> = Vec::new();
        marks.extend(peer.joined_at.map(|at| (at.on_session_clock(origin), true)));
        marks.extend(peer.left_at.map(|at| (at.on_session_clock(origin), false)));
        for event in &self.manifest.events {
            let is_in = match event.known_kind() {
                Some(EventKind::PeerJoined) => true,
                Some(EventKind::PeerLeft) => false,
                Some(_) | None => continue,
            };
            if event.peer_id.as_ref() == Some(&peer.id) {
                marks.push((event.at.on_session_clock(origin), is_in));
            }
        }
        marks.sort_unstable();
        let edge = SessionTime::from_nanos(i64::MIN);
        let (mut absent, mut since) = (Vec::new(), marks.first().and_then(|(_, is_in)| is_in.then_some(edge)));
        for (at, is_in) in marks {
            match is_in {
                true => absent.extend(since.take().map(|from| Span::new(from, at))),
                false => since = since.or(Some(at)),
            }
        }
        absent.extend(since.map(|from| Span::new(from, SessionTime::from_nanos(i64::MAX))));
        Spans::union(absent)
    }

    /// Without short noises and short pauses: a frame that comes and goes with every word would flicker.
    fn speaking(self, peer: &Peer) -> Spans {
        let Some(voice) = self.speech.voices.get(&peer.id) else {
            return Spans::default();
        };
        let closed = closed(voice, SHORTEST_PAUSE);
        Spans::union(closed.iter().filter(|span| span.length() >= SHORTEST_SPEECH))
    }

    fn unmuted(self, track: &TrackTimeline) -> Spans {
        let id: &TrackId = &track.track_id;
        let muted = muted(self.manifest, id, self.timeline.origin, self.timeline.end);
        Spans::union(track.pieces.iter().map(|piece| piece.span)).subtract(&muted)
    }

    fn ticks(self, spans: &Spans) -> Ticks {
        let pairs = spans
            .iter()
            .flat_map(|span| self.windows.iter().map(move |window| (span, window)));
        let found = pairs.filter_map(|(span, window)| {
            let both = span.intersect(window.span);
            let (start, end) = (
                window.tick_at_or_after(both.start, self.rate),
                window.tick_at_or_after(both.end, self.rate),
            );
            (!both.is_empty() && start < end).then_some((start, end))
        });
        Ticks(found.collect())
    }

    /// The first tick of the recording at or after `time`.
    fn tick(self, time: SessionTime) -> Option<Tick> {
        let window = self.windows.iter().find(|window| time < window.span.end)?;
        Some(window.tick_at_or_after(time, self.rate))
    }
}

impl Person<'_> {
    /// The last time they began to speak, up to `tick`.
    pub fn spoke_at(&self, tick: Tick) -> Option<Tick> {
        self.turns.iter().copied().filter(|turn| *turn <= tick).max()
    }

    /// The next time they begin to speak, after `tick` and no later than `horizon`.
    pub fn will_speak_at(&self, tick: Tick, horizon: Tick) -> Option<Tick> {
        let turns = self.turns.iter().copied();
        turns.filter(|turn| tick < *turn && *turn <= horizon).min()
    }

    /// Every tick at which something about them may change.
    pub fn edges(&self) -> impl Iterator<Item = Tick> + '_ {
        let live = self.cameras.iter().chain(&self.screens).map(|shown| &shown.live);
        let all = live.chain([&self.present, &self.muted, &self.speaking]);
        all.flat_map(|ticks| ticks.0.iter().flat_map(|(start, end)| [*start, *end]))
            .chain(self.turns.iter().copied())
    }
}

/// Those that last long enough to be shown.
fn lasting(spans: &Spans) -> Spans {
    Spans::union(spans.iter().filter(|span| span.length() >= SHORTEST_STATE))
}

/// Presence without short stretches at its ends in which nobody is seen yet, or any more: initials would only flash up.
fn without_hems(present: &Spans, seen: &Spans) -> Spans {
    let trimmed = present.iter().map(|span| {
        let inside = seen.intersect(&Spans::union([span]));
        let (first, last) = (inside.as_slice().first(), inside.as_slice().last());
        let is_short = |from: SessionTime, to: SessionTime| to - from < SHORTEST_STATE;
        let start = first.map_or(span.start, |first| first.start);
        let end = last.map_or(span.end, |last| last.end);
        Span::new(
            if is_short(span.start, start) { start } else { span.start },
            if is_short(end, span.end) { end } else { span.end },
        )
    });
    let trimmed: Vec<Span> = trimmed
        .filter(|span| span.length() >= SHORTEST_STATE || seen.contains(span.start))
        .collect();
    Spans::union(trimmed)
}

/// The same without gaps up to that long.
fn closed(spans: &Spans, gap: TimeDelta) -> Spans {
    let longer = Spans::union(spans.iter().map(|span| Span::new(span.start, span.end + gap)));
    let shrunk = longer.iter().map(|span| {
        let end = SessionTime::from_nanos(span.end.nanos().saturating_sub(gap.nanos()));
        Span::new(span.start, end)
    });
    Spans::union(shrunk)
}

impl Ticks {
    pub fn contains(&self, tick: Tick) -> bool {
        self.0.iter().any(|(start, end)| *start <= tick && tick < *end)
    }
}
