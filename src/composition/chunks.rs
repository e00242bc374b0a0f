//! Cutting the recording into chunks, and telling which of their ticks become frames.

use super::{
    FramePolicy, PacedFrame,
    plan::{Chunk, Plan, Scene, VideoTrack},
};
use crate::media::{Size, Tick, TickRate};

/// A keyframe at least every two seconds: players seek to them.
const LONGEST_SECONDS: i64 = 2;
/// The pictures of one chunk wait in memory for their encoder; larger canvases get shorter chunks.
const MOST_BYTES: u64 = 384 << 20;

/// Chunks of equal length from tick 0 to `length`, the last one shorter.
pub fn chunks(length: Tick, rate: TickRate, canvas: Size) -> Vec<Chunk> {
    let picture = canvas.pixels() * 3 / 2;
    let fitting = i64::try_from(MOST_BYTES / picture.max(1)).unwrap_or(i64::MAX).max(2);
    let step = (LONGEST_SECONDS * i64::from(rate.per_second())).min(fitting);
    (0..length.0)
        .step_by(usize::try_from(step).unwrap_or(usize::MAX))
        .map(|start| Chunk {
            start: Tick(start),
            end: Tick((start + step).min(length.0)),
        })
        .collect()
}

/// Where somebody is on screen, a frame at least so many times a second. Browsers show the pictures after a longer gap
/// too early (Chromium by up to 0.7 s after gaps of a second); frames that repeat a picture cost next to nothing.
const LEAST_ON_SCREEN: u32 = 5;

/// Ticks of `chunk` that become frames: its first, every one at which a tile or a level meter changes or a picture fades, and so many more that at least
/// one a second is left, or five where somebody is on screen.
///
/// `paced` gives the paced frames of a video track's stretch, by their indices.
pub fn encoded_ticks<'a>(plan: &Plan, chunk: Chunk, paced: impl Fn(usize, usize) -> &'a [PacedFrame]) -> Vec<Tick> {
    if plan.encoding.frames == FramePolicy::EveryTick {
        return (chunk.start.0..chunk.end.0).map(Tick).collect();
    }
    let length = usize::try_from(chunk.end.0 - chunk.start.0).unwrap_or(0);
    let mut changed = vec![false; length];
    let mut mark = |tick: Tick| {
        if let Some(slot) = usize::try_from(tick.0 - chunk.start.0)
            .ok()
            .and_then(|index| changed.get_mut(index))
        {
            *slot = true;
        }
    };
    mark(chunk.start);
    let fading = plan
        .fades
        .iter()
        .flat_map(|fade| fade.start.0.max(chunk.start.0)..fade.end.0.min(chunk.end.0));
    fading.map(Tick).for_each(&mut mark);
    for scene in scenes_in(&plan.scenes, chunk) {
        mark(scene.start);
        let (from, to) = (chunk.start.max(scene.start), chunk.end.min(scene.end));
        for (peer, _) in scene.meters() {
            let levels = plan.levels.iter().find(|levels| levels.peer_id == *peer);
            let changes = levels.into_iter().flat_map(|levels| levels.changes(from, to));
            changes.for_each(&mut mark);
        }
        for (track_index, track) in shown(&plan.video, scene) {
            for (stretch_index, stretch) in track.stretches.iter().enumerate() {
                let (from, to) = (
                    chunk.start.max(scene.start).max(stretch.start),
                    chunk.end.min(scene.end).min(stretch.end),
                );
                let frames = paced(track_index, stretch_index);
                let begin = frames.partition_point(|frame| frame.tick < from);
                frames[begin..]
                    .iter()
                    .take_while(|frame| frame.tick < to)
                    .for_each(|frame| mark(frame.tick));
            }
        }
    }
    let is_on_screen = scenes_in(&plan.scenes, chunk)
        .iter()
        .any(|scene| !scene.tiles.is_empty());
    let least = if is_on_screen { LEAST_ON_SCREEN } else { 1 };
    keep_alive(&mut changed, (plan.ticks_per_second.per_second() / least).max(1));
    changed
        .iter()
        .enumerate()
        .filter(|(_, changed)| **changed)
        .map(|(index, _)| Tick(chunk.start.0 + index as i64))
        .collect()
}

/// A frame at least every `longest` ticks.
fn keep_alive(changed: &mut [bool], longest: u32) {
    let mut quiet = 0;
    for slot in changed.iter_mut() {
        quiet = if *slot { 0 } else { quiet + 1 };
        if quiet == longest {
            (*slot, quiet) = (true, 0);
        }
    }
}

/// The scenes that a chunk shows a part of.
pub fn scenes_in(scenes: &[Scene], chunk: Chunk) -> &[Scene] {
    let begin = scenes.partition_point(|scene| scene.end <= chunk.start);
    let end = scenes.partition_point(|scene| scene.start < chunk.end);
    &scenes[begin..end.max(begin)]
}

fn shown<'a>(video: &'a [VideoTrack], scene: &'a Scene) -> impl Iterator<Item = (usize, &'a VideoTrack)> {
    video
        .iter()
        .enumerate()
        .filter(|(_, track)| scene.tiles.iter().any(|tile| tile.track_id == track.track_id))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn chunks_tile_the_recording(length in 0i64..10_000, per_second in 1u32..=60, w in 8u32..2000, h in 8u32..2000) {
            let (rate, canvas) = (TickRate::new(per_second).unwrap(), Size::new(2 * w, 2 * h));
            let chunks = chunks(Tick(length), rate, canvas);
            prop_assert_eq!(chunks.first().map_or(0, |chunk| chunk.start.0), 0);
            prop_assert_eq!(chunks.last().map_or(0, |chunk| chunk.end.0), length);
            prop_assert!(chunks.windows(2).all(|pair| pair[0].end == pair[1].start));
            prop_assert!(chunks.iter().all(|chunk| chunk.start < chunk.end && chunk.end.0 - chunk.start.0 <= 2 * i64::from(per_second)));
        }

        #[test]
        fn no_gap_is_longer_than_asked(mut changed in prop::collection::vec(prop::bool::weighted(0.02), 1..200), longest in 1u32..=30) {
            changed[0] = true;
            keep_alive(&mut changed, longest);
            let kept: Vec<usize> = changed.iter().enumerate().filter(|(_, kept)| **kept).map(|(index, _)| index).collect();
            prop_assert!(kept.windows(2).all(|pair| pair[1] - pair[0] <= longest as usize));
        }
    }
}
