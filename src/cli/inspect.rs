//! `tessera inspect`: every dump probed.

use clap::Args;
use serde::Serialize;

use super::{
    options::SessionArgs,
    print, print_json,
    text::{bytes, clock, table},
};
use crate::{
    dump::probe::{Depth, Probe},
    job::{DumpVerdict, JobError, Prepared, prepare},
    media::{SessionTime, Size},
    timeline::Clock,
};

/// Probe every dump of a session: container, codec, sizes, frames, keyframes, span, gaps, verdict
#[derive(Debug, Args)]
pub struct InspectArgs {
    #[command(flatten)]
    session: SessionArgs,
    /// Print everything as JSON
    #[arg(long)]
    json: bool,
}

/// One dump. Times are milliseconds since the recording began.
#[derive(Debug, Serialize)]
struct Inspected<'a> {
    #[serde(flatten)]
    verdict: &'a DumpVerdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<Found<'a>>,
}

#[derive(Debug, Serialize)]
struct Found<'a> {
    container: &'a str,
    codec: &'a str,
    bytes: u64,
    frames: u64,
    start_ms: i64,
    end_ms: i64,
    keyframes_ms: Vec<i64>,
    sizes: Vec<SizeFrom>,
    gaps: Vec<Gap>,
}

#[derive(Debug, Serialize)]
struct SizeFrom {
    at_ms: i64,
    #[serde(flatten)]
    size: Size,
}

#[derive(Debug, Serialize)]
struct Gap {
    at_ms: i64,
    length_ms: i64,
}

pub fn run(args: InspectArgs) -> Result<(), JobError> {
    let prepared = prepare(&args.session.source(), Depth::Sizes)?;
    let dumps: Vec<Inspected<'_>> = prepared
        .verdicts
        .iter()
        .map(|verdict| inspected(&prepared, verdict))
        .collect();
    if args.json {
        let value = serde_json::json!({
            "session_id": prepared.manifest.session.id,
            "started_at": prepared.timeline.origin,
            "duration_ms": prepared.timeline.end.since_start().millis(),
            "dumps": dumps,
            "warnings": prepared.warnings,
        });
        return print_json(&value);
    }
    let mut text = format!(
        "session {}, from {}, {}\n\n",
        prepared.manifest.session.id,
        prepared.timeline.origin,
        clock(prepared.timeline.end.since_start())
    );
    text += &table(&rows(&dumps));
    for warning in prepared.warnings.iter().chain(&prepared.dump_warnings()) {
        text += &format!("warning: {warning}\n");
    }
    print(&text)
}

fn inspected<'a>(prepared: &'a Prepared, verdict: &'a DumpVerdict) -> Inspected<'a> {
    let found = prepared.probes.get(&verdict.key).map(|probe| {
        let track = prepared
            .timeline
            .tracks
            .iter()
            .find(|track| track.index == verdict.key.track);
        let piece = track.and_then(|track| track.pieces.iter().find(|piece| piece.dump == verdict.key.dump));
        let nowhere = Clock::anchored(probe.stamps.time_base, 0, SessionTime::START);
        found(probe, piece.map_or(&nowhere, |piece| &piece.clock))
    });
    Inspected { verdict, found }
}

fn found<'a>(probe: &'a Probe, clock: &Clock) -> Found<'a> {
    let millis = |pts: i64| clock.session_time(pts).since_start().millis();
    let runs = &probe.stamps.runs;
    Found {
        container: &probe.container,
        codec: probe.codec.name(),
        bytes: probe.bytes,
        frames: probe.frames,
        start_ms: millis(probe.stamps.start().unwrap_or(0)),
        end_ms: millis(probe.stamps.end().unwrap_or(0)),
        keyframes_ms: probe.keyframes.iter().map(|pts| millis(*pts)).collect(),
        sizes: probe
            .sizes
            .iter()
            .map(|(pts, size)| SizeFrom {
                at_ms: millis(*pts),
                size: *size,
            })
            .collect(),
        gaps: runs
            .windows(2)
            .map(|pair| Gap {
                at_ms: millis(pair[0].1),
                length_ms: millis(pair[1].0) - millis(pair[0].1),
            })
            .collect(),
    }
}

fn rows(dumps: &[Inspected<'_>]) -> Vec<Vec<String>> {
    let heading = [
        "track",
        "dump",
        "verdict",
        "container",
        "codec",
        "size",
        "from",
        "to",
        "frames",
        "keys",
        "gaps",
        "pictures",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for dump in dumps {
        let verdict = serde_json::to_value(dump.verdict.verdict)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default();
        let mut row = vec![
            dump.verdict.track_id.to_string(),
            dump.verdict.uri.escape_default().to_string(),
            verdict,
        ];
        if let Some(found) = &dump.found {
            let sizes: Vec<String> = found.sizes.iter().map(|from| from.size.to_string()).collect();
            let at = |millis: i64| clock(crate::media::TimeDelta::from_millis(millis));
            row.extend([
                found.container.to_owned(),
                found.codec.to_owned(),
                bytes(found.bytes),
                at(found.start_ms),
                at(found.end_ms),
            ]);
            row.extend([
                found.frames.to_string(),
                found.keyframes_ms.len().to_string(),
                found.gaps.len().to_string(),
                sizes.join(" "),
            ]);
        }
        rows.push(row);
    }
    rows
}
