//! Progress on stderr: a bar with an ETA on a terminal, plain lines elsewhere. Ctrl-C asks to stop.

use std::{
    io::{self, IsTerminal},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use indicatif::{ProgressBar, ProgressStyle};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::print_line;
use crate::{composition::Plan, render::Watch, worker::Line};

/// Lines are printed at every tenth of the way.
const LINES: i64 = 10;

/// Set by the first Ctrl-C (or SIGTERM), which stops in good order; the second one ends the process at once.
pub fn cancellation() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // in this order: only a second signal finds the flag set and ends the process
        let _ = signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag));
        let _ = signal_hook::flag::register(signal, Arc::clone(&flag));
    }
    flag
}

/// Shows how far rendering has come.
pub struct Progress {
    shown: Shown,
    total: i64,
    done: AtomicI64,
    cancelled: Arc<AtomicBool>,
}

enum Shown {
    Bar(ProgressBar),
    Lines,
}

impl Progress {
    pub fn new(plan: &Plan, cancelled: Arc<AtomicBool>) -> Progress {
        let total = plan.length.0;
        let shown = if io::stderr().is_terminal() {
            let bar = ProgressBar::new(u64::try_from(total).unwrap_or(0));
            let style =
                ProgressStyle::with_template("composing {wide_bar} {percent:>3} %  {elapsed} elapsed, {eta} to go");
            bar.set_style(style.expect("the template is valid"));
            bar.enable_steady_tick(std::time::Duration::from_millis(200));
            Shown::Bar(bar)
        } else {
            eprintln!(
                "composing {} at {} ticks a second, {} scenes",
                plan.duration(),
                plan.ticks_per_second.per_second(),
                plan.scenes.len()
            );
            Shown::Lines
        };
        Progress {
            shown,
            total,
            done: AtomicI64::new(0),
            cancelled,
        }
    }
}

impl Watch for Progress {
    fn encoded(&self, ticks: i64) {
        let before = self.done.fetch_add(ticks, Ordering::Relaxed);
        let after = before + ticks;
        match &self.shown {
            Shown::Bar(bar) => bar.set_position(u64::try_from(after).unwrap_or(0)),
            Shown::Lines => {
                let tenth = |done: i64| done * LINES / self.total.max(1);
                if tenth(before) < tenth(after) {
                    eprintln!("composed {} %", after * 100 / self.total.max(1));
                }
            }
        }
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// Progress as lines of JSON, for a worker.
pub struct Lines {
    total: i64,
    done: AtomicI64,
    cancelled: Arc<AtomicBool>,
}

impl Lines {
    pub fn new(plan: &Plan, cancelled: Arc<AtomicBool>) -> Lines {
        let total = plan.length.0;
        let _ = print_line(&Line::Progress { done: 0, total });
        Lines {
            total,
            done: AtomicI64::new(0),
            cancelled,
        }
    }
}

impl Watch for Lines {
    fn encoded(&self, ticks: i64) {
        let done = self.done.fetch_add(ticks, Ordering::Relaxed) + ticks;
        let _ = print_line(&Line::Progress {
            done,
            total: self.total,
        });
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}
