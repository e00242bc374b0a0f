//! A bucket of S3, or of whatever speaks its protocol: the single operations, each tried again while that may help.

use std::{fmt, future::Future, time::Duration};

use aws_config::{
    BehaviorVersion, Region, meta::region::RegionProviderChain, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_sdk_s3::{
    Client,
    config::{
        Credentials as StaticCredentials, RequestChecksumCalculation, ResponseChecksumValidation,
        SharedCredentialsProvider, StalledStreamProtectionConfig,
    },
    error::{ProvideErrorMetadata, SdkError},
    presigning::PresigningConfig,
    primitives::ByteStream,
    types::{ChecksumMode, ServerSideEncryption},
};
use backon::{ExponentialBuilder, Retryable};

use super::{Action, Credentials, Encryption, Fault, ObjectFacts, ObjectKey, S3Options, StorageError, fault::fault_of};
use crate::media::Secret;

/// Where nothing says which region.
const USUAL_REGION: &str = "us-east-1";
/// Bytes a second; slower links are not worth waiting for.
const SLOWEST: u64 = 16 << 10;

/// How long an operation is tried again before it counts as failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Somebody waits: one more try.
    Short,
    /// Outlives a restart of the service.
    Long,
}

/// A connection to one bucket. Cheap to clone.
#[derive(Clone)]
pub struct S3Bucket {
    pub(super) client: Client,
    pub(super) name: String,
    pub(super) options: S3Options,
    patience: Patience,
}

/// Without the client, which tells the names of keys.
impl fmt::Debug for S3Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("S3Bucket");
        shown.field("name", &self.name).field("options", &self.options);
        shown.finish_non_exhaustive()
    }
}

impl S3Bucket {
    /// Resolves credentials and region; nothing is asked of the bucket yet.
    pub async fn connect(name: &str, options: &S3Options, credentials: Option<&Credentials>) -> S3Bucket {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().connect_timeout(Duration::from_secs(5)).build());
        let usual = || RegionProviderChain::default_provider().or_else(USUAL_REGION);
        loader = match (&options.region, &options.endpoint) {
            (Some(region), _) => loader.region(Region::new(region.clone())),
            // a service of its own is not found out by asking the machine's cloud
            (None, Some(_)) => loader.region(Region::new(std::env::var("AWS_REGION").unwrap_or(USUAL_REGION.into()))),
            (None, None) => loader.region(usual()),
        };
        if let Some(Credentials::Static {
            key,
            secret,
            session_token,
        }) = credentials
        {
            loader = loader.credentials_provider(static_credentials(key, secret, session_token.as_ref()));
        }
        let config = loader.load().await;
        let mut builder = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(options.path_style)
            // a trailing checksum, the SDK's default, is refused by several S3-compatible services
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .stalled_stream_protection(
                StalledStreamProtectionConfig::enabled()
                    .grace_period(Duration::from_secs(20))
                    .build(),
            );
        if let Some(endpoint) = &options.endpoint {
            builder = builder.endpoint_url(endpoint);
        }
        if let Some(Credentials::Role { role_arn, external_id }) = credentials {
            let mut role = aws_config::sts::AssumeRoleProvider::builder(role_arn)
                .session_name("tessera")
                .configure(&config);
            if let Some(id) = external_id {
                role = role.external_id(id.expose());
            }
            builder = builder.credentials_provider(SharedCredentialsProvider::new(role.build().await));
        }
        S3Bucket {
            client: Client::from_conf(builder.build()),
            name: name.to_owned(),
            options: options.clone(),
            patience: Patience::Long,
        }
    }

    pub fn with_patience(self, patience: Patience) -> S3Bucket {
        S3Bucket { patience, ..self }
    }

    pub fn region(&self) -> Option<String> {
        self.client.config().region().map(ToString::to_string)
    }

    pub fn uri(&self, key: &ObjectKey) -> String {
        format!("s3://{}/{key}", self.name)
    }

    /// A link that anybody may read `key` by for so long (at most seven days).
    pub async fn presigned(&self, key: &ObjectKey, lifetime: Duration) -> Result<String, StorageError> {
        let wrong = |fault| self.error(Action::GetObject, key, fault);
        let config =
            PresigningConfig::expires_in(lifetime).map_err(|error| wrong(Fault::Unexpected(error.to_string())))?;
        let request = self
            .client
            .get_object()
            .bucket(&self.name)
            .key(key.as_str())
            .presigned(config)
            .await;
        Ok(request.map_err(|error| wrong(fault_of(&error)))?.uri().to_owned())
    }

    /// What is known of an object, or `None` if there is none.
    ///
    /// Without the permission to list, S3 answers 403 for a key that does not exist: that is an error here.
    pub async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectFacts>, StorageError> {
        let send = || {
            let request = self.client.head_object().bucket(&self.name).key(key.as_str());
            request.checksum_mode(ChecksumMode::Enabled).send()
        };
        match self.tried(Action::HeadObject, key, send).await {
            Ok(head) => {
                let hides_md5 = head.server_side_encryption() == Some(&ServerSideEncryption::AwsKms);
                Ok(Some(ObjectFacts {
                    size: u64::try_from(head.content_length().unwrap_or(0)).unwrap_or(0),
                    etag: (!hides_md5).then(|| plain_etag(head.e_tag())).flatten(),
                    checksum_sha256: head.checksum_sha256().map(str::to_owned),
                    marks: head.metadata().cloned().unwrap_or_default().into_iter().collect(),
                }))
            }
            Err(error) if error.fault == Fault::NoObject => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A small object, whole; refused beyond `limit` bytes.
    pub async fn get(&self, key: &ObjectKey, limit: u64) -> Result<Option<Vec<u8>>, StorageError> {
        let read = || async {
            let send = || self.client.get_object().bucket(&self.name).key(key.as_str()).send();
            let object = self.within(Action::GetObject, key, send()).await?;
            if object
                .content_length()
                .is_some_and(|length| u64::try_from(length).unwrap_or(0) > limit)
            {
                return Err(self.error(
                    Action::GetObject,
                    key,
                    Fault::Unexpected(format!("it is larger than {limit} bytes")),
                ));
            }
            let body = object.body.collect().await;
            let broken = |error: aws_sdk_s3::primitives::ByteStreamError| {
                self.error(Action::GetObject, key, Fault::Unreachable(error.to_string()))
            };
            Ok(body.map_err(broken)?.to_vec())
        };
        match self.retried(read).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.fault == Fault::NoObject => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub async fn put(&self, key: &ObjectKey, bytes: &[u8], content_type: &str) -> Result<(), StorageError> {
        let send = || {
            let request = self
                .client
                .put_object()
                .bucket(&self.name)
                .key(key.as_str())
                .content_type(content_type);
            request
                .set_server_side_encryption(self.encryption())
                .set_ssekms_key_id(self.encryption_key())
                .set_tagging(self.tagging())
                .content_md5(super::checksum::md5_base64(bytes))
                .body(ByteStream::from(bytes.to_vec()))
                .send()
        };
        self.tried(Action::PutObject, key, send).await.map(|_| ())
    }

    /// Puts a small object where none is. False if there is one.
    pub async fn put_new(&self, key: &ObjectKey, bytes: &[u8]) -> Result<bool, StorageError> {
        let send = || {
            let request = self.client.put_object().bucket(&self.name).key(key.as_str());
            let body = ByteStream::from(bytes.to_vec());
            request.if_none_match("*").body(body).send()
        };
        match self.tried(Action::PutObject, key, send).await {
            Ok(_) => Ok(true),
            Err(error) if error.fault == Fault::Changed => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub async fn delete(&self, key: &ObjectKey) -> Result<(), StorageError> {
        let send = || self.client.delete_object().bucket(&self.name).key(key.as_str()).send();
        self.tried(Action::DeleteObject, key, send).await.map(|_| ())
    }

    /// All keys that begin with `prefix`, in order.
    pub async fn list(&self, prefix: &str) -> Result<Vec<ObjectKey>, StorageError> {
        let place = ObjectKey::new(prefix.trim_end_matches('/')).map_err(|error| StorageError {
            action: Action::ListObjects,
            place: format!("s3://{}", self.name),
            fault: Fault::Unexpected(error.to_string()),
        })?;
        let (mut keys, mut next) = (Vec::new(), None);
        loop {
            let send = || {
                let request = self.client.list_objects_v2().bucket(&self.name).prefix(prefix);
                request.set_continuation_token(next.clone()).send()
            };
            let page = self.tried(Action::ListObjects, &place, send).await?;
            keys.extend(
                page.contents()
                    .iter()
                    .filter_map(|object| ObjectKey::new(object.key()?).ok()),
            );
            next = page.next_continuation_token().map(str::to_owned);
            if next.is_none() {
                return Ok(keys);
            }
        }
    }

    /// Sends a small request until it succeeds, cannot, or patience ends.
    pub(super) async fn tried<T, E, S, F>(&self, action: Action, key: &ObjectKey, send: S) -> Result<T, StorageError>
    where
        S: Fn() -> F,
        F: Future<Output = Result<T, SdkError<E, aws_sdk_s3::config::http::HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.retried(|| self.within(action, key, send())).await
    }

    /// Tries again while that may help and patience lasts, after growing delays with jitter.
    pub(super) async fn retried<T, A, F>(&self, attempt: A) -> Result<T, StorageError>
    where
        A: FnMut() -> F,
        F: Future<Output = Result<T, StorageError>>,
    {
        attempt
            .retry(self.patience.delays())
            .when(StorageError::is_transient)
            .await
    }

    /// Waits for one answer, but not for ever.
    pub(super) async fn within<T, E, F>(&self, action: Action, key: &ObjectKey, answer: F) -> Result<T, StorageError>
    where
        F: Future<Output = Result<T, SdkError<E, aws_sdk_s3::config::http::HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.within_time(action, key, self.patience.answer(), answer).await
    }

    pub(super) async fn within_time<T, E, F>(
        &self,
        action: Action,
        key: &ObjectKey,
        limit: Duration,
        answer: F,
    ) -> Result<T, StorageError>
    where
        F: Future<Output = Result<T, SdkError<E, aws_sdk_s3::config::http::HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match tokio::time::timeout(limit, answer).await {
            Ok(result) => result.map_err(|error| self.error(action, key, fault_of(&error))),
            Err(_) => Err(self.error(action, key, Fault::Unreachable("no answer in time".into()))),
        }
    }

    /// How long sending `size` bytes may take, the answer included. A stream that stands still is given up earlier.
    pub(super) fn sending_time(&self, size: u64) -> Duration {
        self.patience.answer() + Duration::from_secs(size / SLOWEST)
    }

    pub(super) fn error(&self, action: Action, key: &ObjectKey, fault: Fault) -> StorageError {
        let place = match &self.options.endpoint {
            Some(endpoint) => format!("{} at {}", self.uri(key), crate::media::redacted_url(endpoint)),
            None => self.uri(key),
        };
        StorageError { action, place, fault }
    }

    pub(super) fn encryption(&self) -> Option<ServerSideEncryption> {
        self.options.encryption.as_ref().map(|encryption| match encryption {
            Encryption::S3 => ServerSideEncryption::Aes256,
            Encryption::Kms { .. } => ServerSideEncryption::AwsKms,
        })
    }

    pub(super) fn encryption_key(&self) -> Option<String> {
        match &self.options.encryption {
            Some(Encryption::Kms { key_id }) => key_id.clone(),
            Some(Encryption::S3) | None => None,
        }
    }

    /// As a query string, which is how the header holds tags.
    pub(super) fn tagging(&self) -> Option<String> {
        let tags = &self.options.tags;
        (!tags.is_empty()).then(|| {
            url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(tags)
                .finish()
        })
    }
}

impl Patience {
    pub(super) fn delays(self) -> ExponentialBuilder {
        let delays = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(Duration::from_millis(200));
        match self {
            Patience::Short => delays.with_max_times(1),
            Patience::Long => delays
                .with_max_delay(Duration::from_secs(8))
                .without_max_times()
                .with_total_delay(Some(Duration::from_secs(150))),
        }
    }

    pub(super) fn answer(self) -> Duration {
        match self {
            Patience::Short => Duration::from_secs(4),
            Patience::Long => Duration::from_secs(30),
        }
    }
}

/// Without its quotes, and only if it has the shape that comes of MD5 sums: some services make it otherwise.
pub(super) fn plain_etag(etag: Option<&str>) -> Option<String> {
    let etag = etag?.trim_matches('"');
    let md5 = etag.split('-').next().unwrap_or_default();
    super::checksum::is_md5(md5).then(|| etag.to_owned())
}

fn static_credentials(key: &Secret, secret: &Secret, token: Option<&Secret>) -> StaticCredentials {
    StaticCredentials::new(
        key.expose(),
        secret.expose(),
        token.map(|token| token.expose().to_owned()),
        None,
        "tessera",
    )
}
