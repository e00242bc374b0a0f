//! Which rectangle each tile gets: pure, integer geometry, rounded once, even for 4:2:0.

mod file;
mod grid;

pub use file::{Layout, LayoutError, builtin, builtins, parse};
pub use grid::grid;
