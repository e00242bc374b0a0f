//! Decoded pictures and sound, as FFmpeg's decoders hand them out. Cheap to keep: the data is reference-counted.

use ffmpeg::ffi;
use ffmpeg_next as ffmpeg;

use crate::media::{Rotation, Size};

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
}
