//! Where on a tile what is said about its person stands: the name at the lower left, the level meter at the lower right.

use crate::media::{Rect, Size};

/// Letters below this height cannot be read; a tile that would need smaller ones has no name.
pub const SMALLEST_TEXT: u32 = 9;

/// How many bars a level meter has.
pub const BARS: u32 = 5;

/// The strip along the lower edge of a tile that names stand in; lengths in pixels, places within the tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamePlate {
    /// Of the letters.
    pub size: u32,
    /// To the edges of the tile.
    pub margin: u32,
    pub height: u32,
    /// Its upper edge.
    pub y: u32,
}

impl NamePlate {
    /// Of a tile with a frame of `line` pixels; `None` on one that is too small for a name that can be read.
    pub fn of(tile: Rect, line: u32) -> Option<NamePlate> {
        // a tall tile has no wider names than a flat one
        let side = tile.height.min(tile.width * 3 / 4);
        let usual = (side * 11 / 200).min((side / 30).max(24));
        let size = usual.max((side * 2 / 11).min(11));
        let height = size * 3 / 2;
        if size < SMALLEST_TEXT || tile.width < height * 3 {
            return None;
        }
        // small tiles have no air to give away
        let margin = line + if size < 11 { 1 } else { size / 2 };
        let y = tile.height.checked_sub(margin + height)?;
        Some(NamePlate {
            size,
            margin,
            height,
            y,
        })
    }
}

/// Where the level meter of a tile stands on the canvas, with as much air around its bars as between them; even.
///
/// Higher than the name where it keeps clear of the initials in the middle; on small tiles narrower, and then lower.
pub fn meter(tile: Rect, line: u32) -> Option<Rect> {
    let plate = NamePlate::of(tile, line)?;
    let bottom = (plate.y + plate.height) / 2 * 2;
    let initials = tile.width / 2 + initials_radius(tile, plate.y) + 2;
    let place = |bar: u32, height: u32| {
        let (width, height) = ((2 * BARS + 1) * bar, height / 2 * 2);
        let x = tile.width.checked_sub(plate.margin + width)? / 2 * 2;
        let y = bottom.checked_sub(height).filter(|y| *y >= line)?;
        let is_clear = x >= initials || (y + 1 >= plate.y && x >= tile.width / 2);
        is_clear.then(|| Rect::new(tile.x + x, tile.y + y, width, height))
    };
    let (usual, high) = (((plate.size + 2) / 4).next_multiple_of(2), plate.height * 9 / 4);
    let sizes = [(usual, high), (2, high), (2, plate.height)];
    sizes.into_iter().find_map(|(bar, height)| place(bar, height))
}

/// Of the disc with somebody's initials, in the middle of a tile with `room` pixels above the name.
pub fn initials_radius(tile: Rect, room: u32) -> u32 {
    (tile.width.min(tile.height) * 27 / 100).min(room * 45 / 100)
}

/// The width of a bar of a meter, and of the air around it.
pub fn bar(meter: Size) -> u32 {
    meter.width / (2 * BARS + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn meters_stand_inside_their_tile(x in 0u32..500, y in 0u32..500, w in 1u32..1000, h in 1u32..1000, line in 0u32..12) {
            let tile = Rect::new(2 * x, 2 * y, 2 * w, 2 * h);
            if let Some(meter) = meter(tile, line) {
                prop_assert!(meter.is_even() && !meter.is_empty() && tile.holds(meter), "{meter:?} in {tile:?}");
                let (right, bottom) = (meter.x + meter.width, meter.y + meter.height);
                prop_assert!(right + line <= tile.x + tile.width && bottom + line <= tile.y + tile.height);
            }
        }
    }

    #[test]
    fn meters_are_there_where_names_can_be_read() {
        for (width, height) in [(320, 180), (160, 90), (1280, 720), (360, 640)] {
            let tile = Rect::new(0, 0, width, height);
            assert!(meter(tile, 4).is_some(), "{width}x{height}");
        }
        assert_eq!(meter(Rect::new(0, 0, 40, 30), 2), None);
    }

    #[test]
    fn meters_keep_clear_of_names_edges_and_initials() {
        for width in (60..1280).step_by(2) {
            let tile = Rect::new(0, 0, width, width * 9 / 32 * 2);
            let (Some(meter), Some(plate)) = (meter(tile, 4), NamePlate::of(tile, 4)) else {
                continue;
            };
            let disc = tile.width / 2 + initials_radius(tile, plate.y);
            assert!(meter.x > disc || meter.y + 1 >= plate.y, "{meter:?} in {tile:?}");
        }
    }
}
