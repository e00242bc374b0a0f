//! Decoders of one thread each: parallelism comes from decoding many tracks at once.

use std::collections::VecDeque;

use ffmpeg::codec;
use ffmpeg_next as ffmpeg;

use super::{AudioFrame, AvError, Packet, StreamParameters, VideoFrame, demux::Loss, error};
use crate::media::{Codec, Rotation};

/// Larger pictures are refused, so that a forged header cannot make the decoder allocate gigabytes (8K fits).
const MAX_PIXELS: i64 = 8192 * 4352;

/// A video decoder; give it packets in file order and take frames in presentation order.
pub struct VideoDecoder {
    inner: codec::decoder::Video,
    /// Rotations of packets sent, from the timestamp on where each begins.
    rotations: VecDeque<(i64, Rotation)>,
    rotation: Rotation,
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
        Ok(VideoDecoder {
            inner,
            rotations: VecDeque::new(),
            rotation: Rotation::None,
        })
    }

    pub fn send(&mut self, packet: &Packet) -> Result<(), AvError> {
        let before = self.rotations.back().map_or(self.rotation, |(_, rotation)| *rotation);
        if let Some(pts) = packet.pts().filter(|_| packet.rotation() != before) {
            self.rotations.push_back((pts, packet.rotation()));
        }
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
        let taken = error::taken(result, "decode video")?;
        Ok(taken.map(|()| {
            let rotation = self.rotation_at(frame.timestamp());
            VideoFrame { inner: frame, rotation }
        }))
    }

    /// The rotation of the packet that a frame came from.
    fn rotation_at(&mut self, pts: Option<i64>) -> Rotation {
        while let Some((from, rotation)) = self.rotations.front().copied() {
            if pts.is_some_and(|pts| pts < from) {
                break;
            }
            self.rotation = rotation;
            self.rotations.pop_front();
        }
        self.rotation
    }
}

impl AudioDecoder {
    pub fn open(parameters: &StreamParameters) -> Result<AudioDecoder, AvError> {
        let decoder = context(parameters)?.decoder();
        let inner = match concealing(parameters) {
            Some(codec) => decoder.open_as(codec).and_then(|opened| opened.audio()),
            None => decoder.audio(),
        };
        let inner = inner.map_err(AvError::of("open audio decoder"))?;
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

/// libopus conceals losses and makes comfort noise; FFmpeg's own decoder does neither.
fn concealing(parameters: &StreamParameters) -> Option<ffmpeg::Codec> {
    let is_wanted = parameters.codec() == Codec::Opus && parameters.loss() == Loss::Possible;
    is_wanted.then(|| codec::decoder::find_by_name("libopus")).flatten()
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
