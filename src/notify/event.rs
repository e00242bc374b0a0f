//! What a webhook says: an envelope and the data of its type.

use serde::Serialize;

use crate::media::{AccountId, RoomId, SessionId, WallTime};

/// The body of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Of the shape of `data`.
    pub version: &'static str,
    /// The same for every attempt; also the header `webhook-id`.
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// When the event came about.
    pub timestamp: WallTime,
    #[serde(flatten)]
    pub body: EventBody,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", content = "data")]
pub enum EventBody {
    #[serde(rename = "recording.success")]
    Success(Box<RecordingSuccess>),
    #[serde(rename = "recording.failed")]
    Failed(Box<RecordingFailed>),
}

/// A recording is in the bucket, verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordingSuccess {
    /// Whole seconds.
    pub duration: i64,
    pub room_id: RoomId,
    pub room_name: Option<String>,
    pub session_id: SessionId,
    pub template_id: Option<String>,
    /// Where it lies, as a URI.
    pub recording_path: String,
    pub recording_presigned_url: String,
    /// Deprecated: `recording_path`.
    pub location: String,
    /// Deprecated: `recording_presigned_url`.
    #[serde(rename = "URL")]
    pub url: String,
    /// Bytes.
    pub size: u64,
    pub session_started_at: WallTime,
    pub session_stopped_at: Option<WallTime>,
    pub warnings: Vec<String>,
    pub sync: SyncSummary,
}

/// How well the tracks stand to each other.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SyncSummary {
    /// The largest residual of any track, in milliseconds.
    pub worst_offset_ms: Option<i64>,
    /// The weakest evidence that a track was placed by.
    pub anchor: Option<String>,
}

/// There is no recording, or none that could be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordingFailed {
    pub error: String,
    pub error_type: FailureKind,
    pub room_id: Option<RoomId>,
    pub room_name: Option<String>,
    pub session_id: Option<SessionId>,
    pub template_id: Option<String>,
    pub session_started_at: Option<WallTime>,
    pub session_stopped_at: Option<WallTime>,
}

/// What went wrong, as customers' programs tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailureKind {
    InputError,
    CloudAccessError,
    ConfigError,
    MemoryError,
    ProcessingCmdError,
    ApiError,
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self.body {
            EventBody::Success(_) => "recording.success",
            EventBody::Failed(_) => "recording.failed",
        }
    }
}

impl FailureKind {
    /// What customers are told; `precise` is for faults of their own dumps, which they can mend.
    pub fn message(self, precise: &str) -> String {
        match self {
            FailureKind::InputError => precise.to_owned(),
            FailureKind::CloudAccessError => {
                "Error accessing cloud bucket. Please make sure upload config is correct".to_owned()
            }
            FailureKind::ConfigError
            | FailureKind::MemoryError
            | FailureKind::ProcessingCmdError
            | FailureKind::ApiError => "INTERNAL_ERROR".to_owned(),
        }
    }
}
