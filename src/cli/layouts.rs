//! `tessera layouts`: which layouts there are, and what they look like.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{options::fonts, print, print_json, text::table};
use crate::{
    job::{JobError, PreviewRequest, Sharing, layout_text, load_layout, preview},
    layout::{Layout, builtins},
    media::Size,
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
    /// Print a layout's file: a start for one of your own
    Show {
        /// A layout by name, or the path of a .toml file
        #[arg(value_name = "NAME|FILE")]
        layout: String,
    },
    Preview(PreviewArgs),
}

/// Draw a layout with stand-ins, as a PNG
#[derive(Debug, Args)]
pub struct PreviewArgs {
    /// A layout by name, or the path of a .toml file
    #[arg(value_name = "NAME|FILE")]
    layout: String,
    /// How many there are to show, none to sixty
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=60))]
    tiles: u8,
    /// One of them is a shared screen
    #[arg(long)]
    share: bool,
    /// Size of the canvas [default: the layout's own, or else 1280x720]
    #[arg(long, value_name = "WxH")]
    resolution: Option<Size>,
    /// Folder of fonts for names and titles [default: $TESSERA_FONTS, or else the system's]
    #[arg(long, value_name = "DIR")]
    fonts: Option<PathBuf>,
    /// The picture to write [default: <layout>-<N>.png]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    description: String,
    max_tiles: usize,
}

pub fn run(command: LayoutsCommand) -> Result<(), JobError> {
    match command {
        LayoutsCommand::List { json } => list(json),
        LayoutsCommand::Show { layout } => print(&layout_text(&layout)?),
        LayoutsCommand::Preview(args) => draw(args),
    }
}

fn draw(args: PreviewArgs) -> Result<(), JobError> {
    let layout = load_layout(&args.layout)?;
    let out = args
        .out
        .unwrap_or_else(|| format!("{}-{}.png", layout.name, args.tiles).into());
    let warnings = preview(&PreviewRequest {
        tiles: args.tiles.into(),
        sharing: if args.share { Sharing::Somebody } else { Sharing::Nobody },
        canvas: args.resolution,
        layout,
        fonts: fonts(args.fonts)?,
        out: out.clone(),
    })?;
    let warnings: String = warnings.iter().map(|warning| format!("warning: {warning}\n")).collect();
    print(&format!("{}\n{warnings}", out.display()))
}

fn list(json: bool) -> Result<(), JobError> {
    let entry = |layout: Layout| Entry {
        max_tiles: layout.most_tiles(),
        name: layout.name,
        description: layout.description,
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
