//! Steady noise, whenever it begins: a fan, a mower, rain. Speech swings by ten decibels and more within a second;
//! what hardly changes for seconds is none, however loud it is.

use super::voice::{Level, NOTHING, quantile};

/// Looked for in blocks of so many frames, …
const BLOCK: usize = 25;
/// … over so many of them: 3 seconds.
const WINDOW: usize = 12;
/// What lies between these shares of the levels of a window …
const LOWER: f64 = 0.2;
const UPPER: f64 = 0.8;
/// … spans no more than this if it is steady: of white noise 1.2 dB, of speech over 10.
const SPREAD: Level = 3_00;
/// Noise is still there as long as it is nowhere quieter than before by more than this.
const UNDERSHOT: Level = 3_00;

/// The level of steady noise in each frame; [`Level::MIN`] where there is none.
pub fn steady(levels: &[Level]) -> Vec<Level> {
    let blocks: Vec<&[Level]> = levels.chunks(BLOCK).collect();
    let quietest: Vec<Level> = blocks.iter().map(|block| quiet(block)).collect();
    let mut noise = vec![Level::MIN; blocks.len()];
    for first in 0..(blocks.len() + 1).saturating_sub(WINDOW) {
        let window = &levels[first * BLOCK..levels.len().min((first + WINDOW) * BLOCK)];
        let Some(level) = level_of_steady(window) else { continue };
        for block in first..first + WINDOW {
            if is_there(level, quietest[block]) {
                noise[block] = noise[block].max(level);
            }
        }
    }
    go_on(&mut noise, &quietest, 1..blocks.len(), |block| block - 1);
    go_on(
        &mut noise,
        &quietest,
        (0..blocks.len().saturating_sub(1)).rev(),
        |block| block + 1,
    );
    let noise = with_edges(&noise);
    (0..levels.len()).map(|frame| noise[frame / BLOCK]).collect()
}

/// How loud it is in a window, if it is steady there.
fn level_of_steady(window: &[Level]) -> Option<Level> {
    let lower = quantile(window.iter().copied(), LOWER)?;
    let upper = quantile(window.iter().copied(), UPPER)?;
    (lower > NOTHING && upper.saturating_sub(lower) <= SPREAD).then(|| lower.midpoint(upper))
}

/// The quietest of a block; a hole of a packet or two does not count.
fn quiet(block: &[Level]) -> Level {
    quantile(block.iter().copied(), LOWER).unwrap_or(Level::MIN)
}

fn is_there(noise: Level, quietest: Level) -> bool {
    noise > Level::MIN && quietest >= noise.saturating_sub(UNDERSHOT)
}

/// Noise goes on while somebody speaks over it, from each block's neighbour to the block.
fn go_on(
    noise: &mut [Level],
    quietest: &[Level],
    blocks: impl Iterator<Item = usize>,
    neighbour: impl Fn(usize) -> usize,
) {
    for block in blocks {
        let there = noise[neighbour(block)];
        if is_there(there, quietest[block]) {
            noise[block] = noise[block].max(there);
        }
    }
}

/// Noise begins and ends somewhere within a block.
fn with_edges(noise: &[Level]) -> Vec<Level> {
    let around = |block: usize| &noise[block.saturating_sub(1)..noise.len().min(block + 2)];
    (0..noise.len())
        .map(|block| around(block).iter().copied().max().unwrap_or(Level::MIN))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Noise of a room, with louder noise in some frames; both waver by a decibel up or down.
    fn noise(frames: usize, louder: std::ops::Range<usize>, level: Level) -> Vec<Level> {
        let waver = |index: usize| (index * 7919 % 200) as Level - 100;
        let level = |index: usize| if louder.contains(&index) { level } else { -68_00 };
        (0..frames).map(|index| level(index) + waver(index)).collect()
    }

    proptest! {
        #[test]
        fn noise_is_found_whenever_it_begins(from in 0usize..1500, length in 350usize..1500, level in -60_00i16..-10_00) {
            let found = steady(&noise(3000, from..from + length, level));
            for (frame, found) in found.iter().enumerate() {
                let inside = (from..from + length).contains(&frame);
                // at its edges either will do
                if inside {
                    prop_assert!((found - level).abs() <= 1_50, "{found} in frame {frame}");
                } else if frame + 75 < from || frame > from + length + 75 {
                    prop_assert!(*found <= -66_50, "{found} in frame {frame}");
                }
            }
        }

        #[test]
        fn any_levels_will_do(levels in prop::collection::vec(any::<i16>(), 0..2000)) {
            prop_assert_eq!(steady(&levels).len(), levels.len());
        }
    }

    #[test]
    fn what_sounds_for_two_seconds_is_no_steady_noise() {
        let found = steady(&noise(2000, 800..1000, -20_00));
        assert!(found.iter().all(|level| *level <= -66_00), "{:?}", found.iter().max());
    }

    #[test]
    fn noise_goes_on_beneath_speech() {
        let mut levels = noise(2000, 400..1600, -40_00);
        // words without a pause of three seconds between them
        (800..1400)
            .filter(|index| index % 40 < 25)
            .for_each(|index| levels[index] = -20_00);
        let found = steady(&levels);
        assert!(found[500..1500].iter().all(|level| (level + 40_00).abs() <= 1_50));
    }
}
