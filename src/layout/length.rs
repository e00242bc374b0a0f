//! Lengths as layout files give them: whole pixels, or a share.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};

/// Shares are kept in millionths, so that geometry stays whole numbers.
const WHOLE: u64 = 1_000_000;

/// A length: an integer is pixels, a number with a point is a share, so that `1` is a pixel and `1.0` is all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    Pixels(u32),
    /// In millionths.
    Share(u32),
}

impl Length {
    pub const ZERO: Length = Length::Pixels(0);
    pub const ALL: Length = Length::Share(WHOLE as u32);

    /// In pixels, where a share is one of `whole`.
    pub fn of(self, whole: u32) -> u32 {
        match self {
            Length::Pixels(pixels) => pixels,
            Length::Share(millionths) => {
                let scaled = (u64::from(millionths) * u64::from(whole) + WHOLE / 2) / WHOLE;
                u32::try_from(scaled).expect("a share is at most one")
            }
        }
    }

    /// Both together, if they are of one kind.
    pub fn with(self, other: Length) -> Option<Length> {
        match (self, other) {
            (Length::Pixels(one), Length::Pixels(two)) => Some(Length::Pixels(one.saturating_add(two))),
            (Length::Share(one), Length::Share(two)) => Some(Length::Share(one.saturating_add(two))),
            (Length::Pixels(_), Length::Share(_)) | (Length::Share(_), Length::Pixels(_)) => None,
        }
    }

    /// Whether it is more than all there is, by more than shares are rounded.
    pub fn is_beyond_all(self) -> bool {
        matches!(self, Length::Share(millionths) if u64::from(millionths) > WHOLE + 2)
    }

    /// The same to the nearest even number.
    pub fn even(self, whole: u32) -> u32 {
        nearest_even(self.of(whole))
    }
}

impl fmt::Display for Length {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Length::Pixels(1) => out.write_str("1 pixel"),
            Length::Pixels(pixels) => write!(out, "{pixels} pixels"),
            // no more digits than it has
            Length::Share(millionths) if millionths % 100_000 == 0 => {
                write!(out, "{}.{}", millionths / 1_000_000, millionths / 100_000 % 10)
            }
            Length::Share(millionths) => {
                let text = format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
                out.write_str(text.trim_end_matches('0'))
            }
        }
    }
}

/// To the nearest even number; in the middle, up.
pub fn nearest_even(pixels: u32) -> u32 {
    pixels.saturating_add(1) / 2 * 2
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum Written {
    Pixels(u32),
    Share(f64),
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Length, D::Error> {
        let wrong = || D::Error::custom("a length is a whole number of pixels up to 8192, or a share from 0.0 to 1.0");
        match Written::deserialize(deserializer).map_err(|_| wrong())? {
            Written::Pixels(pixels) if pixels <= crate::media::Size::MAX_EDGE => Ok(Length::Pixels(pixels)),
            Written::Share(share) if (0.0..=1.0).contains(&share) => {
                Ok(Length::Share((share * WHOLE as f64).round() as u32))
            }
            Written::Pixels(_) | Written::Share(_) => Err(wrong()),
        }
    }
}

impl JsonSchema for Length {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Length".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "An integer is pixels; a number with a point, 0.0 to 1.0, is a share.",
            "anyOf": [{"type": "integer", "minimum": 0, "maximum": 8192}, {"type": "number", "minimum": 0, "maximum": 1}],
        })
    }
}
