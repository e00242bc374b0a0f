//! Jobs from bucket to bucket, against a real S3 server that enforces permissions, over networks that fail, with
//! receivers of webhooks that misbehave.

#[path = "../support/bucket.rs"]
mod bucket;
mod case;
mod kills;
mod network;
mod parking;
mod parts;
mod permissions;
#[path = "../support/proxy.rs"]
mod proxy;
#[path = "../support/receiver.rs"]
mod receiver;
mod rerun;
mod secrets;
#[path = "../support/services.rs"]
mod services;
mod sources;
#[path = "../support/mod.rs"]
mod support;
mod webhooks;
