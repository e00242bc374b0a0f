//! Decoding one video dump once, in order, up to the frame that is wanted.

use crate::{
    av::{Packet, VideoDecoder, VideoFrame},
    dump::{DumpError, Reader, probe::DumpKey},
    media::{Codec, Rotation},
};

use super::{DumpFault, RenderInput};

/// An open video dump.
pub struct DumpDecoder {
    key: DumpKey,
    reader: Reader,
    decoder: VideoDecoder,
    codec: Codec,
    /// The first packet of another codec: it waits until the old decoder has handed out all it holds.
    next: Option<Packet>,
    /// Decoded, but not yet due.
    pending: Option<VideoFrame>,
    current: Option<VideoFrame>,
    state: State,
    /// What comes before this keyframe is not decoded.
    begin: Option<i64>,
    faults: Faults,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first keyframe: nothing can be decoded yet.
    Waiting,
    Reading,
    /// The file is read; the decoder may still hold frames.
    Draining,
    Finished,
}

/// Counts what went wrong and keeps the first reason.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    packets: u64,
    first: Option<String>,
}

impl DumpDecoder {
    /// Opens a dump of which nothing before `pts` will be asked for.
    pub fn open(input: &RenderInput<'_>, key: DumpKey, pts: i64) -> Result<DumpDecoder, DumpError> {
        let reader = input.open(key)?;
        let decoder = VideoDecoder::open(reader.parameters()).map_err(DumpError::Unreadable)?;
        Ok(DumpDecoder {
            key,
            codec: reader.parameters().codec(),
            next: None,
            reader,
            decoder,
            pending: None,
            current: None,
            state: State::Waiting,
            begin: input.keyframe_before(key, pts),
            faults: Faults::default(),
        })
    }

    /// The latest frame whose timestamp is at most `pts`. Timestamps asked for must not fall.
    pub fn frame_at(&mut self, pts: i64) -> Option<&VideoFrame> {
        loop {
            match &self.pending {
                Some(frame) if frame.pts().is_some_and(|at| at > pts) => break,
                Some(_) => self.current = self.pending.take(),
                None if self.state == State::Finished => break,
                None => self.pending = self.next_frame(),
            }
        }
        self.turn_current();
        self.current.as_ref()
    }

    pub fn fault(&self) -> Option<DumpFault> {
        self.faults.report(self.key)
    }

    /// The next frame worth showing; `None` when the dump has ended.
    fn next_frame(&mut self) -> Option<VideoFrame> {
        loop {
            match self.decoder.receive() {
                // half-guessed pictures are smeared: the last good one stays
                Ok(Some(frame)) if frame.is_corrupt() => continue,
                Ok(Some(frame)) => return Some(frame),
                Ok(None) => {}
                Err(error) => self.faults.note(&error),
            }
            match self.state {
                State::Waiting | State::Reading => self.feed(),
                State::Draining => match self.next.take() {
                    Some(packet) => self.begin_codec(&packet),
                    None => {
                        self.state = State::Finished;
                        return None;
                    }
                },
                State::Finished => return None,
            }
        }
    }

    fn feed(&mut self) {
        let packet = match self.reader.read() {
            Ok(Some(packet)) => packet,
            Ok(None) => return self.end(),
            Err(error) => {
                self.faults.note(&error);
                return self.end();
            }
        };
        if self.state == State::Waiting && !self.is_usable_start(&packet) {
            return;
        }
        if self.reader.parameters().codec() != self.codec {
            self.next = Some(packet);
            return self.end();
        }
        self.send(&packet);
    }

    fn send(&mut self, packet: &Packet) {
        self.state = State::Reading;
        if let Err(error) = self.decoder.send(packet) {
            self.faults.note(&error);
        }
    }

    /// Goes on with a decoder for the codec that `packet` is the first of.
    fn begin_codec(&mut self, packet: &Packet) {
        self.codec = self.reader.parameters().codec();
        match VideoDecoder::open(self.reader.parameters()) {
            Ok(decoder) => self.decoder = decoder,
            Err(error) => self.faults.note(&error),
        }
        self.send(packet);
    }

    /// Only what is shown is turned, and once.
    fn turn_current(&mut self) {
        if let Some(frame) = self.current.take_if(|frame| frame.rotation() != Rotation::None) {
            match frame.upright() {
                Ok(frame) => self.current = Some(frame),
                Err(error) => self.faults.note(&error),
            }
        }
    }

    fn is_usable_start(&self, packet: &Packet) -> bool {
        let is_late_enough = |pts| self.begin.is_none_or(|begin| pts >= begin);
        packet.is_key() && packet.pts().is_some_and(is_late_enough)
    }

    fn end(&mut self) {
        self.state = State::Draining;
        if let Err(error) = self.decoder.send_end() {
            self.faults.note(&error);
        }
    }
}

impl Faults {
    pub fn note(&mut self, error: &impl std::fmt::Display) {
        self.packets += 1;
        self.first.get_or_insert_with(|| error.to_string());
    }

    pub fn add(&mut self, other: &Faults) {
        self.packets += other.packets;
        self.first = self.first.take().or_else(|| other.first.clone());
    }

    pub fn report(&self, key: DumpKey) -> Option<DumpFault> {
        self.first.clone().map(|first| DumpFault {
            key,
            packets: self.packets,
            first,
        })
    }
}
