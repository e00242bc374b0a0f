//! What keys may do is found out before any work, and said so that somebody can mend it.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    case::{Case, KEY, OWNER, READER, STRANGER, WRITER, destination},
    proxy::{Proxy, Way},
    receiver::Receiver,
    services::s3_server,
    support::Run,
};

/// The result of one operation in what `check-storage --json` prints.
fn result<'a>(checkup: &'a Value, operation: &str) -> &'a str {
    let checks = checkup["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["operation"] == operation);
    check.unwrap_or_else(|| panic!("nothing about {operation}"))["result"]
        .as_str()
        .unwrap()
}

/// Runs `check-storage`, which must end with `code`; gives what it found and what it said.
#[track_caller]
fn examined(case: &Case, code: i32) -> (Value, Run) {
    let run = case.check_storage();
    assert_eq!(run.code, Some(code), "{run:#?}");
    let checkup: Value = serde_json::from_str(&run.stdout).expect("--json prints JSON");
    assert_eq!(checkup["usable"], json!(code == 0));
    (checkup, run)
}

#[test]
fn a_key_that_may_do_all_is_found_good_and_nothing_is_left() {
    let case = Case::new();
    let (checkup, _) = examined(&case, 0);
    for check in checkup["checks"].as_array().unwrap() {
        assert_eq!(check["result"], "allowed", "{check}");
    }
    assert_eq!(checkup["checks"].as_array().unwrap().len(), 8);
    assert_eq!(case.bucket.keys(), Vec::<String>::new());
    assert_eq!(case.bucket.unfinished(), Vec::<String>::new());
    case.done();
    assert_eq!(case.bucket.keys(), [KEY]);
}

#[test]
fn keys_that_may_do_less_are_told_what_they_lack() {
    for (keys, denied, allowed) in [
        (READER, "PutObject", None),
        (WRITER, "GetObject", Some("PutObject")),
        (STRANGER, "PutObject", None),
    ] {
        let mut case = Case::new();
        case.credentials(keys);
        let (checkup, run) = examined(&case, 4);
        assert_eq!(result(&checkup, denied), "denied", "{keys:?}: {checkup}");
        if let Some(allowed) = allowed {
            assert_eq!(result(&checkup, allowed), "allowed", "{keys:?}: {checkup}");
        }
        let smallest = checkup["policy"]["Statement"][0].clone();
        assert_eq!(
            smallest["Resource"],
            json!(format!("arn:aws:s3:::{}/prod/*", case.bucket.name))
        );
        assert!(!smallest["Action"].to_string().contains("List"), "{smallest}");
        run.failed_with(4, &[denied, "s3:"]);
        assert_eq!(case.bucket.unfinished(), Vec::<String>::new());

        // the job says the same, and nothing was rendered
        let run = case.run();
        run.failed_with(4, &[denied, "access denied", "smallest policy"]);
        assert!(!run.stderr.contains("composing"), "{}", run.stderr);
        assert!(!case.bucket.keys().iter().any(|key| key.contains("Rec-")));
    }
}

#[test]
fn wrong_secrets_keys_buckets_and_endpoints_are_told_apart() {
    let mut wrong_secret = Case::new();
    wrong_secret.credentials((OWNER.0, "not-it"));
    let mut unknown_key = Case::new();
    unknown_key.credentials(("NOBODY", "not-it"));
    let mut no_bucket = Case::new();
    no_bucket.job["destination"]["location"] = json!("nowhere-to-be-found");
    let mut others = Case::new();
    others.job["destination"] = destination(&Case::new().bucket.name, STRANGER);
    for (case, words) in [
        (wrong_secret, ["SignatureDoesNotMatch", "check key and secret"]),
        (unknown_key, ["InvalidAccessKeyId", "check key and secret"]),
        (no_bucket, ["no such bucket", "check its name"]),
        (others, ["access denied", "smallest policy"]),
    ] {
        case.check_storage().failed_with(4, &words);
        case.run().failed_with(4, &words);
    }
}

#[test]
fn an_endpoint_where_nobody_is_is_named() {
    let mut case = Case::new();
    case.job["destination"]["options"]["endpoint"] = json!("http://127.0.0.1:9");
    case.check_storage().failed_with(
        4,
        &["cannot be reached", "http://127.0.0.1:9", "check endpoint and network"],
    );
}

/// A service that says of every request that the bucket is elsewhere, as AWS does.
fn elsewhere() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            lines.find(String::is_empty);
            let body = "<?xml version=\"1.0\"?><Error><Code>PermanentRedirect</Code><Message>no</Message></Error>";
            let head = "HTTP/1.1 301 Moved Permanently\r\nx-amz-bucket-region: eu-west-1\r\nconnection: close\r\n";
            let _ = write!(&stream, "{head}content-length: {}\r\n\r\n{body}", body.len());
        }
    });
    port
}

#[test]
fn a_bucket_of_another_region_is_told_with_that_region() {
    let mut case = Case::new();
    case.job["destination"]["options"]["endpoint"] = json!(format!("http://127.0.0.1:{}", elsewhere()));
    case.check_storage().failed_with(4, &["region eu-west-1: set it"]);
    case.run().failed_with(4, &["region eu-west-1: set it"]);
}

#[test]
fn where_deleting_is_denied_one_probe_is_left_and_used_again() {
    let case = Case::new();
    case.bucket.set_policy(&json!([{
        "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::BUCKET/*",
    }]));
    for _ in 0..2 {
        let (checkup, _) = examined(&case, 0);
        assert_eq!(result(&checkup, "DeleteObject"), "denied");
    }
    assert_eq!(case.bucket.keys(), ["prod/.tessera-check"]);
    case.done();
    assert_eq!(case.bucket.keys(), ["prod/.tessera-check", KEY]);
    assert_eq!(case.bucket.unfinished(), Vec::<String>::new());
}

/// What check-storage calls the smallest policy, given to the stranger.
fn smallest_policy_for(prefix: &str) -> Value {
    json!([{
        "Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam:::user/stranger"]},
        "Action": ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload", "s3:DeleteObject"],
        "Resource": format!("arn:aws:s3:::BUCKET/{prefix}/*"),
    }])
}

#[test]
fn the_smallest_policy_is_enough_below_its_prefix_and_only_there() {
    let mut case = Case::new();
    case.credentials(STRANGER);
    case.bucket.set_policy(&smallest_policy_for("prod"));
    let (checkup, _) = examined(&case, 0);
    assert_eq!(
        checkup["policy"]["Statement"][0]["Action"],
        smallest_policy_for("prod")[0]["Action"],
        "the policy that is advised is the one that was tried"
    );
    assert_eq!(case.done()["made"], "rendered");
    assert_eq!(case.bucket.keys(), [KEY]);
    // again, with nothing to find out about the object by listing
    assert_eq!(case.done()["made"], "nothing");
    case.bucket.delete(KEY);
    assert_eq!(case.done()["made"], "rendered");
    assert_eq!(case.bucket.keys(), [KEY]);

    case.job["destination"]["prefix"] = json!("elsewhere");
    let (checkup, _) = examined(&case, 4);
    assert_eq!(result(&checkup, "PutObject"), "denied");
    assert_eq!(
        checkup["policy"]["Statement"][0]["Resource"],
        json!(format!("arn:aws:s3:::{}/elsewhere/*", case.bucket.name))
    );
}

#[test]
fn a_wrong_key_fails_before_any_dump_is_read() {
    let proxy = Proxy::before(s3_server().port);
    let (mut case, dumps) = Case::from_bucket(Some(&proxy));
    let receiver = Receiver::accepting();
    case.job["webhooks"] = json!([{"url": receiver.url(), "secret": crate::receiver::SECRET}]);
    case.credentials((OWNER.0, "not-it"));
    let manifest = dumps.get("standup/session.json").len() as u64;
    let started = Instant::now();
    case.run().failed_with(4, &["SignatureDoesNotMatch"]);
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    let read = proxy.bytes(Way::Down);
    assert!(
        read < manifest + 4096,
        "{read} bytes were read, and the manifest has {manifest}"
    );
    assert_eq!(case.left_in_spool(), Vec::<String>::new());
    let received = receiver.received();
    assert_eq!(received.len(), 1);
    let body = received[0].verified();
    assert_eq!(body["type"], "recording.failed");
    assert_eq!(body["data"]["error_type"], "CLOUD_ACCESS_ERROR");
    assert_eq!(
        body["data"]["error"],
        "Error accessing cloud bucket. Please make sure upload config is correct"
    );
    assert_eq!(body["data"]["room_id"], "room-standup");
}
