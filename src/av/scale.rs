//! Scaling a decoded frame straight into its place in a canvas.

use ffmpeg_next::ffi;

use super::{AvError, Picture, TileMut, VideoFrame};
use crate::media::{Placed, Rect, Size};

/// swscale's vector code writes whole groups of pixels, past the end of a line if it must; lines of a multiple of this
/// many pixels, begun at a multiple of it, end where they should in all three planes.
const GROUP: u32 = 32;

/// Scales frames into canvases; keeps the scaling tables while sizes and formats stay the same.
#[derive(Default)]
pub struct Scaler {
    context: Option<Context>,
    spare: Option<Picture>,
}

/// What scaling tables depend on.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Job {
    source: Size,
    format: i32,
    target: Size,
    matrix: i32,
    full_range: i32,
}

struct Context {
    raw: *mut ffi::SwsContext,
    job: Job,
}

// SAFETY: an SwsContext has no thread affinity; `&mut self` everywhere keeps it to one thread at a time.
unsafe impl Send for Context {}

impl Scaler {
    /// Draws a part of `frame` where `placed` says, inside `tile`, as BT.601 limited range.
    pub fn draw(&mut self, frame: &VideoFrame, tile: &mut TileMut<'_>, placed: Placed) -> Result<(), AvError> {
        if placed.part.size() == frame.size() {
            return self.draw_whole(frame, tile, placed.place);
        }
        self.draw_whole(&frame.cropped(placed.part)?, tile, placed.place)
    }

    fn draw_whole(&mut self, frame: &VideoFrame, tile: &mut TileMut<'_>, target: Rect) -> Result<(), AvError> {
        if (frame.is_plain() && frame.size() == target.size())
            || (target.x.is_multiple_of(GROUP) && target.width.is_multiple_of(GROUP))
        {
            return self.scale(frame, tile, target);
        }
        // the neighbour's first pixels would be written too: go through a picture with room to spare
        let place = Rect::new(0, 0, target.width, target.height);
        let room = Size::new(
            target.width.next_multiple_of(GROUP) + GROUP,
            target.height.max(Size::MIN_EDGE),
        );
        let mut spare = self
            .spare
            .take()
            .filter(|picture| picture.size() == room)
            .map_or_else(|| Picture::new(room), Ok)?;
        let mut drawn = spare.split(&[place]);
        self.scale(frame, &mut drawn[0], place)?;
        tile.copy_part(target, &drawn[0]);
        self.spare = Some(spare);
        Ok(())
    }

    fn scale(&mut self, frame: &VideoFrame, tile: &mut TileMut<'_>, target: Rect) -> Result<(), AvError> {
        let (source, raw) = (frame.size(), &frame.inner);
        // SAFETY: the frame is valid for as long as it is borrowed.
        let format = unsafe { (*raw.as_ptr()).format };
        let job = Job {
            source,
            format,
            target: target.size(),
            matrix: frame.matrix(),
            full_range: i32::from(frame.is_full_range()),
        };
        let context = self.context_for(job)?;
        let (pointers, strides) = tile.part(target);
        // SAFETY: source planes belong to the borrowed frame of exactly this format and size; destination planes point at
        // `target` inside a tile that is held exclusively, with room for whole groups of pixels; 4:2:0 of target's size is written.
        let lines = unsafe {
            let frame = raw.as_ptr();
            ffi::sws_scale(
                context.raw,
                (*frame).data.as_ptr().cast(),
                (*frame).linesize.as_ptr(),
                0,
                source.height as i32,
                pointers.as_ptr(),
                strides.as_ptr(),
            )
        };
        AvError::check("scale picture", lines).map(|_| ())
    }

    fn context_for(&mut self, job: Job) -> Result<&Context, AvError> {
        if self.context.as_ref().is_none_or(|context| context.job != job) {
            self.context = Some(Context::new(job)?);
        }
        Ok(self.context.as_ref().expect("set just above"))
    }
}

impl Context {
    fn new(job: Job) -> Result<Context, AvError> {
        let edge =
            |value: u32| i32::try_from(value).map_err(|_| AvError::new("scale picture", "the picture is too large"));
        let flags = ffi::SWS_BICUBIC;
        // SAFETY: sizes are positive and the format came from a decoded frame; sws_getContext checks both and may say null.
        let raw = unsafe {
            ffi::sws_getContext(
                edge(job.source.width)?,
                edge(job.source.height)?,
                std::mem::transmute::<i32, ffi::AVPixelFormat>(job.format),
                edge(job.target.width)?,
                edge(job.target.height)?,
                ffi::AVPixelFormat::AV_PIX_FMT_YUV420P,
                flags,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                std::ptr::null(),
            )
        };
        if raw.is_null() {
            return Err(AvError::new(
                "scale picture",
                format!("no way from {} to {}", job.source, job.target),
            ));
        }
        let context = Context { raw, job };
        if job.full_range != 0 || job.matrix != ffi::SWS_CS_ITU601 {
            context.set_colours();
        }
        Ok(context)
    }

    /// Full range or another matrix at the source; the canvas is always BT.601, limited.
    fn set_colours(&self) {
        let (neutral, full) = (0, 1 << 16);
        // SAFETY: the context is valid; sws_getCoefficients returns static tables. Formats without colour say -1: nothing to do.
        unsafe {
            let source = ffi::sws_getCoefficients(self.job.matrix);
            let canvas = ffi::sws_getCoefficients(ffi::SWS_CS_ITU601);
            ffi::sws_setColorspaceDetails(self.raw, source, self.job.full_range, canvas, 0, neutral, full, full);
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: `raw` came from sws_getContext and is freed once.
        unsafe { ffi::sws_freeContext(self.raw) };
    }
}

#[cfg(test)]
mod tests {
    use ffmpeg_next::{format::Pixel, frame};

    use super::*;
    use crate::av::{Color, Picture};

    /// A decoded frame of one grey.
    fn gray(size: Size) -> VideoFrame {
        let mut inner = frame::Video::new(Pixel::YUV420P, size.width, size.height);
        for plane in 0..3 {
            inner.data_mut(plane).fill(if plane == 0 { 180 } else { 128 });
        }
        VideoFrame {
            inner,
            rotation: crate::media::Rotation::None,
        }
    }

    #[test]
    fn only_the_part_asked_for_is_drawn() {
        let mut frame = gray(Size::new(320, 180));
        let stride = frame.inner.stride(0);
        // everything but the part is white
        let part = Rect::new(52, 34, 160, 90);
        for (row, line) in frame.inner.data_mut(0).chunks_mut(stride).take(180).enumerate() {
            for (column, value) in line.iter_mut().take(320).enumerate() {
                let inside = (52..212).contains(&column) && (34..124).contains(&row);
                *value = if inside { 100 } else { 235 };
            }
        }
        let mut picture = Picture::new(Size::new(512, 256)).unwrap();
        let place = Rect::new(32, 20, 320, 180);
        let mut tiles = picture.split(&[place]);
        Scaler::default()
            .draw(&frame, &mut tiles[0], Placed { part, place })
            .unwrap();
        for row in 0..180 {
            assert!(
                tiles[0].row_mut(0, row).iter().all(|value| value.abs_diff(100) <= 1),
                "row {row}"
            );
        }
    }

    #[test]
    fn a_picture_never_leaves_its_place() {
        let background = Color { y: 30, cb: 40, cr: 50 };
        for source in [
            Size::new(640, 360),
            Size::new(160, 90),
            Size::new(322, 182),
            Size::new(90, 160),
            Size::new(1280, 720),
        ] {
            for (x, width) in [
                (0, 426),
                (26, 82),
                (34, 210),
                (64, 320),
                (32, 32),
                (96, 96),
                (0, 512),
                (2, 14),
                (100, 98),
                (128, 106),
                (6, 250),
            ] {
                let mut picture = Picture::new(Size::new(512, 256)).unwrap();
                picture.fill(background);
                let place = Rect::new(x, 20, width, 118);
                let mut scaler = Scaler::default();
                let part = Rect::new(0, 0, source.width, source.height);
                let placed = Placed { part, place };
                scaler
                    .draw(&gray(source), &mut picture.split(&[place])[0], placed)
                    .unwrap();
                for (plane, outside) in [(0, 30), (1, 40), (2, 50)] {
                    let shift = u32::from(plane > 0);
                    let (left, right) = ((place.x >> shift) as usize, ((place.x + place.width) >> shift) as usize);
                    let (top, bottom) = (
                        (place.y >> shift) as usize,
                        ((place.y + place.height) >> shift) as usize,
                    );
                    let stride = picture.frame.stride(plane);
                    for (row, line) in picture.frame.data(plane).chunks(stride).take(256 >> shift).enumerate() {
                        for (column, value) in line.iter().take(512 >> shift).enumerate() {
                            let inside = (left..right).contains(&column) && (top..bottom).contains(&row);
                            let expected = if !inside {
                                outside
                            } else if plane == 0 {
                                180
                            } else {
                                128
                            };
                            assert!(
                                value.abs_diff(expected) <= 1,
                                "plane {plane}, {column},{row} is {value}, not {expected}: {source} into {place:?}"
                            );
                        }
                    }
                }
            }
        }
    }
}
