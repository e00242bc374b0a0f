//! `tessera run` killed without warning at any moment, and run again: in the end there is one of everything.
//!
//! A few kills by default; `make kill-test` does more and prints a table.

use std::{
    collections::BTreeSet,
    env, thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    case::{Case, outcome},
    parts::noise,
    proxy::{Proxy, Weather},
    receiver::Receiver,
    services::s3_server,
    support::{Run, names_in},
};

/// What became of one job.
struct Row {
    killed_after: Option<Duration>,
    /// What the killed process had said last.
    last_words: String,
    made: String,
    key: String,
    webhooks: usize,
}

#[test]
fn killed_at_any_moment_a_job_ends_with_one_of_everything() {
    let kills: u32 = env::var("TESSERA_TEST_KILLS").map_or(6, |text| text.parse().expect("a number of kills"));
    let receiver = Receiver::accepting();
    let proxy = Proxy::before(s3_server().port);
    // parts take a while, so that kills fall among them too
    proxy.set(Weather::Slow(8 << 20));
    let mut case = large_case(&receiver, &proxy);
    let started = Instant::now();
    number(&mut case, 0);
    case.done();
    let whole = started.elapsed();
    let reference = only_object(&case, 0);

    let rows: Vec<Row> = (1..=kills)
        .map(|job| {
            number(&mut case, job);
            let share = (f64::from(job - 1) + fastrand::f64()) / f64::from(kills);
            killed_and_run_again(&case, whole.mul_f64(share))
        })
        .collect();

    print_table(&rows, whole);
    assert_eq!(
        case.bucket.unfinished(),
        Vec::<String>::new(),
        "multipart uploads are left"
    );
    assert_eq!(case.bucket.keys().len(), rows.len() + 1, "{:#?}", case.bucket.keys());
    for (job, row) in (1..).zip(&rows) {
        assert_eq!(only_object(&case, job), reference, "job {job} made other bytes");
        let events = events_of(&receiver, &row.key);
        assert!(!events.is_empty(), "nobody heard of job {job}");
        let ids: BTreeSet<&String> = events.iter().map(|(_, id)| id).collect();
        assert_eq!((ids.len(), events[0].0.as_str()), (1, "recording.success"), "job {job}");
    }
    assert!(
        rows.iter().any(|row| row.killed_after.is_some()),
        "no kill met a running process"
    );
    assert_eq!(names_in(&case.spool().join("jobs")), Vec::<String>::new());
}

/// A recording of several parts from a bucket into a bucket.
fn large_case(receiver: &Receiver, proxy: &Proxy) -> Case {
    let (mut case, dumps) = Case::from_bucket(Some(proxy));
    let session = noise(case.folder.path());
    for name in names_in(&session) {
        dumps.put(&format!("noise/{name}"), std::fs::read(session.join(&name)).unwrap());
    }
    case.job["session"] = json!(format!("s3://{}/noise", dumps.name));
    case.job["outputs"] = json!([{"type": "room-composite", "resolution": "640x360", "preset": "ultrafast", "crf": 0}]);
    case.job["webhooks"] = json!([{"url": receiver.url(), "secret": crate::receiver::SECRET}]);
    case.deliver_through(proxy);
    case
}

/// Makes it another job with a prefix of its own.
fn number(case: &mut Case, job: u32) {
    case.job["job_id"] = json!(format!("job-{job}"));
    case.job["destination"]["prefix"] = json!(format!("job-{job}"));
}

fn killed_and_run_again(case: &Case, moment: Duration) -> Row {
    let mut child = case.begin();
    let started = Instant::now();
    while started.elapsed() < moment && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(2));
    }
    let met = child.try_wait().unwrap().is_none();
    // SIGKILL: nothing of the process runs after it
    child.kill().unwrap();
    let killed = Run::of(child.wait_with_output().unwrap());
    let killed_after = (met && killed.code.is_none()).then(|| started.elapsed());
    let done = outcome(&case.run());
    let key = done["recording"]["key"].as_str().unwrap().to_owned();
    Row {
        killed_after,
        last_words: killed.stderr.lines().last().unwrap_or("nothing yet").to_owned(),
        made: done["made"].as_str().unwrap().to_owned(),
        webhooks: done["webhooks_waiting"].as_array().map_or(0, Vec::len),
        key,
    }
}

/// SHA-256 of the one object below the job's prefix.
fn only_object(case: &Case, job: u32) -> String {
    let keys = case.bucket.keys();
    let prefix = format!("job-{job}/");
    let own: Vec<&String> = keys.iter().filter(|key| key.starts_with(&prefix)).collect();
    assert_eq!(own.len(), 1, "job {job} left {own:?}");
    let digest = Sha256::digest(case.bucket.get(own[0]));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The (type, id) of webhooks about the recording with that key.
fn events_of(receiver: &Receiver, key: &str) -> Vec<(String, String)> {
    let about = |body: &Value| {
        body["data"]["recording_path"]
            .as_str()
            .is_some_and(|path| path.ends_with(key))
    };
    let received = receiver.received();
    let bodies = received.iter().map(crate::receiver::Received::verified).filter(about);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    bodies.map(|body| (text(&body["type"]), text(&body["id"]))).collect()
}

fn print_table(rows: &[Row], whole: Duration) {
    println!("a job takes {} ms undisturbed\n", whole.as_millis());
    println!("job  killed after  then made  waiting  last words");
    for (job, row) in (1..).zip(rows) {
        let after = row
            .killed_after
            .map_or("it ended".to_owned(), |after| format!("{} ms", after.as_millis()));
        let words: String = row.last_words.chars().take(90).collect();
        println!("{job:>3}  {after:>12}  {:<9}  {:>7}  {words}", row.made, row.webhooks);
    }
}
