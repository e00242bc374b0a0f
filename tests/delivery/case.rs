//! One job with a bucket, a spool and a store of its own.

use std::{
    env, fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    bucket::{TestBucket, endpoint},
    proxy::Proxy,
    receiver::{Receiver, SECRET},
    support::{self, Run, sample, text},
};

pub const OWNER: (&str, &str) = ("OWNERKEY", "ownersecret");
pub const READER: (&str, &str) = ("ROKEY", "rosecret");
pub const WRITER: (&str, &str) = ("WOKEY", "wosecret");
pub const STRANGER: (&str, &str) = ("OTHERKEY", "othersecret");

/// Where the sample's recording lies in a bucket with the prefix `prod`.
pub const KEY: &str = "prod/room-standup/20261120/ses-standup/Rec-ses-standup-1795168800000.mp4";

pub struct Case {
    pub folder: TempDir,
    pub bucket: TestBucket,
    pub job: Value,
    /// Further variables of the environment.
    pub variables: Vec<(String, String)>,
}

impl Case {
    /// The sample, small, to a bucket of the owner.
    pub fn new() -> Case {
        let bucket = TestBucket::new();
        let job = json!({
            "version": 1, "job_id": "job-1", "session": text(&sample()),
            "outputs": [{"type": "room-composite", "resolution": "320x180", "preset": "ultrafast"}],
            "destination": destination(&bucket.name, OWNER),
        });
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Case {
            folder: TempDir::new().unwrap(),
            bucket,
            job,
            variables: vec![variable("TESSERA_ALLOW_PRIVATE_WEBHOOKS", "1")],
        }
    }

    /// The same, telling a receiver.
    pub fn telling(receiver: &Receiver) -> Case {
        let mut case = Case::new();
        case.job["webhooks"] = json!([{"url": receiver.url(), "secret": SECRET}]);
        case
    }

    /// The same as [`Case::new`] with a session of a bucket that only the service may read, and its dumps through
    /// `proxy` if one is given.
    pub fn from_bucket(proxy: Option<&Proxy>) -> (Case, TestBucket) {
        let (mut case, dumps) = (Case::new(), TestBucket::new());
        upload_session(&dumps, "standup");
        case.job["session"] = json!(format!("s3://{}/standup/session.json", dumps.name));
        let endpoint = proxy.map_or_else(endpoint, |proxy| format!("http://127.0.0.1:{}", proxy.port));
        for (name, value) in [
            ("ENDPOINT", endpoint.as_str()),
            ("REGION", "us-east-1"),
            ("PATH_STYLE", "1"),
            ("KEY", OWNER.0),
            ("SECRET", OWNER.1),
        ] {
            case.set(&format!("TESSERA_SOURCE_{name}"), value);
        }
        (case, dumps)
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    pub fn credentials(&mut self, (key, secret): (&str, &str)) {
        self.job["destination"]["credentials"] = json!({"key": key, "secret": secret});
    }

    pub fn deliver_through(&mut self, proxy: &Proxy) {
        self.job["destination"]["options"]["endpoint"] = json!(format!("http://127.0.0.1:{}", proxy.port));
    }

    pub fn spool(&self) -> PathBuf {
        self.folder.path().join("spool")
    }

    pub fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = support::command();
        for (name, _) in env::vars().filter(|(name, _)| name.starts_with("AWS_") || name.starts_with("TESSERA_")) {
            command.env_remove(name);
        }
        command
            .args(args)
            .env("TESSERA_SPOOL", self.spool())
            .env("TESSERA_STORE", self.store())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(self.variables.iter().cloned());
        command
    }

    pub fn tessera(&self, args: &[&str]) -> Run {
        Run::of(self.command(args).output().expect("the binary was built"))
    }

    /// Writes `value` into the case's folder.
    pub fn file(&self, name: &str, value: &Value) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, value.to_string()).unwrap();
        text(&path).to_owned()
    }

    /// `tessera run` with a command line that waits for no webhook.
    pub fn run_command(&self) -> Command {
        let job = self.file("job.json", &self.job);
        self.command(&["run", &job, "--json", "--webhook-wait", "0"])
    }

    pub fn run(&self) -> Run {
        Run::of(self.run_command().output().expect("the binary was built"))
    }

    pub fn begin(&self) -> Child {
        let mut command = self.run_command();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the binary was built")
    }

    /// Runs the job, which must end well, and gives what it prints.
    #[track_caller]
    pub fn done(&self) -> Value {
        outcome(&self.run())
    }

    pub fn deliver(&self, options: &[&str]) -> Run {
        self.tessera(&[&["deliver", "job-1", "--json", "--webhook-wait", "0"], options].concat())
    }

    pub fn check_storage(&self) -> Run {
        let file = self.file("destination.json", &self.job["destination"]);
        self.tessera(&["check-storage", &file, "--json"])
    }

    pub fn record(&self) -> Value {
        self.stored("jobs/job-1/record.json")
    }

    pub fn stored(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.store().join(name)).expect("the store has it")).unwrap()
    }

    /// Names of what is left of jobs in the spool.
    pub fn left_in_spool(&self) -> Vec<String> {
        let jobs = self.spool().join("jobs");
        if jobs.exists() {
            support::names_in(&jobs)
        } else {
            Vec::new()
        }
    }
}

/// What a run that ended well printed.
#[track_caller]
pub fn outcome(run: &Run) -> Value {
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    serde_json::from_str(&run.stdout).expect("--json prints JSON")
}

pub fn destination(bucket: &str, (key, secret): (&str, &str)) -> Value {
    json!({
        "type": "s3", "location": bucket, "prefix": "prod",
        "options": {"region": "us-east-1", "endpoint": endpoint(), "path_style": true},
        "credentials": {"key": key, "secret": secret},
    })
}

/// Puts the sample below `folder`.
pub fn upload_session(bucket: &TestBucket, folder: &str) {
    bucket.put(
        &format!("{folder}/session.json"),
        fs::read(sample().join("session.json")).unwrap(),
    );
    for name in support::names_in(&sample().join("tracks")) {
        bucket.put(
            &format!("{folder}/tracks/{name}"),
            fs::read(sample().join("tracks").join(&name)).unwrap(),
        );
    }
}
