//! The working folder of a job: one process at a time, of bounded size, and still there after a crash.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use nix::sys::statvfs::statvfs;

use super::{JobError, JobId, settings::SpoolSettings};

/// What rendering needs beside the dumps: chunks, sound and the finished file, as a share of the dumps' size …
const WORK_SHARE: u64 = 2;
/// … and at least so many bytes.
const LEAST_WORK: u64 = 32 << 20;
const SPARE_SHARE: u64 = 8;
const MOST_SPARE: u64 = 1 << 30;

/// `<spool>/jobs/<job_id>/`, locked.
#[derive(Debug)]
pub struct JobSpool {
    folder: PathBuf,
    settings: SpoolSettings,
    /// Held while the process lives; the system lets go of it when the process dies.
    _lock: File,
}

impl JobSpool {
    /// Enters the job's folder, or says that somebody else is in it.
    pub fn enter(settings: &SpoolSettings, id: &JobId) -> Result<JobSpool, JobError> {
        let folder = settings.folder.join("jobs").join(id.as_str());
        let failed = |error| JobError::Spool {
            path: folder.clone(),
            error,
        };
        loop {
            fs::create_dir_all(&folder).map_err(failed)?;
            let path = folder.join("lock");
            let lock = File::create(&path).map_err(failed)?;
            match lock.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(JobError::Busy { job: id.clone() }),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            // the one before us may have deleted the folder between our opening the file and locking it
            if path.exists() {
                return Ok(JobSpool {
                    folder,
                    settings: settings.clone(),
                    _lock: lock,
                });
            }
        }
    }

    /// Where pulled files lie.
    pub fn dumps(&self) -> Result<PathBuf, JobError> {
        self.folder_of("dumps")
    }

    /// Where rendering works and finished chunks survive.
    pub fn work(&self) -> Result<PathBuf, JobError> {
        self.folder_of("work")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Fails if dumps of `size` bytes and what is made of them would not fit.
    pub fn reserve(&self, size: u64) -> Result<(), JobError> {
        let needed = size.saturating_add(size / WORK_SHARE).saturating_add(LEAST_WORK);
        let available = self.available()?;
        if needed <= available {
            return Ok(());
        }
        Err(JobError::SpoolFull {
            path: self.settings.folder.clone(),
            needed,
            available,
        })
    }

    /// How much may be put here that the job can do without: a share of what is free, as other jobs are at work, too.
    pub fn spare(&self) -> Result<u64, JobError> {
        Ok((self.available()? / SPARE_SHARE).min(MOST_SPARE))
    }

    /// What the job may take, with what it has taken.
    fn available(&self) -> Result<u64, JobError> {
        let failed = |error: io::Error| JobError::Spool {
            path: self.folder.clone(),
            error,
        };
        let used = used_bytes(&self.settings.folder).saturating_sub(used_bytes(&self.folder));
        let disk = statvfs(&self.folder).map_err(|error| failed(error.into()))?;
        let free = (disk.blocks_available() as u64).saturating_mul(disk.fragment_size() as u64);
        let rest = self.settings.limit.saturating_sub(used);
        Ok(rest.min(free.saturating_add(used_bytes(&self.folder))))
    }

    /// Deletes the folder: the job is done with it.
    pub fn leave(self) -> Result<(), JobError> {
        fs::remove_dir_all(&self.folder).map_err(|error| JobError::Spool {
            path: self.folder.clone(),
            error,
        })
    }

    fn folder_of(&self, name: &str) -> Result<PathBuf, JobError> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).map_err(|error| JobError::Spool {
            path: folder.clone(),
            error,
        })?;
        Ok(folder)
    }
}

/// The bytes of all files below `folder`; what vanishes meanwhile counts nothing.
pub fn used_bytes(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .filter_map(Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => used_bytes(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_works_on_a_job_and_only_within_its_bounds() {
        let folder = tempfile::tempdir().unwrap();
        let settings = SpoolSettings {
            folder: folder.path().to_owned(),
            limit: 100 << 20,
        };
        let id = JobId::parse("j").unwrap();
        let spool = JobSpool::enter(&settings, &id).unwrap();
        assert!(matches!(JobSpool::enter(&settings, &id), Err(JobError::Busy { .. })));
        assert!(spool.reserve(20 << 20).is_ok());
        assert!(matches!(spool.reserve(60 << 20), Err(JobError::SpoolFull { .. })));
        spool.leave().unwrap();
        assert!(JobSpool::enter(&settings, &id).is_ok());
    }
}
