//! Making a manifest for a folder of an SFU's own recordings.

use std::{
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use super::{JobError, prepare::MANIFEST};
use crate::{
    dump::mjr::MjrReader,
    session::{
        Manifest,
        import::{self, FoundDump, Imported, Sfu},
    },
};

/// Reads the headers of all recordings in `folder` and describes them by a manifest.
pub fn import_folder(sfu: Sfu, folder: &Path) -> Result<Imported, JobError> {
    let unreadable = |error| JobError::FolderUnreadable {
        path: folder.to_owned(),
        error,
    };
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        // a name that is not UTF-8 cannot stand in a manifest
        names.extend(entry.map_err(unreadable)?.file_name().into_string().ok());
    }
    let suffix = format!(".{}", import::ending(sfu));
    names.retain(|name| name.ends_with(&suffix));
    names.sort();
    let (mut found, mut remarks) = (Vec::new(), Vec::new());
    for name in names {
        match read_header(sfu, folder, &name) {
            Ok(dump) => found.push(dump),
            Err(why) => remarks.push(format!("{name}: left out: {why}")),
        }
    }
    let mut imported = import::import(sfu, &found).map_err(|error| JobError::Import {
        path: folder.to_owned(),
        error,
    })?;
    remarks.append(&mut imported.remarks);
    imported.remarks = remarks;
    Ok(imported)
}

/// What to do with a manifest that is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    Keep,
    Replace,
}

/// Writes `manifest` as the session.json of `folder`.
pub fn write_manifest(manifest: &Manifest, folder: &Path, existing: Existing) -> Result<PathBuf, JobError> {
    let path = folder.join(MANIFEST);
    if existing == Existing::Keep && path.exists() {
        return Err(JobError::ManifestExists { path });
    }
    let text = serde_json::to_string_pretty(manifest).expect("a manifest is plain data and always serialises");
    match fs::write(&path, text + "\n") {
        Ok(()) => Ok(path),
        Err(error) => Err(JobError::ManifestUnwritable { path, error }),
    }
}

fn read_header(sfu: Sfu, folder: &Path, name: &str) -> Result<FoundDump, String> {
    match sfu {
        Sfu::Janus => {
            let file = File::open(folder.join(name)).map_err(|error| error.to_string())?;
            let reader = MjrReader::open(BufReader::new(file)).map_err(|error| error.to_string())?;
            let header = reader.header();
            let codec = header.codec_name.clone();
            Ok(FoundDump {
                name: name.to_owned(),
                kind: header.kind,
                codec,
                started_at: header.first_packet,
            })
        }
    }
}
