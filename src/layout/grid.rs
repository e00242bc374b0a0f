//! A grid of equal cells with balanced, centred rows.

use crate::media::{Rect, Size};

/// The shape that most cameras and screens have: the grid that shows such pictures largest wins.
const USUAL_SHAPE: Size = Size { width: 16, height: 9 };

/// In percent of the largest pictures' edges: who sees smaller ones does not notice.
const AS_GOOD: u128 = 98;

/// What a grid must keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    pub max_rows: usize,
    pub max_columns: usize,
    /// Between cells; even.
    pub gap: u32,
    /// Cells have this shape, rather than fill the area.
    pub shape: Option<Size>,
}

/// The cells of `count` tiles in `area`, row by row. All have the same size; shorter rows come last and are centred.
///
/// Cells are even, inside the area (which is even) and disjoint. An area too small for that many gives as many as fit.
pub fn grid(count: usize, area: Rect, rules: Rules) -> Vec<Rect> {
    let most = ((area.width / 2) as usize).saturating_mul((area.height / 2) as usize);
    let count = count.min(most).min(rules.max_rows.saturating_mul(rules.max_columns));
    let fitting = (1..=count).rev().find_map(|count| {
        let rows = best_rows(count, area, rules)?;
        let cell = cell_size(count.div_ceil(rows), rows, area, rules);
        (cell.pixels() > 0).then_some((count, rows, cell))
    });
    let Some((count, rows, cell)) = fitting else {
        return Vec::new();
    };
    let top = centred(length(cell.height, rows, rules.gap), area.height);
    let (full, longer) = (count / rows, count % rows);
    let mut cells = Vec::with_capacity(count);
    for row in 0..rows {
        let in_row = full + usize::from(row < longer);
        let left = centred(length(cell.width, in_row, rules.gap), area.width);
        let y = area.y + top + (cell.height + rules.gap) * to_u32(row);
        cells.extend((0..in_row).map(|column| {
            let x = area.x + left + (cell.width + rules.gap) * to_u32(column);
            Rect::new(x, y, cell.width, cell.height)
        }));
    }
    cells
}

/// All cells of a grid with exactly so many rows and columns; none where the area is too small.
pub fn fixed(rows: usize, columns: usize, area: Rect, gap: u32, shape: Option<Size>) -> Vec<Rect> {
    let rules = Rules {
        max_rows: rows,
        max_columns: columns,
        gap,
        shape,
    };
    let cells = grid(rows * columns, area, rules);
    if cells.len() == rows * columns {
        cells
    } else {
        Vec::new()
    }
}

/// The rows of the grid that shows pictures largest. Of those as good as that, the one with fewer empty cells, then
/// fewer rows: a canvas a pixel higher must not look quite different.
fn best_rows(count: usize, area: Rect, rules: Rules) -> Option<usize> {
    let columns = |rows: usize| count.div_ceil(rows);
    let possible = || (1..=count.min(rules.max_rows)).filter(|rows| columns(*rows) <= rules.max_columns);
    let shown = |rows: usize| match cell_size(columns(rows), rows, area, rules).pixels() {
        0 => 0,
        _ => picture_scale(columns(rows), rows, area, rules),
    };
    let largest = possible().map(shown).max()?;
    possible()
        .filter(|rows| u128::from(shown(*rows)) * 100 >= u128::from(largest) * AS_GOOD)
        .min_by_key(|rows| (columns(*rows) * rows - count, *rows))
}

/// How large a picture is in a cell before anything is rounded, in millionths of its shape.
fn picture_scale(columns: usize, rows: usize, area: Rect, rules: Rules) -> u64 {
    let shape = rules.shape.unwrap_or(USUAL_SHAPE);
    let scale = |edge: u32, parts: usize, shape: u32| {
        let gaps = rules.gap.saturating_mul(to_u32(parts - 1));
        let parts = u64::from(to_u32(parts)).saturating_mul(u64::from(shape)).max(1);
        u64::from(edge.saturating_sub(gaps)) * 1_000_000 / parts
    };
    scale(area.width, columns, shape.width).min(scale(area.height, rows, shape.height))
}

fn cell_size(columns: usize, rows: usize, area: Rect, rules: Rules) -> Size {
    let even = |edge: u32, parts: usize| {
        let gaps = rules.gap.saturating_mul(to_u32(parts - 1));
        edge.saturating_sub(gaps) / to_u32(parts) / 2 * 2
    };
    let cell = Size::new(even(area.width, columns), even(area.height, rows));
    match rules.shape {
        Some(shape) if cell.pixels() > 0 => Rect::new(0, 0, cell.width, cell.height).contain(shape).size(),
        Some(_) | None => cell,
    }
}

/// Of so many cells in a line, with the gaps between them.
fn length(cell: u32, count: usize, gap: u32) -> u32 {
    cell * to_u32(count) + gap * to_u32(count - 1)
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

    /// As many rows and columns as it takes, without a gap between them.
    const FREE: Rules = Rules {
        max_rows: usize::MAX,
        max_columns: usize::MAX,
        gap: 0,
        shape: None,
    };

    fn any_canvas() -> impl Strategy<Value = Size> {
        (8u32..=1000, 8u32..=1000).prop_map(|(w, h)| Size::new(w * 2, h * 2))
    }

    fn any_rules() -> impl Strategy<Value = Rules> {
        let shape = prop::option::of(prop::sample::select(vec![
            Size::new(16, 9),
            Size::new(1, 1),
            Size::new(9, 16),
        ]));
        (1usize..12, 1usize..12, 0u32..40, shape).prop_map(|(max_rows, max_columns, gap, shape)| Rules {
            max_rows,
            max_columns,
            gap: gap * 2,
            shape,
        })
    }

    fn whole(canvas: Size) -> Rect {
        Rect::new(0, 0, canvas.width, canvas.height)
    }

    fn free(count: usize, canvas: Size) -> Vec<Rect> {
        grid(count, whole(canvas), FREE)
    }

    proptest! {
        #[test]
        fn cells_are_even_disjoint_inside_and_equal(count in 0usize..=60, canvas in any_canvas()) {
            let cells = free(count, canvas);
            prop_assert!(cells.len() == count || canvas.pixels() < 4 * count as u64);
            for (index, cell) in cells.iter().enumerate() {
                prop_assert!(cell.is_even() && cell.is_inside(canvas) && !cell.is_empty(), "{cell:?}");
                prop_assert_eq!(cell.size(), cells[0].size());
                prop_assert!(cells[index + 1..].iter().all(|other| !cell.overlaps(*other)));
            }
        }

        #[test]
        fn rules_are_kept(count in 0usize..=60, canvas in any_canvas(), rules in any_rules()) {
            let cells = grid(count, whole(canvas), rules);
            let rows: std::collections::BTreeSet<u32> = cells.iter().map(|cell| cell.y).collect();
            let longest = rows.iter().map(|y| cells.iter().filter(|cell| cell.y == *y).count()).max();
            prop_assert!(cells.len() <= count && rows.len() <= rules.max_rows && longest <= Some(rules.max_columns));
            for (index, cell) in cells.iter().enumerate() {
                prop_assert!(cell.is_even() && cell.is_inside(canvas) && !cell.is_empty(), "{cell:?}");
                let room = Rect::new(cell.x, cell.y, cell.width + rules.gap, cell.height + rules.gap);
                prop_assert!(cells[index + 1..].iter().all(|other| !room.overlaps(*other)));
            }
        }

        #[test]
        fn rows_are_balanced_and_centred(count in 1usize..=49, canvas in any_canvas()) {
            let cells = free(count, canvas);
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
            let cells = free(count, canvas);
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
        assert_eq!(free(1, wide), [Rect::new(0, 0, 1280, 720)]);
        assert_eq!(free(3, wide)[2], Rect::new(320, 360, 640, 360));
        // whatever is rounded, and on canvases that are not quite as wide as pictures
        for (width, height) in [
            (640, 360),
            (1024, 576),
            (1366, 768),
            (1600, 900),
            (2560, 1440),
            (426, 240),
            (640, 364),
        ] {
            assert_eq!(shape(5, Size::new(width, height)).0, 3, "{width}x{height}");
        }
    }
}
