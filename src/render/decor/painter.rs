//! Drawing tiles' decoration, initials and marks.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use tiny_skia::{FillRule, FilterQuality, Pattern, Pixmap, PixmapPaint, SpreadMode, Transform};

use super::{
    pictures::load_picture,
    shapes::{corners, fill_circle, fill_rounded, muted_mark, paint, screen_mark, stroke_rounded},
    text::{Fonts, Typesetter},
};
use crate::{
    composition::{
        Decoration, Label, Look,
        plate::{NamePlate, SMALLEST_TEXT, initials_radius},
    },
    media::{Rect, Rgb, Size},
};

pub const WHITE: Rgb = rgb(0xff, 0xff, 0xff);
/// Behind names.
pub const SHADE: Rgb = rgb(0x0c, 0x0f, 0x12);
pub const SHADE_OPACITY: u8 = 168;
/// Where white names may be beneath, which must not mix with the letters.
pub const DENSE_OPACITY: u8 = 240;
const MUTED: Rgb = rgb(0xff, 0x7a, 0x73);
pub const NOTICE: Rgb = rgb(0x9a, 0xa5, 0xb1);
const fn rgb(red: u8, green: u8, blue: u8) -> Rgb {
    Rgb { red, green, blue }
}

/// Draws decoration in RGBA.
pub struct Painter {
    typesetter: Option<Typesetter>,
    fonts: Fonts,
    is_open: bool,
    pictures: BTreeMap<String, Option<Arc<Pixmap>>>,
    pub warnings: Vec<String>,
}

/// Something drawn, and where it stands on the canvas.
pub struct Drawn {
    pub rect: Rect,
    pub pixmap: Pixmap,
}

impl Painter {
    pub fn new(fonts: Fonts) -> Painter {
        Painter {
            typesetter: None,
            fonts,
            is_open: false,
            pictures: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }

    /// What lies behind all tiles: the background's picture, if it has one.
    pub fn background(&mut self, look: &Look, canvas: Size) -> Option<Pixmap> {
        let path = look.background_picture.as_ref()?;
        let picture = self.picture(path)?;
        let mut pixmap = Pixmap::new(canvas.width, canvas.height)?;
        let Rgb { red, green, blue } = look.background;
        pixmap.fill(tiny_skia::Color::from_rgba8(red, green, blue, 255));
        let (across, down) = (
            canvas.width as f32 / picture.width() as f32,
            canvas.height as f32 / picture.height() as f32,
        );
        let scale = across.max(down);
        let (x, y) = (
            (canvas.width as f32 - picture.width() as f32 * scale) / 2.0,
            (canvas.height as f32 - picture.height() as f32 * scale) / 2.0,
        );
        pixmap.draw_pixmap(
            0,
            0,
            (*picture).as_ref(),
            &smooth(1.0),
            Transform::from_row(scale, 0.0, 0.0, scale, x, y),
            None,
        );
        Some(pixmap)
    }

    /// The corners, frame and name that lie over a tile's picture. `behind` is what shows in its corners: a picture of
    /// all of the canvas, or the background's colour.
    pub fn over_tile(
        &mut self,
        look: &Look,
        rect: Rect,
        radius: u32,
        label: Option<&Label>,
        behind: Option<&Pixmap>,
    ) -> Option<Pixmap> {
        let mut pixmap = Pixmap::new(rect.width, rect.height)?;
        let whole = Rect::new(0, 0, rect.width, rect.height);
        self.frame(&mut pixmap, look, whole, radius, label);
        if let Some(path) = corners(whole, radius).filter(|_| radius > 0) {
            let mut paint = paint(look.background, 255);
            if let Some(behind) = behind {
                let shift = Transform::from_translate(-(rect.x as f32), -(rect.y as f32));
                paint.shader = Pattern::new(behind.as_ref(), SpreadMode::Pad, FilterQuality::Nearest, 1.0, shift);
            }
            pixmap.fill_path(&path, &paint, FillRule::EvenOdd, Transform::identity(), None);
        }
        Some(pixmap)
    }

    /// Frame and name alone, for a tile whose corners are cut out otherwise.
    pub fn frame(&mut self, pixmap: &mut Pixmap, look: &Look, rect: Rect, radius: u32, label: Option<&Label>) {
        let is_speaking = label.is_some_and(|label| label.speaking);
        if let Some(line) = look.speaking.filter(|_| is_speaking).or(look.border) {
            stroke_rounded(pixmap, rect, radius, line.width, &paint(line.color, 255));
        }
        if let Some(label) = label {
            let line = self.line_width(look);
            self.name(pixmap, rect, label, line);
        }
    }

    /// Of the widest frame a tile may have: names keep clear of it also where there is none just now, so that they never
    /// jump.
    fn line_width(&self, look: &Look) -> u32 {
        let lines = look.speaking.iter().chain(&look.border);
        lines.map(|line| line.width).max().unwrap_or(0)
    }

    /// Something that stands still for a scene.
    pub fn decoration(&mut self, look: &Look, decoration: &Decoration, canvas: Size) -> Option<Drawn> {
        match decoration {
            Decoration::Avatar { .. } => self.avatar(look, decoration),
            Decoration::Chat { rect, messages } => self.chat(*rect, messages),
            Decoration::Notice { text } => self.notice(text, canvas),
        }
    }

    /// A tile with initials, its corners clear.
    fn avatar(&mut self, look: &Look, decoration: &Decoration) -> Option<Drawn> {
        let Decoration::Avatar {
            rect,
            corner_radius,
            initials,
            color,
            label,
            ..
        } = decoration
        else {
            return None;
        };
        let mut pixmap = Pixmap::new(rect.width, rect.height)?;
        let whole = Rect::new(0, 0, rect.width, rect.height);
        fill_rounded(&mut pixmap, whole, *corner_radius, &paint(look.tile_background, 255));
        // initials stand above the name, not behind it
        let line = self.line_width(look);
        let room = label.as_ref().and_then(|_| NamePlate::of(whole, line));
        let room = room.map_or(rect.height, |plate| plate.y);
        let radius = initials_radius(whole, room) as f32;
        let middle = (rect.height as f32 / 2.0).min(room as f32 - radius - 1.0);
        fill_circle(
            &mut pixmap,
            rect.width as f32 / 2.0,
            middle,
            radius,
            &paint(*color, 255),
        );
        let size = (radius * 0.8) as u32;
        if size >= SMALLEST_TEXT - 2 {
            // some signs are too wide for the disc, others in no font
            let texts = [initials.as_str(), "?"];
            self.centred(&mut pixmap, &texts, size, (radius * 1.8) as u32, middle as u32, WHITE);
        }
        self.frame(&mut pixmap, look, whole, *corner_radius, label.as_ref());
        Some(Drawn { rect: *rect, pixmap })
    }

    /// A line of text in the middle of the canvas.
    fn notice(&mut self, text: &str, canvas: Size) -> Option<Drawn> {
        let size = (canvas.width.min(canvas.height) / 18).max(SMALLEST_TEXT);
        let rect = Rect::new(
            0,
            (canvas.height / 2).saturating_sub(size) / 2 * 2,
            canvas.width,
            (size * 2).next_multiple_of(2),
        );
        let rect = Rect::new(0, rect.y, rect.width, rect.height.min(canvas.height - rect.y));
        let mut pixmap = Pixmap::new(rect.width, rect.height)?;
        self.centred(
            &mut pixmap,
            &[text],
            size,
            canvas.width * 9 / 10,
            rect.height / 2,
            NOTICE,
        );
        Some(Drawn { rect, pixmap })
    }

    /// The name at the lower left, with its marks, on a shade.
    fn name(&mut self, pixmap: &mut Pixmap, rect: Rect, label: &Label, line: u32) {
        let Some(NamePlate {
            size,
            margin,
            height,
            y,
        }) = NamePlate::of(rect, line)
        else {
            return;
        };
        let pad = size / 2;
        let icons = u32::from(label.muted) + u32::from(label.screen);
        let icon_room = icons * (size + size / 3);
        let meter = label.meter.map_or(0, |meter| meter.width + margin);
        let most = (rect.width - 2 * margin - 2 * pad).saturating_sub(meter);
        let line = label.name.as_ref().and_then(|name| {
            let room = most.checked_sub(icon_room)?;
            self.typesetter()?.line(name, size, room)
        });
        let text_width = line.as_ref().map_or(0, |line| line.width);
        if text_width + icon_room == 0 {
            return;
        }
        let gap = if line.is_none() { size / 3 } else { 0 };
        let width = 2 * pad + icon_room + text_width - gap.min(icon_room);
        let x = margin;
        fill_rounded(
            pixmap,
            Rect::new(x, y, width, height),
            height / 3,
            &paint(SHADE, SHADE_OPACITY),
        );
        let (mut at, icon_y) = (x + pad, y + (height - size) / 2);
        if label.muted {
            muted_mark(pixmap, at, icon_y, size, &paint(MUTED, 255));
            at += size + size / 3;
        }
        if label.screen {
            screen_mark(pixmap, at, icon_y, size, &paint(WHITE, 255));
            at += size + size / 3;
        }
        if let (Some(line), Some(setter)) = (line, &mut self.typesetter) {
            let baseline = y + height / 2 + size * 7 / 20;
            setter.draw(&line, pixmap, at as i32, baseline as i32, [255; 3]);
        }
    }

    /// The first text that can be drawn, around the middle of the pixmap's width and around the row `middle`.
    fn centred(&mut self, pixmap: &mut Pixmap, texts: &[&str], size: u32, most: u32, middle: u32, color: Rgb) {
        let Some(setter) = self.typesetter() else { return };
        let Some(line) = texts.iter().find_map(|text| setter.line(text, size, most)) else {
            return;
        };
        let x = (pixmap.width() as i32 - line.width as i32) / 2;
        let baseline = middle + line.size * 7 / 20;
        setter.draw(&line, pixmap, x, baseline as i32, [color.red, color.green, color.blue]);
    }

    /// Opened when first needed: looking through a system's fonts takes a while.
    pub fn typesetter(&mut self) -> Option<&mut Typesetter> {
        if !self.is_open {
            self.is_open = true;
            self.typesetter = Typesetter::new(&self.fonts);
            if self.typesetter.is_none() {
                let place = match &self.fonts {
                    Fonts::System => "on this system".to_owned(),
                    Fonts::Folder(folder) => format!("in {}", folder.display()),
                };
                self.warnings.push(format!(
                    "no fonts found {place}: names and titles are left out (install fonts-noto-core, or give --fonts)"
                ));
            }
        }
        self.typesetter.as_mut()
    }

    pub fn picture(&mut self, path: &str) -> Option<Arc<Pixmap>> {
        if !self.pictures.contains_key(path) {
            let loaded = load_picture(Path::new(path));
            if let Err(error) = &loaded {
                self.warnings
                    .push(format!("the layout's picture {path} is left out: {error}"));
            }
            self.pictures.insert(path.to_owned(), loaded.ok().map(Arc::new));
        }
        self.pictures.get(path)?.clone()
    }
}

pub fn smooth(opacity: f32) -> PixmapPaint {
    PixmapPaint {
        opacity,
        quality: FilterQuality::Bilinear,
        ..PixmapPaint::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{composition::ChatLine, media::PeerId};

    fn painter() -> Painter {
        Painter::new(Fonts::System)
    }

    /// How many light pixels there are.
    fn ink(pixmap: &Pixmap) -> usize {
        let is_light =
            |pixel: &&tiny_skia::PremultipliedColorU8| pixel.red().min(pixel.green()).min(pixel.blue()) > 200;
        pixmap.pixels().iter().filter(is_light).count()
    }

    #[test]
    fn messages_of_every_direction_can_be_read() {
        for text in ["hello all", "مرحبا", "שלום לכולם"] {
            let message = ChatLine {
                name: "Chen".to_owned(),
                text: text.to_owned(),
            };
            let drawn = painter().chat(Rect::new(0, 0, 512, 432), &[message]).unwrap();
            assert!(ink(&drawn.pixmap) > 60, "{text}: {} pixels", ink(&drawn.pixmap));
        }
    }

    #[test]
    fn discs_are_never_empty() {
        let look = Look::of(&crate::layout::builtin("gallery").unwrap(), Size::new(640, 360), "");
        for initials in ["AR", "\u{fdfd}", "\u{10ffff}"] {
            let avatar = Decoration::Avatar {
                peer_id: PeerId::new("p"),
                rect: Rect::new(0, 0, 160, 90),
                z: 0,
                corner_radius: 0,
                initials: initials.to_owned(),
                color: rgb(0x3b, 0x6e, 0xa8),
                label: None,
            };
            let drawn = painter().decoration(&look, &avatar, Size::new(640, 360)).unwrap();
            assert!(ink(&drawn.pixmap) > 10, "{initials:?}: {}", ink(&drawn.pixmap));
        }
    }
}
