//! What will be made, decided before anything is rendered: scenes, mix, chunks, one plan. Pure.

mod chunks;
mod pace;
mod plan;
mod planner;
mod rate;
mod request;
mod scenes;
pub mod speakers;
mod windows;

pub use chunks::{encoded_ticks, scenes_in};
pub use pace::{PacedFrame, pace};
pub use plan::{AudioTrack, Chunk, Cost, Encoding, Mix, Plan, Scene, SoundStretch, Tile, VideoStretch, VideoTrack};
pub use planner::{PlanError, plan};
pub use request::{FramePolicy, RateChoice, Request};
