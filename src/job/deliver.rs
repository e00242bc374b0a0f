//! Taking up a job that the store keeps: to deliver what was parked, or to make it again with changes.

use serde_json::Value;

use super::{Job, JobError, JobId, ReadJob, Service};
use crate::media::document::{self, Values};

impl Service {
    /// A job as the store keeps it, with another destination if one is given.
    ///
    /// Running it delivers what was parked without rendering, and does whatever else is missing.
    pub async fn kept_job(&self, id: &JobId, destination: Option<Value>) -> Result<ReadJob, JobError> {
        let mut document = self
            .store
            .job(id)
            .await?
            .ok_or_else(|| JobError::UnknownJob(id.clone()))?;
        if let Some(destination) = destination {
            document["destination"] = destination;
        }
        let name = format!("job {id} of the store");
        let read = document::read::<Job>(&document, Values::Hidden).map_err(|faults| JobError::Job { name, faults })?;
        Ok(ReadJob {
            job: read.document,
            document,
            warnings: read.warnings,
        })
    }
}
