//! Real servers for tests, started when the first test asks and stopped when the test process ends.

// every test binary compiles this module and uses its own part of it
#![allow(dead_code)]

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// A server of `scripts/services`, which watches this process and ends with it.
pub struct Server {
    pub port: u16,
    pub folder: PathBuf,
    name: String,
    options: Vec<String>,
    // kept, so that its output has somewhere to go
    process: Mutex<Child>,
}

impl Server {
    /// Starts `scripts/services/<name>.sh` in a folder of its own and waits until it is ready.
    pub fn start(name: &str) -> Server {
        Server::start_with(name, &[])
    }

    /// The same with further arguments of the script.
    pub fn start_with(name: &str, options: &[&str]) -> Server {
        let (folder, port) = (folder_of(name), free_ports());
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let process = Mutex::new(launch(name, &folder, port, &options));
        Server {
            port,
            folder,
            name: name.to_owned(),
            options,
            process,
        }
    }

    /// Stops the server; what it has on its disk stays.
    pub fn stop(&mut self) {
        let mut process = self.process.lock().expect("no test panics while holding it");
        let status = Command::new("kill").arg(process.id().to_string()).status();
        assert!(status.expect("kill can be started").success());
        process.wait().expect("a child can be waited for");
    }

    /// Starts a stopped server on its port and with its disk.
    pub fn start_again(&mut self) {
        *self.process.lock().expect("no test panics while holding it") =
            launch(&self.name, &self.folder, self.port, &self.options);
    }
}

fn launch(name: &str, folder: &Path, port: u16, options: &[String]) -> Child {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut process = Command::new(root.join("scripts/services").join(format!("{name}.sh")))
        .arg(folder)
        .args([port.to_string(), std::process::id().to_string()])
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("scripts/services/{name}.sh cannot be started: {error}"));
    let mut line = String::new();
    let mut output = BufReader::new(process.stdout.take().expect("stdout is piped"));
    output.read_line(&mut line).expect("the script writes text");
    assert!(
        line.contains("ready"),
        "{name} did not start: see {} (is all installed? run scripts/setup.sh)",
        folder.join("log").display()
    );
    process.stdout = Some(output.into_inner());
    process
}

/// The S3 server of this test process.
pub fn s3_server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start("s3"))
}

/// The RabbitMQ of this test process.
pub fn rabbitmq_server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start("rabbitmq"))
}

/// Below the folder that cargo gives tests; what earlier processes left there is deleted.
fn folder_of(name: &str) -> PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("services");
    fs::create_dir_all(&home).expect("the target folder can be written to");
    for entry in fs::read_dir(&home).expect("it was just made").flatten() {
        let file_name = entry.file_name();
        let process = file_name.to_str().and_then(|name| name.rsplit_once('-'));
        if process.is_some_and(|(_, id)| !Path::new("/proc").join(id).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    home.join(format!("{name}{count}-{}", std::process::id()))
}

/// The first of two neighbouring ports that nobody listens on.
fn free_ports() -> u16 {
    let neighbours = |_| {
        let first = TcpListener::bind(("127.0.0.1", 0)).ok()?;
        let port = first.local_addr().ok()?.port();
        TcpListener::bind(("127.0.0.1", port.checked_add(1)?)).ok()?;
        Some(port)
    };
    (0..100).find_map(neighbours).expect("there are free ports")
}
