//! What the subcommands share that work with the service's store: its settings, and a runtime to wait in.

use std::{future::Future, path::PathBuf};

use clap::Args;

use crate::{
    config::{self, Overrides, Trust},
    job::{JobError, Service},
};

#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
pub struct ServiceArgs {
    /// Configuration file in TOML [env: TESSERA_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Working folder [env: TESSERA_SPOOL] [default: spool]
    #[arg(long, value_name = "DIR")]
    spool: Option<PathBuf>,
    /// The service's own store, a folder or s3://bucket/prefix [env: TESSERA_STORE] [default: beside the spool]
    #[arg(long, value_name = "PLACE")]
    store: Option<String>,
    /// Folder of template files [env: TESSERA_TEMPLATES]
    #[arg(long, value_name = "DIR")]
    templates: Option<PathBuf>,
    /// Folder of further layouts [env: TESSERA_LAYOUTS]
    #[arg(long, value_name = "DIR")]
    layouts: Option<PathBuf>,
}

impl ServiceArgs {
    pub fn overrides(&self) -> Overrides {
        Overrides {
            file: self.config.clone(),
            spool: self.spool.clone(),
            store: self.store.clone(),
            templates: self.templates.clone(),
            layouts: self.layouts.clone(),
        }
    }

    pub async fn open(&self) -> Result<Service, JobError> {
        Ok(Service::open(config::settings(&self.overrides(), Trust::Person)?).await)
    }
}

/// Waits for what a subcommand does over the network.
pub fn wait<T>(work: impl Future<Output = Result<T, JobError>>) -> Result<T, JobError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| JobError::Settings(format!("cannot start threads: {error}")))?;
    runtime.block_on(work)
}
