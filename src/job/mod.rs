//! One session end to end: reading, planning, rendering, reporting. All I/O of a local run is wired here.

mod compose;
mod error;
mod import;
mod output;
mod prepare;
mod report;
mod speakers;
mod usage;

pub use compose::{ComposeRequest, compose};
pub use error::{Blame, JobError};
pub use import::{Existing, import_folder, write_manifest};
pub use prepare::{DumpVerdict, Prepared, SessionSource, Verdict, load_layout, prepare};
pub use report::{Asset, Report, Timings};
pub use speakers::SpokenBy;
