//! Taking up a job that the store keeps: to deliver what was parked, or to make it again with changes.

use serde_json::Value;

use super::{
    Job, JobError, JobId, JobRecord, JobSource, JobState, ReadJob, Service, SessionFacts, Sought,
    service::now,
    target::{place, recipe},
};

impl Service {
    /// Takes down that a job is given up by our fault, and tells the customer. What was delivered stays delivered.
    pub async fn give_up(&self, read: &ReadJob, why: &str) -> Result<(), JobError> {
        let job = &read.job;
        let known = self.store.record(&job.job_id).await?;
        if known
            .as_ref()
            .is_some_and(|record| record.state != JobState::Failed || record.error.as_deref() == Some(why))
        {
            return Ok(());
        }
        let source = JobSource::open(&job.place(), &self.settings.sources).await.ok();
        let session = source.map(|source| SessionFacts::of(&source.parsed.manifest, job.template.as_deref()));
        let record = failure(job, session, why);
        self.store.keep_job(&job.job_id, &read.document).await?;
        self.store.keep_record(&record).await?;
        self.announce_failure(job, &record, &JobError::GivenUp(why.to_owned()))
            .await
    }

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
        Job::from_document(document, &format!("job {id} of the store"))
    }
}

impl Service {
    /// The job that was worked on last of all jobs of a session, as it was given.
    pub async fn last_job_of(&self, session: &str) -> Result<Value, JobError> {
        let sought = Sought {
            session: Some(session.to_owned()),
            ..Sought::default()
        };
        let last = self
            .recordings(&sought)
            .await?
            .into_iter()
            .max_by_key(|record| record.updated_at);
        let id = last
            .map(|record| record.job_id)
            .ok_or_else(|| JobError::UnknownSession(session.to_owned()))?;
        self.store.job(&id).await?.ok_or(JobError::UnknownJob(id))
    }
}

fn failure(job: &Job, session: Option<SessionFacts>, why: &str) -> JobRecord {
    JobRecord {
        version: 1,
        job_id: job.job_id.clone(),
        state: JobState::Failed,
        recipe: recipe(job),
        destination: place(&job.destination),
        session,
        recording: None,
        error: Some(why.to_owned()),
        created_at: now(),
        updated_at: now(),
    }
}
