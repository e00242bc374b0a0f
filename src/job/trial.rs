//! Trying a dump in a process of its own, after attempts at its job have crashed.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::JobError;
use crate::{
    dump::{
        DumpError,
        probe::{Depth, probe},
    },
    media::{Codec, Kind},
    render::{DumpFile, decode_all},
    session::{Dump, Track},
};

/// A dump that takes longer to decode hangs.
const LONGEST: Duration = Duration::from_secs(1800);
const LOOKED_AT_EVERY: Duration = Duration::from_millis(20);

/// Runs `tessera try-dump` on the file; an error if that dies or hangs.
pub(super) fn try_apart(path: &Path, track: &Track, dump: &Dump) -> Result<(), DumpError> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("try-dump")
        .arg(path)
        .arg("--kind")
        .arg(track.kind.to_string());
    for (option, value) in [("--codec", &track.codec), ("--format", &dump.format)] {
        if let Some(value) = value {
            command.arg(format!("{option}={value}"));
        }
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            use std::os::unix::process::ExitStatusExt;
            return match status.signal() {
                Some(signal) => Err(DumpError::Deadly(format!(
                    "decoding it ended the process with signal {signal}"
                ))),
                // an ordinary error is met again, and told, when the dump is probed
                None => Ok(()),
            };
        }
        if began.elapsed() > LONGEST {
            let _ = child.kill();
            let _ = child.wait();
            return Err(DumpError::Deadly("decoding it hangs".to_owned()));
        }
        std::thread::sleep(LOOKED_AT_EVERY);
    }
}

/// What `tessera try-dump` does.
pub fn try_here(path: PathBuf, kind: Kind, codec: Option<Codec>, format: Option<String>) -> Result<(), JobError> {
    let dump = Dump {
        uri: path.display().to_string(),
        format: format.clone(),
        started_at: None,
        ended_at: None,
        layer: None,
        sha256: None,
        sender_reports: Vec::new(),
    };
    let failed = |error: DumpError| JobError::NoUsableDump {
        path: path.clone(),
        reasons: vec![error.to_string()],
    };
    let found = probe(&path, &dump, kind, codec, Depth::Packets).map_err(failed)?;
    decode_all(
        &DumpFile {
            path: path.clone(),
            format,
            kind,
        },
        &found,
    )
    .map_err(failed)
}
