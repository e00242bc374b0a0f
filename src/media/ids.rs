//! Identifiers as the platform gave them. A newtype each, so that a peer never stands where a track is meant.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn new(text: impl Into<String>) -> Self {
                $name(text.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

id! {
    /// The customer's account.
    AccountId,
    /// One continuous meeting in a room.
    SessionId,
    /// The room that a session took place in.
    RoomId,
    /// A participant of one session.
    PeerId,
    /// What a peer publishes together, e.g. camera and microphone.
    StreamId,
    /// One published audio or video track.
    TrackId,
}
