//! Decoded pictures and sound, as FFmpeg's decoders hand them out. Cheap to keep: the data is reference-counted.

use ffmpeg::ffi;
use ffmpeg_next as ffmpeg;

use super::AvError;
use crate::media::{Rect, Rotation, Size};

/// A decoded picture with the timestamp of the packet it came from.
pub struct VideoFrame {
    pub(super) inner: ffmpeg::frame::Video,
    pub(super) rotation: Rotation,
}

/// Decoded sound with the timestamp of its first sample.
pub struct AudioFrame {
    pub(super) inner: ffmpeg::frame::Audio,
}

impl VideoFrame {
    /// In units of the stream's time base.
    pub fn pts(&self) -> Option<i64> {
        self.inner.timestamp()
    }

    /// Coded size. Pixels are taken as square: WebRTC has no others.
    pub fn size(&self) -> Size {
        Size::new(self.inner.width(), self.inner.height())
    }

    /// Whether the decoder had to guess a part of it.
    pub fn is_corrupt(&self) -> bool {
        self.inner.is_corrupt() || self.inner.has_decode_errors()
    }

    /// Whether samples use 0..=255 instead of 16..=235.
    pub(super) fn is_full_range(&self) -> bool {
        use ffmpeg::format::Pixel;
        self.inner.color_range() == ffmpeg::color::Range::JPEG
            || matches!(
                self.inner.format(),
                Pixel::YUVJ420P | Pixel::YUVJ422P | Pixel::YUVJ444P | Pixel::YUVJ440P
            )
    }

    /// Whether its samples can be copied to the canvas as they are.
    pub(super) fn is_plain(&self) -> bool {
        self.inner.format() == ffmpeg::format::Pixel::YUV420P
            && !self.is_full_range()
            && self.matrix() == ffi::SWS_CS_ITU601
    }

    /// The matrix of swscale that turns its YCbCr into RGB; unmarked video is BT.601, as RFC 6386 section 9.2 has it.
    pub(super) fn matrix(&self) -> i32 {
        use ffmpeg::color::Space;
        match self.inner.color_space() {
            Space::BT709 => ffi::SWS_CS_ITU709,
            Space::BT2020NCL | Space::BT2020CL => ffi::SWS_CS_BT2020,
            Space::SMPTE240M => ffi::SWS_CS_SMPTE240M,
            _ => ffi::SWS_CS_ITU601,
        }
    }
}

impl VideoFrame {
    /// The part of the picture in `part`, a rectangle of it; the pixels are shared, not copied.
    pub(super) fn cropped(&self, part: Rect) -> Result<VideoFrame, AvError> {
        let size = self.size();
        let inside = part.x + part.width <= size.width && part.y + part.height <= size.height;
        assert!(inside && !part.is_empty(), "{part:?} is not a part of {size}");
        // SAFETY: the frame is valid; av_frame_clone makes a new reference to its data, or says null for want of memory.
        let clone = unsafe { ffi::av_frame_clone(self.inner.as_ptr()) };
        if clone.is_null() {
            return Err(AvError::new("crop picture", "out of memory"));
        }
        // SAFETY: `clone` is a frame of our own, so its fields may be set; the crop lies inside the picture, as asserted.
        let code = unsafe {
            (*clone).crop_left = part.x as usize;
            (*clone).crop_top = part.y as usize;
            (*clone).crop_right = (size.width - part.x - part.width) as usize;
            (*clone).crop_bottom = (size.height - part.y - part.height) as usize;
            ffi::av_frame_apply_cropping(clone, ffi::AV_FRAME_CROP_UNALIGNED as i32)
        };
        // SAFETY: `clone` is a frame of our own that nobody else frees.
        let inner = unsafe { ffmpeg::frame::Video::wrap(clone) };
        AvError::check("crop picture", code)?;
        Ok(VideoFrame {
            inner,
            rotation: self.rotation,
        })
    }
}

impl AudioFrame {
    /// Of the first sample, in units of the stream's time base.
    pub fn pts(&self) -> Option<i64> {
        self.inner.timestamp()
    }

    pub fn samples(&self) -> usize {
        self.inner.samples()
    }

    pub fn rate(&self) -> u32 {
        self.inner.rate()
    }

    /// The memory that its samples take.
    pub fn bytes(&self) -> u64 {
        self.samples() as u64 * self.inner.format().bytes() as u64 * u64::from(self.inner.channels())
    }
}
