//! Decoding a dump from beginning to end for nothing: to find out whether it can be, where a crash costs nothing else.

use super::DumpFile;
use crate::{
    av::{AudioDecoder, VideoDecoder},
    dump::{DumpError, Reader, probe::Probe},
    media::Kind,
};

/// Decodes all of a dump. What cannot be decoded is passed over, as rendering does; what matters is to survive it.
pub fn decode_all(file: &DumpFile, probe: &Probe) -> Result<(), DumpError> {
    let mut reader = Reader::reopen(&file.path, file.format.as_deref(), probe)?;
    match file.kind {
        Kind::Video => {
            let mut decoder = VideoDecoder::open(reader.parameters()).map_err(DumpError::Unreadable)?;
            while let Ok(Some(packet)) = reader.read() {
                if decoder.send(&packet).is_ok() {
                    while let Ok(Some(_)) = decoder.receive() {}
                }
            }
        }
        Kind::Audio => {
            let mut decoder = AudioDecoder::open(reader.parameters()).map_err(DumpError::Unreadable)?;
            while let Ok(Some(packet)) = reader.read() {
                if decoder.send(&packet).is_ok() {
                    while let Ok(Some(_)) = decoder.receive() {}
                }
            }
        }
    }
    Ok(())
}
