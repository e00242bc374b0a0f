//! Packet dumps as files.

use std::{fs, path::Path};

use super::{Dump, SSRC, wall};
use tessera::media::{Kind, TimeDelta, WallTime};

/// The id of the header extension for video orientation.
pub const ORIENTATION: u8 = 4;

impl Dump {
    /// When its first packet and its last were received.
    pub fn received(&self) -> (WallTime, WallTime) {
        let at = |packet: Option<&super::Received>| wall(self.began, packet.expect("a dump has packets").at);
        (at(self.packets.first()), at(self.packets.last()))
    }

    /// As Janus writes it: times of receipt in milliseconds after the first packet's, whose wall clock is in the header.
    pub fn write_mjr(&self, path: &Path) {
        let first = self.packets.first().map_or(TimeDelta::ZERO, |packet| packet.at);
        let micros = wall(self.began, first).unix_nanos() / 1000;
        let kind = if self.codec.kind() == Kind::Video { "v" } else { "a" };
        let extensions = self.orientation.map_or(String::new(), |_| {
            format!(r#", "x": {{"{ORIENTATION}": "urn:3gpp:video-orientation"}}"#)
        });
        let header = format!(
            r#"{{"t": "{kind}", "c": "{}", "s": {micros}, "u": {micros}{extensions}}}"#,
            self.codec
        );
        let mut bytes = b"MJR00002".to_vec();
        bytes.extend((header.len() as u16).to_be_bytes());
        bytes.extend(header.as_bytes());
        for packet in &self.packets {
            bytes.extend(b"MEET");
            bytes.extend(((packet.at - first).millis() as u32).to_be_bytes());
            bytes.extend((packet.bytes.len() as u16).to_be_bytes());
            bytes.extend(&packet.bytes);
        }
        fs::write(path, bytes).expect("the dump can be written");
    }

    /// The generation before it, without times of receipt.
    pub fn write_old_mjr(&self, path: &Path) {
        let kind = if self.codec.kind() == Kind::Video { "v" } else { "a" };
        let header = format!(r#"{{"t": "{kind}", "c": "{}", "s": 0, "u": 0}}"#, self.codec);
        let mut bytes = b"MJR00001".to_vec();
        bytes.extend((header.len() as u16).to_be_bytes());
        bytes.extend(header.as_bytes());
        for packet in &self.packets {
            bytes.extend(b"MEETECHO");
            bytes.extend((packet.bytes.len() as u16).to_be_bytes());
            bytes.extend(&packet.bytes);
        }
        fs::write(path, bytes).expect("the dump can be written");
    }

    /// With sender reports among the packets, as a recorder of both protocols sees them.
    pub fn write_rtpdump(&self, path: &Path) {
        let mut bytes = b"#!rtpplay1.0 127.0.0.1/5004\n".to_vec();
        let began = self.began.unix_nanos();
        bytes.extend(((began / 1_000_000_000) as u32).to_be_bytes());
        bytes.extend(((began % 1_000_000_000 / 1000) as u32).to_be_bytes());
        bytes.extend([0; 8]);
        let mut reports = self.sender_reports.iter().peekable();
        for packet in &self.packets {
            while let Some((ntp, rtp)) = reports.next_if(|(ntp, _)| *ntp <= wall(self.began, packet.at)) {
                record(&mut bytes, 0, packet.at, &sender_report(*ntp, *rtp));
            }
            record(&mut bytes, packet.bytes.len() as u16, packet.at, &packet.bytes);
        }
        fs::write(path, bytes).expect("the dump can be written");
    }
}

fn record(bytes: &mut Vec<u8>, packet_length: u16, at: TimeDelta, packet: &[u8]) {
    bytes.extend((packet.len() as u16 + 8).to_be_bytes());
    bytes.extend(packet_length.to_be_bytes());
    bytes.extend((at.millis() as u32).to_be_bytes());
    bytes.extend(packet);
}

fn sender_report(ntp: WallTime, rtp: u32) -> Vec<u8> {
    let nanos = ntp.unix_nanos();
    let seconds = (nanos / 1_000_000_000 + 2_208_988_800) as u32;
    let fraction = ((nanos as u64 % 1_000_000_000) << 32).div_ceil(1_000_000_000) as u32;
    let words = [SSRC, seconds, fraction, rtp, 0, 0];
    let mut bytes = vec![0x80, 200, 0, 6];
    bytes.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    bytes
}
