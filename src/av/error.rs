//! What FFmpeg refused, and what it was asked to do.

/// An FFmpeg call that failed: what was tried, and FFmpeg's own reason.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{action}: {reason}")]
pub struct AvError {
    action: &'static str,
    reason: String,
}

impl AvError {
    pub(super) fn new(action: &'static str, reason: impl Into<String>) -> AvError {
        AvError {
            action,
            reason: reason.into(),
        }
    }

    /// For `map_err`: names the action that an FFmpeg error came from.
    pub(super) fn of(action: &'static str) -> impl Fn(ffmpeg_next::Error) -> AvError {
        move |error| AvError::new(action, error.to_string().to_lowercase())
    }

    /// Turns a C return value into a result.
    pub(super) fn check(action: &'static str, code: i32) -> Result<i32, AvError> {
        if code < 0 {
            Err(AvError::of(action)(ffmpeg_next::Error::from(code)))
        } else {
            Ok(code)
        }
    }
}

/// What a codec's receive call brought: something, or nothing for now (it wants more input) or ever (it has ended).
pub(super) fn taken(result: Result<(), ffmpeg_next::Error>, action: &'static str) -> Result<Option<()>, AvError> {
    match result {
        Ok(()) => Ok(Some(())),
        Err(ffmpeg_next::Error::Eof) => Ok(None),
        Err(ffmpeg_next::Error::Other {
            errno: ffmpeg_next::error::EAGAIN,
        }) => Ok(None),
        Err(error) => Err(AvError::of(action)(error)),
    }
}
