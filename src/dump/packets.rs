//! Packet dumps as a source of packets for a decoder: whose format it is, which codec, and then frame by frame.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader},
    path::Path,
};

use bytes::Bytes;

use super::{
    DumpError, Transport,
    mjr::MjrReader,
    record::{Content, End, Record},
    rtcp,
    rtp::{self, Facts, Frame, RtpPacket, Stream, StreamSettings},
    rtpdump::RtpdumpReader,
};
use crate::{
    av::{Packet, StreamParameters},
    media::{Codec, Kind, WallTime},
    session::SenderReport,
};

/// Looking at so many packets tells which payload type is the track's.
const LOOKED_AT: usize = 256;

/// A day of them, at one a second: more tell nothing new.
const MOST_REPORTS: usize = 86_400;

/// The two formats of packet dumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketFormat {
    Mjr,
    Rtpdump,
}

/// An open packet dump.
pub struct PacketReader {
    format: PacketFormat,
    source: Source,
    stream: Stream,
    orientation: Option<u8>,
    parameters: StreamParameters,
    /// Sender reports by their source.
    reports: Vec<(u32, SenderReport)>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Reading,
    Ended,
}

enum Source {
    Mjr(MjrReader<BufReader<File>>),
    Rtpdump(RtpdumpReader<BufReader<File>>),
}

impl PacketReader {
    /// `promised` is the codec that the manifest names; a dump that names another one itself is believed.
    pub fn open(
        path: &Path,
        format: PacketFormat,
        kind: Kind,
        promised: Option<Codec>,
    ) -> Result<PacketReader, DumpError> {
        let (settings, orientation) = look_at(Source::open(path, format)?, kind, promised)?;
        let stream =
            Stream::new(settings).ok_or_else(|| DumpError::NoPayloadFormat(settings.codec.name().to_owned()))?;
        Ok(PacketReader {
            format,
            source: Source::open(path, format)?,
            stream,
            orientation,
            parameters: StreamParameters::for_codec(settings.codec, rtp::time_base(settings.codec)),
            reports: Vec::new(),
            state: State::Reading,
        })
    }

    /// Chooses a decoder that conceals losses if there are any: it is the slower one.
    pub fn expect(&mut self, transport: Transport) {
        if transport.concealed > 0 {
            self.parameters = self.parameters.clone().with_losses();
        }
    }

    pub fn container(&self) -> &'static str {
        match self.format {
            PacketFormat::Mjr => "mjr",
            PacketFormat::Rtpdump => "rtpdump",
        }
    }

    /// Of the last packet read: the codec may change on the way.
    pub fn parameters(&self) -> &StreamParameters {
        &self.parameters
    }

    /// The next frame in decoding order; `None` at the end.
    pub fn read(&mut self) -> io::Result<Option<Packet>> {
        loop {
            if let Some(frame) = self.stream.pop() {
                if frame.codec != self.parameters.codec() {
                    self.parameters = StreamParameters::for_codec(frame.codec, rtp::time_base(frame.codec));
                }
                return Ok(Some(packet(&frame)));
            }
            if self.state == State::Ended {
                return Ok(None);
            }
            match self.source.read()? {
                Some(Record {
                    after,
                    content: Content::Rtp(bytes),
                }) => {
                    self.stream.push(RtpPacket::parse(bytes, after, self.orientation));
                }
                Some(Record {
                    content: Content::Rtcp(bytes),
                    ..
                }) => self.note_reports(&bytes),
                None => {
                    self.stream.finish();
                    self.state = State::Ended;
                }
            }
        }
    }

    /// What the packets said beside their frames; whole once all were read.
    pub fn facts(&self) -> Facts {
        self.stream.facts(self.source.since())
    }

    /// The reports that the track's own sources sent, as far as the dump holds them.
    pub fn sender_reports(&self) -> Vec<SenderReport> {
        let own = self
            .reports
            .iter()
            .filter(|(source, _)| self.stream.sources().contains(source));
        own.map(|(_, report)| *report).collect()
    }

    fn note_reports(&mut self, bytes: &[u8]) {
        let room = MOST_REPORTS.saturating_sub(self.reports.len());
        self.reports.extend(rtcp::sender_reports(bytes).into_iter().take(room));
    }

    /// What is wrong with the file but can be lived with.
    pub fn remark(&self) -> Option<&'static str> {
        self.source.end().remark()
    }
}

fn packet(frame: &Frame) -> Packet {
    Packet::new(&frame.data, frame.pts, frame.importance)
        .lasting(frame.duration)
        .turned(frame.rotation)
}

impl Source {
    fn open(path: &Path, format: PacketFormat) -> Result<Source, DumpError> {
        let input = BufReader::with_capacity(1 << 16, File::open(path)?);
        Ok(match format {
            PacketFormat::Mjr => Source::Mjr(MjrReader::open(input)?),
            PacketFormat::Rtpdump => Source::Rtpdump(RtpdumpReader::open(input)?),
        })
    }

    fn read(&mut self) -> io::Result<Option<Record>> {
        match self {
            Source::Mjr(reader) => reader.read(),
            Source::Rtpdump(reader) => reader.read(),
        }
    }

    /// What the records' times of receipt count from.
    fn since(&self) -> Option<WallTime> {
        match self {
            Source::Mjr(reader) => reader.header().first_packet,
            Source::Rtpdump(reader) => reader.started_at(),
        }
    }

    fn end(&self) -> End {
        match self {
            Source::Mjr(reader) => reader.end(),
            Source::Rtpdump(reader) => reader.end(),
        }
    }
}

/// Finds out what the dump holds from its header and its first packets.
fn look_at(mut source: Source, kind: Kind, promised: Option<Codec>) -> Result<(StreamSettings, Option<u8>), DumpError> {
    let (mut named, mut orientation, mut red) = (None, None, None);
    if let Source::Mjr(reader) = &source {
        let header = reader.header();
        if header.kind != kind {
            return Err(DumpError::WrongKind {
                found: header.kind,
                expected: kind,
            });
        }
        if let (Some(name), None) = (&header.codec_name, header.codec()) {
            return Err(DumpError::NoPayloadFormat(name.chars().take(32).collect()));
        }
        (named, orientation, red) = (header.codec(), header.orientation, header.red);
    }
    let payloads = first_payloads(&mut source)?;
    let settings = rtp::settings(&payloads, named.or(promised), red).ok_or(DumpError::UnknownCodec)?;
    if settings.codec.kind() != kind {
        return Err(DumpError::WrongKind {
            found: settings.codec.kind(),
            expected: kind,
        });
    }
    Ok((settings, orientation))
}

/// The first payloads by payload type.
fn first_payloads(source: &mut Source) -> io::Result<BTreeMap<u8, Vec<Bytes>>> {
    let mut found: BTreeMap<u8, Vec<Bytes>> = BTreeMap::new();
    for _ in 0..LOOKED_AT {
        let Some(record) = source.read()? else { break };
        let Content::Rtp(bytes) = record.content else { continue };
        if let Some(packet) = RtpPacket::parse(bytes, None, None).filter(|packet| !packet.payload.is_empty()) {
            found.entry(packet.payload_type).or_default().push(packet.payload);
        }
    }
    Ok(found)
}
