//! Layout files: TOML, one layout each. Those of `layouts/` are built in; any other is given by its path.

use serde::Deserialize;

use crate::media::{Fit, Rect, Rgb, Size};

const BUILT_IN: &[(&str, &str)] = &[("grid", include_str!("../../layouts/grid.toml"))];

/// More tiles than this are too small to tell who is who.
const MOST_TILES: usize = 49;

/// How a recording looks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    pub name: String,
    pub description: String,
    pub background: Rgb,
    pub fit: Fit,
    pub max_tiles: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    #[error("there is no layout '{name}': use one of {known}, or the path of a .toml file")]
    Unknown { name: String, known: String },
    #[error("not a layout: {0}")]
    Malformed(String),
}

/// The built-in layouts, in the order in which people should read them.
pub fn builtins() -> Vec<Layout> {
    BUILT_IN
        .iter()
        .map(|(name, text)| parse(text).unwrap_or_else(|error| panic!("built-in layout {name} is valid, but: {error}")))
        .collect()
}

/// The built-in layout of that name.
pub fn builtin(name: &str) -> Result<Layout, LayoutError> {
    builtins()
        .into_iter()
        .find(|layout| layout.name == name)
        .ok_or_else(|| LayoutError::Unknown {
            name: name.to_owned(),
            known: BUILT_IN.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
        })
}

/// Reads the text of a layout file.
pub fn parse(text: &str) -> Result<Layout, LayoutError> {
    let layout: Layout =
        toml::from_str(text).map_err(|error| LayoutError::Malformed(error.to_string().trim_end().to_owned()))?;
    if !(1..=MOST_TILES).contains(&layout.max_tiles) {
        return Err(LayoutError::Malformed(format!(
            "max_tiles is {}, not within 1..={MOST_TILES}",
            layout.max_tiles
        )));
    }
    Ok(layout)
}

impl Layout {
    /// The rectangles of `count` tiles, in the order of the tiles; fewer than `count` where no more can be shown.
    pub fn tiles(&self, count: usize, canvas: Size) -> Vec<Rect> {
        super::grid(count.min(self.max_tiles), canvas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_layouts_are_found_by_their_file_names() {
        for ((file, _), layout) in BUILT_IN.iter().zip(builtins()) {
            assert_eq!(*file, layout.name);
        }
        assert!(builtin("mosaic").unwrap_err().to_string().contains("grid"));
    }

    #[test]
    fn wrong_layouts_say_what_is_wrong() {
        let text = include_str!("../../layouts/grid.toml");
        for (from, to, word) in [
            ("max_tiles = 49", "max_tiles = 0", "max_tiles"),
            ("#101418", "#10141", "#10141"),
            ("fit =", "fits =", "fits"),
            ("\"contain\"", "\"stretch\"", "stretch"),
        ] {
            let error = parse(&text.replacen(from, to, if from == "\"contain\"" { 2 } else { 1 }))
                .unwrap_err()
                .to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
