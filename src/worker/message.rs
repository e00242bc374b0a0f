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
    /// Why it is where it is.
    pub reason: Option<String>,
    /// When it was submitted, in seconds since the Unix epoch.
    pub submitted_at: u64,
    /// How long it stays in a queue that passes messages on.
    pub delay: Option<Duration>,
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
        let reason = self
            .reason
            .iter()
            .map(|reason| reason.chars().take(LONGEST_NOTE).collect());
        reason.map(|reason| ("x-tessera-reason", reason)).collect()
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
