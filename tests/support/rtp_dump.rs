//! Writes packet dumps of real coded frames, with everything done to them that networks and senders do, and keeps the
//! truth: at which instant each frame was captured, and what became of it.
//!
//! A [`Script`] describes the sender, the network and the recorder; [`Script::dump`] plays it.

// every test binary compiles this module and uses its own part of it
#![allow(dead_code)]

use std::path::Path;

#[path = "rtp_files.rs"]
mod files;
#[path = "rtp_payloads.rs"]
mod payloads;

pub use payloads::units;

use tessera::{
    av::Demuxer,
    media::{Codec, Kind, TimeDelta, WallTime},
};

const SSRC: u32 = 0x5eed_0001;

/// A coded frame, captured so long after the sender began.
#[derive(Debug, Clone)]
pub struct Coded {
    pub captured: TimeDelta,
    pub data: Vec<u8>,
}

/// The frames of a container's stream, for a script.
pub fn frames_of(path: &Path, kind: Kind) -> (Codec, Vec<Coded>) {
    let mut demuxer = Demuxer::open(path, kind).expect("a sample can be opened");
    let (codec, base) = (demuxer.parameters().codec(), demuxer.parameters().time_base());
    let mut frames = Vec::new();
    while let Some(packet) = demuxer.read().expect("a sample can be read") {
        let stamp = base.delta(packet.pts().expect("samples have timestamps"));
        let captured = match kind {
            Kind::Audio => on_grid(stamp, frames.first().map_or(stamp, |first: &Coded| first.captured)),
            Kind::Video => stamp,
        };
        frames.push(Coded {
            captured,
            data: packet.data().to_vec(),
        });
    }
    (codec, frames)
}

/// Containers round to milliseconds; the samples' packets are 20 ms long.
fn on_grid(stamp: TimeDelta, first: TimeDelta) -> TimeDelta {
    const STEP: i64 = 20_000_000;
    let steps = ((stamp - first).nanos() + STEP / 2).div_euclid(STEP);
    first + TimeDelta::from_nanos(steps * STEP)
}

/// What the RTP clock does while the sender sends nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PauseClock {
    RunsOn,
    StandsStill,
}

/// The sender sends nothing from `from` on for `length`; frames captured in between are never sent.
#[derive(Debug, Clone, Copy)]
pub struct Pause {
    pub from: TimeDelta,
    pub length: TimeDelta,
    pub clock: PauseClock,
}

/// From `at` on RTP timestamps and, if it is another source, SSRC and sequence numbers begin anew.
#[derive(Debug, Clone, Copy)]
pub struct Restart {
    pub at: TimeDelta,
    pub timestamp: u32,
    pub source: NewSource,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewSource {
    Yes,
    No,
}

/// A sender, a network and a recorder. The default is a perfect one; rates are of a thousand packets.
#[derive(Debug, Clone)]
pub struct Script {
    pub codec: Codec,
    pub frames: Vec<Coded>,
    /// Wall clock of the sender's beginning.
    pub began: WallTime,
    pub first_sequence: u16,
    pub first_timestamp: u32,
    /// By how much the sender's clock runs fast, in parts per million.
    pub drift_ppm: i64,
    pub pauses: Vec<Pause>,
    pub restarts: Vec<Restart>,
    /// The sender's RTP clock steps by this much at that instant.
    pub steps: Vec<(TimeDelta, TimeDelta)>,
    /// Least time from capture to receipt.
    pub delay: TimeDelta,
    /// On top of it each frame is late by up to this much.
    pub jitter: TimeDelta,
    pub lost: u64,
    /// Lost at first, and sent again up to three seconds later.
    pub resent: u64,
    /// Nothing arrives in these stretches.
    pub cuts: Vec<(TimeDelta, TimeDelta)>,
    /// Overtaken by one to eight packets.
    pub reordered: u64,
    pub duplicated: u64,
    /// Packets, by their place in the dump, whose RTP timestamp is this one instead …
    pub wild_timestamps: Vec<(usize, u32)>,
    /// … or that claim to have been received at this time.
    pub wild_receipts: Vec<(usize, TimeDelta)>,
    /// What the header extension says of how the pictures are to be turned, if they carry it.
    pub orientation: Option<u8>,
    pub seed: u64,
}

/// One packet as it was received.
#[derive(Debug, Clone)]
pub struct Received {
    /// After the sender's beginning.
    pub at: TimeDelta,
    pub bytes: Vec<u8>,
}

/// What was recorded, and the truth about it.
#[derive(Debug, Clone)]
pub struct Dump {
    pub packets: Vec<Received>,
    /// Of every frame that was sent: when it was captured, and whether all its packets arrived.
    pub frames: Vec<Sent>,
    /// What a sender report would say every two seconds: the sender's wall clock, and its RTP clock.
    pub sender_reports: Vec<(WallTime, u32)>,
    /// Between the first packet and the last that arrived: of others nobody can know.
    pub lost: u64,
    pub duplicated: u64,
    codec: Codec,
    began: WallTime,
    orientation: Option<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub captured: TimeDelta,
    /// RTP time as it was on the wire.
    pub timestamp: u32,
    pub fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Arrived,
    Damaged,
}

impl Script {
    pub fn new(codec: Codec, frames: Vec<Coded>) -> Script {
        Script {
            codec,
            frames,
            began: WallTime::from_unix_nanos(1_795_330_535_000_000_000),
            first_sequence: 1000,
            first_timestamp: 123_456,
            drift_ppm: 0,
            pauses: Vec::new(),
            restarts: Vec::new(),
            steps: Vec::new(),
            delay: TimeDelta::from_millis(20),
            jitter: TimeDelta::ZERO,
            lost: 0,
            resent: 0,
            cuts: Vec::new(),
            reordered: 0,
            duplicated: 0,
            wild_timestamps: Vec::new(),
            wild_receipts: Vec::new(),
            orientation: None,
            seed: 1,
        }
    }

    pub fn dump(&self) -> Dump {
        let mut dice = Dice(self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut dump = Dump {
            packets: Vec::new(),
            frames: Vec::new(),
            sender_reports: self.sender_reports(),
            lost: 0,
            duplicated: 0,
            codec: self.codec,
            began: self.began,
            orientation: self.orientation,
        };
        let mut sequence = self.first_sequence;
        let mut last_receipt = TimeDelta::ZERO;
        let (mut restarts, mut missing) = (0, 0);
        for (index, frame) in self.frames.iter().filter(|frame| self.is_sent(frame)).enumerate() {
            let at = frame.captured;
            let passed = self.new_sources(at);
            if passed > restarts {
                (restarts, sequence) = (passed, sequence.wrapping_add(31_000));
            }
            let late = TimeDelta::from_nanos((dice.next() % (self.jitter.nanos() as u64 + 1)) as i64);
            let receipt = (at + self.delay + late).max(last_receipt);
            last_receipt = receipt;
            let timestamp = self.rtp_at(at);
            let payloads = payloads::payloads(self.codec, index as u16, &frame.data);
            let count = payloads.len();
            let mut fate = Fate::Arrived;
            for (part, payload) in payloads.into_iter().enumerate() {
                let marker = u8::from(part + 1 == count) << 7;
                let extended = u8::from(self.orientation.is_some()) << 4;
                let marker = if self.is_video() { marker } else { 0 };
                let mut bytes = vec![0x80 | extended, self.payload_type() | marker];
                bytes.extend(sequence.to_be_bytes());
                bytes.extend(timestamp.to_be_bytes());
                bytes.extend(SSRC.wrapping_add(passed as u32).to_be_bytes());
                if let Some(orientation) = self.orientation {
                    // one element of one byte (RFC 8285 section 4.2), padded to a word
                    bytes.extend([0xbe, 0xde, 0, 1, files::ORIENTATION << 4, orientation, 0, 0]);
                }
                bytes.extend(payload);
                sequence = sequence.wrapping_add(1);
                let mut at = receipt + TimeDelta::from_nanos(part as i64 * 200_000);
                if dice.one_in_a_thousand(self.resent) {
                    at = at + TimeDelta::from_millis(60 + (dice.next() % 3000) as i64);
                }
                let is_cut = self.cuts.iter().any(|(from, to)| (*from..*to).contains(&at));
                if is_cut || dice.one_in_a_thousand(self.lost) {
                    (missing, fate) = (missing + 1, Fate::Damaged);
                    continue;
                }
                if !dump.packets.is_empty() {
                    dump.lost += missing;
                }
                missing = 0;
                if dice.one_in_a_thousand(self.duplicated) {
                    dump.duplicated += 1;
                    dump.packets.push(Received {
                        at,
                        bytes: bytes.clone(),
                    });
                }
                dump.packets.push(Received { at, bytes });
            }
            dump.frames.push(Sent {
                captured: at,
                timestamp,
                fate,
            });
        }
        dump.packets.sort_by_key(|packet| packet.at);
        self.disorder(&mut dump.packets, &mut dice);
        self.spoil(&mut dump.packets);
        dump
    }

    /// The sender's RTP clock at an instant after its beginning.
    pub fn rtp_at(&self, at: TimeDelta) -> u32 {
        let restart = self.restarts.iter().rfind(|restart| restart.at <= at);
        let (from, first) = restart.map_or((TimeDelta::ZERO, self.first_timestamp), |restart| {
            (restart.at, restart.timestamp)
        });
        let slept = self
            .pauses
            .iter()
            .filter(|pause| pause.clock == PauseClock::StandsStill && pause.from >= from);
        let slept = slept
            .map(|pause| (at - pause.from).max(TimeDelta::ZERO).min(pause.length).nanos())
            .sum::<i64>();
        let stepped = self
            .steps
            .iter()
            .filter(|(when, _)| *when <= at && *when >= from)
            .map(|(_, step)| step.nanos())
            .sum::<i64>();
        let nominal = i128::from((at - from).nanos() - slept);
        let own = nominal + nominal * i128::from(self.drift_ppm) / 1_000_000 + i128::from(stepped);
        let units = (own * i128::from(self.rate()) + 500_000_000).div_euclid(1_000_000_000);
        first.wrapping_add(units as u32)
    }

    fn sender_reports(&self) -> Vec<(WallTime, u32)> {
        let end = self.frames.last().map_or(TimeDelta::ZERO, |frame| frame.captured);
        let instants = (1..)
            .map(|index| TimeDelta::from_seconds(2 * index))
            .take_while(|at| *at < end);
        let asleep = |at: &TimeDelta| {
            self.pauses
                .iter()
                .any(|pause| (pause.from..pause.from + pause.length).contains(at))
        };
        instants
            .filter(|at| !asleep(at))
            .map(|at| (wall(self.began, at), self.rtp_at(at)))
            .collect()
    }

    fn is_sent(&self, frame: &Coded) -> bool {
        let at = frame.captured;
        !self
            .pauses
            .iter()
            .any(|pause| (pause.from..pause.from + pause.length).contains(&at))
    }

    fn new_sources(&self, at: TimeDelta) -> usize {
        let new = self
            .restarts
            .iter()
            .filter(|restart| restart.at <= at && restart.source == NewSource::Yes);
        new.count()
    }

    fn is_video(&self) -> bool {
        self.codec.kind() == Kind::Video
    }

    fn rate(&self) -> u32 {
        if self.is_video() { 90_000 } else { 48_000 }
    }

    fn payload_type(&self) -> u8 {
        if self.is_video() { 96 } else { 111 }
    }

    fn spoil(&self, packets: &mut [Received]) {
        for (index, timestamp) in &self.wild_timestamps {
            packets[*index].bytes[4..8].copy_from_slice(&timestamp.to_be_bytes());
        }
        for (index, at) in &self.wild_receipts {
            packets[*index].at = *at;
        }
    }

    /// Some packets are overtaken: times of receipt stay where they are, packets move.
    fn disorder(&self, packets: &mut [Received], dice: &mut Dice) {
        for index in 0..packets.len() {
            if dice.one_in_a_thousand(self.reordered) {
                let to = (index + 1 + (dice.next() % 8) as usize).min(packets.len() - 1);
                for at in index..to {
                    let (left, right) = packets.split_at_mut(at + 1);
                    std::mem::swap(&mut left[at].bytes, &mut right[0].bytes);
                }
            }
        }
    }
}

fn wall(began: WallTime, at: TimeDelta) -> WallTime {
    WallTime::from_unix_nanos(began.unix_nanos() + at.nanos())
}

/// xorshift64*: the same numbers on every machine.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    fn one_in_a_thousand(&mut self, rate: u64) -> bool {
        self.next() % 1000 < rate
    }
}
