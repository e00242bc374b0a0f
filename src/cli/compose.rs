//! `tessera compose`: a local run, no queue and no bucket.

use std::{path::PathBuf, sync::Arc, thread};

use clap::Args;

use super::{
    options::{RecordingArgs, SessionArgs},
    print, print_json, progress,
    text::{bytes, clock},
};
use crate::job::{self, ComposeRequest, JobError, Report};

/// Compose a session into one MP4, here and now
///
/// Writes <OUT>/Rec-<session id>-<epoch ms>.mp4, where somebody speaks the speakers beside it (.speakers.vtt), and
/// <OUT>/report.json.
#[derive(Debug, Args)]
pub struct ComposeArgs {
    #[command(flatten)]
    session: SessionArgs,
    #[command(flatten)]
    recording: RecordingArgs,
    /// Folder for the recording and its report; made if missing
    #[arg(long, default_value = ".", value_name = "DIR")]
    out: PathBuf,
    /// Threads to render with [default: one per core]; the result is the same with any number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Print the report as JSON instead of a summary
    #[arg(long)]
    json: bool,
}

pub fn run(args: ComposeArgs) -> Result<(), JobError> {
    let threads = args
        .jobs
        .map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from);
    let request = ComposeRequest {
        source: args.session.source(),
        request: args.recording.request()?,
        out: args.out,
        threads,
    };
    let cancelled = progress::cancellation();
    let report = job::compose(&request, &cancelled, |plan| {
        progress::Progress::new(plan, Arc::clone(&cancelled))
    })?;
    if args.json {
        print_json(&report)
    } else {
        print(&summary(&report))
    }
}

fn summary(report: &Report) -> String {
    let mut text = String::new();
    for (index, asset) in report.assets.iter().enumerate() {
        text += &format!("{}\n", asset.path);
        // the recording comes first; what stands beside it is told by its name
        if index == 0 {
            let (size, length) = (bytes(asset.size), clock(report.duration()));
            text += &format!(
                "  {length} long, {} at {} ticks a second, {size}\n",
                report.canvas,
                report.ticks_per_second.per_second()
            );
        }
    }
    let (speed, timings) = (report.speed_thousandths(), &report.timings);
    let seconds = |millis: u64| format!("{}.{} s", millis / 1000, millis % 1000 / 100);
    text += &format!(
        "  made in {} ({}.{}x real time), {} of CPU, at most {} of memory\n",
        seconds(timings.total_ms),
        speed / 1000,
        speed % 1000 / 100,
        seconds(timings.cpu_ms),
        bytes(timings.peak_memory_bytes),
    );
    match report.warnings.len() {
        0 => text += "  no warnings\n",
        count => {
            text += &format!("  {count} warning(s):\n");
            report
                .warnings
                .iter()
                .for_each(|warning| text += &format!("  - {warning}\n"));
        }
    }
    text
}
