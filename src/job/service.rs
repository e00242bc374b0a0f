//! The service: its settings, its store, and its means of telling customers.

use jiff::Timestamp;

use super::{JobError, Settings, Store};
use crate::{layout::Layout, media::WallTime, notify::Sender};

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

    /// A layout that a job names: built in, or of the configured folder.
    pub fn layout(&self, name: &str) -> Result<Layout, JobError> {
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
