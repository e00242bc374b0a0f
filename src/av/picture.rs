//! A 4:2:0 canvas that tiles can be drawn into from several threads at once.

use std::marker::PhantomData;

use ffmpeg::{ffi, format::Pixel};
use ffmpeg_next as ffmpeg;

use super::AvError;
use crate::media::{Rect, Size};

/// A colour in BT.601 limited-range YCbCr, as the canvas holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color {
    pub y: u8,
    pub cb: u8,
    pub cr: u8,
}

impl Color {
    /// From 8-bit RGB by ITU-R BT.601 (section 2.5), in integers so that every machine agrees.
    pub fn from_rgb(red: u8, green: u8, blue: u8) -> Color {
        let (r, g, b) = (i32::from(red), i32::from(green), i32::from(blue));
        let scaled = |value: i32, offset: i32| {
            u8::try_from(((value + 128) >> 8) + offset).expect("BT.601 coefficients keep within 16..=240")
        };
        Color {
            y: scaled(66 * r + 129 * g + 25 * b, 16),
            cb: scaled(-38 * r - 74 * g + 112 * b, 128),
            cr: scaled(112 * r - 94 * g - 18 * b, 128),
        }
    }

    fn planes(self) -> [u8; 3] {
        [self.y, self.cb, self.cr]
    }
}

/// A canvas: planar YUV 4:2:0, BT.601, limited range. Its memory is the encoder's input; nothing is copied on the way.
pub struct Picture {
    pub(super) frame: ffmpeg::frame::Video,
    size: Size,
}

/// Exclusive access to one rectangle of a [`Picture`].
pub struct TileMut<'a> {
    planes: [Plane; 3],
    rect: Rect,
    picture: PhantomData<&'a mut Picture>,
}

/// The part of one plane that lies inside a tile.
#[derive(Clone, Copy)]
struct Plane {
    start: *mut u8,
    stride: usize,
    width: usize,
    height: usize,
}

// SAFETY: a TileMut is the only way to its rectangle (split checks that tiles are disjoint), so moving it to another
// thread moves that access with it.
unsafe impl Send for TileMut<'_> {}

impl Picture {
    /// A black canvas of an even size.
    pub fn new(size: Size) -> Result<Picture, AvError> {
        if !size.is_canvas() {
            return Err(AvError::new(
                "allocate canvas",
                format!("{size} is not a size for a 4:2:0 canvas"),
            ));
        }
        let mut frame = ffmpeg::frame::Video::empty();
        frame.set_format(Pixel::YUV420P);
        frame.set_width(size.width);
        frame.set_height(size.height);
        // SAFETY: format and size are set on an empty frame, as av_frame_get_buffer asks.
        AvError::check("allocate canvas", unsafe {
            ffi::av_frame_get_buffer(frame.as_mut_ptr(), 64)
        })?;
        let mut picture = Picture { frame, size };
        picture.fill(Color::from_rgb(0, 0, 0));
        Ok(picture)
    }

    pub fn size(&self) -> Size {
        self.size
    }

    pub fn fill(&mut self, color: Color) {
        let whole = Rect::new(0, 0, self.size.width, self.size.height);
        for tile in &mut self.split(&[whole]) {
            tile.fill(color);
        }
    }

    /// Exclusive views of disjoint rectangles, in the order given.
    ///
    /// # Panics
    /// If rectangles overlap, leave the canvas or have odd edges: the layout guarantees that they do not.
    pub fn split(&mut self, rects: &[Rect]) -> Vec<TileMut<'_>> {
        for (index, rect) in rects.iter().enumerate() {
            assert!(
                rect.is_inside(self.size) && rect.is_even(),
                "tile {rect:?} is not an even part of the canvas {}",
                self.size
            );
            let others = &rects[index + 1..];
            assert!(
                !others.iter().any(|other| rect.overlaps(*other)),
                "tile {rect:?} overlaps another"
            );
        }
        // a canvas that the encoder still reads must not be written: make it our own first
        // SAFETY: the frame is valid; av_frame_make_writable copies it if it is shared.
        let code = unsafe { ffi::av_frame_make_writable(self.frame.as_mut_ptr()) };
        assert!(code >= 0, "out of memory while copying a canvas");
        rects
            .iter()
            .map(|rect| TileMut {
                planes: self.planes_of(*rect),
                rect: *rect,
                picture: PhantomData,
            })
            .collect()
    }

    /// Rows of RGB, three bytes a pixel.
    pub fn to_rgb(&self) -> Vec<u8> {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let sample =
            |plane: usize, x: usize, y: usize| i32::from(self.frame.data(plane)[y * self.frame.stride(plane) + x]);
        let mut rgb = Vec::with_capacity(width * height * 3);
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            // the inverse of `Color::from_rgb`, ITU-R BT.601 section 2.5
            let luma = 298 * (sample(0, x, y) - 16) + 128;
            let (cb, cr) = (sample(1, x / 2, y / 2) - 128, sample(2, x / 2, y / 2) - 128);
            let channels = [luma + 409 * cr, luma - 100 * cb - 208 * cr, luma + 516 * cb];
            rgb.extend(channels.map(|channel| (channel >> 8).clamp(0, 255) as u8));
        }
        rgb
    }

    fn planes_of(&mut self, rect: Rect) -> [Plane; 3] {
        let mut plane = |index: usize| {
            let shift = u32::from(index > 0);
            let (x, y) = ((rect.x >> shift) as usize, (rect.y >> shift) as usize);
            // SAFETY: a yuv420p frame has three planes; `rect` lies inside the picture, so the offset lies in the plane.
            let (start, stride) = unsafe {
                let raw = self.frame.as_mut_ptr();
                let stride = (*raw).linesize[index] as usize;
                ((*raw).data[index].add(y * stride + x), stride)
            };
            Plane {
                start,
                stride,
                width: (rect.width >> shift) as usize,
                height: (rect.height >> shift) as usize,
            }
        };
        [plane(0), plane(1), plane(2)]
    }
}

impl TileMut<'_> {
    /// Where the tile lies on the canvas.
    pub fn rect(&self) -> Rect {
        self.rect
    }

    pub fn fill(&mut self, color: Color) {
        self.fill_part(self.rect, color);
    }

    /// The samples of one row of a plane (0 is luma, 1 and 2 are chroma, of half the width and height) within the tile.
    pub(super) fn row_mut(&mut self, plane: usize, row: usize) -> &mut [u8] {
        let Plane {
            start,
            stride,
            width,
            height,
        } = self.planes[plane];
        assert!(row < height, "row {row} is not one of the tile's {height}");
        // SAFETY: the row lies in this tile, which is held exclusively for as long as the slice is borrowed.
        unsafe { std::slice::from_raw_parts_mut(start.add(row * stride), width) }
    }

    /// Paints what of the tile lies outside `inner`, a rectangle of the canvas within the tile.
    pub fn fill_around(&mut self, inner: Rect, color: Color) {
        let (outer, right, bottom) = (self.rect, inner.x + inner.width, inner.y + inner.height);
        let above = Rect::new(outer.x, outer.y, outer.width, inner.y - outer.y);
        let below = Rect::new(outer.x, bottom, outer.width, outer.y + outer.height - bottom);
        let left = Rect::new(outer.x, inner.y, inner.x - outer.x, inner.height);
        let beside = Rect::new(right, inner.y, outer.x + outer.width - right, inner.height);
        for part in [above, below, left, beside].into_iter().filter(|part| !part.is_empty()) {
            self.fill_part(part, color);
        }
    }

    /// Takes over what `other`, a tile of the same size, shows.
    pub fn copy_from(&mut self, other: &TileMut<'_>) {
        self.copy_part(self.rect, other);
    }

    /// Takes over what `other` shows into `part`, a rectangle of the canvas within this tile, of the size of `other`.
    pub fn copy_part(&mut self, part: Rect, other: &TileMut<'_>) {
        assert_eq!(
            part.size(),
            other.rect.size(),
            "tiles of different sizes are never copied"
        );
        for (to, from) in self.sub_planes(part).iter().zip(&other.planes) {
            for row in 0..to.height {
                // SAFETY: both rows lie in their tiles; two tiles are disjoint memory, as each is held exclusively.
                unsafe {
                    std::ptr::copy_nonoverlapping(
                        from.start.add(row * from.stride),
                        to.start.add(row * to.stride),
                        to.width,
                    )
                };
            }
        }
    }

    /// Pointers and strides of the part `rect` (a rectangle of the canvas within the tile), for swscale.
    pub(super) fn part(&mut self, rect: Rect) -> ([*mut u8; 4], [i32; 4]) {
        let (mut pointers, mut strides) = ([std::ptr::null_mut(); 4], [0; 4]);
        for (index, plane) in self.sub_planes(rect).into_iter().enumerate() {
            pointers[index] = plane.start;
            strides[index] = i32::try_from(plane.stride).expect("a line of a canvas fits i32");
        }
        (pointers, strides)
    }

    fn fill_part(&mut self, rect: Rect, color: Color) {
        for (plane, value) in self.sub_planes(rect).into_iter().zip(color.planes()) {
            for row in 0..plane.height {
                // SAFETY: the row lies in this tile, which is held exclusively.
                unsafe { std::ptr::write_bytes(plane.start.add(row * plane.stride), value, plane.width) };
            }
        }
    }

    fn sub_planes(&self, rect: Rect) -> [Plane; 3] {
        let outer = self.rect;
        let inside = rect.x >= outer.x
            && rect.y >= outer.y
            && rect.x + rect.width <= outer.x + outer.width
            && rect.y + rect.height <= outer.y + outer.height;
        assert!(
            inside && rect.is_even(),
            "{rect:?} is not an even part of the tile {outer:?}"
        );
        let mut planes = self.planes;
        for (index, plane) in planes.iter_mut().enumerate() {
            let shift = u32::from(index > 0);
            let (x, y) = (
                ((rect.x - outer.x) >> shift) as usize,
                ((rect.y - outer.y) >> shift) as usize,
            );
            // SAFETY: the offset stays inside the tile, as just asserted.
            plane.start = unsafe { plane.start.add(y * plane.stride + x) };
            plane.width = (rect.width >> shift) as usize;
            plane.height = (rect.height >> shift) as usize;
        }
        planes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filling_around_a_picture_leaves_it_alone() {
        let mut picture = Picture::new(Size::new(64, 32)).unwrap();
        let tile = Rect::new(16, 0, 32, 32);
        picture.split(&[tile])[0].fill(Color { y: 50, cb: 60, cr: 70 });
        picture.split(&[tile])[0].fill_around(Rect::new(20, 8, 16, 16), Color { y: 90, cb: 90, cr: 90 });
        let stride = picture.frame.stride(0);
        let luma = |x: usize, y: usize| picture.frame.data(0)[y * stride + x];
        assert_eq!(
            [
                luma(15, 10),
                luma(16, 10),
                luma(20, 8),
                luma(35, 23),
                luma(36, 23),
                luma(20, 24)
            ],
            [16, 90, 50, 50, 90, 90]
        );
    }

    #[test]
    #[should_panic(expected = "overlaps")]
    fn overlapping_tiles_are_refused() {
        let mut picture = Picture::new(Size::new(64, 32)).unwrap();
        picture.split(&[Rect::new(0, 0, 32, 32), Rect::new(30, 0, 32, 32)]);
    }

    #[test]
    fn colours_survive_the_way_to_the_canvas_and_back() {
        let mut picture = Picture::new(Size::new(16, 16)).unwrap();
        for colour in [[0, 0, 0], [255, 255, 255], [200, 40, 90], [16, 130, 240]] {
            picture.fill(Color::from_rgb(colour[0], colour[1], colour[2]));
            let rgb = picture.to_rgb();
            assert_eq!(rgb.len(), 16 * 16 * 3);
            for (found, expected) in rgb[30..33].iter().zip(colour) {
                assert!(found.abs_diff(expected) <= 3, "{:?} is not {colour:?}", &rgb[30..33]);
            }
        }
    }

    #[test]
    fn colours_follow_bt601() {
        assert_eq!(
            Color::from_rgb(255, 255, 255),
            Color {
                y: 235,
                cb: 128,
                cr: 128
            }
        );
        assert_eq!(Color::from_rgb(255, 0, 0), Color { y: 82, cb: 90, cr: 240 });
    }
}
