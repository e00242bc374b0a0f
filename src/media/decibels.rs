//! How loud sound is.

use std::fmt;

use serde::{Serialize, Serializer};

/// A level on the scale that its place names: LUFS (ITU-R BS.1770-4), dBTP or dBFS. Kept in thousandths of a decibel,
/// written as a number of decibels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decibels(i32);

impl Decibels {
    pub const fn thousandths(thousandths: i32) -> Decibels {
        Decibels(thousandths)
    }

    /// The nearest level; nothing of what is infinite or no number.
    pub fn of(decibels: f64) -> Option<Decibels> {
        decibels
            .is_finite()
            .then(|| Decibels((decibels * 1000.0).round() as i32))
    }

    pub fn value(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

impl Serialize for Decibels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.value())
    }
}

/// E.g. `-16.0`.
impl fmt::Display for Decibels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.1}", self.value()))
    }
}
