//! Encoders: H.264 by x264 on one thread per chunk, and AAC.

use ffmpeg::{ChannelLayout, Dictionary, Rational, codec, ffi, format};
use ffmpeg_next as ffmpeg;

use super::{AvError, Packet, Picture, error};
use crate::media::{ChannelCount, Preset, SAMPLE_RATE, Size, Tick, TickRate};

/// How pictures are encoded. `crf` is x264's constant rate factor, 0 (lossless) to 51.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoSettings {
    pub size: Size,
    pub rate: TickRate,
    pub preset: Preset,
    pub crf: u8,
    /// Longest distance of two keyframes.
    pub keyframe_interval: Tick,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioSettings {
    pub channels: ChannelCount,
    pub bits_per_second: u32,
}

/// H.264 High, one thread; packets come with the tick of their picture as PTS.
pub struct VideoEncoder {
    inner: ffmpeg::encoder::video::Encoder,
}

/// AAC-LC; takes any number of samples at a time, gives packets of 1024 with the sample position as PTS.
pub struct AudioEncoder {
    inner: ffmpeg::encoder::audio::Encoder,
    frame: ffmpeg::frame::Audio,
    filled: usize,
    next: i64,
}

impl VideoEncoder {
    pub fn open(settings: VideoSettings) -> Result<VideoEncoder, AvError> {
        super::initialize();
        let codec = ffmpeg::encoder::find_by_name("libx264")
            .ok_or_else(|| AvError::new("open video encoder", "this FFmpeg was built without libx264"))?;
        let mut video = codec::Context::new_with_codec(codec)
            .encoder()
            .video()
            .map_err(AvError::of("open video encoder"))?;
        video.set_width(settings.size.width);
        video.set_height(settings.size.height);
        video.set_format(format::Pixel::YUV420P);
        let per_second = settings.rate.per_second() as i32;
        video.set_time_base(Rational(1, per_second));
        video.set_frame_rate(Some(Rational(per_second, 1)));
        video.set_gop(u32::try_from(settings.keyframe_interval.0).unwrap_or(1).max(1));
        video.set_flags(codec::Flags::GLOBAL_HEADER | codec::Flags::CLOSED_GOP);
        video.set_colorspace(ffmpeg::color::Space::SMPTE170M);
        video.set_color_range(ffmpeg::color::Range::MPEG);
        video.set_color_primaries(ffmpeg::color::Primaries::BT709);
        video.set_color_transfer_characteristic(ffmpeg::color::TransferCharacteristic::BT709);
        // SAFETY: the context is valid and not yet opened; one thread, so that the bytes depend on nothing but the pictures.
        unsafe { (*video.as_mut_ptr()).thread_count = 1 };
        let mut options = Dictionary::new();
        options.set("preset", settings.preset.name());
        options.set("crf", &rate_factor(settings.crf));
        // lossless 4:2:0 needs the High 4:4:4 Predictive profile
        if settings.crf > 0 {
            options.set("profile", "high");
        }
        if let Some(instructions) = instructions(settings.size) {
            options.set("x264-params", &format!("asm={instructions}"));
        }
        let inner = video.open_with(options).map_err(AvError::of("open video encoder"))?;
        Ok(VideoEncoder { inner })
    }

    /// Encodes `picture` as what is shown from `tick` on; ticks must grow.
    pub fn send(&mut self, picture: &mut Picture, tick: Tick) -> Result<(), AvError> {
        picture.frame.set_pts(Some(tick.0));
        self.inner
            .send_frame(&picture.frame)
            .map_err(AvError::of("encode video"))
    }

    pub fn send_end(&mut self) -> Result<(), AvError> {
        self.inner.send_eof().map_err(AvError::of("encode video"))
    }

    /// The next finished packet, in decoding order; PTS and duration are in ticks.
    pub fn receive(&mut self) -> Result<Option<Packet>, AvError> {
        let mut packet = ffmpeg::Packet::empty();
        let result = self.inner.receive_packet(&mut packet);
        Ok(error::taken(result, "encode video")?.map(|()| Packet::wrap(packet)))
    }

    pub(super) fn context(&self) -> &codec::Context {
        &self.inner
    }
}

impl AudioEncoder {
    pub fn open(settings: AudioSettings) -> Result<AudioEncoder, AvError> {
        super::initialize();
        let codec = ffmpeg::encoder::find(codec::Id::AAC)
            .ok_or_else(|| AvError::new("open audio encoder", "this FFmpeg was built without AAC"))?;
        let mut audio = codec::Context::new_with_codec(codec)
            .encoder()
            .audio()
            .map_err(AvError::of("open audio encoder"))?;
        let layout = match settings.channels {
            ChannelCount::Mono => ChannelLayout::MONO,
            ChannelCount::Stereo => ChannelLayout::STEREO,
        };
        let format = format::Sample::F32(format::sample::Type::Planar);
        audio.set_rate(SAMPLE_RATE as i32);
        audio.set_format(format);
        audio.set_channel_layout(layout);
        audio.set_bit_rate(settings.bits_per_second as usize);
        audio.set_time_base(Rational(1, SAMPLE_RATE as i32));
        audio.set_flags(codec::Flags::GLOBAL_HEADER);
        let inner = audio.open().map_err(AvError::of("open audio encoder"))?;
        let mut frame = ffmpeg::frame::Audio::new(format, inner.frame_size() as usize, layout);
        frame.set_rate(SAMPLE_RATE);
        Ok(AudioEncoder {
            inner,
            frame,
            filled: 0,
            next: 0,
        })
    }

    /// Encodes planar samples, one slice per channel, all of one length.
    pub fn send(
        &mut self,
        channels: &[&[f32]],
        sink: &mut dyn FnMut(Packet) -> Result<(), AvError>,
    ) -> Result<(), AvError> {
        let mut taken = 0;
        let total = channels[0].len();
        while taken < total {
            let count = (self.frame.samples() - self.filled).min(total - taken);
            if self.filled == 0 {
                // SAFETY: the frame is valid; the encoder may still hold the last buffer, so writing needs one of our own.
                AvError::check("encode audio", unsafe {
                    ffi::av_frame_make_writable(self.frame.as_mut_ptr())
                })?;
            }
            for (index, channel) in channels.iter().enumerate() {
                self.frame.plane_mut::<f32>(index)[self.filled..self.filled + count]
                    .copy_from_slice(&channel[taken..taken + count]);
            }
            self.filled += count;
            taken += count;
            if self.filled == self.frame.samples() {
                self.encode_frame(sink)?;
            }
        }
        Ok(())
    }

    /// Encodes what is left, the last packet shortened to it.
    pub fn finish(&mut self, sink: &mut dyn FnMut(Packet) -> Result<(), AvError>) -> Result<(), AvError> {
        if self.filled > 0 {
            self.frame.set_samples(self.filled);
            self.encode_frame(sink)?;
        }
        self.inner.send_eof().map_err(AvError::of("encode audio"))?;
        self.drain(sink)
    }

    pub(super) fn context(&self) -> &codec::Context {
        &self.inner
    }

    fn encode_frame(&mut self, sink: &mut dyn FnMut(Packet) -> Result<(), AvError>) -> Result<(), AvError> {
        self.frame.set_pts(Some(self.next));
        self.next += self.filled as i64;
        self.filled = 0;
        self.inner
            .send_frame(&self.frame)
            .map_err(AvError::of("encode audio"))?;
        self.drain(sink)
    }

    fn drain(&mut self, sink: &mut dyn FnMut(Packet) -> Result<(), AvError>) -> Result<(), AvError> {
        loop {
            let mut packet = ffmpeg::Packet::empty();
            let result = self.inner.receive_packet(&mut packet);
            match error::taken(result, "encode audio")? {
                Some(()) => sink(Packet::wrap(packet))?,
                None => return Ok(()),
            }
        }
    }
}
/// The constant rate factor that x264 is given, a little below the one asked for.
///
/// x264 spends less on the pictures before the end of a stream, since it sees nothing that builds upon them, and every
/// chunk is a stream of its own. Without this, a recording of many tiles is 0.005 of SSIM below one encoded in one piece.
fn rate_factor(asked: u8) -> String {
    match asked {
        // lossless
        0 => "0".to_owned(),
        asked => format!("{}.7", asked - 1),
    }
}

/// The instructions that x264 may use at most, where it must not use all that the processor has.
///
/// Its AVX-512 code for macroblock trees (`mbtree_propagate_list`) takes eight macroblocks at once and does not stop at
/// the end of a row: where a row is no multiple of that, memory that nobody wrote decides about quality.
fn instructions(size: Size) -> Option<&'static str> {
    #[cfg(target_arch = "x86_64")]
    let has_code = is_x86_feature_detected!("avx512f");
    #[cfg(not(target_arch = "x86_64"))]
    let has_code = false;
    let is_cut_off = !size.width.div_ceil(16).is_multiple_of(8);
    (has_code && is_cut_off).then_some("avx2")
}
