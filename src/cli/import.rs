//! `tessera import`: a manifest for a folder of an SFU's own recordings.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{print, print_json};
use crate::{
    job::{self, JobError},
    session::import::Sfu,
};

/// Make a session.json for a folder of recordings that an SFU left behind
///
/// Kinds, codecs, users and times are taken from the files' headers and names. What an SFU does not record (names, roles,
/// mutes, sender reports) can be added by hand.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The SFU that made the recordings
    #[arg(long)]
    from: SfuName,
    /// The folder with the recordings
    folder: PathBuf,
    /// Print the manifest instead of writing FOLDER/session.json
    #[arg(long)]
    print: bool,
    /// Replace a session.json that is already there
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SfuName {
    /// Janus VideoRoom: a folder of .mjr files
    Janus,
}

pub fn run(args: ImportArgs) -> Result<(), JobError> {
    let sfu = match args.from {
        SfuName::Janus => Sfu::Janus,
    };
    let imported = job::import_folder(sfu, &args.folder)?;
    for remark in &imported.remarks {
        eprintln!("tessera: {remark}");
    }
    if args.print {
        return print_json(&imported.manifest);
    }
    let existing = if args.force {
        job::Existing::Replace
    } else {
        job::Existing::Keep
    };
    let path = job::write_manifest(&imported.manifest, &args.folder, existing)?;
    let tracks = imported.manifest.tracks.len();
    print(&format!(
        "{}\n  {} peers, {tracks} tracks\n",
        path.display(),
        imported.manifest.peers.len()
    ))
}
