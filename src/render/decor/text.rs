//! Lines of text of any script, shaped and drawn.

use std::{fs, path::PathBuf};

use cosmic_text::{
    Align, Attrs, Buffer, Color, Family, FontSystem, LayoutGlyph, LayoutRun, Metrics, Shaping, SwashCache, Weight,
    Wrap, fontdb::Database,
};
use tiny_skia::{Pixmap, PremultipliedColorU8};

use super::emoji::pieces;

/// Where fonts come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Fonts {
    /// Those that the system has.
    #[default]
    System,
    /// Those of a folder, and no others.
    Folder(PathBuf),
}

impl Fonts {
    /// Those of a folder, which must be there, or else the system's.
    pub fn of(folder: Option<PathBuf>) -> Result<Fonts, String> {
        let Some(folder) = folder else {
            return Ok(Fonts::System);
        };
        match fs::read_dir(&folder) {
            Ok(_) => Ok(Fonts::Folder(folder)),
            Err(error) => Err(format!(
                "folder of fonts '{}': {error}: name one that is there, or none to use the system's fonts",
                folder.display()
            )),
        }
    }
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
/// Other fonts draw some of the emoji too, but without colour.
const EMOJI: &str = "Noto Color Emoji";
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
        let room = self.wrapping(text, size, room);
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

    /// Draws `line` with its left end at `x` and the baseline of the first line at `y`; what is piled on its letters is cut
    /// off before it covers what stands above and below.
    pub fn draw(&mut self, line: &Line, onto: &mut Pixmap, x: i32, y: i32, color: [u8; 3]) {
        let (width, height) = (onto.width() as i32, onto.height() as i32);
        let ink = Color::rgb(color[0], color[1], color[2]);
        let first = line.buffer.layout_runs().next().map_or(0.0, |run| run.line_y);
        let (above, below) = (line.size * 11 / 10, line.size * 3 / 5);
        for run in line.buffer.layout_runs() {
            let baseline = y + (run.line_y - first) as i32;
            let rows = (baseline - above as i32).max(0)..(baseline + below as i32).min(height);
            // lines that begin at the right end at the same place there
            let (left, right) = extent(&run);
            let indent = if run.rtl { line.width as f32 - right } else { -left };
            for glyph in run.glyphs.iter().filter(|glyph| glyph.glyph_id != 0) {
                let place = glyph.physical((indent.round(), run.line_y - first), 1.0);
                self.cache
                    .with_pixels(&mut self.system, place.cache_key, ink, |dx, dy, color| {
                        let (px, py) = (x + place.x + dx, y + place.y + dy);
                        if (0..width).contains(&px) && rows.contains(&py) {
                            blend(&mut onto.pixels_mut()[(py * width + px) as usize], color);
                        }
                    });
            }
        }
    }

    /// Where to break the lines of `text` so that none is wider than `room`: lines of two directions may be broken too late.
    fn wrapping(&mut self, text: &str, size: u32, room: u32) -> u32 {
        let narrower = [8, 7, 6, 5, 4].map(|eighths| room * eighths / 8);
        let fits = |width: &u32| self.set(text, size, Some(*width)).width <= room;
        narrower.into_iter().find(fits).unwrap_or(room)
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
        let pictures = attrs.clone().family(Family::Name(EMOJI));
        let spans = pieces(text).into_iter().map(|(piece, is_picture)| {
            let attrs = if is_picture { &pictures } else { &attrs };
            (piece, attrs.clone())
        });
        // lines of any direction start at the left, so that their glyphs lie within their width
        buffer.set_rich_text(&mut self.system, spans, &attrs, Shaping::Advanced, Some(Align::Left));
        buffer.shape_until_scroll(&mut self.system, false);
        let widths = buffer
            .layout_runs()
            .map(|run| extent(&run))
            .map(|(left, right)| right - left);
        let width = widths.fold(0.0, f32::max);
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

/// From where to where a line reaches, without the space at which it is broken.
fn extent(run: &LayoutRun<'_>) -> (f32, f32) {
    let is_blank = |glyph: &LayoutGlyph| {
        run.text
            .get(glyph.start..glyph.end)
            .is_some_and(|it| it.trim().is_empty())
    };
    let glyphs = run.glyphs.iter().filter(|glyph| !is_blank(glyph));
    let ends = glyphs.map(|glyph| (glyph.x, glyph.x + glyph.w));
    let all = ends.reduce(|all, glyph| (all.0.min(glyph.0), all.1.max(glyph.1)));
    all.unwrap_or_default()
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
    fn paragraphs_from_right_to_left_lie_within_their_width() {
        let mut setter = Typesetter::new(&Fonts::System).expect("scripts/setup.sh installs fonts");
        for (text, rows) in [
            ("مرحبا", 1),
            ("שלום לכולם", 1),
            ("مرحبا بالجميع كيف حالكم اليوم", 2),
            ("مرحبا بالجميع كيف حالكم hello اليوم", 2),
            ("hello مرحبا بكم", 1),
        ] {
            let line = setter.paragraph(text, 20, 120, 4).unwrap();
            assert!(line.rows >= rows && line.width <= 120, "{text}: {} rows", line.rows);
            let mut pixmap = Pixmap::new(600, 120).unwrap();
            setter.draw(&line, &mut pixmap, 200, 30, [255; 3]);
            let columns: Vec<u32> = (0..600)
                .filter(|x| (0..120).any(|y| is_inked(&pixmap, *x, y)))
                .collect();
            let (first, last) = (columns[0], columns[columns.len() - 1]);
            assert!(
                first >= 197 && last <= 203 + line.width,
                "{text}: {first} to {last} of {}",
                line.width
            );
            assert!(
                first <= 210 && last + 10 >= 200 + line.width,
                "{text}: {first} to {last}"
            );
            for row in 0..line.rows {
                let place = 30 + row * 25;
                let ink = (place - 15..place).flat_map(|y| (0..600).map(move |x| (x, y)));
                assert!(
                    ink.filter(|(x, y)| is_inked(&pixmap, *x, *y)).count() > 20,
                    "{text}: line {row} is empty"
                );
            }
        }
    }

    #[test]
    fn accents_piled_up_stay_in_their_line() {
        let mut setter = Typesetter::new(&Fonts::System).expect("scripts/setup.sh installs fonts");
        let line = setter.line(&format!("e{}", "\u{301}".repeat(40)), 20, 200).unwrap();
        let mut pixmap = Pixmap::new(200, 200).unwrap();
        setter.draw(&line, &mut pixmap, 20, 150, [255; 3]);
        let rows: Vec<u32> = (0..200)
            .filter(|y| (0..200).any(|x| is_inked(&pixmap, x, *y)))
            .collect();
        assert!(rows[0] >= 150 - 22 && rows[rows.len() - 1] < 150 + 12, "{rows:?}");
    }

    #[test]
    fn emoji_are_coloured() {
        let mut setter = Typesetter::new(&Fonts::System).expect("scripts/setup.sh installs fonts");
        for text in ["😀", "😃", "🦊", "1\u{fe0f}\u{20e3}"] {
            let line = setter.line(text, 24, 200).unwrap();
            let mut pixmap = Pixmap::new(60, 60).unwrap();
            setter.draw(&line, &mut pixmap, 5, 40, [255; 3]);
            let is_colour = |pixel: &&PremultipliedColorU8| pixel.red().abs_diff(pixel.blue()) > 40;
            assert!(
                pixmap.pixels().iter().filter(is_colour).count() > 50,
                "{text} is not coloured"
            );
        }
    }

    fn is_inked(pixmap: &Pixmap, x: u32, y: u32) -> bool {
        pixmap.pixel(x, y).is_some_and(|pixel| pixel.alpha() > 0)
    }

    #[test]
    fn without_fonts_there_is_no_typesetter() {
        let empty = tempfile::TempDir::new().unwrap();
        assert!(Typesetter::new(&Fonts::Folder(empty.path().to_owned())).is_none());
    }
}
