//! One face for S3 and folders.

use std::{path::Path, time::Duration};

use super::{
    Destination, Folder, LocalFile, ObjectFacts, ObjectKey, S3Bucket, StorageError, UploadJournal, folder::Privacy,
};

/// A place for objects.
#[derive(Debug, Clone)]
pub enum Bucket {
    S3(S3Bucket),
    Folder(Folder),
}

impl Bucket {
    /// The customer's bucket or folder.
    pub async fn of(destination: &Destination) -> Bucket {
        match destination {
            Destination::S3(it) => {
                Bucket::S3(S3Bucket::connect(&it.location, &it.options, it.credentials.as_ref()).await)
            }
            Destination::File(it) => Bucket::Folder(Folder::at(&it.location, Privacy::Usual)),
        }
    }

    pub fn uri(&self, key: &ObjectKey) -> String {
        match self {
            Bucket::S3(bucket) => bucket.uri(key),
            Bucket::Folder(folder) => folder.uri(key),
        }
    }

    /// A link that anybody may read `key` by for so long; for a folder, where the file is.
    pub async fn presigned(&self, key: &ObjectKey, lifetime: Duration) -> Result<String, StorageError> {
        match self {
            Bucket::S3(bucket) => bucket.presigned(key, lifetime).await,
            Bucket::Folder(folder) => Ok(folder.uri(key)),
        }
    }

    pub async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectFacts>, StorageError> {
        match self {
            Bucket::S3(bucket) => bucket.head(key).await,
            Bucket::Folder(folder) => blocking(folder, key, |folder, key| folder.head(key)).await,
        }
    }

    pub async fn get(&self, key: &ObjectKey, limit: u64) -> Result<Option<Vec<u8>>, StorageError> {
        match self {
            Bucket::S3(bucket) => bucket.get(key, limit).await,
            Bucket::Folder(folder) => blocking(folder, key, move |folder, key| folder.get(key, limit)).await,
        }
    }

    pub async fn put(&self, key: &ObjectKey, bytes: Vec<u8>, content_type: &str) -> Result<(), StorageError> {
        match self {
            Bucket::S3(bucket) => bucket.put(key, &bytes, content_type).await,
            Bucket::Folder(folder) => blocking(folder, key, move |folder, key| folder.put(key, &bytes)).await,
        }
    }

    /// Puts a small object where none is. False if there is one.
    pub async fn put_new(&self, key: &ObjectKey, bytes: Vec<u8>) -> Result<bool, StorageError> {
        match self {
            Bucket::S3(bucket) => bucket.put_new(key, &bytes).await,
            Bucket::Folder(folder) => blocking(folder, key, move |folder, key| folder.put_new(key, &bytes)).await,
        }
    }

    pub async fn delete(&self, key: &ObjectKey) -> Result<(), StorageError> {
        match self {
            Bucket::S3(bucket) => bucket.delete(key).await,
            Bucket::Folder(folder) => blocking(folder, key, |folder, key| folder.delete(key)).await,
        }
    }

    pub async fn list(&self, prefix: &str) -> Result<Vec<ObjectKey>, StorageError> {
        match self {
            Bucket::S3(bucket) => bucket.list(prefix).await,
            Bucket::Folder(folder) => folder.list(prefix),
        }
    }

    /// Puts a finished file at `key`, verified.
    pub async fn upload(&self, file: &LocalFile, key: &ObjectKey, journal: &UploadJournal) -> Result<(), StorageError> {
        match self {
            Bucket::S3(bucket) => bucket.upload(file, key, journal).await,
            Bucket::Folder(folder) => {
                let file = file.clone();
                blocking(folder, key, move |folder, key| folder.upload(&file, key)).await
            }
        }
    }

    pub async fn download(&self, key: &ObjectKey, facts: &ObjectFacts, path: &Path) -> Result<(), StorageError> {
        match self {
            Bucket::S3(bucket) => bucket.download(key, facts, path).await,
            Bucket::Folder(folder) => {
                let path = path.to_owned();
                blocking(folder, key, move |folder, key| folder.download(key, &path)).await
            }
        }
    }

    /// Gives up an upload that was cut off, so that nobody pays for its parts.
    pub async fn abort_unfinished(&self, journal: &UploadJournal) -> Result<(), StorageError> {
        match self {
            Bucket::S3(bucket) => bucket.abort_unfinished(journal).await,
            Bucket::Folder(_) => Ok(()),
        }
    }
}

/// Files are read and written beside the threads that wait for sockets.
async fn blocking<T: Send + 'static>(
    folder: &Folder,
    key: &ObjectKey,
    work: impl FnOnce(&Folder, &ObjectKey) -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    let (folder, key) = (folder.clone(), key.clone());
    tokio::task::spawn_blocking(move || work(&folder, &key))
        .await
        .expect("folder operations do not panic")
}
