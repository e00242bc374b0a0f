//! One session end to end: reading, planning, rendering, reporting. All I/O of a local run is wired here.

mod compose;
mod error;
mod import;
mod output;
mod prepare;
mod preview;
mod report;
mod speakers;
mod still;
mod usage;

pub use compose::{ComposeRequest, compose};
pub use error::{Blame, JobError};
pub use import::{Existing, import_folder, write_manifest};
pub use prepare::{DumpVerdict, Prepared, SessionSource, Verdict, layout_text, load_chat, load_layout, prepare};
pub use preview::{PreviewRequest, Sharing, preview};
pub use report::{Asset, Report, Timings};
pub use speakers::SpokenBy;
pub use still::{FrameRequest, compose_frame};
