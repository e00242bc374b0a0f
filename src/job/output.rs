//! The folder that results go to. A file there is whole or absent: it is written beside its place and moved.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Serialize;
use tempfile::TempDir;

use super::{Asset, JobError, Report};
use crate::media::Sha256Writer;

pub struct OutputFolder {
    folder: PathBuf,
    work: Work,
}

/// Where files are made before they are moved to their names.
enum Work {
    /// Deleted with everything in it when the job ends, however it ends.
    Passing(TempDir),
    /// Stays, so that another attempt finds what was finished.
    Lasting(PathBuf),
}

impl OutputFolder {
    pub fn open(folder: &Path) -> Result<OutputFolder, JobError> {
        let failed = |error| JobError::Output {
            path: folder.to_owned(),
            error,
        };
        fs::create_dir_all(folder).map_err(failed)?;
        let work = tempfile::Builder::new()
            .prefix(".tessera-")
            .tempdir_in(folder)
            .map_err(failed)?;
        Ok(OutputFolder {
            folder: folder.to_owned(),
            work: Work::Passing(work),
        })
    }

    /// Results go to `folder`, which exists, and are made in `work`, which exists and stays.
    pub fn lasting(folder: PathBuf, work: PathBuf) -> OutputFolder {
        OutputFolder {
            folder,
            work: Work::Lasting(work),
        }
    }

    pub fn work(&self) -> &Path {
        match &self.work {
            Work::Passing(folder) => folder.path(),
            Work::Lasting(folder) => folder,
        }
    }

    /// Moves a finished file of the work folder to its name.
    pub fn publish(&self, work_file: &Path, name: &str, kind: &'static str) -> Result<Asset, JobError> {
        let path = self.folder.join(name);
        let failed = |error| JobError::Output {
            path: path.clone(),
            error,
        };
        let (size, sha256) = synced_checksum(work_file).map_err(failed)?;
        fs::rename(work_file, &path).map_err(failed)?;
        Ok(Asset {
            kind,
            file: name.to_owned(),
            path: path.display().to_string(),
            size,
            sha256,
        })
    }

    /// Writes a file of text to its name.
    pub fn write(&self, text: &str, name: &str, kind: &'static str) -> Result<Asset, JobError> {
        let draft = self.work().join(name);
        fs::write(&draft, text).map_err(|error| JobError::Output {
            path: draft.clone(),
            error,
        })?;
        self.publish(&draft, name, kind)
    }

    pub fn write_report(&self, report: &Report) -> Result<(), JobError> {
        self.write_document("report.json", report)
    }

    pub fn write_document(&self, name: &str, document: &impl Serialize) -> Result<(), JobError> {
        let path = self.folder.join(name);
        let failed = |error: io::Error| JobError::Output {
            path: path.clone(),
            error,
        };
        let text = serde_json::to_string_pretty(document).expect("reports are plain data and always serialise");
        let draft = self.work().join(name);
        fs::write(&draft, text + "\n").map_err(failed)?;
        fs::File::open(&draft)
            .and_then(|file| file.sync_all())
            .map_err(failed)?;
        fs::rename(&draft, &path).map_err(failed)
    }
}

/// Size and SHA-256 of a file that is now safely on the disk.
fn synced_checksum(path: &Path) -> io::Result<(u64, String)> {
    let mut file = fs::File::open(path)?;
    file.sync_all()?;
    let mut sum = Sha256Writer::default();
    let size = io::copy(&mut file, &mut sum)?;
    Ok((size, sum.finish()))
}
