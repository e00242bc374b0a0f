//! Sound that was decoded to be listened to, kept so that mixing need not decode it again.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, BufWriter, Seek, SeekFrom},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use super::decoder::Faults;
use crate::{av::AudioFrame, dump::probe::DumpKey};

/// Every dump that is kept holds a file open.
const MOST_DUMPS: u64 = 100;
const BUFFER: usize = 256 << 10;

/// Decoded dumps, as files without a name that vanish with the process.
#[derive(Debug, Default)]
pub struct KeptSound {
    dumps: BTreeMap<DumpKey, KeptDump>,
}

#[derive(Debug)]
pub(super) struct KeptDump {
    file: File,
    faults: Faults,
}

/// Where decoded sound is kept, and how much of it.
#[derive(Debug)]
pub struct Keeping<'a> {
    folder: &'a Path,
    bytes_left: AtomicU64,
    dumps_left: AtomicU64,
}

/// Keeps one dump. What cannot be kept, for want of room or for any other reason, is decoded again.
pub(super) struct Keeper<'a> {
    keeping: &'a Keeping<'a>,
    file: BufWriter<File>,
    bytes: u64,
}

/// One kept dump, from its beginning.
pub(super) struct KeptReader(BufReader<File>);

impl<'a> Keeping<'a> {
    /// At most `bytes` are kept, in `folder`.
    pub fn new(folder: &'a Path, bytes: u64) -> Keeping<'a> {
        Keeping {
            folder,
            bytes_left: AtomicU64::new(bytes),
            dumps_left: AtomicU64::new(MOST_DUMPS),
        }
    }

    pub(super) fn keeper(&'a self) -> Option<Keeper<'a>> {
        take(&self.dumps_left, 1)?;
        let file = tempfile::tempfile_in(self.folder).ok()?;
        Some(Keeper {
            keeping: self,
            file: BufWriter::with_capacity(BUFFER, file),
            bytes: 0,
        })
    }
}

impl Keeper<'_> {
    /// Keeps `frames`, too. From the first that cannot be kept, the dump is one that was not, and makes room for others.
    pub fn with(mut self, frames: &[AudioFrame]) -> Option<Self> {
        match frames.iter().try_for_each(|frame| self.keep(frame)) {
            Ok(()) => Some(self),
            Err(_) => {
                self.keeping.bytes_left.fetch_add(self.bytes, Ordering::Relaxed);
                self.keeping.dumps_left.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// The dump, when all of it that will ever be asked for was kept.
    pub fn finish(self, faults: Faults) -> io::Result<KeptDump> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(KeptDump { file, faults })
    }

    fn keep(&mut self, frame: &AudioFrame) -> io::Result<()> {
        take(&self.keeping.bytes_left, frame.bytes()).ok_or(io::ErrorKind::QuotaExceeded)?;
        self.bytes += frame.bytes();
        frame.write_to(&mut self.file)
    }
}

impl KeptSound {
    pub(super) fn of(dumps: impl IntoIterator<Item = (DumpKey, KeptDump)>) -> KeptSound {
        KeptSound {
            dumps: dumps.into_iter().collect(),
        }
    }

    pub(super) fn get(&self, key: DumpKey) -> Option<&KeptDump> {
        self.dumps.get(&key)
    }
}

impl KeptDump {
    /// For one reader at a time: they would share their place in the file.
    pub fn open(&self) -> io::Result<KeptReader> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(KeptReader(BufReader::with_capacity(BUFFER, file)))
    }

    /// What went wrong when it was decoded.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}

impl KeptReader {
    pub fn read(&mut self) -> io::Result<Option<AudioFrame>> {
        AudioFrame::read_from(&mut self.0)
    }
}

fn take(left: &AtomicU64, count: u64) -> Option<()> {
    let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(count));
    taken.ok().map(|_| ())
}
