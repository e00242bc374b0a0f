//! Another's voice in a microphone: out of a loudspeaker, from across the room, or as an echo through the network.
//!
//! Such a voice is quieter than at its own microphone and follows it, now or a little later, up and down. Where that is
//! so, what is no louder than the echo should be is taken away before it is asked who speaks.

use super::{
    drowned,
    envelope::{Envelope, STEPS},
    voice::{FRAME, Level, SILENT, voice},
};
use crate::media::{PeerId, SessionTime, Source, Spans};

/// What was heard of a track, and when it seems to hold a voice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub peer_id: PeerId,
    pub source: Source,
    /// How many frames of the session clock come before the first of `levels`.
    pub before: usize,
    pub levels: Vec<Level>,
    pub voice: Spans,
}

impl Taken {
    pub fn new(peer_id: PeerId, source: Source, before: usize, levels: Vec<Level>) -> Taken {
        Taken {
            voice: voice(&levels, start(before)),
            peer_id,
            source,
            before,
            levels,
        }
    }
}

fn start(before: usize) -> SessionTime {
    let frames = i64::try_from(before).unwrap_or(i64::MAX);
    SessionTime::from_nanos(frames.saturating_mul(FRAME.nanos()))
}

/// Compared are stretches of so many blocks, one from each block on.
const WINDOW: usize = 3;
const LENGTH: usize = WINDOW * STEPS;
/// An echo comes so many steps after the sound; clocks may be off by as many as it seems to come before.
const LATEST: i64 = 25;
const EARLIEST: i64 = -2;
/// The voice is so much louder at its own microphone (dB).
const QUIETER: f32 = 8.0;
/// Of those who are so much louder, so many are compared: the loudest.
const COMPARED: usize = 2;
/// Two levels that follow each other so closely are of one voice: those of two people come to 0.83 at the best delay.
const CLOSE: f32 = 0.85;
/// It takes less if two stretches that have nothing in common, so many blocks apart at most, agree in delay and loudness, …
const POSSIBLE: f32 = 0.7;
const BESIDE: usize = 2 * WINDOW;
/// … and less again if an echo that is sure is near: so many blocks away at most.
const LIKELY: f32 = 0.6;
const NEAR: usize = 60;
/// What agrees in loudness differs by no more than this (dB), and in delay by a step.
const AS_LOUD: f32 = 4.0;
/// Steps in which the other speaks; fewer say nothing.
const FEWEST: f32 = 20.0;
/// Both must swing at least so much (variance, dB²): a tone has nothing to follow.
const SWING: f32 = 6.0;
/// Beneath this over its noise (dB) nothing of an echo is seen.
const OVER_NOISE: f32 = 3.0;
/// So much further down, the other is as good as silent.
const UNSEEN: f32 = 6.0;
/// What is no louder than this over what is expected (dB) is the echo.
const MARGIN: f32 = 6.0;

/// All sound of a session, to compare each track with the others.
pub struct Room<'a> {
    tracks: &'a [Taken],
    envelopes: Vec<Envelope>,
}

impl<'a> Room<'a> {
    pub fn of(tracks: &'a [Taken]) -> Room<'a> {
        Room {
            envelopes: tracks.iter().map(Envelope::of).collect(),
            tracks,
        }
    }

    /// When the peer of a track speaks, and not another who is heard in it.
    pub fn voice(&self, track: usize) -> Spans {
        let (taken, own) = (&self.tracks[track], &self.envelopes[track]);
        if taken.source != Source::Microphone || taken.voice.is_empty() {
            return taken.voice.clone();
        }
        let mut leaks = vec![false; own.steps()];
        for (window, echo) in self.echoes(track) {
            self.explain(own, window, &echo, &mut leaks);
        }
        let others: Vec<&Envelope> = (0..self.tracks.len())
            .filter(|other| self.tracks[*other].source == Source::Microphone && self.is_another(track, *other))
            .map(|other| &self.envelopes[other])
            .collect();
        drowned::mark(own, &others, &mut leaks);
        if !leaks.contains(&true) {
            return taken.voice.clone();
        }
        let mut levels = taken.levels.clone();
        own.frames(&leaks).for_each(|frame| levels[frame] = SILENT);
        voice(&levels, start(taken.before))
    }

    /// Whether what is heard of `other` may be in the microphone of a track without being its peer's voice.
    fn is_another(&self, track: usize, other: usize) -> bool {
        let (own, other) = (&self.tracks[track], &self.tracks[other]);
        own.peer_id != other.peer_id || other.source != Source::Microphone
    }

    /// The windows, by their first block, in which another is heard.
    fn echoes(&self, track: usize) -> Vec<(usize, Echo)> {
        let windows: Vec<usize> = self.envelopes[track].voiced(WINDOW).collect();
        let mut known = None;
        let possible = windows.iter().filter_map(|window| {
            known = self.echo(track, *window, known);
            Some((*window, known?))
        });
        let possible: Vec<(usize, Echo)> = possible.collect();
        let is_sure = |(window, echo): &(usize, Echo)| {
            let near = |distance: usize| possible[..].partition_point(move |(at, _)| *at < distance);
            let beside = &possible[near(window.saturating_sub(BESIDE))..near(window + BESIDE + 1)];
            let agrees = |(at, other): &(usize, Echo)| at.abs_diff(*window) >= WINDOW && other.agrees(echo);
            echo.correlation >= CLOSE || beside.iter().any(agrees)
        };
        let sure: Vec<(usize, Echo)> = possible.iter().filter(|found| is_sure(found)).copied().collect();
        let found = windows.into_iter().filter_map(|window| {
            let after = sure.partition_point(|(at, _)| *at < window);
            let around = &sure[after.saturating_sub(1)..sure.len().min(after + 1)];
            let (at, nearest) = around.iter().min_by_key(|(at, _)| at.abs_diff(window))?;
            let is_here = || {
                let fit = self.fit(track, window, nearest.of, nearest.delay)?;
                Some(fit.correlation >= LIKELY && fit.agrees(nearest))
            };
            let is_found = *at == window || (at.abs_diff(window) <= NEAR && is_here() == Some(true));
            is_found.then_some((window, *nearest))
        });
        found.collect()
    }

    /// Whose voice may be in a window of a track; an echo that is known is tried first.
    fn echo(&self, track: usize, window: usize, known: Option<Echo>) -> Option<Echo> {
        let loud = self.envelopes[track].loudest(window, window + WINDOW);
        let mut louder: Vec<(usize, f32)> = (0..self.envelopes.len())
            .filter(|other| self.is_another(track, *other))
            .map(|other| {
                let level = self.envelopes[other].loudest(window.saturating_sub(1), window + WINDOW);
                (other, level)
            })
            .filter(|(_, level)| *level >= loud + QUIETER)
            .collect();
        louder.sort_by(|a, b| b.1.total_cmp(&a.1));
        louder.truncate(COMPARED);
        let fit = |of: usize, delay: i64| {
            let is_possible = |fit: &Echo| fit.correlation >= POSSIBLE && fit.quieter >= QUIETER;
            self.fit(track, window, of, delay).filter(is_possible)
        };
        let known = known.filter(|echo| louder.iter().any(|(other, _)| *other == echo.of));
        let as_known = known.and_then(|echo| fit(echo.of, echo.delay).filter(|fit| fit.correlation >= CLOSE));
        as_known.or_else(|| {
            let all = louder
                .iter()
                .flat_map(|(of, _)| (EARLIEST..=LATEST).filter_map(move |delay| fit(*of, delay)));
            all.max_by(|a, b| a.correlation.total_cmp(&b.correlation))
        })
    }

    /// How closely a window follows another track, and how much quieter it is; nothing if too little is heard to tell.
    fn fit(&self, track: usize, window: usize, of: usize, delay: i64) -> Option<Echo> {
        let own = &self.envelopes[track];
        let from = (window * STEPS) as i64;
        let (mut heard, mut expected) = ([0.0; LENGTH], [0.0; LENGTH]);
        own.copy(from, &mut heard);
        self.envelopes[of].copy_ringing(from - delay, &mut expected);
        let loudest = |levels: &[f32]| levels.iter().copied().fold(f32::MIN, f32::max);
        let louder = loudest(&expected) - loudest(&heard);
        expected.iter_mut().for_each(|level| *level -= louder);
        let (correlation, quieter) = correlation(&heard, &expected, own.noise + OVER_NOISE)?;
        Some(Echo {
            of,
            delay,
            quieter: louder + quieter,
            correlation,
        })
    }

    /// Marks the steps in and beside a window that are no louder than the echo in them.
    fn explain(&self, own: &Envelope, window: usize, echo: &Echo, leaks: &mut [bool]) {
        const BESIDE: usize = LENGTH + 2 * STEPS;
        let from = (window * STEPS) as i64 - STEPS as i64;
        let mut heard = [0.0; BESIDE];
        own.copy(from, &mut heard);
        // with a step on either side
        let mut voice = [0.0; BESIDE + 2];
        self.envelopes[echo.of].copy_ringing(from - 1 - echo.delay, &mut voice);
        for ((at, heard), around) in (from..).zip(heard).zip(voice.windows(3)) {
            let loudest = around.iter().copied().fold(f32::MIN, f32::max);
            let expected = (loudest - echo.quieter).max(own.noise);
            let place = usize::try_from(at).ok().and_then(|at| own.index(at));
            let place = place.filter(|_| heard <= expected + MARGIN);
            place.into_iter().for_each(|place| leaks[place] = true);
        }
    }
}

/// Another's voice, so many steps late.
#[derive(Debug, Clone, Copy)]
struct Echo {
    of: usize,
    delay: i64,
    /// How much quieter it is (dB).
    quieter: f32,
    /// How closely it follows.
    correlation: f32,
}

impl Echo {
    fn agrees(&self, other: &Echo) -> bool {
        self.of == other.of && (self.delay - other.delay).abs() <= 1 && (self.quieter - other.quieter).abs() <= AS_LOUD
    }
}

/// How closely what is heard follows what is expected, where that can be heard, and how much quieter it is (dB).
///
/// Levels beneath `least` count as that: there the noise of the microphone begins.
fn correlation(heard: &[f32; LENGTH], expected: &[f32; LENGTH], least: f32) -> Option<(f32, f32)> {
    let (mut count, mut x, mut y, mut xx, mut yy, mut xy) = (0.0f32, 0.0, 0.0, 0.0, 0.0, 0.0);
    for (heard, expected) in heard.iter().zip(expected) {
        if *expected <= least - UNSEEN {
            continue;
        }
        let (expected, heard) = (expected.max(least) - least, heard.max(least) - least);
        count += 1.0;
        (x, y) = (x + expected, y + heard);
        (xx, yy, xy) = (xx + expected * expected, yy + heard * heard, xy + expected * heard);
    }
    if count < FEWEST {
        return None;
    }
    let (x, y) = (x / count, y / count);
    let (xx, yy, xy) = (xx / count - x * x, yy / count - y * y, xy / count - x * y);
    (xx >= SWING && yy >= SWING).then(|| (xy / (xx * yy).sqrt(), x - y))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::media::{Span, TimeDelta};

    const FRAMES: usize = 3000;

    /// Somebody's words in a room with noise: so loud, from one frame to another; by chance as `seed` has it.
    fn words(seed: u64, loud: Level, spoken: &[(usize, usize)]) -> Vec<Level> {
        let mut chance = fastrand::Rng::with_seed(seed);
        let mut levels: Vec<Level> = (0..FRAMES).map(|_| -68_00 + chance.i16(-1_00..1_00)).collect();
        for (start, end) in spoken {
            let mut at = *start;
            while at < *end {
                // a syllable rises and falls; some are followed by a gap
                let (length, top) = (chance.usize(8..30), loud - chance.i16(0..12_00));
                for (frame, level) in levels[at..(at + length).min(*end)].iter_mut().enumerate() {
                    let swing = (frame as f64 / length as f64 * std::f64::consts::PI).sin();
                    *level = (*level).max(top - ((1.0 - swing) * 25_00.0) as Level);
                }
                at += length + if chance.bool() { chance.usize(0..12) } else { 0 };
            }
        }
        levels
    }

    /// A microphone with that in it, late and quieter.
    fn with_echo(own: &[Level], of: &[Level], late: usize, quieter: Level) -> Vec<Level> {
        let energy = |level: Level| 10f64.powf(f64::from(level) / 1000.0);
        let both = |(frame, own): (usize, &Level)| {
            let echo = frame.checked_sub(late).map_or(0.0, |frame| energy(of[frame] - quieter));
            ((energy(*own) + echo).log10() * 1000.0) as Level
        };
        own.iter().enumerate().map(both).collect()
    }

    /// When the peers of these microphones speak.
    fn speech(microphones: Vec<Vec<Level>>) -> Vec<Spans> {
        let peers = microphones.into_iter().enumerate();
        let taken: Vec<Taken> = peers
            .map(|(index, levels)| Taken::new(PeerId::new(format!("p{index}")), Source::Microphone, 0, levels))
            .collect();
        let room = Room::of(&taken);
        (0..taken.len()).map(|track| room.voice(track)).collect()
    }

    fn frames(spans: &Spans) -> i64 {
        spans.iter().map(|span| span.length().nanos() / FRAME.nanos()).sum()
    }

    proptest! {
        #[test]
        fn any_levels_will_do(
            one in prop::collection::vec(any::<i16>(), 0..1000), other in prop::collection::vec(any::<i16>(), 0..1000),
            before in 0usize..5,
        ) {
            let of = |peer: &str, before, levels| Taken::new(PeerId::new(peer), Source::Microphone, before, levels);
            let taken = [of("a", 0, one), of("b", before * 100, other)];
            let room = Room::of(&taken);
            (0..2).for_each(|track| drop(room.voice(track)));
        }
    }

    /// Seeds, delays in frames and how much quieter echoes are.
    fn cases() -> impl Iterator<Item = (u64, usize, Level)> {
        (0..36).map(|case| (case, case as usize % 9 * 5, 15_00 + case as Level % 4 * 3_00))
    }

    #[test]
    fn who_only_leaks_does_not_speak() {
        let (mut leaked, mut found) = (0, 0);
        for (seed, late, quieter) in cases() {
            let voice = words(seed, -18_00, &[(300, 900), (1000, 2000)]);
            let leak = with_echo(&words(seed + 200, 0, &[]), &voice, late, quieter);
            leaked += frames(&Taken::new(PeerId::new("p"), Source::Microphone, 0, leak.clone()).voice);
            let speech = speech(vec![voice, leak]);
            assert!(frames(&speech[0]) > 1300, "{:?}", speech[0]);
            found += frames(&speech[1]);
        }
        assert!(leaked > 36 * 1000 && found * 20 < leaked, "{found} of {leaked} frames");
    }

    #[test]
    fn who_leaks_and_speaks_speaks_then() {
        let (mut leaked, mut spoken) = (0, 0);
        for (seed, late, quieter) in cases() {
            let voice = words(seed, -18_00, &[(300, 1500)]);
            let own = words(seed + 100, -20_00, &[(1700, 2600)]);
            let found = speech(vec![voice.clone(), with_echo(&own, &voice, late, quieter)]);
            let leak = found[1].intersect(&Spans::union([Span::new(at(0), at(1600))]));
            leaked += frames(&leak);
            spoken += frames(&found[1]) - frames(&leak);
        }
        assert!(leaked < 36 * 60 && spoken > 36 * 850, "{leaked} and {spoken} frames");
    }

    #[test]
    fn two_who_speak_at_once_both_speak() {
        for (seed, _, quieter) in cases() {
            let (all, quieter) = ([(300, 2600)], quieter - 15_00);
            let found = speech(vec![
                words(seed, -18_00, &all),
                words(seed + 100, -18_00 - quieter, &all),
            ]);
            assert!(frames(&found[0]) > 2200 && frames(&found[1]) > 1800, "{found:?}");
        }
    }

    #[test]
    fn a_sound_of_a_screen_leaks_into_its_owner_s_microphone_too() {
        let film = words(3, -18_00, &[(300, 2600)]);
        let leak = with_echo(&words(1, 0, &[]), &film, 5, 25_00);
        let of = |source, levels| Taken::new(PeerId::new("p"), source, 0, levels);
        let taken = [of(Source::ScreenAudio, film), of(Source::Microphone, leak)];
        assert!(!taken[1].voice.is_empty());
        assert!(frames(&Room::of(&taken).voice(1)) <= 60);
    }

    #[test]
    fn two_microphones_of_one_peer_are_no_echo_of_each_other() {
        let voice = words(3, -18_00, &[(300, 2600)]);
        let leak = with_echo(&words(1, 0, &[]), &voice, 5, 15_00);
        let of = |levels| Taken::new(PeerId::new("p"), Source::Microphone, 0, levels);
        let taken = [of(voice), of(leak)];
        assert_eq!(Room::of(&taken).voice(1), taken[1].voice);
    }

    fn at(frame: i64) -> SessionTime {
        SessionTime::START + TimeDelta::from_nanos(FRAME.nanos() * frame)
    }
}
