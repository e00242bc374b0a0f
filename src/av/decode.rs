//! Decoders of one thread each: parallelism comes from decoding many tracks at once.

use ffmpeg::codec;
use ffmpeg_next as ffmpeg;

use super::{AudioFrame, AvError, Packet, StreamParameters, VideoFrame, error};

/// Larger pictures are refused, so that a forged header cannot make the decoder allocate gigabytes (8K fits).
const MAX_PIXELS: i64 = 8192 * 4352;

/// A video decoder; give it packets in file order and take frames in presentation order.
pub struct VideoDecoder {
    inner: codec::decoder::Video,
}

/// An audio decoder; frames come with the encoder's padding already trimmed.
pub struct AudioDecoder {
    inner: codec::decoder::Audio,
}

impl VideoDecoder {
    pub fn open(parameters: &StreamParameters) -> Result<VideoDecoder, AvError> {
        let inner = context(parameters)?
            .decoder()
            .video()
            .map_err(AvError::of("open video decoder"))?;
        Ok(VideoDecoder { inner })
    }

    pub fn send(&mut self, packet: &Packet) -> Result<(), AvError> {
        self.inner
            .send_packet(&packet.inner)
            .map_err(AvError::of("decode video"))
    }

    /// Tells the decoder that no packet follows, so that it hands out what it still holds.
    pub fn send_end(&mut self) -> Result<(), AvError> {
        self.inner.send_eof().map_err(AvError::of("decode video"))
    }

    /// The next decoded frame; `None` when another packet is needed or nothing is left.
    pub fn receive(&mut self) -> Result<Option<VideoFrame>, AvError> {
        let mut frame = ffmpeg::frame::Video::empty();
        let result = self.inner.receive_frame(&mut frame);
        Ok(error::taken(result, "decode video")?.map(|()| VideoFrame { inner: frame }))
    }
}

impl AudioDecoder {
    pub fn open(parameters: &StreamParameters) -> Result<AudioDecoder, AvError> {
        let inner = context(parameters)?
            .decoder()
            .audio()
            .map_err(AvError::of("open audio decoder"))?;
        Ok(AudioDecoder { inner })
    }

    pub fn send(&mut self, packet: &Packet) -> Result<(), AvError> {
        self.inner
            .send_packet(&packet.inner)
            .map_err(AvError::of("decode audio"))
    }

    /// Tells the decoder that no packet follows.
    pub fn send_end(&mut self) -> Result<(), AvError> {
        self.inner.send_eof().map_err(AvError::of("decode audio"))
    }

    /// The next decoded stretch of sound; `None` when another packet is needed or nothing is left.
    pub fn receive(&mut self) -> Result<Option<AudioFrame>, AvError> {
        let mut frame = ffmpeg::frame::Audio::empty();
        let result = self.inner.receive_frame(&mut frame);
        Ok(error::taken(result, "decode audio")?.map(|()| AudioFrame { inner: frame }))
    }
}

fn context(parameters: &StreamParameters) -> Result<codec::Context, AvError> {
    let mut context =
        codec::Context::from_parameters(parameters.parameters.clone()).map_err(AvError::of("open decoder"))?;
    let base = parameters.time_base();
    let fraction = |part: u32| i32::try_from(part).expect("a time base was made from two i32");
    // SAFETY: the context is valid and not yet opened; these are plain fields that avcodec_open2 reads.
    unsafe {
        let raw = context.as_mut_ptr();
        (*raw).pkt_timebase = ffmpeg::ffi::AVRational {
            num: fraction(base.numerator()),
            den: fraction(base.denominator()),
        };
        (*raw).thread_count = 1;
        (*raw).max_pixels = MAX_PIXELS;
    }
    Ok(context)
}
