//! Writing packets into container files.

use std::path::Path;

use ffmpeg::{Dictionary, Rational, codec, ffi};
use ffmpeg_next as ffmpeg;

use super::{AudioEncoder, AvError, Packet, StreamParameters, VideoEncoder};
use crate::media::{SAMPLE_RATE, TickRate, WallTime};

/// The container to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// Matroska: an intermediate file; PTS survive to the millisecond.
    Matroska,
    /// MP4 with its index in front, so that it plays while it downloads.
    Mp4,
}

/// A container file being written. Streams first, then [`Muxer::begin`], packets, [`Muxer::finish`].
pub struct Muxer {
    output: ffmpeg::format::context::Output,
    container: Container,
    time_bases: Vec<Rational>,
}

/// A stream of a [`Muxer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackHandle(usize);

impl Muxer {
    pub fn create(path: &Path, container: Container) -> Result<Muxer, AvError> {
        super::initialize();
        let name = path
            .to_str()
            .filter(|name| !name.contains('\0'))
            .ok_or_else(|| AvError::new("create", "the path is not UTF-8"))?;
        let format = match container {
            Container::Matroska => "matroska",
            Container::Mp4 => "mp4",
        };
        let output = ffmpeg::format::output_as(&format!("file:{name}"), format).map_err(AvError::of("create"))?;
        Ok(Muxer {
            output,
            container,
            time_bases: Vec::new(),
        })
    }

    /// A stream of what `encoder` makes; its packets are timed in ticks of `rate`.
    pub fn add_video(&mut self, encoder: &VideoEncoder, rate: TickRate) -> Result<TrackHandle, AvError> {
        self.add(encoder.context(), Rational(1, rate.per_second() as i32))
    }

    /// A stream of what `encoder` makes; its packets are timed in samples.
    pub fn add_audio(&mut self, encoder: &AudioEncoder) -> Result<TrackHandle, AvError> {
        self.add(encoder.context(), Rational(1, SAMPLE_RATE as i32))
    }

    /// A stream copied from another file; the caller times its packets in units of `time_base`.
    pub fn add_copy(&mut self, parameters: &StreamParameters, units_per_second: u32) -> Result<TrackHandle, AvError> {
        let base = Rational(
            1,
            i32::try_from(units_per_second).map_err(|_| AvError::new("add stream", "the time base is too fine"))?,
        );
        let mut stream = self
            .output
            .add_stream(ffmpeg::encoder::find(codec::Id::None))
            .map_err(AvError::of("add stream"))?;
        stream.set_parameters(parameters.parameters.clone());
        stream.set_time_base(base);
        // SAFETY: the stream was just added; a tag of another container must not be carried over.
        unsafe { (*(*stream.as_mut_ptr()).codecpar).codec_tag = 0 };
        let index = stream.index();
        self.time_bases.push(base);
        Ok(TrackHandle(index))
    }

    /// Title and creation time of the file.
    pub fn describe(&mut self, title: &str, created: WallTime) {
        let mut metadata = Dictionary::new();
        metadata.set("title", &title.replace('\0', " "));
        metadata.set("creation_time", &created.to_string());
        self.output.set_metadata(metadata);
    }

    pub fn begin(&mut self) -> Result<(), AvError> {
        let mut options = Dictionary::new();
        match self.container {
            Container::Matroska => {}
            Container::Mp4 => options.set("movflags", "+faststart"),
        }
        // SAFETY: the context is valid; bit-exact output names no library version, so that equal input gives equal bytes.
        unsafe { (*self.output.as_mut_ptr()).flags |= ffi::AVFMT_FLAG_BITEXACT };
        self.output
            .write_header_with(options)
            .map(|_| ())
            .map_err(AvError::of("write header"))
    }

    /// Writes a packet; of one stream they must come in decoding order.
    pub fn write(&mut self, track: TrackHandle, packet: Packet) -> Result<(), AvError> {
        let mut inner = packet.inner;
        inner.set_stream(track.0);
        let stream = self
            .output
            .stream(track.0)
            .ok_or_else(|| AvError::new("write", "no such stream"))?;
        inner.rescale_ts(self.time_bases[track.0], stream.time_base());
        inner.set_position(-1);
        inner.write_interleaved(&mut self.output).map_err(AvError::of("write"))
    }

    /// As [`Muxer::write`], with times of its own in the stream's units.
    pub fn write_timed(&mut self, track: TrackHandle, mut packet: Packet, times: Times) -> Result<(), AvError> {
        packet.set_times(times.pts, times.dts, times.duration);
        self.write(track, packet)
    }

    pub fn finish(mut self) -> Result<(), AvError> {
        self.output.write_trailer().map_err(AvError::of("write trailer"))
    }

    fn add(&mut self, context: &codec::Context, base: Rational) -> Result<TrackHandle, AvError> {
        let mut stream = self
            .output
            .add_stream_with(context)
            .map_err(AvError::of("add stream"))?;
        stream.set_time_base(base);
        let index = stream.index();
        self.time_bases.push(base);
        Ok(TrackHandle(index))
    }
}

/// When a packet is shown, decoded, and for how long, in units of its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    pub pts: i64,
    pub dts: i64,
    pub duration: i64,
}
