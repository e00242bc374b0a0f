//! What was made: found by room, session and day, from the records in the service's own store.

use std::time::Duration;

use super::{JobError, JobId, JobRecord, JobState, Service};
use crate::{
    media::WallTime,
    storage::{Bucket, day, part},
};

/// Which recordings are sought; nothing given means all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sought {
    pub room: Option<String>,
    pub session: Option<String>,
    /// Sessions that began at this time or later.
    pub since: Option<WallTime>,
}

impl Service {
    /// The records of all jobs that fit, oldest session first.
    pub async fn recordings(&self, sought: &Sought) -> Result<Vec<JobRecord>, JobError> {
        let wanted = (
            sought.room.as_deref().map(part),
            sought.session.as_deref().map(part),
            sought.since.map(day),
        );
        let mut records = Vec::new();
        for entry in self.store.index().await? {
            let fits = wanted.0.as_ref().is_none_or(|room| *room == entry.room)
                && wanted.1.as_ref().is_none_or(|session| *session == entry.session)
                && wanted.2.as_ref().is_none_or(|day| *day <= entry.day);
            if fits {
                records.extend(self.store.record(&entry.job).await?);
            }
        }
        let began = |record: &JobRecord| record.session.as_ref().map(|session| session.started_at);
        records.retain(|record| {
            sought
                .since
                .is_none_or(|since| began(record).is_some_and(|at| at >= since))
        });
        records.sort_by(|a, b| (began(a), &a.job_id).cmp(&(began(b), &b.job_id)));
        Ok(records)
    }

    pub async fn recording(&self, id: &JobId) -> Result<JobRecord, JobError> {
        self.store
            .record(id)
            .await?
            .ok_or_else(|| JobError::UnknownJob(id.clone()))
    }

    /// A fresh link to the recording of a job, made with the credentials that the job has.
    pub async fn link(&self, id: &JobId, lifetime: Duration) -> Result<String, JobError> {
        let record = self.recording(id).await?;
        let missing = || JobError::NoRecording {
            job: id.clone(),
            state: record.state,
        };
        let recording = record
            .recording
            .as_ref()
            .filter(|_| record.state == JobState::Delivered)
            .ok_or_else(missing)?;
        let job = self.kept_job(id, None).await?.job;
        let bucket = Bucket::of(&job.destination).await;
        bucket
            .presigned(&recording.key, lifetime)
            .await
            .map_err(JobError::Delivery)
    }
}
