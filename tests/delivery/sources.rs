//! Where sessions come from: buckets and folders, within bounds.

use serde_json::{Value, json};

use crate::{
    bucket::TestBucket,
    case::{Case, KEY, READER, STRANGER, upload_session},
    proxy::{Proxy, Way},
    receiver::{Receiver, SECRET},
    services::s3_server,
};

/// Changes the manifest that lies in the bucket.
fn edit(dumps: &TestBucket, change: impl FnOnce(&mut Value)) {
    let mut manifest = serde_json::from_slice(&dumps.get("standup/session.json")).unwrap();
    change(&mut manifest);
    dumps.put("standup/session.json", manifest.to_string().into_bytes());
}

/// What the report says of the dumps that were not simply used.
fn warnings(case: &Case) -> String {
    let report = case.stored("jobs/job-1/report.json");
    let dumps = report["dumps"].as_array().unwrap();
    let bad: Vec<String> = dumps
        .iter()
        .filter(|dump| dump["verdict"] == "quarantined")
        .map(|dump| format!("{} {}", dump["uri"], dump["remarks"]))
        .collect();
    bad.join("\n")
}

#[test]
fn a_session_of_a_bucket_gives_the_recording_of_the_same_session_of_a_folder() {
    let (mut case, dumps) = Case::from_bucket(None);
    let from_bucket = case.done()["recording"]["sha256"].clone();
    assert_eq!(Case::new().done()["recording"]["sha256"], from_bucket);
    assert_eq!(case.left_in_spool(), Vec::<String>::new());
    // the folder of the manifest will do, and so will a key that may only read
    case.job["session"] = json!(format!("s3://{}/standup/", dumps.name));
    case.job["job_id"] = json!("job-2");
    case.set("TESSERA_SOURCE_KEY", READER.0);
    case.set("TESSERA_SOURCE_SECRET", READER.1);
    assert_eq!(case.done()["made"], "nothing");
    assert_eq!(case.bucket.keys(), [KEY]);
}

#[test]
fn a_dump_that_is_missing_is_left_out() {
    let (case, dumps) = Case::from_bucket(None);
    dumps.delete("standup/tracks/asha-camera.webm");
    let done = case.done();
    let told = done["recording"]["warnings"].to_string();
    assert!(told.contains("asha-camera.webm") && told.contains("missing"), "{told}");
    assert!(warnings(&case).contains("asha-camera.webm"));
}

#[test]
fn a_manifest_names_only_what_lies_beside_it() {
    let (mut case, dumps) = Case::from_bucket(None);
    let other = TestBucket::new();
    upload_session(&other, "standup");
    let elsewhere = format!("s3://{}/standup/tracks/chen-camera.webm", other.name);
    dumps.put("secret.webm", b"not for this session".to_vec());
    edit(&dumps, |manifest| {
        manifest["tracks"][0]["dumps"][0]["uri"] = json!("../secret.webm");
        manifest["tracks"][2]["dumps"][0]["uri"] = json!("file:///etc/passwd");
        manifest["tracks"][5]["dumps"][0]["uri"] = json!(elsewhere);
        manifest["tracks"][1]["dumps"][0]["uri"] = json!("https://example.com/x.mka?token=SEKRET");
    });
    case.done();
    let told = warnings(&case);
    for word in [
        "../secret.webm",
        "file:///etc/passwd",
        elsewhere.as_str(),
        "https://example.com/x.mka",
    ] {
        assert!(told.contains(word), "{word} was read: {told}");
    }
    assert!(
        told.contains("TESSERA_SOURCE_ALLOWED") && !told.contains("SEKRET"),
        "{told}"
    );

    // allowed by name, it is read, and nothing above it
    case.set("TESSERA_SOURCE_ALLOWED", &format!("s3://{}/standup", other.name));
    case.job["reprocess"] = json!("replace");
    case.job["outputs"][0]["crf"] = json!(30);
    case.done();
    let told = warnings(&case);
    assert!(!told.contains(&elsewhere) && told.contains("../secret.webm"), "{told}");
}

#[test]
fn a_dump_that_is_not_what_the_manifest_promised_is_left_out() {
    let (case, dumps) = Case::from_bucket(None);
    edit(&dumps, |manifest| {
        manifest["tracks"][0]["dumps"][0]["sha256"] = json!("0".repeat(64));
    });
    case.done();
    let told = warnings(&case);
    assert!(
        told.contains("asha-camera.webm") && told.to_lowercase().contains("sha"),
        "{told}"
    );
}

#[test]
fn what_will_not_fit_into_the_spool_is_told_before_it_is_pulled() {
    let proxy = Proxy::before(s3_server().port);
    let (mut case, dumps) = Case::from_bucket(Some(&proxy));
    let receiver = Receiver::accepting();
    case.job["webhooks"] = json!([{"url": receiver.url(), "secret": SECRET}]);
    let manifest = dumps.get("standup/session.json").len() as u64;
    case.set("TESSERA_SPOOL_LIMIT", "32M");
    case.run().failed_with(1, &["spool", "TESSERA_SPOOL_LIMIT"]);
    // the manifest and eleven heads came
    let read = proxy.bytes(Way::Down);
    assert!(read < manifest + 20_000, "{read} bytes were read");
    assert_eq!(receiver.received()[0].verified()["data"]["error_type"], "MEMORY_ERROR");
    assert_eq!(receiver.received()[0].verified()["data"]["error"], "INTERNAL_ERROR");
    case.set("TESSERA_SPOOL_LIMIT", "40M");
    case.done();
}

#[test]
fn sources_that_cannot_be_read_are_told_apart() {
    let (mut case, dumps) = Case::from_bucket(None);
    case.job["session"] = json!(format!("s3://{}/nowhere/session.json", dumps.name));
    case.run().failed_with(2, &["nowhere/session.json", "no such object"]);
    case.job["session"] = json!(format!("s3://{}/standup", dumps.name));
    case.set("TESSERA_SOURCE_KEY", STRANGER.0);
    case.set("TESSERA_SOURCE_SECRET", STRANGER.1);
    case.run().failed_with(1, &["source", "access denied"]);
    // nothing usable is the dumps' fault
    let (case, dumps) = Case::from_bucket(None);
    for key in dumps.keys().iter().filter(|key| key.contains("tracks/")) {
        dumps.put(key, b"rubbish".to_vec());
    }
    case.run().failed_with(3, &["no input streams available"]);
}
