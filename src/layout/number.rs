//! Whole numbers of layout files: who writes one out of range is told the range.

use std::{fmt, ops::RangeInclusive};

use serde::{
    Deserializer,
    de::{Error, Unexpected, Visitor},
};

use super::region::MOST_TILES;

/// Of rows, columns and tiles.
pub fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    whole(deserializer, 1..=MOST_TILES).map(Some)
}

pub fn people<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    whole(deserializer, 0..=1_000_000).map(Some)
}

pub fn percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    whole(deserializer, 1..=100)
}

/// How high a region lies.
pub fn height<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    whole(deserializer, -1_000_000..=1_000_000)
}

fn whole<'de, D: Deserializer<'de>, T>(deserializer: D, range: RangeInclusive<T>) -> Result<T, D::Error>
where
    T: TryFrom<i64> + PartialOrd + fmt::Display,
{
    deserializer.deserialize_i64(Within(range))
}

struct Within<T>(RangeInclusive<T>);

impl<T: TryFrom<i64> + PartialOrd + fmt::Display> Visitor<'_> for Within<T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a whole number from {} to {}", self.0.start(), self.0.end())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        let found = T::try_from(number).ok().filter(|found| self.0.contains(found));
        found.ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }
}
