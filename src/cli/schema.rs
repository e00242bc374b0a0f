//! `tessera schema`: the JSON Schemas of the contracts.

use clap::{Args, ValueEnum};

use super::print_json;
use crate::{
    job::{Job, JobError},
    layout, session,
};

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
    /// The job, of the queue and of `tessera run`
    Job,
}

pub fn run(args: SchemaArgs) -> Result<(), JobError> {
    match args.name {
        SchemaName::Job => print_json(&Job::schema()),
        SchemaName::Session => print_json(&session::schema()),
        SchemaName::Layout => print_json(&layout::schema()),
    }
}
