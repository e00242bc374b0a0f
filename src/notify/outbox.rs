//! A webhook that waits to be delivered, and what an attempt changes about it. Pure: whoever keeps the entries asks.

use serde::{Deserialize, Serialize};

use crate::media::{TimeDelta, WallTime};

/// How long a webhook is tried again.
pub const PATIENCE: TimeDelta = TimeDelta::from_seconds(3 * 24 * 3600);

/// Seconds between attempts; the last one repeats.
const DELAYS: [i64; 9] = [5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800];

/// One webhook for one receiver. Holds no secret: address, headers and secret are those of the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The header `webhook-id`.
    pub id: String,
    pub job_id: String,
    /// Index into the job's webhooks.
    pub webhook: usize,
    /// The event's type.
    pub event: String,
    /// What is sent and signed.
    pub body: String,
    pub created_at: WallTime,
    /// What patience is counted from: the creation, or the last replay.
    pub since: WallTime,
    pub attempts: u32,
    #[serde(flatten)]
    pub delivery: Delivery,
    /// What came of the last attempt.
    pub last: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Delivery {
    Pending {
        next_at: WallTime,
    },
    Delivered {
        at: WallTime,
    },
    /// The receiver wants no more (410 Gone).
    Stopped {
        at: WallTime,
    },
    /// Tried for as long as it makes sense.
    GivenUp {
        at: WallTime,
    },
}

/// What came of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Accepted {
        status: u16,
    },
    /// 410.
    Gone,
    Refused {
        status: u16,
        retry_after: Option<TimeDelta>,
    },
    /// There was no answer.
    Failed {
        why: String,
    },
}

impl Entry {
    pub fn new(id: String, job_id: String, webhook: usize, event: &str, body: String, now: WallTime) -> Entry {
        Entry {
            id,
            job_id,
            webhook,
            event: event.to_owned(),
            body,
            created_at: now,
            since: now,
            attempts: 0,
            delivery: Delivery::Pending { next_at: now },
            last: None,
        }
    }

    pub fn is_due(&self, now: WallTime) -> bool {
        matches!(self.delivery, Delivery::Pending { next_at } if next_at <= now)
    }

    pub fn is_pending(&self) -> bool {
        matches!(self.delivery, Delivery::Pending { .. })
    }

    /// The entry after an attempt. `jitter` is a random share of the delay, in thousandths, to be added.
    pub fn after(mut self, outcome: &Outcome, now: WallTime, jitter: u16) -> Entry {
        self.last = Some(outcome.to_string());
        self.delivery = match outcome {
            Outcome::Accepted { .. } => Delivery::Delivered { at: now },
            Outcome::Gone => Delivery::Stopped { at: now },
            Outcome::Refused { retry_after, .. } => self.retry(*retry_after, now, jitter),
            Outcome::Failed { .. } => self.retry(None, now, jitter),
        };
        self.attempts = self.attempts.saturating_add(1);
        self
    }

    /// The entry sent again from the start, whatever became of it.
    pub fn replayed(self, now: WallTime) -> Entry {
        Entry {
            since: now,
            attempts: 0,
            delivery: Delivery::Pending { next_at: now },
            ..self
        }
    }

    fn retry(&self, asked: Option<TimeDelta>, now: WallTime, jitter: u16) -> Delivery {
        let step = usize::try_from(self.attempts)
            .unwrap_or(usize::MAX)
            .min(DELAYS.len() - 1);
        let millis = DELAYS[step] * 1000;
        let own = TimeDelta::from_millis(millis + millis * i64::from(jitter.min(1000)) / 1000);
        let longest = TimeDelta::from_seconds(DELAYS[DELAYS.len() - 1]);
        // a receiver may ask for more time, but not for so much that the webhook is never delivered
        let delay = asked.map_or(own, |asked| own.max(asked.min(longest)));
        let next_at = now + delay;
        if next_at - self.since > PATIENCE {
            Delivery::GivenUp { at: now }
        } else {
            Delivery::Pending { next_at }
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Outcome::Accepted { status } => write!(f, "accepted with {status}"),
            Outcome::Gone => f.write_str("the receiver wants no more (410)"),
            Outcome::Refused { status, .. } if (300..400).contains(status) => {
                write!(f, "answered with {status}: redirects are not followed")
            }
            Outcome::Refused { status, .. } => write!(f, "answered with {status}"),
            Outcome::Failed { why } => f.write_str(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> WallTime {
        WallTime::parse("2026-11-20T10:00:00Z").unwrap()
    }

    fn entry() -> Entry {
        Entry::new("msg_1".into(), "j".into(), 0, "recording.success", "{}".into(), now())
    }

    const FAILED: Outcome = Outcome::Refused {
        status: 500,
        retry_after: None,
    };

    #[test]
    fn failing_receivers_are_tried_for_three_days() {
        let (mut entry, mut at, mut attempts) = (entry(), now(), 0);
        while let Delivery::Pending { next_at } = entry.delivery {
            at = next_at;
            entry = entry.after(&FAILED, at, 0);
            attempts += 1;
        }
        let tried = at - now();
        assert!(
            tried > TimeDelta::from_seconds(60 * 3600) && tried <= PATIENCE,
            "{tried:?}"
        );
        assert!((10..30).contains(&attempts), "{attempts}");
    }

    #[test]
    fn answers_decide_what_comes_next() {
        let after = |outcome| entry().after(&outcome, now(), 0).delivery;
        assert_eq!(
            after(Outcome::Accepted { status: 204 }),
            Delivery::Delivered { at: now() }
        );
        assert_eq!(after(Outcome::Gone), Delivery::Stopped { at: now() });
        let asked = |seconds| Outcome::Refused {
            status: 429,
            retry_after: Some(TimeDelta::from_seconds(seconds)),
        };
        let in_seconds = |seconds| Delivery::Pending {
            next_at: now() + TimeDelta::from_seconds(seconds),
        };
        assert_eq!(after(asked(77)), in_seconds(77));
        assert_eq!(after(asked(1)), in_seconds(5));
        assert_eq!(after(asked(1_000_000)), in_seconds(28_800));
        assert!(entry().after(&Outcome::Gone, now(), 0).replayed(now()).is_due(now()));
    }

    proptest! {
        #[test]
        fn the_next_attempt_is_always_later(attempts in 0u32..100, jitter: u16, asked in proptest::option::of(0i64..i64::MAX / 2)) {
            let entry = Entry { attempts, ..entry() };
            let outcome = Outcome::Refused { status: 503, retry_after: asked.map(TimeDelta::from_nanos) };
            match entry.after(&outcome, now(), jitter).delivery {
                Delivery::Pending { next_at } => prop_assert!(next_at > now()),
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}
