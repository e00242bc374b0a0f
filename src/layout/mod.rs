//! Which rectangle each tile gets, and what is drawn around it: pure, integer geometry, rounded once, even for 4:2:0.

mod file;
mod grid;
mod length;
mod number;
mod region;
mod select;
mod style;
mod text;

pub use file::{Layout, LayoutError, Shape, Situation, Variant, When, builtin, builtin_text, builtins, parse, schema};
pub use length::Length;
pub use region::{Order, Region, Reuse};
pub use select::{Known, Select};
pub use style::{Line, Place, Style, Title, Transition, Watermark};
