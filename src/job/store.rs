//! The service's own store: jobs, records, reports, the outbox, and assets that could not be delivered.
//!
//! ```text
//! jobs/<job_id>/job.json      the job, completed by its template; holds secrets
//! jobs/<job_id>/record.json   what became of it
//! jobs/<job_id>/report.json
//! parked/<job_id>/<file>      assets that wait for their destination
//! leases/<job_id>.json        who works on a job just now
//! outbox/pending/<id>.json    webhooks that are to be sent
//! outbox/done/<id>.json       webhooks that were delivered, stopped or given up
//! index/<yyyymmdd>/<room_id>/<session_id>/<job_id>   empty; finds recordings
//! ```

use std::path::Path;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{JobError, JobId, JobRecord, lease::Lease, settings::Settings};
use crate::{
    notify::Entry,
    storage::{Bucket, Folder, LocalFile, ObjectFacts, ObjectKey, Place, Privacy, S3Bucket, UploadJournal, day, part},
};

/// No document of ours is larger.
const LARGEST_DOCUMENT: u64 = 256 << 20;

#[derive(Debug, Clone)]
pub struct Store {
    bucket: Bucket,
    /// Ends with a slash unless it is empty.
    prefix: String,
}

impl Store {
    pub async fn open(settings: &Settings) -> Store {
        match &settings.store {
            Place::Path(folder) => Store {
                bucket: Bucket::Folder(Folder::at(folder, Privacy::Owner)),
                prefix: String::new(),
            },
            Place::S3 { bucket, key } => Store {
                bucket: Bucket::S3(
                    S3Bucket::connect(
                        bucket,
                        &settings.sources.options,
                        settings.sources.credentials().as_ref(),
                    )
                    .await,
                ),
                prefix: key.as_ref().map(|key| format!("{key}/")).unwrap_or_default(),
            },
        }
    }

    pub async fn job(&self, id: &JobId) -> Result<Option<Value>, JobError> {
        self.read(&format!("jobs/{id}/job.json")).await
    }

    pub async fn keep_job(&self, id: &JobId, document: &Value) -> Result<(), JobError> {
        self.write(&format!("jobs/{id}/job.json"), document).await
    }

    pub async fn record(&self, id: &JobId) -> Result<Option<JobRecord>, JobError> {
        self.read(&format!("jobs/{id}/record.json")).await
    }

    /// Keeps the record, and makes it found by room, session and day.
    pub async fn keep_record(&self, record: &JobRecord) -> Result<(), JobError> {
        if let Some(session) = &record.session {
            let (day, room) = (day(session.started_at), part(session.room_id.as_str()));
            let index = format!(
                "index/{day}/{room}/{}/{}",
                part(session.session_id.as_str()),
                record.job_id
            );
            self.write(&index, &Value::Null).await?;
        }
        self.write(&format!("jobs/{}/record.json", record.job_id), record).await
    }

    pub async fn report(&self, id: &JobId) -> Result<Option<Value>, JobError> {
        self.read(&format!("jobs/{id}/report.json")).await
    }

    pub async fn keep_report(&self, id: &JobId, report: &impl Serialize) -> Result<(), JobError> {
        self.write(&format!("jobs/{id}/report.json"), report).await
    }

    /// The jobs of the index, as (day, room part, session part, job), in order.
    pub async fn index(&self) -> Result<Vec<IndexEntry>, JobError> {
        let keys = self
            .bucket
            .list(&format!("{}index/", self.prefix))
            .await
            .map_err(JobError::Store)?;
        Ok(keys
            .iter()
            .filter_map(|key| IndexEntry::of(key.as_str().strip_prefix(&self.prefix)?))
            .collect())
    }

    pub async fn webhook(&self, id: &str) -> Result<Option<Entry>, JobError> {
        // ids of ours are safe; one typed by a person may be anything
        let name = part(id);
        match self.read(&format!("outbox/pending/{name}.json")).await? {
            Some(entry) => Ok(Some(entry)),
            None => self.read(&format!("outbox/done/{name}.json")).await,
        }
    }

    /// Keeps the entry where its state belongs. Killed in between, it is in both places, and pending counts.
    pub async fn keep_webhook(&self, entry: &Entry) -> Result<(), JobError> {
        let name = part(&entry.id);
        let (there, elsewhere) = if entry.is_pending() {
            ("pending", "done")
        } else {
            ("done", "pending")
        };
        self.write(&format!("outbox/{there}/{name}.json"), entry).await?;
        let old = self.key(&format!("outbox/{elsewhere}/{name}.json"))?;
        self.bucket.delete(&old).await.map_err(JobError::Store)
    }

    /// The webhooks of the outbox, in order of their ids.
    pub async fn webhooks(&self, which: Webhooks) -> Result<Vec<Entry>, JobError> {
        let folder = match which {
            Webhooks::Pending => "outbox/pending/",
            Webhooks::All => "outbox/",
        };
        let keys = self
            .bucket
            .list(&format!("{}{folder}", self.prefix))
            .await
            .map_err(JobError::Store)?;
        let mut entries: Vec<Entry> = Vec::new();
        for key in keys {
            entries.extend(self.read_key::<Entry>(&key).await?);
        }
        Ok(entries)
    }

    /// Takes in an asset that waits for its destination, and says under which key.
    pub async fn park(&self, id: &JobId, file: &LocalFile, journal: &UploadJournal) -> Result<ObjectKey, JobError> {
        let name = file.path.file_name().unwrap_or_default().to_string_lossy();
        let key = self.key(&format!("parked/{id}/{name}"))?;
        self.bucket.upload(file, &key, journal).await.map_err(JobError::Store)?;
        Ok(key)
    }

    /// Fetches a parked asset.
    pub async fn unpark(&self, key: &ObjectKey, to: &Path) -> Result<(), JobError> {
        let facts: ObjectFacts = self
            .bucket
            .head(key)
            .await
            .map_err(JobError::Store)?
            .unwrap_or_default();
        self.bucket.download(key, &facts, to).await.map_err(JobError::Store)
    }

    pub async fn forget_parked(&self, key: &ObjectKey) -> Result<(), JobError> {
        self.bucket.delete(key).await.map_err(JobError::Store)
    }

    pub(super) async fn lease(&self, id: &JobId) -> Result<Option<Lease>, JobError> {
        self.read(&format!("leases/{id}.json")).await
    }

    /// Keeps a lease where there is none. False if there is one.
    pub(super) async fn begin_lease(&self, id: &JobId, lease: &Lease) -> Result<bool, JobError> {
        let bytes = serde_json::to_vec(lease).expect("a lease is plain data and always serialises");
        let key = self.key(&format!("leases/{id}.json"))?;
        self.bucket.put_new(&key, bytes).await.map_err(JobError::Store)
    }

    pub(super) async fn keep_lease(&self, id: &JobId, lease: &Lease) -> Result<(), JobError> {
        self.write(&format!("leases/{id}.json"), lease).await
    }

    pub(super) async fn end_lease(&self, id: &JobId) -> Result<(), JobError> {
        let key = self.key(&format!("leases/{id}.json"))?;
        self.bucket.delete(&key).await.map_err(JobError::Store)
    }

    async fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, JobError> {
        self.read_key(&self.key(name)?).await
    }

    async fn read_key<T: DeserializeOwned>(&self, key: &ObjectKey) -> Result<Option<T>, JobError> {
        let Some(bytes) = self.bucket.get(key, LARGEST_DOCUMENT).await.map_err(JobError::Store)? else {
            return Ok(None);
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| JobError::StoreDamaged {
                place: self.bucket.uri(key),
                why: error.to_string(),
            })
    }

    async fn write(&self, name: &str, document: &impl Serialize) -> Result<(), JobError> {
        let bytes =
            serde_json::to_vec_pretty(document).expect("documents of the store are plain data and always serialise");
        self.bucket
            .put(&self.key(name)?, bytes, "application/json")
            .await
            .map_err(JobError::Store)
    }

    fn key(&self, name: &str) -> Result<ObjectKey, JobError> {
        ObjectKey::new(format!("{}{name}", self.prefix)).map_err(JobError::Key)
    }
}

/// Which webhooks are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Webhooks {
    Pending,
    /// Also those that are delivered, stopped or given up.
    All,
}

/// One job of the index. Room and session are percent-encoded as in keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    pub day: String,
    pub room: String,
    pub session: String,
    pub job: JobId,
}

impl IndexEntry {
    fn of(name: &str) -> Option<IndexEntry> {
        let mut parts = name.strip_prefix("index/")?.split('/');
        Some(IndexEntry {
            day: parts.next()?.to_owned(),
            room: parts.next()?.to_owned(),
            session: parts.next()?.to_owned(),
            job: JobId::parse(parts.next()?)?,
        })
    }
}
