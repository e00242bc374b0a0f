//! The command line: one file per subcommand. stdout is for results, stderr for progress and logs.

mod compose;
mod import;
mod inspect;
mod layouts;
mod options;
mod plan;
mod progress;
mod schema;
mod text;

use std::{io::Write, process::ExitCode};

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::job::JobError;

/// Turns the track dumps that an SFU wrote during a meeting into finished recordings.
///
/// Exit codes: 0 done (warnings allowed), 1 our fault, 2 wrong usage, manifest or layout, 3 no usable input, 4 the
/// destination refused, 130 cancelled.
#[derive(Debug, Parser)]
#[command(name = "tessera", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Compose(compose::ComposeArgs),
    Plan(plan::PlanArgs),
    Inspect(inspect::InspectArgs),
    Import(import::ImportArgs),
    #[command(subcommand)]
    Layouts(layouts::LayoutsCommand),
    Schema(schema::SchemaArgs),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log();
    let result = match cli.command {
        Command::Compose(args) => compose::run(args),
        Command::Plan(args) => plan::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Import(args) => import::run(args),
        Command::Layouts(command) => layouts::run(command),
        Command::Schema(args) => schema::run(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tessera: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// Logs go to stderr; `RUST_LOG` and `TESSERA_LOG_FORMAT=json` choose how much and how.
fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match std::env::var("TESSERA_LOG_FORMAT").as_deref() {
        Ok("json") => log.json().init(),
        _ => log.init(),
    }
}

/// Writes a result to stdout. A reader that has gone away (`tessera plan … | head`) is no error of ours.
fn print(text: &str) -> Result<(), JobError> {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    Ok(())
}

fn print_json(value: &impl serde::Serialize) -> Result<(), JobError> {
    let text = serde_json::to_string_pretty(value).expect("results are plain data and always serialise");
    print(&(text + "\n"))
}
