//! `tessera worker`: the consumer.

use std::{net::SocketAddr, time::Duration};

use clap::Args;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::{
    print, print_json,
    service::{QueueArgs, ServiceArgs, wait},
};
use crate::{
    config::{self, Machine, Trust, WorkerOverrides},
    job::JobError,
    worker::{Course, Names, work},
};

/// Take jobs from the queue and carry them out, until told to stop
///
/// SIGTERM or Ctrl-C: takes no more, lets running jobs finish within the grace period, hands back what is left. A second
/// one hands back at once, a third one ends without waiting.
#[derive(Debug, Args)]
pub struct WorkerArgs {
    /// Jobs at once [env: TESSERA_SLOTS] [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    slots: Option<u16>,
    /// Address of /healthz, /readyz, /metrics and /status [env: TESSERA_LISTEN] [default: 127.0.0.1:9090]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Seconds that running jobs may go on after SIGTERM [env: TESSERA_GRACE] [default: 60]
    #[arg(long, value_name = "SECONDS")]
    grace: Option<u64>,
    /// Print the queues that a worker declares, and end
    #[arg(long)]
    print_topology: bool,
    /// With --print-topology: as JSON
    #[arg(long, requires = "print_topology")]
    json: bool,
    #[command(flatten)]
    queue: QueueArgs,
    #[command(flatten)]
    service: ServiceArgs,
}

pub fn run(args: WorkerArgs) -> Result<(), JobError> {
    let overrides = WorkerOverrides {
        slots: args.slots.map(usize::from),
        listen: args.listen,
        grace: args.grace.map(Duration::from_secs),
        ..args.queue.overrides()
    };
    let mut settings = config::worker(&args.service.overrides(), &overrides, Machine::here())?;
    settings.job_options = args.service.repeated();
    if args.print_topology {
        let names = Names::new(&settings.queue.prefix);
        let mut queues = names.shared(settings.patience.retries.len());
        queues.push(names.own("<worker>"));
        return if args.json {
            print_json(&queues)
        } else {
            print(&queues.iter().map(|queue| format!("{queue}\n")).collect::<String>())
        };
    }
    wait(async {
        let service = args.service.open_for(Trust::Queue).await?;
        work(settings, service, course()?).await
    })
}

/// Every signal goes one step further on the way out.
fn course() -> Result<watch::Receiver<Course>, JobError> {
    let failed = |error| JobError::Settings(format!("signals cannot be received: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let (sender, receiver) = watch::channel(Course::Working);
    tokio::spawn(async move {
        for course in [Course::Stopping, Course::HandingBack, Course::Killing] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("told to stop: {course:?}");
            sender.send_replace(course);
        }
        // the receivers wait for this sender for as long as the process lives
        std::future::pending::<()>().await;
    });
    Ok(receiver)
}
