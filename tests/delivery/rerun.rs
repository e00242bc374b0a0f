//! Doing a job again does what is missing and nothing else.

use std::fs;

use serde_json::{Value, json};

use crate::{
    case::{Case, KEY, outcome},
    receiver::Receiver,
    support::{names_in, text},
    webhooks::fetched,
};

/// The etag and time of what lies at the usual key.
fn state_of(case: &Case) -> (String, i64) {
    let head = case.bucket.head(KEY);
    let time = head.last_modified().unwrap().as_nanos();
    (head.e_tag().unwrap().to_owned(), i64::try_from(time).unwrap())
}

#[test]
fn the_same_job_again_only_checks() {
    let receiver = Receiver::accepting();
    let case = Case::telling(&receiver);
    assert_eq!(case.done()["made"], "rendered");
    let before = state_of(&case);
    let run = case.run();
    assert_eq!(outcome(&run)["made"], "nothing");
    assert!(!run.stderr.contains("composing"), "{}", run.stderr);
    assert_eq!(state_of(&case), before);
    assert_eq!(receiver.events().len(), 1);
    assert_eq!(case.left_in_spool(), Vec::<String>::new());
}

#[test]
fn what_a_lost_store_knew_is_read_from_the_bucket() {
    let receiver = Receiver::accepting();
    let case = Case::telling(&receiver);
    case.done();
    let before = state_of(&case);
    fs::remove_dir_all(case.store()).unwrap();
    let run = case.run();
    assert_eq!(outcome(&run)["made"], "nothing");
    assert!(!run.stderr.contains("composing"), "{}", run.stderr);
    assert_eq!(state_of(&case), before);
    // nobody remembers that it was sent: it is sent again, under the same id
    let events = receiver.events();
    assert_eq!((events.len(), &events[0]), (2, &events[1]));
}

#[test]
fn what_was_deleted_is_made_again_and_not_announced_again() {
    let receiver = Receiver::accepting();
    let case = Case::telling(&receiver);
    case.done();
    let bytes = case.bucket.get(KEY);
    case.bucket.delete(KEY);
    assert_eq!(case.done()["made"], "rendered");
    assert!(case.bucket.get(KEY) == bytes, "it is not the same recording");
    assert_eq!(receiver.events().len(), 1);
}

#[test]
fn what_somebody_else_put_there_is_not_touched() {
    let case = Case::new();
    case.bucket.put(KEY, b"not ours".to_vec());
    case.run().failed_with(2, &[KEY, "another plan", "reprocess"]);
    assert_eq!(case.bucket.get(KEY), b"not ours");
}

#[test]
fn a_changed_job_makes_a_new_object_only_if_it_says_so() {
    let receiver = Receiver::accepting();
    let mut case = Case::telling(&receiver);
    case.done();
    let before = state_of(&case);
    case.job["outputs"][0]["resolution"] = json!("160x90");
    let run = case.run();
    run.failed_with(2, &["another plan", "\"replace\" or \"new-key\""]);
    assert!(!run.stderr.contains("composing"), "{}", run.stderr);
    assert_eq!(state_of(&case), before);
    assert_eq!(
        case.record()["state"],
        "delivered",
        "the recording that is there is still known"
    );

    case.job["reprocess"] = json!("new-key");
    let beside = case.done();
    assert_eq!(beside["made"], "rendered");
    let key = beside["recording"]["key"].as_str().unwrap();
    let plan = &beside["recording"]["plan_hash"].as_str().unwrap()[..8];
    assert_eq!(key, KEY.replace(".mp4", &format!("-{plan}.mp4")));
    assert_eq!(case.bucket.keys(), [key, KEY]);
    assert_eq!(state_of(&case), before);
    assert_eq!(case.done()["made"], "nothing");

    case.job["outputs"][0]["resolution"] = json!("200x100");
    case.job["reprocess"] = json!("replace");
    assert_eq!(case.done()["recording"]["key"], KEY);
    assert_eq!(case.bucket.keys(), [key, KEY]);
    assert_ne!(state_of(&case).0, before.0);
    let kinds: Vec<String> = receiver.events().into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(
        kinds,
        [
            "recording.success",
            "recording.failed",
            "recording.success",
            "recording.success"
        ]
    );
    let mut ids: Vec<String> = receiver.events().into_iter().map(|(_, id)| id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4, "each is news of its own");
}

#[test]
fn one_process_at_a_time_works_on_a_job() {
    let case = Case::new();
    let spool = case.spool().join("jobs/job-1");
    fs::create_dir_all(&spool).unwrap();
    let lock = fs::File::create(spool.join("lock")).unwrap();
    lock.lock().unwrap();
    case.run().failed_with(1, &["job-1", "another process"]);
    drop(lock);
    case.done();
}

#[test]
fn recordings_are_found_shown_and_linked_to() {
    let case = Case::new();
    case.done();
    let list = |options: &[&str]| -> Vec<Value> {
        let run = case.tessera(&[&["recordings", "list", "--json"], options].concat());
        assert_eq!(run.code, Some(0), "{run:#?}");
        serde_json::from_str(&run.stdout).unwrap()
    };
    for (options, found) in [
        (&[][..], 1),
        (&["--room", "room-standup"], 1),
        (&["--room", "another"], 0),
        (&["--session", "ses-standup", "--since", "2026-11-20"], 1),
        (&["--since", "2026-11-20T10:00:01Z"], 0),
        (&["--since", "2026-11-21"], 0),
    ] {
        assert_eq!(list(options).len(), found, "{options:?}");
    }
    let table = case.tessera(&["recordings", "list"]).stdout;
    assert!(
        table.contains("job-1") && table.contains("delivered") && table.contains(KEY),
        "{table}"
    );
    let shown: Value = serde_json::from_str(&case.tessera(&["recordings", "show", "job-1"]).stdout).unwrap();
    assert_eq!(shown["record"], case.record());
    assert_eq!(
        shown["report"]["assets"][0]["sha256"],
        shown["record"]["recording"]["sha256"]
    );
    assert_eq!(shown["report"]["job_id"], "job-1");
    let link = case.tessera(&["recordings", "url", "job-1", "--hours", "1"]).stdout;
    assert!(link.contains("X-Amz-Expires=3600"), "{link}");
    assert!(fetched(link.trim()) == case.bucket.get(KEY));
    case.tessera(&["recordings", "url", "job-2"])
        .failed_with(2, &["no job 'job-2'"]);
}

#[test]
fn a_failed_job_has_no_link() {
    let mut case = Case::new();
    case.credentials(("OWNERKEY", "not-it"));
    case.run().failed_with(4, &["SignatureDoesNotMatch"]);
    case.tessera(&["recordings", "url", "job-1"])
        .failed_with(2, &["no recording yet", "failed"]);
    let list = case.tessera(&["recordings", "list"]).stdout;
    assert!(list.contains("failed"), "{list}");
}

#[test]
fn templates_hold_what_all_rooms_share() {
    let receiver = Receiver::accepting();
    let mut case = Case::telling(&receiver);
    let template = json!({"destination": case.job["destination"], "webhooks": case.job["webhooks"]});
    let templates = case.folder.path().join("templates");
    fs::create_dir_all(&templates).unwrap();
    fs::write(templates.join("tpl_1.json"), template.to_string()).unwrap();
    case.job
        .as_object_mut()
        .unwrap()
        .retain(|name, _| name != "destination" && name != "webhooks");
    case.job["template"] = json!("tpl_1");
    case.run().failed_with(2, &["TESSERA_TEMPLATES"]);
    case.set("TESSERA_TEMPLATES", text(&templates));
    case.done();
    assert_eq!(case.bucket.keys(), [KEY]);
    assert_eq!(receiver.events().len(), 1);
    case.job["template"] = json!("tpl_2");
    case.run().failed_with(2, &["tpl_2.json"]);
}

#[test]
fn a_folder_is_a_destination_too() {
    let receiver = Receiver::accepting();
    let mut case = Case::telling(&receiver);
    let in_bucket = case.done()["recording"]["sha256"].clone();
    let out = case.folder.path().join("out");
    case.job["job_id"] = json!("job-2");
    case.job["destination"] = json!({"type": "file", "location": text(&out), "prefix": "prod"});
    assert_eq!(case.check_storage().code, Some(0));
    let done = case.done();
    assert_eq!(
        (&done["made"], &done["recording"]["sha256"]),
        (&json!("rendered"), &in_bucket)
    );
    let file = out.join(KEY);
    assert_eq!(names_in(file.parent().unwrap()).len(), 1, "nothing else is left");
    assert_eq!(names_in(&out), ["prod"]);
    assert!(fs::read(&file).unwrap() == case.bucket.get(KEY));
    assert_eq!(done["recording"]["uri"], json!(format!("file://{}", file.display())));
    assert_eq!(case.done()["made"], "nothing");
    assert_eq!(receiver.events().len(), 2);

    case.job["outputs"][0]["resolution"] = json!("160x90");
    let run = case.run();
    run.failed_with(2, &["another plan"]);
    assert!(!run.stderr.contains("composing"), "{}", run.stderr);
    assert!(fs::read(&file).unwrap() == case.bucket.get(KEY));
    // even if nobody remembers
    fs::remove_dir_all(case.store()).unwrap();
    case.run().failed_with(2, &["another plan"]);
    assert!(fs::read(&file).unwrap() == case.bucket.get(KEY));
    case.job["reprocess"] = json!("replace");
    case.done();
    assert!(fs::read(&file).unwrap() != case.bucket.get(KEY));
}

#[test]
fn a_folder_that_cannot_be_written_is_told_before_rendering() {
    let mut case = Case::new();
    let file = case.folder.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    case.job["destination"] = json!({"type": "file", "location": text(&file.join("below"))});
    case.check_storage().failed_with(4, &["PutObject"]);
    let run = case.run();
    run.failed_with(4, &["PutObject", text(&file)]);
    assert!(!run.stderr.contains("composing"), "{}", run.stderr);

    let mut elsewhere = Case::new();
    elsewhere.set("TESSERA_DESTINATION_FOLDER", "/srv/recordings");
    for location in ["/tmp/elsewhere", "/srv/recordings/../../tmp/elsewhere"] {
        elsewhere.job["destination"] = json!({"type": "file", "location": location});
        elsewhere.run().failed_with(2, &["TESSERA_DESTINATION_FOLDER"]);
    }
}
