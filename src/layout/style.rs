//! How a recording is decorated: everything but the pictures themselves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Length;
use crate::media::Rgb;

/// Colours and decoration. Lengths that are shares are shares of the canvas's shorter edge.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Style {
    /// What shows where nothing else does.
    pub background: Rgb,
    /// A PNG that fills the canvas behind everything; its path is relative to the layout file.
    #[serde(default)]
    pub background_picture: Option<String>,
    /// Behind pictures that do not fill their tile, and behind initials. Default: the background's colour.
    #[serde(default)]
    pub tile_background: Option<Rgb>,
    #[serde(default = "zero")]
    pub corner_radius: Length,
    /// Around every tile, inside its edges.
    #[serde(default)]
    pub border: Option<Line>,
    /// Around the tile of whoever speaks, instead of the border.
    #[serde(default)]
    pub speaking: Option<Line>,
    /// Write people's names on their tiles.
    #[serde(default)]
    pub names: bool,
    /// Mark people whose microphone is off or missing.
    #[serde(default)]
    pub muted_mark: bool,
    /// Show how loud people are, by a few bars at the lower right of their tiles.
    #[serde(default)]
    pub meters: bool,
    /// People whose camera is off have a tile with their initials.
    #[serde(default)]
    pub avatars: bool,
    /// How one scene goes over into the next, unless the caller says otherwise.
    #[serde(default)]
    pub transition: Transition,
    #[serde(default)]
    pub title: Option<Title>,
    #[serde(default)]
    pub watermark: Option<Watermark>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { width = 0.006, color = \"#3ddc84\" }"
)]
pub struct Line {
    pub width: Length,
    pub color: Rgb,
}

/// A line of text over the pictures.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { text = \"Weekly\", place = \"top\" }"
)]
pub struct Title {
    /// Default: the room's name.
    #[serde(default)]
    pub text: Option<String>,
    #[serde(default)]
    pub place: Place,
}

/// A PNG over the pictures, its transparency kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { picture = \"logo.png\", place = \"top-right\" }"
)]
pub struct Watermark {
    /// Its path is relative to the layout file.
    pub picture: String,
    #[serde(default = "top_right")]
    pub place: Place,
    /// Its width; a share is one of the canvas's width.
    #[serde(default = "tenth")]
    pub width: Length,
    /// In percent.
    #[serde(default = "most")]
    #[schemars(range(min = 1, max = 100))]
    pub opacity: u8,
}

/// From one scene into the next: when somebody comes or goes, changes places, or the layout changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Transition {
    /// At once.
    #[default]
    Cut,
    /// The old picture is blended into the new one.
    Fade,
    /// Tiles move to their new places; who comes and who goes does so at once.
    Glide,
}

/// Where something stands on the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    #[default]
    TopLeft,
    Top,
    TopRight,
    BottomLeft,
    Bottom,
    BottomRight,
}

fn zero() -> Length {
    Length::ZERO
}

fn top_right() -> Place {
    Place::TopRight
}

fn tenth() -> Length {
    Length::Share(100_000)
}

fn most() -> u8 {
    80
}
