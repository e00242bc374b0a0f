//! Pixels: sizes and rectangles on the canvas, origin at its upper left corner, x to the right, y downwards.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

/// A rectangle in pixels of the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rect {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

/// How a picture is put into a tile of another shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// The whole picture, with background at two sides.
    Contain,
    /// All of the tile; what the picture has beyond it at two sides is cut off evenly.
    Cover,
    /// Like `cover`, but what is cut at top and bottom is cut mostly at the bottom: faces are in the upper middle. A
    /// picture of which less than two fifths would be left is shown whole instead.
    CoverFace,
}

/// Which part of a picture is shown, in its own pixels, and where on the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    pub part: Rect,
    pub place: Rect,
}

impl Fit {
    /// How a picture of that size is shown in `tile`.
    pub fn place(self, picture: Size, tile: Rect) -> Placed {
        let whole = Rect::new(0, 0, picture.width, picture.height);
        let contained = tile.contain(picture);
        let contained = Placed {
            part: whole,
            place: if tile.is_all_but_filled(contained) {
                tile
            } else {
                contained
            },
        };
        // a picture that small has no even part
        if self == Fit::Contain || picture.width < 4 || picture.height < 4 || tile.is_empty() {
            return contained;
        }
        let even = Rect::new(0, 0, picture.width / 2 * 2, picture.height / 2 * 2);
        let mut part = even.contain(tile.size());
        let is_mostly_lost = part.size().pixels() * 5 < picture.pixels() * 2;
        match self {
            Fit::CoverFace if is_mostly_lost => return contained,
            Fit::CoverFace => part.y = (picture.height - part.height) / 8 * 2,
            Fit::Cover | Fit::Contain => {}
        }
        Placed { part, place: tile }
    }
}

impl Size {
    /// Smallest canvas edge that all layouts and the encoder can work with.
    pub const MIN_EDGE: u32 = 16;
    /// Largest canvas edge: H.264 level 6.2 ends at 8192 (ITU-T H.264 table A-1), and memory follows it.
    pub const MAX_EDGE: u32 = 8192;

    pub fn new(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    pub fn pixels(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Whether a 4:2:0 picture of this size can be encoded.
    pub fn is_canvas(self) -> bool {
        let edges = [self.width, self.height];
        edges
            .iter()
            .all(|edge| (Self::MIN_EDGE..=Self::MAX_EDGE).contains(edge) && edge % 2 == 0)
    }
}

impl Rect {
    pub fn new(x: u32, y: u32, width: u32, height: u32) -> Rect {
        Rect { x, y, width, height }
    }

    pub fn size(self) -> Size {
        Size::new(self.width, self.height)
    }

    pub fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }

    pub fn overlaps(self, other: Rect) -> bool {
        self.x < other.x + other.width
            && other.x < self.x + self.width
            && self.y < other.y + other.height
            && other.y < self.y + self.height
    }

    /// Whether all of `other` lies in it.
    pub fn holds(self, other: Rect) -> bool {
        self.x <= other.x
            && self.y <= other.y
            && other.x + other.width <= self.x + self.width
            && other.y + other.height <= self.y + self.height
    }

    pub fn is_inside(self, size: Size) -> bool {
        u64::from(self.x) + u64::from(self.width) <= u64::from(size.width)
            && u64::from(self.y) + u64::from(self.height) <= u64::from(size.height)
    }

    pub fn is_even(self) -> bool {
        [self.x, self.y, self.width, self.height]
            .iter()
            .all(|edge| edge % 2 == 0)
    }

    /// The largest rectangle of the shape of `picture` that fits into this one, centred, with even edges for 4:2:0.
    ///
    /// At least 2x2, so that a picture of an absurd shape is drawn thin, not lost.
    pub fn contain(self, picture: Size) -> Rect {
        let (w, h) = (u64::from(self.width), u64::from(self.height));
        let (pw, ph) = (u64::from(picture.width.max(1)), u64::from(picture.height.max(1)));
        let (width, height) = if w * ph <= h * pw {
            (w, round_even(w * ph, pw, h))
        } else {
            (round_even(h * pw, ph, w), h)
        };
        let x = u64::from(self.x) + (w - width) / 4 * 2;
        let y = u64::from(self.y) + (h - height) / 4 * 2;
        let edge = |value: u64| u32::try_from(value).expect("an edge within a canvas rectangle fits u32");
        Rect::new(edge(x), edge(y), edge(width), edge(height))
    }
}

impl Rect {
    /// Whether nothing but rounding to even edges keeps `within` from filling this one: two pixels at most, and no more
    /// than a fiftieth, which nobody sees in the picture's shape but everybody in a strip beside it.
    fn is_all_but_filled(self, within: Rect) -> bool {
        let is_sliver = |edge: u32, free: u32| free <= 2 && free * 50 <= edge;
        is_sliver(self.width, self.width - within.width) && is_sliver(self.height, self.height - within.height)
    }
}

/// `numerator / denominator` to the nearest even number, at least 2 and at most `limit`.
fn round_even(numerator: u64, denominator: u64, limit: u64) -> u64 {
    let halves = (numerator + denominator) / (2 * denominator);
    (halves * 2).max(2).min(limit)
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}x{}", self.width, self.height))
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Size, String> {
        let wrong = || format!("'{text}' is not WIDTHxHEIGHT, e.g. 1280x720");
        let (width, height) = text.split_once(['x', 'X']).ok_or_else(wrong)?;
        let edge = |part: &str| part.trim().parse::<u32>().map_err(|_| wrong());
        let size = Size::new(edge(width)?, edge(height)?);
        if size.is_canvas() {
            Ok(size)
        } else {
            Err(format!(
                "{size}: both edges must be even and within {}..={}",
                Size::MIN_EDGE,
                Size::MAX_EDGE
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn contained_pictures_keep_their_shape_inside_the_tile(
            w in 1u32..1000, h in 1u32..1000, x in 0u32..500, y in 0u32..500, pw in 1u32..5000, ph in 1u32..5000,
        ) {
            let tile = Rect::new(2 * x, 2 * y, 2 * w, 2 * h);
            let inside = tile.contain(Size::new(pw, ph));
            prop_assert!(inside.is_even());
            prop_assert!(inside.x >= tile.x && inside.x + inside.width <= tile.x + tile.width);
            prop_assert!(inside.y >= tile.y && inside.y + inside.height <= tile.y + tile.height);
            prop_assert!(inside.width == tile.width || inside.height == tile.height);
            // the free edge is within one pixel of the exact aspect, unless it was held at the 2 pixel minimum
            let exact_height = f64::from(inside.width) * f64::from(ph) / f64::from(pw);
            let exact_width = f64::from(inside.height) * f64::from(pw) / f64::from(ph);
            let off = (f64::from(inside.height) - exact_height).abs().min((f64::from(inside.width) - exact_width).abs());
            prop_assert!(off <= 1.0 || inside.width == 2 || inside.height == 2, "off by {off}");
        }
    }

    #[test]
    fn covering_pictures_fill_their_tile_and_keep_faces() {
        let (tile, wide) = (Rect::new(100, 50, 640, 360), Size::new(1280, 720));
        let upright = Size::new(480, 640);
        let whole = Rect::new(0, 0, 1280, 720);
        assert_eq!(
            Fit::CoverFace.place(wide, tile),
            Placed {
                part: whole,
                place: tile
            }
        );
        let square = Fit::Cover.place(Size::new(480, 480), tile);
        assert_eq!((square.part, square.place), (Rect::new(0, 104, 480, 270), tile));
        assert_eq!(Fit::CoverFace.place(Size::new(480, 480), tile).part.y, 52);
        assert_eq!(Fit::CoverFace.place(upright, tile).place, tile);
        let phone = Size::new(360, 640);
        assert_eq!(Fit::Cover.place(phone, tile).place, tile);
        assert_eq!(Fit::CoverFace.place(phone, tile).place, tile.contain(phone));
        assert_eq!(Fit::Contain.place(upright, tile).part, Rect::new(0, 0, 480, 640));
    }

    #[test]
    fn no_sliver_is_left_beside_a_picture() {
        let wide = Size::new(1280, 720);
        let tile = |width, height| Rect::new(10, 20, width, height);
        for (width, height) in [(172, 96), (170, 96), (640, 362)] {
            let tile = tile(width, height);
            assert_eq!(Fit::Contain.place(wide, tile).place, tile);
        }
        assert_eq!(Fit::Contain.place(wide, tile(178, 96)).place.width, 170);
        // so small a picture would be bent
        assert_eq!(Fit::Contain.place(wide, tile(34, 18)).place.width, 32);
    }

    #[test]
    fn sizes_are_read_and_refused() {
        assert_eq!("1280x720".parse(), Ok(Size::new(1280, 720)));
        assert_eq!("720X1280".parse(), Ok(Size::new(720, 1280)));
        for wrong in ["", "1280", "1280x", "x", "1281x720", "0x0", "99999x2", "-2x4"] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong} was taken");
        }
    }
}
