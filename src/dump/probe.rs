//! What a dump holds, found by reading it once without decoding: codec, frames, keyframes, holes, faults.

use std::{collections::BTreeMap, fs, io, path::Path};

use super::{DumpError, Reader, Transport, rtp::Facts};
use crate::{
    av::{AudioDecoder, Packet, StreamParameters, VideoDecoder},
    media::{Codec, Kind, Sha256Writer, Size, Stamps, TimeBase, TimeDelta},
    session::{Dump, SenderReport},
};

/// Holes in sound shorter than this are rounding of timestamps, not silence.
const SOUND_SLACK: TimeDelta = TimeDelta::from_millis(5);
/// No packet of sound is longer, whatever it says.
const LONGEST_PACKET: TimeDelta = TimeDelta::from_seconds(1);
/// A picture is followed by the next within this time, or there is a hole.
const PICTURE_SLACK: TimeDelta = TimeDelta::from_millis(1000);
/// A header that claims more than this claims nothing.
const LONGEST_CLAIM: TimeDelta = TimeDelta::from_seconds(7 * 24 * 3600);
/// A file that ends this much before its own header's claim was cut off.
const CUT_OFF: TimeDelta = TimeDelta::from_millis(1000);

/// The usable dumps of a session.
pub type Probes = BTreeMap<DumpKey, Probe>;

/// Which dump of a manifest: indices of the track and of the dump within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DumpKey {
    pub track: usize,
    pub dump: usize,
}

/// A dump that can be used, as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// FFmpeg's name of the container.
    pub container: String,
    pub codec: Codec,
    pub kind: Kind,
    pub bytes: u64,
    pub stamps: Stamps,
    /// Timestamps of keyframes; every packet of sound is one, so for sound it stays empty.
    pub keyframes: Vec<i64>,
    /// How many frames (video) or packets (audio).
    pub frames: u64,
    pub channels: u32,
    /// Changes of the coded size, from this timestamp on; the first one only, unless looked at with [`Depth::Sizes`].
    pub sizes: Vec<(i64, Size)>,
    /// What happened to the packets; containers do not know.
    pub transport: Option<Transport>,
    /// Reports that the dump itself holds, beside those that the manifest may know.
    pub sender_reports: Vec<SenderReport>,
    /// What is wrong but can be lived with.
    pub remarks: Vec<String>,
}

/// How closely to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Timestamps, and whether decoding can begin: enough to plan.
    Packets,
    /// Every keyframe is decoded, to tell sizes over time.
    Sizes,
}

/// The end of a dump as the wall clock knows it, relative to its own time zero.
fn promised_length(dump: &Dump) -> Option<TimeDelta> {
    Some(dump.ended_at? - dump.started_at?)
}

/// Reads the dump at `path` from end to end.
///
/// `codec` is what the manifest promises.
pub fn probe(path: &Path, dump: &Dump, kind: Kind, codec: Option<Codec>, depth: Depth) -> Result<Probe, DumpError> {
    if let Some(expected) = &dump.sha256 {
        verify_checksum(path, expected)?;
    }
    let mut reader = Reader::open(path, dump.format.as_deref(), kind, codec)?;
    let parameters = reader.parameters().clone();
    let mut scan = Scan::new(kind, parameters.time_base(), depth);
    loop {
        match reader.read() {
            Ok(Some(packet)) => scan.take(&packet, reader.parameters()),
            Ok(None) => break,
            Err(error) => {
                scan.remarks.push(format!("cannot be read to its end ({error})"));
                break;
            }
        }
    }
    let claimed = reader.claimed_end().map(|end| parameters.time_base().delta(end));
    let claimed = claimed.filter(|claimed| *claimed <= LONGEST_CLAIM);
    let facts = reader.facts();
    let stamps = scan.stamps(facts.as_ref());
    let usable = stamps.start().is_some() && stamps.first_decodable.is_some();
    if !usable {
        return Err(DumpError::NoFrames(kind));
    }
    let mut remarks = scan.remarks;
    remarks.extend(reader.remark());
    let end = parameters.time_base().delta(stamps.end().unwrap_or(0));
    if let Some(promised) = claimed
        .max(promised_length(dump))
        .filter(|promised| *promised - end > CUT_OFF)
    {
        remarks.push(format!(
            "ends {} before the end it promises: it was cut off",
            promised - end
        ));
    }
    Ok(Probe {
        container: reader.container(),
        codec: parameters.codec(),
        kind,
        bytes: path.metadata()?.len(),
        stamps,
        keyframes: scan.keyframes,
        frames: scan.frames,
        channels: facts.as_ref().map_or(parameters.channels(), |facts| facts.channels),
        sizes: scan.sizes,
        transport: facts.map(|facts| facts.transport),
        sender_reports: reader.sender_reports(),
        remarks,
    })
}

/// What is gathered while the packets go by.
struct Scan {
    kind: Kind,
    time_base: TimeBase,
    depth: Depth,
    frames: u64,
    stamps: Vec<i64>,
    runs: Vec<(i64, i64)>,
    keyframes: Vec<i64>,
    first_key: Option<i64>,
    sizes: Vec<(i64, Size)>,
    remarks: Vec<String>,
}

impl Scan {
    fn new(kind: Kind, time_base: TimeBase, depth: Depth) -> Scan {
        let (stamps, runs, keyframes, sizes, remarks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Scan {
            kind,
            time_base,
            depth,
            frames: 0,
            stamps,
            runs,
            keyframes,
            first_key: None,
            sizes,
            remarks,
        }
    }

    fn take(&mut self, packet: &Packet, parameters: &StreamParameters) {
        let Some(pts) = packet.pts().filter(|_| !packet.data().is_empty()) else {
            return;
        };
        self.frames += 1;
        match self.kind {
            Kind::Audio => {
                if self.first_key.is_none() && is_sound(packet, parameters) {
                    self.first_key = Some(pts);
                }
                let length = packet.duration().clamp(0, self.time_base.units(LONGEST_PACKET));
                self.extend_run(pts, pts.saturating_add(length));
            }
            Kind::Video => {
                if packet.is_key() {
                    self.keyframes.push(pts);
                    self.take_keyframe(pts, packet, parameters);
                }
                self.stamps.push(pts);
            }
        }
    }

    /// Keyframes are decoded until one can be: a flag in a container is only a promise.
    fn take_keyframe(&mut self, pts: i64, packet: &Packet, parameters: &StreamParameters) {
        if self.first_key.is_some() && self.depth == Depth::Packets {
            return;
        }
        if let Some(size) = decoded_size(packet, parameters) {
            self.first_key = self.first_key.or(Some(pts));
            self.note_size(pts, size);
        }
    }

    /// Sound: packets that follow on each other are one run.
    fn extend_run(&mut self, start: i64, end: i64) {
        let slack = self.time_base.units(SOUND_SLACK).max(1);
        match self.runs.last_mut() {
            Some(run) if start <= run.1.saturating_add(slack) && start >= run.0 => run.1 = run.1.max(end),
            _ => self.runs.push((start, end)),
        }
    }

    fn note_size(&mut self, pts: i64, size: Size) {
        if self.sizes.last().is_none_or(|last| last.1 != size) {
            self.sizes.push((pts, size));
        }
    }

    fn stamps(&mut self, facts: Option<&Facts>) -> Stamps {
        let mut stamps = Stamps {
            time_base: self.time_base,
            frames: std::mem::take(&mut self.stamps),
            runs: std::mem::take(&mut self.runs),
            first_decodable: self.first_key,
            receipts: facts.map(|facts| facts.receipts.clone()).unwrap_or_default(),
        };
        stamps.frames.sort_unstable();
        stamps.frames.dedup();
        match self.kind {
            Kind::Audio => stamps.runs.sort_unstable(),
            Kind::Video => stamps.runs = self.runs_of_pictures(&stamps, facts),
        }
        stamps
    }

    /// Pictures that came and cannot be decoded still show that the sender was there.
    fn runs_of_pictures(&self, stamps: &Stamps, facts: Option<&Facts>) -> Vec<(i64, i64)> {
        let withheld = facts.map_or(&[][..], |facts| &facts.withheld);
        let mut all: Vec<i64> = stamps.frames.iter().chain(withheld).copied().collect();
        all.sort_unstable();
        let (slack, interval) = (self.time_base.units(PICTURE_SLACK).max(1), stamps.usual_interval());
        let mut runs: Vec<(i64, i64)> = Vec::new();
        for pts in all {
            match runs.last_mut() {
                Some(run) if pts <= run.1.saturating_add(slack) => run.1 = pts.saturating_add(interval),
                _ => runs.push((pts, pts.saturating_add(interval))),
            }
        }
        runs
    }
}

/// Whether a decoder of its own takes the packet for sound; the very first frames may only fill its buffers.
fn is_sound(packet: &Packet, parameters: &StreamParameters) -> bool {
    AudioDecoder::open(parameters).is_ok_and(|mut decoder| decoder.send(packet).is_ok())
}

fn decoded_size(packet: &Packet, parameters: &StreamParameters) -> Option<Size> {
    let mut decoder = VideoDecoder::open(parameters).ok()?;
    decoder.send(packet).ok()?;
    decoder.send_end().ok()?;
    Some(packet.rotation().upright(decoder.receive().ok()??.size()))
}

fn verify_checksum(path: &Path, expected: &str) -> Result<(), DumpError> {
    let mut sum = Sha256Writer::default();
    io::copy(&mut fs::File::open(path)?, &mut sum)?;
    let found = sum.finish();
    if found.eq_ignore_ascii_case(expected) {
        Ok(())
    } else {
        Err(DumpError::Checksum {
            expected: expected.to_owned(),
            found,
        })
    }
}
