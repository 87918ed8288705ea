//! Everything that runs Flotilla jobs: the store seam and its two stores, the executor, the loops, the handlers.
//!
//! The crate reads no environment variable and parses no arguments: it takes structs.

pub mod clock;
pub mod context;
pub mod handlers;
pub mod registry;
pub mod store;
