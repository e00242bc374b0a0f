//! The composite that a job asks for: everybody in one picture.

use std::fmt::Display;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    composition::{ChatChoice, FramePolicy, LayoutSwitch, Levelling, RateChoice, Request},
    layout::{Layout, Select, Transition},
    media::{Preset, SessionTime, Size, TickRate, TimeDelta, document::Fault},
};

/// How a composite looks. All of it may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Composite {
    /// A built-in layout, or one of the configured folder of layouts. Default: `gallery`.
    #[serde(default)]
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"))]
    pub layout: Option<String>,
    /// Other layouts from given times on, in any order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layout_at: Vec<LayoutAt>,
    /// How one scene goes over into the next. Default: the layout's own, or else `cut`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transition: Option<Transition>,
    /// Who may be seen. Default: everybody.
    #[serde(default)]
    pub seen: Select,
    /// Who is heard. Default: everybody.
    #[serde(default)]
    pub heard: Select,
    /// Show the session's messages over the pictures. Default: false.
    #[serde(default)]
    pub chat: bool,
    /// `WxH`, both even. Default: the layout's own, or else 1280x720.
    #[serde(default)]
    #[schemars(regex(pattern = "^[0-9]{1,5}x[0-9]{1,5}$"))]
    pub resolution: Option<String>,
    /// Ticks a second. Default: the lowest usual rate that loses no camera frame.
    #[serde(default)]
    #[schemars(range(min = 1, max = 120))]
    pub fps: Option<u32>,
    /// Encode every tick, also those at which nothing changed. Default: false.
    #[serde(default)]
    pub constant_frame_rate: bool,
    /// x264 preset. Default: `veryfast`.
    #[serde(default)]
    pub preset: Option<Preset>,
    /// x264 constant rate factor. Default: 23.
    #[serde(default)]
    #[schemars(range(min = 0, max = 51))]
    pub crf: Option<u8>,
    /// Make quiet and loud speakers equally loud and the recording -16 LUFS. Default: true.
    #[serde(default)]
    pub levelling: Option<bool>,
    /// Leave out what comes before: milliseconds since the recording began.
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub from_ms: Option<i64>,
    /// Leave out what comes after.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub to_ms: Option<i64>,
}

/// Another layout from a time on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LayoutAt {
    /// Milliseconds since the recording began.
    #[schemars(range(min = 0))]
    pub at_ms: i64,
    /// A built-in layout, or one of the configured folder of layouts.
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"))]
    pub layout: String,
}

impl Composite {
    pub fn layout_name(&self) -> &str {
        self.layout.as_deref().unwrap_or("gallery")
    }

    /// The size of the pictures.
    pub fn size(&self) -> Size {
        self.canvas().expect("the size was checked when the job was read")
    }

    /// What composition is asked for. `find` gives the layout of a name; all that it does not find is told at once, by
    /// its place in the output.
    pub fn request<E: Display>(&self, find: impl Fn(&str) -> Result<Layout, E>) -> Result<Request, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut found = |path: String, name: &str| {
            let layout = find(name);
            layout
                .map_err(|error| faults.push(Fault::new(path, error.to_string())))
                .ok()
        };
        let first = found("/layout".to_owned(), self.layout_name());
        let switch = |(index, switch): (usize, &LayoutAt)| {
            let layout = found(format!("/layout_at/{index}/layout"), &switch.layout)?;
            let at = millis(switch.at_ms);
            Some(LayoutSwitch { at, layout })
        };
        let switches: Vec<LayoutSwitch> = self.layout_at.iter().enumerate().filter_map(switch).collect();
        match first {
            Some(first) if faults.is_empty() => Ok(self.with_layouts(first, switches)),
            _ => Err(faults),
        }
    }

    /// Whether the size can be one.
    pub(super) fn canvas(&self) -> Result<Size, String> {
        self.resolution.as_deref().unwrap_or("1280x720").parse()
    }

    fn with_layouts(&self, first: Layout, switches: Vec<LayoutSwitch>) -> Request {
        let usual = Request::of(first);
        Request {
            canvas: self.resolution.as_ref().map_or(usual.canvas, |_| self.size()),
            switches,
            transition: self.transition,
            seen: self.seen.clone(),
            heard: self.heard.clone(),
            chat: if self.chat {
                ChatChoice::Shown(Vec::new())
            } else {
                ChatChoice::Hidden
            },
            rate: self.fps.and_then(TickRate::new).map_or(usual.rate, RateChoice::Fixed),
            frames: if self.constant_frame_rate {
                FramePolicy::EveryTick
            } else {
                FramePolicy::Changes
            },
            preset: self.preset.unwrap_or(usual.preset),
            crf: self.crf.unwrap_or(usual.crf),
            levelling: match self.levelling {
                Some(true) => Levelling::On,
                Some(false) => Levelling::Off,
                None => usual.levelling,
            },
            from: self.from_ms.map(millis),
            to: self.to_ms.map(millis),
            ..usual
        }
    }
}

fn millis(millis: i64) -> SessionTime {
    SessionTime::START + TimeDelta::from_millis(millis)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::layout::builtin;

    fn composite(value: serde_json::Value) -> Composite {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn layouts_change_at_the_times_of_the_job() {
        let asked = composite(json!({"layout": "grid", "layout_at": [{"at_ms": 12_500, "layout": "speaker"}]}));
        let request = asked.request(builtin).unwrap();
        assert_eq!(request.layout.name, "grid");
        let [switch] = request.switches.as_slice() else {
            panic!("{:?}", request.switches)
        };
        assert_eq!((switch.layout.name.as_str(), switch.at), ("speaker", millis(12_500)));
    }

    #[test]
    fn layouts_that_are_not_there_are_told_at_once_with_their_places() {
        let asked = composite(json!({"layout": "mosaic", "layout_at": [
            {"at_ms": 0, "layout": "grid"}, {"at_ms": 1, "layout": "tiles"},
        ]}));
        let faults = asked.request(builtin).unwrap_err();
        let told: Vec<(&str, bool)> = (faults.iter())
            .map(|fault| {
                (
                    fault.path.as_str(),
                    fault.what.contains(['\'']) && fault.what.contains("speaker"),
                )
            })
            .collect();
        assert_eq!(told, [("/layout", true), ("/layout_at/1/layout", true)], "{faults:?}");
        assert!(faults[1].what.contains("'tiles'"), "{faults:?}");
    }

    /// The record of a job that was done before must still count as done.
    #[test]
    fn what_is_not_asked_for_leaves_no_trace_in_the_recipe() {
        let recipe = serde_json::to_value(Composite::default()).unwrap();
        assert_eq!(recipe.get("layout_at"), None);
    }
}
