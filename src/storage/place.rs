//! Where something lies: `s3://bucket/key`, `file:///path` or a plain path.

use std::{fmt, path::PathBuf};

use url::Url;

use super::ObjectKey;
use crate::media::redacted_url;

/// A place as a user or a manifest names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Path(PathBuf),
    /// No key means the whole bucket.
    S3 {
        bucket: String,
        key: Option<ObjectKey>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{}' is no place: {why}", redacted_url(text).to_string().escape_default())]
pub struct PlaceError {
    text: String,
    why: String,
}

impl Place {
    pub fn parse(text: &str) -> Result<Place, PlaceError> {
        let wrong = |why: String| PlaceError {
            text: text.to_owned(),
            why,
        };
        match text.split_once("://") {
            None if text.is_empty() => Err(wrong("it is empty".into())),
            None => Ok(Place::Path(PathBuf::from(text))),
            Some(("file", _)) => {
                let path = Url::parse(text).ok().and_then(|url| url.to_file_path().ok());
                path.map(Place::Path)
                    .ok_or_else(|| wrong("a file URL looks like file:///folder/file".into()))
            }
            Some(("s3", rest)) => {
                let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
                if bucket.is_empty() || bucket.contains(|c: char| !(c.is_ascii_alphanumeric() || ".-_".contains(c))) {
                    return Err(wrong("it looks like s3://bucket/key".into()));
                }
                let key = key.trim_end_matches('/');
                let key = if key.is_empty() {
                    None
                } else {
                    Some(ObjectKey::new(key).map_err(|error| wrong(error.to_string()))?)
                };
                Ok(Place::S3 {
                    bucket: bucket.to_owned(),
                    key,
                })
            }
            Some((scheme, _)) => Err(wrong(format!("'{}' is neither s3 nor file", scheme.escape_default()))),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Path(path) => write!(f, "{}", path.display()),
            Place::S3 { bucket, key: Some(key) } => write!(f, "s3://{bucket}/{key}"),
            Place::S3 { bucket, key: None } => write!(f, "s3://{bucket}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_and_written() {
        for text in ["s3://dumps/a/b/session.json", "s3://dumps", "/a/b", "a b/c"] {
            assert_eq!(Place::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Place::parse("file:///a/b%20c").unwrap(), Place::Path("/a/b c".into()));
        for wrong in [
            "",
            "s3://",
            "s3:///x",
            "s3://b/../c",
            "http://x/y",
            "file://host/x",
            "s3://b b/c",
        ] {
            assert!(Place::parse(wrong).is_err(), "{wrong} was taken");
        }
    }
}
