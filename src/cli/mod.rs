//! The command line: one file per subcommand. stdout is for results, stderr for progress and logs.

mod check_storage;
mod compose;
mod dead;
mod import;
mod inspect;
mod layouts;
mod limits;
mod options;
mod plan;
mod progress;
mod recordings;
mod run;
mod schema;
mod service;
mod status;
mod submit;
mod text;
mod try_dump;
mod webhook;
mod worker;

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use tracing::Level;
use tracing_subscriber::{EnvFilter, Layer, filter::filter_fn, layer::SubscriberExt, util::SubscriberInitExt};

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
    Run(run::RunArgs),
    CheckStorage(check_storage::CheckStorageArgs),
    Deliver(run::DeliverArgs),
    #[command(subcommand)]
    Recordings(recordings::RecordingsCommand),
    #[command(subcommand)]
    Webhook(webhook::WebhookCommand),
    Worker(worker::WorkerArgs),
    Submit(submit::SubmitArgs),
    Reprocess(submit::ReprocessArgs),
    Status(status::StatusArgs),
    #[command(subcommand)]
    Dead(dead::DeadCommand),
    Schema(schema::SchemaArgs),
    #[command(hide = true)]
    TryDump(try_dump::TryDumpArgs),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log();
    let supervised = matches!(&cli.command, Command::Run(args) if args.is_supervised());
    let result = match cli.command {
        Command::Compose(args) => compose::run(args),
        Command::Plan(args) => plan::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Import(args) => import::run(args),
        Command::Layouts(command) => layouts::run(command),
        Command::Run(args) => run::run(args),
        Command::CheckStorage(args) => check_storage::run(args),
        Command::Deliver(args) => run::deliver(args),
        Command::Recordings(command) => recordings::run(command),
        Command::Webhook(command) => webhook::run(command),
        Command::Worker(args) => worker::run(args),
        Command::Submit(args) => submit::run(args),
        Command::Reprocess(args) => submit::reprocess(args),
        Command::Status(args) => status::run(args),
        Command::Dead(command) => dead::run(command),
        Command::TryDump(args) => try_dump::run(args),
        Command::Schema(args) => schema::run(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // what a job says to its worker is logged there, once
        Err(error) if supervised => ExitCode::from(error.exit_code()),
        Err(error) => {
            eprintln!("tessera: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// Logs go to stderr; `RUST_LOG` and `TESSERA_LOG_FORMAT=json` choose how much and how.
fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,tiny_skia=error"));
    // at finer levels, libraries that speak HTTP log headers, and those hold secrets
    let discreet = filter_fn(|log| *log.level() <= Level::INFO || log.target().starts_with("tessera"));
    let log = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let registry = tracing_subscriber::registry().with(filter);
    match std::env::var("TESSERA_LOG_FORMAT").as_deref() {
        Ok("json") => registry.with(log.json().with_filter(discreet)).init(),
        _ => registry.with(log.with_filter(discreet)).init(),
    }
}

/// Writes a result to stdout. A reader that has gone away (`tessera plan … | head`) is no error of ours.
fn print(text: &str) -> Result<(), JobError> {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    Ok(())
}

/// One line of JSON.
fn print_line(value: &impl serde::Serialize) -> Result<(), JobError> {
    let text = serde_json::to_string(value).expect("results are plain data and always serialise");
    print(&(text + "\n"))
}

fn print_json(value: &impl serde::Serialize) -> Result<(), JobError> {
    let text = serde_json::to_string_pretty(value).expect("results are plain data and always serialise");
    print(&(text + "\n"))
}
