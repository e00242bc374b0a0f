//! A destination that refuses a finished recording costs no second rendering.

use serde_json::{Value, json};

use crate::{
    bucket::TestBucket,
    case::{Case, KEY, OWNER, destination, outcome},
    receiver::Receiver,
};

fn deny_recordings() -> Value {
    // probe objects pass, so that the refusal comes after the preflight
    json!([{
        "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::BUCKET/*Rec-*",
    }])
}

fn types(receiver: &Receiver) -> Vec<String> {
    receiver.events().into_iter().map(|(kind, _)| kind).collect()
}

#[test]
fn what_is_refused_waits_and_is_delivered_later_without_rendering() {
    let receiver = Receiver::accepting();
    let case = Case::telling(&receiver);
    case.bucket.set_policy(&deny_recordings());
    let run = case.run();
    run.failed_with(4, &["waits in the store", "tessera deliver job-1", "access denied"]);
    assert!(run.stderr.contains("composing"), "{}", run.stderr);
    assert_eq!(case.record()["state"], "parked");
    assert_eq!(case.bucket.keys(), Vec::<String>::new());
    assert_eq!(case.left_in_spool(), Vec::<String>::new());
    assert_eq!(types(&receiver), ["recording.failed"]);

    // refused again: nothing is lost, and nobody is told twice
    case.deliver(&[]).failed_with(4, &["waits in the store"]);
    assert_eq!(types(&receiver), ["recording.failed"]);

    case.bucket.remove_policy();
    let run = case.deliver(&[]);
    assert_eq!(outcome(&run)["made"], "delivered");
    assert!(!run.stderr.contains("composing"), "{}", run.stderr);
    assert_eq!(case.bucket.keys(), [KEY]);
    assert_eq!(types(&receiver), ["recording.failed", "recording.success"]);
    assert!(
        !case
            .store()
            .join("parked/job-1")
            .read_dir()
            .is_ok_and(|mut it| it.next().is_some())
    );
    assert_eq!(case.done()["made"], "nothing");
    assert_eq!(types(&receiver).len(), 2);
}

#[test]
fn a_bucket_that_is_full_parks_the_recording() {
    let receiver = Receiver::accepting();
    let case = Case::telling(&receiver);
    case.bucket.set_quota("20000");
    case.run().failed_with(4, &["QuotaExceeded", "raise its quota"]);
    assert_eq!(
        receiver.received()[0].verified()["data"]["error_type"],
        "CLOUD_ACCESS_ERROR"
    );
    case.bucket.set_quota("-1");
    // the same job again is the next retry
    assert_eq!(case.done()["made"], "delivered");
    assert_eq!(types(&receiver), ["recording.failed", "recording.success"]);
}

#[test]
fn another_destination_may_take_what_the_first_one_refused() {
    let receiver = Receiver::accepting();
    let case = Case::telling(&receiver);
    case.bucket.set_policy(&deny_recordings());
    case.run().failed_with(4, &["waits in the store"]);
    let other = TestBucket::new();
    let file = case.file("other.json", &destination(&other.name, OWNER));
    let run = case.deliver(&["--destination", &file]);
    assert_eq!(outcome(&run)["made"], "delivered");
    assert_eq!(other.keys(), [KEY]);
    let place = format!("s3://{}/{KEY}", other.name);
    assert_eq!(
        receiver.received()[1].verified()["data"]["recording_path"],
        json!(place)
    );
    assert_eq!(case.record()["recording"]["uri"], json!(place));
}

#[test]
fn deliver_knows_only_jobs_that_were_run() {
    let case = Case::new();
    case.deliver(&[]).failed_with(2, &["no job 'job-1'"]);
}
