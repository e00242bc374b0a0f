//! Sorting what comes in: into the lane of its predicted cost and the shard of its account.

use std::{sync::Arc, time::Duration};

use tracing::warn;

use super::{
    Worker, admission, board,
    broker::{Broker, BrokerError},
    message::{Delivery, Labels, Message},
    topology::{Lane, SHARDS},
    verdict::{Ending, Verdict, verdict},
};
use crate::job::{Job, JobSource, ReadJob};

/// Messages that are looked at together.
const PREFETCH: u16 = 32;
/// A manifest that takes longer is left to the job itself.
const LOOK: Duration = Duration::from_secs(10);

/// Sorts until the connection is gone.
pub async fn sort(worker: Arc<Worker>, broker: Arc<Broker>) {
    let mut arrivals = match broker.consume(&worker.names.jobs(), PREFETCH).await {
        Ok(arrivals) => arrivals,
        Err(error) => return warn!("{error}"),
    };
    while let Some(delivery) = arrivals.next().await {
        if let Err(error) = sort_one(&worker, &broker, &delivery).await {
            warn!("{error}");
            delivery.claim.give_back().await;
            return;
        }
        worker.wake.notify_waiters();
    }
}

/// Reads the job of a message.
pub fn read(worker: &Worker, message: &Message) -> Result<ReadJob, Ending> {
    let unreadable = |why: String| Ending::Unreadable { why };
    let text = std::str::from_utf8(&message.body).map_err(|error| unreadable(format!("not a job: {error}")))?;
    let templates = worker.service.settings.templates.as_deref();
    Job::read(text, "the message", templates).map_err(|error| unreadable(error.to_string()))
}

/// Moves a message on. It is in its new queue before it leaves the old one.
async fn sort_one(worker: &Worker, broker: &Broker, delivery: &Delivery) -> Result<(), BrokerError> {
    match read(worker, &delivery.message) {
        Ok(read) => {
            let (lane, labels) = look(worker, &read).await;
            let account = labels.account.clone().unwrap_or_else(|| read.job.destination.name());
            let queue = worker.names.lane(lane, admission::shard(&account, SHARDS));
            broker
                .publish(
                    &queue,
                    &Message {
                        labels,
                        ..delivery.message.onward()
                    },
                )
                .await?;
        }
        Err(ending) => {
            let verdict = verdict(&ending, delivery.message.history, &worker.settings.patience);
            board::count(&verdict);
            let why = match verdict {
                Verdict::DeadLetter { why } => why,
                other => unreachable!("what cannot be read is dead, not {other:?}"),
            };
            warn!("a message is no job and goes to {}: {why}", worker.names.dead());
            let dead = Message {
                reason: Some(why),
                ..delivery.message.onward()
            };
            broker.publish(&worker.names.dead(), &dead).await?;
        }
    }
    delivery.claim.ack().await;
    Ok(())
}

/// The lane, and whose job it is, from the manifest. A job whose manifest cannot be read soon fails, so it is short.
async fn look(worker: &Worker, read: &ReadJob) -> (Lane, Labels) {
    let job = &read.job;
    let place = job.place();
    let source = JobSource::open(&place, &worker.service.settings.sources);
    match tokio::time::timeout(LOOK, source).await {
        Ok(Ok(source)) => {
            let manifest = &source.parsed.manifest;
            let lane = admission::lane(admission::predicted_cpu(manifest, job.composite().size()));
            let account = manifest
                .session
                .account_id
                .as_ref()
                .map(|account| account.as_str().to_owned());
            let (session, room) = (manifest.session.id.to_string(), manifest.room_id().to_string());
            (
                lane,
                Labels {
                    session: Some(session),
                    room: Some(room),
                    account,
                },
            )
        }
        Ok(Err(_)) | Err(_) => (Lane::Short, Labels::default()),
    }
}
