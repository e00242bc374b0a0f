//! Where a job's session comes from: a folder of this machine, or a bucket, whose dumps are pulled into the spool.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard},
};

use futures_util::{StreamExt, stream};

use super::{
    JobError, JobSpool,
    prepare::{LocalManifest, MANIFEST, parse_manifest, read_manifest},
    settings::SourceSettings,
};
use crate::{
    dump::{DumpError, LocateError, SourcePolicy, locate, probe::DumpKey},
    media::shown_uri,
    session::{Manifest, Parsed},
    storage::{Class, Fault, ObjectFacts, ObjectKey, Place, S3Bucket, StorageError},
};

/// No manifest is larger.
const LARGEST_MANIFEST: u64 = 64 << 20;
const PULLS_AT_ONCE: usize = 6;

/// A session whose manifest has been read.
#[derive(Debug)]
pub struct JobSource {
    /// Where the manifest lies, for errors and warnings.
    pub name: String,
    pub parsed: Parsed,
    home: Home,
    settings: SourceSettings,
}

/// What relative URIs are relative to.
#[derive(Debug, Clone)]
enum Home {
    Folder(PathBuf),
    Bucket {
        bucket: S3Bucket,
        name: String,
        folder: Option<String>,
    },
}

/// Where one dump is.
enum Found {
    Here(Result<PathBuf, DumpError>),
    There { bucket: S3Bucket, key: ObjectKey },
}

impl JobSource {
    /// Reads the manifest at `place`.
    pub async fn open(place: &Place, settings: &SourceSettings) -> Result<JobSource, JobError> {
        let (name, parsed, home) = match place {
            Place::Path(path) => {
                let LocalManifest { path, folder, parsed } = read_manifest(path)?;
                (path.display().to_string(), parsed, Home::Folder(folder))
            }
            Place::S3 {
                bucket: bucket_name,
                key,
            } => {
                let bucket = S3Bucket::connect(bucket_name, &settings.options, settings.credentials().as_ref()).await;
                let key = manifest_key(key.as_ref())?;
                let bytes = bucket.get(&key, LARGEST_MANIFEST).await.map_err(JobError::Source)?;
                let name = bucket.uri(&key);
                let bytes = bytes.ok_or_else(|| JobError::Source(missing(&name)))?;
                let folder = key.as_str().rsplit_once('/').map(|(folder, _)| folder.to_owned());
                let home = Home::Bucket {
                    bucket,
                    name: bucket_name.clone(),
                    folder,
                };
                let parsed = parse_manifest(&String::from_utf8_lossy(&bytes), Path::new(&name))?;
                (name, parsed, home)
            }
        };
        Ok(JobSource {
            name,
            parsed,
            home,
            settings: settings.clone(),
        })
    }

    /// Begins to pull what is not on this machine. Fails before any byte is pulled if it will not fit.
    pub async fn pull(&self, spool: &JobSpool) -> Result<Arc<Pulled>, JobError> {
        let pulled = Arc::new(Pulled::default());
        let mut waiting = Vec::new();
        for (key, uri) in dumps(&self.parsed.manifest) {
            match self.find(uri).await {
                Found::Here(result) => pulled.arrived(key, result),
                Found::There { bucket, key: object } => waiting.push((key, bucket, object)),
            }
        }
        let known = self.sizes(waiting, &pulled).await?;
        spool.reserve(known.iter().map(|pull| pull.facts.size).fold(0, u64::saturating_add))?;
        let folder = spool.dumps()?;
        let work = Arc::clone(&pulled);
        let pulling = async move {
            stream::iter(known)
                .for_each_concurrent(PULLS_AT_ONCE, |pull| {
                    let (work, folder) = (&work, &folder);
                    async move {
                        let key = pull.key;
                        let fetched = pull.fetch(folder).await;
                        if let Err(error) = &fetched
                            && error.is_transient()
                        {
                            work.failed(error.clone());
                        }
                        work.arrived(key, fetched.map_err(|error| DumpError::NotFetched(error.to_string())));
                    }
                })
                .await;
        };
        pulled.under_way(tokio::spawn(pulling));
        Ok(pulled)
    }

    /// Asks for the sizes of all objects. What is missing is that dump's fault; what cannot be asked is the job's.
    async fn sizes(
        &self,
        waiting: Vec<(DumpKey, S3Bucket, ObjectKey)>,
        pulled: &Pulled,
    ) -> Result<Vec<Pull>, JobError> {
        let count = waiting.len();
        let asked: Vec<_> = stream::iter(waiting)
            .map(|(key, bucket, object)| async move {
                let facts = bucket.head(&object).await;
                (key, bucket, object, facts)
            })
            .buffered(16)
            .collect()
            .await;
        let refused = asked.iter().filter_map(|(.., facts)| facts.as_ref().err());
        // a key that is missing reads as refused where listing is not allowed; all refused means something else
        if let Some(error) = refused.clone().next().filter(|_| refused.count() == count) {
            return Err(JobError::Source(error.clone()));
        }
        let mut known = Vec::new();
        for (key, bucket, object, facts) in asked {
            match facts {
                Ok(Some(facts)) => known.push(Pull {
                    key,
                    bucket,
                    object,
                    facts,
                }),
                Ok(None) => pulled.arrived(key, Err(DumpError::Locate(LocateError::Missing))),
                Err(error) => match error.fault.class() {
                    Class::Refused | Class::Missing | Class::Broken => {
                        pulled.arrived(key, Err(DumpError::NotFetched(error.to_string())));
                    }
                    Class::Transient => return Err(JobError::Source(error)),
                },
            }
        }
        Ok(known)
    }

    async fn find(&self, uri: &str) -> Found {
        if uri.chars().any(char::is_control) {
            return Found::Here(Err(LocateError::BadCharacter.into()));
        }
        let outside = |why: LocateError| Found::Here(Err(why.into()));
        match (uri.split_once("://"), &self.home) {
            (None, Home::Folder(folder)) => {
                Found::Here(locate(folder, uri, SourcePolicy::FolderOnly).map_err(Into::into))
            }
            (None, Home::Bucket { bucket, folder, .. }) => {
                let name = folder
                    .as_ref()
                    .map_or_else(|| uri.to_owned(), |folder| format!("{folder}/{uri}"));
                match ObjectKey::new(name.replace("/./", "/")) {
                    Ok(key) => Found::There {
                        bucket: bucket.clone(),
                        key,
                    },
                    Err(_) => outside(LocateError::Outside),
                }
            }
            (Some(("s3", _)), home) => match Place::parse(uri) {
                Ok(Place::S3 { bucket, key: Some(key) }) if self.allows(uri) || home.holds(&bucket, &key) => {
                    let options = (&self.settings.options, self.settings.credentials());
                    let bucket = S3Bucket::connect(&bucket, options.0, options.1.as_ref()).await;
                    Found::There { bucket, key }
                }
                Ok(_) | Err(_) => outside(LocateError::NotAllowed(shown_uri(uri))),
            },
            (Some(("file", _)), Home::Folder(folder)) if self.allows(uri) => {
                Found::Here(locate(folder, uri, SourcePolicy::AllowFileUris).map_err(Into::into))
            }
            (Some(_), _) => outside(LocateError::NotAllowed(shown_uri(uri))),
        }
    }

    fn allows(&self, uri: &str) -> bool {
        let below = |allowed: &String| {
            let rest = uri.strip_prefix(allowed.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.starts_with('/') && !rest.split('/').any(|part| part == ".."))
        };
        self.settings.allowed.iter().any(below)
    }
}

impl Home {
    /// Whether an object lies in the manifest's own folder.
    fn holds(&self, other: &str, key: &ObjectKey) -> bool {
        match self {
            Home::Folder(_) => false,
            Home::Bucket {
                name,
                folder: Some(folder),
                ..
            } => {
                name == other
                    && key
                        .as_str()
                        .strip_prefix(folder.as_str())
                        .is_some_and(|rest| rest.starts_with('/'))
            }
            Home::Bucket { name, folder: None, .. } => name == other,
        }
    }
}

/// One dump to fetch.
struct Pull {
    key: DumpKey,
    bucket: S3Bucket,
    object: ObjectKey,
    facts: ObjectFacts,
}

impl Pull {
    async fn fetch(self, folder: &Path) -> Result<PathBuf, StorageError> {
        // the ending tells the format; the rest of the name is the stranger's and stays away from the disk
        let ending = self.object.as_str().rsplit_once('.').map_or("", |(_, ending)| ending);
        let ending: String = ending.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
        let path = folder.join(format!("{}-{}.{ending}", self.key.track, self.key.dump));
        let already = fs::metadata(&path).is_ok_and(|metadata| metadata.len() == self.facts.size);
        if already {
            return Ok(path);
        }
        self.bucket
            .download(&self.object, &self.facts, &path)
            .await
            .map(|()| path)
    }
}

/// Dumps that arrive one by one; whoever needs one waits for it.
#[derive(Debug, Default)]
pub struct Pulled {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<DumpKey, Result<PathBuf, DumpError>>,
    /// Why a dump could not be fetched that may be fetched another time.
    failure: Option<StorageError>,
    stopped: bool,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Pulled {
    /// Blocks until the dump has arrived, cannot, or pulling was stopped.
    pub fn wait_for(&self, key: DumpKey) -> Result<PathBuf, DumpError> {
        let pending = |state: &mut State| !state.stopped && !state.files.contains_key(&key);
        let mut state = self
            .changed
            .wait_while(self.state(), pending)
            .expect("nobody panics while holding the state");
        state
            .files
            .remove(&key)
            .unwrap_or_else(|| Err(DumpError::NotFetched("the job was stopped".into())))
    }

    /// Stops pulling and lets go of whoever waits: the job is given up.
    pub fn stop(&self) {
        let mut state = self.state();
        state.stopped = true;
        if let Some(task) = state.task.take() {
            task.abort();
        }
        self.changed.notify_all();
    }

    /// Why the job should be tried again another time rather than be done without some dump.
    pub fn failure(&self) -> Option<StorageError> {
        self.state().failure.clone()
    }

    fn failed(&self, error: StorageError) {
        self.state().failure = Some(error);
    }

    fn arrived(&self, key: DumpKey, result: Result<PathBuf, DumpError>) {
        self.state().files.insert(key, result);
        self.changed.notify_all();
    }

    fn under_way(&self, task: tokio::task::JoinHandle<()>) {
        self.state().task = Some(task);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding the state")
    }
}

fn dumps(manifest: &Manifest) -> impl Iterator<Item = (DumpKey, &str)> {
    manifest.tracks.iter().enumerate().flat_map(|(track, it)| {
        let dumps = it.dumps.iter().enumerate();
        dumps.map(move |(dump, it)| (DumpKey { track, dump }, it.uri.as_str()))
    })
}

/// A URI that names no `.json` names the folder of the session.
fn manifest_key(key: Option<&ObjectKey>) -> Result<ObjectKey, JobError> {
    match key {
        Some(key) if key.as_str().ends_with(".json") => Ok(key.clone()),
        Some(key) => ObjectKey::new(format!("{key}/{MANIFEST}")).map_err(JobError::Key),
        None => ObjectKey::new(MANIFEST).map_err(JobError::Key),
    }
}

fn missing(place: &str) -> StorageError {
    StorageError {
        action: crate::storage::Action::GetObject,
        place: place.to_owned(),
        fault: Fault::NoObject,
    }
}
