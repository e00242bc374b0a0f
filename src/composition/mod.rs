//! What will be made, decided before anything is rendered: scenes, mix, chunks, one plan. Pure.

mod cast;
mod chat;
mod chunks;
mod look;
mod pace;
mod people;
mod plan;
mod planner;
mod rate;
mod request;
mod scenes;
pub mod speakers;
mod windows;

pub use chunks::{encoded_ticks, scenes_in};
pub use look::{Line, Look, Place, Title, Watermark};
pub use pace::{PacedFrame, pace};
pub use plan::{
    AudioTrack, ChatLine, Chunk, Cost, Decoration, Encoding, Label, Mix, Plan, Scene, SoundStretch, Tile, VideoStretch,
    VideoTrack,
};
pub use planner::{Material, PlanError, plan};
pub use request::{ChatChoice, FramePolicy, LayoutSwitch, RateChoice, Request};
