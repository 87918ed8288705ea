//! Everything that runs Flotilla jobs: the store seam and its two stores, the executor, the loops, the handlers.
//!
//! The crate reads no environment variable and parses no arguments: it takes structs.

pub mod admission;
pub mod agents;
mod apalis;
pub mod approvals;
pub mod archive;
mod backlog;
pub mod bench;
pub mod cache;
pub mod clock;
pub mod context;
mod crew;
pub mod engine_side;
mod executor;
pub mod fleet;
pub mod handlers;
mod held;
mod hex;
pub mod isolate;
pub mod journal;
mod lease;
pub mod ledger;
mod loops;
pub mod metrics;
mod policy;
pub mod producer;
pub mod registry;
pub mod review;
pub mod safety;
pub mod sessions;
pub mod store;
mod tally;
pub mod trace;
mod voice;
mod wake;
