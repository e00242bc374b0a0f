//! `tessera check-storage`: what the credentials may do in a destination, before a job needs to.

use std::{fs, path::PathBuf};

use clap::Args;
use serde_json::json;

use super::{print, print_json, service::wait};
use crate::{
    job::{JobError, read_destination},
    storage::{Checkup, Examination, examine},
};

/// Try what a job will need in a bucket or folder, and say what is missing
///
/// Writes, reads and deletes tiny objects under the destination's own prefix. Where deleting is not allowed, one object
/// named .tessera-check is left and used again. Listing is never needed.
#[derive(Debug, Args)]
pub struct CheckStorageArgs {
    /// The `destination` of a job, as a JSON file
    #[arg(value_name = "DEST.json")]
    destination: PathBuf,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: CheckStorageArgs) -> Result<(), JobError> {
    let path = args.destination;
    let text = fs::read_to_string(&path).map_err(|error| JobError::Unreadable {
        path: path.clone(),
        error,
    })?;
    let destination = read_destination(&text, &path.display().to_string())?;
    let checkup = wait(async {
        examine(&destination, destination.prefix(), Examination::Once)
            .await
            .map_err(JobError::Key)
    })?;
    if args.json {
        let mut value = serde_json::to_value(&checkup).expect("findings are plain data and always serialise");
        value["usable"] = json!(checkup.is_usable());
        print_json(&value)?;
    } else {
        print(&table(&checkup))?;
    }
    if checkup.is_usable() {
        Ok(())
    } else {
        Err(JobError::DestinationRefused(Box::new(checkup)))
    }
}

fn table(checkup: &Checkup) -> String {
    let mut text = format!("{}\n", checkup.destination);
    for (name, value) in [("endpoint", &checkup.endpoint), ("region", &checkup.region)] {
        text += &value
            .as_ref()
            .map(|value| format!("  {name} {value}\n"))
            .unwrap_or_default();
    }
    for check in &checkup.checks {
        let mark = if check.required { "" } else { " (not required)" };
        text += &format!("  {check}{mark}\n");
    }
    if let Some(policy) = checkup.policy_needed() {
        let policy = serde_json::to_string_pretty(policy).expect("a policy is plain data and always serialises");
        text += &format!("the smallest policy that would do:\n{policy}\n");
    }
    text
}
