//! Messages that are no jobs, between good ones.

use lapin::{
    BasicProperties, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};

use crate::stage::{Stage, await_that};

/// A hundred ways of being no job.
fn poison() -> Vec<Vec<u8>> {
    let mut messages: Vec<Vec<u8>> = Vec::new();
    let good = br#"{"version":1,"job_id":"x","session":"/a","destination":{"type":"file","location":"/b"}}"#;
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    messages.extend((0..40).map(|length| (0..length * 7).map(|_| random()).collect()));
    messages.extend((1..40).map(|cut| good[..cut * 2].to_vec()));
    messages.extend((2..20).map(|version| {
        String::from_utf8_lossy(good)
            .replace("\"version\":1", &format!("\"version\":{version}"))
            .into_bytes()
    }));
    messages.push("[".repeat(10 << 20).into_bytes());
    messages.push(format!("{}1{}", "{\"a\":".repeat(1 << 20), "}".repeat(1 << 20)).into_bytes());
    messages.push(
        br#"{"version":1,"job_id":"../../etc","session":"/a","destination":{"type":"file","location":"/b"}}"#.to_vec(),
    );
    assert_eq!(messages.len(), 100);
    messages
}

#[test]
fn poison_is_dead_lettered_with_a_reason_and_good_jobs_pass_by() {
    let stage = Stage::new();
    let worker = stage.worker("spool-a", &["--slots", "2"]);
    let poison = poison();
    for (index, chunk) in poison.chunks(20).enumerate() {
        publish(&stage, chunk);
        stage.submit(&stage.job(&format!("good-{index}")));
    }
    await_that("all good jobs are delivered", || {
        (0..5).all(|index| stage.state(&format!("good-{index}")) == "delivered")
    });
    await_that("all poison is dead", || {
        worker.counter("tessera_jobs_total", "dead_letter") >= 100.0
    });
    let dead = stage.dead();
    for job in &dead {
        assert!(!job["reason"].as_str().unwrap_or_default().is_empty(), "{job}");
        assert_eq!(job["attempts"], 0, "{job}");
    }
    // a broker that is slow to confirm gets a message twice: none may be missing
    let mut sizes: Vec<usize> = dead
        .iter()
        .filter_map(|job| usize::try_from(job["bytes"].as_u64()?).ok())
        .collect();
    for message in &poison {
        let found = sizes.iter().position(|size| *size == message.len());
        sizes.remove(found.expect("every message is there"));
    }
    assert_eq!(stage.delivered().len(), 5);
}

#[test]
fn dead_jobs_are_shown_and_put_back() {
    let stage = Stage::new();
    let mut job = stage.job("lost");
    job["session"] = serde_json::json!(stage.path("later").to_str());
    let _worker = stage.worker("spool-a", &[]);
    stage.submit(&job);
    await_that("it is dead", || stage.dead().len() == 1);
    let shown = stage.tessera(&["dead", "show", "lost"]);
    assert!(shown.stdout.contains("cannot be read"), "{}", shown.stdout);
    assert_eq!(stage.tessera(&["dead", "show", "other"]).code, Some(2));

    std::os::unix::fs::symlink(crate::support::sample(), stage.path("later")).unwrap();
    assert_eq!(stage.tessera(&["dead", "requeue", "lost"]).code, Some(0));
    await_that("it is delivered", || stage.state("lost") == "delivered");
    assert!(stage.dead().is_empty());
}

fn publish(stage: &Stage, messages: &[Vec<u8>]) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let connection = Connection::connect(&stage.amqp_url(), ConnectionProperties::default())
            .await
            .unwrap();
        let channel = connection.create_channel().await.unwrap();
        // without confirmations a message may be lost on its way into the queue
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        for message in messages {
            let queue = stage.queue("jobs").as_str().into();
            let sent = channel.basic_publish(
                "".into(),
                queue,
                BasicPublishOptions::default(),
                message,
                BasicProperties::default(),
            );
            sent.await.unwrap().await.unwrap();
        }
        connection.close(200, "done".into()).await.unwrap();
    });
}
