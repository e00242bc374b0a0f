//! The plan: everything decided, nothing rendered. Plain data; the same input gives the same bytes.

use serde::{Deserialize, Serialize};

use super::{Fade, FramePolicy, Levels, Look};
use crate::{
    media::{
        ChannelCount, Decibels, Fit, Gain, PeerId, Preset, Rect, Rgb, SamplePosition, SessionId, SessionTime, Size,
        Tick, TickRate, TimeDelta, TrackId, WallTime, sha256_hex,
    },
    timeline::Clock,
};

/// One recording to render.
///
/// Ticks and samples count from the start of the recording, pixels from the canvas's upper left corner, session times in
/// nanoseconds from `session_origin`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Version of this shape, 1.
    pub version: u32,
    pub session_id: SessionId,
    pub title: String,
    /// Wall clock of tick 0.
    pub started_at: WallTime,
    /// Wall clock of session time zero.
    pub session_origin: WallTime,
    pub ticks_per_second: TickRate,
    /// Ticks in the whole recording.
    pub length: Tick,
    pub canvas: Size,
    /// Of the first look.
    pub layout: String,
    /// How scenes are decorated, by index.
    pub looks: Vec<Look>,
    pub encoding: Encoding,
    /// Follow on each other from tick 0 to `length`.
    pub scenes: Vec<Scene>,
    /// Where the picture before is blended into the next; in order, never two at once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fades: Vec<Fade>,
    pub video: Vec<VideoTrack>,
    pub audio: Vec<AudioTrack>,
    pub mix: Mix,
    /// How the fader of the mix moves, in order; empty if it does not.
    pub fader: Vec<FaderPoint>,
    /// Who is the speaker when, in order; between two there may be none.
    pub speakers: Vec<Speaker>,
    /// How loud those are who have a level meter.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<Levels>,
    /// Follow on each other from tick 0 to `length`.
    pub chunks: Vec<Chunk>,
    pub cost: Cost,
    pub warnings: Vec<String>,
    /// SHA-256 of all of the above, as compact JSON.
    pub hash: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Encoding {
    pub preset: Preset,
    pub crf: u8,
    pub frames: FramePolicy,
}

/// A stretch in which the set of tiles does not change: `start` up to, not including, `end`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Scene {
    pub start: Tick,
    pub end: Tick,
    /// Index into the plan's looks.
    #[serde(skip_serializing_if = "is_zero")]
    pub look: usize,
    /// Tiles are on their way to where they stand in the next.
    #[serde(skip_serializing_if = "is_false")]
    pub moving: bool,
    pub tiles: Vec<Tile>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decorations: Vec<Decoration>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tile {
    pub track_id: TrackId,
    pub peer_id: PeerId,
    #[serde(flatten)]
    pub rect: Rect,
    pub fit: Fit,
    /// What is higher lies over what is lower.
    #[serde(skip_serializing_if = "is_zero")]
    pub z: i32,
    #[serde(skip_serializing_if = "is_zero")]
    pub corner_radius: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
}

/// What is said on a tile about whom it shows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
pub struct Label {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// It is their screen.
    #[serde(skip_serializing_if = "is_false")]
    pub screen: bool,
    /// Their microphone is off or missing.
    #[serde(skip_serializing_if = "is_false")]
    pub muted: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub speaking: bool,
    /// Where their level meter stands on the canvas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meter: Option<Rect>,
}

/// A message over the pictures.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ChatLine {
    pub name: String,
    pub text: String,
}

/// Something that stands still for a scene.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Decoration {
    /// A tile for somebody who is not seen.
    Avatar {
        peer_id: PeerId,
        #[serde(flatten)]
        rect: Rect,
        #[serde(skip_serializing_if = "is_zero")]
        z: i32,
        #[serde(skip_serializing_if = "is_zero")]
        corner_radius: u32,
        initials: String,
        color: Rgb,
        #[serde(skip_serializing_if = "Option::is_none")]
        label: Option<Label>,
    },
    /// The last messages, the latest at the bottom.
    Chat {
        #[serde(flatten)]
        rect: Rect,
        messages: Vec<ChatLine>,
    },
    /// In the middle of an empty room.
    Notice { text: String },
}

/// A track that is seen, and where its pictures come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VideoTrack {
    pub track_id: TrackId,
    /// Index into the manifest's tracks.
    pub track: usize,
    pub stretches: Vec<VideoStretch>,
}

/// Ticks for which one dump is a track's source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoStretch {
    /// Index into the track's dumps.
    pub dump: usize,
    pub start: Tick,
    pub end: Tick,
    /// What the session clock shows at `start`.
    pub session_start: SessionTime,
    pub clock: Clock,
}

/// A track that is heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AudioTrack {
    pub track_id: TrackId,
    pub peer_id: PeerId,
    /// Index into the manifest's tracks.
    pub track: usize,
    /// How much louder the track is made, in thousandths of a decibel.
    pub gain: Gain,
    pub stretches: Vec<SoundStretch>,
}

/// A stretch in which one peer is the speaker: `start` up to, not including, `end`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Speaker {
    pub peer_id: PeerId,
    pub start: Tick,
    pub end: Tick,
}

/// Samples for which one dump is heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SoundStretch {
    /// Index into the track's dumps.
    pub dump: usize,
    pub start: SamplePosition,
    pub end: SamplePosition,
    /// How far the session clock is ahead of the recording here: the pauses cut out so far.
    pub shift: TimeDelta,
    pub clock: Clock,
}

/// How the sound is mixed and encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Mix {
    pub channels: ChannelCount,
    pub sample_rate: u32,
    pub bits_per_second: u32,
    /// The integrated loudness that it is to have, in LUFS; `None` leaves it as it comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Decibels>,
    /// Ends with the last tick.
    pub length: SamplePosition,
}

/// Where the fader of the whole mix stands. Between two points it moves evenly; before the first and after the last it
/// rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FaderPoint {
    pub at: SamplePosition,
    /// How much louder the mix is made, in thousandths of a decibel.
    pub gain: Gain,
}

/// A closed GOP that is encoded on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Chunk {
    pub start: Tick,
    pub end: Tick,
}

/// What rendering will take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Cost {
    pub decoded_frames: u64,
    pub encoded_frames: u64,
    pub sound_seconds: u64,
    /// A rough estimate for one core of 2020's make, in milliseconds.
    pub cpu_millis: u64,
}

fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Plan {
    /// The fade that `tick` is a part of.
    pub fn fade_at(&self, tick: Tick) -> Option<Fade> {
        let index = self.fades.partition_point(|fade| fade.end <= tick);
        self.fades.get(index).copied().filter(|fade| fade.start <= tick)
    }

    /// Length of the recording.
    pub fn duration(&self) -> TimeDelta {
        self.ticks_per_second.time_of(self.length).since_start()
    }

    /// What the recording's file is called, without its ending.
    pub fn file_stem(&self) -> String {
        format!("Rec-{}-{}", self.session_id, self.started_at.unix_millis())
    }

    /// Fills in the hash of everything else.
    pub(super) fn sealed(mut self) -> Plan {
        self.hash = String::new();
        let bytes = serde_json::to_vec(&self).expect("a plan is plain data and always serialises");
        self.hash = sha256_hex(&bytes);
        self
    }
}

impl Decoration {
    /// Where it stands, if that is said.
    pub fn rect(&self) -> Option<Rect> {
        match self {
            Decoration::Avatar { rect, .. } | Decoration::Chat { rect, .. } => Some(*rect),
            Decoration::Notice { .. } => None,
        }
    }
}

impl VideoStretch {
    /// Where `pts` stands on the tick grid of the recording, in thousandths of a tick, rounded down.
    pub fn thousandths(&self, pts: i64, rate: TickRate) -> i128 {
        let offset = self.clock.session_time(pts) - self.session_start;
        let scaled = i128::from(offset.nanos()) * i128::from(rate.per_second());
        i128::from(self.start.0) * 1000 + scaled.div_euclid(1_000_000)
    }

    pub fn contains(&self, tick: Tick) -> bool {
        self.start <= tick && tick < self.end
    }
}

impl SoundStretch {
    /// The sample of the recording at which the dump's timestamp `pts` is heard.
    pub fn sample_of(&self, pts: i64) -> SamplePosition {
        (self.clock.session_time(pts) - self.shift).sample()
    }
}
