//! Jobs that can never work, or wait for a customer: seen, and put back.

use serde::Serialize;

use super::{
    QueueSettings,
    broker::{Broker, BrokerError, Claim},
    message::Message,
    topology::Names,
};

/// A message of the dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadJob {
    /// Its place in the queue, from 1.
    pub number: usize,
    /// If it can be read that far.
    pub job_id: Option<String>,
    pub session: Option<String>,
    pub reason: Option<String>,
    pub attempts: u32,
    pub crashes: u32,
    pub bytes: usize,
}

/// Which dead jobs are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    All,
    Job(String),
}

/// What is in the dead-letter queue, oldest first. Everything stays there.
pub async fn dead_jobs(settings: &QueueSettings) -> Result<Vec<DeadJob>, BrokerError> {
    let broker = Broker::connect(&settings.url, "tessera dead").await?;
    let held = take_all(&broker, &Names::new(&settings.prefix).dead()).await?;
    let jobs = held
        .iter()
        .enumerate()
        .map(|(index, (message, _))| describe(index + 1, message))
        .collect();
    give_back(held).await;
    broker.close().await;
    Ok(jobs)
}

/// Puts dead jobs back to where jobs enter, with a clean history, and says how many.
pub async fn requeue_dead(settings: &QueueSettings, which: &Which) -> Result<usize, BrokerError> {
    let broker = Broker::connect(&settings.url, "tessera dead").await?;
    let names = Names::new(&settings.prefix);
    let (mut count, mut rest) = (0, Vec::new());
    for (message, claim) in take_all(&broker, &names.dead()).await? {
        let fits = match which {
            Which::All => true,
            Which::Job(id) => describe(0, &message).job_id.as_ref() == Some(id),
        };
        if !fits {
            rest.push((message, claim));
            continue;
        }
        broker.publish(&names.jobs(), &message.anew()).await?;
        claim.ack().await;
        count += 1;
    }
    give_back(rest).await;
    broker.close().await;
    Ok(count)
}

/// Holds every message of a queue at once, so that each is seen once.
async fn take_all(broker: &Broker, queue: &str) -> Result<Vec<(Message, Claim)>, BrokerError> {
    let mut held = Vec::new();
    while let Some(delivery) = broker.take(queue).await? {
        held.push((delivery.message, delivery.claim));
    }
    Ok(held)
}

async fn give_back(held: Vec<(Message, Claim)>) {
    for (_, claim) in held {
        claim.give_back().await;
    }
}

fn describe(number: usize, message: &Message) -> DeadJob {
    let document: Option<serde_json::Value> = serde_json::from_slice(&message.body).ok();
    let text = |name: &str| document.as_ref()?.get(name)?.as_str().map(str::to_owned);
    DeadJob {
        number,
        job_id: text("job_id"),
        session: text("session"),
        reason: message.reason.clone(),
        attempts: message.history.attempts,
        crashes: message.history.crashes,
        bytes: message.body.len(),
    }
}
