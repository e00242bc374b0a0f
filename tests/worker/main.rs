//! The worker against a real RabbitMQ: what becomes of good, bad, long and unlucky jobs.

mod crashes;
mod deadly;
mod lanes;
mod poison;
#[path = "../support/services.rs"]
mod services;
mod stage;
mod stopping;
mod timeout;

#[path = "../support/mod.rs"]
mod support;
