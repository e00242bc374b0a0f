//! Title and watermark.

use tiny_skia::{Pixmap, Transform};

use super::{
    painter::{DENSE_OPACITY, Drawn, Painter, SHADE, smooth},
    shapes::{fill_rounded, paint},
};
use crate::{
    composition::{Look, Place, plate::SMALLEST_TEXT},
    media::{Rect, Size},
};

impl Painter {
    /// Watermark and title, in the order in which they are drawn. Where they would meet, the watermark moves away from the
    /// edge.
    pub fn marks(&mut self, look: &Look, canvas: Size) -> Vec<Drawn> {
        let title = look.title.as_ref().and_then(|title| {
            let size = (canvas.width.min(canvas.height) / 28).max(SMALLEST_TEXT);
            let pixmap = self.pill(&title.text, size, canvas.width / 2)?;
            Some((title.place, pixmap))
        });
        let watermark = look.watermark.as_ref().and_then(|mark| {
            let picture = self.picture(&mark.picture)?;
            let scale = mark.width as f32 / picture.width() as f32;
            let height = (picture.height() as f32 * scale).round().max(1.0) as u32;
            let mut pixmap = Pixmap::new(even(mark.width.min(canvas.width)), even(height.min(canvas.height)))?;
            let paint = smooth(f32::from(mark.opacity.min(100)) / 100.0);
            pixmap.draw_pixmap(
                0,
                0,
                (*picture).as_ref(),
                &paint,
                Transform::from_scale(scale, scale),
                None,
            );
            Some((mark.place, pixmap))
        });
        let drawn = |(place, pixmap): (Place, Pixmap)| Drawn {
            rect: placed(place, Size::new(pixmap.width(), pixmap.height()), canvas),
            pixmap,
        };
        let (title, mut watermark) = (title.map(drawn), watermark.map(drawn));
        if let (Some(title), Some(mark)) = (&title, &mut watermark) {
            mark.rect = beside(mark.rect, title.rect, canvas).unwrap_or(mark.rect);
        }
        let marks = watermark.into_iter().chain(title);
        marks.filter(|drawn| drawn.rect.is_inside(canvas)).collect()
    }

    /// Text on a shade of its own.
    fn pill(&mut self, text: &str, size: u32, most: u32) -> Option<Pixmap> {
        let line = self.typesetter()?.line(text, size, most)?;
        let (width, height) = (even(line.width + size * 6 / 5), even(size * 9 / 5));
        let mut pixmap = Pixmap::new(width, height)?;
        fill_rounded(
            &mut pixmap,
            Rect::new(0, 0, width, height),
            height / 3,
            &paint(SHADE, DENSE_OPACITY),
        );
        let (x, baseline) = ((width - line.width) / 2, height / 2 + size * 7 / 20);
        self.typesetter()?
            .draw(&line, &mut pixmap, x as i32, baseline as i32, [255; 3]);
        Some(pixmap)
    }
}

fn even(length: u32) -> u32 {
    length.next_multiple_of(2)
}

/// Where something of that size stands on the canvas; even.
fn placed(place: Place, size: Size, canvas: Size) -> Rect {
    let margin = canvas.width.min(canvas.height) / 40;
    let (right, bottom) = (
        canvas.width.saturating_sub(size.width + margin),
        canvas.height.saturating_sub(size.height + margin),
    );
    let middle = canvas.width.saturating_sub(size.width) / 2;
    let (x, y) = match place {
        Place::TopLeft => (margin, margin),
        Place::Top => (middle, margin),
        Place::TopRight => (right, margin),
        Place::BottomLeft => (margin, bottom),
        Place::Bottom => (middle, bottom),
        Place::BottomRight => (right, bottom),
    };
    Rect::new(x / 2 * 2, y / 2 * 2, size.width, size.height)
}

/// Where `mark` clears `title`: below it at the top of the canvas, above it at the bottom; `None` if there is no room.
fn beside(mark: Rect, title: Rect, canvas: Size) -> Option<Rect> {
    if !mark.overlaps(title) {
        return Some(mark);
    }
    let air = even(canvas.width.min(canvas.height) / 80);
    let y = if title.y < canvas.height / 2 {
        title.y + title.height + air
    } else {
        title.y.checked_sub(air + mark.height)?
    };
    let moved = Rect { y, ..mark };
    moved.is_inside(canvas).then_some(moved)
}

#[cfg(test)]
mod tests {
    use super::{super::text::Fonts, *};
    use crate::composition::{Title, Watermark};

    const CANVAS: Size = Size {
        width: 640,
        height: 360,
    };

    /// The watermark, `height` pixels high, then the title.
    fn drawn(title: Place, watermark: Place, height: u32) -> Vec<Rect> {
        let picture = tempfile::NamedTempFile::new().unwrap();
        Pixmap::new(100, height).unwrap().save_png(picture.path()).unwrap();
        let look = Look {
            title: Some(Title {
                text: "Weekly".to_owned(),
                place: title,
            }),
            watermark: Some(Watermark {
                picture: picture.path().display().to_string(),
                place: watermark,
                width: 100,
                opacity: 80,
            }),
            ..Look::of(&crate::layout::builtin("grid").unwrap(), CANVAS, "")
        };
        let marks = Painter::new(Fonts::System).marks(&look, CANVAS);
        marks.iter().map(|mark| mark.rect).collect()
    }

    #[test]
    fn a_title_is_never_beneath_the_watermark() {
        for place in [
            Place::TopLeft,
            Place::Top,
            Place::TopRight,
            Place::BottomLeft,
            Place::Bottom,
            Place::BottomRight,
        ] {
            let [mark, title] = drawn(place, place, 40)[..] else {
                panic!("both are drawn")
            };
            assert!(!mark.overlaps(title), "{place:?}: {mark:?} meets {title:?}");
            assert!(mark.is_even() && mark.is_inside(CANVAS));
            assert_eq!(
                title,
                drawn(place, Place::default(), 40)[1],
                "the title stays where it is"
            );
        }
        let apart = drawn(Place::TopLeft, Place::TopRight, 40);
        assert_eq!(apart[0].y, apart[1].y, "what does not meet is not moved");
        // no room beside it: the title lies above
        let [mark, title] = drawn(Place::Bottom, Place::Bottom, 350)[..] else {
            panic!("both are drawn")
        };
        assert!(mark.height == 350 && mark.overlaps(title));
    }
}
