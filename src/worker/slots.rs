//! Taking jobs, one for each free slot, and carrying each through to its verdict.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval_at},
};
use tracing::{Instrument, info, info_span, warn};

use super::{
    Course, Worker, admission,
    board::{self, Beginning},
    child::{Launch, Limits, Supervised},
    message::{Delivery, Message},
    topology::{Lane, SHARDS},
    triage,
    verdict::{Ending, Verdict, is_last, verdict},
};
use crate::job::{Job, ReadJob};

/// How often empty queues are asked again.
const ASK_AGAIN: Duration = Duration::from_millis(500);
/// The address space that a job may take beyond the memory predicted: threads, mapped files, what is guessed wrongly.
const MEMORY_MARGIN: u64 = 3 << 30;
const LEAST_CPU: Duration = Duration::from_secs(600);

/// Fills slots until the worker stops, and waits for what runs.
pub async fn fill(worker: Arc<Worker>) {
    let mut jobs = JoinSet::new();
    let long = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
    let mut taker = Taker {
        worker: Arc::clone(&worker),
        last: Lane::Short,
        shard: 0,
        long,
    };
    loop {
        let taken = tokio::select! {
            () = worker.until(Course::Stopping) => break,
            taken = taker.next() => taken,
        };
        let worker = Arc::clone(&worker);
        jobs.spawn(async move { carry(&worker, taken).await });
        while jobs.try_join_next().is_some() {}
    }
    let wait = async { while jobs.join_next().await.is_some() {} };
    let grace = async {
        tokio::time::sleep(worker.settings.grace).await;
        info!("the grace is over: what runs is handed back");
    };
    // carry() itself follows the course; the grace only moves it on
    tokio::select! {
        () = wait => return,
        () = grace => {}
        () = worker.until(Course::HandingBack) => {}
    }
    worker.slots.close();
    while jobs.join_next().await.is_some() {}
}

/// A message with the slot that it takes.
struct Taken {
    delivery: Delivery,
    lane: Lane,
    slot: OwnedSemaphorePermit,
    /// Counts as running long job while it lives.
    long: Option<OwnedSemaphorePermit>,
}

/// Goes round the queues.
struct Taker {
    worker: Arc<Worker>,
    last: Lane,
    shard: usize,
    long: Arc<Semaphore>,
}

impl Taker {
    /// Waits for a free slot and for a message to fill it.
    async fn next(&mut self) -> Taken {
        let slot = Arc::clone(&self.worker.slots)
            .acquire_owned()
            .await
            .expect("slots are closed after the last taking");
        loop {
            let wake = Arc::clone(&self.worker);
            let woken = wake.wake.notified();
            if let Some((delivery, lane)) = self.ask().await {
                self.last = lane;
                let long = (lane == Lane::Long)
                    .then(|| Arc::clone(&self.long).try_acquire_owned().ok())
                    .flatten();
                return Taken {
                    delivery,
                    lane,
                    slot,
                    long,
                };
            }
            let _ = tokio::time::timeout(ASK_AGAIN, woken).await;
        }
    }

    /// Asks every queue once, beginning with the shard after the one that was served last.
    async fn ask(&mut self) -> Option<(Delivery, Lane)> {
        let broker = self.worker.link.current()?;
        let long_running = Semaphore::MAX_PERMITS - self.long.available_permits();
        for lane in admission::order(self.worker.settings.slots, long_running, self.last) {
            for step in 1..=SHARDS {
                let shard = (self.shard + step) % SHARDS;
                match broker.take(&self.worker.names.lane(lane, shard)).await {
                    Ok(Some(delivery)) => {
                        self.shard = shard;
                        return Some((delivery, lane));
                    }
                    Ok(None) => {}
                    Err(error) => {
                        warn!("{error}");
                        return None;
                    }
                }
            }
        }
        None
    }
}

/// Carries a job through to its verdict.
async fn carry(worker: &Worker, taken: Taken) {
    let read = triage::read(worker, &taken.delivery.message);
    let labels = taken.delivery.message.labels.clone();
    let span = info_span!(
        "job",
        job = read.as_ref().ok().map(|read| read.job.job_id.as_str()),
        session = labels.session,
        room = labels.room,
        account = labels.account,
        attempt = taken.delivery.message.history.attempts + 1,
    );
    carry_in_span(worker, taken, read).instrument(span).await;
}

async fn carry_in_span(worker: &Worker, taken: Taken, read: Result<ReadJob, Ending>) {
    let Taken {
        mut delivery,
        lane,
        slot,
        long,
    } = taken;
    board::waited(age(&delivery.message));
    let ending = match &read {
        Ok(read) => attempt(worker, read, &mut delivery, lane).await,
        Err(ending) => ending.clone(),
    };
    let verdict = verdict(&ending, delivery.message.history, &worker.settings.patience);
    drop((slot, long));
    worker.wake.notify_waiters();
    settle(worker, read.ok().as_ref(), &delivery, verdict).await;
}

/// One attempt in a child process, as far as there is room for it.
async fn attempt(worker: &Worker, read: &ReadJob, delivery: &mut Delivery, lane: Lane) -> Ending {
    let needed = admission::predicted_memory(read.job.composite(), worker.settings.threads);
    if needed > worker.settings.memory {
        let (needs, has) = (needed >> 20, worker.settings.memory >> 20);
        return Ending::DoesNotFit {
            why: format!("the job needs about {needs} MiB of memory, and this worker has {has}"),
        };
    }
    let mebibytes = u32::try_from(needed >> 20).unwrap_or(u32::MAX);
    let room = tokio::select! {
        room = Arc::clone(&worker.memory).acquire_many_owned(mebibytes) => room,
        () = worker.until(Course::Stopping) => return Ending::Stopped,
    };
    let _room = room.expect("the memory is never closed");
    let (id, labels) = (&read.job.job_id, &delivery.message.labels);
    worker.board.begin(
        id,
        Beginning {
            lane: lane.to_string(),
            account: labels.account.clone().unwrap_or_else(|| read.job.destination.name()),
            session: labels.session.clone().unwrap_or_else(|| read.job.session.clone()),
            attempt: delivery.message.history.attempts + 1,
        },
    );
    let (ending, last) = match Supervised::start(launch(worker, read, delivery, needed)).await {
        Ok(mut child) => {
            worker.board.started(id, child.pid());
            let ending = supervise(worker, &read.job, &mut child, delivery).await;
            (ending, child.last().cloned())
        }
        Err(error) => (
            Ending::Crashed {
                how: format!("no process could be started: {error}"),
            },
            None,
        ),
    };
    worker.board.end(id, last.as_ref());
    ending
}

fn launch<'a>(worker: &Worker, read: &ReadJob, delivery: &'a Delivery, memory: u64) -> Launch<'a> {
    let history = delivery.message.history;
    let mut options = worker.settings.job_options.clone();
    options.extend(["--jobs".into(), worker.settings.threads.to_string().into()]);
    if is_last(history, &worker.settings.patience) {
        options.push("--last-attempt".into());
    }
    if history.crashes > 1 {
        options.push("--try-dumps".into());
    }
    let size = read.job.composite().size();
    let cpu = LEAST_CPU.max(Duration::from_secs(size.pixels() / 10));
    Launch {
        program: worker.settings.program.clone(),
        job: &delivery.message.body,
        options,
        limits: Limits {
            memory: memory + MEMORY_MARGIN,
            cpu,
            silence: worker.settings.silence,
        },
    }
}

/// Follows a child to its end: progress, the claim on its message, and being told to stop.
async fn supervise(worker: &Worker, job: &Job, child: &mut Supervised, delivery: &mut Delivery) -> Ending {
    let refresh = worker.settings.refresh;
    let mut claims = interval_at(Instant::now() + refresh, refresh);
    claims.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut asked = false;
    loop {
        tokio::select! {
            next = child.next() => match next {
                Ok(progress) => worker.board.progress(&job.job_id, progress),
                Err(ending) => return ending,
            },
            _ = claims.tick() => worker.renew(delivery).await,
            () = worker.until(Course::HandingBack), if !asked => {
                asked = true;
                child.stop();
            }
            () = worker.slots_closed(), if !asked => {
                asked = true;
                child.stop();
            }
            () = worker.until(Course::Killing) => {
                child.kill().await;
                return Ending::Stopped;
            }
        }
    }
}

impl Worker {
    /// The slots are closed when the grace is over.
    async fn slots_closed(&self) {
        while !self.slots.is_closed() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Takes a fresh claim on the job before the broker loses patience with the old one: the message is put into this
    /// worker's own queue and taken from there, and only then the old one is answered.
    async fn renew(&self, delivery: &mut Delivery) {
        let Some(broker) = self.link.current().filter(|_| delivery.claim.is_valid()) else {
            return;
        };
        let queue = self.names.held(&self.id);
        // one at a time, so that each takes its own message
        let _turn = self.link.renewing().await;
        let renewed = async {
            broker.publish(&queue, &delivery.message.onward()).await?;
            broker.take(&queue).await
        };
        match renewed.await {
            Ok(Some(fresh)) => {
                let old = std::mem::replace(delivery, fresh);
                if !old.claim.ack().await {
                    warn!("the broker had taken the job back meanwhile: another worker may look at it");
                }
            }
            Ok(None) => warn!("the claim on the job could not be renewed: its message is not in {queue}"),
            Err(error) => warn!("the claim on the job could not be renewed: {error}"),
        }
    }
}

/// Carries out a verdict. The message is where it belongs before it leaves the queue that it is in.
async fn settle(worker: &Worker, read: Option<&ReadJob>, delivery: &Delivery, verdict: Verdict) {
    board::count(&verdict);
    let broker = worker.link.broker().await;
    if !delivery.claim.is_valid() {
        // the broker has given the message to somebody else, who will come to the same verdict
        return;
    }
    let message = delivery.message.onward();
    let onward = match verdict {
        Verdict::Ack => None,
        Verdict::HandBack => {
            delivery.claim.give_back().await;
            return;
        }
        Verdict::RetryAfter {
            step,
            delay,
            history,
            why,
        } => {
            info!("tried again in {} s: {why}", delay.as_secs());
            Some((
                worker.names.retry(step),
                Message {
                    history,
                    reason: Some(why),
                    delay: Some(delay),
                    ..message
                },
            ))
        }
        Verdict::Park { delay, history, why } => {
            info!("parked for {} s: {why}", delay.as_secs());
            Some((
                worker.names.parked(),
                Message {
                    history,
                    reason: Some(why),
                    delay: Some(delay),
                    ..message
                },
            ))
        }
        Verdict::DeadLetter { why } => {
            warn!("dead: {why}");
            if let Some(read) = read
                && let Err(error) = worker.service.give_up(read, &why).await
            {
                warn!("the failure could not be taken down: {error}");
            }
            Some((
                worker.names.dead(),
                Message {
                    reason: Some(why),
                    ..message
                },
            ))
        }
    };
    if let Some((queue, message)) = onward
        && let Err(error) = broker.publish(&queue, &message).await
    {
        warn!("{error}");
        delivery.claim.give_back().await;
        return;
    }
    delivery.claim.ack().await;
}

fn age(message: &Message) -> Duration {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    now.saturating_sub(Duration::from_secs(if message.submitted_at == 0 {
        now.as_secs()
    } else {
        message.submitted_at
    }))
}
