//! Text that must never be shown.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// A key, password or token: it has no `Display` and no `Serialize`, its `Debug` hides it, and its memory is wiped.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(SecretString);

impl Secret {
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(SecretString::from(text.into()))
    }

    /// The text itself, for the one call that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A web address as it may be shown: without user, password, query and fragment, which may hold secrets.
pub struct Redacted<'a>(&'a str);

/// The part of `url` that may be shown.
pub fn redacted_url(url: &str) -> Redacted<'_> {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let shown = &url[..end];
    // a password may stand before the host; then nothing of it is shown
    if shown.contains('@') {
        Redacted("(hidden)")
    } else {
        Redacted(shown)
    }
}

/// A URI of a manifest as it may be shown: a web address may be signed, a path is shown as it is.
pub fn shown_uri(uri: &str) -> String {
    if uri.contains("://") {
        redacted_url(uri).to_string()
    } else {
        uri.to_owned()
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shows_a_secret() {
        let secret = Secret::new("hunter2");
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn addresses_are_shown_without_what_may_be_secret() {
        let shown = |url| redacted_url(url).to_string();
        assert_eq!(shown("https://example.com/hook?token=x#y"), "https://example.com/hook");
        assert_eq!(shown("https://user:pw@example.com/hook"), "(hidden)");
        assert_eq!(
            shown_uri("https://example.com/a.webm?signature=x"),
            "https://example.com/a.webm"
        );
        assert_eq!(shown_uri("tracks/what?.webm"), "tracks/what?.webm");
    }
}
