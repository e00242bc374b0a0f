//! How a recording is decorated: everything but the pictures themselves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Length, number};
use crate::media::{Rgb, Size};

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
    #[serde(default = "most", deserialize_with = "number::percent")]
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

impl Style {
    /// What is wrong with it, if anything.
    pub(super) fn fault(&self) -> Option<String> {
        let mark = self.watermark.as_ref().map(|it| ("watermark", it.width));
        let mut widths = self.frames().chain(mark);
        let (name, width) = widths.find(|(_, width)| matches!(width, Length::Pixels(0) | Length::Share(0)))?;
        Some(format!(
            "the width of '{name}' is {width}, so there is nothing to draw: give it some, or leave '{name}' out"
        ))
    }

    /// What is wrong with it on such a canvas, if anything.
    pub(super) fn fault_on(&self, canvas: Size) -> Option<String> {
        let frames = self
            .frames()
            .map(|(name, width)| (name, width.of(canvas.width.min(canvas.height))));
        let widest = canvas.width.min(canvas.height) / 2;
        let mark = self
            .watermark
            .as_ref()
            .map(|it| ("watermark", it.width.of(canvas.width), canvas.width));
        let mut all = frames.map(|(name, width)| (name, width, widest)).chain(mark);
        let (name, width, most) = all.find(|(_, width, most)| width > most)?;
        Some(format!(
            "the width of '{name}' is {width} pixels, and {most} are the most that can be drawn on a canvas of {canvas}: a \
             whole number is pixels, a number with a point a share"
        ))
    }

    fn frames(&self) -> impl Iterator<Item = (&'static str, Length)> {
        let frames = [("border", self.border), ("speaking", self.speaking)];
        frames.into_iter().filter_map(|(name, line)| Some((name, line?.width)))
    }
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
