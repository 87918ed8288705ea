//! What the process is told: read once at the edge, from documented defaults, a file, the environment and flags.
//!
//! Each value knows where it came from, so that an error about it can say so.

mod budgets;
mod check;
mod env;
mod error;
mod file;
mod keys;
mod layers;
mod load;
mod mcp;
mod safety;
mod secrets;
mod sections;
mod show;
#[cfg(test)]
mod tests;
mod tools;

pub use check::{MAX_TOKEN, may_listen};
pub use error::Error;
pub use layers::Origin;
pub use load::{FILE_NAME, Inputs, Loaded, load};
pub use secrets::is_secret;
pub use sections::{Config, Health, Listen, LogFormat, Telemetry, Worker};
pub use show::{people, to_json};
pub use tools::roles;
