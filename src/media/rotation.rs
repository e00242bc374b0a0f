//! How a picture has to be turned to stand upright.

use serde::{Deserialize, Serialize};

use super::Size;

/// The clockwise turn that makes a picture upright.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    #[default]
    None,
    Quarter,
    Half,
    ThreeQuarters,
}

impl Rotation {
    /// The size that a picture of `coded` size has once it is upright.
    pub fn upright(self, coded: Size) -> Size {
        match self {
            Rotation::None | Rotation::Half => coded,
            Rotation::Quarter | Rotation::ThreeQuarters => Size::new(coded.height, coded.width),
        }
    }

    /// From the low two bits of a video-orientation header extension (3GPP TS 26.114, table 7.2).
    pub fn from_video_orientation(byte: u8) -> Rotation {
        match byte & 0b11 {
            0 => Rotation::None,
            1 => Rotation::Quarter,
            2 => Rotation::Half,
            _ => Rotation::ThreeQuarters,
        }
    }

    /// From degrees clockwise, to the nearest quarter.
    pub fn from_degrees(degrees: i64) -> Rotation {
        match (degrees.rem_euclid(360) + 45) / 90 % 4 {
            0 => Rotation::None,
            1 => Rotation::Quarter,
            2 => Rotation::Half,
            _ => Rotation::ThreeQuarters,
        }
    }
}
