//! The shape of sound inside Tessera: always 48 kHz, one or two channels.

use serde::{Deserialize, Serialize};

/// How many channels a recording's sound has. Mono stays mono: it costs half and sounds the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelCount {
    Mono,
    Stereo,
}

impl ChannelCount {
    pub fn count(self) -> usize {
        match self {
            ChannelCount::Mono => 1,
            ChannelCount::Stereo => 2,
        }
    }
}
