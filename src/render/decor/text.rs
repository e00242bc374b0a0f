//! Lines of text of any script, shaped and drawn.

use std::path::PathBuf;

use cosmic_text::{
    Attrs, Buffer, Color, Family, FontSystem, Metrics, Shaping, SwashCache, Weight, Wrap, fontdb::Database,
};
use tiny_skia::{Pixmap, PremultipliedColorU8};

/// Where fonts come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Fonts {
    /// Those that the system has.
    #[default]
    System,
    /// Those of a folder, and no others.
    Folder(PathBuf),
}

/// Shapes and draws text.
pub struct Typesetter {
    system: FontSystem,
    cache: SwashCache,
}

/// A shaped line, or several of them.
pub struct Line {
    buffer: Buffer,
    pub width: u32,
    pub size: u32,
    pub rows: u32,
}

/// Families to write with, the best first; what they lack comes from others.
const FAMILIES: [&str; 4] = ["Noto Sans", "Open Sans", "DejaVu Sans", "Liberation Sans"];
const ELLIPSIS: &str = "…";

impl Typesetter {
    /// `None` if there is not a single font.
    pub fn new(fonts: &Fonts) -> Option<Typesetter> {
        let mut database = Database::new();
        match fonts {
            Fonts::System => database.load_system_fonts(),
            Fonts::Folder(folder) => database.load_fonts_dir(folder),
        }
        let has = |family: &str| {
            let mut faces = database.faces();
            faces.any(|face| face.families.iter().any(|(name, _)| name == family))
        };
        let family = FAMILIES.into_iter().find(|family| has(family)).map(str::to_owned);
        let first = || Some(database.faces().next()?.families.first()?.0.clone());
        let family = family.or_else(first)?;
        database.set_sans_serif_family(family);
        Some(Typesetter {
            // not the machine's locale: the same session looks the same everywhere
            system: FontSystem::new_with_locale_and_db("en-US".to_owned(), database),
            cache: SwashCache::new(),
        })
    }

    /// `text` in one line, shortened to `most` pixels; `None` if no font has any of its letters.
    pub fn line(&mut self, text: &str, size: u32, most: u32) -> Option<Line> {
        let whole = self.shaped(text, size);
        if whole.width <= most {
            return whole.is_legible().then_some(whole);
        }
        // the ends of clusters: nothing that belongs together is cut
        let runs = whole.buffer.layout_runs();
        let mut ends: Vec<usize> = runs.flat_map(|run| run.glyphs.iter().map(|glyph| glyph.end)).collect();
        ends.sort_unstable();
        ends.dedup();
        let (mut fits, mut too_long) = (0, ends.len());
        while fits + 1 < too_long {
            let middle = usize::midpoint(fits, too_long);
            if self.shortened(text, ends[middle - 1], size).width <= most {
                fits = middle;
            } else {
                too_long = middle;
            }
        }
        let end = ends.get(fits.checked_sub(1)?)?;
        let line = self.shortened(text, *end, size);
        (line.width <= most && line.is_legible()).then_some(line)
    }

    /// `text` in lines of `room` pixels, shortened to so many; `None` if no font has any of its letters.
    pub fn paragraph(&mut self, text: &str, size: u32, room: u32, most: usize) -> Option<Line> {
        let whole = self.set(text, size, Some(room));
        if whole.rows as usize <= most {
            return whole.is_legible().then_some(whole);
        }
        // where the last line ends; the ellipsis takes the place of its last words
        let run = whole.buffer.layout_runs().nth(most - 1)?;
        let mut end = run.glyphs.iter().map(|glyph| glyph.end).max()?;
        loop {
            let kept = text.get(..end)?.trim_end();
            let line = self.set(&format!("{kept}{ELLIPSIS}"), size, Some(room));
            if line.rows as usize <= most {
                return line.is_legible().then_some(line);
            }
            end = kept.char_indices().next_back()?.0;
        }
    }

    /// Draws `line` with its left end at `x` and the baseline of the first line at `y`.
    pub fn draw(&mut self, line: &Line, onto: &mut Pixmap, x: i32, y: i32, color: [u8; 3]) {
        let (width, height) = (onto.width() as i32, onto.height() as i32);
        let ink = Color::rgb(color[0], color[1], color[2]);
        let first = line.buffer.layout_runs().next().map_or(0.0, |run| run.line_y);
        for run in line.buffer.layout_runs() {
            for glyph in run.glyphs.iter().filter(|glyph| glyph.glyph_id != 0) {
                let place = glyph.physical((0.0, run.line_y - first), 1.0);
                self.cache
                    .with_pixels(&mut self.system, place.cache_key, ink, |dx, dy, color| {
                        let (px, py) = (x + place.x + dx, y + place.y + dy);
                        if (0..width).contains(&px) && (0..height).contains(&py) {
                            blend(&mut onto.pixels_mut()[(py * width + px) as usize], color);
                        }
                    });
            }
        }
    }

    fn shortened(&mut self, text: &str, end: usize, size: u32) -> Line {
        let kept = text.get(..end).unwrap_or_default().trim_end();
        self.shaped(&format!("{kept}{ELLIPSIS}"), size)
    }

    fn shaped(&mut self, text: &str, size: u32) -> Line {
        self.set(text, size, None)
    }

    fn set(&mut self, text: &str, size: u32, room: Option<u32>) -> Line {
        let spacing = Metrics::relative(size.max(1) as f32, 1.25);
        let mut buffer = Buffer::new(&mut self.system, spacing);
        let wrap = if room.is_some() { Wrap::WordOrGlyph } else { Wrap::None };
        buffer.set_wrap(&mut self.system, wrap);
        buffer.set_size(&mut self.system, room.map(|room| room as f32), None);
        let attrs = Attrs::new().family(Family::SansSerif).weight(Weight::NORMAL);
        buffer.set_text(&mut self.system, text, &attrs, Shaping::Advanced, None);
        buffer.shape_until_scroll(&mut self.system, false);
        let width = buffer.layout_runs().map(|run| run.line_w).fold(0.0, f32::max);
        Line {
            width: width.ceil() as u32,
            rows: buffer.layout_runs().count() as u32,
            buffer,
            size,
        }
    }
}

impl Line {
    /// Whether any letter is found in a font.
    fn is_legible(&self) -> bool {
        let mut glyphs = self.buffer.layout_runs().flat_map(|run| run.glyphs);
        glyphs.any(|glyph| glyph.glyph_id != 0)
    }
}

/// Lays a colour that is not premultiplied over a pixel.
fn blend(pixel: &mut PremultipliedColorU8, color: Color) {
    let alpha = u32::from(color.a());
    let mix = |new: u8, old: u8| {
        let sum = u32::from(new) * alpha + u32::from(old) * (255 - alpha);
        ((sum + 127) / 255) as u8
    };
    let (red, green, blue) = (
        mix(color.r(), pixel.red()),
        mix(color.g(), pixel.green()),
        mix(color.b(), pixel.blue()),
    );
    let covered = mix(255, pixel.alpha());
    // rounding may leave a colour a step above its coverage
    let bound = |channel: u8| channel.min(covered);
    *pixel = PremultipliedColorU8::from_rgba(bound(red), bound(green), bound(blue), covered)
        .expect("colours are at most their coverage");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many pixels a text colours.
    fn inked(setter: &mut Typesetter, text: &str) -> usize {
        let mut pixmap = Pixmap::new(400, 60).unwrap();
        let Some(line) = setter.line(text, 24, 400) else {
            return 0;
        };
        setter.draw(&line, &mut pixmap, 0, 40, [255; 3]);
        pixmap.pixels().iter().filter(|pixel| pixel.alpha() > 0).count()
    }

    #[test]
    fn every_script_is_drawn() {
        let mut setter = Typesetter::new(&Fonts::System).expect("scripts/setup.sh installs fonts");
        for text in [
            "Asha",
            "Ольга",
            "王小明",
            "さくら",
            "김민수",
            "ليلى",
            "שרה",
            "मीरा",
            "สมชาย",
            "🦊",
        ] {
            assert!(inked(&mut setter, text) > 60, "{text} is not drawn");
        }
        assert_eq!(
            inked(&mut setter, "\u{10ffff}"),
            0,
            "what no font has is left out, not a box"
        );
    }

    #[test]
    fn long_names_are_shortened_to_fit() {
        let mut setter = Typesetter::new(&Fonts::System).expect("scripts/setup.sh installs fonts");
        for text in [
            "Maximiliana Wolkenstein",
            "ليلى عبد الرحمن الخطيب",
            "王小明王小明王小明王小明",
        ] {
            let line = setter.line(text, 20, 100).unwrap();
            assert!((50..=100).contains(&line.width), "{text}: {}", line.width);
        }
        assert!(setter.line("Asha", 20, 3).is_none());
        let story = setter.paragraph(&"once upon a time ".repeat(9), 20, 120, 3).unwrap();
        assert!(
            story.rows == 3 && story.width <= 120,
            "{} rows, {} wide",
            story.rows,
            story.width
        );
    }

    #[test]
    fn without_fonts_there_is_no_typesetter() {
        let empty = tempfile::TempDir::new().unwrap();
        assert!(Typesetter::new(&Fonts::Folder(empty.path().to_owned())).is_none());
    }
}
