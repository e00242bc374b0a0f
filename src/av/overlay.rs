//! Pictures with transparency to lay over a canvas: converted once, and only what they cover is touched.

use super::TileMut;
use crate::media::Size;

/// A picture to lay over canvases, as often as need be.
pub struct Overlay {
    size: Size,
    planes: [Vec<Run>; 3],
}

/// Neighbouring samples of one row that are covered.
struct Run {
    row: usize,
    column: usize,
    /// Colour times coverage.
    values: Vec<u8>,
    /// How much is left of what lies below; empty where all is covered.
    keep: Vec<u8>,
}

/// How much of a tile covers what lies below it.
pub struct Mask {
    size: Size,
    planes: [Vec<u8>; 2],
}

/// A sample of an overlay: colour times coverage, and what is left of the canvas.
type Sample = (u8, u8);

impl Overlay {
    /// From rows of RGBA, the colours already multiplied by the transparency. Edges must be even.
    pub fn from_rgba(rgba: &[u8], size: Size) -> Overlay {
        assert_eq!(rgba.len() as u64, size.pixels() * 4, "four bytes a pixel");
        let (mut y, mut cb, mut cr) = (Runs::default(), Runs::default(), Runs::default());
        let line = size.width as usize * 4;
        // most of an overlay is clear, and clear lines are passed over quickly
        let is_clear = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
        let lines = rgba.chunks_exact(line).enumerate();
        for (row, line) in lines.filter(|(_, line)| !is_clear(line)) {
            let pixels = line.chunks_exact(4).enumerate();
            for (column, pixel) in pixels.filter(|(_, pixel)| pixel[3] > 0) {
                y.push(row, column, luma(channels(pixel)));
            }
        }
        let pairs = rgba.chunks_exact(2 * line).enumerate();
        for (row, pair) in pairs.filter(|(_, pair)| !is_clear(pair)) {
            let (upper, lower) = pair.split_at(line);
            let blocks = upper.chunks_exact(8).zip(lower.chunks_exact(8)).enumerate();
            for (column, (upper, lower)) in blocks.filter(|(_, (upper, lower))| !is_clear(upper) || !is_clear(lower)) {
                let mean = mean([&upper[..4], &upper[4..], &lower[..4], &lower[4..]]);
                cb.push(row, column, chroma(mean, [-38, -74, 112]));
                cr.push(row, column, chroma(mean, [112, -94, -18]));
            }
        }
        Overlay {
            size,
            planes: [y.0, cb.0, cr.0],
        }
    }

    pub fn size(&self) -> Size {
        self.size
    }
}

impl Mask {
    /// From a byte a pixel, 255 for all covered. Edges must be even.
    pub fn from_coverage(coverage: &[u8], size: Size) -> Mask {
        assert_eq!(coverage.len() as u64, size.pixels(), "a byte a pixel");
        let width = size.width as usize;
        let at = |x: usize, y: usize| u32::from(coverage[y * width + x]);
        let half = (0..size.height as usize / 2).flat_map(|y| (0..width / 2).map(move |x| (2 * x, 2 * y)));
        let half = half.map(|(x, y)| (at(x, y) + at(x + 1, y) + at(x, y + 1) + at(x + 1, y + 1) + 2) / 4);
        Mask {
            size,
            planes: [coverage.to_vec(), half.map(|mean| mean as u8).collect()],
        }
    }
}

impl TileMut<'_> {
    /// Lays `overlay`, of the tile's size, over what the tile shows.
    pub fn lay(&mut self, overlay: &Overlay) {
        assert_eq!(self.rect().size(), overlay.size, "an overlay is as large as its tile");
        for (plane, runs) in overlay.planes.iter().enumerate() {
            for run in runs {
                let samples = &mut self.row_mut(plane, run.row)[run.column..][..run.values.len()];
                if run.keep.is_empty() {
                    samples.copy_from_slice(&run.values);
                    continue;
                }
                for ((sample, value), keep) in samples.iter_mut().zip(&run.values).zip(&run.keep) {
                    *sample = value.saturating_add(scaled(*sample, *keep));
                }
            }
        }
    }

    /// Keeps `share` of 256 of what the tile shows; the rest is what `other`, a tile of the same size, shows.
    pub fn blend(&mut self, other: &mut TileMut<'_>, share: u32) {
        assert_eq!(
            self.rect().size(),
            other.rect().size(),
            "only tiles of one size are blended"
        );
        let (size, share) = (self.rect().size(), share.min(256));
        for plane in 0..3 {
            for row in 0..size.height as usize >> usize::from(plane > 0) {
                let (new, old) = (self.row_mut(plane, row), other.row_mut(plane, row));
                for (new, old) in new.iter_mut().zip(old) {
                    *new = ((u32::from(*new) * share + u32::from(*old) * (256 - share) + 128) >> 8) as u8;
                }
            }
        }
    }

    /// Takes over what `other`, a tile of the same size, shows, where `mask` says so.
    pub fn paste(&mut self, other: &mut TileMut<'_>, mask: &Mask) {
        let sizes = [other.rect().size(), mask.size];
        assert!(sizes == [self.rect().size(); 2], "a mask is as large as its tile");
        for plane in 0..3 {
            let coverage = &mask.planes[usize::from(plane > 0)];
            let width = mask.size.width as usize >> usize::from(plane > 0);
            for (row, coverage) in coverage.chunks_exact(width.max(1)).enumerate() {
                let (from, to) = (other.row_mut(plane, row), self.row_mut(plane, row));
                for ((sample, new), covered) in to.iter_mut().zip(from.iter()).zip(coverage) {
                    *sample = match covered {
                        255 => *new,
                        _ => scaled(*new, *covered).saturating_add(scaled(*sample, 255 - covered)),
                    };
                }
            }
        }
    }
}

/// `value * share / 255`, rounded.
fn scaled(value: u8, share: u8) -> u8 {
    let product = u32::from(value) * u32::from(share) + 128;
    ((product + (product >> 8)) >> 8) as u8
}

fn channels(pixel: &[u8]) -> [i32; 4] {
    [pixel[0], pixel[1], pixel[2], pixel[3]].map(i32::from)
}

fn mean(pixels: [&[u8]; 4]) -> [i32; 4] {
    let pixels = pixels.map(channels);
    [0, 1, 2, 3].map(|channel| (pixels.iter().map(|pixel| pixel[channel]).sum::<i32>() + 2) / 4)
}

/// BT.601, limited range, as `Color::from_rgb` has it; the offset counts as far as the pixel covers.
fn luma([red, green, blue, alpha]: [i32; 4]) -> Sample {
    let value = (66 * red + 129 * green + 25 * blue + 128 + 16 * 256 * alpha / 255) >> 8;
    (value.clamp(0, 255) as u8, (255 - alpha) as u8)
}

fn chroma([red, green, blue, alpha]: [i32; 4], weights: [i32; 3]) -> Sample {
    let value = weights[0] * red + weights[1] * green + weights[2] * blue;
    let value = (value + 128 + 128 * 256 * alpha / 255) >> 8;
    (value.clamp(0, 255) as u8, (255 - alpha) as u8)
}

/// Gathers samples, given row by row from left to right, into runs.
#[derive(Default)]
struct Runs(Vec<Run>);

impl Runs {
    fn push(&mut self, row: usize, column: usize, (value, keep): Sample) {
        if keep == 255 {
            return;
        }
        // what covers all and what covers a part are different work
        let goes_on =
            |run: &Run| run.row == row && run.column + run.values.len() == column && run.keep.is_empty() == (keep == 0);
        if !self.0.last().is_some_and(goes_on) {
            self.0.push(Run {
                row,
                column,
                values: Vec::new(),
                keep: Vec::new(),
            });
        }
        let run = self.0.last_mut().expect("there is a run, if only a new one");
        run.values.push(value);
        if keep > 0 {
            run.keep.push(keep);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        av::{Color, Picture},
        media::Rect,
    };

    /// A 32x16 canvas of `below` with `rgba` in all of it.
    fn laid(below: Color, rgba: [u8; 4]) -> [u8; 3] {
        let size = Size::new(32, 16);
        let overlay = Overlay::from_rgba(&rgba.repeat(32 * 16), size);
        let mut picture = Picture::new(size).unwrap();
        picture.fill(below);
        let mut tiles = picture.split(&[Rect::new(0, 0, 32, 16)]);
        tiles[0].lay(&overlay);
        [0, 1, 2].map(|plane| tiles[0].row_mut(plane, 3)[5])
    }

    #[test]
    fn what_covers_all_replaces_and_what_is_clear_leaves_alone() {
        let below = Color {
            y: 90,
            cb: 100,
            cr: 110,
        };
        let Color { y, cb, cr } = Color::from_rgb(200, 40, 90);
        assert_eq!(laid(below, [200, 40, 90, 255]), [y, cb, cr]);
        assert_eq!(laid(below, [0, 0, 0, 0]), [90, 100, 110]);
    }

    #[test]
    fn half_a_colour_is_half_way() {
        let below = Color::from_rgb(0, 0, 0);
        let Color { y, cb, cr } = Color::from_rgb(100, 20, 45);
        let mixed = laid(below, [100, 20, 45, 128]);
        for (found, expected) in mixed.into_iter().zip([y, cb, cr]) {
            assert!(found.abs_diff(expected) <= 2, "{mixed:?} is not {y} {cb} {cr}");
        }
    }

    #[test]
    fn blending_goes_from_one_picture_to_the_other() {
        let (size, whole) = (Size::new(32, 16), Rect::new(0, 0, 32, 16));
        let at = |share| {
            let (mut new, mut old) = (Picture::new(size).unwrap(), Picture::new(size).unwrap());
            new.fill(Color { y: 200, cb: 60, cr: 70 });
            old.fill(Color { y: 100, cb: 80, cr: 70 });
            let mut tile = new.split(&[whole]);
            tile[0].blend(&mut old.split(&[whole])[0], share);
            [0, 1, 2].map(|plane| tile[0].row_mut(plane, 7)[9])
        };
        assert_eq!([0, 128, 256].map(at), [[100, 80, 70], [150, 70, 70], [200, 60, 70]]);
    }

    #[test]
    fn a_mask_keeps_what_lies_below_its_corners() {
        let (size, whole) = (Size::new(32, 16), Rect::new(0, 0, 32, 16));
        let (mut below, mut above) = (Picture::new(size).unwrap(), Picture::new(size).unwrap());
        below.fill(Color { y: 50, cb: 60, cr: 70 });
        above.fill(Color {
            y: 200,
            cb: 160,
            cr: 170,
        });
        let mut coverage = vec![255; 32 * 16];
        (0..2).for_each(|row| coverage[row * 32..][..2].fill(0));
        let mask = Mask::from_coverage(&coverage, size);
        let mut tile = below.split(&[whole]);
        tile[0].paste(&mut above.split(&[whole])[0], &mask);
        let found = [(0, 0, 0), (0, 1, 1), (0, 0, 2), (0, 2, 0), (1, 0, 0), (1, 0, 1)];
        let found = found.map(|(plane, row, column)| tile[0].row_mut(plane, row)[column]);
        assert_eq!(found, [50, 50, 200, 200, 60, 160]);
    }
}
