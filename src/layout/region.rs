//! A part of the canvas and who is shown there.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{
    Length, Select,
    file::LONGEST_NAME,
    grid::{Rules, fixed, grid},
    length::nearest_even,
    number,
};
use crate::media::{Fit, Rect, Size};

/// More tiles than this are too small to tell who is who.
pub const MOST_TILES: usize = 49;

/// A region of less, in pixels of the largest canvas, shows nobody.
const SMALLEST_EDGE: u32 = 16;
/// Two shares may be rounded up.
const ROUNDED: u32 = 2;

/// A rectangle of the canvas with a grid of tiles. Regions take people in the order of the file, each what the ones
/// before have left.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Regions of the same name in several variants are one: people keep their places from one variant to the next.
    pub name: String,
    #[serde(default = "zero")]
    pub x: Length,
    #[serde(default = "zero")]
    pub y: Length,
    #[serde(default = "all")]
    pub width: Length,
    #[serde(default = "all")]
    pub height: Length,
    /// Kept free along the edges of the region; a share is one of the canvas's shorter edge.
    #[serde(default = "zero")]
    pub padding: Length,
    /// Between tiles; a share is one of the canvas's shorter edge.
    #[serde(default = "zero")]
    pub gap: Length,
    /// What is higher lies over what is lower. Regions of the same height may not overlap.
    #[serde(default, deserialize_with = "number::height")]
    #[schemars(range(min = -1_000_000, max = 1_000_000))]
    pub z: i32,
    #[serde(default, deserialize_with = "number::count")]
    #[schemars(range(min = 1, max = 49))]
    pub max_rows: Option<usize>,
    #[serde(default, deserialize_with = "number::count")]
    #[schemars(range(min = 1, max = 49))]
    pub max_columns: Option<usize>,
    /// At most so many tiles; 49 if nothing else says less.
    #[serde(default, deserialize_with = "number::count")]
    #[schemars(range(min = 1, max = 49))]
    pub max_tiles: Option<usize>,
    /// Cells to leave empty, as [row, column] from 1; the grid then always has `max_rows` by `max_columns` cells.
    #[serde(default, deserialize_with = "cell_places")]
    pub excluded_cells: Vec<(usize, usize)>,
    /// The shape of tiles, e.g. "16:9". Default: tiles fill the region.
    #[serde(default, deserialize_with = "shape")]
    #[schemars(with = "Option<String>", regex(pattern = r"^[1-9][0-9]{0,3}:[1-9][0-9]{0,3}$"))]
    pub shape: Option<Size>,
    /// How a camera is put into its tile. Screens are always shown whole.
    #[serde(default = "contain")]
    pub fit: Fit,
    #[serde(default)]
    pub show: Select,
    /// Who comes first; what comes later in the list decides among equals. Default: who joined first.
    #[serde(default)]
    pub order: Vec<Order>,
    /// What becomes of a full region; does not matter when ordered by speech.
    #[serde(default)]
    pub reuse: Reuse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    Join,
    Name,
    Role,
    /// Of too many, those who spoke last are shown. People keep their places while they are shown.
    Speech,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reuse {
    /// A cell belongs to the first who had it and stays empty without them.
    None,
    /// Those who came first stay; when one leaves, the next moves up.
    #[default]
    Oldest,
    /// Who comes takes the place of who came first; ordered by name or role, all are put in order anew.
    Newest,
}

impl Region {
    /// How many tiles it has at most.
    pub fn capacity(&self) -> usize {
        let (rows, columns) = (
            self.max_rows.unwrap_or(MOST_TILES),
            self.max_columns.unwrap_or(MOST_TILES),
        );
        let cells = rows.saturating_mul(columns).saturating_sub(self.excluded_cells.len());
        cells.min(self.max_tiles.unwrap_or(MOST_TILES))
    }

    /// Its place on the canvas without the padding; even, inside, perhaps empty.
    pub fn area(&self, canvas: Size) -> Rect {
        let edges = |from: Length, length: Length, whole: u32| {
            let from = from.of(whole);
            let to = from.saturating_add(length.of(whole));
            let padding = self.padding.even(canvas.width.min(canvas.height));
            let start = nearest_even(from).saturating_add(padding).min(whole);
            let end = nearest_even(to.min(whole)).min(whole).saturating_sub(padding);
            (start, end.saturating_sub(start))
        };
        let (x, width) = edges(self.x, self.width, canvas.width);
        let (y, height) = edges(self.y, self.height, canvas.height);
        Rect::new(x, y, width, height)
    }

    /// The rectangles of `count` tiles, in their order; fewer where no more can be shown.
    pub fn cells(&self, count: usize, canvas: Size) -> Vec<Rect> {
        let (area, gap) = (self.area(canvas), self.gap.even(canvas.width.min(canvas.height)));
        let count = count.min(self.capacity());
        if !self.excluded_cells.is_empty() {
            let (rows, columns) = (self.max_rows.unwrap_or(1), self.max_columns.unwrap_or(1));
            let cells = fixed(rows, columns, area, gap, self.shape).into_iter().enumerate();
            let is_free = |index: usize| {
                !self
                    .excluded_cells
                    .contains(&(index / columns + 1, index % columns + 1))
            };
            let free = cells.filter(|(index, _)| is_free(*index)).map(|(_, cell)| cell);
            return free.take(count).collect();
        }
        let rules = Rules {
            max_rows: self.max_rows.unwrap_or(usize::MAX),
            max_columns: self.max_columns.unwrap_or(usize::MAX),
            gap,
            shape: self.shape,
        };
        grid(count, area, rules)
    }

    /// Whether it is given more of the canvas than there is.
    pub(super) fn reaches_beyond(&self, canvas: Size) -> bool {
        let edges = [(self.x, self.width, canvas.width), (self.y, self.height, canvas.height)];
        let is_beyond = |(from, length, whole): &(Length, Length, u32)| {
            *length != Length::ALL && from.of(*whole).saturating_add(length.of(*whole)) > *whole + ROUNDED
        };
        edges.iter().any(is_beyond)
    }

    /// What is wrong with it, if anything.
    pub(super) fn fault(&self) -> Option<String> {
        if self.name.trim().is_empty() {
            return Some("it needs a name".to_owned());
        }
        if self.name.chars().count() > LONGEST_NAME {
            return Some(format!("its name has more than {LONGEST_NAME} letters"));
        }
        for (field, from, length) in [("width", self.x, self.width), ("height", self.y, self.height)] {
            if length.of(Size::MAX_EDGE) < SMALLEST_EDGE {
                return Some(format!(
                    "{field} is {length}, too little to show anybody: a whole number is pixels, 1.0 is all of the canvas"
                ));
            }
            if length != Length::ALL && from.with(length).is_some_and(Length::is_beyond_all) {
                return Some(format!(
                    "it begins at {from} and its {field} is {length}: that is more than all of the canvas"
                ));
            }
        }
        if !self.excluded_cells.is_empty() {
            let (Some(rows), Some(columns)) = (self.max_rows, self.max_columns) else {
                return Some("excluded_cells need max_rows and max_columns".to_owned());
            };
            let is_outside =
                |(row, column): &&(usize, usize)| !(1..=rows).contains(row) || !(1..=columns).contains(column);
            if let Some((row, column)) = self.excluded_cells.iter().find(is_outside) {
                return Some(format!(
                    "the excluded cell [{row}, {column}] is not one of {rows} x {columns}"
                ));
            }
            if self.capacity() == 0 {
                return Some("all its cells are excluded".to_owned());
            }
        }
        None
    }
}

fn cell_places<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(usize, usize)>, D::Error> {
    let cell = |place: Vec<usize>| match place.as_slice() {
        [row, column] => Ok((*row, *column)),
        other => Err(D::Error::custom(format!(
            "{other:?} is not a cell: write [row, column]"
        ))),
    };
    Vec::<Vec<usize>>::deserialize(deserializer)?
        .into_iter()
        .map(cell)
        .collect()
}

fn shape<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Size>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let edge = |part: &str| part.parse::<u32>().ok().filter(|edge| (1..10_000).contains(edge));
    let parts = text
        .split_once(':')
        .and_then(|(w, h)| Some(Size::new(edge(w)?, edge(h)?)));
    parts
        .map(Some)
        .ok_or_else(|| D::Error::custom(format!("'{text}' is not a shape such as 16:9")))
}

fn zero() -> Length {
    Length::ZERO
}

fn all() -> Length {
    Length::ALL
}

fn contain() -> Fit {
    Fit::Contain
}
