//! One worker on a job at a time, on however many machines: a lease in the service's own store.
//!
//! The lock in the spool keeps processes of one machine apart and ends with its process; the lease does so for machines,
//! and ends by time. Clocks of the machines must agree within [`MARGIN`].

use std::{
    fs,
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tracing::{Instrument, warn};

use super::{JobError, JobId, Service, service::now};
use crate::media::{TimeDelta, WallTime};

const LASTS: TimeDelta = TimeDelta::from_seconds(60);
const RENEWED_EVERY: std::time::Duration = std::time::Duration::from_secs(15);
/// Clocks may differ by so much.
const MARGIN: TimeDelta = TimeDelta::from_seconds(10);

/// Who works on a job, and until when nobody else may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The spool that it is done in: whoever holds the spool's lock may go on with its lease.
    owner: String,
    until: WallTime,
}

/// A lease that is renewed until it is ended, or its process dies.
pub struct HeldLease {
    service: Service,
    job: JobId,
    renewing: JoinHandle<()>,
}

impl Service {
    /// Takes the lease of a job, or says that somebody else has it. If it is lost later, the job is `cancelled`.
    pub(super) async fn lease(&self, job: &JobId, cancelled: &Arc<AtomicBool>) -> Result<HeldLease, JobError> {
        let owner = owner(self)?;
        let fresh = || Lease {
            owner: owner.clone(),
            until: now() + LASTS,
        };
        if !self.store.begin_lease(job, &fresh()).await? {
            match self.store.lease(job).await? {
                Some(lease) if lease.owner != owner && lease.until + MARGIN > now() => {
                    return Err(JobError::Busy { job: job.clone() });
                }
                Some(lease) if lease.owner == owner => self.store.keep_lease(job, &fresh()).await?,
                Some(_) | None => {
                    self.store.end_lease(job).await?;
                    // of several who find it run out, one gets it
                    if !self.store.begin_lease(job, &fresh()).await? {
                        return Err(JobError::Busy { job: job.clone() });
                    }
                }
            }
        }
        let renewing = renew(self.clone(), job.clone(), owner, Arc::clone(cancelled)).in_current_span();
        Ok(HeldLease {
            service: self.clone(),
            job: job.clone(),
            renewing: tokio::spawn(renewing),
        })
    }
}

impl HeldLease {
    pub async fn end(self) {
        self.renewing.abort();
        // waits until a renewal under way cannot write any more
        let _ = self.renewing.await;
        if let Err(error) = self.service.store.end_lease(&self.job).await {
            warn!("the lease is left to run out: {error}");
        }
    }
}

async fn renew(service: Service, job: JobId, owner: String, cancelled: Arc<AtomicBool>) {
    loop {
        tokio::time::sleep(RENEWED_EVERY).await;
        match service.store.lease(&job).await {
            Ok(Some(lease)) if lease.owner != owner => {
                warn!("another worker has taken the job over: stopping");
                cancelled.store(true, Ordering::Relaxed);
                return;
            }
            Ok(_) => {
                let lease = Lease {
                    owner: owner.clone(),
                    until: now() + LASTS,
                };
                if let Err(error) = service.store.keep_lease(&job, &lease).await {
                    warn!("the lease could not be renewed: {error}");
                }
            }
            Err(error) => warn!("the lease could not be read: {error}"),
        }
    }
}

/// A name for the spool that no other spool has, on whatever machine or in whatever container.
fn owner(service: &Service) -> Result<String, JobError> {
    let path = service.settings.spool.folder.join("id");
    let failed = |error| JobError::Spool {
        path: path.clone(),
        error,
    };
    let read = || fs::read_to_string(&path).ok().filter(|id| !id.is_empty());
    if let Some(id) = read() {
        return Ok(id);
    }
    let mut draft = tempfile::NamedTempFile::new_in(&service.settings.spool.folder).map_err(failed)?;
    write!(draft, "{:032x}", fastrand::u128(..)).map_err(failed)?;
    // another process may be first; then its name counts
    let _ = draft.persist_noclobber(&path);
    read().ok_or_else(|| failed(io::Error::other("the spool's name could not be written")))
}
