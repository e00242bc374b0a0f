//! The configuration: a file and the environment. A variable beats the file, an option of the command line beats both.

use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use crate::{
    job::{FolderPolicy, JobError, Settings, SourceSettings, SpoolSettings},
    media::Secret,
    notify::AddressPolicy,
    render::Fonts,
    storage::{Place, S3Options},
    worker::{Patience, QueueSettings, WorkerSettings},
};

/// Bytes of the spool where nothing else is said.
const SPOOL_LIMIT: u64 = 100 << 30;

/// What the command line says itself.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    pub file: Option<PathBuf>,
    pub spool: Option<PathBuf>,
    pub store: Option<String>,
    pub templates: Option<PathBuf>,
    pub layouts: Option<PathBuf>,
}

/// Who asks: whoever runs a command may write where he may, a job from the queue may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    Person,
    Queue,
}

/// All settings, each as text or number, each optional. The file's keys are the variables' names, in lower case and
/// without `TESSERA_`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    spool: Option<PathBuf>,
    spool_limit: Option<String>,
    store: Option<String>,
    templates: Option<PathBuf>,
    layouts: Option<PathBuf>,
    fonts: Option<PathBuf>,
    destination_folder: Option<PathBuf>,
    allow_private_webhooks: Option<String>,
    source_endpoint: Option<String>,
    source_region: Option<String>,
    source_path_style: Option<String>,
    source_key: Option<Secret>,
    source_secret: Option<Secret>,
    source_allowed: Option<String>,
    amqp_url: Option<Secret>,
    queue: Option<String>,
    slots: Option<String>,
    worker_memory: Option<String>,
    grace: Option<String>,
    refresh: Option<String>,
    silence: Option<String>,
    retry_delays: Option<String>,
    parked_delay: Option<String>,
    listen: Option<String>,
}

/// What the command line says about the queue and the worker.
#[derive(Debug, Clone, Default)]
pub struct WorkerOverrides {
    pub amqp_url: Option<Secret>,
    pub queue: Option<String>,
    pub slots: Option<usize>,
    pub listen: Option<SocketAddr>,
    pub grace: Option<Duration>,
}

/// Where the broker is.
pub fn queue(overrides: &Overrides, worker: &WorkerOverrides) -> Result<QueueSettings, JobError> {
    queue_of(&read(config_file(overrides))?, worker)
}

/// How a worker works on a machine of so many cores and so much memory.
pub fn worker(overrides: &Overrides, worker: &WorkerOverrides, machine: Machine) -> Result<WorkerSettings, JobError> {
    let raw = read(config_file(overrides))?;
    let own = |name: &str, text: &Option<String>| text.as_deref().map(|text| seconds(name, text)).transpose();
    let slots = match (worker.slots, &raw.slots) {
        (Some(slots), _) => slots,
        (None, Some(text)) => text.parse().map_err(|_| wrong("slots", "is not a number"))?,
        (None, None) => machine.cores.clamp(1, 64),
    };
    let usual = Patience::default();
    Ok(WorkerSettings {
        queue: queue_of(&raw, worker)?,
        slots: slots.max(1),
        threads: (machine.cores / slots.max(1)).max(1),
        memory: raw
            .worker_memory
            .as_deref()
            .map(|text| bytes("worker_memory", text))
            .transpose()?
            .unwrap_or(machine.memory / 5 * 4),
        grace: worker
            .grace
            .or(own("grace", &raw.grace)?)
            .unwrap_or(Duration::from_secs(60)),
        refresh: own("refresh", &raw.refresh)?.unwrap_or(Duration::from_secs(600)),
        silence: own("silence", &raw.silence)?.unwrap_or(Duration::from_secs(1200)),
        patience: Patience {
            retries: match &raw.retry_delays {
                Some(text) => text
                    .split(',')
                    .map(|one| seconds("retry_delays", one))
                    .collect::<Result<_, _>>()?,
                None => usual.retries,
            },
            parked: own("parked_delay", &raw.parked_delay)?.unwrap_or(usual.parked),
            most_parked: usual.most_parked,
        },
        listen: match (worker.listen, &raw.listen) {
            (Some(address), _) => address,
            (None, Some(text)) => text
                .parse()
                .map_err(|_| wrong("listen", "is no address such as 127.0.0.1:9090"))?,
            (None, None) => SocketAddr::from(([127, 0, 0, 1], 9090)),
        },
        program: env::current_exe().map_err(|error| wrong("program", &format!("cannot be found: {error}")))?,
        job_options: Vec::new(),
    })
}

/// What a worker has to share out.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    pub cores: usize,
    /// Bytes.
    pub memory: u64,
}

impl Machine {
    /// This one, as far as it tells.
    pub fn here() -> Machine {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
        let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        Machine {
            cores,
            memory: kibibytes.map_or(2 << 30, |kibibytes| kibibytes << 10),
        }
    }
}

fn queue_of(raw: &Raw, worker: &WorkerOverrides) -> Result<QueueSettings, JobError> {
    let prefix = worker
        .queue
        .clone()
        .or(raw.queue.clone())
        .unwrap_or_else(|| "tessera".to_owned());
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    if prefix.is_empty() || prefix.len() > 100 || !prefix.chars().all(fits) {
        return Err(wrong(
            "queue",
            "is no prefix of queue names: use letters, digits, '.', '_' and '-'",
        ));
    }
    let url = worker.amqp_url.clone().or(raw.amqp_url.clone());
    Ok(QueueSettings {
        url: url.unwrap_or_else(|| Secret::new("amqp://127.0.0.1:5672/%2f")),
        prefix,
    })
}

fn config_file(overrides: &Overrides) -> Option<PathBuf> {
    overrides
        .file
        .clone()
        .or_else(|| env::var_os("TESSERA_CONFIG").map(PathBuf::from))
}

fn seconds(name: &str, text: &str) -> Result<Duration, JobError> {
    text.trim()
        .parse()
        .map(Duration::from_secs)
        .map_err(|_| wrong(name, "is no number of seconds"))
}

/// Reads file and environment.
pub fn settings(overrides: &Overrides, trust: Trust) -> Result<Settings, JobError> {
    let raw = read(
        overrides
            .file
            .clone()
            .or_else(|| env::var_os("TESSERA_CONFIG").map(PathBuf::from)),
    )?;
    let spool = overrides.spool.clone().or(raw.spool).unwrap_or_else(|| "spool".into());
    let store = match overrides.store.clone().or(raw.store) {
        Some(text) => Place::parse(&text).map_err(|error| wrong("store", &error.to_string()))?,
        None => Place::Path(spool.with_file_name("store")),
    };
    Ok(Settings {
        spool: SpoolSettings {
            folder: spool,
            limit: raw
                .spool_limit
                .as_deref()
                .map(|text| bytes("spool_limit", text))
                .transpose()?
                .unwrap_or(SPOOL_LIMIT),
        },
        store,
        templates: overrides.templates.clone().or(raw.templates),
        layouts: overrides.layouts.clone().or(raw.layouts),
        fonts: Fonts::of(raw.fonts).map_err(JobError::Settings)?,
        sources: SourceSettings {
            options: S3Options {
                region: raw.source_region,
                endpoint: raw.source_endpoint,
                path_style: switch("source_path_style", raw.source_path_style.as_deref())?,
                ..S3Options::default()
            },
            key: key_pair(raw.source_key, raw.source_secret)?,
            allowed: raw
                .source_allowed
                .iter()
                .flat_map(|text| text.split(','))
                .map(|it| it.trim().to_owned())
                .collect(),
        },
        webhooks: if switch("allow_private_webhooks", raw.allow_private_webhooks.as_deref())? {
            AddressPolicy::Any
        } else {
            AddressPolicy::PublicOnly
        },
        destinations: match (raw.destination_folder, trust) {
            (Some(folder), _) => FolderPolicy::Below(folder),
            (None, Trust::Person) => FolderPolicy::Any,
            (None, Trust::Queue) => FolderPolicy::None,
        },
    })
}

fn read(file: Option<PathBuf>) -> Result<Raw, JobError> {
    let raw = match file {
        Some(path) => parse(&path)?,
        None => Raw::default(),
    };
    let text = |name: &str| env::var(format!("TESSERA_{name}")).ok().filter(|text| !text.is_empty());
    let path = |name: &str| text(name).map(PathBuf::from);
    Ok(Raw {
        spool: path("SPOOL").or(raw.spool),
        spool_limit: text("SPOOL_LIMIT").or(raw.spool_limit),
        store: text("STORE").or(raw.store),
        templates: path("TEMPLATES").or(raw.templates),
        layouts: path("LAYOUTS").or(raw.layouts),
        fonts: path("FONTS").or(raw.fonts),
        destination_folder: path("DESTINATION_FOLDER").or(raw.destination_folder),
        allow_private_webhooks: text("ALLOW_PRIVATE_WEBHOOKS").or(raw.allow_private_webhooks),
        source_endpoint: text("SOURCE_ENDPOINT").or(raw.source_endpoint),
        source_region: text("SOURCE_REGION").or(raw.source_region),
        source_path_style: text("SOURCE_PATH_STYLE").or(raw.source_path_style),
        source_key: text("SOURCE_KEY").map(Secret::new).or(raw.source_key),
        source_secret: text("SOURCE_SECRET").map(Secret::new).or(raw.source_secret),
        source_allowed: text("SOURCE_ALLOWED").or(raw.source_allowed),
        amqp_url: text("AMQP_URL").map(Secret::new).or(raw.amqp_url),
        queue: text("QUEUE").or(raw.queue),
        slots: text("SLOTS").or(raw.slots),
        worker_memory: text("WORKER_MEMORY").or(raw.worker_memory),
        grace: text("GRACE").or(raw.grace),
        refresh: text("REFRESH").or(raw.refresh),
        silence: text("SILENCE").or(raw.silence),
        retry_delays: text("RETRY_DELAYS").or(raw.retry_delays),
        parked_delay: text("PARKED_DELAY").or(raw.parked_delay),
        listen: text("LISTEN").or(raw.listen),
    })
}

fn parse(path: &Path) -> Result<Raw, JobError> {
    let text = fs::read_to_string(path).map_err(|error| JobError::Unreadable {
        path: path.to_owned(),
        error,
    })?;
    // the parser quotes the line it complains about, which may hold a secret
    toml::from_str(&text).map_err(|error: toml::de::Error| {
        let line = error
            .span()
            .map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        JobError::Settings(format!("{}: line {line}: {}", path.display(), error.message()))
    })
}

fn key_pair(key: Option<Secret>, secret: Option<Secret>) -> Result<Option<(Secret, Secret)>, JobError> {
    match (key, secret) {
        (Some(key), Some(secret)) => Ok(Some((key, secret))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(wrong("source_key", "is given without source_secret")),
        (None, Some(_)) => Err(wrong("source_secret", "is given without source_key")),
    }
}

fn switch(name: &str, text: Option<&str>) -> Result<bool, JobError> {
    match text.map(str::to_ascii_lowercase).as_deref() {
        None | Some("0" | "false" | "no" | "off") => Ok(false),
        Some("1" | "true" | "yes" | "on") => Ok(true),
        Some(_) => Err(wrong(name, "is neither on (1, true, yes) nor off (0, false, no)")),
    }
}

/// `1048576`, `512M`, `20G`: powers of 1024.
fn bytes(name: &str, text: &str) -> Result<u64, JobError> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => Some(0),
        "k" | "kb" | "kib" => Some(10),
        "m" | "mb" | "mib" => Some(20),
        "g" | "gb" | "gib" => Some(30),
        "t" | "tb" | "tib" => Some(40),
        _ => None,
    };
    let size = digits
        .parse::<u64>()
        .ok()
        .zip(shift)
        .and_then(|(number, shift)| number.checked_mul(1 << shift));
    size.ok_or_else(|| wrong(name, "is no size such as 512M or 20G"))
}

fn wrong(name: &str, what: &str) -> JobError {
    JobError::Settings(format!("setting {name} (TESSERA_{}) {what}", name.to_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_switches_are_read_as_people_write_them() {
        assert_eq!(bytes("x", "512M").unwrap(), 512 << 20);
        assert_eq!(bytes("x", "7").unwrap(), 7);
        assert!(bytes("x", "7 apples").is_err() && bytes("x", "").is_err() && bytes("x", "99999999T").is_err());
        assert!(
            switch("x", Some("Yes")).unwrap() && !switch("x", None).unwrap() && switch("x", Some("maybe")).is_err()
        );
    }

    #[test]
    fn a_wrong_file_is_told_without_its_secrets() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "spool = \"x\"\nsource_secret = SEKRET\n").unwrap();
        let text = parse(file.path()).unwrap_err().to_string();
        assert!(text.contains("line 2") && !text.contains("SEKRET"), "{text}");
        fs::write(file.path(), "spoool = \"x\"\n").unwrap();
        assert!(parse(file.path()).unwrap_err().to_string().contains("spoool"));
    }
}
