//! `tessera try-dump`: decode one dump and see whether this process lives. Jobs that crashed use it.

use std::path::PathBuf;

use clap::Args;

use crate::{
    job::{JobError, try_here},
    media::{Codec, Kind},
};

#[derive(Debug, Args)]
pub struct TryDumpArgs {
    path: PathBuf,
    #[arg(long, value_parser = parse_kind)]
    kind: Kind,
    #[arg(long)]
    codec: Option<String>,
    #[arg(long)]
    format: Option<String>,
}

pub fn run(args: TryDumpArgs) -> Result<(), JobError> {
    try_here(
        args.path,
        args.kind,
        args.codec.as_deref().and_then(Codec::from_name),
        args.format,
    )
}

fn parse_kind(text: &str) -> Result<Kind, String> {
    match text {
        "audio" => Ok(Kind::Audio),
        "video" => Ok(Kind::Video),
        _ => Err("neither audio nor video".to_owned()),
    }
}
