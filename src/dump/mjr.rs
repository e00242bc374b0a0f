//! Janus dumps (`.mjr`): a header in JSON and then RTP packets, in the order of their receipt.
//!
//! `MJR00002` says of each packet when it was received, in milliseconds after the header's `u`. `MJR00001` and the
//! nameless generation before it, whose header is just `audio` or `video`, do not.

use std::io::Read;

use bytes::Bytes;
use serde_json::Value;

use super::record::{Content, End, Record, block, fill};
use crate::media::{Codec, Kind, TimeDelta, WallTime};

/// What tells one kind of record from another, and all of them from noise.
const TIMED: &[u8; 8] = b"MJR00002";
const UNTIMED: &[u8; 8] = b"MJR00001";
const PLAIN: &[u8; 8] = b"MEETECHO";
const TIMED_PACKET: &[u8] = b"MEET";

/// The URI of the header extension that says how a picture is to be turned (3GPP TS 26.114 section 7.4.5).
const VIDEO_ORIENTATION: &str = "urn:3gpp:video-orientation";

#[derive(Debug, thiserror::Error)]
pub enum MjrError {
    #[error("it does not begin as a Janus recording does")]
    NotMjr,
    #[error("its header is cut off")]
    CutOff,
    #[error("its header is not the JSON that Janus writes")]
    Header,
    #[error("it holds data channel messages, not media")]
    Data,
    #[error("it is encrypted from end to end")]
    Encrypted,
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// What the header says; everything in it may be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MjrHeader {
    pub kind: Kind,
    /// As written; see [`MjrHeader::codec`].
    pub codec_name: Option<String>,
    /// When the first packet was received.
    pub first_packet: Option<WallTime>,
    /// The header extension that carries the video orientation.
    pub orientation: Option<u8>,
    /// The payload type of redundant audio (RFC 2198).
    pub red: Option<u8>,
}

/// Reads the records of one dump.
pub struct MjrReader<R> {
    input: R,
    header: MjrHeader,
    receipt: ReceiptTime,
    end: End,
}

/// Whether each packet says when it was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReceiptTime {
    Known,
    Unknown,
}

impl<R: Read> MjrReader<R> {
    pub fn open(mut input: R) -> Result<MjrReader<R>, MjrError> {
        let mut magic = [0; 8];
        if fill(&mut input, &mut magic)? < magic.len() {
            return Err(MjrError::NotMjr);
        }
        let receipt = match &magic {
            TIMED => ReceiptTime::Known,
            UNTIMED | PLAIN => ReceiptTime::Unknown,
            _ => return Err(MjrError::NotMjr),
        };
        let length = read_length(&mut input)?.ok_or(MjrError::CutOff)?;
        let text = block(&mut input, length)?.ok_or(MjrError::CutOff)?;
        let header = if &magic == PLAIN {
            plain_header(&text)?
        } else {
            json_header(&text)?
        };
        let end = End::Clean;
        Ok(MjrReader {
            input,
            header,
            receipt,
            end,
        })
    }

    pub fn header(&self) -> &MjrHeader {
        &self.header
    }

    /// How the records ended; [`End::Clean`] until they did.
    pub fn end(&self) -> End {
        self.end
    }

    /// The next packet; `None` at the end, whatever ended it.
    pub fn read(&mut self) -> std::io::Result<Option<Record>> {
        if self.end != End::Clean {
            return Ok(None);
        }
        let mut head = [0; 8];
        match fill(&mut self.input, &mut head)? {
            0 => return Ok(None),
            8 => {}
            _ => return Ok(self.stop(End::CutOff)),
        }
        let after = match (self.receipt, head.split_at(4)) {
            (ReceiptTime::Known, (TIMED_PACKET, time)) => Some(millis(time)),
            (ReceiptTime::Unknown, _) if &head == PLAIN => None,
            _ => return Ok(self.stop(End::Broken)),
        };
        let Some(length) = read_length(&mut self.input)? else {
            return Ok(self.stop(End::CutOff));
        };
        let Some(packet) = block(&mut self.input, length)? else {
            return Ok(self.stop(End::CutOff));
        };
        let content = Content::Rtp(packet);
        Ok(Some(Record { after, content }))
    }

    fn stop(&mut self, end: End) -> Option<Record> {
        self.end = end;
        None
    }
}

impl MjrHeader {
    /// The codec, if it is one that Tessera knows.
    pub fn codec(&self) -> Option<Codec> {
        self.codec_name.as_deref().and_then(Codec::from_name)
    }
}

fn millis(bytes: &[u8]) -> TimeDelta {
    let value = bytes.iter().fold(0, |sum, byte| sum << 8 | i64::from(*byte));
    TimeDelta::from_millis(value)
}

fn read_length(input: &mut impl Read) -> std::io::Result<Option<u16>> {
    let mut bytes = [0; 2];
    let whole = fill(input, &mut bytes)? == bytes.len();
    Ok(whole.then(|| u16::from_be_bytes(bytes)))
}

/// The oldest generation names no codec: it knew only these two.
fn plain_header(text: &Bytes) -> Result<MjrHeader, MjrError> {
    let (kind, codec) = match text.as_ref() {
        b"audio" => (Kind::Audio, Codec::Opus),
        b"video" => (Kind::Video, Codec::Vp8),
        _ => return Err(MjrError::Header),
    };
    Ok(MjrHeader {
        kind,
        codec_name: Some(codec.name().to_owned()),
        first_packet: None,
        orientation: None,
        red: None,
    })
}

fn json_header(text: &Bytes) -> Result<MjrHeader, MjrError> {
    let json: Value = serde_json::from_slice(text).map_err(|_| MjrError::Header)?;
    let kind = match json["t"].as_str() {
        Some("a" | "A") => Kind::Audio,
        Some("v" | "V") => Kind::Video,
        Some("d" | "D") => return Err(MjrError::Data),
        _ => return Err(MjrError::Header),
    };
    if json["e"] == Value::Bool(true) {
        return Err(MjrError::Encrypted);
    }
    Ok(MjrHeader {
        kind,
        codec_name: json["c"].as_str().map(str::to_owned),
        first_packet: wall_time(&json["u"]),
        orientation: extension(&json["x"], VIDEO_ORIENTATION),
        red: json["or"]
            .as_u64()
            .and_then(|payload_type| u8::try_from(payload_type).ok()),
    })
}

/// Microseconds since the Unix epoch; zero means that Janus did not know.
fn wall_time(value: &Value) -> Option<WallTime> {
    let micros = value.as_i64().filter(|micros| *micros > 0)?;
    micros.checked_mul(1000).map(WallTime::from_unix_nanos)
}

fn extension(map: &Value, uri: &str) -> Option<u8> {
    let mut entries = map.as_object()?.iter();
    entries.find_map(|(id, value)| (value == uri).then(|| id.parse().ok()).flatten())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dump(magic: &[u8; 8], header: &str, packets: &[(&[u8], &[u8])]) -> Vec<u8> {
        let mut bytes = magic.to_vec();
        bytes.extend((header.len() as u16).to_be_bytes());
        bytes.extend(header.as_bytes());
        for (head, packet) in packets {
            bytes.extend(*head);
            bytes.extend((packet.len() as u16).to_be_bytes());
            bytes.extend(*packet);
        }
        bytes
    }

    fn packets(mut reader: MjrReader<&[u8]>) -> (Vec<Record>, End) {
        let records = std::iter::from_fn(|| reader.read().unwrap()).collect();
        (records, reader.end())
    }

    fn record(after: Option<i64>, bytes: &'static [u8]) -> Record {
        let content = Content::Rtp(Bytes::from_static(bytes));
        let after = after.map(TimeDelta::from_millis);
        Record { after, content }
    }

    const HEADER: &str = r#"{"t": "v", "c": "H264", "x": {"4": "urn:other", "13": "urn:3gpp:video-orientation"}, "u": 1795330535980846}"#;

    #[test]
    fn packets_come_with_their_time_of_receipt() {
        let bytes = dump(TIMED, HEADER, &[(b"MEET\0\0\0\0", b"one"), (b"MEET\0\x01\0\0", b"two")]);
        let reader = MjrReader::open(&bytes[..]).unwrap();
        let header = reader.header().clone();
        assert_eq!(
            (header.kind, header.codec(), header.orientation),
            (Kind::Video, Some(Codec::H264), Some(13))
        );
        assert_eq!(
            header.first_packet,
            Some(WallTime::from_unix_nanos(1_795_330_535_980_846_000))
        );
        assert_eq!(
            packets(reader),
            (vec![record(Some(0), b"one"), record(Some(65_536), b"two")], End::Clean)
        );
    }

    #[test]
    fn older_generations_say_nothing_of_receipt() {
        for (magic, header) in [(UNTIMED, HEADER), (PLAIN, "video")] {
            let bytes = dump(magic, header, &[(b"MEETECHO", b"one")]);
            let reader = MjrReader::open(&bytes[..]).unwrap();
            assert_eq!(reader.header().kind, Kind::Video);
            assert_eq!(packets(reader), (vec![record(None, b"one")], End::Clean));
        }
    }

    #[test]
    fn what_is_no_recording_is_refused() {
        let open = |bytes: &[u8]| MjrReader::open(bytes).err();
        assert!(matches!(open(b""), Some(MjrError::NotMjr)));
        assert!(matches!(open(b"RIFFRIFF"), Some(MjrError::NotMjr)));
        assert!(matches!(open(b"MJR00002\xff\xff{}"), Some(MjrError::CutOff)));
        for (header, expected) in [
            ("[]", "JSON"),
            ("{", "JSON"),
            (r#"{"t":"d"}"#, "data"),
            (r#"{"t":"a","e":true}"#, "encrypted"),
        ] {
            let error = open(&dump(TIMED, header, &[])).unwrap().to_string();
            assert!(error.contains(expected), "{header}: {error}");
        }
    }

    #[test]
    fn a_lying_length_or_noise_ends_the_dump() {
        let mut bytes = dump(TIMED, HEADER, &[(b"MEET\0\0\0\0", b"one")]);
        bytes.extend(b"MEET\0\0\0\x01\xff\xffx");
        assert_eq!(
            packets(MjrReader::open(&bytes[..]).unwrap()),
            (vec![record(Some(0), b"one")], End::CutOff)
        );
        let bytes = dump(TIMED, HEADER, &[(b"MEET\0\0\0\0", b"one"), (b"noisenoi", b"two")]);
        assert_eq!(
            packets(MjrReader::open(&bytes[..]).unwrap()),
            (vec![record(Some(0), b"one")], End::Broken)
        );
    }

    proptest! {
        #[test]
        fn a_dump_may_be_cut_anywhere(cut in 0usize..200) {
            let bytes = dump(TIMED, HEADER, &[(b"MEET\0\0\0\0", b"one"), (b"MEET\0\0\0\x07", b"two")]);
            let cut = cut.min(bytes.len());
            if let Ok(reader) = MjrReader::open(&bytes[..cut]) {
                let whole = cut == bytes.len();
                let (records, _) = packets(reader);
                let most = if whole { 2 } else { 1 };
                prop_assert!(records.len() <= most);
            }
        }
    }
}
