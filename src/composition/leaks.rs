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
/// Two levels that follow each other so closely are of one voice: those of two people come to 0.6 at the best delay.
const CLOSE: f32 = 0.85;
/// It takes less where the same echo is heard with the same delay nearby: within so many blocks, …
const LIKELY: f32 = 0.6;
const NEARBY: usize = 60;
/// … and about as loud (dB).
const AS_LOUD: f32 = 5.0;
/// Steps in which the other speaks; fewer say nothing.
const FEWEST: f32 = 20.0;
/// Both must swing at least so much (variance, dB²): a tone has nothing to follow.
const SWING: f32 = 6.0;
/// Beneath this over its noise (dB) nothing of an echo is seen.
const OVER_NOISE: f32 = 3.0;
/// So much further down, the other is as good as silent.
const UNSEEN: f32 = 6.0;
/// What is no louder than this over what is expected (dB) is the echo …
const MARGIN: f32 = 6.0;
/// … which dies away by so much a step (dB): a room that rings for eight tenths of a second.
const DECAY: f32 = 1.5;

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
        let own = &self.envelopes[track];
        let mut sure: Vec<(usize, Echo)> = Vec::new();
        let mut unsure = Vec::new();
        for window in own.voiced(WINDOW) {
            let known = sure.last().map(|(_, echo)| *echo);
            match self.echo(track, window, known) {
                Some(echo) => sure.push((window, echo)),
                None => unsure.push(window),
            }
        }
        let likely = unsure.into_iter().filter_map(|window| {
            let nearest = sure.iter().map(|(at, echo)| (at.abs_diff(window), echo));
            let (_, echo) = nearest.filter(|(far, _)| *far <= NEARBY).min_by_key(|(far, _)| *far)?;
            let fit = self.fit(own, window, echo)?;
            let as_before = fit.correlation >= LIKELY && (fit.quieter - echo.quieter).abs() <= AS_LOUD;
            as_before.then_some((window, *echo))
        });
        let likely: Vec<(usize, Echo)> = likely.collect();
        sure.extend(likely);
        sure
    }

    /// Whose voice, beyond doubt, is in a window of a track; an echo that is known is tried first.
    fn echo(&self, track: usize, window: usize, known: Option<Echo>) -> Option<Echo> {
        let own = &self.envelopes[track];
        let loud = own.loudest(window, window + WINDOW);
        let mut louder: Vec<(usize, f32)> = (0..self.envelopes.len())
            .filter(|other| self.is_another(track, *other))
            .map(|other| {
                (
                    other,
                    self.envelopes[other].loudest(window.saturating_sub(1), window + WINDOW),
                )
            })
            .filter(|(_, level)| *level >= loud + QUIETER)
            .collect();
        louder.sort_by(|a, b| b.1.total_cmp(&a.1));
        louder.truncate(COMPARED);
        let is_sure = |echo: &Echo| {
            let fit = self.fit(own, window, echo)?;
            (fit.correlation >= CLOSE && fit.quieter >= QUIETER).then_some((fit, *echo))
        };
        let known = known.filter(|echo| louder.iter().any(|(other, _)| *other == echo.of));
        let known = known.and_then(|echo| {
            let quieter = louder.iter().find(|(other, _)| *other == echo.of)?.1 - loud;
            is_sure(&Echo { quieter, ..echo })
        });
        let found = known.or_else(|| {
            let all = louder.iter().flat_map(|(of, level)| {
                (EARLIEST..=LATEST).map(move |delay| Echo {
                    of: *of,
                    delay,
                    quieter: level - loud,
                })
            });
            all.filter_map(|echo| is_sure(&echo))
                .max_by(|a, b| a.0.correlation.total_cmp(&b.0.correlation))
        });
        found.map(|(fit, echo)| Echo {
            quieter: fit.quieter,
            ..echo
        })
    }

    /// How closely a window follows another track; nothing if too little is heard to tell.
    fn fit(&self, own: &Envelope, window: usize, echo: &Echo) -> Option<Fit> {
        let from = (window * STEPS) as i64;
        let (mut heard, mut expected) = ([0.0; LENGTH], [0.0; LENGTH]);
        own.copy(from, &mut heard);
        self.envelopes[echo.of].copy(from - echo.delay, &mut expected);
        Fit::of(&heard, &expected, echo.quieter, own.noise + OVER_NOISE)
    }

    /// Marks the steps of a window that are no louder than the echo in them.
    fn explain(&self, own: &Envelope, window: usize, echo: &Echo, leaks: &mut [bool]) {
        let from = (window * STEPS) as i64;
        let mut heard = [0.0; LENGTH];
        own.copy(from, &mut heard);
        // begins a block before the window, as what was said there still rings; with a step on either side
        let mut voice = [0.0; STEPS + LENGTH + 2];
        self.envelopes[echo.of].copy(from - STEPS as i64 - 1 - echo.delay, &mut voice);
        let mut expected = f32::MIN;
        for (step, around) in voice.windows(3).enumerate() {
            let loudest = around.iter().fold(f32::MIN, |loudest, level| loudest.max(*level));
            expected = (expected - DECAY).max(loudest - echo.quieter);
            let Some(place) = step.checked_sub(STEPS) else { continue };
            if heard[place] <= expected.max(own.noise) + MARGIN {
                let at = window * STEPS + place;
                if let Some(leak) = own.index(at).and_then(|index| leaks.get_mut(index)) {
                    *leak = true;
                }
            }
        }
    }
}

/// Another's voice, so many steps late, and so much quieter (dB).
#[derive(Debug, Clone, Copy)]
struct Echo {
    of: usize,
    delay: i64,
    quieter: f32,
}

/// How closely one level follows another.
#[derive(Debug, Clone, Copy)]
struct Fit {
    correlation: f32,
    quieter: f32,
}

impl Fit {
    /// Levels beneath `least` count as that: there the noise of the microphone begins.
    fn of(heard: &[f32; LENGTH], voice: &[f32; LENGTH], quieter: f32, least: f32) -> Option<Fit> {
        let (mut count, mut x, mut y, mut xx, mut yy, mut xy) = (0.0f32, 0.0, 0.0, 0.0, 0.0, 0.0);
        for (heard, voice) in heard.iter().zip(voice) {
            let expected = voice - quieter;
            if expected <= least - UNSEEN {
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
        (xx >= SWING && yy >= SWING).then(|| Fit {
            correlation: xy / (xx * yy).sqrt(),
            quieter: quieter + x - y,
        })
    }
}
