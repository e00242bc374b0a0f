//! From a dump's URI to a file: manifests come from strangers, so a path must stay in the manifest's folder.

use std::{
    io,
    path::{Component, Path, PathBuf},
};

/// Whether a manifest may name files outside its own folder by `file://`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourcePolicy {
    FolderOnly,
    AllowFileUris,
}

#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    #[error("its path leaves the manifest's folder")]
    Outside,
    #[error("file:// sources are not allowed here: pass --allow-file-uris if you trust the manifest")]
    FileUriNotAllowed,
    #[error(
        "sources at '{0}://' cannot be read by this command: download the dumps and name them relative to the manifest"
    )]
    Scheme(String),
    #[error("'{}' lies where this job may not read from: name it in TESSERA_SOURCE_ALLOWED if it should", .0.escape_default())]
    NotAllowed(String),
    #[error("its path holds a character that no file name has")]
    BadCharacter,
    #[error("the file is missing")]
    Missing,
    #[error("it is not a regular file")]
    NotAFile,
    #[error("cannot be reached: {0}")]
    Io(io::Error),
}

/// The file that `uri` names, seen from `folder`, the folder of the manifest.
pub fn locate(folder: &Path, uri: &str, policy: SourcePolicy) -> Result<PathBuf, LocateError> {
    if uri.chars().any(char::is_control) {
        return Err(LocateError::BadCharacter);
    }
    match uri.split_once("://") {
        Some(("file", path)) => match policy {
            SourcePolicy::AllowFileUris => regular_file(Path::new(path)),
            SourcePolicy::FolderOnly => Err(LocateError::FileUriNotAllowed),
        },
        Some((scheme, _)) => Err(LocateError::Scheme(scheme.to_owned())),
        None => inside(folder, Path::new(uri)),
    }
}

fn inside(folder: &Path, relative: &Path) -> Result<PathBuf, LocateError> {
    let plain = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !plain {
        return Err(LocateError::Outside);
    }
    let folder = folder.canonicalize().map_err(LocateError::Io)?;
    let file = regular_file(&folder.join(relative))?;
    // a symbolic link may still lead out
    if file.starts_with(&folder) {
        Ok(file)
    } else {
        Err(LocateError::Outside)
    }
}

/// A pipe or a device would block or never end: only regular files are opened.
fn regular_file(path: &Path) -> Result<PathBuf, LocateError> {
    let file = path.canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => LocateError::Missing,
        _ => LocateError::Io(error),
    })?;
    let metadata = file.metadata().map_err(LocateError::Io)?;
    if metadata.is_file() {
        Ok(file)
    } else {
        Err(LocateError::NotAFile)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("session")).unwrap();
        fs::write(folder.path().join("secret"), "x").unwrap();
        fs::write(folder.path().join("session/a.webm"), "x").unwrap();
        std::os::unix::fs::symlink("../secret", folder.path().join("session/link")).unwrap();
        std::os::unix::fs::symlink("a.webm", folder.path().join("session/good-link")).unwrap();
        folder
    }

    #[test]
    fn only_files_in_the_folder_are_found() {
        let outer = folder();
        let session = outer.path().join("session");
        let find = |uri: &str| locate(&session, uri, SourcePolicy::FolderOnly);
        assert!(find("a.webm").is_ok());
        assert!(find("./a.webm").is_ok());
        assert!(find("good-link").is_ok());
        let absolute = session.join("a.webm");
        for hostile in [
            "../secret",
            "x/../../secret",
            "/etc/passwd",
            absolute.to_str().unwrap(),
            "link",
        ] {
            assert!(
                matches!(find(hostile), Err(LocateError::Outside)),
                "{hostile} was not refused as outside"
            );
        }
        assert!(matches!(find("a\0b"), Err(LocateError::BadCharacter)));
        assert!(matches!(find("gone.webm"), Err(LocateError::Missing)));
        assert!(matches!(find("."), Err(LocateError::NotAFile)));
        assert!(matches!(find("http://example.com/a.webm"), Err(LocateError::Scheme(_))));
        assert!(matches!(find("concat:a.webm|b.webm"), Err(LocateError::Missing)));
    }

    #[test]
    fn file_uris_need_permission() {
        let outer = folder();
        let uri = format!("file://{}", outer.path().join("secret").display());
        assert!(matches!(
            locate(outer.path(), &uri, SourcePolicy::FolderOnly),
            Err(LocateError::FileUriNotAllowed)
        ));
        assert!(locate(outer.path(), &uri, SourcePolicy::AllowFileUris).is_ok());
    }
}
