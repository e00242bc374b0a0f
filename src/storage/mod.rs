//! Buckets and folders: where dumps come from, where recordings go, and where the service keeps its own things.

mod bucket;
mod checksum;
mod checkup;
mod destination;
mod doctor;
mod download;
mod fault;
mod folder;
mod journal;
mod keys;
mod place;
mod policy;
mod s3;
mod upload;

use std::{collections::BTreeMap, path::PathBuf};

pub use bucket::Bucket;
pub use checkup::{Check, Checkup, Finding};
pub use destination::{Credentials, Destination, Encryption, FileDestination, S3Destination, S3Options};
pub use doctor::{Examination, examine};
pub use fault::{Action, Class, Fault, StorageError};
pub use folder::{Folder, Privacy};
pub use journal::UploadJournal;
pub use keys::{KeyError, ObjectKey, RecordingKeys, day, part};
pub use place::{Place, PlaceError};
pub use s3::{Patience, S3Bucket};

/// A finished file of this machine, and what the bucket shall know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFile {
    pub path: PathBuf,
    pub size: u64,
    /// In hexadecimal.
    pub sha256: String,
    pub content_type: &'static str,
    /// Kept with the object (S3: user metadata), so that a later run knows it again.
    pub marks: BTreeMap<String, String>,
}

/// What a bucket tells of an object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectFacts {
    pub size: u64,
    pub etag: Option<String>,
    /// As S3 writes it, in base64.
    pub checksum_sha256: Option<String>,
    pub marks: BTreeMap<String, String>,
}
