//! IVF files taken apart and put together: a header of 32 bytes, then frames with a header of 12 bytes each.

use std::{fs, path::Path};

pub struct Ivf {
    header: Vec<u8>,
    pub frames: Vec<IvfFrame>,
}

#[derive(Clone)]
pub struct IvfFrame {
    /// In units of the header's time base: for the sample's dumps, fifteenths of a second.
    pub pts: u64,
    pub data: Vec<u8>,
}

impl Ivf {
    pub fn read(path: &Path) -> Ivf {
        let bytes = fs::read(path).unwrap();
        let (header, mut rest) = bytes.split_at(32);
        assert_eq!(&header[..4], b"DKIF");
        let mut frames = Vec::new();
        while !rest.is_empty() {
            let size = u32::from_le_bytes(rest[..4].try_into().unwrap()) as usize;
            let pts = u64::from_le_bytes(rest[4..12].try_into().unwrap());
            frames.push(IvfFrame {
                pts,
                data: rest[12..12 + size].to_vec(),
            });
            rest = &rest[12 + size..];
        }
        Ivf {
            header: header.to_vec(),
            frames,
        }
    }

    /// Appends the frames of `other`, its first one at `pts`. Both must have one time base.
    pub fn append(&mut self, other: &Ivf, pts: u64) {
        assert_eq!(self.header[16..24], other.header[16..24], "the time bases differ");
        let first = other.frames[0].pts;
        self.frames.extend(other.frames.iter().map(|frame| IvfFrame {
            pts: frame.pts - first + pts,
            data: frame.data.clone(),
        }));
    }

    pub fn write(&self, path: &Path) {
        let mut bytes = self.header.clone();
        bytes[24..28].copy_from_slice(&(self.frames.len() as u32).to_le_bytes());
        for frame in &self.frames {
            bytes.extend((frame.data.len() as u32).to_le_bytes());
            bytes.extend(frame.pts.to_le_bytes());
            bytes.extend(&frame.data);
        }
        fs::write(path, bytes).unwrap();
    }
}
