//! Sending a finished file to a bucket: in one piece if it is small, else in parts, several at once.
//!
//! The id of a multipart upload is written to a journal before any part is sent, and an upload that the journal names
//! is aborted before another begins: a process that was killed leaves no parts behind that somebody pays for.

use std::{collections::BTreeMap, io, path::Path};

use aws_sdk_s3::{
    primitives::{ByteStream, Length},
    types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, StorageClass},
};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    Action, Fault, LocalFile, ObjectKey, S3Bucket, StorageError, UploadJournal,
    checksum::{self, Digests, Multipart, Stretch},
    journal::Entry,
};

/// Files up to this size go in one piece.
const ONE_PIECE: u64 = 16 << 20;
/// S3 takes no more parts than this.
const MOST_PARTS: u64 = 10_000;
const PARTS_AT_ONCE: usize = 8;

impl S3Bucket {
    /// Puts `file` at `key` and checks what arrived. An upload that was cut off earlier is aborted first.
    pub async fn upload(&self, file: &LocalFile, key: &ObjectKey, journal: &UploadJournal) -> Result<(), StorageError> {
        self.abort_unfinished(journal).await?;
        self.abort_strays(key).await;
        let parts = if file.size <= ONE_PIECE {
            vec![self.put_file(file, key).await?]
        } else {
            let parts = self.put_parts(file, key, journal).await?;
            // a beginning whose answer was lost and that was tried again left an upload that nobody knows
            self.abort_strays(key).await;
            parts
        };
        self.verify(file, key, &parts).await
    }

    /// Aborts the upload that the journal names, if any.
    pub async fn abort_unfinished(&self, journal: &UploadJournal) -> Result<(), StorageError> {
        let Some(entry) = journal.read() else { return Ok(()) };
        let ids = match entry.upload_id {
            Some(id) => vec![id],
            // killed between the request and its answer: the bucket knows the id, if it lets us ask
            None => self.uploads_of(&entry.key).await.unwrap_or_default(),
        };
        for id in ids {
            self.abort(&entry.key, &id).await?;
        }
        journal.clear();
        Ok(())
    }

    /// Aborts what was begun at `key` by a process whose journal is on another machine, as far as the bucket lets us ask:
    /// listing uploads is no permission that a job needs.
    pub(super) async fn abort_strays(&self, key: &ObjectKey) {
        for id in self.uploads_of(key).await.unwrap_or_default() {
            if let Err(error) = self.abort(key, &id).await {
                tracing::warn!("an upload that was never finished is left: {error}");
            }
        }
    }

    async fn uploads_of(&self, key: &ObjectKey) -> Result<Vec<String>, StorageError> {
        let send = || {
            self.client
                .list_multipart_uploads()
                .bucket(&self.name)
                .prefix(key.as_str())
                .send()
        };
        let page = self.tried(Action::ListMultipartUploads, key, send).await?;
        let ours = page
            .uploads()
            .iter()
            .filter(|upload| upload.key() == Some(key.as_str()));
        Ok(ours
            .filter_map(|upload| upload.upload_id().map(str::to_owned))
            .collect())
    }

    pub(super) async fn abort(&self, key: &ObjectKey, id: &str) -> Result<(), StorageError> {
        let send = || {
            self.client
                .abort_multipart_upload()
                .bucket(&self.name)
                .key(key.as_str())
                .upload_id(id)
                .send()
        };
        match self.tried(Action::AbortMultipartUpload, key, send).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_missing() => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn digests(&self, file: &LocalFile, key: &ObjectKey, stretch: Stretch) -> Result<Digests, StorageError> {
        let path = file.path.clone();
        let digests = tokio::task::spawn_blocking(move || Digests::of(&path, stretch)).await;
        let digests = digests.expect("computing a checksum does not panic");
        digests.map_err(|error| self.error(Action::PutObject, key, local(&file.path, &error)))
    }

    async fn put_file(&self, file: &LocalFile, key: &ObjectKey) -> Result<Digests, StorageError> {
        let whole = Stretch {
            offset: 0,
            length: file.size,
        };
        let digests = self.digests(file, key, whole).await?;
        let attempt = || async {
            let body = self.body(file, key, whole).await?;
            let send = || {
                let request = self.client.put_object().bucket(&self.name).key(key.as_str());
                request
                    .content_type(file.content_type)
                    .set_metadata(Some(file.marks.clone().into_iter().collect()))
                    .set_server_side_encryption(self.encryption())
                    .set_ssekms_key_id(self.encryption_key())
                    .set_storage_class(self.storage_class())
                    .set_tagging(self.tagging())
                    .content_md5(digests.md5_base64())
                    .set_checksum_sha256(self.sends_sha256().then(|| digests.sha256_base64()))
                    .body(body)
                    .send()
            };
            let limit = self.sending_time(file.size);
            self.within_time(Action::PutObject, key, limit, send())
                .await
                .map(|_| ())
        };
        self.retried(attempt).await?;
        Ok(digests)
    }

    async fn put_parts(
        &self,
        file: &LocalFile,
        key: &ObjectKey,
        journal: &UploadJournal,
    ) -> Result<Vec<Digests>, StorageError> {
        let id = self.begin_upload(key, file.content_type, &file.marks, journal).await?;
        let sent = self.send_parts(file, key, &id).await;
        // if even aborting fails, the journal stays and the next attempt aborts
        if sent.is_ok() || self.abort(key, &id).await.is_ok() {
            journal.clear();
        }
        sent
    }

    /// Sends all parts, several at once, and completes the upload.
    async fn send_parts(&self, file: &LocalFile, key: &ObjectKey, id: &str) -> Result<Vec<Digests>, StorageError> {
        let uploads = stretches(file.size)
            .into_iter()
            .zip(1..)
            .map(|(stretch, number)| async move {
                let digests = self.digests(file, key, stretch).await?;
                let part = Part {
                    number,
                    stretch,
                    digests: &digests,
                };
                let sent = self.put_part(file, key, id, part).await?;
                Ok((sent, digests))
            });
        let parts: Vec<(CompletedPart, Digests)> = stream::iter(uploads).buffered(PARTS_AT_ONCE).try_collect().await?;
        let (sent, digests): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        self.complete(key, id, sent, file, &digests).await?;
        Ok(digests)
    }

    /// Begins a multipart upload, notes it in the journal and gives its id.
    pub(super) async fn begin_upload(
        &self,
        key: &ObjectKey,
        content_type: &str,
        marks: &BTreeMap<String, String>,
        journal: &UploadJournal,
    ) -> Result<String, StorageError> {
        let note = |upload_id| {
            let entry = Entry {
                key: key.clone(),
                upload_id,
            };
            let wrong = |error: io::Error| Fault::Local(format!("the journal of uploads: {error}"));
            let noted = journal.write(&entry);
            noted.map_err(|error| self.error(Action::CreateMultipartUpload, key, wrong(error)))
        };
        note(None)?;
        let id = self
            .create_upload(key, content_type, marks)
            .await
            .inspect_err(|_| journal.clear())?;
        note(Some(id.clone()))?;
        Ok(id)
    }

    async fn create_upload(
        &self,
        key: &ObjectKey,
        content_type: &str,
        marks: &BTreeMap<String, String>,
    ) -> Result<String, StorageError> {
        let send = || {
            let request = self
                .client
                .create_multipart_upload()
                .bucket(&self.name)
                .key(key.as_str());
            request
                .content_type(content_type)
                .set_metadata(Some(marks.clone().into_iter().collect()))
                .set_server_side_encryption(self.encryption())
                .set_ssekms_key_id(self.encryption_key())
                .set_storage_class(self.storage_class())
                .set_tagging(self.tagging())
                .set_checksum_algorithm(self.sends_sha256().then_some(ChecksumAlgorithm::Sha256))
                .send()
        };
        let created = self.tried(Action::CreateMultipartUpload, key, send).await?;
        let nameless = || {
            self.error(
                Action::CreateMultipartUpload,
                key,
                Fault::Unexpected("an upload without an id".into()),
            )
        };
        created.upload_id().map(str::to_owned).ok_or_else(nameless)
    }

    async fn put_part(
        &self,
        file: &LocalFile,
        key: &ObjectKey,
        id: &str,
        part: Part<'_>,
    ) -> Result<CompletedPart, StorageError> {
        let attempt = || async {
            let body = self.body(file, key, part.stretch).await?;
            let request = self
                .client
                .upload_part()
                .bucket(&self.name)
                .key(key.as_str())
                .upload_id(id);
            let sent = request
                .part_number(part.number)
                .content_md5(part.digests.md5_base64())
                .set_checksum_sha256(self.sends_sha256().then(|| part.digests.sha256_base64()))
                .body(body)
                .send();
            let limit = self.sending_time(part.stretch.length);
            self.within_time(Action::UploadPart, key, limit, sent).await
        };
        let sent = self.retried(attempt).await?;
        Ok(CompletedPart::builder()
            .part_number(part.number)
            .set_e_tag(sent.e_tag().map(str::to_owned))
            .set_checksum_sha256(self.sends_sha256().then(|| part.digests.sha256_base64()))
            .build())
    }

    async fn complete(
        &self,
        key: &ObjectKey,
        id: &str,
        sent: Vec<CompletedPart>,
        file: &LocalFile,
        parts: &[Digests],
    ) -> Result<(), StorageError> {
        let list = CompletedMultipartUpload::builder().set_parts(Some(sent)).build();
        let send = || {
            let request = self
                .client
                .complete_multipart_upload()
                .bucket(&self.name)
                .key(key.as_str());
            request.upload_id(id).multipart_upload(list.clone()).send()
        };
        match self.tried(Action::CompleteMultipartUpload, key, send).await {
            Ok(_) => Ok(()),
            // the answer to an earlier try was lost: what counts is whether the object is there
            Err(error) if error.is_missing() => self.verify(file, key, parts).await.map_err(|_| error),
            Err(error) => Err(error),
        }
    }

    async fn body(&self, file: &LocalFile, key: &ObjectKey, stretch: Stretch) -> Result<ByteStream, StorageError> {
        let body = ByteStream::read_from()
            .path(&file.path)
            .offset(stretch.offset)
            .length(Length::Exact(stretch.length))
            .buffer_size(1 << 17)
            .build();
        body.await.map_err(|error| {
            self.error(
                Action::PutObject,
                key,
                Fault::Local(format!("{}: {error}", file.path.display())),
            )
        })
    }

    /// Asks the bucket what arrived: size, checksum and marks.
    async fn verify(&self, file: &LocalFile, key: &ObjectKey, parts: &[Digests]) -> Result<(), StorageError> {
        let wrong = |what: String| self.error(Action::HeadObject, key, Fault::Corrupt(what));
        let facts = self
            .head(key)
            .await?
            .ok_or_else(|| wrong("it is not there after the upload".into()))?;
        if facts.size != file.size {
            return Err(wrong(format!("{} bytes arrived of {}", facts.size, file.size)));
        }
        let multipart = if file.size > ONE_PIECE {
            Multipart::Yes
        } else {
            Multipart::No
        };
        let checksum = facts
            .checksum_sha256
            .as_deref()
            .map(|found| found == checksum::composite_sha256(parts, multipart));
        let etag = facts
            .etag
            .as_deref()
            .map(|found| found == checksum::etag(parts, multipart));
        match checksum.or(etag) {
            Some(false) => Err(wrong("its checksum is not that of the file".into())),
            Some(true) => Ok(()),
            // neither is given: the marks at least tell that it is our object
            None if facts.marks == file.marks => Ok(()),
            None => Err(wrong("the object there is not the one sent".into())),
        }
    }

    /// AWS checks and keeps SHA-256 sums; others ignore or refuse them, and check Content-MD5.
    fn sends_sha256(&self) -> bool {
        self.options.endpoint.is_none()
            && std::env::var_os("AWS_ENDPOINT_URL_S3").is_none()
            && std::env::var_os("AWS_ENDPOINT_URL").is_none()
    }

    fn storage_class(&self) -> Option<StorageClass> {
        self.options.storage_class.as_deref().map(StorageClass::from)
    }
}

struct Part<'a> {
    number: i32,
    stretch: Stretch,
    digests: &'a Digests,
}

/// How a file of this size is cut: all parts but the last have the same size.
fn stretches(size: u64) -> Vec<Stretch> {
    let length = if size <= ONE_PIECE {
        ONE_PIECE
    } else {
        part_length(size)
    };
    let count = size.div_ceil(length).max(1);
    (0..count)
        .map(|index| Stretch {
            offset: index * length,
            length: length.min(size - index * length),
        })
        .collect()
}

/// 8 MiB, or more where that would make too many parts.
fn part_length(size: u64) -> u64 {
    size.div_ceil(MOST_PARTS).next_multiple_of(1 << 20).max(8 << 20)
}

fn local(path: &Path, error: &io::Error) -> Fault {
    Fault::Local(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_cover_the_file_and_are_not_too_many(size in 0u64..5_000_000_000_000) {
            let parts = stretches(size);
            prop_assert!(parts.len() <= 10_000);
            prop_assert_eq!(parts.iter().map(|part| part.length).sum::<u64>(), size);
            prop_assert!(parts.windows(2).all(|pair| pair[0].offset + pair[0].length == pair[1].offset));
            prop_assert!(parts.iter().rev().skip(1).all(|part| part.length >= 5 << 20));
        }
    }
}
