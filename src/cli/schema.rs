//! `tessera schema`: the JSON Schemas of the contracts.

use clap::{Args, ValueEnum};

use super::print_json;
use crate::{
    job::{Job, JobError},
    session,
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
    /// The job, of the queue and of `tessera run`
    Job,
}

pub fn run(args: SchemaArgs) -> Result<(), JobError> {
    match args.name {
        SchemaName::Job => print_json(&Job::schema()),
        SchemaName::Session => print_json(&session::schema()),
    }
}
