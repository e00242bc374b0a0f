//! The packets of one dump, in file order, whatever kind of file it is.

use std::path::Path;

use super::DumpError;
use crate::{
    av::{AvError, Demuxer, Packet, StreamParameters},
    media::Kind,
};

/// An open dump. One more kind of file is one more variant.
pub enum Reader {
    Container(Demuxer),
}

impl Reader {
    pub fn open(path: &Path, format: Option<&str>, kind: Kind) -> Result<Reader, DumpError> {
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
            _ => Err(DumpError::UnknownFormat(format)),
        }
    }

    /// What the file really is, e.g. `matroska,webm`.
    pub fn container(&self) -> String {
        match self {
            Reader::Container(demuxer) => demuxer.container(),
        }
    }

    pub fn parameters(&self) -> &StreamParameters {
        match self {
            Reader::Container(demuxer) => demuxer.parameters(),
        }
    }

    /// The length that the file itself claims, in units of its time base.
    pub fn claimed_end(&self) -> Option<i64> {
        match self {
            Reader::Container(demuxer) => demuxer.claimed_end(),
        }
    }

    /// The next packet; `None` at the end.
    pub fn read(&mut self) -> Result<Option<Packet>, AvError> {
        match self {
            Reader::Container(demuxer) => demuxer.read(),
        }
    }
}
