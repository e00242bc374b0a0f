//! Webhooks arrive, however their receivers behave, and go nowhere that they should not.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    case::{Case, KEY, outcome},
    receiver::{Manner, Receiver, SECRET},
    support::Run,
};

fn refusing(status: u16) -> Receiver {
    Receiver::new(&[Manner::Status(status, Vec::new())])
}

/// What `webhook list` prints, with these options.
fn listed(case: &Case, options: &[&str]) -> Vec<Value> {
    let run = case.tessera(&[&["webhook", "list", "--json"], options].concat());
    assert_eq!(run.code, Some(0), "{run:#?}");
    serde_json::from_str(&run.stdout).unwrap()
}

/// The one webhook of a case, with what came of it.
fn only(case: &Case) -> Value {
    let all = listed(case, &["--all"]);
    assert_eq!(all.len(), 1, "{all:#?}");
    all[0].clone()
}

fn replay(case: &Case) -> Run {
    let id = only(case)["id"].as_str().unwrap().to_owned();
    let run = case.tessera(&["webhook", "replay", &id]);
    assert_eq!(run.code, Some(0), "{run:#?}");
    run
}

#[test]
fn success_says_what_the_contract_promises_and_is_signed() {
    let receiver = Receiver::accepting();
    let mut case = Case::telling(&receiver);
    case.job["webhooks"][0]["headers"] = json!({"X-Secret": "abc", "webhook-id": "forged", "Content-Type": "text/css"});
    let done = case.done();
    assert_eq!(done["webhooks_waiting"], json!([]));
    let received = receiver.received();
    assert_eq!(received.len(), 1);
    let body = received[0].verified();
    assert_eq!(received[0].path, "/hook");
    assert_eq!(received[0].header("x-secret"), Some("abc"));
    assert_eq!(received[0].header("content-type"), Some("application/json"));
    assert_eq!(
        (&body["version"], &body["type"]),
        (&json!("1.0"), &json!("recording.success"))
    );
    assert_eq!(
        (&body["account_id"], &body["app_id"]),
        (&json!("acc-sample"), &json!("app-sample"))
    );
    let data = &body["data"];
    assert_eq!(
        data["recording_path"],
        json!(format!("s3://{}/{KEY}", case.bucket.name))
    );
    assert_eq!(
        (&data["location"], &data["URL"]),
        (&data["recording_path"], &data["recording_presigned_url"])
    );
    assert_eq!(data["size"], json!(case.bucket.get(KEY).len()));
    assert_eq!((&data["duration"], &data["room_name"]), (&json!(25), &json!("standup")));
    assert_eq!(
        (&data["session_id"], &data["template_id"]),
        (&json!("ses-standup"), &json!("tpl-sample"))
    );
    assert!(data["session_started_at"].is_string() && data["session_stopped_at"].is_string());
    assert!(
        data["warnings"].is_array() && data["sync"]["worst_offset_ms"].is_number(),
        "{data}"
    );
    // the link works for whoever has it
    let link = data["recording_presigned_url"].as_str().unwrap();
    assert_eq!(fetched(link), case.bucket.get(KEY));
}

/// What curl gets, which knows nothing of S3.
pub fn fetched(link: &str) -> Vec<u8> {
    let output = std::process::Command::new("curl").args(["-sf", link]).output();
    let output = output.expect("curl is installed");
    assert!(output.status.success(), "curl could not fetch {link}");
    output.stdout
}

#[test]
fn refusals_are_tried_again_under_the_same_id() {
    let receiver = refusing(500);
    let case = Case::telling(&receiver);
    let done = case.done();
    let waiting = done["webhooks_waiting"].as_array().unwrap();
    assert_eq!((waiting.len(), &only(&case)["state"]), (1, &json!("pending")));
    assert!(only(&case)["last"].as_str().unwrap().contains("500"));
    // too early: nothing is sent
    case.tessera(&["webhook", "send"]);
    assert_eq!(receiver.received().len(), 1);

    receiver.set(Manner::Accept);
    assert_eq!(case.done()["made"], "nothing");
    assert!(replay(&case).stdout.contains("delivered"));
    let events = receiver.events();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0], events[1]);
    assert_eq!(waiting[0], json!(events[0].1));
    assert_eq!(listed(&case, &[]), Vec::<Value>::new());
    // asked for by hand it is sent even if it was delivered, and stays the same webhook
    replay(&case);
    assert_eq!(receiver.events()[2], events[0]);
}

#[test]
fn a_command_stays_for_a_receiver_that_recovers() {
    let receiver = Receiver::new(&[Manner::Status(503, Vec::new()), Manner::CloseEarly, Manner::Accept]);
    let case = Case::telling(&receiver);
    let job = case.file("job.json", &case.job);
    let run = case.tessera(&["run", &job, "--json", "--webhook-wait", "60"]);
    assert_eq!(outcome(&run)["webhooks_waiting"], json!([]), "{}", run.stderr);
    let events = receiver.events();
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| *event == events[0]));
}

#[test]
fn a_receiver_may_ask_for_time() {
    let receiver = Receiver::new(&[Manner::Status(429, vec![("Retry-After", "3600".into())])]);
    let case = Case::telling(&receiver);
    case.done();
    let entry = only(&case);
    let time = |name: &str| entry[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let wait = time("next_at").duration_since(time("created_at")).as_secs();
    assert!((3600..3700).contains(&wait), "{wait}: {entry}");
}

#[test]
fn a_receiver_that_hangs_is_given_up_for_now() {
    let receiver = Receiver::new(&[Manner::Hang]);
    let case = Case::telling(&receiver);
    let started = Instant::now();
    case.done();
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    assert!(only(&case)["last"].as_str().unwrap().contains("no answer in time"));
}

#[test]
fn slow_receivers_are_waited_for_and_early_ends_tried_again() {
    let (slow, early) = (
        Receiver::new(&[Manner::Slow(Duration::from_secs(3))]),
        Receiver::new(&[Manner::CloseEarly]),
    );
    let mut case = Case::telling(&slow);
    case.job["webhooks"] = json!([{"url": slow.url(), "secret": SECRET}, {"url": early.url(), "secret": SECRET}]);
    let waiting = case.done()["webhooks_waiting"].clone();
    assert_eq!(waiting.as_array().unwrap().len(), 1);
    let state = |index: i64| {
        let all = listed(&case, &["--all"]);
        let entry = all.iter().find(|entry| entry["webhook"] == json!(index));
        entry.unwrap()["state"].clone()
    };
    assert_eq!((state(0), state(1)), (json!("delivered"), json!("pending")));
    // receivers of one job have webhooks of their own
    assert_ne!(slow.events()[0].1, early.events()[0].1);
}

#[test]
fn redirects_are_not_followed() {
    let target = Receiver::accepting();
    for status in [301, 302, 307, 308] {
        let receiver = Receiver::new(&[Manner::Status(status, vec![("Location", target.url())])]);
        let case = Case::telling(&receiver);
        case.done();
        assert!(
            only(&case)["last"]
                .as_str()
                .unwrap()
                .contains("redirects are not followed")
        );
    }
    assert_eq!(target.received().len(), 0);
}

#[test]
fn a_long_answer_is_not_read() {
    let receiver = Receiver::new(&[Manner::Talk(10 << 20)]);
    let case = Case::telling(&receiver);
    case.done();
    assert_eq!(only(&case)["state"], "delivered");
    // what the system's buffers swallow is not read by anybody
    assert!(receiver.talked() < 8 << 20, "{} bytes were taken", receiver.talked());
}

#[test]
fn gone_means_never_again_except_by_hand() {
    let receiver = refusing(410);
    let case = Case::telling(&receiver);
    assert_eq!(case.done()["webhooks_waiting"], json!([]));
    assert_eq!(only(&case)["state"], "stopped");
    case.done();
    case.tessera(&["webhook", "send"]);
    assert_eq!(receiver.received().len(), 1);
    receiver.set(Manner::Accept);
    replay(&case);
    assert_eq!(only(&case)["state"], "delivered");
}

#[test]
fn addresses_that_are_not_public_are_refused() {
    let receiver = Receiver::accepting();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "2130706433",
        "127.1",
        "0x7f.1",
    ] {
        let mut case = Case::new();
        case.job["webhooks"] = json!([{"url": format!("http://{host}:{}/hook", receiver.port), "secret": SECRET}]);
        case.set("TESSERA_ALLOW_PRIVATE_WEBHOOKS", "0");
        case.done();
        let entry = only(&case);
        let last = entry["last"].as_str().unwrap();
        assert!(last.contains("not an address of the public Internet"), "{host}: {last}");
    }
    assert_eq!(receiver.received().len(), 0);
    // allowed, the name leads there
    let mut case = Case::new();
    case.job["webhooks"] = json!([{"url": format!("http://localhost:{}/hook", receiver.port), "secret": SECRET}]);
    case.done();
    assert_eq!(receiver.events().len(), 1);
}

#[test]
fn due_webhooks_are_sent_and_unknown_ones_told() {
    let receiver = refusing(500);
    let case = Case::telling(&receiver);
    case.done();
    // as if its time had come
    let mut entry = only(&case);
    entry["next_at"] = json!("2026-01-01T00:00:00Z");
    let path = case
        .store()
        .join(format!("outbox/pending/{}.json", entry["id"].as_str().unwrap()));
    std::fs::write(path, entry.to_string()).unwrap();
    receiver.set(Manner::Accept);
    let run = case.tessera(&["webhook", "send"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "1 delivered, 0 not\n"));
    case.tessera(&["webhook", "replay", "msg_x"])
        .failed_with(2, &["no webhook 'msg_x'"]);
    case.tessera(&["webhook", "replay", "../../jobs/job-1/job"])
        .failed_with(2, &["no webhook"]);
}
