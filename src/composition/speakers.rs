//! Who is shown as the speaker, and when: chosen with the whole session in view, so that a switch comes just before the
//! first word and no short noise makes one.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::media::{PeerId, SessionTime, Span, Spans, TimeDelta};

/// A switch comes this long before the first sound, …
const LEAD: TimeDelta = TimeDelta::from_millis(250);
/// … or where others leave no room, up to this long before it …
const EARLIEST: TimeDelta = TimeDelta::from_millis(-400);
/// … or after it, in steps of this.
const LATEST: TimeDelta = TimeDelta::from_millis(150);
const STEP: TimeDelta = TimeDelta::from_millis(50);
/// Nobody is the speaker for less.
const SHORTEST_TURN: TimeDelta = TimeDelta::from_millis(1500);
/// A pause shorter than this does not begin a new utterance: nobody is switched to in the middle of a sentence.
const PAUSE: TimeDelta = TimeDelta::from_millis(1000);
/// A switch must show so much more of who speaks.
const WORTH: TimeDelta = TimeDelta::from_millis(400);

/// When each peer speaks, on the session clock.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Speech {
    pub voices: BTreeMap<PeerId, Spans>,
}

/// A stretch in which one peer is the speaker: from just before the first word until somebody else's turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeakerTurn {
    pub peer: PeerId,
    #[serde(flatten)]
    pub span: Span,
}

/// The turns of a session, one after the other without a hole; the last one ends with the last word.
/// Before the first there is no speaker.
///
/// Of all ways to switch, the one that shows the speaking for longest; where several speak, any of them is right.
pub fn turns(speech: &Speech) -> Vec<SpeakerTurn> {
    let peers: Vec<(&PeerId, Voice)> = speech
        .voices
        .iter()
        .filter(|(_, spans)| !spans.is_empty())
        .map(|(peer, spans)| (peer, Voice::of(spans)))
        .collect();
    let Some(end) = peers.iter().map(|(_, voice)| voice.end()).max() else {
        return Vec::new();
    };
    let voices: Vec<&Voice> = peers.iter().map(|(_, voice)| voice).collect();
    let mut starts: Vec<(usize, SessionTime)> = Search::new(&voices).best(end);
    starts.reverse();
    let last = starts.last().map_or(end, |(_, start)| end.max(*start + SHORTEST_TURN));
    let ends = starts.iter().skip(1).map(|(_, start)| *start).chain([last]);
    let turn = |((peer, start), end): (&(usize, SessionTime), SessionTime)| SpeakerTurn {
        peer: peers[*peer].0.clone(),
        span: Span::new(*start, end),
    };
    starts.iter().zip(ends).map(turn).collect()
}

/// One peer's speaking, summed up.
struct Voice {
    spans: Vec<Span>,
    /// How long the peer has spoken before each of the spans.
    spoken: Vec<i64>,
}

impl Voice {
    fn of(spans: &Spans) -> Voice {
        let mut sum = 0i64;
        let spoken = spans.iter().map(|span| {
            let before = sum;
            sum = sum.saturating_add(span.length().nanos());
            before
        });
        Voice {
            spoken: spoken.collect(),
            spans: spans.as_slice().to_vec(),
        }
    }

    fn end(&self) -> SessionTime {
        self.spans[self.spans.len() - 1].end
    }

    /// How long the peer has spoken by `time`, in nanoseconds.
    fn spoken_by(&self, time: SessionTime) -> i64 {
        let begun = self.spans.partition_point(|span| span.start < time);
        let Some(last) = begun.checked_sub(1) else { return 0 };
        let span = self.spans[last];
        self.spoken[last].saturating_add((span.end.min(time) - span.start).nanos())
    }

    /// When the peer begins to speak after a pause.
    fn beginnings(&self) -> impl Iterator<Item = SessionTime> + '_ {
        let first = self.spans.first().map(|span| span.start);
        let later = self
            .spans
            .windows(2)
            .filter(|pair| pair[1].start - pair[0].end >= PAUSE);
        first.into_iter().chain(later.map(|pair| pair[1].start))
    }
}

/// A switch that might be made.
#[derive(Debug, Clone, Copy)]
struct Switch {
    at: SessionTime,
    peer: usize,
    /// How much speaking is shown until then at best, what switches cost taken off.
    shown: i64,
    /// The switch before it, by its place in the list.
    after: Option<usize>,
}

/// The best way to have come to show a peer: a switch, and what it shows less what the peer had spoken by then.
type Lead = Option<(i64, usize)>;

/// Looks for the best switches by going through all that might be made in the order of time.
struct Search<'a> {
    voices: &'a [&'a Voice],
    switches: Vec<Switch>,
    /// By peer.
    leads: Vec<Lead>,
    /// Switches that are still too fresh to be followed by another.
    fresh: VecDeque<usize>,
}

impl<'a> Search<'a> {
    fn new(voices: &'a [&'a Voice]) -> Search<'a> {
        Search {
            voices,
            switches: Vec::new(),
            leads: vec![None; voices.len()],
            fresh: VecDeque::new(),
        }
    }

    /// Whom to switch to and when, latest first.
    fn best(mut self, end: SessionTime) -> Vec<(usize, SessionTime)> {
        for (at, peer, cost) in self.possible() {
            self.ripen(at);
            let before = (0..self.voices.len())
                .filter(|other| *other != peer)
                .filter_map(|other| {
                    let (lead, switch) = self.leads[other]?;
                    Some((lead.saturating_add(self.voices[other].spoken_by(at)), switch))
                })
                .max_by_key(|(shown, switch)| (*shown, std::cmp::Reverse(*switch)));
            let (shown, after) = before.map_or((0, None), |(shown, switch)| (shown, Some(switch)));
            self.fresh.push_back(self.switches.len());
            self.switches.push(Switch {
                at,
                peer,
                shown: shown.saturating_sub(cost),
                after,
            });
        }
        self.way_back(end)
    }

    /// All switches that might be made, in the order of time, with what each costs.
    fn possible(&self) -> Vec<(SessionTime, usize, i64)> {
        let mut possible = Vec::new();
        for (peer, voice) in self.voices.iter().enumerate() {
            for beginning in voice.beginnings() {
                let offsets = (0..).map(|step| EARLIEST + TimeDelta::from_nanos(step * STEP.nanos()));
                for offset in offsets.take_while(|offset| *offset <= LATEST) {
                    let at = (beginning + offset).max(SessionTime::START.min(beginning));
                    // the usual lead, even over another's last words, unless it leaves no room for a turn
                    let unusual = (offset + LEAD).abs().nanos() / 4 * 5;
                    possible.push((at, peer, WORTH.nanos() + unusual));
                }
            }
        }
        possible.sort_unstable();
        possible
    }

    /// Switches made long enough before `now` may be followed by another.
    fn ripen(&mut self, now: SessionTime) {
        while let Some(index) = self
            .fresh
            .front()
            .copied()
            .filter(|index| now - self.switches[*index].at >= SHORTEST_TURN)
        {
            self.fresh.pop_front();
            let switch = self.switches[index];
            let lead = switch
                .shown
                .saturating_sub(self.voices[switch.peer].spoken_by(switch.at));
            if self.leads[switch.peer].is_none_or(|(best, _)| lead > best) {
                self.leads[switch.peer] = Some((lead, index));
            }
        }
    }

    fn way_back(&self, end: SessionTime) -> Vec<(usize, SessionTime)> {
        let total = |switch: &Switch| {
            let voice = self.voices[switch.peer];
            switch
                .shown
                .saturating_add(voice.spoken_by(end).saturating_sub(voice.spoken_by(switch.at)))
        };
        let last =
            (0..self.switches.len()).max_by_key(|index| (total(&self.switches[*index]), std::cmp::Reverse(*index)));
        std::iter::successors(last, |index| self.switches[*index].after)
            .map(|index| (self.switches[index].peer, self.switches[index].at))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> SessionTime {
        SessionTime::START + TimeDelta::from_millis(millis)
    }

    /// Stretches in milliseconds.
    fn speech(voices: &[(&str, &[(i64, i64)])]) -> Speech {
        let voices = voices.iter().map(|(peer, spans)| {
            let spans = spans.iter().map(|(start, end)| Span::new(at(*start), at(*end)));
            (PeerId::new(*peer), Spans::union(spans))
        });
        Speech {
            voices: voices.collect(),
        }
    }

    fn told(speech: &Speech) -> Vec<(String, i64, i64)> {
        let millis = |time: SessionTime| time.since_start().millis();
        let turns = turns(speech).into_iter();
        turns
            .map(|turn| (turn.peer.to_string(), millis(turn.span.start), millis(turn.span.end)))
            .collect()
    }

    fn any_speech() -> impl Strategy<Value = Speech> {
        let stretch = (0i64..120_000, 200i64..9_000);
        prop::collection::vec(prop::collection::vec(stretch, 0..12), 0..5).prop_map(|peers| {
            let voices = peers.iter().enumerate().map(|(index, stretches)| {
                let spans = stretches
                    .iter()
                    .map(|(start, length)| Span::new(at(*start), at(start + length)));
                (PeerId::new(format!("p{index}")), Spans::union(spans))
            });
            Speech {
                voices: voices.collect(),
            }
        })
    }

    proptest! {
        #[test]
        fn turns_follow_on_each_other_and_none_is_short(speech in any_speech()) {
            let turns = turns(&speech);
            let spoken = speech.voices.values().any(|spans| !spans.is_empty());
            prop_assert_eq!(turns.is_empty(), !spoken);
            prop_assert!(turns.windows(2).all(|pair| pair[0].span.end == pair[1].span.start && pair[0].peer != pair[1].peer));
            prop_assert!(turns.iter().all(|turn| turn.span.length() >= SHORTEST_TURN));
        }

        #[test]
        fn a_switch_comes_with_the_first_sound(speech in any_speech()) {
            for turn in turns(&speech) {
                let near = |span: &Span| (EARLIEST..=LATEST).contains(&(turn.span.start - span.start));
                prop_assert!(speech.voices[&turn.peer].iter().any(|span| near(&span)), "{turn:?}");
            }
        }

        #[test]
        fn shifting_all_shifts_the_turns(speech in any_speech(), by in 1_000i64..100_000) {
            let shift = |span: Span, by: i64| Span::new(span.start + TimeDelta::from_millis(by), span.end + TimeDelta::from_millis(by));
            let moved_by = |speech: &Speech, by: i64| Speech {
                voices: speech.voices.iter().map(|(peer, spans)| (peer.clone(), Spans::union(spans.iter().map(|span| shift(span, by))))).collect(),
            };
            // away from the start, before which nothing can be shown
            let here = moved_by(&speech, 1_000);
            let there = moved_by(&here, by);
            let moved: Vec<Span> = turns(&here).iter().map(|turn| shift(turn.span, by)).collect();
            prop_assert_eq!(moved, turns(&there).iter().map(|turn| turn.span).collect::<Vec<Span>>());
        }
    }

    #[test]
    fn a_conversation_is_followed_word_by_word() {
        let speech = speech(&[
            ("a", &[(1_000, 6_000), (14_000, 20_000)]),
            ("b", &[(6_500, 9_000), (9_300, 13_000)]),
        ]);
        let expected = [("a", 750, 6_250), ("b", 6_250, 13_750), ("a", 13_750, 20_000)];
        assert_eq!(
            told(&speech),
            expected.map(|(peer, start, end)| (peer.to_owned(), start, end))
        );
    }

    #[test]
    fn a_word_of_agreement_takes_nobody_off() {
        let speech = speech(&[
            ("a", &[(1_000, 9_000)]),
            ("b", &[(3_000, 3_600), (6_000, 6_700), (9_100, 9_500)]),
        ]);
        assert_eq!(told(&speech), [("a".to_owned(), 750, 9_500)]);
    }

    #[test]
    fn who_speaks_over_another_and_goes_on_is_shown() {
        let speech = speech(&[("a", &[(1_000, 8_000)]), ("b", &[(7_000, 15_000)])]);
        assert_eq!(told(&speech).len(), 2);
        assert_eq!(told(&speech)[1], ("b".to_owned(), 6_750, 15_000));
    }

    /// B begins so soon after A that only a switch at the very edge of what is allowed gives both their time.
    #[test]
    fn what_little_room_there_is_is_used() {
        let speech = speech(&[("a", &[(4_800, 6_000)]), ("b", &[(6_000, 15_000)])]);
        let turns = told(&speech);
        assert_eq!((turns[0].0.as_str(), turns[1].0.as_str()), ("a", "b"));
        assert!(turns[1].1 - turns[0].1 >= 1_500, "{turns:?}");
    }
}
