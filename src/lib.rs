//! Tessera turns the per-peer track dumps that an SFU wrote during a meeting into finished recordings.
//!
//! The modules in reading order; each may use only those of lower layers (`tests/layers` keeps it so):
//!
//! | layer | module | what it is |
//! |---|---|---|
//! | 0 | [`media`] | session time, ids, geometry: the vocabulary |
//! | 1 | [`av`] | safe wrappers around FFmpeg |
//! | 1 | [`session`] | the manifest: who was there, when |
//! | 1 | [`layout`] | which rectangle each tile gets |
//! | 2 | [`dump`] | finding, probing and reading dumps |
//! | 2 | [`timeline`] | every dump on one clock |
//! | 3 | [`composition`] | the plan: everything decided, nothing rendered |
//! | 4 | [`render`] | decode, draw, mix, encode, join |
//! | 4 | [`storage`] | buckets: where dumps come from and recordings go |
//! | 4 | [`notify`] | webhooks |
//! | 5 | [`job`] | one session end to end |
//! | 6 | [`worker`] | the queue |
//! | 7 | [`cli`] | the command line |

pub mod av;
pub mod cli;
pub mod composition;
mod config;
pub mod dump;
pub mod job;
pub mod layout;
pub mod media;
pub mod notify;
pub mod render;
pub mod session;
pub mod storage;
pub mod timeline;
pub mod worker;
