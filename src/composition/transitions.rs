//! From one scene into the next: at once, by blending the pictures, or by letting tiles glide to their new places.

use std::{cmp::Ordering, collections::BTreeSet};

use serde::Serialize;

use super::{Decoration, Label, Scene, Tile, plate};
use crate::{
    layout::Transition,
    media::{PeerId, Rect, SessionTime, Tick, TickRate, TimeDelta, TrackId},
};

/// How long a transition takes, where the scene lasts that long.
const LENGTH: TimeDelta = TimeDelta::from_millis(300);

/// Ticks that blend what was shown just before `start` into what is shown: `start` up to, not including, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Fade {
    pub start: Tick,
    pub end: Tick,
}

impl Fade {
    /// How much of the new picture shows at `tick`, of 256; `None` for a tick that is none of the fade's.
    pub fn share(self, tick: Tick) -> Option<u32> {
        let (passed, length) = (tick.0 - self.start.0, self.end.0 - self.start.0);
        (0..length).contains(&passed).then(|| eased(passed + 1, length + 1))
    }
}

/// How scenes go over into each other.
pub struct Passage<'a> {
    pub rate: TickRate,
    /// By look.
    pub transitions: &'a [Transition],
    /// By look: how wide tiles' frames may be.
    pub lines: &'a [u32],
}

impl Passage<'_> {
    /// The scenes with those put in between in which tiles are on their way, and the stretches that are blended.
    ///
    /// Only what is shown and where is worth a transition, not what is said about it.
    pub fn through(&self, settled: Vec<Scene>) -> (Vec<Scene>, Vec<Fade>) {
        let (mut scenes, mut fades): (Vec<Scene>, Vec<Fade>) = (Vec::new(), Vec::new());
        let usual = self.rate.tick_at_or_after(SessionTime::START + LENGTH).0;
        let mut rest = settled.into_iter().peekable();
        while let Some(first) = rest.next() {
            // all that shows the same people in the same places
            let mut act = vec![first];
            while let Some(next) = rest.next_if(|next| is_same(&act[0], next)) {
                act.push(next);
            }
            let start = act[0].start;
            let end = act.last().map_or(start, |last| last.end);
            let end = Tick(end.0.min(start.0 + usual));
            let before = scenes.last().cloned();
            match (before, self.transitions[act[0].look]) {
                (None, _) | (_, Transition::Cut) => scenes.extend(act),
                (Some(_), Transition::Fade) => {
                    fades.push(Fade { start, end });
                    scenes.extend(act);
                }
                (Some(before), Transition::Glide) => self.glide(&before, act, Fade { start, end }, &mut scenes),
            }
        }
        (scenes, fades)
    }

    /// Puts in a scene for each tick at which a tile of `act` is still on its way from its place in `before`.
    fn glide(&self, before: &Scene, act: Vec<Scene>, way: Fade, scenes: &mut Vec<Scene>) {
        for scene in act {
            let mut settled_from = scene.start;
            for tick in (scene.start.0..scene.end.0.min(way.end.0)).map(Tick) {
                let Some(share) = way.share(tick) else { break };
                let Some(moving) = self.between(before, &scene, share) else {
                    break;
                };
                settled_from = Tick(tick.0 + 1);
                scenes.push(Scene {
                    start: tick,
                    end: settled_from,
                    ..moving
                });
            }
            if settled_from < scene.end {
                scenes.push(Scene {
                    start: settled_from,
                    ..scene
                });
            }
        }
    }

    /// `to` with everybody who was in `from` so far on the way from there; `None` if nobody moves.
    fn between(&self, from: &Scene, to: &Scene, share: u32) -> Option<Scene> {
        let mut scene = Scene {
            moving: true,
            ..to.clone()
        };
        let chat = to.decorations.iter().find(|it| matches!(it, Decoration::Chat { .. }));
        let chat = chat.and_then(Decoration::rect);
        let mut parts = parts(&mut scene, from);
        if !parts.iter().any(Part::moves) {
            return None;
        }
        let heights: BTreeSet<Height> = parts.iter().map(Part::height).collect();
        for part in &mut parts {
            let height = part.height();
            *part.z = heights.iter().take_while(|lower| **lower < height).count() as i32;
            part.go(share, self.lines[to.look]);
        }
        let places: Vec<(Rect, i32)> = parts.iter().map(|part| (*part.rect, *part.z)).collect();
        for part in parts {
            let above = places.iter().filter(|(_, z)| z > part.z).map(|(rect, _)| *rect);
            let above: Vec<Rect> = above.chain(chat).collect();
            if let Some(label) = part.label {
                label.meter = label
                    .meter
                    .filter(|meter| !above.iter().any(|rect| rect.overlaps(*meter)));
            }
        }
        Some(scene)
    }
}

/// Somebody's tile that may be on its way.
struct Part<'a> {
    was: Option<Rect>,
    rect: &'a mut Rect,
    z: &'a mut i32,
    radius: &'a mut u32,
    label: &'a mut Option<Label>,
}

/// Of those who end at one height, who becomes larger is above who becomes smaller: the new speaker is not hidden behind
/// the old one.
type Height = (i32, Ordering);

impl Part<'_> {
    fn moves(&self) -> bool {
        self.was.is_some_and(|was| was != *self.rect)
    }

    fn height(&self) -> Height {
        let now = self.rect.size().pixels();
        (
            *self.z,
            self.was.map_or(Ordering::Equal, |was| now.cmp(&was.size().pixels())),
        )
    }

    /// Puts it so far on its way, with frames as wide as `line`.
    fn go(&mut self, share: u32, line: u32) {
        let Some(was) = self.was.filter(|was| was != self.rect) else {
            return;
        };
        *self.rect = part_way(was, *self.rect, share);
        *self.radius = (*self.radius).min(self.rect.width.min(self.rect.height) / 4);
        if let Some(label) = self.label {
            label.meter = label.meter.and_then(|_| plate::meter(*self.rect, line));
        }
    }
}

/// All tiles of a scene, with or without pictures, and where they were in `from`.
fn parts<'a>(scene: &'a mut Scene, from: &Scene) -> Vec<Part<'a>> {
    let tiles = scene.tiles.iter_mut().map(|tile| Part {
        was: place_of_tile(from, tile),
        rect: &mut tile.rect,
        z: &mut tile.z,
        radius: &mut tile.corner_radius,
        label: &mut tile.label,
    });
    let avatars = scene.decorations.iter_mut().filter_map(|decoration| match decoration {
        Decoration::Avatar {
            peer_id,
            rect,
            z,
            corner_radius: radius,
            label,
            ..
        } => Some(Part {
            was: place_of_person(from, peer_id),
            rect,
            z,
            radius,
            label,
        }),
        Decoration::Chat { .. } | Decoration::Notice { .. } => None,
    });
    tiles.chain(avatars).collect()
}

/// What of a scene is worth a transition when it changes.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Shown<'a> {
    Picture(&'a TrackId, Rect, i32),
    Initials(&'a PeerId, Rect, i32),
    Notice(&'a str),
}

fn is_same(one: &Scene, other: &Scene) -> bool {
    one.look == other.look && shown(one) == shown(other)
}

fn shown(scene: &Scene) -> Vec<Shown<'_>> {
    let tiles = scene.tiles.iter();
    let tiles = tiles.map(|tile| Shown::Picture(&tile.track_id, tile.rect, tile.z));
    let others = scene.decorations.iter().filter_map(|decoration| match decoration {
        Decoration::Avatar { peer_id, rect, z, .. } => Some(Shown::Initials(peer_id, *rect, *z)),
        Decoration::Notice { text } => Some(Shown::Notice(text)),
        Decoration::Chat { .. } => None,
    });
    let mut shown: Vec<Shown> = tiles.chain(others).collect();
    shown.sort_unstable();
    shown
}

/// Where a track was, or else its person's initials.
fn place_of_tile(scene: &Scene, tile: &Tile) -> Option<Rect> {
    let same = scene.tiles.iter().find(|other| other.track_id == tile.track_id);
    let is_screen = tile.label.as_ref().is_some_and(|label| label.screen);
    same.map(|other| other.rect)
        .or_else(|| place_of_initials(scene, &tile.peer_id).filter(|_| !is_screen))
}

/// Where somebody's initials were, or else their only picture.
fn place_of_person(scene: &Scene, peer: &PeerId) -> Option<Rect> {
    let mut pictures = scene.tiles.iter().filter(|tile| tile.peer_id == *peer);
    place_of_initials(scene, peer).or_else(|| match (pictures.next(), pictures.next()) {
        (Some(only), None) => Some(only.rect),
        _ => None,
    })
}

fn place_of_initials(scene: &Scene, peer: &PeerId) -> Option<Rect> {
    let is_theirs =
        |decoration: &&Decoration| matches!(decoration, Decoration::Avatar { peer_id, .. } if peer_id == peer);
    scene.decorations.iter().find(is_theirs).and_then(Decoration::rect)
}

/// A rectangle between two, even as they are, and inside every rectangle that holds both.
fn part_way(from: Rect, to: Rect, share: u32) -> Rect {
    let mix = |from: u32, to: u32| (from * (256 - share) + to * share) / 256 / 2 * 2;
    Rect::new(
        mix(from.x, to.x),
        mix(from.y, to.y),
        mix(from.width, to.width),
        mix(from.height, to.height),
    )
}

/// How far something is after `passed` of `length`, of 256: slowly away, slowly there.
fn eased(passed: i64, length: i64) -> u32 {
    let (passed, length) = (i128::from(passed), i128::from(length.max(1)));
    let cubed = passed * passed * (3 * length - 2 * passed) * 256;
    u32::try_from(cubed / (length * length * length)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::media::Fit;

    fn scene(start: i64, end: i64, places: &[(&str, u32)]) -> Scene {
        let tile = |(name, x): &(&str, u32)| Tile {
            track_id: TrackId::new(*name),
            peer_id: PeerId::new(*name),
            rect: Rect::new(*x, 0, 100, 100),
            fit: Fit::Contain,
            z: 0,
            corner_radius: 0,
            label: None,
        };
        Scene {
            start: Tick(start),
            end: Tick(end),
            look: 0,
            moving: false,
            tiles: places.iter().map(tile).collect(),
            decorations: Vec::new(),
        }
    }

    fn through(transition: Transition, scenes: Vec<Scene>) -> (Vec<Scene>, Vec<(i64, i64)>) {
        let passage = Passage {
            rate: TickRate::new(10).unwrap(),
            transitions: &[transition],
            lines: &[0],
        };
        let (scenes, fades) = passage.through(scenes);
        (scenes, fades.iter().map(|fade| (fade.start.0, fade.end.0)).collect())
    }

    fn story() -> Vec<Scene> {
        let mut spoken = scene(32, 60, &[("a", 100), ("b", 0)]);
        spoken.tiles[0].label = Some(Label {
            speaking: true,
            ..Label::default()
        });
        vec![
            scene(0, 30, &[("a", 0), ("b", 100)]),
            scene(30, 32, &[("a", 100), ("b", 0)]),
            spoken,
            scene(60, 62, &[("c", 0)]),
            scene(62, 70, &[("c", 200)]),
        ]
    }

    #[test]
    fn fades_last_as_long_as_there_is_room_and_come_for_people_and_places_alone() {
        let (scenes, fades) = through(Transition::Fade, story());
        assert_eq!(scenes, story());
        assert_eq!(fades, [(30, 33), (60, 62), (62, 65)]);
        let fade = Fade {
            start: Tick(30),
            end: Tick(33),
        };
        let shares: Vec<Option<u32>> = (29..34).map(|tick| fade.share(Tick(tick))).collect();
        assert_eq!(shares, [None, Some(40), Some(128), Some(216), None]);
        assert_eq!(through(Transition::Cut, story()), (story(), Vec::new()));
    }

    #[test]
    fn tiles_glide_from_place_to_place() {
        let (scenes, fades) = through(Transition::Glide, story());
        assert!(fades.is_empty());
        let seen: Vec<(i64, i64, bool, u32)> = (scenes.iter())
            .map(|scene| (scene.start.0, scene.end.0, scene.moving, scene.tiles[0].rect.x))
            .collect();
        let expected = [
            (0, 30, false, 0),
            (30, 31, true, 14),
            (31, 32, true, 50),
            (32, 33, true, 84),
            (33, 60, false, 100),
            (60, 62, false, 0),
            (62, 63, true, 30),
            (63, 64, true, 100),
            (64, 65, true, 168),
            (65, 70, false, 200),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn who_becomes_larger_is_above_who_becomes_smaller() {
        let with = |start: i64, end: i64, wide: usize| {
            let mut scene = scene(start, end, &[("a", 0), ("b", 0), ("c", 300)]);
            scene.tiles[wide].rect.width = 200;
            let meter = Rect::new(0, 80, 20, 20);
            scene.tiles[1 - wide].rect.x = 200;
            for tile in &mut scene.tiles[..2] {
                tile.label = Some(Label {
                    meter: Some(meter),
                    ..Label::default()
                });
            }
            scene
        };
        for (before, after) in [(0, 1), (1, 0)] {
            let (scenes, _) = through(Transition::Glide, vec![with(0, 10, before), with(10, 20, after)]);
            let moving: Vec<&Scene> = scenes.iter().filter(|scene| scene.moving).collect();
            assert_eq!(moving.len(), 3);
            for scene in moving {
                let z = |index: usize| scene.tiles[index].z;
                assert!(z(after) > z(2) && z(2) > z(before), "{:?}", scene.tiles);
                let (over, under) = (scene.tiles[after].rect, &scene.tiles[before]);
                let meter = under.label.as_ref().unwrap().meter;
                assert!(meter.is_none_or(|meter| !meter.overlaps(over)), "{:?}", scene.tiles);
            }
            assert!(
                scenes
                    .iter()
                    .filter(|scene| !scene.moving)
                    .all(|scene| scene.tiles[0].z == 0)
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_on_its_way_stays_even_and_inside(
            from in (0u32..500, 0u32..500, 1u32..500, 1u32..500), to in (0u32..500, 0u32..500, 1u32..500, 1u32..500), share in 0u32..=256,
        ) {
            let rect = |(x, y, w, h)| Rect::new(2 * x, 2 * y, 2 * w, 2 * h);
            let (from, to) = (rect(from), rect(to));
            let between = part_way(from, to, share);
            prop_assert!(between.is_even() && !between.is_empty());
            let right = |rect: Rect| rect.x + rect.width;
            let bottom = |rect: Rect| rect.y + rect.height;
            prop_assert!(right(between) <= right(from).max(right(to)) && bottom(between) <= bottom(from).max(bottom(to)));
            prop_assert!(between.x >= from.x.min(to.x) && between.y >= from.y.min(to.y));
        }
    }
}
