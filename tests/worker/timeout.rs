//! Jobs that take longer than the broker waits for an answer.

use crate::{
    services::Server,
    stage::{Stage, await_that, signal},
};

/// A broker that takes back what is not answered within 4 s, and looks every second.
fn impatient() -> Server {
    Server::start_with("rabbitmq", &["4000"])
}

#[test]
fn a_long_job_keeps_its_claim() {
    let broker = impatient();
    let stage = Stage::on(&broker).with("TESSERA_REFRESH", "1");
    let worker = stage.worker("spool-a", &["--slots", "1"]);
    hold_up(&stage, &worker, "long", 15);
    await_that("it is delivered", || stage.state("long") == "delivered");
    await_that("it is answered", || worker.counter("tessera_jobs_total", "ack") == 1.0);
    assert_eq!(
        worker.counter("tessera_jobs_total", "retry"),
        0.0,
        "it was given to somebody twice: {}",
        worker.log()
    );
    assert!(!worker.log().contains("taken the job back"), "{}", worker.log());
}

/// That the broker is as impatient as the test above believes.
#[test]
fn without_renewal_the_broker_takes_the_job_back() {
    let broker = impatient();
    let stage = Stage::on(&broker).with("TESSERA_REFRESH", "1000");
    let worker = stage.worker("spool-a", &["--slots", "2"]);
    hold_up(&stage, &worker, "long", 15);
    await_that("it is delivered all the same", || stage.state("long") == "delivered");
    await_that("the copy is answered", || {
        worker.counter("tessera_jobs_total", "ack") >= 1.0
    });
    let log = worker.log();
    assert!(
        log.contains("the connection to the broker is lost") || log.contains("another worker is at it"),
        "{log}"
    );
    assert_eq!(stage.delivered().len(), 1);
}

/// Submits a job and stops its process for so many seconds.
fn hold_up(stage: &Stage, worker: &crate::stage::Worker, id: &str, seconds: u64) {
    stage.submit(&stage.job(id));
    let mut child = None;
    await_that("it runs", || {
        child = worker.child();
        child.is_some()
    });
    let child = child.unwrap();
    signal(child, "STOP");
    std::thread::sleep(std::time::Duration::from_secs(seconds));
    signal(child, "CONT");
}
