//! Level meters: a few bars at the lower right of a tile that grow with how loud its person is.

use std::{collections::BTreeMap, sync::Arc};

use tiny_skia::Pixmap;

use super::{
    overlay_of,
    painter::{Drawn, NOTICE, SHADE, SHADE_OPACITY, WHITE},
    shapes::{fill_rounded, paint},
};
use crate::{
    av::{Overlay, Picture},
    composition::{
        Decoration, HIGHEST, Levels, Plan, Scene,
        plate::{BARS, bar},
    },
    media::{PeerId, Rect, Rgb, Size, Tick},
};

/// How high the bars are at the highest level, in percent of the room.
const HEIGHTS: [u32; BARS as usize] = [50, 80, 100, 70, 40];

/// Draws what meters look like, once for each size and place.
#[derive(Default)]
pub struct Meters {
    faces: BTreeMap<Face, Arc<Vec<Overlay>>>,
}

/// Size, what it stands on (a picture, if nothing else), and colour.
type Face = (Size, Option<Rgb>, Rgb);

/// A meter of a scene.
pub struct DressedMeter<'a> {
    rect: Rect,
    /// Absent for somebody who is never heard.
    levels: Option<&'a Levels>,
    /// By level.
    faces: Arc<Vec<Overlay>>,
}

impl Meters {
    /// The meters of a scene that cover none of `marks`, which stand over all.
    pub fn dress<'a>(&mut self, plan: &'a Plan, scene: &Scene, marks: &[Drawn]) -> Vec<DressedMeter<'a>> {
        let look = &plan.looks[scene.look];
        let color = look.speaking.map_or(WHITE, |line| line.color);
        let is_by_sound = |peer: &PeerId, rect: Rect| {
            scene.decorations.iter().any(|decoration| {
                matches!(decoration, Decoration::Avatar { peer_id, rect: own, .. } if peer_id == peer && own.holds(rect))
            })
        };
        let is_clear = |rect: Rect| !marks.iter().any(|mark| mark.rect.overlaps(rect));
        let meters = scene.meters().filter(|(_, rect)| is_clear(*rect)).map(|(peer, rect)| {
            let ground = is_by_sound(peer, rect).then_some(look.tile_background);
            let face = (rect.size(), ground, color);
            DressedMeter {
                rect,
                levels: plan.levels.iter().find(|levels| levels.peer_id == *peer),
                faces: Arc::clone(self.faces.entry(face).or_insert_with(|| Arc::new(faces(face)))),
            }
        });
        meters.collect()
    }
}

impl DressedMeter<'_> {
    /// Draws the level of `tick`. Beside pictures all of the place is covered, whatever was there; over a picture that
    /// must have been drawn anew.
    pub fn draw(&self, tick: Tick, picture: &mut Picture) {
        let level = self.levels.map_or(0, |levels| levels.at(tick));
        if let Some(face) = self.faces.get(usize::from(level)) {
            picture.split(&[self.rect])[0].lay(face);
        }
    }
}

/// A meter at each level, from silence up.
fn faces((size, ground, color): Face) -> Vec<Overlay> {
    let bar = bar(size);
    let face = |level: u8| {
        let mut pixmap = Pixmap::new(size.width, size.height)?;
        match ground {
            Some(Rgb { red, green, blue }) => pixmap.fill(tiny_skia::Color::from_rgba8(red, green, blue, 255)),
            None => {
                let whole = Rect::new(0, 0, size.width, size.height);
                fill_rounded(&mut pixmap, whole, size.width / 5, &paint(SHADE, SHADE_OPACITY));
            }
        }
        let paint = paint(if level == 0 { NOTICE } else { color }, 255);
        for (index, highest) in HEIGHTS.into_iter().enumerate() {
            let room = size.height.saturating_sub(3 * bar) * highest / 100;
            let height = bar + room * u32::from(level) / u32::from(HIGHEST);
            let x = bar * (2 * index as u32 + 1);
            let place = Rect::new(x, size.height.saturating_sub(bar + height), bar, height);
            fill_rounded(&mut pixmap, place, bar / 2, &paint);
        }
        Some(overlay_of(&pixmap))
    };
    (0..=HIGHEST).filter_map(face).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How bright a face is on average, laid over white.
    fn brightness(face: &Overlay) -> u64 {
        let size = face.size();
        let mut picture = Picture::new(Size::new(64, 64)).unwrap();
        picture.split(&[Rect::new(0, 0, size.width, size.height)])[0].lay(face);
        picture.to_rgb().iter().map(|value| u64::from(*value)).sum()
    }

    #[test]
    fn bars_grow_with_the_level() {
        let (ground, color) = (
            Rgb {
                red: 20,
                green: 20,
                blue: 20,
            },
            WHITE,
        );
        for size in [Size::new(22, 30), Size::new(44, 36)] {
            let faces = faces((size, Some(ground), color));
            assert_eq!(faces.len(), usize::from(HIGHEST) + 1);
            let brightness: Vec<u64> = faces.iter().map(brightness).collect();
            assert!(brightness.is_sorted(), "{brightness:?}");
            assert!(
                brightness[8] > brightness[4] && brightness[4] > brightness[0],
                "{brightness:?}"
            );
        }
    }
}
