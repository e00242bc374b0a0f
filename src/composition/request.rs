//! What the caller wants made of a session.

use serde::{Deserialize, Serialize};

use crate::{
    layout::{Layout, Select, Transition},
    media::{Preset, SessionTime, Size, TickRate},
    session::ChatMessage,
};

/// One recording to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub layout: Layout,
    /// Other layouts from given times on, in any order.
    pub switches: Vec<LayoutSwitch>,
    /// Instead of the layouts' own.
    pub transition: Option<Transition>,
    /// Who may be seen.
    pub seen: Select,
    /// Who is heard.
    pub heard: Select,
    pub chat: ChatChoice,
    pub canvas: Size,
    pub rate: RateChoice,
    pub frames: FramePolicy,
    pub preset: Preset,
    /// x264's constant rate factor, 0 to 51.
    pub crf: u8,
    pub levelling: Levelling,
    /// Leave out what came before this time of the session clock.
    pub from: Option<SessionTime>,
    /// Leave out what came after.
    pub to: Option<SessionTime>,
}

/// Whether messages are shown over the pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatChoice {
    Hidden,
    /// The manifest's, and these.
    Shown(Vec<ChatMessage>),
}

/// From `at` of the session clock on, another layout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutSwitch {
    pub at: SessionTime,
    pub layout: Layout,
}

/// x264's own default, and a good trade for faces and screens.
pub const USUAL_CRF: u8 = 23;

/// Where neither the layout nor the caller says a size.
const USUAL_CANVAS: Size = Size {
    width: 1280,
    height: 720,
};

impl Request {
    /// The usual recording: everybody, equally loud, in the layout's own size or 1280x720.
    pub fn of(layout: Layout) -> Request {
        Request {
            canvas: layout.resolution.unwrap_or(USUAL_CANVAS),
            layout,
            switches: Vec::new(),
            transition: None,
            seen: Select::default(),
            heard: Select::default(),
            chat: ChatChoice::Hidden,
            rate: RateChoice::Auto,
            frames: FramePolicy::Changes,
            preset: Preset::Veryfast,
            crf: USUAL_CRF,
            levelling: Levelling::On,
            from: None,
            to: None,
        }
    }

    /// Whether the pictures depend on who speaks.
    pub fn follows_speech(&self) -> bool {
        let others = self.switches.iter().map(|switch| &switch.layout);
        others.chain([&self.layout]).any(Layout::follows_speech)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateChoice {
    /// The lowest usual rate that shows every frame of the cameras on screen.
    Auto,
    Fixed(TickRate),
}

/// Whether all are made equally loud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Levelling {
    On,
    Off,
}

/// Which ticks become frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FramePolicy {
    /// Only ticks at which a tile changed, and at least one a second.
    Changes,
    /// Every tick: a constant frame rate.
    EveryTick,
}
