//! Where the sound of a dump comes from: decoded now, or kept from when it was listened to.

use super::{
    Dumps,
    decoder::Faults,
    kept::{Keeper, Keeping, KeptDump, KeptReader},
};
use crate::{
    av::{AudioDecoder, AudioFrame},
    dump::{DumpError, Reader, probe::DumpKey},
};

/// An open dump of sound.
pub struct Feed<'a> {
    origin: Origin<'a>,
    faults: Faults,
}

enum Origin<'a> {
    Dump {
        reader: Box<Reader>,
        decoder: AudioDecoder,
        keeper: Option<Keeper<'a>>,
    },
    Kept(KeptReader),
}

/// What one packet gave.
pub struct Fed {
    pub frames: Vec<AudioFrame>,
    pub is_last: bool,
}

impl<'a> Feed<'a> {
    /// What was kept of the dump, or the dump itself; what is decoded is kept if there is room.
    pub fn open(dumps: Dumps<'a>, key: DumpKey, keeping: Option<&'a Keeping<'a>>) -> Result<Feed<'a>, DumpError> {
        let kept = dumps.kept.get(key);
        if let Some((kept, reader)) = kept.and_then(|kept| Some((kept, kept.open().ok()?))) {
            return Ok(Feed {
                origin: Origin::Kept(reader),
                faults: kept.faults().clone(),
            });
        }
        let reader = dumps.open(key)?;
        let decoder = AudioDecoder::open(reader.parameters()).map_err(DumpError::Unreadable)?;
        Ok(Feed {
            origin: Origin::Dump {
                reader: Box::new(reader),
                decoder,
                keeper: keeping.and_then(Keeping::keeper),
            },
            faults: Faults::default(),
        })
    }

    /// The frames of the next packet.
    pub fn next(&mut self) -> Fed {
        match &mut self.origin {
            Origin::Dump {
                reader,
                decoder,
                keeper,
            } => {
                let is_last = send(reader, decoder, &mut self.faults);
                let frames = received(decoder, &mut self.faults);
                *keeper = keeper.take().and_then(|keeper| keeper.with(&frames));
                Fed { frames, is_last }
            }
            Origin::Kept(reader) => {
                let frame = reader.read().unwrap_or_else(|error| {
                    self.faults.note(&error);
                    None
                });
                Fed {
                    is_last: frame.is_none(),
                    frames: frame.into_iter().collect(),
                }
            }
        }
    }

    /// What went wrong so far.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What was kept, if nothing more will be asked of this dump and all of it was.
    pub fn finish(self) -> Option<KeptDump> {
        match self.origin {
            Origin::Dump { keeper, .. } => keeper?.finish(self.faults).ok(),
            Origin::Kept(_) => None,
        }
    }
}

/// Sends a packet to the decoder, or that there is none; true if it was the last.
fn send(reader: &mut Reader, decoder: &mut AudioDecoder, faults: &mut Faults) -> bool {
    let (sent, is_last) = match reader.read() {
        Ok(Some(packet)) => (decoder.send(&packet), false),
        Ok(None) => (decoder.send_end(), true),
        Err(error) => {
            faults.note(&error);
            (decoder.send_end(), true)
        }
    };
    if let Err(error) = sent {
        faults.note(&error);
    }
    is_last
}

fn received(decoder: &mut AudioDecoder, faults: &mut Faults) -> Vec<AudioFrame> {
    let mut frames = Vec::new();
    loop {
        match decoder.receive() {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => return frames,
            Err(error) => {
                faults.note(&error);
                return frames;
            }
        }
    }
}
