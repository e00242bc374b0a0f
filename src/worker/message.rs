//! A message of the queue: the job's own bytes, and what the service noted on it.

use std::time::Duration;

use super::{broker::Claim, verdict::History};

/// The longest text that goes into a header.
const LONGEST_NOTE: usize = 2000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The job as JSON, exactly as it was submitted.
    pub body: Vec<u8>,
    pub history: History,
    pub labels: Labels,
    /// Why it is where it is.
    pub reason: Option<String>,
    /// When it was submitted, in seconds since the Unix epoch.
    pub submitted_at: u64,
    /// How long it stays in a queue that passes messages on.
    pub delay: Option<Duration>,
}

/// Whose job it is, as its manifest told when it was sorted: for logs and lists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels {
    pub session: Option<String>,
    pub room: Option<String>,
    pub account: Option<String>,
}

/// A message to be answered.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub message: Message,
    pub claim: Claim,
}

impl Message {
    pub fn new(body: Vec<u8>, submitted_at: u64) -> Message {
        Message {
            body,
            history: History::default(),
            labels: Labels::default(),
            reason: None,
            submitted_at,
            delay: None,
        }
    }

    pub fn from_headers(
        body: Vec<u8>,
        number: impl Fn(&str) -> u32,
        text: impl Fn(&str) -> Option<String>,
        submitted_at: u64,
    ) -> Message {
        let history = History {
            attempts: number("x-tessera-attempts"),
            crashes: number("x-tessera-crashes"),
            parked: number("x-tessera-parked"),
        };
        Message {
            body,
            history,
            labels: Labels {
                session: text("x-tessera-session"),
                room: text("x-tessera-room"),
                account: text("x-tessera-account"),
            },
            reason: text("x-tessera-reason"),
            submitted_at,
            delay: None,
        }
    }

    pub fn numbers(&self) -> [(&'static str, u32); 3] {
        [
            ("x-tessera-attempts", self.history.attempts),
            ("x-tessera-crashes", self.history.crashes),
            ("x-tessera-parked", self.history.parked),
        ]
    }

    pub fn texts(&self) -> Vec<(&'static str, String)> {
        let labels = &self.labels;
        let all = [
            ("x-tessera-reason", &self.reason),
            ("x-tessera-session", &labels.session),
            ("x-tessera-room", &labels.room),
            ("x-tessera-account", &labels.account),
        ];
        let given = all.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?)));
        given
            .map(|(name, text)| (name, text.chars().take(LONGEST_NOTE).collect()))
            .collect()
    }

    /// The same job without delay and reason, as it goes on its way.
    pub fn onward(&self) -> Message {
        Message {
            reason: None,
            delay: None,
            ..self.clone()
        }
    }

    /// The same job, back to its beginning.
    pub fn anew(&self) -> Message {
        Message {
            history: History::default(),
            ..self.onward()
        }
    }
}
