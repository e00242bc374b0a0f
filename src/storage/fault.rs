//! What can go wrong with a bucket, told apart by who can mend it and whether trying again may help.

use std::fmt;

use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};

/// One operation of a bucket that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{action} {place}: {fault}")]
pub struct StorageError {
    pub action: Action,
    /// The object or bucket, as a URI.
    pub place: String,
    pub fault: Fault,
}

/// An operation, by its name in the S3 API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    PutObject,
    GetObject,
    HeadObject,
    DeleteObject,
    ListObjects,
    CreateMultipartUpload,
    UploadPart,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    ListMultipartUploads,
}

/// Why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The key or token is wrong or has run out; the service's code for it.
    Credentials(String),
    /// There are no credentials at all, or no role could be assumed.
    NoCredentials(String),
    Denied,
    NoBucket,
    NoObject,
    NoUpload,
    /// The bucket is in another region; which one, if the service said so.
    Region(Option<String>),
    /// The encryption key cannot be used; the service's code for it.
    EncryptionKey(String),
    Quota(String),
    /// This machine's clock is too far off for signatures.
    Clock,
    /// Nobody answers, or not in time.
    Unreachable(String),
    /// The service asks to come back later, or failed itself.
    Busy(String),
    /// The object is not what it was, or is already there.
    Changed,
    /// What arrived is not what was sent.
    Corrupt(String),
    /// The local file or folder.
    Local(String),
    Unexpected(String),
}

/// What follows from a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Whoever owns the bucket has to change something.
    Refused,
    /// Trying again may help.
    Transient,
    Missing,
    /// Neither, and trying again would not help.
    Broken,
}

impl Fault {
    pub fn class(&self) -> Class {
        match self {
            Fault::Credentials(_)
            | Fault::NoCredentials(_)
            | Fault::Denied
            | Fault::NoBucket
            | Fault::Region(_)
            | Fault::EncryptionKey(_)
            | Fault::Quota(_) => Class::Refused,
            Fault::Unreachable(_) | Fault::Busy(_) | Fault::Corrupt(_) => Class::Transient,
            Fault::NoObject | Fault::NoUpload => Class::Missing,
            Fault::Clock | Fault::Changed | Fault::Local(_) | Fault::Unexpected(_) => Class::Broken,
        }
    }
}

impl StorageError {
    pub fn is_transient(&self) -> bool {
        self.fault.class() == Class::Transient
    }

    pub fn is_missing(&self) -> bool {
        self.fault.class() == Class::Missing
    }
}

/// What the SDK's error means. Messages of the service are not passed on: they may quote the request.
pub(super) fn fault_of<E>(error: &SdkError<E, HttpResponse>) -> Fault
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error {
        SdkError::TimeoutError(_) => Fault::Unreachable("no answer in time".into()),
        SdkError::DispatchFailure(failure) => {
            let reason = innermost(error);
            if failure.is_timeout() || failure.is_io() {
                Fault::Unreachable(reason)
            } else if lacks_credentials(&reason) {
                Fault::NoCredentials(reason)
            } else {
                Fault::Unreachable(reason)
            }
        }
        SdkError::ConstructionFailure(_) => {
            let reason = innermost(error);
            if lacks_credentials(&reason) {
                Fault::NoCredentials(reason)
            } else {
                Fault::Unexpected(reason)
            }
        }
        SdkError::ResponseError(response) if response.raw().status().as_u16() < 300 => {
            Fault::Unreachable("the answer broke off".into())
        }
        SdkError::ResponseError(response) => by_status(response.raw().status().as_u16(), None),
        SdkError::ServiceError(failure) => {
            let region = failure.raw().headers().get("x-amz-bucket-region").map(str::to_owned);
            by_code(failure.err().code(), failure.raw().status().as_u16(), region)
        }
        other => Fault::Unexpected(innermost(other)),
    }
}

/// See "Error responses" in the Amazon S3 API reference.
fn by_code(code: Option<&str>, status: u16, region: Option<String>) -> Fault {
    let Some(code) = code else {
        return by_status(status, region);
    };
    match code {
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" | "UserSuspended" | "Forbidden" => Fault::Denied,
        "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "InvalidToken"
        | "TokenRefreshRequired"
        | "InvalidSecurity"
        | "NotSignedUp" => Fault::Credentials(code.to_owned()),
        "RequestTimeTooSkewed" => Fault::Clock,
        "NoSuchBucket" => Fault::NoBucket,
        "PermanentRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException"
        | "TemporaryRedirect" => Fault::Region(region),
        "NoSuchKey" | "NotFound" => Fault::NoObject,
        "NoSuchUpload" => Fault::NoUpload,
        "QuotaExceeded" | "EntityTooLarge" | "TooManyBuckets" | "XMinioStorageFull" => Fault::Quota(code.to_owned()),
        "PreconditionFailed" | "ConditionalRequestConflict" | "InvalidRange" => Fault::Changed,
        "BadDigest" | "InvalidDigest" | "XAmzContentSHA256Mismatch" | "IncompleteBody" | "RequestTimeout" => {
            Fault::Corrupt(code.to_owned())
        }
        "SlowDown" | "ServiceUnavailable" | "InternalError" | "Throttling" | "TooManyRequests" => {
            Fault::Busy(code.to_owned())
        }
        code if code.starts_with("KMS") => Fault::EncryptionKey(code.to_owned()),
        code if status >= 500 || status == 429 => Fault::Busy(code.to_owned()),
        code => Fault::Unexpected(format!("{} (HTTP {status})", code.escape_default())),
    }
}

/// Answers without a body, as HEAD's are.
fn by_status(status: u16, region: Option<String>) -> Fault {
    match status {
        401 | 403 => Fault::Denied,
        404 => Fault::NoObject,
        301 | 307 => Fault::Region(region),
        412 | 416 => Fault::Changed,
        429 | 500.. => Fault::Busy(format!("HTTP {status}")),
        _ => Fault::Unexpected(format!("HTTP {status}")),
    }
}

fn lacks_credentials(reason: &str) -> bool {
    let reason = reason.to_lowercase();
    ["credential", "identity", "assumerole", "sts"]
        .iter()
        .any(|word| reason.contains(word))
}

/// The innermost cause says most; what wraps it only says that a request failed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string().escape_default().to_string()
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Credentials(code) => write!(f, "the credentials are not accepted ({code}): check key and secret"),
            Fault::NoCredentials(why) => write!(f, "no credentials to sign with ({why})"),
            Fault::Denied => f.write_str("the credentials may not do this here (access denied)"),
            Fault::NoBucket => f.write_str("there is no such bucket: check its name and the endpoint"),
            Fault::NoObject => f.write_str("there is no such object"),
            Fault::NoUpload => f.write_str("there is no such multipart upload"),
            Fault::Region(Some(region)) => write!(f, "the bucket is in region {}: set it", region.escape_default()),
            Fault::Region(None) => f.write_str("the bucket is in another region: set the right one"),
            Fault::EncryptionKey(code) => write!(f, "the KMS key cannot be used ({code}): check its id and policy"),
            Fault::Quota(code) => write!(f, "the bucket takes no more ({code}): raise its quota"),
            Fault::Clock => f.write_str("this machine's clock is too far off: set it"),
            Fault::Unreachable(why) => write!(f, "cannot be reached ({why}): check endpoint and network"),
            Fault::Busy(why) => write!(f, "the service is busy or failing ({why})"),
            Fault::Changed => f.write_str("the object is not the one expected"),
            Fault::Corrupt(why) => write!(f, "what arrived is not what was sent ({why})"),
            Fault::Local(why) => f.write_str(why),
            Fault::Unexpected(why) => write!(f, "refused in an unexpected way ({why})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_tell_who_can_mend_it() {
        for (code, status, class) in [
            (Some("AccessDenied"), 403, Class::Refused),
            (Some("SignatureDoesNotMatch"), 403, Class::Refused),
            (Some("NoSuchBucket"), 404, Class::Refused),
            (Some("AuthorizationHeaderMalformed"), 400, Class::Refused),
            (Some("KMS.DisabledException"), 400, Class::Refused),
            (Some("QuotaExceeded"), 403, Class::Refused),
            (None, 403, Class::Refused),
            (None, 404, Class::Missing),
            (Some("SlowDown"), 503, Class::Transient),
            (Some("SomethingNew"), 502, Class::Transient),
            (Some("BadDigest"), 400, Class::Transient),
            (Some("SomethingNew"), 400, Class::Broken),
            (Some("RequestTimeTooSkewed"), 403, Class::Broken),
        ] {
            assert_eq!(by_code(code, status, None).class(), class, "{code:?} {status}");
        }
    }
}
