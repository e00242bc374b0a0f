//! One session end to end: reading, planning, rendering, reporting, delivering, telling. All I/O is wired here.

mod announce;
mod attempt;
mod compose;
mod composite;
mod deliver;
mod error;
mod id;
mod import;
mod lease;
mod output;
mod preflight;
mod prepare;
mod preview;
mod record;
mod recordings;
mod report;
mod run;
mod service;
mod settings;
mod source;
mod speakers;
mod spec;
mod spool;
mod still;
mod store;
mod target;
mod trial;
mod usage;

pub use announce::Sent;
pub use compose::{ComposeRequest, compose};
pub use composite::{Composite, LayoutAt};
pub use error::{Blame, JobError};
pub use id::JobId;
pub use import::{Existing, import_folder, write_manifest};
pub use prepare::{
    DumpVerdict, FindDump, Prepared, SessionSource, Verdict, layout_text, load_chat, load_layout, prepare,
};
pub use preview::{PreviewRequest, Sharing, preview};
pub use record::{JobRecord, JobState, RecordingFacts, SessionFacts};
pub use recordings::Sought;
pub use report::{Asset, Report, Timings};
pub use run::{Begin, Done, DumpTrust, Failures, Made, OnCancel, RunRequest};
pub use service::Service;
pub use settings::{FolderPolicy, Settings, SourceSettings, SpoolSettings};
pub use source::{JobSource, Pulled};
pub use speakers::SpokenBy;
pub use spec::{Job, Output, ReadJob, Reprocess, read_destination};
pub use spool::{JobSpool, used_bytes};
pub use still::{FrameRequest, compose_frame};
pub use store::{IndexEntry, Store, Webhooks};
pub use trial::try_here;
