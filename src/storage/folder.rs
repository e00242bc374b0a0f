//! A folder used as a bucket. A file there is whole or absent: it is written beside its place and moved.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use url::Url;

use super::{Action, Fault, LocalFile, ObjectFacts, ObjectKey, StorageError};
use crate::media::Sha256Writer;

/// What [`ObjectFacts::marks`] calls the SHA-256 of the content.
pub const SHA256_MARK: &str = "sha256";

/// What the names of unfinished files begin with.
const DRAFT: &str = ".tessera-";

/// Who may read what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    /// As the process's umask says.
    Usual,
    /// The owner alone: there may be secrets in it.
    Owner,
}

#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
    privacy: Privacy,
}

impl Folder {
    pub fn at(root: impl Into<PathBuf>, privacy: Privacy) -> Folder {
        Folder {
            root: root.into(),
            privacy,
        }
    }

    pub fn path(&self, key: &ObjectKey) -> PathBuf {
        self.root.join(key.as_str())
    }

    pub fn uri(&self, key: &ObjectKey) -> String {
        let path = std::path::absolute(self.path(key)).unwrap_or_else(|_| self.path(key));
        Url::from_file_path(&path).map_or_else(|()| path.display().to_string(), String::from)
    }

    pub fn head(&self, key: &ObjectKey) -> Result<Option<ObjectFacts>, StorageError> {
        let wrong = |error: io::Error| self.error(Action::HeadObject, key, &error);
        let mut file = match fs::File::open(self.path(key)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrong(error)),
        };
        let mut sum = Sha256Writer::default();
        let size = io::copy(&mut file, &mut sum).map_err(wrong)?;
        Ok(Some(ObjectFacts {
            size,
            marks: [(SHA256_MARK.to_owned(), sum.finish())].into(),
            ..ObjectFacts::default()
        }))
    }

    pub fn get(&self, key: &ObjectKey, limit: u64) -> Result<Option<Vec<u8>>, StorageError> {
        let path = self.path(key);
        match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Ok(metadata) if metadata.len() > limit => {
                let error = io::Error::other(format!("it is larger than {limit} bytes"));
                return Err(self.error(Action::GetObject, key, &error));
            }
            Ok(_) | Err(_) => {}
        }
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.error(Action::GetObject, key, &error)),
        }
    }

    pub fn put(&self, key: &ObjectKey, bytes: &[u8]) -> Result<(), StorageError> {
        let write = || {
            let draft = self.draft(key)?;
            fs::write(draft.path(), bytes)?;
            self.publish(draft, key)
        };
        write().map_err(|error| self.error(Action::PutObject, key, &error))
    }

    /// Puts a file where none is. False if there is one.
    pub fn put_new(&self, key: &ObjectKey, bytes: &[u8]) -> Result<bool, StorageError> {
        let write = || {
            let draft = self.draft(key)?;
            fs::write(draft.path(), bytes)?;
            match draft.persist_noclobber(self.path(key)) {
                Ok(_) => Ok(true),
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
                Err(error) => Err(error.error),
            }
        };
        write().map_err(|error| self.error(Action::PutObject, key, &error))
    }

    pub fn upload(&self, file: &LocalFile, key: &ObjectKey) -> Result<(), StorageError> {
        // always the same draft, so that a process that was killed leaves at most one, and the next one uses it up
        let write = || {
            let path = self.path(key);
            fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let draft = path.with_file_name(format!("{DRAFT}{name}"));
            fs::copy(&file.path, &draft)?;
            fs::File::open(&draft)?.sync_all()?;
            fs::rename(&draft, &path)
        };
        write().map_err(|error| self.error(Action::PutObject, key, &error))?;
        let arrived = self.head(key)?;
        let whole =
            arrived.is_some_and(|facts| facts.size == file.size && facts.marks.get(SHA256_MARK) == Some(&file.sha256));
        if whole {
            Ok(())
        } else {
            Err(self.error(
                Action::HeadObject,
                key,
                &io::Error::other("what arrived is not what was sent"),
            ))
        }
    }

    pub fn download(&self, key: &ObjectKey, to: &Path) -> Result<(), StorageError> {
        fs::copy(self.path(key), to)
            .map(|_| ())
            .map_err(|error| self.error(Action::GetObject, key, &error))
    }

    pub fn delete(&self, key: &ObjectKey) -> Result<(), StorageError> {
        match fs::remove_file(self.path(key)) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(self.error(Action::DeleteObject, key, &error)),
        }
    }

    /// All keys that begin with `prefix`, in order.
    pub fn list(&self, prefix: &str) -> Result<Vec<ObjectKey>, StorageError> {
        let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut names = Vec::new();
        walk(&self.root.join(folder), folder, &mut names).map_err(|error| StorageError {
            action: Action::ListObjects,
            place: self.root.display().to_string(),
            fault: Fault::Local(error.to_string()),
        })?;
        let mut keys: Vec<ObjectKey> = names
            .into_iter()
            .filter(|name| name.starts_with(prefix))
            .filter_map(|name| ObjectKey::new(name).ok())
            .collect();
        keys.sort();
        Ok(keys)
    }

    /// A hidden file beside the place of `key`, deleted unless it is published.
    fn draft(&self, key: &ObjectKey) -> io::Result<tempfile::NamedTempFile> {
        let path = self.path(key);
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder)?;
        tempfile::Builder::new().prefix(DRAFT).tempfile_in(folder)
    }

    fn publish(&self, draft: tempfile::NamedTempFile, key: &ObjectKey) -> io::Result<()> {
        if self.privacy == Privacy::Usual {
            // temporary files are the owner's alone
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(draft.path(), fs::Permissions::from_mode(0o644))?;
        }
        draft.as_file().sync_all()?;
        draft.persist(self.path(key))?;
        Ok(())
    }

    fn error(&self, action: Action, key: &ObjectKey, error: &io::Error) -> StorageError {
        let fault = match error.kind() {
            io::ErrorKind::PermissionDenied => Fault::Denied,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Fault::Quota(error.to_string()),
            _ => Fault::Local(error.to_string()),
        };
        StorageError {
            action,
            place: self.path(key).display().to_string(),
            fault,
        }
    }
}

fn walk(folder: &Path, name: &str, found: &mut Vec<String>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let Ok(part) = entry.file_name().into_string() else {
            continue;
        };
        // drafts of others
        if part.starts_with(DRAFT) {
            continue;
        }
        let below = if name.is_empty() {
            part
        } else {
            format!("{name}/{part}")
        };
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &below, found)?;
        } else {
            found.push(below);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_a_bucket() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::at(place.path(), Privacy::Owner);
        let key = |text: &str| ObjectKey::new(text).unwrap();
        folder.put(&key("a/b"), b"one").unwrap();
        folder.put(&key("a/c"), b"two").unwrap();
        folder.put(&key("a/c"), b"three").unwrap();
        assert_eq!(folder.get(&key("a/c"), 100).unwrap().unwrap(), b"three");
        assert_eq!(folder.get(&key("a/x"), 100).unwrap(), None);
        assert!(!folder.put_new(&key("a/c"), b"four").unwrap() && folder.put_new(&key("b/d"), b"x").unwrap());
        assert_eq!(folder.get(&key("a/c"), 100).unwrap().unwrap(), b"three");
        assert!(folder.get(&key("a/c"), 2).is_err());
        assert_eq!(folder.list("a/").unwrap(), [key("a/b"), key("a/c")]);
        assert_eq!(folder.list("nothing/").unwrap(), []);
        assert_eq!(folder.head(&key("a/b")).unwrap().unwrap().size, 3);
        folder.delete(&key("a/b")).unwrap();
        folder.delete(&key("a/b")).unwrap();
        assert_eq!(folder.head(&key("a/b")).unwrap(), None);
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(folder.path(&key("a/c"))).unwrap().permissions());
        assert_eq!(mode & 0o077, 0, "others may read it");
    }
}
