//! Whether a picture can be decoded after what was lost before it: proven, or withheld.

use std::collections::VecDeque;

use super::coded::{Below, Dependence, Description, Importance, Layer, PictureId, References, Standing};

/// Temporal layers above the base: their index has two bits in VP8 and three in VP9.
const LAYERS: usize = 8;
/// A reference reaches back 127 pictures at most; each may have five spatial layers.
const REMEMBERED: usize = 128 * 5;

/// Follows the pictures that were decoded, and says of the next one whether all it needs is among them.
#[derive(Debug, Default)]
pub struct Chain {
    base: Link,
    /// Of each temporal layer; that of the base is unused.
    upper: [Link; LAYERS],
    gap: Gap,
    picture: Option<PictureId>,
    base_index: Option<u8>,
    /// Pictures decoded lately, with their spatial layer: for those that name what they refer to.
    decoded: VecDeque<(u16, u8)>,
}

/// Whether all pictures that later ones may build on are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Link {
    Whole,
    #[default]
    Broken,
}

/// Whether whole pictures may be missing since the last one seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Gap {
    #[default]
    None,
    Possible,
}

impl Chain {
    /// Packets were lost; which pictures they belonged to is not known yet.
    pub fn lost(&mut self) {
        self.gap = Gap::Possible;
    }

    /// A picture came, but not all of it.
    pub fn damaged(&mut self, standing: &Standing) {
        let Some(description) = standing.description() else {
            return self.break_all();
        };
        self.close_gap(description);
        match (description.layer, description.importance) {
            (_, Importance::Discardable) => {}
            (Some(layer), _) if layer.temporal > 0 => self.break_from(layer.temporal),
            _ => self.break_all(),
        }
        self.remember(description);
    }

    /// Whether a whole picture can be decoded; it counts as decoded then.
    pub fn admits(&mut self, standing: &Standing) -> bool {
        let admitted = match standing {
            Standing::Key => {
                self.begin();
                true
            }
            Standing::Unknown => {
                if self.gap == Gap::Possible {
                    self.break_all();
                }
                self.base == Link::Whole
            }
            Standing::Described(description) => self.admits_described(description),
        };
        self.gap = Gap::None;
        admitted
    }

    /// What a keyframe says of its own place, for those that come after it.
    pub fn place_key(&mut self, description: &Description) {
        self.remember(description);
        self.note_decoded(description);
    }

    fn begin(&mut self) {
        self.base = Link::Whole;
        self.upper = [Link::Whole; LAYERS];
        self.decoded.clear();
        (self.picture, self.base_index) = (None, None);
    }

    fn admits_described(&mut self, description: &Description) -> bool {
        self.close_gap(description);
        let admitted = match (&description.references, description.picture) {
            (Some(references), Some(picture)) => self.has_decoded(references, picture),
            _ => self.stands_in_layer(description.layer),
        };
        self.remember(description);
        if admitted {
            self.note_decoded(description);
        }
        admitted
    }

    /// Proves that nothing was lost that this picture or a later one may need, or gives that up.
    fn close_gap(&mut self, description: &Description) {
        if std::mem::take(&mut self.gap) == Gap::None {
            return;
        }
        if description
            .picture
            .zip(self.picture)
            .is_some_and(|(own, last)| own.follows(last))
        {
            return;
        }
        match (description.layer, self.base_index) {
            (Some(layer), Some(last)) if layer.base_index == expected_base(layer, last) => self.break_from(1),
            _ => self.break_all(),
        }
    }

    fn stands_in_layer(&mut self, layer: Option<Layer>) -> bool {
        let own = layer.map_or(0, |layer| usize::from(layer.temporal).min(LAYERS - 1));
        if self.base == Link::Broken {
            return false;
        }
        if layer.is_some_and(|layer| own > 0 && layer.dependence == Dependence::Base) {
            self.upper[own] = Link::Whole;
            return true;
        }
        self.upper[..=own].iter().skip(1).all(|link| *link == Link::Whole)
    }

    fn has_decoded(&self, references: &References, picture: PictureId) -> bool {
        let decoded = |value: u16, spatial: u8| self.decoded.contains(&(value, spatial));
        let back = |distance: u8| (picture.value + picture.modulus - u16::from(distance)) % picture.modulus;
        let below = match (references.below, references.spatial.checked_sub(1)) {
            (Below::Needed, Some(spatial)) => decoded(picture.value, spatial),
            _ => true,
        };
        below
            && references
                .distances
                .iter()
                .all(|distance| decoded(back(*distance), references.spatial))
    }

    fn note_decoded(&mut self, description: &Description) {
        if let Some(picture) = description.picture {
            let spatial = description
                .references
                .as_ref()
                .map_or(0, |references| references.spatial);
            self.decoded.push_back((picture.value, spatial));
            if self.decoded.len() > REMEMBERED {
                self.decoded.pop_front();
            }
        }
    }

    fn remember(&mut self, description: &Description) {
        self.picture = description.picture;
        self.base_index = description.layer.map(|layer| layer.base_index).or(self.base_index);
    }

    fn break_all(&mut self) {
        self.base = Link::Broken;
        self.break_from(1);
    }

    fn break_from(&mut self, layer: u8) {
        for link in self.upper.iter_mut().skip(usize::from(layer)) {
            *link = Link::Broken;
        }
    }
}

/// The index of the base layer that a picture carries if no picture of the base layer is missing.
fn expected_base(layer: Layer, last: u8) -> u8 {
    match layer.temporal {
        0 => last.wrapping_add(1),
        _ => last,
    }
}
