//! The exchange and queues, as data: declared idempotently, and printable.
//!
//! ```text
//!  <prefix>.jobs ──triage──▶ <prefix>.short.N, <prefix>.long.N ──▶ a worker's slot
//!       ▲  ▲                                                        │
//!       │  └──── after its delay ──── <prefix>.retry.N ◀────────────┤ try again
//!       ├─────── after a while ────── <prefix>.parked ◀─────────────┤ waits for the customer
//!       └─────── if its worker died ─ <prefix>.held.<worker> ◀──────┤ a long job, see docs/operations.md
//!                                     <prefix>.dead ◀───────────────┘ can never work
//! ```

use std::{fmt, time::Duration};

use serde::Serialize;

/// How many queues share the jobs of one lane: one customer's thousand jobs fill one of them.
pub const SHARDS: usize = 4;

/// How a held job waits for its worker to come back for it, before others get it.
const HELD_FOR: Duration = Duration::from_secs(20);
/// How long the queue of a worker that is gone is kept.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);

/// The names of everything in the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    prefix: String,
}

/// Which kind of slot a job takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    Short,
    Long,
}

/// A quorum queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueSpec {
    pub name: String,
    /// Messages older than this go to `then`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_ttl_ms: Option<u64>,
    /// Where messages go whose time is over: a queue, by the default exchange.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub then: Option<String>,
    /// Deleted when nobody has used it for so long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
}

impl Names {
    pub fn new(prefix: &str) -> Names {
        Names {
            prefix: prefix.to_owned(),
        }
    }

    /// Where jobs enter.
    pub fn jobs(&self) -> String {
        format!("{}.jobs", self.prefix)
    }

    pub fn lane(&self, lane: Lane, shard: usize) -> String {
        format!("{}.{lane}.{shard}", self.prefix)
    }

    /// Where jobs wait for their `step`th retry.
    pub fn retry(&self, step: usize) -> String {
        format!("{}.retry.{}", self.prefix, step + 1)
    }

    pub fn parked(&self) -> String {
        format!("{}.parked", self.prefix)
    }

    pub fn dead(&self) -> String {
        format!("{}.dead", self.prefix)
    }

    /// Where a worker keeps its claim on long jobs.
    pub fn held(&self, worker: &str) -> String {
        format!("{}.held.{worker}", self.prefix)
    }

    /// All queues that every worker shares. Delays are those of the messages, so that changing them needs no new queue.
    pub fn shared(&self, retries: usize) -> Vec<QueueSpec> {
        let plain = |name: String| QueueSpec {
            name,
            message_ttl_ms: None,
            then: None,
            expires_ms: None,
        };
        let back = |name: String| QueueSpec {
            then: Some(self.jobs()),
            ..plain(name)
        };
        let mut queues = vec![plain(self.jobs())];
        for lane in [Lane::Short, Lane::Long] {
            queues.extend((0..SHARDS).map(|shard| plain(self.lane(lane, shard))));
        }
        queues.extend((0..retries).map(|step| back(self.retry(step))));
        queues.push(back(self.parked()));
        queues.push(plain(self.dead()));
        queues
    }

    /// The queue of one worker.
    pub fn own(&self, worker: &str) -> QueueSpec {
        QueueSpec {
            name: self.held(worker),
            message_ttl_ms: Some(millis(HELD_FOR)),
            then: Some(self.jobs()),
            expires_ms: Some(millis(FORGOTTEN_AFTER)),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Lane::Short => "short",
            Lane::Long => "long",
        })
    }
}

impl fmt::Display for QueueSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (quorum, durable", self.name)?;
        if let Some(ttl) = self.message_ttl_ms {
            write!(f, ", messages live {} s", ttl / 1000)?;
        }
        if let Some(then) = &self.then {
            write!(f, ", then go to {then}")?;
        }
        if let Some(expires) = self.expires_ms {
            write!(f, ", deleted after {} s without use", expires / 1000)?;
        }
        f.write_str(")")
    }
}
