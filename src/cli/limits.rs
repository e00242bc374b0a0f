//! What a supervised job may take of the machine. It takes the limits upon itself, before it reads anything.

use nix::{
    sys::{
        prctl,
        resource::{Resource, setrlimit},
        signal::Signal,
    },
    unistd::getppid,
};

use crate::job::JobError;

const MOST_FILES: u64 = 1024;

/// Bounds memory (bytes of address space) and CPU time (seconds), leaves no core dump, and ends when the worker ends.
pub fn take(memory: Option<u64>, cpu: Option<u64>) -> Result<(), JobError> {
    let limits = [
        (Resource::RLIMIT_CORE, Some(0)),
        (Resource::RLIMIT_NOFILE, Some(MOST_FILES)),
        (Resource::RLIMIT_AS, memory),
        (Resource::RLIMIT_CPU, cpu),
    ];
    for (resource, limit) in limits {
        if let Some(limit) = limit {
            let failed = |error| JobError::Settings(format!("limit {resource:?} cannot be set to {limit}: {error}"));
            setrlimit(resource, limit, limit).map_err(failed)?;
        }
    }
    let failed = |error| JobError::Settings(format!("the worker's end cannot be watched: {error}"));
    prctl::set_pdeathsig(Signal::SIGTERM).map_err(failed)?;
    // it may have ended before this was asked for
    if getppid().as_raw() == 1 {
        Err(JobError::Cancelled)
    } else {
        Ok(())
    }
}
