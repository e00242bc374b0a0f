//! The worker: jobs from RabbitMQ, each carried out in a process of its own, nothing lost.

mod admission;
mod board;
mod broker;
mod child;
mod dead;
mod house;
mod http;
mod link;
mod message;
mod queue;
mod slots;
mod topology;
mod triage;
mod verdict;

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::{Notify, Semaphore, watch};
use tracing::info;

pub use board::{JobStatus, Status};
pub use broker::BrokerError;
pub use child::Line;
pub use dead::{DeadJob, Which, dead_jobs, requeue_dead};
pub use http::ask_status;
pub use queue::submit;
pub use topology::{Lane, Names, QueueSpec};
pub use verdict::{Ending, History, Patience, Verdict, verdict};

use crate::{
    job::{JobError, Service},
    media::Secret,
};
use board::Board;
use link::Link;

/// Where the broker is, and what our queues there are called.
#[derive(Debug, Clone)]
pub struct QueueSettings {
    pub url: Secret,
    pub prefix: String,
}

/// How much a worker does, and how it goes about it.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    pub queue: QueueSettings,
    /// Jobs at once.
    pub slots: usize,
    /// Threads of each job.
    pub threads: usize,
    /// Bytes of memory that all jobs together may take.
    pub memory: u64,
    /// How long running jobs may go on after SIGTERM.
    pub grace: Duration,
    /// How often the claim on a long job is renewed: well below the broker's consumer timeout.
    pub refresh: Duration,
    /// A job that says nothing for so long hangs.
    pub silence: Duration,
    pub patience: Patience,
    /// Where `/healthz`, `/readyz`, `/metrics` and `/status` are served.
    pub listen: SocketAddr,
    /// This program, and the options that its jobs are started with.
    pub program: PathBuf,
    pub job_options: Vec<OsString>,
}

/// Which way the worker is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Course {
    Working,
    /// Takes no more; what runs may finish within its grace.
    Stopping,
    /// What runs is stopped and handed back.
    HandingBack,
    /// At once.
    Killing,
}

/// What the parts of a worker share.
struct Worker {
    id: String,
    settings: WorkerSettings,
    service: Service,
    names: Names,
    board: Board,
    link: Link,
    slots: Arc<Semaphore>,
    /// In MiB.
    memory: Arc<Semaphore>,
    /// Something may be there to take.
    wake: Notify,
    course: watch::Receiver<Course>,
}

/// Works until it is told to stop, and returns when everything is handed over.
pub async fn work(settings: WorkerSettings, service: Service, course: watch::Receiver<Course>) -> Result<(), JobError> {
    let metrics = http::recorder()?;
    let id = format!("{}-{:08x}", std::process::id(), fastrand::u32(..));
    let worker = Arc::new(Worker {
        names: Names::new(&settings.queue.prefix),
        board: Board::default(),
        link: Link::default(),
        slots: Arc::new(Semaphore::new(settings.slots)),
        memory: Arc::new(Semaphore::new(
            usize::try_from(settings.memory >> 20).unwrap_or(Semaphore::MAX_PERMITS),
        )),
        wake: Notify::new(),
        id,
        settings,
        service,
        course,
    });
    info!(
        worker = worker.id,
        slots = worker.settings.slots,
        threads = worker.settings.threads,
        "worker begins"
    );
    let server = http::serve(Arc::clone(&worker), metrics).await?;
    let background = [
        tokio::spawn(link::keep(Arc::clone(&worker))),
        tokio::spawn(house::keep(Arc::clone(&worker))),
        server,
    ];
    slots::fill(Arc::clone(&worker)).await;
    worker.link.close().await;
    for task in background {
        task.abort();
    }
    info!(worker = worker.id, "worker ends");
    Ok(())
}

impl Worker {
    fn course(&self) -> Course {
        *self.course.borrow()
    }

    /// Waits until the worker is at least that far on its way out.
    async fn until(&self, wanted: Course) {
        let mut course = self.course.clone();
        // the sender lives as long as the process
        let _ = course.wait_for(|course| *course >= wanted).await;
    }

    fn status(&self) -> Status {
        Status {
            worker: self.id.clone(),
            slots: self.settings.slots,
            connected: self.link.current().is_some(),
            stopping: self.course() > Course::Working,
            jobs: self.board.jobs_status(),
        }
    }
}
