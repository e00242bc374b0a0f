//! What becomes of a message, decided from how its job ended. Pure: carrying it out is the broker's.

use std::time::Duration;

use crate::job::Blame;

/// How an attempt at a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    Done,
    /// It failed, and said whose fault that is.
    Failed {
        blame: Blame,
        why: String,
    },
    /// Another worker is at it.
    Busy,
    /// Its process died, hung or took more than it may.
    Crashed {
        how: String,
    },
    /// It was stopped in good order, to be taken up again.
    Stopped,
    /// No worker of this size can do it.
    DoesNotFit {
        why: String,
    },
    /// The message is no job.
    Unreadable {
        why: String,
    },
}

/// How often a job was tried, as its message tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct History {
    /// Failed attempts before this one.
    pub attempts: u32,
    /// How many of them crashed.
    pub crashes: u32,
    /// How often it was parked.
    pub parked: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Ack,
    /// Back to where it came from, for another worker to take up.
    HandBack,
    /// Through the retry queue of that index.
    RetryAfter {
        step: usize,
        delay: Duration,
        history: History,
        why: String,
    },
    Park {
        delay: Duration,
        history: History,
        why: String,
    },
    DeadLetter {
        why: String,
    },
}

/// Delays between attempts, and how long is waited for customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// One for each attempt after the first; when they are used up, the job is dead.
    pub retries: Vec<Duration>,
    /// Between tries to deliver what a destination refused.
    pub parked: Duration,
    /// After so many tries a refused job is dead.
    pub most_parked: u32,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            retries: [10, 60, 300, 1800, 7200].map(Duration::from_secs).to_vec(),
            parked: Duration::from_secs(3600),
            most_parked: 72,
        }
    }
}

/// What follows from an ending.
pub fn verdict(ending: &Ending, history: History, patience: &Patience) -> Verdict {
    match ending {
        Ending::Done => Verdict::Ack,
        Ending::Stopped => Verdict::HandBack,
        // counted, it would die of another worker's patience
        Ending::Busy => Verdict::RetryAfter {
            step: 0,
            delay: first_delay(patience),
            history,
            why: "another worker is at it".to_owned(),
        },
        Ending::Crashed { how } => {
            let history = History {
                crashes: history.crashes + 1,
                ..history
            };
            retry(history, patience, how)
        }
        Ending::Unreadable { why } => Verdict::DeadLetter { why: why.clone() },
        // a larger worker may come and take it
        Ending::DoesNotFit { why } => retry(history, patience, why),
        Ending::Failed { blame, why } => match blame {
            Blame::Caller | Blame::Input => Verdict::DeadLetter { why: why.clone() },
            Blame::Destination if history.parked < patience.most_parked => Verdict::Park {
                delay: patience.parked,
                history: History {
                    parked: history.parked + 1,
                    ..history
                },
                why: why.clone(),
            },
            Blame::Destination => Verdict::DeadLetter { why: why.clone() },
            Blame::Us => retry(history, patience, why),
            Blame::Nobody => Verdict::HandBack,
        },
    }
}

/// Whether this attempt is the last one, should it fail by our fault.
pub fn is_last(history: History, patience: &Patience) -> bool {
    usize::try_from(history.attempts).unwrap_or(usize::MAX) >= patience.retries.len()
}

fn retry(history: History, patience: &Patience, why: &str) -> Verdict {
    let step = usize::try_from(history.attempts).unwrap_or(usize::MAX);
    match patience.retries.get(step) {
        Some(delay) => Verdict::RetryAfter {
            step,
            delay: *delay,
            history: History {
                attempts: history.attempts + 1,
                ..history
            },
            why: why.to_owned(),
        },
        None => Verdict::DeadLetter {
            why: format!("{why} ({} attempts)", step + 1),
        },
    }
}

fn first_delay(patience: &Patience) -> Duration {
    patience.retries.first().copied().unwrap_or(Duration::from_secs(10))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(ending: &Ending, attempts: u32, parked: u32) -> Verdict {
        verdict(
            ending,
            History {
                attempts,
                parked,
                crashes: 0,
            },
            &Patience::default(),
        )
    }

    fn failed(blame: Blame) -> Ending {
        Ending::Failed { blame, why: "x".into() }
    }

    #[test]
    fn every_ending_has_its_verdict() {
        assert_eq!(after(&Ending::Done, 0, 0), Verdict::Ack);
        assert_eq!(after(&Ending::Stopped, 9, 0), Verdict::HandBack);
        assert_eq!(after(&failed(Blame::Nobody), 9, 0), Verdict::HandBack);
        for dead in [
            failed(Blame::Caller),
            failed(Blame::Input),
            Ending::Unreadable { why: "x".into() },
        ] {
            assert_eq!(after(&dead, 0, 0), Verdict::DeadLetter { why: "x".into() });
        }
        assert!(matches!(
            after(&failed(Blame::Destination), 0, 3),
            Verdict::Park {
                history: History { parked: 4, .. },
                ..
            }
        ));
        assert!(matches!(
            after(&failed(Blame::Destination), 0, 72),
            Verdict::DeadLetter { .. }
        ));
    }

    #[test]
    fn our_faults_are_tried_again_after_growing_delays_and_not_for_ever() {
        for ending in [
            failed(Blame::Us),
            Ending::Crashed { how: "x".into() },
            Ending::DoesNotFit { why: "x".into() },
        ] {
            let delays: Vec<Duration> = (0..)
                .map_while(|attempts| match after(&ending, attempts, 0) {
                    Verdict::RetryAfter { delay, history, .. } => {
                        assert_eq!(history.attempts, attempts + 1);
                        Some(delay)
                    }
                    _ => None,
                })
                .collect();
            assert_eq!(delays, Patience::default().retries);
            assert!(delays.is_sorted());
            assert!(matches!(after(&ending, 5, 0), Verdict::DeadLetter { .. }));
        }
    }

    #[test]
    fn waiting_for_another_worker_costs_no_attempt() {
        let Verdict::RetryAfter { history, .. } = after(&Ending::Busy, 5, 0) else {
            panic!("not tried again")
        };
        assert_eq!(history.attempts, 5);
    }
}
