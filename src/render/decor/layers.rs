//! Which tiles may be drawn beside each other, and which only after others.

use crate::{composition::Tile, media::Rect};

/// Indices of tiles in layers from the lowest up. The tiles of a layer are disjoint, and each lies above what it overlaps
/// of the layers before.
pub fn layers(tiles: &[Tile]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..tiles.len()).collect();
    order.sort_by_key(|index| tiles[*index].z);
    let mut layers: Vec<Vec<usize>> = Vec::new();
    for index in order {
        let meets = |layer: &Vec<usize>| layer.iter().any(|other| tiles[*other].rect.overlaps(tiles[index].rect));
        let layer = layers.iter().rposition(meets).map_or(0, |below| below + 1);
        match layers.get_mut(layer) {
            Some(layer) => layer.push(index),
            None => layers.push(vec![index]),
        }
    }
    layers
}

/// Whether `meets` is true of any tile that is drawn before that of `index`, and of it: of those of one height, the ones
/// before it in the list.
pub fn lies_over(tiles: &[Tile], index: usize, meets: impl Fn(Rect, Rect) -> bool) -> bool {
    let tile = &tiles[index];
    let mut others = tiles.iter().enumerate();
    others.any(|(other_index, other)| (other.z, other_index) < (tile.z, index) && meets(other.rect, tile.rect))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{Fit, PeerId, TrackId};

    fn tile(x: u32, z: i32) -> Tile {
        Tile {
            track_id: TrackId::new("t"),
            peer_id: PeerId::new("p"),
            rect: Rect::new(x, 0, 100, 100),
            fit: Fit::Contain,
            z,
            corner_radius: 0,
            label: None,
        }
    }

    #[test]
    fn what_lies_above_is_drawn_later() {
        assert_eq!(layers(&[tile(0, 0), tile(100, 0)]), [[0, 1]]);
        assert_eq!(layers(&[tile(50, 1), tile(0, 0), tile(100, 0)]), [vec![1, 2], vec![0]]);
        assert_eq!(layers(&[tile(0, 0), tile(50, 0), tile(300, 7)]), [vec![0, 2], vec![1]]);
    }

    #[test]
    fn what_lies_over_another_is_what_is_drawn_later() {
        let over = |tiles: &[Tile]| -> Vec<bool> {
            let all = 0..tiles.len();
            all.map(|index| lies_over(tiles, index, Rect::overlaps)).collect()
        };
        assert_eq!(over(&[tile(0, 0), tile(100, 0)]), [false, false]);
        assert_eq!(over(&[tile(50, 0), tile(0, 0)]), [false, true]);
        assert_eq!(over(&[tile(50, 1), tile(0, 0)]), [true, false]);
    }
}
