//! Whether the destination will take the recording, found out before anything is made.

use std::time::Duration;

use super::{Job, JobError, SessionFacts};
use crate::storage::{Examination, UploadJournal, examine};

/// Between looks at a destination that does not answer.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(8),
    Duration::from_secs(15),
    Duration::from_secs(30),
];

/// Tries in the destination what the job will need there. A network that fails is given some time; a refusal is not.
pub(super) async fn preflight(job: &Job, session: &SessionFacts, journal: &UploadJournal) -> Result<(), JobError> {
    let prefix = session.prefix(job.destination.prefix());
    let examination = Examination::OfJob {
        id: job.job_id.as_str(),
        journal,
    };
    let mut pauses = PAUSES.iter();
    loop {
        let checkup = examine(&job.destination, prefix, examination)
            .await
            .map_err(JobError::Key)?;
        if checkup.is_usable() {
            return Ok(());
        }
        match pauses.next() {
            Some(pause) if checkup.is_unreachable() => tokio::time::sleep(*pause).await,
            Some(_) | None => return Err(JobError::DestinationRefused(Box::new(checkup))),
        }
    }
}
