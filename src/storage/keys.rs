//! Object keys: a function of the job, so that doing it twice makes one object.

use std::fmt;

use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::media::{RoomId, SessionId, WallTime};

/// The longest key that S3 takes, in bytes.
const LONGEST_KEY: usize = 1024;

/// What may mean something else to a shell, a URL or a file system; ids come from strangers.
const UNSAFE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'$')
    .add(b'%')
    .add(b'&')
    .add(b'\'')
    .add(b'*')
    .add(b'+')
    .add(b',')
    .add(b'/')
    .add(b':')
    .add(b';')
    .add(b'<')
    .add(b'=')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The name of an object within its bucket: relative, `/` between its parts, none of them `.`, `..` or empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectKey(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{}' cannot be an object key: it {why}", key.escape_default())]
pub struct KeyError {
    key: String,
    why: &'static str,
}

impl ObjectKey {
    pub fn new(key: impl Into<String>) -> Result<ObjectKey, KeyError> {
        let key = key.into();
        let wrong = if key.is_empty() {
            Some("is empty")
        } else if key.len() > LONGEST_KEY {
            Some("is longer than 1024 bytes")
        } else if key.chars().any(char::is_control) {
            Some("holds a control character")
        } else if key.split('/').any(|part| matches!(part, "" | "." | "..")) {
            Some("has an empty part, or one that is '.' or '..'")
        } else {
            None
        };
        match wrong {
            Some(why) => Err(KeyError { key, why }),
            None => Ok(ObjectKey(key)),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key of `name` beside this one, in the same folder.
    pub fn sibling(&self, name: &str) -> Result<ObjectKey, KeyError> {
        match self.0.rsplit_once('/') {
            Some((folder, _)) => ObjectKey::new(format!("{folder}/{name}")),
            None => ObjectKey::new(name),
        }
    }
}

/// What the keys of one recording have in common.
#[derive(Debug, Clone)]
pub struct RecordingKeys<'a> {
    /// The destination's prefix, or else the account id.
    pub prefix: Option<&'a str>,
    pub room: &'a RoomId,
    pub session: &'a SessionId,
    /// When the recording begins.
    pub started_at: WallTime,
}

impl RecordingKeys<'_> {
    /// `<prefix>/<room_id>/<yyyymmdd>/<session_id>/Rec-<session_id>-<epoch_ms>.mp4`, the date in UTC.
    ///
    /// A `variant` tells a further recording of the same session from the first one.
    pub fn composite(&self, variant: Option<&str>) -> Result<ObjectKey, KeyError> {
        let session = part(self.session.as_str());
        let variant = variant.map(|variant| format!("-{}", part(variant))).unwrap_or_default();
        let name = format!("Rec-{session}-{}{variant}.mp4", self.started_at.unix_millis());
        self.below(&[&part(self.room.as_str()), &day(self.started_at), &session, &name])
    }

    fn below(&self, parts: &[&str]) -> Result<ObjectKey, KeyError> {
        let prefix = self.prefix.unwrap_or_default().trim_matches('/');
        let parts: Vec<&str> = Some(prefix)
            .into_iter()
            .filter(|prefix| !prefix.is_empty())
            .chain(parts.iter().copied())
            .collect();
        ObjectKey::new(parts.join("/"))
    }
}

/// An id as one part of a key: what could mean something else is percent-encoded (RFC 3986, section 2.1).
pub fn part(id: &str) -> String {
    let encoded = utf8_percent_encode(id, UNSAFE).to_string();
    match encoded.as_str() {
        "" => "%".to_owned(),
        dots if dots.bytes().all(|byte| byte == b'.') => dots.replace('.', "%2E"),
        _ => encoded,
    }
}

/// The day of `at` in UTC, `yyyymmdd`.
pub fn day(at: WallTime) -> String {
    let stamp = jiff::Timestamp::from_millisecond(at.unix_millis()).unwrap_or_default();
    stamp.to_zoned(TimeZone::UTC).strftime("%Y%m%d").to_string()
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ObjectKey {
    type Error = KeyError;

    fn try_from(key: String) -> Result<ObjectKey, KeyError> {
        ObjectKey::new(key)
    }
}

impl From<ObjectKey> for String {
    fn from(key: ObjectKey) -> String {
        key.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys<'a>(prefix: Option<&'a str>, room: &'a RoomId, session: &'a SessionId) -> RecordingKeys<'a> {
        RecordingKeys {
            prefix,
            room,
            session,
            started_at: WallTime::parse("2026-11-20T23:59:59.250-01:00").unwrap(),
        }
    }

    #[test]
    fn composites_lie_where_the_contract_says() {
        let (room, session) = (RoomId::new("room-1"), SessionId::new("s1"));
        let key = |prefix, variant| keys(prefix, &room, &session).composite(variant).unwrap().to_string();
        assert_eq!(
            key(Some("prod"), None),
            "prod/room-1/20261121/s1/Rec-s1-1795222799250.mp4"
        );
        assert_eq!(
            key(Some("/a/b/"), None),
            "a/b/room-1/20261121/s1/Rec-s1-1795222799250.mp4"
        );
        assert_eq!(
            key(None, Some("ab12")),
            "room-1/20261121/s1/Rec-s1-1795222799250-ab12.mp4"
        );
    }

    #[test]
    fn prefixes_cannot_leave_the_bucket() {
        let (room, session) = (RoomId::new("r"), SessionId::new("s"));
        for prefix in ["..", "a/../b", "a//b", "a\nb", "./a"] {
            assert!(
                keys(Some(prefix), &room, &session).composite(None).is_err(),
                "{prefix:?} was taken"
            );
        }
    }

    proptest! {
        #[test]
        fn any_room_gives_one_safe_part(room in any::<String>()) {
            let part = part(&room);
            prop_assume!(part.len() < 900);
            prop_assert!(!part.contains('/'));
            prop_assert!(ObjectKey::new(part).is_ok());
        }
    }
}
