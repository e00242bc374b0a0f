//! Turning decoded pictures upright.

use ffmpeg::{ffi, format::Pixel, frame};
use ffmpeg_next as ffmpeg;

use super::{AvError, VideoFrame};
use crate::media::Rotation;

/// Formats of planes with one byte a sample; in the three of less chroma a quarter turn changes nothing but the size.
const TURNABLE: [Pixel; 5] = [
    Pixel::YUV420P,
    Pixel::YUVJ420P,
    Pixel::YUV444P,
    Pixel::YUVJ444P,
    Pixel::GRAY8,
];

impl VideoFrame {
    /// How the picture has to be turned to be upright.
    pub fn rotation(&self) -> Rotation {
        self.rotation
    }

    /// The picture turned upright; a picture in a format that cannot be turned stays as it is.
    pub fn upright(self) -> Result<VideoFrame, AvError> {
        if self.rotation == Rotation::None || !TURNABLE.contains(&self.inner.format()) {
            return Ok(self);
        }
        let size = self.rotation.upright(self.size());
        let mut turned = frame::Video::new(self.inner.format(), size.width, size.height);
        // SAFETY: both frames are valid; only metadata (timestamps, colours) is copied, never buffers.
        AvError::check("turn picture", unsafe {
            ffi::av_frame_copy_props(turned.as_mut_ptr(), self.inner.as_ptr())
        })?;
        for plane in 0..self.inner.planes() {
            let source = Plane {
                width: self.inner.plane_width(plane) as usize,
                height: self.inner.plane_height(plane) as usize,
                stride: self.inner.stride(plane),
            };
            let stride = turned.stride(plane);
            turn(
                self.inner.data(plane),
                source,
                self.rotation,
                turned.data_mut(plane),
                stride,
            );
        }
        Ok(VideoFrame {
            inner: turned,
            rotation: Rotation::None,
        })
    }
}

#[derive(Clone, Copy)]
struct Plane {
    width: usize,
    height: usize,
    stride: usize,
}

/// Copies a plane clockwise turned; lines of the result are `stride` bytes apart.
fn turn(from: &[u8], plane: Plane, rotation: Rotation, to: &mut [u8], stride: usize) {
    let Plane { width, height, .. } = plane;
    let lines = from.chunks(plane.stride).take(height).map(|line| &line[..width]);
    for (y, line) in lines.enumerate() {
        match rotation {
            Rotation::None => to[y * stride..][..width].copy_from_slice(line),
            Rotation::Half => {
                let target = &mut to[(height - 1 - y) * stride..][..width];
                target
                    .iter_mut()
                    .zip(line.iter().rev())
                    .for_each(|(to, from)| *to = *from);
            }
            Rotation::Quarter => {
                let column = height - 1 - y;
                line.iter()
                    .enumerate()
                    .for_each(|(x, value)| to[x * stride + column] = *value);
            }
            Rotation::ThreeQuarters => {
                line.iter()
                    .enumerate()
                    .for_each(|(x, value)| to[(width - 1 - x) * stride + y] = *value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Size;

    /// A picture whose samples all differ from their neighbours.
    fn picture(size: Size, rotation: Rotation) -> VideoFrame {
        let mut inner = frame::Video::new(Pixel::YUV420P, size.width, size.height);
        for plane in 0..3 {
            let stride = inner.stride(plane);
            let samples = inner.data_mut(plane).iter_mut().enumerate();
            samples.for_each(|(index, value)| *value = (index / stride * 31 + index % stride * 7) as u8);
        }
        VideoFrame { inner, rotation }
    }

    fn sample(frame: &VideoFrame, plane: usize, x: usize, y: usize) -> u8 {
        frame.inner.data(plane)[y * frame.inner.stride(plane) + x]
    }

    #[test]
    fn the_upper_left_corner_goes_where_the_turn_takes_it() {
        // odd edges: chroma planes are rounded up
        for size in [Size::new(36, 22), Size::new(35, 21)] {
            for plane in 0..3 {
                let corner = sample(&picture(size, Rotation::None), plane, 0, 0);
                let next = sample(&picture(size, Rotation::None), plane, 1, 0);
                let at = |rotation| {
                    let turned = picture(size, rotation).upright().unwrap();
                    assert_eq!(turned.size(), rotation.upright(size));
                    let (right, bottom) = (
                        turned.inner.plane_width(plane) as usize - 1,
                        turned.inner.plane_height(plane) as usize - 1,
                    );
                    let ((x, y), (nx, ny)) = match rotation {
                        Rotation::None => ((0, 0), (1, 0)),
                        Rotation::Quarter => ((right, 0), (right, 1)),
                        Rotation::Half => ((right, bottom), (right - 1, bottom)),
                        Rotation::ThreeQuarters => ((0, bottom), (0, bottom - 1)),
                    };
                    (sample(&turned, plane, x, y), sample(&turned, plane, nx, ny))
                };
                for rotation in [
                    Rotation::None,
                    Rotation::Quarter,
                    Rotation::Half,
                    Rotation::ThreeQuarters,
                ] {
                    assert_eq!(at(rotation), (corner, next), "{rotation:?} of {size}, plane {plane}");
                }
            }
        }
    }
}
