//! The packets of one dump, in file order, whatever kind of file it is.

use std::path::Path;

use super::{
    DumpError,
    packets::{PacketFormat, PacketReader},
    probe::Probe,
    rtp::Facts,
};
use crate::{
    av::{Demuxer, Packet, StreamParameters},
    media::{Codec, Kind},
    session::SenderReport,
};

/// An open dump. One more kind of file is one more variant.
pub enum Reader {
    Container(Demuxer),
    Packets(Box<PacketReader>),
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
            "webm" | "mkv" | "mka" | "matroska" | "ogg" | "opus" | "ivf" | "mp4" | "m4a" | "m4v" | "mov" => Ok(
                Reader::Container(Demuxer::open(path, kind).map_err(DumpError::Unreadable)?),
            ),
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
            Reader::Container(demuxer) => demuxer.container(),
            Reader::Packets(reader) => reader.container().to_owned(),
        }
    }

    /// Of the last packet read: in a packet dump the codec may change on the way, always with a keyframe.
    pub fn parameters(&self) -> &StreamParameters {
        match self {
            Reader::Container(demuxer) => demuxer.parameters(),
            Reader::Packets(reader) => reader.parameters(),
        }
    }

    /// The length that the file itself claims, in units of its time base.
    pub fn claimed_end(&self) -> Option<i64> {
        match self {
            Reader::Container(demuxer) => demuxer.claimed_end(),
            Reader::Packets(_) => None,
        }
    }

    /// The next packet; `None` at the end.
    pub fn read(&mut self) -> Result<Option<Packet>, DumpError> {
        match self {
            Reader::Container(demuxer) => demuxer.read().map_err(DumpError::Unreadable),
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
    pub fn remark(&self) -> Option<&'static str> {
        match self {
            Reader::Container(_) => None,
            Reader::Packets(reader) => reader.remark(),
        }
    }
}

fn open_packets(path: &Path, format: PacketFormat, kind: Kind, codec: Option<Codec>) -> Result<Reader, DumpError> {
    PacketReader::open(path, format, kind, codec).map(|reader| Reader::Packets(Box::new(reader)))
}
