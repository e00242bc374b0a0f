//! Which people and tracks something is about.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::media::Source;

/// Chooses by source, role and peer. A list that is left out chooses all; in patterns `*` stands for anything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Select {
    /// `camera` and `screen` are pictures; `microphone` is a person without their picture. Default: camera and screen.
    pub sources: Vec<Source>,
    /// Patterns of roles; when ordered by role, the first pattern comes first.
    pub roles: Vec<String>,
    /// Patterns of peers: of their id, user id or name.
    pub peers: Vec<String>,
    pub except_roles: Vec<String>,
    pub except_peers: Vec<String>,
}

/// A person as patterns see them.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    pub role: Option<&'a str>,
    /// Id, user id and name.
    pub names: &'a [&'a str],
}

impl Select {
    /// Whether the person is meant, whatever their sources.
    pub fn admits(&self, person: Known<'_>) -> bool {
        let role = person.role.unwrap_or_default();
        let any = |patterns: &[String], text: &str| patterns.iter().any(|pattern| matches(pattern, text));
        let named = |patterns: &[String]| person.names.iter().any(|name| any(patterns, name));
        (self.roles.is_empty() || any(&self.roles, role))
            && (self.peers.is_empty() || named(&self.peers))
            && !any(&self.except_roles, role)
            && !named(&self.except_peers)
    }

    /// Its patterns of roles that mean none of `people`.
    pub fn idle_roles<'a>(&'a self, people: &'a [Known<'_>]) -> impl Iterator<Item = &'a str> {
        let is_idle = |pattern: &&str| {
            !people
                .iter()
                .any(|person| matches(pattern, person.role.unwrap_or_default()))
        };
        let patterns = self.roles.iter().chain(&self.except_roles);
        patterns.map(String::as_str).filter(is_idle)
    }

    /// Its patterns of peers that mean none of `people`.
    pub fn idle_peers<'a>(&'a self, people: &'a [Known<'_>]) -> impl Iterator<Item = &'a str> {
        let is_meant = |pattern: &str, person: &Known<'_>| person.names.iter().any(|name| matches(pattern, name));
        let is_idle = move |pattern: &&str| !people.iter().any(|person| is_meant(pattern, person));
        let patterns = self.peers.iter().chain(&self.except_peers);
        patterns.map(String::as_str).filter(is_idle)
    }

    /// Whether such pictures are meant.
    pub fn takes(&self, source: Source) -> bool {
        match self.sources.as_slice() {
            [] => matches!(source, Source::Camera | Source::Screen),
            sources => sources.contains(&source),
        }
    }

    /// Where a role stands when ordered by role: its first pattern, or behind all.
    pub fn rank(&self, role: Option<&str>) -> usize {
        let matching = |pattern: &String| matches(pattern, role.unwrap_or_default());
        self.roles.iter().position(matching).unwrap_or(self.roles.len())
    }
}

/// Whether `text` is what `pattern` says; `*` stands for any number of characters.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(first) else {
        return false;
    };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some(at) = text.find(piece) else { return false };
        text = &text[at + piece.len()..];
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text) in [
            ("*", ""),
            ("host", "host"),
            ("h*t", "host"),
            ("bot-*", "bot-7"),
            ("*a*b", "xaab"),
        ] {
            assert!(matches(pattern, text), "{pattern} is not {text}");
        }
        for (pattern, text) in [
            ("host", "hosts"),
            ("h*x", "host"),
            ("bot-*", "robot-7"),
            ("ab*ba", "aba"),
            ("", "x"),
        ] {
            assert!(!matches(pattern, text), "{pattern} is {text}");
        }
    }

    #[test]
    fn people_are_chosen_and_left_out() {
        let select = Select {
            roles: vec!["host".into(), "guest*".into()],
            except_peers: vec!["bot-*".into()],
            ..Select::default()
        };
        let admits = |role, names: &[&str]| select.admits(Known { role, names });
        assert!(admits(Some("host"), &["p1", "Asha"]) && admits(Some("guest-2"), &["p2"]));
        assert!(!admits(Some("viewer"), &["p3"]) && !admits(None, &["p3"]) && !admits(Some("host"), &["bot-1"]));
        assert_eq!(
            [Some("guest"), Some("host"), None].map(|role| select.rank(role)),
            [1, 0, 2]
        );
    }
}
