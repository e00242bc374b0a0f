//! Short jobs and long ones, and what an idle worker costs.

use std::{fs, thread, time::Duration};

use serde_json::json;

use crate::{
    stage::{Stage, await_that},
    support::text,
};

#[test]
fn a_short_job_does_not_wait_for_a_long_one() {
    let stage = Stage::new();
    let worker = stage.worker("spool-a", &["--slots", "2"]);
    let mut long = stage.job("long");
    long["session"] = json!(text(&stage.long_session("2026-11-21T10:00:00Z")));
    long["outputs"][0]["constant_frame_rate"] = json!(true);
    long["outputs"][0]["fps"] = json!(30);
    stage.submit(&long);
    await_that("the long job runs", || worker.status()["jobs"][0]["lane"] == "long");
    // another long one must not take the second slot
    long["job_id"] = json!("long-2");
    stage.submit(&long);
    thread::sleep(Duration::from_secs(1));
    stage.submit(&stage.job("short"));
    await_that("the short job is delivered", || stage.state("short") == "delivered");
    await_that("the short job's slot is free", || {
        let jobs = worker.status()["jobs"].clone();
        jobs.as_array().map(Vec::len) == Some(1) && jobs[0]["job_id"] == "long"
    });
    assert_eq!(stage.state("long-2"), "unknown");
    let shown = stage.tessera(&["status", "--listen", &worker.address.to_string()]);
    assert!(
        shown.stdout.contains("long lane") && shown.stdout.contains("1 of 2 slots"),
        "{}",
        shown.stdout
    );
}

#[test]
fn a_job_that_cannot_fit_says_so() {
    let stage = Stage::new()
        .with("TESSERA_WORKER_MEMORY", "300M")
        .with("TESSERA_RETRY_DELAYS", "1");
    let _worker = stage.worker("spool-a", &[]);
    let mut job = stage.job("huge");
    job["outputs"][0]["resolution"] = json!("3840x2160");
    stage.submit(&job);
    await_that("it is dead", || stage.dead().len() == 1);
    let reason = stage.dead()[0]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("MiB of memory"), "{reason}");
    stage.submit(&stage.job("small"));
    await_that("a small one is done", || stage.state("small") == "delivered");
}

#[test]
fn an_idle_worker_is_small_and_quiet() {
    let stage = Stage::new();
    let worker = stage.worker("spool-a", &[]);
    let process = worker.process.id();
    let ticks = || {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        let fields: Vec<u64> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split(' ')
            .filter_map(|field| field.parse().ok())
            .collect();
        // the numbers after the state: utime and stime are the 11th and 12th
        fields[10] + fields[11]
    };
    thread::sleep(Duration::from_secs(2));
    let before = ticks();
    thread::sleep(Duration::from_secs(10));
    let used = ticks() - before;
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let resident: u64 = resident.trim().trim_end_matches(" kB").parse().unwrap();
    println!("idle worker: {resident} kB resident, {used} ticks of 10 ms in 10 s");
    assert!(resident < 60 << 10, "{resident} kB");
    assert!(used <= 10, "{used} ticks of 10 ms in 10 s");
}

#[test]
fn the_topology_is_printed_without_a_broker() {
    let stage = Stage::new();
    let run = stage.tessera(&[
        "worker",
        "--print-topology",
        "--json",
        "--amqp-url",
        "amqp://127.0.0.1:1",
    ]);
    let queues: Vec<serde_json::Value> = serde_json::from_str(&run.stdout).unwrap();
    assert!(
        queues
            .iter()
            .any(|queue| queue["name"].as_str().unwrap().ends_with(".jobs"))
    );
    assert!(
        queues
            .iter()
            .any(|queue| queue["name"].as_str().unwrap().ends_with(".dead"))
    );
}
