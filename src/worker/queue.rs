//! Putting a job on the queue.

use super::{
    QueueSettings,
    broker::{Broker, BrokerError},
    message::Message,
    topology::Names,
};

/// Puts a job on the queue and returns when the broker has it safely. The queue is declared if it is not there yet.
pub async fn submit(settings: &QueueSettings, job: Vec<u8>) -> Result<(), BrokerError> {
    let broker = Broker::connect(&settings.url, "tessera submit").await?;
    let names = Names::new(&settings.prefix);
    for queue in names.shared(0).into_iter().filter(|queue| queue.name == names.jobs()) {
        broker.declare(&queue).await?;
    }
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let sent = broker.publish(&names.jobs(), &Message::new(job, now.as_secs())).await;
    broker.close().await;
    sent
}
