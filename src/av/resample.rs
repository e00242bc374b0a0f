//! Any decoded sound to 48 kHz floats, with fine control over its speed.

use ffmpeg_next::{ChannelLayout, ffi};

use super::{AudioFrame, AvError};
use crate::media::{ChannelCount, SAMPLE_RATE};

/// Converts decoded frames of any rate, format and layout to planar 48 kHz floats.
pub struct Resampler {
    context: Option<Context>,
    channels: ChannelCount,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Input {
    layout: u64,
    format: i32,
    rate: i32,
}

struct Context {
    raw: *mut ffi::SwrContext,
    input: Input,
}

// SAFETY: an SwrContext has no thread affinity; `&mut self` everywhere keeps it to one thread at a time.
unsafe impl Send for Context {}

impl Resampler {
    pub fn new(channels: ChannelCount) -> Resampler {
        Resampler {
            context: None,
            channels,
        }
    }

    pub fn channels(&self) -> ChannelCount {
        self.channels
    }

    /// Appends the converted `frame` to `out`, one vector per channel.
    pub fn convert(&mut self, frame: &AudioFrame, out: &mut [Vec<f32>]) -> Result<(), AvError> {
        assert_eq!(out.len(), self.channels.count(), "one output vector per channel");
        let raw = self.context_for(frame)?.raw;
        // SAFETY: the frame is valid while borrowed.
        let (data, samples) = unsafe {
            (
                (*frame.inner.as_ptr()).extended_data.cast_const().cast::<*const u8>(),
                (*frame.inner.as_ptr()).nb_samples,
            )
        };
        convert(raw, data, samples, out)
    }

    /// Spreads `samples` extra output samples (fewer if negative) evenly over the next second of output.
    pub fn stretch(&mut self, samples: i32) -> Result<(), AvError> {
        let Some(context) = &self.context else { return Ok(()) };
        // SAFETY: the context is initialised; the distance is positive.
        let code = unsafe { ffi::swr_set_compensation(context.raw, samples, SAMPLE_RATE as i32) };
        AvError::check("resample audio", code).map(|_| ())
    }

    /// How many output samples are still inside, between what went in and what came out.
    pub fn delay(&self) -> i64 {
        // SAFETY: the context is initialised.
        self.context.as_ref().map_or(0, |context| unsafe {
            ffi::swr_get_delay(context.raw, i64::from(SAMPLE_RATE))
        })
    }

    /// Forgets what is still inside: what comes next does not follow on it.
    pub fn reset(&mut self) {
        self.context = None;
    }

    fn context_for(&mut self, frame: &AudioFrame) -> Result<&Context, AvError> {
        let input = Input::of(frame)?;
        if self.context.as_ref().is_none_or(|context| context.input != input) {
            self.context = Some(Context::new(input, self.channels)?);
        }
        Ok(self.context.as_ref().expect("set just above"))
    }
}

impl Input {
    fn of(frame: &AudioFrame) -> Result<Input, AvError> {
        let channels = i32::from(frame.inner.channels());
        let bits = frame.inner.channel_layout().bits();
        let layout = if bits == 0 {
            ChannelLayout::default(channels).bits()
        } else {
            bits
        };
        // SAFETY: the frame is valid while borrowed.
        let (format, rate) = unsafe { ((*frame.inner.as_ptr()).format, (*frame.inner.as_ptr()).sample_rate) };
        if layout == 0 || rate <= 0 || format < 0 {
            return Err(AvError::new(
                "resample audio",
                "the sound has no usable layout, rate or format",
            ));
        }
        Ok(Input { layout, format, rate })
    }
}

impl Context {
    fn new(input: Input, channels: ChannelCount) -> Result<Context, AvError> {
        let layout = match channels {
            ChannelCount::Mono => ChannelLayout::MONO,
            ChannelCount::Stereo => ChannelLayout::STEREO,
        };
        // SAFETY: all arguments are plain values; null means that it allocates. The format came from a decoded frame.
        let raw = unsafe {
            ffi::swr_alloc_set_opts(
                std::ptr::null_mut(),
                layout.bits() as i64,
                ffi::AVSampleFormat::AV_SAMPLE_FMT_FLTP,
                SAMPLE_RATE as i32,
                input.layout as i64,
                std::mem::transmute::<i32, ffi::AVSampleFormat>(input.format),
                input.rate,
                0,
                std::ptr::null_mut(),
            )
        };
        if raw.is_null() {
            return Err(AvError::new("resample audio", "out of memory"));
        }
        let context = Context { raw, input };
        // SAFETY: `raw` is a context whose options were just set.
        AvError::check("resample audio", unsafe { ffi::swr_init(context.raw) })?;
        Ok(context)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: `raw` came from swr_alloc_set_opts and is freed once.
        unsafe { ffi::swr_free(&mut self.raw) };
    }
}

fn convert(
    raw: *mut ffi::SwrContext,
    data: *const *const u8,
    samples: i32,
    out: &mut [Vec<f32>],
) -> Result<(), AvError> {
    // SAFETY: the context is initialised.
    let room = AvError::check("resample audio", unsafe { ffi::swr_get_out_samples(raw, samples) })? as usize;
    let before: Vec<usize> = out.iter().map(Vec::len).collect();
    let mut pointers = [std::ptr::null_mut::<u8>(); 2];
    for (pointer, channel) in pointers.iter_mut().zip(out.iter_mut()) {
        let length = channel.len();
        channel.resize(length + room, 0.0);
        *pointer = channel[length..].as_mut_ptr().cast();
    }
    // SAFETY: each pointer has room for `room` floats; `data` holds `samples` samples of the context's input format, or is null.
    let made = unsafe { ffi::swr_convert(raw, pointers.as_mut_ptr(), room as i32, data.cast_mut(), samples) };
    for (channel, length) in out.iter_mut().zip(before) {
        channel.truncate(length + usize::try_from(made).unwrap_or(0));
    }
    AvError::check("resample audio", made).map(|_| ())
}
