//! Layout files: TOML, one layout each. Those of `layouts/` are built in; any other is given by its path.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{Order, Region, Style, number, text::screenful};
use crate::media::{Size, Source};

macro_rules! built_in {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../layouts/", $name, ".toml")))),+]
    };
}

const BUILT_IN: &[(&str, &str)] = built_in![
    "gallery",
    "grid",
    "grid-1x1",
    "grid-2x2",
    "grid-3x3",
    "grid-4x4",
    "speaker",
    "sidebar",
    "presentation",
    "picture-in-picture",
    "interview",
    "single",
    "portrait",
    "audio-only",
];

/// How a recording looks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Tessera layout")]
pub struct Layout {
    pub name: String,
    /// What it looks like, in a line.
    pub description: String,
    /// The canvas that it is meant for, e.g. "720x1280", used when no other is asked for.
    #[serde(default, deserialize_with = "resolution")]
    #[schemars(with = "Option<String>", regex(pattern = r"^[0-9]+x[0-9]+$"))]
    pub resolution: Option<Size>,
    pub style: Style,
    /// The first whose `when` holds is used; the last one has none and always does.
    #[serde(rename = "variant")]
    #[schemars(length(min = 1))]
    pub variants: Vec<Variant>,
}

/// Where everything stands in one situation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    #[serde(default)]
    pub when: Option<When>,
    #[serde(rename = "region")]
    #[schemars(length(min = 1))]
    pub regions: Vec<Region>,
}

/// A condition on what is happening; all that is given must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a table such as { sharing = true, min_people = 3 }"
)]
pub struct When {
    /// Somebody shares a screen, or nobody does.
    pub sharing: Option<bool>,
    /// At least so many people: cameras, and initials where the style has them.
    #[serde(deserialize_with = "number::people")]
    pub min_people: Option<usize>,
    /// At most so many people.
    #[serde(deserialize_with = "number::people")]
    pub max_people: Option<usize>,
    /// The canvas's shape.
    pub canvas: Option<Shape>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// As wide as high, or wider.
    Wide,
    Tall,
}

/// What is happening at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation {
    pub screens: usize,
    pub people: usize,
    pub canvas: Size,
}

/// Of layouts and regions, in letters: reports and messages quote them.
pub(super) const LONGEST_NAME: usize = 80;

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
    parse(builtin_text(name)?)
}

/// The file of the built-in layout of that name, comments and all.
pub fn builtin_text(name: &str) -> Result<&'static str, LayoutError> {
    let found = BUILT_IN.iter().find(|(built_in, _)| *built_in == name);
    found.map(|(_, text)| *text).ok_or_else(|| LayoutError::Unknown {
        name: name.to_owned(),
        known: BUILT_IN.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
    })
}

/// Reads the text of a layout file.
pub fn parse(text: &str) -> Result<Layout, LayoutError> {
    let layout: Layout =
        toml::from_str(text).map_err(|error| LayoutError::Malformed(screenful(error.to_string().trim_end())))?;
    match layout.fault() {
        Some(fault) => Err(LayoutError::Malformed(screenful(&fault))),
        None => Ok(layout),
    }
}

/// The JSON Schema of layout files.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Layout).to_value()
}

impl Layout {
    /// Where everything stands in that situation.
    pub fn variant(&self, situation: Situation) -> &Variant {
        let fitting = |variant: &&Variant| variant.when.is_none_or(|when| when.holds(situation));
        let last = self.variants.last().expect("a layout has at least one variant");
        self.variants.iter().find(fitting).unwrap_or(last)
    }

    /// The most tiles that it ever shows at once.
    pub fn most_tiles(&self) -> usize {
        let tiles = |variant: &Variant| variant.regions.iter().map(Region::capacity).sum::<usize>();
        self.variants.iter().map(tiles).max().unwrap_or(0)
    }

    /// The most tiles that it ever shows at once on such a canvas.
    pub fn most_tiles_on(&self, canvas: Size) -> usize {
        let tiles = |variant: &Variant| {
            let cells = variant
                .regions
                .iter()
                .map(|region| region.cells(region.capacity(), canvas).len());
            cells.sum::<usize>()
        };
        self.variants.iter().map(tiles).max().unwrap_or(0)
    }

    /// Names of regions in which not even one tile has room on such a canvas.
    pub fn without_room(&self, canvas: Size) -> Vec<&str> {
        let regions = self.variants.iter().flat_map(|variant| &variant.regions);
        let narrow = regions.filter(|region| region.cells(1, canvas).is_empty());
        let mut names: Vec<&str> = narrow.map(|region| region.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether what it looks like depends on who speaks, or how loud.
    pub fn follows_speech(&self) -> bool {
        let mut regions = self.variants.iter().flat_map(|variant| &variant.regions);
        self.style.speaking.is_some()
            || self.style.meters
            || regions.any(|region| region.order.contains(&Order::Speech))
    }

    /// Whether some region shows people without their picture.
    pub fn shows_people_by_sound(&self) -> bool {
        let regions = self.variants.iter().flat_map(|variant| &variant.regions);
        regions
            .into_iter()
            .any(|region| region.show.sources.contains(&Source::Microphone))
    }

    /// What is wrong with it on such a canvas, if anything: its lengths may be pixels.
    pub fn fault_on(&self, canvas: Size) -> Option<String> {
        let is_used = |variant: &&Variant| {
            variant
                .when
                .and_then(|when| when.canvas)
                .is_none_or(|shape| shape == Shape::of(canvas))
        };
        let mut used = self.variants.iter().filter(is_used);
        let fault = used.find_map(|variant| variant.fault_on(canvas));
        fault
            .or_else(|| self.style.fault_on(canvas))
            .map(|fault| screenful(&fault))
    }

    fn fault(&self) -> Option<String> {
        if self.name.chars().count() > LONGEST_NAME {
            return Some(format!("its name has more than {LONGEST_NAME} letters"));
        }
        if let Some(fault) = self.style.fault() {
            return Some(fault);
        }
        let Some((last, others)) = self.variants.split_last() else {
            return Some("it has no [[variant]]".to_owned());
        };
        if last.when.is_some() {
            return Some("its last variant has a 'when': there must be one for every situation".to_owned());
        }
        if others.iter().any(|variant| variant.when.is_none()) {
            return Some("a variant without 'when' hides those after it: put it last".to_owned());
        }
        self.variants.iter().find_map(Variant::fault)
    }
}

impl Variant {
    fn fault_on(&self, canvas: Size) -> Option<String> {
        for (index, region) in self.regions.iter().enumerate() {
            let name = &region.name;
            if region.reaches_beyond(canvas) {
                return Some(format!("region '{name}' reaches beyond a canvas of {canvas}"));
            }
            let area = region.area(canvas);
            let meets = |other: &&Region| other.z == region.z && other.area(canvas).overlaps(area);
            if let Some(other) = self.regions[..index].iter().find(meets) {
                return Some(format!(
                    "regions '{}' and '{name}' overlap on a canvas of {canvas}: give them other places, or one a higher z",
                    other.name
                ));
            }
        }
        None
    }

    fn fault(&self) -> Option<String> {
        let people = self.when.map(|when| (when.min_people, when.max_people));
        if let Some((Some(least), Some(most))) = people.filter(|(least, most)| least > most) {
            return Some(format!("no situation has at least {least} and at most {most} people"));
        }
        if self.regions.is_empty() {
            return Some("a variant has no [[variant.region]]".to_owned());
        }
        for (index, region) in self.regions.iter().enumerate() {
            let name = &region.name;
            if let Some(fault) = region.fault() {
                return Some(format!("region '{name}': {fault}"));
            }
            if self.regions[..index].iter().any(|other| other.name == *name) {
                return Some(format!("two regions of one variant are named '{name}'"));
            }
        }
        None
    }
}

impl Shape {
    fn of(canvas: Size) -> Shape {
        match canvas.height > canvas.width {
            true => Shape::Tall,
            false => Shape::Wide,
        }
    }
}

impl When {
    fn holds(self, situation: Situation) -> bool {
        self.sharing.is_none_or(|sharing| sharing == (situation.screens > 0))
            && self.min_people.is_none_or(|least| situation.people >= least)
            && self.max_people.is_none_or(|most| situation.people <= most)
            && self.canvas.is_none_or(|wanted| wanted == Shape::of(situation.canvas))
    }
}

fn resolution<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Size>, D::Error> {
    String::deserialize(deserializer)?
        .parse()
        .map(Some)
        .map_err(D::Error::custom)
}

#[cfg(test)]
mod tests;
