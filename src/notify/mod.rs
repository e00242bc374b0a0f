//! Telling customers: events, signatures, the address guard, sending, and when to try again.

mod address;
mod event;
mod outbox;
mod sender;
mod signature;

pub use address::{AddressPolicy, Forbidden, check_address};
pub use event::{Event, EventBody, FailureKind, RecordingFailed, RecordingSuccess, SyncSummary};
pub use outbox::{Delivery, Entry, Outcome, PATIENCE};
pub use sender::{Sender, Webhook};
pub use signature::{SecretError, check_secret};
