//! One coded piece of one stream.

use std::fmt;

use ffmpeg_next as ffmpeg;

use crate::media::Rotation;

/// A coded frame with its presentation timestamp, in units of its stream's time base.
pub struct Packet {
    pub(super) inner: ffmpeg::Packet,
    rotation: Rotation,
}

impl Packet {
    pub(super) fn wrap(inner: ffmpeg::Packet) -> Packet {
        let rotation = Rotation::None;
        Packet { inner, rotation }
    }

    /// A copy of `data` as a packet of its own. `key` frames can be decoded without any before them.
    pub fn new(data: &[u8], pts: i64, importance: Importance) -> Packet {
        let mut inner = ffmpeg::Packet::copy(data);
        inner.set_pts(Some(pts));
        inner.set_dts(Some(pts));
        if importance == Importance::Key {
            inner.set_flags(ffmpeg::packet::Flags::KEY);
        }
        Packet::wrap(inner)
    }

    /// The same packet with a duration, in units of its stream's time base.
    pub fn lasting(mut self, duration: i64) -> Packet {
        self.inner.set_duration(duration);
        self
    }

    /// The same packet at another time.
    pub fn at(mut self, pts: i64) -> Packet {
        self.inner.set_pts(Some(pts));
        self.inner.set_dts(Some(pts));
        self
    }

    /// The same packet, of a picture that is upright after this rotation.
    pub fn turned(mut self, rotation: Rotation) -> Packet {
        self.rotation = rotation;
        self
    }

    /// How the picture has to be turned to be upright.
    pub fn rotation(&self) -> Rotation {
        self.rotation
    }

    /// Presentation time; decode time where the container has no other. `None` if it has neither.
    pub fn pts(&self) -> Option<i64> {
        self.inner.pts().or(self.inner.dts())
    }

    pub fn duration(&self) -> i64 {
        self.inner.duration()
    }

    pub fn is_key(&self) -> bool {
        self.inner.is_key()
    }

    pub fn is_corrupt(&self) -> bool {
        self.inner.is_corrupt()
    }

    pub fn data(&self) -> &[u8] {
        self.inner.data().unwrap_or_default()
    }

    pub(super) fn set_times(&mut self, pts: i64, dts: i64, duration: i64) {
        self.inner.set_pts(Some(pts));
        self.inner.set_dts(Some(dts));
        self.inner.set_duration(duration);
    }
}

/// Whether decoding can begin at a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Importance {
    Key,
    Delta,
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packet({:?}, {} bytes)", self.pts(), self.data().len())
    }
}
