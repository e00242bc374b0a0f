//! Ways of stopping a worker.

use serde_json::json;

use crate::stage::{Stage, await_that};

#[test]
fn what_runs_may_finish_and_no_more_is_taken() {
    let stage = Stage::new();
    let mut worker = stage.worker("spool-a", &["--slots", "1", "--grace", "170"]);
    stage.submit(&stage.slow_job("running"));
    await_that("it runs", || worker.percent() > 0);
    stage.submit(&stage.job("waiting"));
    worker.signal("TERM");
    assert_eq!(worker.wait(), Some(0));
    assert_eq!(stage.state("running"), "delivered", "{}", worker.log());
    assert_eq!(stage.state("waiting"), "unknown");
}

#[test]
fn what_does_not_finish_in_time_is_handed_back_and_taken_up() {
    let stage = Stage::new();
    let mut worker = stage.worker("spool-a", &["--slots", "1", "--grace", "1"]);
    let mut job = stage.slow_job("long");
    // so large that it cannot be done within the second of grace
    job["outputs"][0]["resolution"] = json!("1280x720");
    stage.submit(&job);
    await_that("it is under way", || worker.percent() >= 10);
    worker.signal("TERM");
    assert_eq!(worker.wait(), Some(0));
    assert_eq!(stage.state("long"), "unknown", "{}", worker.log());
    let second = stage.worker("spool-a", &["--slots", "1"]);
    await_that("it is delivered", || stage.state("long") == "delivered");
    assert!(
        stage.report("long")["resumed_chunks"].as_u64().unwrap() > 0,
        "{}",
        second.log()
    );
    assert_eq!(
        second.counter("tessera_jobs_total", "retry"),
        0.0,
        "being stopped cost an attempt"
    );
}

#[test]
fn a_third_signal_ends_at_once() {
    let stage = Stage::new();
    let mut worker = stage.worker("spool-a", &["--slots", "1", "--grace", "170"]);
    stage.submit(&stage.slow_job("cut"));
    await_that("it is under way", || worker.percent() >= 10);
    let child = worker.child().unwrap();
    for step in ["Stopping", "HandingBack", "Killing"] {
        worker.signal("TERM");
        await_that("the signal has arrived", || {
            worker.log().contains(step) || worker.process.try_wait().unwrap().is_some()
        });
    }
    assert_eq!(worker.wait(), Some(0));
    assert!(
        !std::path::Path::new(&format!("/proc/{child}")).exists(),
        "the job's process is left"
    );
    let _second = stage.worker("spool-b", &["--slots", "1"]);
    await_that("another worker does it", || stage.state("cut") == "delivered");
}
