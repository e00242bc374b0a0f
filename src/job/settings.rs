//! What the service is told about its surroundings. Made of the configuration, handed down.

use std::path::PathBuf;

use crate::{
    media::Secret,
    notify::AddressPolicy,
    render::Fonts,
    storage::{Credentials, Place, S3Options},
};

#[derive(Debug, Clone)]
pub struct Settings {
    pub spool: SpoolSettings,
    pub store: Place,
    pub templates: Option<PathBuf>,
    pub layouts: Option<PathBuf>,
    /// Where names and titles get their letters.
    pub fonts: Fonts,
    pub sources: SourceSettings,
    pub webhooks: AddressPolicy,
    pub destinations: FolderPolicy,
}

/// The working folder.
#[derive(Debug, Clone)]
pub struct SpoolSettings {
    pub folder: PathBuf,
    /// Bytes that all jobs together may take there.
    pub limit: u64,
}

/// How `s3://` sources are read.
#[derive(Debug, Clone, Default)]
pub struct SourceSettings {
    pub options: S3Options,
    pub key: Option<(Secret, Secret)>,
    /// URIs that a manifest may name dumps below, besides its own folder: `s3://bucket/prefix` or `file:///folder`.
    pub allowed: Vec<String>,
}

/// Which folders a job may deliver to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderPolicy {
    Any,
    /// Only this one and what is below it.
    Below(PathBuf),
    None,
}

impl SourceSettings {
    pub fn credentials(&self) -> Option<Credentials> {
        let (key, secret) = self.key.clone()?;
        Some(Credentials::Static {
            key,
            secret,
            session_token: None,
        })
    }
}
