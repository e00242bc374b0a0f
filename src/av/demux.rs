//! One stream out of one container file.

use std::path::Path;

use ffmpeg::{Dictionary, codec, media::Type, packet};
use ffmpeg_next as ffmpeg;

use super::{AvError, Packet};
use crate::media::{Codec, Kind, Rotation, SAMPLE_RATE, Size, TimeBase, TimeDelta};

/// The only containers that a dump may be: a demuxer that follows references (HLS, concat) is never tried.
const CONTAINERS: &str = "matroska,webm,ogg,ivf,mov,mp4,m4a,3gp,3g2,mj2";

/// What a decoder needs to know before its first packet.
#[derive(Clone)]
pub struct StreamParameters {
    pub(super) parameters: codec::Parameters,
    codec: Codec,
    time_base: TimeBase,
    loss: Loss,
}

/// Whether packets without content may stand for lost ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    Possible,
    Impossible,
}

/// Reads the packets of the one stream of `kind` that a dump holds, in file order.
pub struct Demuxer {
    input: ffmpeg::format::context::Input,
    stream: usize,
    parameters: StreamParameters,
    rotation: Rotation,
}

impl StreamParameters {
    /// Of a stream without a container: all else is in its frames. Sound is decoded to two channels.
    pub fn for_codec(codec: Codec, time_base: TimeBase) -> StreamParameters {
        super::initialize();
        let mut parameters = codec::Parameters::new();
        let medium = match codec.kind() {
            Kind::Audio => ffmpeg::ffi::AVMediaType::AVMEDIA_TYPE_AUDIO,
            Kind::Video => ffmpeg::ffi::AVMediaType::AVMEDIA_TYPE_VIDEO,
        };
        // SAFETY: `parameters` owns a valid AVCodecParameters; these are plain fields.
        unsafe {
            let raw = parameters.as_mut_ptr();
            (*raw).codec_type = medium;
            (*raw).codec_id = codec_id(codec).into();
            if codec.kind() == Kind::Audio {
                (*raw).sample_rate = SAMPLE_RATE as i32;
                (*raw).channels = 2;
                (*raw).channel_layout = ffmpeg::ChannelLayout::STEREO.bits();
            }
        }
        StreamParameters {
            parameters,
            codec,
            time_base,
            loss: Loss::Impossible,
        }
    }

    /// The same for a stream in which packets without content stand for lost ones, to be concealed.
    pub fn with_losses(mut self) -> StreamParameters {
        self.loss = Loss::Possible;
        self
    }

    pub(super) fn loss(&self) -> Loss {
        self.loss
    }

    pub fn codec(&self) -> Codec {
        self.codec
    }

    pub fn time_base(&self) -> TimeBase {
        self.time_base
    }

    /// The picture size that the container promises, if any; frames may differ.
    pub fn size(&self) -> Option<Size> {
        // SAFETY: `parameters` owns a valid AVCodecParameters for as long as it lives.
        let (width, height) = unsafe { ((*self.parameters.as_ptr()).width, (*self.parameters.as_ptr()).height) };
        let size = Size::new(u32::try_from(width).ok()?, u32::try_from(height).ok()?);
        (size.width > 0 && size.height > 0).then_some(size)
    }

    /// How many channels of sound the container promises; decoded sound may differ.
    pub fn channels(&self) -> u32 {
        // SAFETY: as above.
        let channels = unsafe { (*self.parameters.as_ptr()).channels };
        u32::try_from(channels).unwrap_or(0)
    }
}

impl Demuxer {
    /// Opens `path`, whatever its name says, as one of the known containers.
    pub fn open(path: &Path, kind: Kind) -> Result<Demuxer, AvError> {
        super::initialize();
        let mut options = Dictionary::new();
        options.set("format_whitelist", CONTAINERS);
        options.set("protocol_whitelist", "file");
        let name = path
            .to_str()
            .filter(|name| !name.contains('\0'))
            .ok_or_else(|| AvError::new("open", "the path is not UTF-8"))?;
        // the prefix keeps a name such as "concat:x" from being read as a protocol
        let input =
            ffmpeg::format::input_with_dictionary(&format!("file:{name}"), options).map_err(AvError::of("open"))?;
        let (stream, parameters) = choose_stream(&input, kind)?;
        let rotation = display_rotation(&input, stream);
        Ok(Demuxer {
            rotation,
            input,
            stream,
            parameters,
        })
    }

    /// FFmpeg's name of the container, e.g. `matroska,webm`.
    pub fn container(&self) -> String {
        self.input.format().name().to_owned()
    }

    pub fn parameters(&self) -> &StreamParameters {
        &self.parameters
    }

    /// Where the container's header says that it ends, in units of the time base; `None` where it does not say.
    pub fn claimed_end(&self) -> Option<i64> {
        // SAFETY: the context is valid while `self` lives; these are plain fields.
        let (duration, method) = unsafe {
            (
                (*self.input.as_ptr()).duration,
                (*self.input.as_ptr()).duration_estimation_method,
            )
        };
        let from_header = method == ffmpeg::ffi::AVDurationEstimationMethod::AVFMT_DURATION_FROM_STREAM;
        let micros = TimeDelta::from_nanos(duration.saturating_mul(1000));
        (from_header && duration > 0).then(|| self.parameters.time_base.units(micros))
    }

    /// The next packet; `None` at the end of the file.
    pub fn read(&mut self) -> Result<Option<Packet>, AvError> {
        loop {
            let mut packet = ffmpeg::Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() == self.stream => {
                    return Ok(Some(Packet::wrap(packet).turned(self.rotation)));
                }
                Ok(()) => {}
                Err(ffmpeg::Error::Eof) => return Ok(None),
                Err(error) => return Err(AvError::of("read")(error)),
            }
        }
    }
}

fn choose_stream(input: &ffmpeg::format::context::Input, kind: Kind) -> Result<(usize, StreamParameters), AvError> {
    let medium = match kind {
        Kind::Audio => Type::Audio,
        Kind::Video => Type::Video,
    };
    let stream = input
        .streams()
        .best(medium)
        .ok_or_else(|| AvError::new("open", format!("no {kind} stream in the file")))?;
    let parameters: codec::Parameters = stream.parameters();
    let codec = known_codec(parameters.id())
        .ok_or_else(|| AvError::new("open", format!("codec {} is not supported", parameters.id().name())))?;
    let base = stream.time_base();
    let time_base = TimeBase::new(base.numerator(), base.denominator())
        .ok_or_else(|| AvError::new("open", "the stream has no usable time base"))?;
    // an owned copy: `stream.parameters()` may point into the container's context
    let parameters = parameters.clone();
    Ok((
        stream.index(),
        StreamParameters {
            parameters,
            codec,
            time_base,
            loss: Loss::Impossible,
        },
    ))
}

/// How the container says that its pictures are to be turned, by a display matrix.
fn display_rotation(input: &ffmpeg::format::context::Input, stream: usize) -> Rotation {
    const MATRIX: usize = 9 * size_of::<i32>();
    let Some(stream) = input.stream(stream) else {
        return Rotation::None;
    };
    let matrix = stream
        .side_data()
        .find(|data| data.kind() == packet::side_data::Type::DisplayMatrix);
    let Some(bytes) = matrix.as_ref().and_then(|matrix| matrix.data().first_chunk::<MATRIX>()) else {
        return Rotation::None;
    };
    let mut numbers = [0i32; 9];
    for (number, bytes) in numbers.iter_mut().zip(bytes.chunks_exact(size_of::<i32>())) {
        *number = i32::from_ne_bytes(bytes.try_into().expect("chunks are as long as an i32"));
    }
    // SAFETY: the function reads nine i32, which is what the array holds.
    let counter_clockwise = unsafe { ffmpeg::ffi::av_display_rotation_get(numbers.as_ptr()) };
    Rotation::from_degrees(-counter_clockwise.round() as i64)
}

fn known_codec(id: codec::Id) -> Option<Codec> {
    Some(match id {
        codec::Id::VP8 => Codec::Vp8,
        codec::Id::VP9 => Codec::Vp9,
        codec::Id::H264 => Codec::H264,
        codec::Id::AV1 => Codec::Av1,
        codec::Id::OPUS => Codec::Opus,
        codec::Id::AAC => Codec::Aac,
        _ => return None,
    })
}

fn codec_id(codec: Codec) -> codec::Id {
    match codec {
        Codec::Vp8 => codec::Id::VP8,
        Codec::Vp9 => codec::Id::VP9,
        Codec::H264 => codec::Id::H264,
        Codec::Av1 => codec::Id::AV1,
        Codec::Opus => codec::Id::OPUS,
        Codec::Aac => codec::Id::AAC,
    }
}
