//! The broker: the one module that speaks AMQP (0-9-1, RabbitMQ).

use std::time::Duration;

use futures_util::StreamExt;
use lapin::{
    Acker, BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicGetOptions, BasicNackOptions, BasicPublishOptions, BasicQosOptions,
        ConfirmSelectOptions, QueueDeclareOptions,
    },
    types::{AMQPValue, FieldTable, LongString, ShortString},
};

use super::{
    message::{Delivery, Message},
    topology::QueueSpec,
};
use crate::media::Secret;

/// Connections that say nothing for longer are dead.
const HEARTBEAT: u16 = 10;
const ANSWER: Duration = Duration::from_secs(20);
const PERSISTENT: u8 = 2;
/// RabbitMQ 4 deletes what was given back 20 times, unless told otherwise. Attempts are counted by the worker.
const NEVER: u64 = i32::MAX as u64;

/// Why the broker could not be asked. Messages hold no password.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    #[error("broker {place}: {error}: check TESSERA_AMQP_URL and that it runs")]
    Connect { place: String, error: String },
    #[error("broker: {0}")]
    Lost(String),
    #[error("broker: queue '{queue}': {why}")]
    Refused { queue: String, why: String },
}

/// A connection to the broker, with a channel for publishing and one for taking.
pub struct Broker {
    connection: Connection,
    publishing: Channel,
    taking: Channel,
}

/// A stream of deliveries of one queue.
pub struct Arrivals(Consumer);

impl Broker {
    pub async fn connect(url: &Secret, name: &str) -> Result<Broker, BrokerError> {
        let failed = |error: String| BrokerError::Connect {
            place: shown(url),
            error,
        };
        let with_heartbeat = heartbeat(url.expose());
        let properties = ConnectionProperties::default().with_connection_name(LongString::from(name.to_owned()));
        let connecting = async {
            let connection = Connection::connect(&with_heartbeat, properties).await?;
            let publishing = connection.create_channel().await?;
            publishing.confirm_select(ConfirmSelectOptions::default()).await?;
            let taking = connection.create_channel().await?;
            Ok::<_, lapin::Error>(Broker {
                connection,
                publishing,
                taking,
            })
        };
        match tokio::time::timeout(ANSWER, connecting).await {
            Ok(result) => result.map_err(|error| failed(error.to_string())),
            Err(_) => Err(failed("no answer in time".into())),
        }
    }

    /// Whether anything can still be asked of this connection.
    pub fn is_alive(&self) -> bool {
        self.connection.status().connected() && self.publishing.status().connected() && self.taking.status().connected()
    }

    pub async fn declare(&self, queue: &QueueSpec) -> Result<(), BrokerError> {
        let options = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        let declared = self
            .taking
            .queue_declare(short(&queue.name), options, arguments(queue))
            .await;
        declared.map(|_| ()).map_err(|error| BrokerError::Refused {
            queue: queue.name.clone(),
            why: error.to_string(),
        })
    }

    /// Puts a message into a queue, and returns when the broker has it safely.
    pub async fn publish(&self, queue: &str, message: &Message) -> Result<(), BrokerError> {
        let options = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        let sending = async {
            let sent =
                self.publishing
                    .basic_publish(short(""), short(queue), options, &message.body, properties(message));
            sent.await?.await
        };
        let confirmation = match tokio::time::timeout(ANSWER, sending).await {
            Ok(result) => result.map_err(|error| BrokerError::Lost(error.to_string()))?,
            Err(_) => return Err(BrokerError::Lost("no confirmation in time".into())),
        };
        let refused = |why: &str| {
            Err(BrokerError::Refused {
                queue: queue.to_owned(),
                why: why.to_owned(),
            })
        };
        match confirmation {
            Confirmation::Ack(None) => Ok(()),
            Confirmation::Ack(Some(_)) => refused("there is no such queue: start a worker, or check TESSERA_QUEUE"),
            Confirmation::Nack(_) => refused("the broker could not store the message"),
            Confirmation::NotRequested => refused("the broker gives no confirmations"),
        }
    }

    /// The next message of a queue, if there is one.
    pub async fn take(&self, queue: &str) -> Result<Option<Delivery>, BrokerError> {
        let asked = self.taking.basic_get(short(queue), BasicGetOptions::default());
        match tokio::time::timeout(ANSWER, asked).await {
            Ok(Ok(message)) => Ok(message.map(|message| delivery(message.delivery))),
            Ok(Err(error)) => Err(BrokerError::Lost(error.to_string())),
            Err(_) => Err(BrokerError::Lost("no answer in time".into())),
        }
    }

    /// Has a queue's messages sent here, at most `prefetch` unanswered ones at once.
    pub async fn consume(&self, queue: &str, prefetch: u16) -> Result<Arrivals, BrokerError> {
        let lost = |error: lapin::Error| BrokerError::Lost(error.to_string());
        let channel = self.connection.create_channel().await.map_err(lost)?;
        channel
            .basic_qos(prefetch, BasicQosOptions::default())
            .await
            .map_err(lost)?;
        let consumer = channel.basic_consume(
            short(queue),
            short(""),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        Ok(Arrivals(consumer.await.map_err(lost)?))
    }

    /// How many messages wait in a queue.
    pub async fn depth(&self, queue: &str) -> Result<u32, BrokerError> {
        let options = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        let channel = self
            .connection
            .create_channel()
            .await
            .map_err(|error| BrokerError::Lost(error.to_string()))?;
        let found = channel
            .queue_declare(short(queue), options, FieldTable::default())
            .await;
        let count = found.map(|queue| queue.message_count());
        // a queue that does not exist closes its channel
        let _ = channel.close(200, short("")).await;
        count.map_err(|error| BrokerError::Refused {
            queue: queue.to_owned(),
            why: error.to_string(),
        })
    }

    pub async fn close(&self) {
        let _ = self.connection.close(200, short("done")).await;
    }
}

impl Arrivals {
    /// Waits for the next message; `None` when the connection is gone.
    pub async fn next(&mut self) -> Option<Delivery> {
        self.0.next().await?.ok().map(delivery)
    }
}

/// The right, and duty, to answer a delivery.
#[derive(Debug, Clone)]
pub struct Claim(Acker);

impl Claim {
    /// Whether the broker still waits for an answer on the connection that the message came by.
    pub fn is_valid(&self) -> bool {
        self.0.usable()
    }

    /// Says that the message is dealt with. False if the broker has taken it back meanwhile.
    pub async fn ack(&self) -> bool {
        self.0.ack(BasicAckOptions::default()).await.unwrap_or(false)
    }

    /// Gives the message back to its queue.
    pub async fn give_back(&self) -> bool {
        self.0
            .nack(BasicNackOptions {
                requeue: true,
                ..BasicNackOptions::default()
            })
            .await
            .unwrap_or(false)
    }
}

fn delivery(delivery: lapin::message::Delivery) -> Delivery {
    let headers = delivery.properties.headers().clone().unwrap_or_default();
    let number = |name: &str| match headers.inner().get(name) {
        Some(AMQPValue::LongLongInt(number)) => u32::try_from(*number).unwrap_or(0),
        _ => 0,
    };
    let text = |name: &str| match headers.inner().get(name) {
        Some(AMQPValue::LongString(text)) => Some(text.to_string()),
        _ => None,
    };
    Delivery {
        message: Message::from_headers(
            delivery.data,
            number,
            text,
            delivery.properties.timestamp().unwrap_or(0),
        ),
        claim: Claim(delivery.acker),
    }
}

fn properties(message: &Message) -> BasicProperties {
    let mut headers = FieldTable::default();
    for (name, number) in message.numbers() {
        headers.insert(short(name), AMQPValue::LongLongInt(i64::from(number)));
    }
    for (name, text) in message.texts() {
        headers.insert(short(name), AMQPValue::LongString(LongString::from(text)));
    }
    let properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type(short("application/json"))
        .with_timestamp(message.submitted_at)
        .with_headers(headers);
    match message.delay {
        Some(delay) => properties.with_expiration(short(&delay.as_millis().to_string())),
        None => properties,
    }
}

fn arguments(queue: &QueueSpec) -> FieldTable {
    let mut table = FieldTable::default();
    let text = |text: &str| AMQPValue::LongString(LongString::from(text.to_owned()));
    let number = |number: u64| AMQPValue::LongLongInt(i64::try_from(number).unwrap_or(i64::MAX));
    table.insert(short("x-queue-type"), text("quorum"));
    table.insert(short("x-delivery-limit"), number(NEVER));
    if let Some(then) = &queue.then {
        table.insert(short("x-dead-letter-exchange"), text(""));
        table.insert(short("x-dead-letter-routing-key"), text(then));
        // a message on its way between two queues is never in neither; this asks for the way of overflowing
        table.insert(short("x-dead-letter-strategy"), text("at-least-once"));
        table.insert(short("x-overflow"), text("reject-publish"));
    }
    if let Some(ttl) = queue.message_ttl_ms {
        table.insert(short("x-message-ttl"), number(ttl));
    }
    if let Some(expires) = queue.expires_ms {
        table.insert(short("x-expires"), number(expires));
    }
    table
}

/// A half-open connection is noticed after about two and a half heartbeats.
fn heartbeat(url: &str) -> String {
    match (url.contains("heartbeat="), url.contains('?')) {
        (true, _) => url.to_owned(),
        (false, true) => format!("{url}&heartbeat={HEARTBEAT}"),
        (false, false) => format!("{url}?heartbeat={HEARTBEAT}"),
    }
}

/// Host and port alone: user and password stand before them.
fn shown(url: &Secret) -> String {
    let parsed = url::Url::parse(url.expose()).ok();
    parsed
        .and_then(|url| Some(format!("{}:{}", url.host_str()?, url.port().unwrap_or(5672))))
        .unwrap_or_default()
}

/// Names and headers of ours are short; what is longer than AMQP's 255 bytes is cut.
fn short(text: &str) -> ShortString {
    let end = (0..=text.len().min(255))
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    ShortString::from(&text[..end])
}
