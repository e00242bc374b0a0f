//! What rendering needs beside the plan: where the dumps are.

use std::{collections::BTreeMap, path::PathBuf};

use super::{Fonts, KeptSound};
use crate::{
    composition::Plan,
    dump::{
        DumpError, Reader,
        probe::{DumpKey, Probes},
    },
    media::{Kind, Stamps},
};

/// A dump's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpFile {
    pub path: PathBuf,
    pub format: Option<String>,
    pub kind: Kind,
}

/// Where the dumps are, and what is known of them.
#[derive(Debug, Clone, Copy)]
pub struct Dumps<'a> {
    pub files: &'a BTreeMap<DumpKey, DumpFile>,
    pub probes: &'a Probes,
    pub kept: &'a KeptSound,
}

/// A plan and the dumps that it was made from.
#[derive(Debug, Clone, Copy)]
pub struct RenderInput<'a> {
    pub plan: &'a Plan,
    pub files: &'a BTreeMap<DumpKey, DumpFile>,
    pub probes: &'a Probes,
    pub kept: &'a KeptSound,
    /// Where names and titles get their letters.
    pub fonts: &'a Fonts,
}

impl Dumps<'_> {
    pub fn open(&self, key: DumpKey) -> Result<Reader, DumpError> {
        let file = &self.files[&key];
        Reader::reopen(&file.path, file.format.as_deref(), &self.probes[&key])
    }
}

impl<'a> RenderInput<'a> {
    pub fn dumps(&self) -> Dumps<'a> {
        Dumps {
            files: self.files,
            probes: self.probes,
            kept: self.kept,
        }
    }

    pub fn open(&self, key: DumpKey) -> Result<Reader, DumpError> {
        self.dumps().open(key)
    }

    /// The last keyframe of a dump at or before `pts`.
    pub fn keyframe_before(&self, key: DumpKey, pts: i64) -> Option<i64> {
        let keyframes = &self.probes[&key].keyframes;
        keyframes.iter().copied().filter(|keyframe| *keyframe <= pts).max()
    }

    pub fn stamps(&self, key: DumpKey) -> &Stamps {
        &self.probes[&key].stamps
    }
}
