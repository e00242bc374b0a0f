//! The service: its settings, its store, and its means of telling customers.

use jiff::Timestamp;

use super::{Job, JobError, Settings, Store};
use crate::{
    composition::Request,
    layout::Layout,
    media::{WallTime, document::Fault},
    notify::Sender,
};

#[derive(Debug, Clone)]
pub struct Service {
    pub settings: Settings,
    pub store: Store,
    pub sender: Sender,
}

impl Service {
    pub async fn open(settings: Settings) -> Service {
        Service {
            store: Store::open(&settings).await,
            sender: Sender::new(settings.webhooks),
            settings,
        }
    }

    /// What composition is asked for by a job.
    pub(super) fn request(&self, job: &Job) -> Result<Request, JobError> {
        let asked = job.composite().request(|name| self.layout(name));
        asked.map_err(|faults| JobError::Job {
            name: format!("job {}", job.job_id),
            faults: (faults.into_iter())
                .map(|fault| Fault::new(format!("/outputs/0{}", fault.path), fault.what))
                .collect(),
        })
    }

    /// A layout that a job names: built in, or of the configured folder.
    fn layout(&self, name: &str) -> Result<Layout, JobError> {
        let own = self
            .settings
            .layouts
            .as_ref()
            .map(|folder| folder.join(format!("{name}.toml")));
        match own.filter(|path| path.is_file()) {
            Some(path) => super::load_layout(&path.to_string_lossy()),
            None => super::load_layout(name),
        }
    }
}

/// Wall clock now, to the millisecond.
pub(super) fn now() -> WallTime {
    WallTime::from_unix_nanos(Timestamp::now().as_millisecond() * 1_000_000)
}
