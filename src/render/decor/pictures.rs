//! Pictures that layouts name: a small file can claim to be a picture that fills the memory.

use std::{io, path::Path};

use tiny_skia::Pixmap;

use crate::{media::Size, render::small_file::read_small};

/// In bytes; a photograph as large as a 4K canvas has about that.
const LARGEST_FILE: u64 = 16 << 20;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Whether the file at `path` may be decoded, and if not, why. What is no PNG at all is told when it is drawn.
pub fn check_picture(path: &Path) -> io::Result<()> {
    read_checked(path).map(|_| ())
}

pub fn load_picture(path: &Path) -> io::Result<Pixmap> {
    let decoded = Pixmap::decode_png(&read_checked(path)?);
    decoded.map_err(|error| io::Error::other(format!("it is no PNG that can be read: {error}")))
}

fn read_checked(path: &Path) -> io::Result<Vec<u8>> {
    let bytes = read_small(path, LARGEST_FILE)?;
    let most = Size::MAX_EDGE;
    match png_size(&bytes) {
        Some(size) if size.width > most || size.height > most => Err(io::Error::other(format!(
            "it is {size} pixels large: make it smaller, {most}x{most} is the largest canvas"
        ))),
        Some(_) | None => Ok(bytes),
    }
}

/// What a PNG says of its size, before any of it is decoded: its first chunk is the header, IHDR, which begins with width
/// and height (PNG, third edition, 5.6 and 11.2.1).
fn png_size(bytes: &[u8]) -> Option<Size> {
    let header = bytes.strip_prefix(SIGNATURE)?.get(4..)?.strip_prefix(b"IHDR")?;
    let (width, rest) = header.split_first_chunk()?;
    let height = rest.first_chunk()?;
    Some(Size::new(u32::from_be_bytes(*width), u32::from_be_bytes(*height)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_picture_is_as_large_as_its_header_says() {
        let png = Pixmap::new(300, 7).unwrap().encode_png().unwrap();
        assert_eq!(png_size(&png), Some(Size::new(300, 7)));
        assert_eq!(png_size(&png[..23]), None);
        assert_eq!(png_size(b"GIF89a"), None);
    }

    #[test]
    fn pictures_beyond_the_largest_canvas_are_refused_before_they_are_decoded() {
        let folder = TempDir::new().unwrap();
        let claiming = |width: u32, height: u32| {
            let mut png = Pixmap::new(3, 3).unwrap().encode_png().unwrap();
            png[16..20].copy_from_slice(&width.to_be_bytes());
            png[20..24].copy_from_slice(&height.to_be_bytes());
            let path = folder.path().join("claims.png");
            fs::write(&path, png).unwrap();
            check_picture(&path).map_err(|error| error.to_string())
        };
        assert_eq!(claiming(8192, 8192), Ok(()));
        for (width, height) in [(60_000, 60_000), (8193, 1), (1, 8193), (u32::MAX, u32::MAX)] {
            let said = claiming(width, height).unwrap_err();
            assert!(
                said.contains(&format!("{width}x{height}")) && said.contains("8192x8192"),
                "{said}"
            );
        }
    }

    #[test]
    fn what_never_ends_is_not_read() {
        for endless in ["/dev/zero", "/dev/urandom", "/proc"] {
            let said = check_picture(Path::new(endless)).unwrap_err().to_string();
            assert!(said.contains("regular file"), "{endless}: {said}");
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(LARGEST_FILE).unwrap();
        assert!(check_picture(file.path()).is_ok());
        file.as_file().set_len(LARGEST_FILE + 1).unwrap();
        let said = check_picture(file.path()).unwrap_err().to_string();
        assert!(said.contains("16777217 bytes"), "{said}");
    }
}
