//! What is drawn beside and over the pictures: drawn once for as long as it stays the same, then only laid over.

mod chat;
mod emoji;
mod layers;
mod marks;
mod meters;
mod painter;
mod pictures;
pub mod shapes;
mod text;

use std::{collections::BTreeMap, sync::Arc};

use tiny_skia::{FillRule, Mask as FloatMask, Pixmap, PixmapPaint, Transform};

pub use pictures::check_picture;
pub use text::Fonts;

use self::{
    layers::{layers, lies_over},
    meters::{DressedMeter, Meters},
    painter::{Drawn, Painter},
    shapes::rounded,
};
use crate::{
    av::{Color, Mask, Overlay, Picture},
    composition::{Decoration, Label, Look, Plan, Scene, Tile},
    media::{Fit, Rect, Rgb, Size},
};

/// Past so many, what was drawn is forgotten: a long session of many people would fill the memory.
const MOST_KEPT: usize = 512;

/// Prepares the decoration of a plan's scenes.
pub struct Decorator<'a> {
    plan: &'a Plan,
    painter: Painter,
    meters: Meters,
    dressings: BTreeMap<DressingKey, Arc<Dressing>>,
    grounds: BTreeMap<GroundKey, usize>,
    next_ground: usize,
    /// By look.
    backgrounds: BTreeMap<usize, Option<Arc<Pixmap>>>,
    /// By look.
    marks: BTreeMap<usize, Arc<Vec<Drawn>>>,
}

/// All that drawing one scene needs.
pub struct Dressed<'a> {
    /// Scenes with the same number look the same where there are no tiles.
    pub ground: usize,
    pub backdrop: Backdrop,
    /// From the lowest up; the tiles of one layer are disjoint.
    pub layers: Vec<Vec<DressedTile>>,
    /// Over all of them.
    pub meters: Vec<DressedMeter<'a>>,
    /// A canvas cannot be used again without painting its ground: the corner of a tile lets it through.
    pub wears_off: bool,
}

/// What lies behind the tiles.
pub struct Backdrop {
    color: Color,
    overlays: Vec<(Rect, Overlay)>,
}

pub struct DressedTile {
    /// Index into the scene's tiles.
    pub index: usize,
    pub dressing: Arc<Dressing>,
}

/// How one tile is drawn.
pub struct Dressing {
    pub background: Color,
    pub fit: Fit,
    /// Over the picture.
    pub overlay: Option<Overlay>,
    /// What of it covers another tile's picture; all of it where there is none.
    pub mask: Option<Mask>,
}

type DressingKey = (usize, Rect, Fit, u32, i32, Option<Label>, Vec<Decoration>, bool);
type GroundKey = (usize, Vec<Rect>, Vec<Decoration>);

impl<'a> Decorator<'a> {
    pub fn new(plan: &'a Plan, fonts: Fonts) -> Decorator<'a> {
        Decorator {
            plan,
            painter: Painter::new(fonts),
            meters: Meters::default(),
            dressings: BTreeMap::new(),
            grounds: BTreeMap::new(),
            next_ground: 0,
            backgrounds: BTreeMap::new(),
            marks: BTreeMap::new(),
        }
    }

    /// Prepares a scene.
    pub fn dress(&mut self, scene: &Scene) -> Dressed<'a> {
        if self.dressings.len() > MOST_KEPT {
            self.dressings.clear();
        }
        let layers = layers(&scene.tiles);
        let is_over_picture = |index: usize| lies_over(&scene.tiles, index, Rect::overlaps);
        let is_within_one = |index: usize| lies_over(&scene.tiles, index, Rect::holds);
        let is_round = |index: usize| scene.tiles[index].corner_radius > 0;
        let wears_off = |index: usize| is_round(index) && is_over_picture(index) && !is_within_one(index);
        let marks = self.marks(scene.look);
        Dressed {
            ground: self.ground(scene),
            backdrop: self.backdrop(scene),
            wears_off: (0..scene.tiles.len()).any(wears_off),
            meters: self.meters.dress(self.plan, scene, &marks),
            layers: layers
                .into_iter()
                .map(|layer| {
                    let dressed = layer.into_iter().map(|index| {
                        let tile = &scene.tiles[index];
                        let dressing = self.dressing(scene, tile, is_over_picture(index));
                        DressedTile { index, dressing }
                    });
                    dressed.collect()
                })
                .collect(),
        }
    }

    /// What could not be drawn, and why.
    pub fn into_warnings(self) -> Vec<String> {
        self.painter.warnings
    }

    fn ground(&mut self, scene: &Scene) -> usize {
        if self.grounds.len() > MOST_KEPT {
            self.grounds.clear();
        }
        let rects = scene.tiles.iter().map(|tile| tile.rect).collect();
        let next = self.next_ground;
        let ground = *self
            .grounds
            .entry((scene.look, rects, scene.decorations.clone()))
            .or_insert(next);
        self.next_ground = next + usize::from(ground == next);
        ground
    }

    fn backdrop(&mut self, scene: &Scene) -> Backdrop {
        let (look, canvas) = (&self.plan.looks[scene.look], self.plan.canvas);
        let mut overlays = Vec::new();
        if let Some(picture) = self.background(scene.look) {
            let whole = Rect::new(0, 0, canvas.width, canvas.height);
            overlays.push((whole, overlay_of(&picture)));
        }
        let mut avatars: Vec<&Decoration> = scene.decorations.iter().collect();
        avatars.sort_by_key(|decoration| height_of(decoration));
        for decoration in avatars {
            let drawn = self.painter.decoration(look, decoration, canvas);
            overlays.extend(drawn.map(|drawn| (drawn.rect, overlay_of(&drawn.pixmap))));
        }
        let marks = self.marks(scene.look);
        overlays.extend(marks.iter().map(|drawn| (drawn.rect, overlay_of(&drawn.pixmap))));
        Backdrop {
            color: color_of(look.background),
            overlays,
        }
    }

    fn dressing(&mut self, scene: &Scene, tile: &Tile, is_over_picture: bool) -> Arc<Dressing> {
        let near = scene
            .decorations
            .iter()
            .filter(|it| it.rect().is_some_and(|rect| rect.overlaps(tile.rect)));
        let near: Vec<Decoration> = near.cloned().collect();
        let is_cut_out = is_over_picture && tile.corner_radius > 0;
        let key = (
            scene.look,
            tile.rect,
            tile.fit,
            tile.corner_radius,
            tile.z,
            tile.label.clone(),
            near,
            is_cut_out,
        );
        if let Some(dressing) = self.dressings.get(&key) {
            return Arc::clone(dressing);
        }
        let dressing = Arc::new(Dressing {
            background: color_of(self.plan.looks[scene.look].tile_background),
            fit: tile.fit,
            overlay: self.overlay(scene.look, tile, &key.6, is_cut_out),
            mask: is_cut_out.then(|| mask_of(tile)).flatten(),
        });
        self.dressings.insert(key, Arc::clone(&dressing));
        dressing
    }

    /// All that stands still over a tile's picture: its own decoration, initials that lie above it, title and watermark.
    fn overlay(&mut self, look_index: usize, tile: &Tile, near: &[Decoration], is_cut_out: bool) -> Option<Overlay> {
        let look = &self.plan.looks[look_index];
        let behind = self.behind(look_index, tile, near);
        let radius = if is_cut_out { 0 } else { tile.corner_radius };
        let label = tile.label.as_ref();
        let mut pixmap = if is_cut_out {
            let mut pixmap = Pixmap::new(tile.rect.width, tile.rect.height)?;
            let whole = Rect::new(0, 0, tile.rect.width, tile.rect.height);
            self.painter.frame(&mut pixmap, look, whole, tile.corner_radius, label);
            pixmap
        } else {
            self.painter
                .over_tile(look, tile.rect, radius, label, behind.as_ref())?
        };
        for decoration in near.iter().filter(|it| height_of(it) > tile.z) {
            if let Some(drawn) = self.painter.decoration(look, decoration, self.plan.canvas) {
                put(&mut pixmap, tile.rect, &drawn);
            }
        }
        for mark in self.marks(look_index).iter() {
            put(&mut pixmap, tile.rect, mark);
        }
        let is_empty = pixmap.pixels().iter().all(|pixel| pixel.alpha() == 0);
        (!is_empty).then(|| overlay_of(&pixmap))
    }

    /// What shows in a tile's corners, if it is more than a colour.
    fn behind(&mut self, look_index: usize, tile: &Tile, near: &[Decoration]) -> Option<Pixmap> {
        let (look, canvas) = (&self.plan.looks[look_index], self.plan.canvas);
        let picture = self.background(look_index);
        let lower: Vec<&Decoration> = near.iter().filter(|it| height_of(it) <= tile.z).collect();
        if tile.corner_radius == 0 || (picture.is_none() && lower.is_empty()) {
            return None;
        }
        let mut behind = match picture {
            Some(picture) => (*picture).clone(),
            None => {
                let mut plain = Pixmap::new(canvas.width, canvas.height)?;
                let Rgb { red, green, blue } = look.background;
                plain.fill(tiny_skia::Color::from_rgba8(red, green, blue, 255));
                plain
            }
        };
        for decoration in lower {
            if let Some(drawn) = self.painter.decoration(look, decoration, canvas) {
                put(&mut behind, Rect::new(0, 0, canvas.width, canvas.height), &drawn);
            }
        }
        Some(behind)
    }

    fn background(&mut self, look_index: usize) -> Option<Arc<Pixmap>> {
        let look: &Look = &self.plan.looks[look_index];
        if !self.backgrounds.contains_key(&look_index) {
            let drawn = self.painter.background(look, self.plan.canvas).map(Arc::new);
            self.backgrounds.insert(look_index, drawn);
        }
        self.backgrounds[&look_index].clone()
    }

    fn marks(&mut self, look_index: usize) -> Arc<Vec<Drawn>> {
        if !self.marks.contains_key(&look_index) {
            let drawn = self.painter.marks(&self.plan.looks[look_index], self.plan.canvas);
            self.marks.insert(look_index, Arc::new(drawn));
        }
        Arc::clone(&self.marks[&look_index])
    }
}

impl Backdrop {
    /// Paints all of the canvas.
    pub fn paint(&self, picture: &mut Picture) {
        picture.fill(self.color);
        for (rect, overlay) in &self.overlays {
            picture.split(&[*rect])[0].lay(overlay);
        }
    }
}

fn color_of(rgb: Rgb) -> Color {
    Color::from_rgb(rgb.red, rgb.green, rgb.blue)
}

pub fn overlay_of(pixmap: &Pixmap) -> Overlay {
    Overlay::from_rgba(pixmap.data(), Size::new(pixmap.width(), pixmap.height()))
}

fn mask_of(tile: &Tile) -> Option<Mask> {
    let size = tile.rect.size();
    let mut mask = FloatMask::new(size.width, size.height)?;
    let path = rounded(Rect::new(0, 0, size.width, size.height), 0.0, tile.corner_radius as f32)?;
    mask.fill_path(&path, FillRule::Winding, true, Transform::identity());
    Some(Mask::from_coverage(mask.data(), size))
}

/// Draws the part of `drawn` that lies in `rect` onto a pixmap of that rectangle.
fn put(onto: &mut Pixmap, rect: Rect, drawn: &Drawn) {
    if drawn.rect.overlaps(rect) {
        let offset = |to: u32, from: u32| to as i32 - from as i32;
        let (x, y) = (offset(drawn.rect.x, rect.x), offset(drawn.rect.y, rect.y));
        onto.draw_pixmap(
            x,
            y,
            drawn.pixmap.as_ref(),
            &PixmapPaint::default(),
            Transform::identity(),
            None,
        );
    }
}

fn height_of(decoration: &Decoration) -> i32 {
    match decoration {
        Decoration::Avatar { z, .. } => *z,
        Decoration::Chat { .. } => i32::MAX,
        Decoration::Notice { .. } => 0,
    }
}
