//! A grid of equal cells with balanced, centred rows.

use crate::media::{Rect, Size};

/// The shape that most cameras and screens have: the grid that shows such pictures largest wins.
const USUAL_SHAPE: Size = Size { width: 16, height: 9 };

/// The cells of `count` tiles on `canvas`, row by row. All have the same size; shorter rows come last and are centred.
///
/// Cells are even, inside the canvas and disjoint. A canvas too small for that many gives as many as fit.
pub fn grid(count: usize, canvas: Size) -> Vec<Rect> {
    let most = ((canvas.width / 2) as usize).saturating_mul((canvas.height / 2) as usize);
    let count = count.min(most);
    if count == 0 {
        return Vec::new();
    }
    let rows = (1..=count)
        .max_by_key(|rows| merit(count, *rows, canvas))
        .expect("there is at least one row");
    let columns = count.div_ceil(rows);
    let cell = cell_size(columns, rows, canvas);
    let top = centred(cell.height * to_u32(rows), canvas.height);
    let (full, longer) = (count / rows, count % rows);
    let mut cells = Vec::with_capacity(count);
    for row in 0..rows {
        let in_row = full + usize::from(row < longer);
        let left = centred(cell.width * to_u32(in_row), canvas.width);
        let y = top + cell.height * to_u32(row);
        cells.extend(
            (0..in_row).map(|column| Rect::new(left + cell.width * to_u32(column), y, cell.width, cell.height)),
        );
    }
    cells
}

/// How large pictures get with so many rows; of equal grids the one with fewer empty cells, then fewer rows.
fn merit(count: usize, rows: usize, canvas: Size) -> (u64, i64, i64) {
    let columns = count.div_ceil(rows);
    let cell = cell_size(columns, rows, canvas);
    let shown = if cell.width == 0 || cell.height == 0 {
        0
    } else {
        picture_area(cell)
    };
    let empty = i64::try_from(columns * rows - count).unwrap_or(i64::MAX);
    (shown, -empty, -i64::try_from(rows).unwrap_or(i64::MAX))
}

fn picture_area(cell: Size) -> u64 {
    Rect::new(0, 0, cell.width, cell.height)
        .contain(USUAL_SHAPE)
        .size()
        .pixels()
}

fn cell_size(columns: usize, rows: usize, canvas: Size) -> Size {
    let even = |edge: u32, parts: usize| edge / to_u32(parts) / 2 * 2;
    Size::new(even(canvas.width, columns), even(canvas.height, rows))
}

fn centred(length: u32, within: u32) -> u32 {
    (within - length) / 4 * 2
}

fn to_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_canvas() -> impl Strategy<Value = Size> {
        (8u32..=1000, 8u32..=1000).prop_map(|(w, h)| Size::new(w * 2, h * 2))
    }

    proptest! {
        #[test]
        fn cells_are_even_disjoint_inside_and_equal(count in 0usize..=60, canvas in any_canvas()) {
            let cells = grid(count, canvas);
            prop_assert!(cells.len() == count || canvas.pixels() < 4 * count as u64);
            for (index, cell) in cells.iter().enumerate() {
                prop_assert!(cell.is_even() && cell.is_inside(canvas) && !cell.is_empty(), "{cell:?}");
                prop_assert_eq!(cell.size(), cells[0].size());
                prop_assert!(cells[index + 1..].iter().all(|other| !cell.overlaps(*other)));
            }
        }

        #[test]
        fn rows_are_balanced_and_centred(count in 1usize..=49, canvas in any_canvas()) {
            let cells = grid(count, canvas);
            let mut rows: Vec<Vec<Rect>> = Vec::new();
            for cell in cells {
                match rows.last_mut() {
                    Some(row) if row[0].y == cell.y => row.push(cell),
                    _ => rows.push(vec![cell]),
                }
            }
            let lengths: Vec<usize> = rows.iter().map(Vec::len).collect();
            prop_assert!(lengths.windows(2).all(|pair| pair[0] >= pair[1]));
            prop_assert!(lengths[0] - lengths[lengths.len() - 1] <= 1);
            for row in rows {
                let (left, right) = (row[0].x, row[row.len() - 1]);
                prop_assert!(left.abs_diff(canvas.width - right.x - right.width) <= 2);
            }
        }
    }

    #[test]
    fn usual_counts_look_as_people_expect() {
        let shape = |count: usize, canvas: Size| {
            let cells = grid(count, canvas);
            let columns = cells.iter().filter(|cell| cell.y == cells[0].y).count();
            let rows = cells.iter().filter(|cell| cell.x == cells[0].x).count();
            (columns, rows)
        };
        let (wide, tall) = (Size::new(1280, 720), Size::new(720, 1280));
        assert_eq!([1, 2, 3, 4].map(|count| shape(count, wide).0), [1, 2, 2, 2]);
        assert_eq!(shape(9, wide), (3, 3));
        assert_eq!(shape(16, wide), (4, 4));
        assert_eq!(shape(49, wide), (7, 7));
        assert_eq!(shape(2, tall), (1, 2));
        assert_eq!(grid(1, wide), [Rect::new(0, 0, 1280, 720)]);
        assert_eq!(grid(3, wide)[2], Rect::new(320, 360, 640, 360));
    }
}
