//! `tessera schema`: the JSON Schemas of the contracts.

use clap::{Args, ValueEnum};

use super::print_json;
use crate::{job::JobError, layout, session};

/// Print the JSON Schema of a contract
#[derive(Debug, Args)]
pub struct SchemaArgs {
    name: SchemaName,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SchemaName {
    /// The session manifest, session.json
    Session,
    /// A layout file, as a TOML document
    Layout,
}

pub fn run(args: SchemaArgs) -> Result<(), JobError> {
    match args.name {
        SchemaName::Session => print_json(&session::schema()),
        SchemaName::Layout => print_json(&layout::schema()),
    }
}
