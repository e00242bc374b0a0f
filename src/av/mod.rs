//! Safe wrappers around FFmpeg: demux, decode, scale, resample, encode, mux. The only home of `unsafe`.
//!
//! Everything here works on one stream of one file at a time and knows nothing of sessions or layouts.

mod decode;
mod demux;
mod encode;
mod error;
mod frame;
mod frame_file;
mod memory;
mod mux;
mod overlay;
mod packet;
mod picture;
mod resample;
mod rotate;
mod scale;

pub use decode::{AudioDecoder, VideoDecoder};
pub use demux::{Demuxer, StreamParameters};
pub use encode::{AudioEncoder, AudioSettings, VideoEncoder, VideoSettings};
pub use error::AvError;
pub use frame::{AudioFrame, VideoFrame};
pub use mux::{Container, Muxer, Times, TrackHandle};
pub use overlay::{Mask, Overlay};
pub use packet::{Importance, Packet};
pub use picture::{Color, Picture, TileMut};
pub use resample::Resampler;
pub use scale::Scaler;

/// Registers FFmpeg's parts and silences its own log: what matters comes back as an [`AvError`].
pub fn initialize() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        memory::keep_freed();
        // init() only fails if called wrongly by its own crate; formats are static since FFmpeg 4
        let _ = ffmpeg_next::init();
        ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Quiet);
    });
}
