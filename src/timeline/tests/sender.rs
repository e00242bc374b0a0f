//! A synthetic sender, the network behind it and the recorder at its end.

use crate::{
    media::{Break, Receipt, Receipts, RtpEpoch, Stamps, TimeBase, TimeDelta, WallTime},
    session::SenderReport,
};

const RATE: i64 = 48_000;
pub const MILLI: i64 = 1_000_000;
pub const SECOND: i64 = 1000 * MILLI;
/// 2026-11-20T10:00:00Z
const ORIGIN: i64 = 1_795_168_800 * SECOND;

/// A microphone that sends a packet every 20 ms; times in nanoseconds on the session clock.
#[derive(Debug, Clone)]
pub struct Sender {
    pub peer: &'static str,
    pub begins: i64,
    pub length: i64,
    pub ppm: i64,
    pub first_rtp: u32,
    /// From so long after the beginning on nothing is sent for the second; the RTP clock stands still by the third.
    pub pauses: Vec<(i64, i64, i64)>,
    /// Least delay of the network.
    pub delay: i64,
    pub jitter: i64,
    /// From so long after the beginning on all packets of the second are late by up to the third, less and less.
    pub bursts: Vec<(i64, i64, i64)>,
    /// How far the sender's wall clock is ahead.
    pub ahead: i64,
    pub report_every: Option<i64>,
    /// Every so many reports one is off by three seconds.
    pub bad_report: usize,
    pub started_at: Option<i64>,
    pub since: Option<i64>,
    pub uri: &'static str,
    pub seed: u64,
}

/// A packet: when it was captured and received after the beginning, and its timestamp.
#[derive(Debug, Clone, Copy)]
pub struct Packet {
    pub captured: i64,
    pub received: i64,
    pub pts: i64,
}

pub struct Dumped {
    pub stamps: Stamps,
    pub reports: Vec<SenderReport>,
    pub packets: Vec<Packet>,
}

impl Default for Sender {
    fn default() -> Sender {
        Sender {
            peer: "p",
            begins: 2 * SECOND,
            length: 60 * SECOND,
            ppm: 0,
            first_rtp: 1000,
            pauses: vec![],
            delay: 20 * MILLI,
            jitter: 15 * MILLI,
            bursts: vec![],
            ahead: 0,
            report_every: Some(2 * SECOND),
            bad_report: usize::MAX,
            started_at: Some(0),
            since: Some(0),
            uri: "a.mjr",
            seed: 1,
        }
    }
}

impl Sender {
    fn random(&self, number: i64, below: i64) -> i64 {
        let mut x = self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (number as u64).wrapping_mul(0xD1B5_4A32_D192_ED03);
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((x ^ (x >> 31)) >> 1) as i64 % below.max(1)
    }

    /// The RTP clock so long after the beginning. While it stands still, reports go on as if it did not.
    fn pts(&self, after: i64) -> i64 {
        let stood: i64 = self
            .pauses
            .iter()
            .filter(|(at, length, _)| at + length <= after)
            .map(|(_, _, still)| still)
            .sum();
        let nominal = i128::from(after - stood) * 1_000_000 / i128::from(1_000_000 + self.ppm);
        (nominal * i128::from(RATE) / i128::from(SECOND)) as i64
    }

    fn late(&self, number: i64, after: i64) -> i64 {
        let spike = if self.random(number + 77_777, 50) == 0 { 20 } else { 1 };
        let jitter = self.random(number, self.jitter) * spike;
        let burst = |(at, length, most): &(i64, i64, i64)| {
            let is_in = *at <= after && after < at + length;
            if is_in { most - (after - at) * most / length } else { 0 }
        };
        self.delay + jitter.min(420 * MILLI) + self.bursts.iter().map(burst).sum::<i64>()
    }

    fn packets(&self) -> Vec<Packet> {
        let (mut packets, mut last) = (Vec::new(), i64::MIN);
        for number in 0..self.length / (20 * MILLI) {
            let captured = number * 20 * MILLI;
            if self
                .pauses
                .iter()
                .any(|(at, length, _)| *at <= captured && captured < at + length)
            {
                continue;
            }
            // packets queue behind each other
            let received = (captured + self.late(number, captured)).max(last);
            last = received;
            let pts = self.pts(captured) + i64::from(self.first_rtp);
            packets.push(Packet {
                captured,
                received,
                pts,
            });
        }
        packets
    }

    fn reports(&self) -> Vec<SenderReport> {
        let Some(every) = self.report_every else { return vec![] };
        let report = |number: i64| {
            let after = number * every + self.random(number + 999_999, every / 2);
            let wrong = if number as usize % self.bad_report == self.bad_report - 1 {
                3 * SECOND
            } else {
                0
            };
            let jitter = self.random(number + 555_555, 8 * MILLI) - 4 * MILLI;
            SenderReport {
                ntp: wall(self.begins + after + self.ahead + wrong + jitter),
                rtp: (self.pts(after) + i64::from(self.first_rtp)) as u32,
            }
        };
        (1..self.length / every).map(report).collect()
    }

    pub fn dump(&self) -> Dumped {
        let base = TimeBase::new(1, RATE as i32).unwrap();
        let packets = self.packets();
        let receipt = |packet: &Packet| Receipt {
            pts: packet.pts,
            after: TimeDelta::from_nanos(packet.received),
        };
        let delay = |receipt: &Receipt| receipt.after - base.delta(receipt.pts);
        let receipts: Vec<Receipt> = packets.iter().map(receipt).collect();
        let halves = receipts.chunk_by(|a, b| a.after.nanos() / (SECOND / 2) == b.after.nanos() / (SECOND / 2));
        let points = halves.map(|half| *half.iter().min_by_key(|receipt| delay(receipt)).unwrap());
        let pairs = receipts
            .windows(2)
            .filter(|pair| (delay(&pair[1]) - delay(&pair[0])).abs().nanos() > 40 * MILLI);
        let (first, last) = (packets[0].pts, packets.last().unwrap().pts + RATE / 50);
        let stamps = Stamps {
            time_base: base,
            frames: vec![],
            runs: vec![(first, last)],
            first_decodable: Some(first),
            receipts: Receipts {
                since: self.since.map(|off| wall(self.begins + off)),
                points: points.collect(),
                breaks: pairs
                    .map(|pair| Break {
                        before: pair[0],
                        after: pair[1],
                    })
                    .collect(),
                epochs: vec![RtpEpoch {
                    pts: first,
                    rtp: first as u32,
                }],
            },
        };
        Dumped {
            stamps,
            reports: self.reports(),
            packets,
        }
    }
}

pub fn wall(on_session_clock: i64) -> WallTime {
    WallTime::from_unix_nanos(ORIGIN + on_session_clock)
}
