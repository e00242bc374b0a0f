//! `tessera layouts`: which layouts there are.

use clap::Subcommand;
use serde::Serialize;

use super::{print, print_json, text::table};
use crate::{
    job::JobError,
    layout::{Layout, builtins},
};

/// The layouts that a recording can have
#[derive(Debug, Subcommand)]
pub enum LayoutsCommand {
    /// List the built-in layouts
    List {
        /// Print the list as JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Serialize)]
struct Entry {
    name: String,
    description: String,
    max_tiles: usize,
}

pub fn run(command: LayoutsCommand) -> Result<(), JobError> {
    let LayoutsCommand::List { json } = command;
    let entry = |layout: Layout| Entry {
        name: layout.name,
        description: layout.description,
        max_tiles: layout.max_tiles,
    };
    let entries: Vec<Entry> = builtins().into_iter().map(entry).collect();
    if json {
        return print_json(&entries);
    }
    print(&table(
        &entries
            .into_iter()
            .map(|entry| vec![entry.name, entry.description])
            .collect::<Vec<_>>(),
    ))
}
