//! The vocabulary: session time, ids, geometry and the kinds of media. Plain values, no I/O.

mod channels;
mod color;
mod decibels;
mod digest;
pub mod document;
mod gain;
mod geometry;
mod ids;
mod kind;
mod preset;
mod rotation;
mod secret;
mod span;
mod stamps;
mod time;

pub use channels::ChannelCount;
pub use color::Rgb;
pub use decibels::Decibels;
pub use digest::{Sha256Writer, hex, sha256_hex};
pub use gain::Gain;
pub use geometry::{Fit, Placed, Rect, Size};
pub use ids::{AccountId, PeerId, RoomId, SessionId, StreamId, TrackId};
pub use kind::{Codec, Kind, Source};
pub use preset::Preset;
pub use rotation::Rotation;
pub use secret::{Redacted, Secret, redacted_url, shown_uri};
pub use span::{Span, Spans};
pub use stamps::{Break, Receipt, Receipts, RtpEpoch, Stamps};
pub use time::{SAMPLE_RATE, SamplePosition, SessionTime, Tick, TickRate, TimeBase, TimeDelta, WallTime};
