//! Keeping a connection to the broker: again and again, with growing delays. Jobs under way go on without it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;
use tracing::{info, warn};

use super::{
    Course, Worker,
    broker::{Broker, BrokerError},
    triage,
};

const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(15);
const LOOKED_AT_EVERY: Duration = Duration::from_millis(250);

/// The connection of the moment, if there is one.
#[derive(Default)]
pub struct Link {
    broker: Mutex<Option<Arc<Broker>>>,
    changed: Notify,
    renewal: tokio::sync::Mutex<()>,
}

impl Link {
    pub fn current(&self) -> Option<Arc<Broker>> {
        self.broker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .filter(|broker| broker.is_alive())
    }

    /// Waits for a connection.
    pub async fn broker(&self) -> Arc<Broker> {
        loop {
            let changed = self.changed.notified();
            if let Some(broker) = self.current() {
                return broker;
            }
            // a connection may also come while nobody tells
            let _ = tokio::time::timeout(LOOKED_AT_EVERY, changed).await;
        }
    }

    pub async fn close(&self) {
        if let Some(broker) = self.current() {
            broker.close().await;
        }
    }

    /// The turn of whoever takes a fresh claim on a job.
    pub async fn renewing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.renewal.lock().await
    }

    fn set(&self, broker: Option<Arc<Broker>>) {
        *self.broker.lock().unwrap_or_else(PoisonError::into_inner) = broker;
        self.changed.notify_waiters();
    }
}

/// Connects, declares the queues, sorts what comes in, and begins again when the connection is lost.
pub async fn keep(worker: Arc<Worker>) {
    let mut delay = SHORTEST;
    loop {
        match connect(&worker).await {
            Ok(broker) => {
                info!("connected to the broker");
                delay = SHORTEST;
                let broker = Arc::new(broker);
                worker.link.set(Some(Arc::clone(&broker)));
                worker.wake.notify_waiters();
                let sorting = tokio::spawn(triage::sort(Arc::clone(&worker), Arc::clone(&broker)));
                while broker.is_alive() && !sorting.is_finished() {
                    tokio::time::sleep(LOOKED_AT_EVERY).await;
                }
                sorting.abort();
                worker.link.set(None);
                if worker.course() == Course::Working {
                    warn!("the connection to the broker is lost");
                }
                broker.close().await;
            }
            Err(error) => {
                warn!("{error}; tried again in {} ms", delay.as_millis());
                tokio::time::sleep(delay).await;
                delay = (delay * 2).min(LONGEST);
            }
        }
    }
}

async fn connect(worker: &Worker) -> Result<Broker, BrokerError> {
    let broker = Broker::connect(&worker.settings.queue.url, &format!("tessera worker {}", worker.id)).await?;
    for queue in worker.names.shared(worker.settings.patience.retries.len()) {
        broker.declare(&queue).await?;
    }
    broker.declare(&worker.names.own(&worker.id)).await?;
    Ok(broker)
}
