//! What the subcommands share that work with the service's store: its settings, and a runtime to wait in.

use std::{ffi::OsString, future::Future, path::PathBuf};

use clap::Args;

use crate::{
    config::{self, Overrides, Trust, WorkerOverrides},
    job::{JobError, Service},
    media::Secret,
    worker::QueueSettings,
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
        self.open_for(Trust::Person).await
    }

    pub async fn open_for(&self, trust: Trust) -> Result<Service, JobError> {
        Ok(Service::open(config::settings(&self.overrides(), trust)?).await)
    }

    /// The same options again, for a process that works for this one.
    pub fn repeated(&self) -> Vec<OsString> {
        let mut options: Vec<OsString> = Vec::new();
        let paths = [
            ("--config", &self.config),
            ("--spool", &self.spool),
            ("--templates", &self.templates),
            ("--layouts", &self.layouts),
        ];
        for (name, path) in paths {
            if let Some(path) = path {
                options.extend([name.into(), path.into()]);
            }
        }
        if let Some(store) = &self.store {
            options.extend(["--store".into(), store.into()]);
        }
        options
    }
}

/// Where the queue is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Queue")]
pub struct QueueArgs {
    /// The broker [env: TESSERA_AMQP_URL] [default: amqp://127.0.0.1:5672/%2f]
    #[arg(long, value_name = "URL", value_parser = |text: &str| Ok::<_, String>(Secret::new(text)))]
    amqp_url: Option<Secret>,
    /// What the names of all queues begin with [env: TESSERA_QUEUE] [default: tessera]
    #[arg(long, value_name = "PREFIX")]
    queue: Option<String>,
}

impl QueueArgs {
    pub fn overrides(&self) -> WorkerOverrides {
        WorkerOverrides {
            amqp_url: self.amqp_url.clone(),
            queue: self.queue.clone(),
            ..WorkerOverrides::default()
        }
    }

    pub fn settings(&self, service: &ServiceArgs) -> Result<QueueSettings, JobError> {
        config::queue(&service.overrides(), &self.overrides())
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
