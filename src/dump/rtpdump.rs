//! Dumps in the format of rtptools (`#!rtpplay1.0`): RTP and RTCP packets with their times of receipt.

use std::io::Read;

use super::record::{Content, End, Record, block, fill};
use crate::media::{TimeDelta, WallTime};

const MAGIC: &[u8] = b"#!rtpplay1.0 ";
/// The first line names an address and a port.
const LONGEST_LINE: usize = 256;
/// Start of the recording in seconds and microseconds, source address and port, padding.
const FILE_HEADER: usize = 16;
/// Length of the record, length of the packet, milliseconds since the start.
const RECORD_HEADER: usize = 8;

#[derive(Debug, thiserror::Error)]
pub enum RtpdumpError {
    #[error("it does not begin with '#!rtpplay1.0'")]
    NotRtpdump,
    #[error("its header is cut off")]
    CutOff,
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Reads the records of one dump.
pub struct RtpdumpReader<R> {
    input: R,
    started_at: Option<WallTime>,
    end: End,
}

impl<R: Read> RtpdumpReader<R> {
    pub fn open(mut input: R) -> Result<RtpdumpReader<R>, RtpdumpError> {
        skip_first_line(&mut input)?;
        let mut header = [0; FILE_HEADER];
        if fill(&mut input, &mut header)? < FILE_HEADER {
            return Err(RtpdumpError::CutOff);
        }
        let started_at = wall_time(number(&header[..4]), number(&header[4..8]));
        let end = End::Clean;
        Ok(RtpdumpReader { input, started_at, end })
    }

    /// When the recording began; `None` where the recorder did not know.
    pub fn started_at(&self) -> Option<WallTime> {
        self.started_at
    }

    /// How the records ended; [`End::Clean`] until they did.
    pub fn end(&self) -> End {
        self.end
    }

    /// The next packet; `None` at the end, whatever ended it. Packets of which only a part was recorded are passed over.
    pub fn read(&mut self) -> std::io::Result<Option<Record>> {
        while self.end == End::Clean {
            let mut head = [0; RECORD_HEADER];
            match fill(&mut self.input, &mut head)? {
                0 => return Ok(None),
                RECORD_HEADER => {}
                _ => return Ok(self.stop(End::CutOff)),
            }
            let (length, packet_length) = (number(&head[..2]), number(&head[2..4]));
            let Some(length) = length.checked_sub(RECORD_HEADER as u32) else {
                return Ok(self.stop(End::Broken));
            };
            let Some(bytes) = block(&mut self.input, length as u16)? else {
                return Ok(self.stop(End::CutOff));
            };
            let content = match packet_length {
                0 => Content::Rtcp(bytes),
                promised if promised > length => continue,
                _ => Content::Rtp(bytes),
            };
            let after = Some(TimeDelta::from_millis(i64::from(number(&head[4..]))));
            return Ok(Some(Record { after, content }));
        }
        Ok(None)
    }

    fn stop(&mut self, end: End) -> Option<Record> {
        self.end = end;
        None
    }
}

fn skip_first_line(input: &mut impl Read) -> Result<(), RtpdumpError> {
    let mut magic = [0; MAGIC.len()];
    if fill(input, &mut magic)? < magic.len() || magic != MAGIC {
        return Err(RtpdumpError::NotRtpdump);
    }
    for _ in 0..LONGEST_LINE {
        let mut byte = [0];
        if fill(input, &mut byte)? == 0 {
            return Err(RtpdumpError::CutOff);
        }
        if byte == *b"\n" {
            return Ok(());
        }
    }
    Err(RtpdumpError::NotRtpdump)
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

fn wall_time(seconds: u32, micros: u32) -> Option<WallTime> {
    let nanos = i64::from(seconds) * 1_000_000_000 + i64::from(micros) * 1000;
    (seconds > 0 && micros < 1_000_000).then_some(WallTime::from_unix_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn dump(records: &[(u16, u16, u32, &[u8])]) -> Vec<u8> {
        let mut bytes = b"#!rtpplay1.0 127.0.0.1/5004\n".to_vec();
        bytes.extend([0x6b, 0, 0, 0, 0, 0, 0x30, 0x39, 0, 0, 0, 0, 0, 0, 0, 0]);
        for (length, packet_length, after, packet) in records {
            bytes.extend(length.to_be_bytes());
            bytes.extend(packet_length.to_be_bytes());
            bytes.extend(after.to_be_bytes());
            bytes.extend(*packet);
        }
        bytes
    }

    fn records(bytes: &[u8]) -> (Vec<Record>, End) {
        let mut reader = RtpdumpReader::open(bytes).unwrap();
        let records = std::iter::from_fn(|| reader.read().unwrap()).collect();
        (records, reader.end())
    }

    #[test]
    fn both_protocols_are_told_apart() {
        let bytes = dump(&[
            (11, 3, 0, b"rtp"),
            (12, 0, 20, b"rtcp"),
            (11, 900, 30, b"cut"),
            (11, 3, 40, b"two"),
        ]);
        let reader = RtpdumpReader::open(&bytes[..]).unwrap();
        assert_eq!(
            reader.started_at(),
            Some(WallTime::from_unix_nanos(1_795_162_112_012_345_000))
        );
        let at = |millis, content| Record {
            after: Some(TimeDelta::from_millis(millis)),
            content,
        };
        let expected = vec![
            at(0, Content::Rtp(Bytes::from_static(b"rtp"))),
            at(20, Content::Rtcp(Bytes::from_static(b"rtcp"))),
            at(40, Content::Rtp(Bytes::from_static(b"two"))),
        ];
        assert_eq!(records(&bytes), (expected, End::Clean));
    }

    #[test]
    fn lying_lengths_end_the_dump() {
        assert_eq!(records(&dump(&[(7, 3, 0, b"")])), (vec![], End::Broken));
        assert_eq!(records(&dump(&[(65_535, 3, 0, b"abc")])), (vec![], End::CutOff));
        for wrong in [
            &b""[..],
            b"#!rtpplay2.0 x\n",
            b"#!rtpplay1.0 no end of line",
            b"#!rtpplay1.0 x\nshort",
        ] {
            assert!(RtpdumpReader::open(wrong).is_err());
        }
    }

    proptest! {
        #[test]
        fn a_dump_may_be_cut_anywhere(cut in 0usize..100) {
            let bytes = dump(&[(11, 3, 0, b"rtp"), (12, 0, 20, b"rtcp")]);
            if let Ok(mut reader) = RtpdumpReader::open(&bytes[..cut.min(bytes.len())]) {
                while reader.read().unwrap().is_some() {}
            }
        }
    }
}
