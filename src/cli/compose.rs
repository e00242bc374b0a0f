//! `tessera compose`: a local run, no queue and no bucket.

use std::{path::PathBuf, sync::Arc, thread};

use clap::Args;

use super::{
    options::{RecordingArgs, SessionArgs, fonts, parse_time},
    print, print_json, progress,
    text::{bytes, clock},
};
use crate::{
    job::{self, ComposeRequest, FrameRequest, JobError, Report},
    media::SessionTime,
};

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
    /// Folder of fonts for names and titles [default: $TESSERA_FONTS, or else the system's]
    #[arg(long, value_name = "DIR")]
    fonts: Option<PathBuf>,
    /// Threads to render with [default: one per core]; the result is the same with any number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Draw only the frame at this time of the recording (seconds, or [h:]mm:ss), as a PNG
    #[arg(long, num_args = 2, value_names = ["TIME", "FILE"], conflicts_with_all = ["out", "jobs", "json"])]
    frame_at: Option<Vec<String>>,
    /// Print the report as JSON instead of a summary
    #[arg(long)]
    json: bool,
}

pub fn run(args: ComposeArgs) -> Result<(), JobError> {
    match args.frame_at.as_deref() {
        Some([at, out]) => {
            let (at, out) = (frame_time(at), picture_path(out));
            frame(args, at, out)
        }
        Some(_) | None => recording(args),
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn frame_time(text: &str) -> SessionTime {
    parse_time(text).unwrap_or_else(|error| {
        let message = format!("invalid value for '--frame-at <TIME> <FILE>': {error}\n");
        clap::Error::raw(clap::error::ErrorKind::ValueValidation, message).exit()
    })
}

fn picture_path(text: &str) -> PathBuf {
    let path = PathBuf::from(text);
    if path
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("png"))
    {
        return path;
    }
    let message = format!("invalid value '{text}' for '--frame-at <TIME> <FILE>': a frame is a PNG: name it .png\n");
    clap::Error::raw(clap::error::ErrorKind::ValueValidation, message).exit()
}

fn frame(args: ComposeArgs, at: SessionTime, out: PathBuf) -> Result<(), JobError> {
    let warnings = job::compose_frame(&FrameRequest {
        source: args.session.source(),
        request: args.recording.request()?,
        at,
        out: out.clone(),
        fonts: fonts(args.fonts)?,
        threads: cores(),
    })?;
    let warnings: String = warnings.iter().map(|warning| format!("warning: {warning}\n")).collect();
    print(&format!("{}\n{warnings}", out.display()))
}

fn recording(args: ComposeArgs) -> Result<(), JobError> {
    let threads = args.jobs.map_or_else(cores, usize::from);
    let request = ComposeRequest {
        source: args.session.source(),
        request: args.recording.request()?,
        out: args.out,
        fonts: fonts(args.fonts)?,
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
