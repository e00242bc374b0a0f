//! Telling the customer: events into the outbox, and out of it.

use std::time::Duration;

use tracing::{Instrument, info, warn};

use super::{Job, JobError, JobRecord, RecordingFacts, Service, Webhooks, service::now};
use crate::{
    media::{
        document::{self, Values},
        redacted_url, sha256_hex,
    },
    notify::{Delivery, Entry, Event, EventBody, FailureKind, Outcome, RecordingFailed, RecordingSuccess, SyncSummary},
    storage::Bucket,
};

/// As long as S3 allows, and longer than webhooks are tried for.
const LINK_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// What became of the webhooks that were due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    pub delivered: usize,
    pub failed: usize,
}

impl Service {
    /// Puts `recording.success` into the outbox for every receiver, once.
    pub(super) async fn announce_success(
        &self,
        job: &Job,
        record: &JobRecord,
        bucket: &Bucket,
    ) -> Result<(), JobError> {
        let recording = record.recording.as_ref().expect("a delivered job has a recording");
        let kind = format!("recording.success {} {}", recording.plan_hash, recording.key);
        let missing = self.unannounced(job, record, &kind).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let link = bucket
            .presigned(&recording.key, LINK_LIFETIME)
            .await
            .map_err(JobError::Delivery)?;
        for (webhook, id) in missing {
            let body = EventBody::Success(Box::new(success(record, recording, &link)));
            self.announce(record, webhook, id, "1.0", body).await?;
        }
        Ok(())
    }

    /// Puts `recording.failed` into the outbox for every receiver, once for each cause.
    pub(super) async fn announce_failure(
        &self,
        job: &Job,
        record: &JobRecord,
        error: &JobError,
    ) -> Result<(), JobError> {
        let Some(kind) = error.failure_kind() else {
            return Ok(());
        };
        // a job that was changed and fails again is news; the same one failing again is not
        let cause = format!("recording.failed {kind:?} {} {}", record.recipe, record.destination);
        for (webhook, id) in self.unannounced(job, record, &cause).await? {
            let body = EventBody::Failed(Box::new(failed(record, kind, error)));
            self.announce(record, webhook, id, "1.0", body).await?;
        }
        Ok(())
    }

    /// The receivers that have no webhook for this cause yet, and the ids that theirs get.
    async fn unannounced(&self, job: &Job, record: &JobRecord, cause: &str) -> Result<Vec<(usize, String)>, JobError> {
        let mut missing = Vec::new();
        for index in 0..job.webhooks.len() {
            let id = webhook_id(&format!("{} {index} {cause}", record.job_id));
            if self.store.webhook(&id).await?.is_none() {
                missing.push((index, id));
            }
        }
        Ok(missing)
    }

    async fn announce(
        &self,
        record: &JobRecord,
        webhook: usize,
        id: String,
        version: &'static str,
        body: EventBody,
    ) -> Result<(), JobError> {
        let event = Event {
            version,
            id: id.clone(),
            account_id: record.session.as_ref().and_then(|session| session.account_id.clone()),
            app_id: record.session.as_ref().and_then(|session| session.app_id.clone()),
            timestamp: now(),
            body,
        };
        let text = serde_json::to_string(&event).expect("an event is plain data and always serialises");
        let entry = Entry::new(id, record.job_id.to_string(), webhook, event.kind(), text, now());
        self.store.keep_webhook(&entry).await
    }

    /// Sends the webhooks of one job until all are delivered or `patience` is over; the rest stay in the outbox.
    pub async fn send_webhooks_of(&self, record: &JobRecord, patience: Duration) -> Result<Vec<Entry>, JobError> {
        let until = tokio::time::Instant::now() + patience;
        loop {
            let all = self.store.webhooks(Webhooks::Pending).await?;
            let ours: Vec<Entry> = all
                .into_iter()
                .filter(|entry| entry.job_id == record.job_id.as_str())
                .collect();
            self.send(ours.into_iter().filter(|entry| entry.is_due(now())).collect())
                .await?;
            let waiting = self.pending_of(record).await?;
            let next = waiting.iter().filter_map(next_attempt).min();
            let Some(wait) = next else { return Ok(waiting) };
            if tokio::time::Instant::now() + wait > until {
                return Ok(waiting);
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Sends every webhook that is due.
    pub async fn send_due_webhooks(&self) -> Result<Sent, JobError> {
        let due = self
            .store
            .webhooks(Webhooks::Pending)
            .await?
            .into_iter()
            .filter(|entry| entry.is_due(now()));
        self.send(due.collect()).await
    }

    /// Has a webhook sent again, whatever became of it.
    pub async fn replay_webhook(&self, id: &str) -> Result<Entry, JobError> {
        let entry = self
            .store
            .webhook(id)
            .await?
            .ok_or_else(|| JobError::UnknownWebhook(id.to_owned()))?;
        let entry = entry.replayed(now());
        self.store.keep_webhook(&entry).await?;
        self.attempt(entry).await
    }

    async fn pending_of(&self, record: &JobRecord) -> Result<Vec<Entry>, JobError> {
        let all = self.store.webhooks(Webhooks::Pending).await?;
        Ok(all
            .into_iter()
            .filter(|entry| entry.job_id == record.job_id.as_str())
            .collect())
    }

    /// Several at once: one receiver that hangs must not keep the others waiting.
    async fn send(&self, due: Vec<Entry>) -> Result<Sent, JobError> {
        let mut attempts = tokio::task::JoinSet::new();
        let mut sent = Sent::default();
        let mut due = due.into_iter();
        loop {
            while attempts.len() < 8
                && let Some(entry) = due.next()
            {
                let service = self.clone();
                attempts.spawn(async move { service.attempt(entry).await }.in_current_span());
            }
            let Some(attempt) = attempts.join_next().await else {
                return Ok(sent);
            };
            let entry = attempt.expect("sending a webhook does not panic")?;
            match entry.delivery {
                Delivery::Delivered { .. } => sent.delivered += 1,
                Delivery::Pending { .. } | Delivery::Stopped { .. } | Delivery::GivenUp { .. } => sent.failed += 1,
            }
        }
    }

    async fn attempt(&self, entry: Entry) -> Result<Entry, JobError> {
        let outcome = match self.webhook_of(&entry).await? {
            Some(webhook) => {
                let outcome = self.sender.send(&webhook, &entry, now()).await;
                let url = redacted_url(webhook.url.expose()).to_string();
                match &outcome {
                    Outcome::Accepted { .. } => {
                        info!(webhook = entry.id, event = entry.event, url, "webhook delivered")
                    }
                    Outcome::Gone | Outcome::Refused { .. } | Outcome::Failed { .. } => {
                        warn!(
                            webhook = entry.id,
                            event = entry.event,
                            url,
                            attempts = entry.attempts + 1,
                            "webhook not delivered: {outcome}"
                        );
                    }
                }
                outcome
            }
            None => Outcome::Failed {
                why: "its job does not name this receiver any more".into(),
            },
        };
        let entry = entry.after(&outcome, now(), fastrand::u16(..=200));
        self.store.keep_webhook(&entry).await?;
        Ok(entry)
    }

    /// Address, headers and secret are those that the job has now.
    async fn webhook_of(&self, entry: &Entry) -> Result<Option<crate::notify::Webhook>, JobError> {
        let Ok(id) = entry.job_id.parse() else { return Ok(None) };
        let Some(document) = self.store.job(&id).await? else {
            return Ok(None);
        };
        let Ok(read) = document::read::<Job>(&document, Values::Hidden) else {
            return Ok(None);
        };
        Ok(read.document.webhooks.into_iter().nth(entry.webhook))
    }
}

fn next_attempt(entry: &Entry) -> Option<Duration> {
    match entry.delivery {
        Delivery::Pending { next_at } => {
            let wait = (next_at - now()).millis().max(0);
            Some(Duration::from_millis(u64::try_from(wait).unwrap_or(0)))
        }
        Delivery::Delivered { .. } | Delivery::Stopped { .. } | Delivery::GivenUp { .. } => None,
    }
}

/// The same cause always gives the same id, so that a webhook announced twice is one webhook.
fn webhook_id(cause: &str) -> String {
    format!("msg_{}", &sha256_hex(cause.as_bytes())[..32])
}

fn success(record: &JobRecord, recording: &RecordingFacts, link: &str) -> RecordingSuccess {
    let session = record
        .session
        .as_ref()
        .expect("a recording is of a session whose manifest was read");
    let path = recording.uri.clone().unwrap_or_default();
    RecordingSuccess {
        duration: recording.duration_ms / 1000,
        room_id: session.room_id.clone(),
        room_name: session.room_name.clone(),
        session_id: session.session_id.clone(),
        template_id: session.template_id.clone(),
        recording_path: path.clone(),
        recording_presigned_url: link.to_owned(),
        location: path,
        url: link.to_owned(),
        size: recording.size,
        session_started_at: session.started_at,
        session_stopped_at: session.ended_at,
        warnings: recording.warnings.clone(),
        sync: SyncSummary {
            worst_offset_ms: Some(recording.worst_offset_ms),
            anchor: recording.anchor.clone(),
        },
    }
}

fn failed(record: &JobRecord, kind: FailureKind, error: &JobError) -> RecordingFailed {
    let session = record.session.as_ref();
    RecordingFailed {
        error: kind.message(&input_message(error)),
        error_type: kind,
        room_id: session.map(|session| session.room_id.clone()),
        room_name: session.and_then(|session| session.room_name.clone()),
        session_id: session.map(|session| session.session_id.clone()),
        template_id: session.and_then(|session| session.template_id.clone()),
        session_started_at: session.map(|session| session.started_at),
        session_stopped_at: session.and_then(|session| session.ended_at),
    }
}

/// What the customer reads of a fault of the dumps: no path of this machine.
fn input_message(error: &JobError) -> String {
    match error {
        JobError::NoUsableDump { reasons, .. } => {
            format!("No input streams available to create recording: {}", reasons.join("; "))
        }
        _ => "No input streams available to create recording".to_owned(),
    }
}
