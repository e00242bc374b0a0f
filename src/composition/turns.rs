//! Who was the active speaker when.

use crate::media::{PeerId, Span};

/// A stretch of the session clock in which somebody has the floor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpeakerTurn {
    pub peer: PeerId,
    pub span: Span,
}
