//! Processes that die: the job's, the worker's, the broker's.

use std::{fs, time::Duration};

use crate::{
    services::Server,
    stage::{Stage, Worker, await_that, signal},
};

fn child_in_the_middle(worker: &Worker) -> i32 {
    await_that("the job is in the middle", || worker.percent() >= 20);
    worker.child().expect("it runs")
}

#[test]
fn a_crash_costs_one_attempt_and_finished_chunks_are_kept() {
    let stage = Stage::new();
    let worker = stage.worker("spool-a", &["--slots", "1"]);
    stage.submit(&stage.slow_job("crashed"));
    // not SEGV: the runtime survives one that no memory access repeats
    signal(child_in_the_middle(&worker), "KILL");
    await_that("it is delivered", || stage.state("crashed") == "delivered");
    assert!(worker.log().contains("SIGKILL"), "{}", worker.log());
    assert_eq!(worker.counter("tessera_jobs_total", "retry"), 1.0);
    let resumed = stage.report("crashed")["resumed_chunks"].as_u64().unwrap();
    assert!(resumed > 0, "nothing was taken over from the first attempt");

    // the same bytes as without a crash
    stage.submit(&stage.slow_job("whole"));
    await_that("the other is delivered", || stage.state("whole") == "delivered");
    let bytes: Vec<Vec<u8>> = stage.delivered().iter().map(|path| fs::read(path).unwrap()).collect();
    assert_eq!(bytes.len(), 2);
    assert!(bytes[0] == bytes[1], "the recording differs after a crash");
}

#[test]
fn a_job_of_a_killed_worker_is_done_by_another() {
    let stage = Stage::new();
    let mut first = stage.worker("spool-a", &["--slots", "1"]);
    stage.submit(&stage.slow_job("orphan"));
    child_in_the_middle(&first);
    first.kill();
    // on the same spool it goes on where it was
    let second = stage.worker("spool-a", &["--slots", "1"]);
    await_that("it is delivered", || stage.state("orphan") == "delivered");
    assert_eq!(stage.delivered().len(), 1);
    drop(second);
}

#[test]
fn the_broker_may_go_and_come_back() {
    let mut broker = Server::start_with("rabbitmq", &[]);
    let stage = Stage::on(&broker);
    let mut worker = stage.worker("spool-a", &["--slots", "1"]);
    stage.submit(&stage.slow_job("through"));
    child_in_the_middle(&worker);
    broker.stop();
    await_that("the worker says so", || {
        worker.get("/readyz").is_some_and(|answer| answer.contains("no broker"))
    });
    broker.start_again();
    await_that("it is delivered", || stage.state("through") == "delivered");
    stage.submit(&stage.job("after"));
    await_that("the next is delivered, too", || stage.state("after") == "delivered");
    assert!(worker.process.try_wait().unwrap().is_none(), "the worker ended");
    assert_eq!(stage.delivered().len(), 2);
}

#[test]
fn a_job_that_always_crashes_is_dead_in_the_end() {
    let stage = Stage::new().with("TESSERA_RETRY_DELAYS", "1,1");
    let worker = stage.worker("spool-a", &["--slots", "1"]);
    stage.submit(&stage.slow_job("doomed"));
    for attempt in 1..=3 {
        await_that("it runs", || {
            worker.status()["jobs"][0]["attempt"] == attempt && worker.child().is_some()
        });
        signal(worker.child().unwrap(), "ABRT");
    }
    await_that("it is dead", || stage.dead().len() == 1);
    assert!(
        stage.dead()[0]["reason"].as_str().unwrap().contains("SIGABRT"),
        "{:?}",
        stage.dead()
    );
    await_that("the failure is on record", || stage.state("doomed") == "failed");
}

#[test]
fn a_destination_that_refuses_parks_the_job_until_it_is_mended() {
    let stage = Stage::new();
    // a file where a folder is wanted
    fs::write(stage.path("out"), "in the way").unwrap();
    let worker = stage.worker("spool-a", &["--slots", "1"]);
    stage.submit(&stage.job("parked"));
    await_that("it is parked", || worker.counter("tessera_jobs_total", "park") >= 1.0);
    fs::remove_file(stage.path("out")).unwrap();
    await_that("it is delivered", || stage.state("parked") == "delivered");
    std::thread::sleep(Duration::from_millis(100));
    assert!(stage.dead().is_empty());
}
