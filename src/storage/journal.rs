//! What is known of a multipart upload under way, on the disk of the one who makes it.

use std::{fs, io, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::ObjectKey;

/// Where the id of an upload under way is remembered, if anywhere.
#[derive(Debug, Clone)]
pub struct UploadJournal {
    path: Option<PathBuf>,
}

/// What the journal says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub key: ObjectKey,
    /// Absent between the intent and the service's answer.
    pub upload_id: Option<String>,
}

impl UploadJournal {
    pub fn at(path: PathBuf) -> UploadJournal {
        UploadJournal { path: Some(path) }
    }

    /// For whoever has no folder to remember anything in.
    pub(super) fn nowhere() -> UploadJournal {
        UploadJournal { path: None }
    }

    pub(super) fn write(&self, entry: &Entry) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let draft = path.with_extension("draft");
        fs::write(
            &draft,
            serde_json::to_vec(entry).expect("an entry is plain data and always serialises"),
        )?;
        fs::File::open(&draft)?.sync_all()?;
        fs::rename(&draft, path)
    }

    pub(super) fn read(&self) -> Option<Entry> {
        serde_json::from_slice(&fs::read(self.path.as_ref()?).ok()?).ok()
    }

    pub(super) fn clear(&self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}
