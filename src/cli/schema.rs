//! `tessera schema`: the JSON Schemas of the contracts.

use clap::{Args, ValueEnum};

use super::print_json;
use crate::{job::JobError, session};

/// Print the JSON Schema of a contract
#[derive(Debug, Args)]
pub struct SchemaArgs {
    name: SchemaName,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SchemaName {
    /// The session manifest, session.json
    Session,
}

pub fn run(args: SchemaArgs) -> Result<(), JobError> {
    match args.name {
        SchemaName::Session => print_json(&session::schema()),
    }
}
