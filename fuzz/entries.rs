//! What the fuzz targets do with their input, and `tests/corpus.rs` with every file of the corpus: it must not panic,
//! and what comes out must stay in proportion to what went in.

use std::collections::BTreeMap;

use bytes::Bytes;
use tessera::{
    dump::{
        mjr::MjrReader,
        record::{Content, Record},
        rtcp,
        rtp::{self, Frame, RtpPacket, Stream, StreamSettings},
        rtpdump::RtpdumpReader,
    },
    media::{
        Break, Codec, Kind, Receipt, Receipts, Rotation, RtpEpoch, SessionTime, Spans, Stamps, TimeDelta, WallTime,
    },
    session::{self, Manifest, SenderReport},
    timeline::{self, DumpInput, Timeline},
};

/// A packet lets no more time go by than this beyond what times of receipt say.
const LONGEST_STEP: TimeDelta = TimeDelta::from_seconds(601);

/// A Janus dump: its records, and its packets turned into frames.
pub fn mjr(input: &[u8]) {
    let Ok(mut reader) = MjrReader::open(input) else { return };
    let records = all_records(|| reader.read().expect("memory can be read"));
    assert!(records.len() * 10 <= input.len(), "more records than there is room for");
    let header = reader.header();
    let usual = match header.kind {
        Kind::Audio => Codec::Opus,
        Kind::Video => Codec::Vp8,
    };
    let codec = header.codec().unwrap_or(usual);
    play(&records, codec, header.red, header.orientation, header.first_packet);
}

/// A dump of rtptools; the codec, which only a manifest knows, goes by the length of the input.
pub fn rtpdump(input: &[u8]) {
    let Ok(mut reader) = RtpdumpReader::open(input) else {
        return;
    };
    let records = all_records(|| reader.read().expect("memory can be read"));
    assert!(records.len() * 8 <= input.len(), "more records than there is room for");
    let codec = Codec::ALL[input.len() % Codec::ALL.len()];
    play(&records, codec, None, Some(13), reader.started_at());
}

/// A stream of packets in a shorthand that makes plausible and implausible sequences equally easy:
/// one byte for codec and settings; then for each packet flags, the steps of its sequence number, of its timestamp (in
/// milliseconds) and of its time of receipt (likewise), the length of its payload, and the payload.
pub fn rtp(input: &[u8]) {
    let Some((&first, rest)) = input.split_first() else {
        return;
    };
    let settings = StreamSettings {
        codec: Codec::ALL[usize::from(first & 7) % Codec::ALL.len()],
        payload_type: 96,
        red: (first & 8 != 0).then_some(97),
    };
    let mut script = Script {
        bytes: rest,
        timed: first & 16 != 0,
        units_per_milli: if settings.codec == Codec::Opus { 48 } else { 90 },
        sequence: 65_530,
        timestamp: u32::MAX - 90_000,
        after: 0,
    };
    follow(settings, None, || script.next());
}

/// A manifest, and if it can be used, its timeline. What follows a NUL byte says which frames its dumps hold.
pub fn manifest(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == 0);
    let text = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let parsed = match session::parse(&text) {
        Ok(parsed) => parsed,
        Err(error) => {
            assert!(!error.faults.is_empty(), "refused without a reason");
            assert!(error.to_string().len() <= 1000 + 20 * text.len() * text.len().min(100));
            return;
        }
    };
    let manifest = parsed.manifest;
    let written = serde_json::to_string(&manifest).expect("a manifest can be written");
    let again = session::parse(&written).expect("a manifest that was taken is taken again");
    assert_eq!(again.manifest, manifest);

    let mut bytes = parts.next().unwrap_or_default();
    let mut found = Vec::new();
    for (track, described) in manifest.tracks.iter().enumerate() {
        for dump in 0..described.dumps.len() {
            found.push((track, dump, some_stamps(&mut bytes, described.kind)));
        }
    }
    let inputs = found.iter().map(|(track, dump, (stamps, sender_reports))| DumpInput {
        track: *track,
        dump: *dump,
        stamps,
        sender_reports,
    });
    let inputs: Vec<DumpInput<'_>> = inputs.collect();
    let timeline = timeline::build(&manifest, &inputs);
    check_timeline(&timeline, &manifest, &inputs);
}

fn all_records(mut read: impl FnMut() -> Option<Record>) -> Vec<Record> {
    let records = std::iter::from_fn(&mut read).collect();
    assert_eq!(read(), None, "the end was not the end");
    records
}

/// What the packet reader does with a file.
fn play(records: &[Record], codec: Codec, red: Option<u8>, orientation: Option<u8>, since: Option<WallTime>) {
    let packets = records.iter().filter_map(|record| match &record.content {
        Content::Rtp(bytes) => Some(RtpPacket::parse(bytes.clone(), record.after, orientation)),
        Content::Rtcp(bytes) => {
            let reports = rtcp::sender_reports(bytes);
            assert!(reports.len() * 20 <= bytes.len(), "more reports than there is room for");
            None
        }
    });
    let mut payloads: BTreeMap<u8, Vec<Bytes>> = BTreeMap::new();
    for packet in packets.clone().flatten().filter(|packet| !packet.payload.is_empty()) {
        payloads.entry(packet.payload_type).or_default().push(packet.payload);
    }
    let Some(settings) = rtp::settings(&payloads, Some(codec), red) else {
        return;
    };
    let mut packets = packets;
    follow(settings, since, || packets.next());
}

/// What went into a stream so far.
#[derive(Default)]
struct Pushed {
    packets: u64,
    bytes: u64,
    earliest: TimeDelta,
    latest: TimeDelta,
}

/// What came out of it.
#[derive(Default)]
struct Popped {
    frames: u64,
    bytes: u64,
    first: Option<i64>,
    last: Option<i64>,
}

/// Follows packets to the end of their stream, and holds what comes out against what went in.
fn follow(settings: StreamSettings, since: Option<WallTime>, mut next: impl FnMut() -> Option<Option<RtpPacket>>) {
    let Some(mut stream) = Stream::new(settings) else {
        return;
    };
    let (mut pushed, mut popped) = (Pushed::default(), Popped::default());
    while let Some(packet) = next() {
        pushed.note(packet.as_ref());
        stream.push(packet);
        std::iter::from_fn(|| stream.pop()).for_each(|frame| popped.note(&frame, settings.codec));
    }
    stream.finish();
    std::iter::from_fn(|| stream.pop()).for_each(|frame| popped.note(&frame, settings.codec));
    let (packets, facts) = (pushed.packets, stream.facts(since));

    // of sound, a packet can bring five that conceal a loss, and copies of at least one byte each
    assert!(
        popped.frames <= 6 * packets + pushed.bytes,
        "{} frames of {packets} packets",
        popped.frames
    );
    // parameter sets of two times 4 KiB may be repeated; units get longer marks of where they begin
    assert!(
        popped.bytes <= 4 * pushed.bytes + 8300 * popped.frames,
        "{} bytes of {}",
        popped.bytes,
        pushed.bytes
    );
    let step = pushed.latest - pushed.earliest + LONGEST_STEP;
    let most_units = i128::from(packets + 1) * i128::from(rtp::time_base(settings.codec).units(step));
    let length = i128::from(popped.last.unwrap_or(0)) - i128::from(popped.first.unwrap_or(0));
    assert!(length <= most_units, "longer than packets and times of receipt allow");

    let counts = facts.transport;
    for count in [
        counts.reordered,
        counts.retransmitted,
        counts.duplicates + counts.too_late + counts.foreign + counts.absurd,
        counts.restarts,
        counts.ssrc_changes,
        counts.codec_changes,
        counts.withheld,
        facts.withheld.len() as u64,
        facts.receipts.points.len() as u64,
        facts.receipts.breaks.len() as u64,
        facts.receipts.epochs.len() as u64,
    ] {
        assert!(count <= packets, "more of it than packets: {counts:?}");
    }
    assert!(counts.lost <= packets << 16, "{counts:?}");
    assert!(counts.concealed <= 5 * packets, "{counts:?}");
    assert!(counts.recovered <= pushed.bytes, "{counts:?}");
}

impl Pushed {
    fn note(&mut self, packet: Option<&RtpPacket>) {
        self.packets += 1;
        let Some(packet) = packet else { return };
        self.bytes += packet.payload.len() as u64;
        let after = packet.after.unwrap_or(TimeDelta::ZERO);
        (self.earliest, self.latest) = (self.earliest.min(after), self.latest.max(after));
    }
}

impl Popped {
    fn note(&mut self, frame: &Frame, codec: Codec) {
        self.frames += 1;
        self.bytes += frame.data.len() as u64;
        assert!(frame.duration >= 0);
        // H.264 alone may be shown in another order than it is sent
        let falls = self.last.is_some_and(|last| frame.pts < last);
        assert!(codec == Codec::H264 || !falls, "time runs backwards");
        self.first = self.first.or(Some(frame.pts));
        self.last = self.last.max(Some(frame.pts));
    }
}

/// Reads the shorthand of [`rtp`].
struct Script<'a> {
    bytes: &'a [u8],
    timed: bool,
    units_per_milli: u32,
    sequence: u16,
    timestamp: u32,
    after: i64,
}

impl Script<'_> {
    fn next(&mut self) -> Option<Option<RtpPacket>> {
        let &[flags, sequence, timestamp, after, length, ..] = self.bytes else {
            return None;
        };
        let payload = &self.bytes[5..];
        let payload = &payload[..payload.len().min(usize::from(length))];
        self.bytes = &self.bytes[5 + payload.len()..];

        let is = |flag: u8| flags & flag != 0;
        // the wide steps reach every number, the narrow ones what a network does
        let wide = |step: u8, shift: u32| i64::from(step as i8) << if is(1) { shift } else { 0 };
        self.sequence = self.sequence.wrapping_add(wide(sequence, 8) as u16);
        let units = wide(timestamp, 14) * i64::from(self.units_per_milli);
        self.timestamp = self.timestamp.wrapping_add(units as u32);
        self.after = (self.after + wide(after, 16)).clamp(0, i64::from(u32::MAX));
        let after = self.timed.then_some(TimeDelta::from_millis(self.after));
        let payload = Bytes::copy_from_slice(payload);
        if is(2) {
            return Some(RtpPacket::parse(payload, after, Some(13)));
        }
        Some(Some(RtpPacket {
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: if is(4) { 8 } else { 7 },
            payload_type: 96 + (flags >> 4 & 3),
            marker: is(8),
            payload,
            rotation: is(64).then(|| Rotation::from_video_orientation(flags >> 6)),
            after: if is(128) { None } else { after },
        }))
    }
}

/// Takes a dump's frames, and what was seen of its clock, from `bytes`.
fn some_stamps(bytes: &mut &[u8], kind: Kind) -> (Stamps, Vec<SenderReport>) {
    let mut take = || {
        let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
        *bytes = rest;
        *first
    };
    let codec = if kind == Kind::Audio { Codec::Opus } else { Codec::Vp8 };
    let time_base = rtp::time_base(codec);
    let mut step = |most: u32| i64::from(take()) << (take() % most as u8);
    let counts = [step(1) & 7, step(1), step(1) & 3];
    let start = step(40);
    let (mut pts, mut runs) = (start, Vec::new());
    for _ in 0..counts[0] {
        let (gap, length) = (step(28) + 1, step(28) + 1);
        runs.push((pts + gap, pts + gap + length));
        pts += gap + length;
    }
    let (mut seen, mut points, mut breaks, mut epochs) = (start, Vec::new(), Vec::new(), Vec::new());
    let mut after = 0;
    for index in 0..counts[1] {
        (seen, after) = (seen + step(24), after + step(24) + 1);
        let point = Receipt {
            pts: seen,
            after: TimeDelta::from_millis(after),
        };
        if index == 0 || after % 7 == 0 {
            let rtp = step(32) as u32;
            epochs.push(RtpEpoch { pts: seen, rtp });
        }
        if let Some(before) = points.last().copied().filter(|_| after % 3 == 0) {
            breaks.push(Break { before, after: point });
        }
        points.push(point);
    }
    let wall_time = |nanos: i64| WallTime::from_unix_nanos(1_795_168_800_000_000_000_i64.saturating_add(nanos));
    let reports = (0..counts[2]).map(|_| SenderReport {
        ntp: wall_time(step(56)),
        rtp: step(32) as u32,
    });
    let reports: Vec<SenderReport> = reports.collect();
    let since = (!points.is_empty()).then(|| wall_time(step(56)));
    let mut frames: Vec<i64> = runs.iter().flat_map(|run| [run.0, run.1 - 1]).collect();
    frames.dedup();
    frames.retain(|_| kind == Kind::Video);
    let stamps = Stamps {
        time_base,
        first_decodable: frames.first().copied(),
        frames,
        runs,
        receipts: Receipts {
            since,
            points,
            breaks,
            epochs,
        },
    };
    (stamps, reports)
}

fn check_timeline(timeline: &Timeline, manifest: &Manifest, dumps: &[DumpInput<'_>]) {
    let runs: usize = dumps.iter().map(|dump| dump.stamps.runs.len()).sum();
    // the clock's steps cut runs
    let steps: usize = timeline.certificate.dumps.iter().map(|dump| dump.steps.len()).sum();
    assert!(timeline.tracks.len() <= manifest.tracks.len());
    assert_eq!(timeline.certificate.dumps.len(), dumps.len());
    assert!(timeline.end >= SessionTime::START);
    let is_within = |spans: &Spans| {
        let mut ends = spans.iter();
        ends.all(|span| span.start >= SessionTime::START && span.end <= timeline.end)
    };
    assert!(is_within(&timeline.recorded));
    for track in &timeline.tracks {
        // each stretch cuts at most one of another dump in two
        assert!(track.pieces.len() <= 2 * (runs + steps) * dumps.len().max(1));
        assert!(is_within(&track.live));
        let spans = || track.pieces.iter().map(|piece| piece.span);
        assert!(spans().all(|span| !span.is_empty()));
        assert!(spans().zip(spans().skip(1)).all(|(one, next)| one.end <= next.start));
        assert!(track.live.subtract(&Spans::union(spans())).is_empty());
    }
}
