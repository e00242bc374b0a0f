//! No secret is ever shown: not in logs at any level, not in errors, reports, records, webhooks or debug prints.

use std::{fs, path::Path};

use serde_json::{Value, json};
use tessera::{
    job::{FolderPolicy, Job, Service, Settings, SourceSettings, SpoolSettings, read_destination},
    media::Secret,
    notify::AddressPolicy,
    render::Fonts,
    storage::{Bucket, Place, S3Options, examine},
};

use crate::{
    bucket::{endpoint, wait},
    case::{Case, READER, STRANGER},
    receiver::{Manner, Receiver, SECRET},
    support::text,
};

/// Everything that tests of this file keep secret. Words that occur nowhere else.
const SECRETS: &[&str] = &[
    "ownersecret",
    "OWNERKEY",
    READER.0,
    READER.1,
    STRANGER.0,
    STRANGER.1,
    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "header-SEKRET",
    "token-SEKRET",
    "typo-SEKRET",
    "external-SEKRET",
    "session-SEKRET",
    "dump-SEKRET",
];

#[track_caller]
fn assert_silent(what: &str, text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{what} shows {secret}:\n{text}");
    }
}

/// All files below a folder but those that are meant to hold secrets.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else if entry.file_name() != "job.json" {
            let content = fs::read(entry.path()).unwrap();
            found.push((
                entry.path().display().to_string(),
                String::from_utf8_lossy(&content).into_owned(),
            ));
        }
    }
    found
}

/// Runs the job in both formats of the log, as talkative as can be, and looks at all that comes of it.
#[track_caller]
fn assert_discreet(case: &mut Case, code: i32) {
    for format in ["text", "json"] {
        case.set("RUST_LOG", "trace");
        case.set("TESSERA_LOG_FORMAT", format);
        let run = case.run();
        assert_eq!(run.code, Some(code), "{}", run.stderr);
        assert_silent("stdout", &run.stdout);
        assert_silent("stderr", &run.stderr);
        for args in [
            &["webhook", "list", "--all"][..],
            &["webhook", "send"],
            &["recordings", "list"],
        ] {
            let run = case.tessera(args);
            assert_silent("stdout", &run.stdout);
            assert_silent("stderr", &run.stderr);
        }
        for (name, content) in files(&case.store()).into_iter().chain(files(&case.spool())) {
            // the link of a webhook is signed with a key whose name it must tell
            let content = content.replace("X-Amz-Credential=OWNERKEY", "");
            assert_silent(&name, &content);
        }
    }
}

/// A job that uses every secret there is.
fn case(receiver: &Receiver) -> (Case, crate::bucket::TestBucket) {
    let (mut case, dumps) = Case::from_bucket(None);
    case.set("TESSERA_SOURCE_KEY", READER.0);
    case.set("TESSERA_SOURCE_SECRET", READER.1);
    let url = format!("{}?token=token-SEKRET", receiver.url());
    case.job["webhooks"] = json!([{"url": url, "secret": SECRET, "headers": {"X-Secret": "header-SEKRET"}}]);
    (case, dumps)
}

#[test]
fn good_jobs_are_discreet() {
    let receiver = Receiver::accepting();
    let (mut case, dumps) = case(&receiver);
    let mut manifest: Value = serde_json::from_slice(&dumps.get("standup/session.json")).unwrap();
    manifest["tracks"][0]["dumps"][0]["uri"] = json!("https://example.com/a.webm?signature=dump-SEKRET");
    dumps.put("standup/session.json", manifest.to_string().into_bytes());
    assert_discreet(&mut case, 0);
    assert_eq!(receiver.received()[0].path, "/hook?token=token-SEKRET");
    assert_eq!(receiver.received()[0].header("x-secret"), Some("header-SEKRET"));
    // who reads the store otherwise reads none of the jobs
    let mode = |name: &str| {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(case.store().join(name)).unwrap().permissions().mode() & 0o077
    };
    assert_eq!(mode("jobs/job-1/job.json"), 0);
}

#[test]
fn failing_receivers_are_told_discreetly() {
    for manner in [Manner::Status(500, Vec::new()), Manner::CloseEarly] {
        let receiver = Receiver::new(&[manner]);
        assert_discreet(&mut case(&receiver).0, 0);
    }
    let (mut nobody, _dumps) = case(&Receiver::accepting());
    nobody.job["webhooks"][0]["url"] = json!("http://127.0.0.1:9/hook?token=token-SEKRET");
    assert_discreet(&mut nobody, 0);
    nobody.job["webhooks"][0]["url"] = json!("http://user:token-SEKRET@no-such-host.invalid/hook");
    assert_discreet(&mut nobody, 0);
    nobody.job["webhooks"][0]["headers"] = json!({"X-Secret": "header-SEKRET\u{1}"});
    assert_discreet(&mut nobody, 0);
}

#[test]
fn refused_jobs_are_discreet() {
    let receiver = Receiver::accepting();
    let (mut case, _dumps) = case(&receiver);
    case.credentials(("OWNERKEY", "typo-SEKRET"));
    assert_discreet(&mut case, 4);
    case.job["destination"]["credentials"]["session_token"] = json!("session-SEKRET");
    assert_discreet(&mut case, 4);
    case.credentials(STRANGER);
    assert_discreet(&mut case, 4);
    case.job["destination"]["credentials"] =
        json!({"role_arn": "arn:aws:iam::123456789012:role/x", "external_id": "external-SEKRET"});
    case.set("AWS_ENDPOINT_URL_STS", &endpoint());
    case.set("AWS_ACCESS_KEY_ID", READER.0);
    case.set("AWS_SECRET_ACCESS_KEY", READER.1);
    assert_discreet(&mut case, 4);
    case.credentials(("OWNERKEY", "ownersecret"));
    case.set("TESSERA_SOURCE_SECRET", "typo-SEKRET");
    assert_discreet(&mut case, 1);
}

#[test]
fn parked_recordings_are_discreet() {
    let receiver = Receiver::accepting();
    let (mut case, _dumps) = case(&receiver);
    case.bucket.set_quota("20000");
    assert_discreet(&mut case, 4);
}

#[test]
fn broken_jobs_are_discreet() {
    let receiver = Receiver::accepting();
    let breakages: &[(&str, Value)] = &[
        ("/destination/credentials", json!("typo-SEKRET")),
        ("/destination/credentials/secret", json!(["typo-SEKRET"])),
        ("/destination/credentials/secret", json!({"typo-SEKRET": 1})),
        (
            "/destination/options/endpoint",
            json!("http://key:typo-SEKRET@127.0.0.1:9"),
        ),
        ("/destination/options/endpoint", json!("typo-SEKRET")),
        ("/destination/type", json!("typo-SEKRET")),
        ("/webhooks/0/url", json!("gopher://example.com/typo-SEKRET")),
        ("/webhooks/0/url", json!("http://:typo-SEKRET@")),
        ("/webhooks/0/secret", json!("typo-SEKRET")),
        ("/webhooks/0/headers", json!(["typo-SEKRET"])),
        ("/session", json!("https://example.com/session.json?token=typo-SEKRET")),
        ("/outputs/0/type", json!("typo-SEKRET")),
    ];
    for (path, value) in breakages {
        let (mut case, _dumps) = case(&receiver);
        *case.job.pointer_mut(path).unwrap() = value.clone();
        assert_discreet(&mut case, 2);
    }
    // not even JSON
    let (mut case, _dumps) = case(&receiver);
    case.set("RUST_LOG", "trace");
    let whole = case.job.to_string();
    for end in [whole.len() / 2, whole.len() - 30, whole.len() - 1] {
        let file = case.folder.path().join("half.json");
        fs::write(&file, &whole[..end]).unwrap();
        for command in ["run", "check-storage"] {
            let run = case.tessera(&[command, text(&file)]);
            run.failed_with(2, &["not JSON"]);
            assert_silent(command, &(run.stdout + &run.stderr));
        }
    }
}

#[test]
fn broken_configuration_is_told_discreetly() {
    let receiver = Receiver::accepting();
    let (case, _dumps) = case(&receiver);
    let config = case.folder.path().join("tessera.toml");
    for content in [
        "source_secret = typo-SEKRET",
        "source_secret = ['typo-SEKRET']",
        "source_secret = 'typo-SEKRET",
        "source_secret = 'typo-SEKRET'\nsource_secret = 'typo-SEKRET'",
        "[source_secret]\nx = 'typo-SEKRET'",
    ] {
        fs::write(&config, content).unwrap();
        let run = case.tessera(&["webhook", "list", "--config", text(&config)]);
        run.failed_with(2, &["tessera.toml"]);
        assert_silent(content, &run.stderr);
    }
}

/// What a panic would print of the things that it stumbles over.
#[test]
fn debug_prints_are_discreet() {
    let receiver = Receiver::accepting();
    let (mut case, _dumps) = case(&receiver);
    case.job["destination"]["credentials"]["session_token"] = json!("session-SEKRET");
    let read = Job::read(&case.job.to_string(), "job.json", None).unwrap();
    assert_silent("the job", &format!("{read:?} {read:#?}"));
    let text = json!({"type": "s3", "location": "bucket", "credentials": {"role_arn": "arn", "external_id": "external-SEKRET"}});
    let role = read_destination(&text.to_string(), "destination").unwrap();
    assert_silent("a role", &format!("{role:?}"));

    let options = S3Options {
        endpoint: Some(endpoint()),
        path_style: true,
        ..S3Options::default()
    };
    let settings = Settings {
        spool: SpoolSettings {
            folder: case.spool(),
            limit: 1 << 30,
        },
        store: Place::parse("s3://bucket/store").unwrap(),
        templates: None,
        layouts: None,
        fonts: Fonts::System,
        sources: SourceSettings {
            options,
            key: Some((Secret::new(READER.0), Secret::new(READER.1))),
            allowed: Vec::new(),
        },
        webhooks: AddressPolicy::Any,
        destinations: FolderPolicy::None,
    };
    let service = wait(Service::open(settings));
    assert_silent("the service", &format!("{service:?} {service:#?}"));
    let destination = &read.job.destination;
    let bucket = wait(Bucket::of(destination));
    assert_silent("a bucket", &format!("{bucket:?} {bucket:#?}"));
    let checkup = wait(examine(destination, Some("prod"), tessera::storage::Examination::Once));
    assert_silent("findings", &format!("{checkup:?}"));
    let error = wait(bucket.head(&tessera::storage::ObjectKey::new("nothing").unwrap()));
    assert_silent("an answer", &format!("{error:?}"));
}
