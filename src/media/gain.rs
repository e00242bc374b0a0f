//! How much louder or quieter sound is made.

use std::{fmt, ops::Add};

use serde::{Deserialize, Serialize};

/// A gain in thousandths of a decibel; positive is louder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Gain(i32);

impl Gain {
    /// Leaves sound as it is.
    pub const UNITY: Gain = Gain(0);

    /// The nearest gain to so many decibels; what is no number is none.
    pub fn from_decibels(decibels: f64) -> Gain {
        Gain((decibels * 1000.0).round() as i32)
    }

    pub fn decibels(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    /// What a sample is multiplied by.
    pub fn factor(self) -> f64 {
        10f64.powf(self.decibels() / 20.0)
    }
}

impl Add for Gain {
    type Output = Gain;
    fn add(self, other: Gain) -> Gain {
        Gain(self.0.saturating_add(other.0))
    }
}

/// Decibels with a sign, e.g. `+3.5 dB`.
impl fmt::Display for Gain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:+.1} dB", self.decibels()))
    }
}
