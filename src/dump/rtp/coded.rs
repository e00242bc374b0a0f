//! What a payload format tells of a picture, whatever the codec.

/// A picture as its packets carried it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coded {
    pub data: Vec<u8>,
    pub standing: Standing,
}

/// What a picture needs to be decoded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Standing {
    /// Nothing: decoding can begin with it.
    Key,
    /// All that came before it, as far as is known.
    #[default]
    Unknown,
    /// What its payload header says.
    Described(Description),
}

/// A picture's own account of its place among the others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Description {
    pub picture: Option<PictureId>,
    pub layer: Option<Layer>,
    pub importance: Importance,
    /// Exactly which pictures it is predicted from, as distances of picture ids; `None` if it does not say.
    pub references: Option<References>,
}

/// A running number of pictures, of 7 or 15 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureId {
    pub value: u16,
    pub modulus: u16,
}

/// The place among temporal layers; layer 0 is the base, and `base_index` counts its pictures modulo 256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    pub temporal: u8,
    pub base_index: u8,
    pub dependence: Dependence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dependence {
    /// On the base layer's last picture alone.
    Base,
    /// Perhaps on earlier pictures of its own layer too.
    OwnLayer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Importance {
    /// No other picture is predicted from it.
    Discardable,
    #[default]
    Reference,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct References {
    /// Of the same spatial layer.
    pub distances: Vec<u8>,
    pub spatial: u8,
    /// Whether it builds on the spatial layer below, of the same instant.
    pub below: Below,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Below {
    Needed,
    #[default]
    NotNeeded,
}

/// A payload that its format does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl Standing {
    pub fn description(&self) -> Option<&Description> {
        match self {
            Standing::Described(description) => Some(description),
            Standing::Key | Standing::Unknown => None,
        }
    }
}

impl PictureId {
    pub fn follows(self, last: PictureId) -> bool {
        self.modulus == last.modulus && self.value == (last.value + 1) % self.modulus
    }
}
