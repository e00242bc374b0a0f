//! One entry of a packet dump, and how packet dumps are read: without trusting any number in them.

use std::io::{self, Read};

use bytes::Bytes;

use crate::media::TimeDelta;

/// A packet as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When it was received, counted from the start of the dump; `None` where the dump does not say.
    pub after: Option<TimeDelta>,
    pub content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    Rtp(Bytes),
    Rtcp(Bytes),
}

/// Why a dump's records end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With the last whole record.
    Clean,
    /// In the middle of a record.
    CutOff,
    /// At bytes that are no record.
    Broken,
}

impl End {
    /// What a person should know of it.
    pub fn remark(self) -> Option<&'static str> {
        match self {
            End::Clean => None,
            End::CutOff => Some("ends in the middle of a packet: it was cut off"),
            End::Broken => Some("holds bytes that are no packet: what follows them was left out"),
        }
    }
}

/// Fills as much of `buffer` as there is input for, and says how much that was.
pub fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The next `length` bytes; `None` if there are fewer. The length is 16 bits wide so that a forged one costs 64 KiB.
pub fn block(input: &mut impl Read, length: u16) -> io::Result<Option<Bytes>> {
    let mut buffer = vec![0; usize::from(length)];
    let whole = fill(input, &mut buffer)? == buffer.len();
    Ok(whole.then(|| Bytes::from(buffer)))
}
