//! How loud people are, in the steps of their level meters.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    AudioTrack, Decoration, Scene,
    hearing::{Heard, Hearing, Loudness, Tenth},
    windows::Window,
};
use crate::media::{Gain, PeerId, Rect, SessionTime, Source, Tick, TickRate, TimeDelta};

/// The highest level; 0 is silence.
pub const HIGHEST: u8 = 8;
/// What is quieter, in LUFS, is silence, …
const QUIETEST: f64 = -50.0;
/// … what is louder than the highest level's beginning is still that; between two levels lie so many decibels.
const STEP: f64 = 4.5;
/// A meter falls by so much in a tenth of a second at most: it would flicker between words.
const FALL: u8 = 2;

const HALF_A_TENTH: TimeDelta = TimeDelta::from_millis(50);

/// How loud somebody is: from each of these ticks on, such a level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Levels {
    pub peer_id: PeerId,
    /// Sorted; neighbours differ. Before the first it is silent.
    pub steps: Vec<(Tick, u8)>,
}

impl Levels {
    pub fn at(&self, tick: Tick) -> u8 {
        let after = self.steps.partition_point(|(start, _)| *start <= tick);
        after.checked_sub(1).map_or(0, |index| self.steps[index].1)
    }

    /// The ticks from `from` up to, not including, `to` at which the level changes.
    pub fn changes(&self, from: Tick, to: Tick) -> impl Iterator<Item = Tick> + '_ {
        let begin = self.steps.partition_point(|(tick, _)| *tick < from);
        let ticks = self.steps[begin..].iter().map(|(tick, _)| *tick);
        ticks.take_while(move |tick| *tick < to)
    }
}

/// How loud those are, as the recording has them, who have a meter in any of `scenes`.
pub fn levels(
    scenes: &[Scene],
    audio: &[AudioTrack],
    hearing: &Hearing,
    windows: &[Window],
    rate: TickRate,
) -> Vec<Levels> {
    let shown: BTreeSet<&PeerId> = scenes.iter().flat_map(Scene::meters).map(|(peer, _)| peer).collect();
    let mut heard: BTreeMap<&PeerId, Vec<(&Heard, Gain)>> = BTreeMap::new();
    for track in audio.iter().filter(|track| shown.contains(&track.peer_id)) {
        let own = hearing.tracks.get(&track.track);
        if let Some(own) = own.filter(|own| own.source == Source::Microphone) {
            heard.entry(&track.peer_id).or_default().push((own, track.gain));
        }
    }
    let levels = heard.into_iter().map(|(peer, tracks)| Levels {
        peer_id: peer.clone(),
        steps: steps(&tracks, windows, rate),
    });
    levels.filter(|levels| !levels.steps.is_empty()).collect()
}

impl Scene {
    /// Everybody who has a level meter, and where it stands.
    pub fn meters(&self) -> impl Iterator<Item = (&PeerId, Rect)> {
        let tiles = self.tiles.iter().map(|tile| (&tile.peer_id, tile.label.as_ref()));
        let avatars = self.decorations.iter().filter_map(|decoration| match decoration {
            Decoration::Avatar { peer_id, label, .. } => Some((peer_id, label.as_ref())),
            Decoration::Chat { .. } | Decoration::Notice { .. } => None,
        });
        let labels = tiles.chain(avatars);
        labels.filter_map(|(peer, label)| Some((peer, label?.meter?)))
    }
}

fn steps(tracks: &[(&Heard, Gain)], windows: &[Window], rate: TickRate) -> Vec<(Tick, u8)> {
    let mut steps: Vec<(Tick, u8)> = Vec::new();
    let mut level = 0u8;
    for window in windows {
        let tenth = |time: SessionTime| usize::try_from(time.nanos().div_euclid(Tenth::LENGTH.nanos())).unwrap_or(0);
        for index in tenth(window.span.start)..=tenth(window.span.end) {
            let start = window.tick_at_or_after(Loudness::time(index) - HALF_A_TENTH, rate);
            if start >= window.end {
                break;
            }
            let heard = tracks.iter().map(|(heard, gain)| {
                let factor = gain.factor();
                heard.loudness.tenth(index).energy() * factor * factor
            });
            level = quantised(heard.sum()).max(level.saturating_sub(FALL));
            // at few ticks a second several tenths begin with one: the last of them counts
            if steps.last().is_some_and(|(tick, _)| *tick == start) {
                steps.pop();
            }
            if steps.last().map_or(0, |(_, before)| *before) != level {
                steps.push((start, level));
            }
        }
    }
    steps
}

/// The level of an energy; 1 is 0 LUFS.
fn quantised(energy: f64) -> u8 {
    let steps = (10.0 * energy.log10() - QUIETEST) / STEP;
    // a cast keeps silence, which is minus infinity, at zero
    (steps.ceil() as u8).min(HIGHEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        composition::windows::windows,
        media::{Span, Spans},
    };

    fn heard(tenths: &[i16]) -> Heard {
        let tenth = |loudness: &i16| Tenth {
            loudness: *loudness,
            ..Tenth::SILENT
        };
        Heard {
            peer_id: PeerId::new("p"),
            source: Source::Microphone,
            voice: Spans::default(),
            loudness: Loudness {
                before: 10,
                tenths: tenths.iter().map(tenth).collect(),
            },
        }
    }

    fn span(from: i64, to: i64) -> Span {
        let at = |millis| SessionTime::START + TimeDelta::from_millis(millis);
        Span::new(at(from), at(to))
    }

    #[test]
    fn levels_rise_at_once_and_fall_by_steps() {
        let loud = heard(&[-1600, -1600, Tenth::NOTHING, Tenth::NOTHING, -4900, Tenth::NOTHING]);
        let rate = TickRate::new(20).unwrap();
        let windows = windows(&Spans::union([span(0, 5000)]), rate);
        let found = steps(&[(&loud, Gain::UNITY)], &windows, rate);
        let expected = [(20, 8), (24, 6), (26, 4), (28, 2), (30, 0)];
        assert_eq!(found, expected.map(|(tick, level)| (Tick(tick), level)));
        let levels = Levels {
            peer_id: PeerId::new("p"),
            steps: found,
        };
        assert_eq!(
            [0, 19, 20, 23, 24, 99].map(|tick| levels.at(Tick(tick))),
            [0, 0, 8, 8, 6, 0]
        );
        assert_eq!(
            levels.changes(Tick(20), Tick(26)).collect::<Vec<_>>(),
            [Tick(20), Tick(24)]
        );
    }

    #[test]
    fn levels_follow_gain_pauses_and_slow_ticks() {
        let loud = heard(&[-3000; 20]);
        let rate = TickRate::new(5).unwrap();
        let all = windows(&Spans::union([span(1500, 1900), span(2500, 3000)]), rate);
        let with = |decibels| steps(&[(&loud, Gain::from_decibels(decibels))], &all, rate);
        assert_eq!(with(0.0), [(Tick(0), 5)]);
        assert_eq!(with(9.0), [(Tick(0), 7)]);
        assert_eq!(with(-30.0), []);
    }

    #[test]
    fn silence_is_nothing_and_the_loudest_is_the_highest() {
        let of = |loudness: f64| quantised(10f64.powf(loudness / 10.0));
        assert_eq!([-90.0, -50.1, -49.9, -23.5, -14.1, 0.0].map(of), [0, 0, 1, 6, 8, 8]);
        assert_eq!(quantised(0.0), 0);
    }
}
