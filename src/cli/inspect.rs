//! `tessera inspect`: every dump probed.

use clap::Args;
use serde::Serialize;

use super::{
    options::SessionArgs,
    print, print_json,
    text::{bytes, clock, table},
};
use crate::{
    dump::{
        Transport,
        probe::{Depth, Probe},
    },
    job::{DumpVerdict, JobError, Prepared, prepare},
    media::{SessionTime, Size, TimeDelta},
    timeline::{Clock, DumpCertificate, Outcome, SyncCertificate},
};

/// Probe every dump of a session: codec, sizes, frames, keyframes, gaps, packet loss, anchor, drift, verdict
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
    /// What the network did; packet dumps only.
    #[serde(skip_serializing_if = "Option::is_none")]
    transport: Option<Transport>,
    /// How the dump was placed on the session clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    sync: Option<&'a DumpCertificate>,
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
            "sync": overall(&prepared),
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
    text += &format!("\n{}\n", table(&sync_rows(&dumps)));
    text += &format!("{}\n", certificate_line(&prepared.timeline.certificate));
    let packets = transport_rows(&dumps);
    if packets.len() > 1 {
        text += &format!("\n{}\n", table(&packets));
    }
    for warning in prepared.warnings.iter().chain(&prepared.dump_warnings()) {
        text += &format!("warning: {warning}\n");
    }
    print(&text)
}

/// The certificate without its dumps, which are told one by one.
fn overall(prepared: &Prepared) -> serde_json::Value {
    let certificate = &prepared.timeline.certificate;
    serde_json::json!({
        "worst_anchor": certificate.worst_anchor,
        "worst_offset_ms": certificate.worst_offset.nanos() as f64 / 1e6,
        "worst_residual_ms": certificate.worst_residual.nanos() as f64 / 1e6,
    })
}

fn certificate_line(certificate: &SyncCertificate) -> String {
    match certificate.worst_anchor {
        Some(anchor) => format!(
            "every dump within {} of its place; weakest anchor: {anchor}",
            tenths(certificate.worst_offset)
        ),
        None => "no dump could be placed".to_owned(),
    }
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
        let mut found = found(probe, piece.map_or(&nowhere, |piece| &piece.clock));
        let places = prepared.timeline.certificate.dumps.iter();
        found.sync = places
            .into_iter()
            .find(|sync| sync.track == verdict.key.track && sync.dump == verdict.key.dump);
        found
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
        transport: probe.transport,
        sync: None,
    }
}

fn sync_rows(dumps: &[Inspected<'_>]) -> Vec<Vec<String>> {
    let heading = [
        "track",
        "anchor",
        "others say",
        "drift ppm",
        "residual p50/p95/max",
        "reports",
        "clock steps",
        "restarts",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for sync in dumps.iter().filter_map(|dump| dump.found.as_ref()?.sync) {
        let others = sync.rungs.iter().filter(|rung| rung.outcome != Outcome::Used);
        let others: Vec<String> = others
            .map(|rung| format!("{} {} ({})", rung.rung, tenths(rung.offset), rung.outcome))
            .collect();
        let steps: Vec<String> = sync
            .steps
            .iter()
            .map(|step| format!("{} at {}", tenths(step.size), clock(step.at.since_start())))
            .collect();
        let residual = &sync.residual;
        rows.push(vec![
            sync.track_id.to_string(),
            sync.anchor.to_string(),
            others.join(", "),
            format!("{:.1}", sync.drift_ppb as f64 / 1e3),
            format!(
                "{}/{}/{}",
                tenths(residual.p50),
                tenths(residual.p95),
                tenths(residual.max)
            ),
            format!(
                "{} used, {} rejected",
                sync.sender_reports.used, sync.sender_reports.rejected
            ),
            if steps.is_empty() {
                "none".to_owned()
            } else {
                steps.join(", ")
            },
            sync.epochs.saturating_sub(1).to_string(),
        ]);
    }
    rows
}

fn transport_rows(dumps: &[Inspected<'_>]) -> Vec<Vec<String>> {
    let heading = [
        "track",
        "packets",
        "lost",
        "reordered",
        "sent again",
        "duplicates",
        "withheld",
        "concealed",
        "codec changes",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for (dump, found) in dumps.iter().filter_map(|dump| Some((dump, dump.found.as_ref()?))) {
        let Some(seen) = found.transport else { continue };
        let counts = [
            seen.packets,
            seen.lost,
            seen.reordered,
            seen.retransmitted,
            seen.duplicates,
            seen.withheld,
            seen.concealed,
            seen.codec_changes,
        ];
        rows.push(
            std::iter::once(dump.verdict.track_id.to_string())
                .chain(counts.map(|count| count.to_string()))
                .collect(),
        );
    }
    rows
}

/// `-12.3 ms`
fn tenths(delta: TimeDelta) -> String {
    format!("{:.1} ms", delta.nanos() as f64 / 1e6)
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
            let at = |millis: i64| clock(TimeDelta::from_millis(millis));
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
