//! Small files that strangers name, layouts and their pictures: never waited for, and never read beyond what is reasonable.

use std::{
    fs::OpenOptions,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use nix::fcntl::OFlag;

/// All of a regular file of at most `most` bytes.
pub fn read_small(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // opening a pipe waits for its other end, unless it is told not to
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    // not every file is as long as it says: those of /proc are not, nor is one that is being written
    let length = match found.len() {
        length if length > most => length,
        _ => file.take(most + 1).read_to_end(&mut bytes)? as u64,
    };
    if length > most {
        return Err(io::Error::other(format!(
            "it has {length} bytes or more: make it smaller, {most} are the most that is read"
        )));
    }
    Ok(bytes)
}
