//! Checksums of files and parts of files, in the shapes that S3 uses.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use md5::{Digest, Md5};
use sha2::Sha256;

use crate::media::hex;

/// A stretch of a file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    pub offset: u64,
    pub length: u64,
}

/// MD5 and SHA-256 of the same bytes. MD5 only guards against accidents of transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests {
    pub md5: [u8; 16],
    pub sha256: [u8; 32],
}

impl Digests {
    /// Reads the stretch and nothing else of the file.
    pub fn of(path: &Path, stretch: Stretch) -> io::Result<Digests> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(stretch.offset))?;
        let mut rest = file.take(stretch.length);
        let (mut md5, mut sha256) = (Md5::new(), Sha256::new());
        let mut buffer = vec![0; 1 << 17];
        loop {
            let read = rest.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            md5.update(&buffer[..read]);
            sha256.update(&buffer[..read]);
        }
        if rest.limit() > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter"));
        }
        Ok(Digests {
            md5: md5.finalize().into(),
            sha256: sha256.finalize().into(),
        })
    }

    pub fn md5_base64(&self) -> String {
        STANDARD.encode(self.md5)
    }

    pub fn sha256_base64(&self) -> String {
        STANDARD.encode(self.sha256)
    }
}

/// The value of a Content-MD5 header (RFC 1864).
pub fn md5_base64(bytes: &[u8]) -> String {
    STANDARD.encode(Md5::digest(bytes))
}

/// The ETag that S3 gives an object that arrived in these parts, where neither KMS nor a customer's key encrypts it:
/// the MD5 of a single part, else the MD5 of the parts' MD5s and their number.
pub fn etag(parts: &[Digests], multipart: Multipart) -> String {
    match (parts, multipart) {
        ([only], Multipart::No) => hex(&only.md5),
        (parts, _) => {
            let mut whole = Md5::new();
            parts.iter().for_each(|part| whole.update(part.md5));
            format!("{}-{}", hex(&whole.finalize()), parts.len())
        }
    }
}

/// The same for S3's SHA-256 checksums ("composite" where there are parts).
pub fn composite_sha256(parts: &[Digests], multipart: Multipart) -> String {
    match (parts, multipart) {
        ([only], Multipart::No) => only.sha256_base64(),
        (parts, _) => {
            let mut whole = Sha256::new();
            parts.iter().for_each(|part| whole.update(part.sha256));
            format!("{}-{}", STANDARD.encode(whole.finalize()), parts.len())
        }
    }
}

/// Whether an object is sent in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Multipart {
    Yes,
    No,
}

/// Whether an ETag has the shape of a plain MD5.
pub fn is_md5(etag: &str) -> bool {
    etag.len() == 32 && etag.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_read_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"xxhelloyy").unwrap();
        let digests = Digests::of(file.path(), Stretch { offset: 2, length: 5 }).unwrap();
        // printf hello | md5sum
        assert_eq!(hex(&digests.md5), "5d41402abc4b2a76b9719d911017c592");
        assert_eq!(
            etag(std::slice::from_ref(&digests), Multipart::No),
            "5d41402abc4b2a76b9719d911017c592"
        );
        assert!(etag(&[digests.clone(), digests], Multipart::Yes).ends_with("-2"));
        assert!(Digests::of(file.path(), Stretch { offset: 5, length: 5 }).is_err());
    }
}
