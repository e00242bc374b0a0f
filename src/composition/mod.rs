//! What will be made, decided before anything is rendered: scenes, mix, chunks, one plan. Pure.

mod cast;
mod chat;
mod choice;
mod chunks;
mod drowned;
mod envelope;
mod fader;
pub mod hearing;
pub mod leaks;
mod levels;
mod look;
mod meters;
mod pace;
mod people;
mod plan;
mod planner;
pub mod plate;
mod rate;
mod request;
mod scenes;
pub mod speakers;
mod steady;
mod transitions;
pub mod voice;
mod windows;

pub use crate::layout::Transition;
pub use chunks::{encoded_ticks, scenes_in};
pub use levels::CEILING;
pub use look::{Line, Look, Place, Title, Watermark};
pub use meters::{HIGHEST, Levels};
pub use pace::{PacedFrame, pace};
pub use plan::{
    AudioTrack, ChatLine, Chunk, Cost, Decoration, Encoding, FaderPoint, Label, Mix, Plan, Scene, SoundStretch,
    Speaker, Tile, VideoStretch, VideoTrack,
};
pub use planner::{Material, PlanError, listening, plan};
pub use request::{ChatChoice, FramePolicy, LayoutSwitch, Levelling, RateChoice, Request, USUAL_CRF};
pub use transitions::Fade;
