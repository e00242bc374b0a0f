//! What rendering needs beside the plan: where the dumps are.

use std::{collections::BTreeMap, path::PathBuf};

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

/// A plan and the dumps that it was made from.
#[derive(Debug, Clone, Copy)]
pub struct RenderInput<'a> {
    pub plan: &'a Plan,
    pub files: &'a BTreeMap<DumpKey, DumpFile>,
    pub probes: &'a Probes,
}

impl RenderInput<'_> {
    pub fn open(&self, key: DumpKey) -> Result<Reader, DumpError> {
        let file = &self.files[&key];
        Reader::reopen(&file.path, file.format.as_deref(), &self.probes[&key])
    }

    pub fn stamps(&self, key: DumpKey) -> &Stamps {
        &self.probes[&key].stamps
    }
}
