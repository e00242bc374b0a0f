//! A broker, a store, workers, and jobs for them: what the tests of the worker play on.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    services::{Server, rabbitmq_server},
    support::{self, Run, sample, text},
};

/// Nothing that a test waits for takes longer, on however slow a machine.
const PATIENCE: Duration = Duration::from_secs(180);

pub struct Stage {
    pub folder: TempDir,
    pub broker_port: u16,
    prefix: String,
    variables: Vec<(String, String)>,
}

/// A running worker. Killed when dropped.
pub struct Worker {
    pub process: Child,
    pub address: SocketAddr,
    log: PathBuf,
}

impl Stage {
    /// Queues of its own on the broker that all tests share.
    pub fn new() -> Stage {
        Stage::on(rabbitmq_server())
    }

    pub fn on(broker: &Server) -> Stage {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        Stage {
            folder: TempDir::new().unwrap(),
            broker_port: broker.port,
            prefix: format!("test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)),
            variables: Vec::new(),
        }
    }

    pub fn with(mut self, name: &str, value: &str) -> Stage {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn amqp_url(&self) -> String {
        format!("amqp://127.0.0.1:{}/%2f", self.broker_port)
    }

    pub fn queue(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    /// A job of the sample, small and quick, to a folder.
    pub fn job(&self, id: &str) -> Value {
        json!({
            "version": 1, "job_id": id, "session": text(&sample()),
            "outputs": [{"type": "room-composite", "layout": "grid", "resolution": "160x90", "preset": "ultrafast"}],
            "destination": {"type": "file", "location": text(&self.path("out")), "prefix": id},
        })
    }

    /// The same in a size and quality that takes long enough to be met in the middle.
    pub fn slow_job(&self, id: &str) -> Value {
        let mut job = self.job(id);
        job["outputs"][0]["resolution"] = json!("640x360");
        job["outputs"][0]["preset"] = json!("slower");
        job
    }

    /// A session of the sample's dumps that lasts so long, by what its manifest says; the rest of it is empty.
    pub fn long_session(&self, length: &str) -> PathBuf {
        let folder = self.path("long");
        fs::create_dir_all(folder.join("tracks")).unwrap();
        for entry in fs::read_dir(sample().join("tracks")).unwrap().flatten() {
            fs::copy(entry.path(), folder.join("tracks").join(entry.file_name())).unwrap();
        }
        let manifest = fs::read_to_string(sample().join("session.json")).unwrap();
        let mut manifest: Value = serde_json::from_str(&manifest).unwrap();
        manifest["session"]["ended_at"] = json!(length);
        manifest["session"]["id"] = json!("ses-long");
        // both say that it ended
        manifest["events"] = json!([]);
        manifest.as_object_mut().unwrap().remove("recording");
        fs::write(folder.join("session.json"), manifest.to_string()).unwrap();
        folder
    }

    pub fn submit(&self, job: &Value) {
        let path = self.path("submitted.json");
        fs::write(&path, job.to_string()).unwrap();
        let run = self.tessera(&["submit", text(&path)]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
    }

    pub fn tessera(&self, args: &[&str]) -> Run {
        let mut command = support::command();
        command.args(args).envs(self.environment());
        Run::of(command.output().expect("the binary was built"))
    }

    /// What `dead list` tells.
    pub fn dead(&self) -> Vec<Value> {
        let run = self.tessera(&["dead", "list", "--json"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        serde_json::from_str(&run.stdout).unwrap()
    }

    /// The state that the store has of a job.
    pub fn state(&self, id: &str) -> String {
        self.record(id)["state"].as_str().unwrap_or("unknown").to_owned()
    }

    pub fn record(&self, id: &str) -> Value {
        let text = fs::read_to_string(self.path("store").join("jobs").join(id).join("record.json"));
        text.ok()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or(Value::Null)
    }

    pub fn report(&self, id: &str) -> Value {
        let text = fs::read_to_string(self.path("store").join("jobs").join(id).join("report.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// The files that jobs delivered.
    pub fn delivered(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        walk(&self.path("out"), &mut found);
        found.retain(|path| path.extension().is_some_and(|ending| ending == "mp4"));
        found
    }

    /// Starts a worker with a spool of that name and waits until it takes jobs.
    pub fn worker(&self, spool: &str, args: &[&str]) -> Worker {
        let worker = self.begin_worker(spool, args);
        await_that("the worker is ready", || {
            worker.get("/readyz").is_some_and(|answer| answer.contains("200 OK"))
        });
        worker
    }

    pub fn begin_worker(&self, spool: &str, args: &[&str]) -> Worker {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let log = self.path(&format!("{spool}-{}.log", address.port()));
        let output = File::create(&log).unwrap();
        let mut command = support::command();
        command
            .arg("worker")
            .args(["--listen", &address.to_string(), "--spool", text(&self.path(spool))])
            .args(args);
        command.envs(self.environment()).stdout(Stdio::null()).stderr(output);
        Worker {
            process: command.spawn().unwrap(),
            address,
            log,
        }
    }

    fn environment(&self) -> Vec<(String, String)> {
        let own = [
            ("TESSERA_AMQP_URL", self.amqp_url()),
            ("TESSERA_QUEUE", self.prefix.clone()),
            ("TESSERA_SPOOL", text(&self.path("spool")).to_owned()),
            ("TESSERA_STORE", text(&self.path("store")).to_owned()),
            ("TESSERA_DESTINATION_FOLDER", text(self.folder.path()).to_owned()),
            ("TESSERA_ALLOW_PRIVATE_WEBHOOKS", "1".to_owned()),
            ("TESSERA_RETRY_DELAYS", "1,1,1,1,1,1".to_owned()),
            ("TESSERA_PARKED_DELAY", "2".to_owned()),
        ];
        let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
        own.chain(self.variables.iter().cloned()).collect()
    }
}

impl Worker {
    /// The answer to a GET, headers included.
    pub fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
        )
        .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    pub fn status(&self) -> Value {
        let answer = self.get("/status").unwrap_or_default();
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        serde_json::from_str(body).unwrap_or(Value::Null)
    }

    /// The process of the job that runs, if one does.
    pub fn child(&self) -> Option<i32> {
        let pid = self.status()["jobs"][0]["pid"].as_i64()?;
        i32::try_from(pid).ok()
    }

    /// How far the job that runs is.
    pub fn percent(&self) -> i64 {
        self.status()["jobs"][0]["percent"].as_i64().unwrap_or(0)
    }

    /// The sum of a counter's values whose line holds `label`.
    pub fn counter(&self, name: &str, label: &str) -> f64 {
        let answer = self.get("/metrics").unwrap_or_default();
        let lines = answer
            .lines()
            .filter(|line| line.starts_with(name) && line.contains(label));
        lines
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn signal(&self, name: &str) {
        signal(i32::try_from(self.process.id()).unwrap(), name);
    }

    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    pub fn wait(&mut self) -> Option<i32> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < end, "the worker does not end: {}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn signal(process: i32, name: &str) {
    let status = std::process::Command::new("kill")
        .args([format!("-{name}"), process.to_string()])
        .status()
        .unwrap();
    assert!(status.success(), "process {process} could not be sent {name}");
}

pub fn await_that(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "it did not come about that {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn walk(folder: &std::path::Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            walk(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}
