//! What the service remembers of a job: enough to do no work twice, to deliver later, and to answer questions.

use serde::{Deserialize, Serialize};

use super::JobId;
use crate::{
    media::{AccountId, RoomId, SessionId, WallTime},
    session::Manifest,
    storage::{ObjectKey, RecordingKeys},
};

/// Kept in the store as `jobs/<job_id>/record.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRecord {
    /// Version of this shape, 1.
    pub version: u32,
    pub job_id: JobId,
    pub state: JobState,
    /// SHA-256 of the session's place and the outputs asked for: the same means the same recording.
    pub recipe: String,
    /// The bucket or folder, its prefix and its endpoint.
    pub destination: String,
    /// Unknown if the manifest could not be read.
    pub session: Option<SessionFacts>,
    pub recording: Option<RecordingFacts>,
    /// Why it failed or was parked, for people.
    pub error: Option<String>,
    pub created_at: WallTime,
    pub updated_at: WallTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Finished, but the destination refused it: the asset is in the store.
    Parked,
    /// Verified in the destination; its webhooks are in the outbox.
    Delivered,
    Failed,
}

/// Of the session, what events and lists tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionFacts {
    pub session_id: SessionId,
    pub room_id: RoomId,
    pub room_name: Option<String>,
    pub template_id: Option<String>,
    pub account_id: Option<AccountId>,
    pub app_id: Option<String>,
    pub started_at: WallTime,
    pub ended_at: Option<WallTime>,
}

/// The recording that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingFacts {
    pub plan_hash: String,
    pub started_at: WallTime,
    pub duration_ms: i64,
    pub key: ObjectKey,
    /// What tells it from an earlier recording of the session, in its key.
    pub variant: Option<String>,
    /// Where it lies in the destination, as a URI; absent while it is parked.
    pub uri: Option<String>,
    /// Where it lies in the store, while it is parked.
    pub parked: Option<ObjectKey>,
    pub size: u64,
    pub sha256: String,
    pub warnings: Vec<String>,
    pub worst_offset_ms: i64,
    pub anchor: Option<String>,
}

impl SessionFacts {
    pub fn of(manifest: &Manifest, template: Option<&str>) -> SessionFacts {
        let session = &manifest.session;
        SessionFacts {
            session_id: session.id.clone(),
            room_id: manifest.room_id(),
            room_name: session.room_name.clone(),
            template_id: session.template_id.clone().or_else(|| template.map(str::to_owned)),
            account_id: session.account_id.clone(),
            app_id: session.app_id.clone(),
            started_at: session.started_at,
            ended_at: session.ended_at,
        }
    }

    /// Has every further line of the job's span name the session.
    pub(super) fn show_in_log(&self) {
        let span = tracing::Span::current();
        span.record("session", self.session_id.as_str());
        span.record("room", self.room_id.as_str());
        if let Some(account) = &self.account_id {
            span.record("account", account.as_str());
        }
    }

    /// Where in a destination the session's recordings lie.
    pub fn keys<'a>(&'a self, prefix: Option<&'a str>, started_at: WallTime) -> RecordingKeys<'a> {
        RecordingKeys {
            prefix: self.prefix(prefix),
            room: &self.room_id,
            session: &self.session_id,
            started_at,
        }
    }

    /// The destination's prefix, or else the account.
    pub fn prefix<'a>(&'a self, prefix: Option<&'a str>) -> Option<&'a str> {
        prefix.or(self.account_id.as_ref().map(AccountId::as_str))
    }
}

impl std::fmt::Display for JobState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            JobState::Parked => "parked",
            JobState::Delivered => "delivered",
            JobState::Failed => "failed",
        })
    }
}
