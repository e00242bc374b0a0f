//! The packets of one dump, in file order, whatever kind of file it is.

use std::path::Path;

use super::{
    DumpError,
    mend::Mender,
    packets::{PacketFormat, PacketReader},
    probe::Probe,
    rtp::Facts,
};
use crate::{
    av::{AvError, Demuxer, Packet, StreamParameters},
    media::{Codec, Kind},
    session::SenderReport,
};

/// An open dump. One more kind of file is one more variant.
pub enum Reader {
    Container(Box<ContainerReader>),
    Packets(Box<PacketReader>),
}

/// A container's packets, with timestamps that can be.
pub struct ContainerReader {
    demuxer: Demuxer,
    mender: Mender,
    end: End,
}

/// How a container ended; what was held back until then is still to be handed out.
enum End {
    NotYet,
    Whole,
    Failed(AvError),
}

impl Reader {
    /// `codec` is what the manifest promises: needed where a packet dump does not say it itself.
    pub fn open(path: &Path, format: Option<&str>, kind: Kind, codec: Option<Codec>) -> Result<Reader, DumpError> {
        let ending = path
            .extension()
            .map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        let format = format.map(str::to_ascii_lowercase).or(ending).unwrap_or_default();
        if path.metadata()?.len() == 0 {
            return Err(DumpError::Empty);
        }
        match format.as_str() {
            "webm" | "mkv" | "mka" | "matroska" | "ogg" | "opus" | "ivf" | "mp4" | "m4a" | "m4v" | "mov" => {
                let demuxer = Demuxer::open(path, kind).map_err(DumpError::Unreadable)?;
                Ok(Reader::Container(Box::new(ContainerReader::new(demuxer))))
            }
            "mjr" => open_packets(path, PacketFormat::Mjr, kind, codec),
            "rtpdump" | "rtp" => open_packets(path, PacketFormat::Rtpdump, kind, codec),
            _ => Err(DumpError::UnknownFormat(format)),
        }
    }

    /// Opens a dump that was probed before: what was found then is taken into account.
    pub fn reopen(path: &Path, format: Option<&str>, probe: &Probe) -> Result<Reader, DumpError> {
        let mut reader = Reader::open(path, format, probe.kind, Some(probe.codec))?;
        if let (Reader::Packets(packets), Some(transport)) = (&mut reader, probe.transport) {
            packets.expect(transport);
        }
        Ok(reader)
    }

    /// What the file really is, e.g. `matroska,webm`.
    pub fn container(&self) -> String {
        match self {
            Reader::Container(reader) => reader.demuxer.container(),
            Reader::Packets(reader) => reader.container().to_owned(),
        }
    }

    /// Of the last packet read: in a packet dump the codec may change on the way, always with a keyframe.
    pub fn parameters(&self) -> &StreamParameters {
        match self {
            Reader::Container(reader) => reader.demuxer.parameters(),
            Reader::Packets(reader) => reader.parameters(),
        }
    }

    /// The length that the file itself claims, in units of its time base.
    pub fn claimed_end(&self) -> Option<i64> {
        match self {
            Reader::Container(reader) => reader.demuxer.claimed_end(),
            Reader::Packets(_) => None,
        }
    }

    /// The next packet; `None` at the end.
    pub fn read(&mut self) -> Result<Option<Packet>, DumpError> {
        match self {
            Reader::Container(reader) => reader.read().map_err(DumpError::Unreadable),
            Reader::Packets(reader) => reader.read().map_err(DumpError::Io),
        }
    }

    /// What a packet dump says beside its frames, as far as it was read; `None` for a container.
    pub fn facts(&self) -> Option<Facts> {
        match self {
            Reader::Container(_) => None,
            Reader::Packets(reader) => Some(reader.facts()),
        }
    }

    /// Sender reports that a packet dump holds, as far as it was read.
    pub fn sender_reports(&self) -> Vec<SenderReport> {
        match self {
            Reader::Container(_) => Vec::new(),
            Reader::Packets(reader) => reader.sender_reports(),
        }
    }

    /// What is wrong with the file but can be lived with, as far as it was read.
    pub fn remark(&self) -> Option<String> {
        match self {
            Reader::Container(reader) => {
                let mended = reader.mender.mended();
                (mended > 0).then(|| format!("{mended} timestamp(s) cannot be: put right by those around them"))
            }
            Reader::Packets(reader) => reader.remark().map(str::to_owned),
        }
    }
}

impl ContainerReader {
    fn new(demuxer: Demuxer) -> ContainerReader {
        ContainerReader {
            mender: Mender::new(demuxer.parameters().time_base()),
            demuxer,
            end: End::NotYet,
        }
    }

    fn read(&mut self) -> Result<Option<Packet>, AvError> {
        loop {
            if let Some(packet) = self.mender.pop() {
                return Ok(Some(packet));
            }
            match std::mem::replace(&mut self.end, End::Whole) {
                End::NotYet => {}
                End::Whole => return Ok(None),
                End::Failed(error) => return Err(error),
            }
            match self.demuxer.read() {
                Ok(Some(packet)) => {
                    self.mender.push(packet);
                    self.end = End::NotYet;
                }
                Ok(None) => self.mender.finish(),
                Err(error) => {
                    self.mender.finish();
                    self.end = End::Failed(error);
                }
            }
        }
    }
}

fn open_packets(path: &Path, format: PacketFormat, kind: Kind, codec: Option<Codec>) -> Result<Reader, DumpError> {
    PacketReader::open(path, format, kind, codec).map(|reader| Reader::Packets(Box::new(reader)))
}
