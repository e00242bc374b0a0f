//! `tessera webhook`: the outbox.

use clap::{Args, Subcommand};

use super::{
    print, print_json,
    service::{ServiceArgs, wait},
};
use crate::{
    job::{JobError, Webhooks},
    notify::{Delivery, Entry},
};

/// See and send webhooks
#[derive(Debug, Subcommand)]
pub enum WebhookCommand {
    /// List the webhooks that wait, or all
    List(ListArgs),
    /// Send a webhook again, whatever became of it; its id stays the same
    Replay(ReplayArgs),
    /// Send all webhooks that are due
    Send(SendArgs),
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// Also those that are delivered, stopped or given up
    #[arg(long)]
    all: bool,
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    service: ServiceArgs,
}

#[derive(Debug, Args)]
pub struct ReplayArgs {
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    service: ServiceArgs,
}

#[derive(Debug, Args)]
pub struct SendArgs {
    #[command(flatten)]
    service: ServiceArgs,
}

pub fn run(command: WebhookCommand) -> Result<(), JobError> {
    wait(async {
        match command {
            WebhookCommand::List(args) => {
                let which = if args.all { Webhooks::All } else { Webhooks::Pending };
                let entries = args.service.open().await?.store.webhooks(which).await?;
                if args.json {
                    print_json(&entries)
                } else {
                    print(&entries.iter().map(line).collect::<String>())
                }
            }
            WebhookCommand::Replay(args) => print(&line(&args.service.open().await?.replay_webhook(&args.id).await?)),
            WebhookCommand::Send(args) => {
                let sent = args.service.open().await?.send_due_webhooks().await?;
                print(&format!("{} delivered, {} not\n", sent.delivered, sent.failed))
            }
        }
    })
}

fn line(entry: &Entry) -> String {
    let state = match entry.delivery {
        Delivery::Pending { next_at } => format!("waits until {next_at}"),
        Delivery::Delivered { at } => format!("delivered {at}"),
        Delivery::Stopped { at } => format!("stopped {at}"),
        Delivery::GivenUp { at } => format!("given up {at}"),
    };
    let last = entry
        .last
        .as_deref()
        .map(|last| format!(": {last}"))
        .unwrap_or_default();
    format!(
        "{}  {}  job {}  {} attempt(s)  {state}{last}\n",
        entry.id, entry.event, entry.job_id, entry.attempts
    )
}
