//! Fetching an object into a file: resumed where a connection broke, and checked when it is whole.

use std::{io, path::Path};

use backon::Retryable;
use tokio::{fs, io::AsyncWriteExt};

use super::{
    Action, Fault, ObjectFacts, ObjectKey, S3Bucket, StorageError,
    checksum::{Digests, Stretch, is_md5},
    s3::Patience,
};
use crate::media::hex;

impl S3Bucket {
    /// Fetches `key` into `path`. What an earlier call fetched of the same object is kept and continued.
    ///
    /// `facts` is what [`S3Bucket::head`] said; an object that has changed since then is refused.
    pub async fn download(&self, key: &ObjectKey, facts: &ObjectFacts, path: &Path) -> Result<(), StorageError> {
        let partial = path.with_added_extension("part");
        while self.resume(key, facts, &partial).await? < facts.size {}
        self.check(key, facts, &partial).await?;
        fs::rename(&partial, path)
            .await
            .map_err(|error| self.local(key, path, &error))
    }

    /// Fetches on, and says how much is there now. Patience begins anew with every byte of progress.
    async fn resume(&self, key: &ObjectKey, facts: &ObjectFacts, partial: &Path) -> Result<u64, StorageError> {
        let attempt = || async {
            let have = fs::metadata(partial).await.map_or(0, |metadata| metadata.len());
            if have > facts.size {
                let _ = fs::remove_file(partial).await;
                return Ok(0);
            }
            if have == facts.size && (have > 0 || fs::try_exists(partial).await.unwrap_or(false)) {
                return Ok(have);
            }
            let result = self.fetch_from(key, facts, partial, have).await;
            let now = fs::metadata(partial).await.map_or(0, |metadata| metadata.len());
            match result {
                Err(error) if error.is_transient() && now > have => Ok(now),
                other => other.map(|()| now),
            }
        };
        attempt
            .retry(Patience::Long.delays())
            .when(StorageError::is_transient)
            .await
    }

    async fn fetch_from(
        &self,
        key: &ObjectKey,
        facts: &ObjectFacts,
        partial: &Path,
        have: u64,
    ) -> Result<(), StorageError> {
        let send = || async {
            let request = self.client.get_object().bucket(&self.name).key(key.as_str());
            request
                .set_if_match(facts.etag.as_ref().map(|tag| format!("\"{tag}\"")))
                .set_range((have > 0).then(|| format!("bytes={have}-")))
                .send()
                .await
        };
        let mut object = self.within(Action::GetObject, key, send()).await?;
        let mut file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(partial)
            .await
            .map_err(|error| self.local(key, partial, &error))?;
        let broken = |why: String| self.error(Action::GetObject, key, Fault::Unreachable(why));
        let mut rest = facts.size - have;
        loop {
            let next = tokio::time::timeout(Patience::Long.answer(), object.body.next()).await;
            match next {
                Err(_) => return Err(broken("nothing more came".into())),
                Ok(None) => break,
                Ok(Some(Err(error))) => return Err(broken(error.to_string())),
                Ok(Some(Ok(bytes))) => {
                    // a service that sends more than it promised must not fill the disk
                    let taken = usize::try_from(rest).unwrap_or(usize::MAX).min(bytes.len());
                    file.write_all(&bytes[..taken])
                        .await
                        .map_err(|error| self.local(key, partial, &error))?;
                    rest -= taken as u64;
                }
            }
        }
        file.flush().await.map_err(|error| self.local(key, partial, &error))?;
        if rest > 0 {
            return Err(broken("the answer broke off".into()));
        }
        Ok(())
    }

    /// Compares with the ETag where that is an MD5.
    async fn check(&self, key: &ObjectKey, facts: &ObjectFacts, partial: &Path) -> Result<(), StorageError> {
        let Some(etag) = facts.etag.clone().filter(|etag| is_md5(etag)) else {
            return Ok(());
        };
        let (path, length) = (partial.to_owned(), facts.size);
        let digests = tokio::task::spawn_blocking(move || Digests::of(&path, Stretch { offset: 0, length })).await;
        let digests = digests
            .expect("computing a checksum does not panic")
            .map_err(|error| self.local(key, partial, &error))?;
        if hex(&digests.md5) == etag {
            return Ok(());
        }
        let _ = fs::remove_file(partial).await;
        Err(self.error(
            Action::GetObject,
            key,
            Fault::Corrupt("its MD5 is not that of the object".into()),
        ))
    }

    fn local(&self, key: &ObjectKey, path: &Path, error: &io::Error) -> StorageError {
        self.error(
            Action::GetObject,
            key,
            Fault::Local(format!("{}: {error}", path.display())),
        )
    }
}
