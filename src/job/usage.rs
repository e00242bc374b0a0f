//! CPU time and memory of this process.

use std::time::{Duration, Instant};

use nix::sys::{
    resource::{Usage, UsageWho, getrusage},
    time::TimeValLike,
};

/// Measures stages that follow on each other.
pub struct Meter {
    wall: Instant,
    cpu: Duration,
}

/// What a stage took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    pub wall: Duration,
    pub cpu: Duration,
}

impl Meter {
    pub fn start() -> Meter {
        Meter {
            wall: Instant::now(),
            cpu: cpu(),
        }
    }

    /// What was taken since the start or the last lap.
    pub fn lap(&mut self) -> Taken {
        let now = Meter::start();
        let taken = Taken {
            wall: now.wall - self.wall,
            cpu: now.cpu.saturating_sub(self.cpu),
        };
        *self = now;
        taken
    }
}

/// User and system time of all threads so far.
pub fn cpu() -> Duration {
    let micros = |usage: Usage| usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    own_usage().map_or(Duration::ZERO, |usage| {
        Duration::from_micros(u64::try_from(micros(usage)).unwrap_or(0))
    })
}

/// The most memory that was resident at once, in bytes.
pub fn peak_memory() -> u64 {
    own_usage().map_or(0, |usage| u64::try_from(usage.max_rss()).unwrap_or(0) * 1024)
}

fn own_usage() -> Option<Usage> {
    getrusage(UsageWho::RUSAGE_SELF).ok()
}
