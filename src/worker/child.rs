//! A job in a process of its own: what kills it takes down one attempt, and nothing else.

use std::{ffi::OsString, path::PathBuf, process::Stdio, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    sync::mpsc,
};

use super::verdict::Ending;
use crate::job::{Blame, Timings};

/// What a supervised job says on its stdout, one JSON object a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Line {
    /// Ticks of the recording that are encoded.
    Progress {
        done: i64,
        total: i64,
    },
    Done {
        timings: Option<Timings>,
        duration_ms: i64,
    },
    Failed {
        blame: Blame,
        error: String,
    },
    Busy,
}

/// What a child may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Address space, in bytes.
    pub memory: u64,
    pub cpu: Duration,
    /// Without a word for so long, it hangs.
    pub silence: Duration,
}

/// A running child.
pub struct Supervised {
    child: Child,
    lines: mpsc::Receiver<Line>,
    silence: Duration,
    last: Option<Line>,
}

/// How a job is to be started.
pub struct Launch<'a> {
    pub program: PathBuf,
    /// The job as JSON, by way of stdin: it holds secrets.
    pub job: &'a [u8],
    pub options: Vec<OsString>,
    pub limits: Limits,
}

impl Supervised {
    pub async fn start(launch: Launch<'_>) -> std::io::Result<Supervised> {
        let mut child = Command::new(&launch.program)
            .arg("run")
            .arg("-")
            .arg("--supervised")
            .args(["--memory-limit", &launch.limits.memory.to_string()])
            .args(["--cpu-limit", &launch.limits.cpu.as_secs().to_string()])
            .args(&launch.options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C is for the worker, which has its own way of stopping children
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let mut stdin = child.stdin.take().expect("stdin is piped");
        let output = child.stdout.take().expect("stdout is piped");
        // a child that dies before it has read everything is noticed when it is waited for
        let _ = stdin.write_all(launch.job).await;
        drop(stdin);
        let (sender, lines) = mpsc::channel(64);
        tokio::spawn(async move {
            let mut reader = BufReader::new(output).lines();
            while let Ok(Some(text)) = reader.next_line().await {
                if let Ok(line) = serde_json::from_str(&text)
                    && sender.send(line).await.is_err()
                {
                    break;
                }
            }
        });
        Ok(Supervised {
            child,
            lines,
            silence: launch.limits.silence,
            last: None,
        })
    }

    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits for the next progress, as (done, total), or for the end.
    pub async fn next(&mut self) -> Result<(i64, i64), Ending> {
        loop {
            match tokio::time::timeout(self.silence, self.lines.recv()).await {
                Err(_) => {
                    self.kill().await;
                    let how = format!("it hung: not a word for {} s", self.silence.as_secs());
                    return Err(Ending::Crashed { how });
                }
                Ok(Some(Line::Progress { done, total })) => return Ok((done, total)),
                Ok(Some(last)) => self.last = Some(last),
                Ok(None) => return Err(self.ending().await),
            }
        }
    }

    /// What the child said last, if it was about its end.
    pub fn last(&self) -> Option<&Line> {
        self.last.as_ref()
    }

    /// Asks the child to stop in good order.
    pub fn stop(&self) {
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
    }

    pub async fn kill(&mut self) {
        let _ = self.child.kill().await;
    }

    async fn ending(&mut self) -> Ending {
        use std::os::unix::process::ExitStatusExt;
        let status = match self.child.wait().await {
            Ok(status) => status,
            Err(error) => {
                return Ending::Crashed {
                    how: format!("cannot be waited for: {error}"),
                };
            }
        };
        match (&self.last, status.signal()) {
            (_, Some(signal)) => {
                let name = Signal::try_from(signal).map_or_else(|_| signal.to_string(), |signal| signal.to_string());
                Ending::Crashed {
                    how: format!("its process was ended by {name}"),
                }
            }
            (Some(Line::Done { .. }), None) if status.success() => Ending::Done,
            (Some(Line::Busy), None) => Ending::Busy,
            (
                Some(Line::Failed {
                    blame: Blame::Nobody, ..
                }),
                None,
            ) => Ending::Stopped,
            (Some(Line::Failed { blame, error }), None) => Ending::Failed {
                blame: *blame,
                why: error.clone(),
            },
            (Some(Line::Done { .. } | Line::Progress { .. }) | None, None) => Ending::Crashed {
                how: format!("its process ended without a word ({status})"),
            },
        }
    }
}
