//! The course of a track's loudness, coarse enough to be compared quickly.

use super::{
    leaks::Taken,
    voice::{FRAME, Level, quantile},
};
use crate::media::SessionTime;

/// A step is so many frames long, …
const FRAMES: usize = 2;
/// … and a block so many steps: half a second.
pub const STEPS: usize = 25;
/// Quieter is nothing (dB).
const FAINTEST: f32 = -90.0;
/// A room in which an echo dies away by so much a step (dB) rings for six tenths of a second.
const DECAY: f32 = 2.0;
/// Noise is what the quietest steps show.
const QUIETEST: f64 = 0.1;

/// All positions are counted from the start of the session clock, if nothing else is said.
pub struct Envelope {
    /// Steps before the first of `levels`.
    before: usize,
    /// The level of each step, in dB.
    levels: Vec<f32>,
    /// The same in a room that rings.
    ringing: Vec<f32>,
    /// Frames there are.
    frames: usize,
    /// The loudest step of each block.
    loudest: Vec<f32>,
    /// Whether there is a voice in each block.
    is_voiced: Vec<bool>,
    /// How loud this microphone is if nobody speaks, in dB.
    pub noise: f32,
}

impl Envelope {
    pub fn of(taken: &Taken) -> Envelope {
        let before = taken.before / FRAMES;
        let decibels = |level: &Level| (f32::from(*level) / 100.0).max(FAINTEST);
        let mean = |frames: &[Level]| frames.iter().map(decibels).sum::<f32>() / frames.len() as f32;
        let levels: Vec<f32> = taken.levels.chunks(FRAMES).map(mean).collect();
        let blocks = (before + levels.len()).div_ceil(STEPS);
        let mut loudest = vec![FAINTEST; blocks];
        for (step, level) in levels.iter().enumerate() {
            let block = &mut loudest[(before + step) / STEPS];
            *block = block.max(*level);
        }
        let mut is_voiced = vec![false; blocks];
        for span in taken.voice.iter() {
            let (first, end) = (block_of(span.start), block_of(span.end) + 1);
            is_voiced[first.min(blocks)..end.min(blocks)].fill(true);
        }
        let heard = taken.levels.iter().copied().filter(|level| decibels(level) > FAINTEST);
        let noise = quantile(heard, QUIETEST).map_or(FAINTEST, |level| decibels(&level));
        Envelope {
            frames: taken.levels.len(),
            before,
            ringing: ringing(&levels),
            levels,
            loudest,
            is_voiced,
            noise,
        }
    }

    pub fn steps(&self) -> usize {
        self.levels.len()
    }

    /// The place of a step in what was heard.
    pub fn index(&self, step: usize) -> Option<usize> {
        step.checked_sub(self.before).filter(|index| *index < self.levels.len())
    }

    /// The levels from a step on, in dB.
    pub fn copy(&self, from: i64, into: &mut [f32]) {
        self.copy_of(&self.levels, from, into);
    }

    /// The levels from a step on as they would be in a room that rings, in dB.
    pub fn copy_ringing(&self, from: i64, into: &mut [f32]) {
        self.copy_of(&self.ringing, from, into);
    }

    fn copy_of(&self, levels: &[f32], from: i64, into: &mut [f32]) {
        for (place, level) in into.iter_mut().enumerate() {
            let step = usize::try_from(from.saturating_add(place as i64)).ok();
            *level = step
                .and_then(|step| self.index(step))
                .map_or(FAINTEST, |index| levels[index]);
        }
    }

    /// The loudest step from a block until another, in dB.
    pub fn loudest(&self, from: usize, to: usize) -> f32 {
        let blocks = &self.loudest[from.min(self.loudest.len())..to.min(self.loudest.len())];
        blocks.iter().fold(FAINTEST, |loudest, level| loudest.max(*level))
    }

    /// The first blocks of all windows of so many blocks in which there is a voice.
    pub fn voiced(&self, length: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.is_voiced.len()).filter(move |first| {
            let end = self.is_voiced.len().min(first + length);
            self.is_voiced[*first..end].contains(&true)
        })
    }

    /// The steps in blocks with a voice, by their places in what was heard.
    pub fn in_voice(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.levels.len()).filter(|index| self.is_voiced[(self.before + index) / STEPS])
    }

    /// The level of a step, by its place in what was heard, in dB.
    pub fn level(&self, index: usize) -> f32 {
        self.levels[index]
    }

    /// The blocks with a voice, each with its steps by their places in what was heard.
    pub fn voiced_blocks(&self) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> + '_ {
        let blocks = (0..self.is_voiced.len()).filter(|block| self.is_voiced[*block]);
        blocks.map(|block| {
            let place = |step: usize| step.saturating_sub(self.before).min(self.levels.len());
            (block, place(block * STEPS)..place((block + 1) * STEPS))
        })
    }

    /// The frames of the steps that are marked, by their places in what was heard.
    pub fn frames(&self, marks: &[bool]) -> impl Iterator<Item = usize> {
        (0..self.frames).filter(|frame| marks[frame / FRAMES])
    }
}

fn block_of(time: SessionTime) -> usize {
    let block = FRAME.nanos() * (FRAMES * STEPS) as i64;
    usize::try_from(time.nanos() / block).unwrap_or(0)
}

fn ringing(levels: &[f32]) -> Vec<f32> {
    let ring = |sound: &mut f32, level: &f32| {
        *sound = (*sound - DECAY).max(*level);
        Some(*sound)
    };
    levels.iter().scan(FAINTEST, ring).collect()
}
