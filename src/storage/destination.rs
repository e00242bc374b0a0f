//! Where a customer wants the files, as a job or template says it.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::media::Secret;

/// A customer's bucket, or a folder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Destination {
    /// S3, or whatever speaks its protocol: Google, Alibaba, MinIO, Ceph, …
    S3(S3Destination),
    /// A folder of the machine that runs the job.
    File(FileDestination),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct S3Destination {
    /// The bucket's name.
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$"))]
    pub location: String,
    /// What all keys begin with. Default: the account id of the session.
    #[serde(default)]
    pub prefix: Option<String>,
    #[serde(default)]
    pub options: S3Options,
    /// Default: the environment's chain of the AWS SDK.
    #[serde(default)]
    pub credentials: Option<Credentials>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct FileDestination {
    /// An absolute path; made if missing.
    #[schemars(with = "String", regex(pattern = "^/"))]
    pub location: PathBuf,
    /// What all paths below it begin with. Default: the account id of the session.
    #[serde(default)]
    pub prefix: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
pub struct S3Options {
    /// Default: the environment's, or `us-east-1`.
    #[serde(default)]
    pub region: Option<String>,
    /// Default: AWS.
    #[serde(default)]
    #[schemars(regex(pattern = "^https?://[^@?#]+$"))]
    pub endpoint: Option<String>,
    /// Put the bucket into the path of the URL instead of its host name. Default: false.
    #[serde(default)]
    pub path_style: bool,
    /// E.g. `STANDARD_IA`. Default: the bucket's.
    #[serde(default)]
    pub storage_class: Option<String>,
    /// Tags of every object; they need the permission `s3:PutObjectTagging`.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Default: the bucket's.
    #[serde(default)]
    pub encryption: Option<Encryption>,
}

/// Server-side encryption.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(tag = "type")]
pub enum Encryption {
    /// With keys that the bucket's owner does not see.
    #[serde(rename = "SSE-S3")]
    S3,
    /// With a key of the customer's key management service; no key id means the account's default key.
    #[serde(rename = "SSE-KMS")]
    Kms {
        #[serde(default)]
        key_id: Option<String>,
    },
}

/// Either a static key or a role to assume.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Credentials {
    Static {
        key: Secret,
        secret: Secret,
        #[serde(default)]
        session_token: Option<Secret>,
    },
    Role {
        role_arn: String,
        #[serde(default)]
        external_id: Option<Secret>,
    },
}

impl Destination {
    /// The bucket or folder by itself: whose it is, roughly.
    pub fn name(&self) -> String {
        match self {
            Destination::S3(it) => it.location.clone(),
            Destination::File(it) => it.location.display().to_string(),
        }
    }

    pub fn prefix(&self) -> Option<&str> {
        match self {
            Destination::S3(it) => it.prefix.as_deref(),
            Destination::File(it) => it.prefix.as_deref(),
        }
    }
}
