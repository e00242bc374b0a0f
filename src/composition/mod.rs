//! What will be made, decided before anything is rendered: scenes, mix, chunks, one plan. Pure.

mod chunks;
pub mod hearing;
mod levels;
mod pace;
mod plan;
mod planner;
mod rate;
mod request;
mod scenes;
pub mod speakers;
pub mod voice;
mod windows;

pub use chunks::{encoded_ticks, scenes_in};
pub use levels::CEILING;
pub use pace::{PacedFrame, pace};
pub use plan::{
    AudioTrack, Chunk, Cost, Encoding, Mix, Plan, Scene, SoundStretch, Speaker, Tile, VideoStretch, VideoTrack,
};
pub use planner::{PlanError, listening, plan};
pub use request::{FramePolicy, Levelling, RateChoice, Request};
