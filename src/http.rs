//! The HTTP API: one file a resource. What holds everywhere is in `guard` (who may), `request` (one log line, one id and
//! one error envelope for each request) and `error` (every code).

mod actions;
mod approvals;
mod archive;
mod body;
mod chat;
mod connection;
mod error;
mod events;
mod guard;
mod health;
mod jobs;
mod leave;
mod list;
mod metrics;
mod openapi;
mod probes;
mod providers;
mod queues;
mod request;
mod review_paths;
mod routes;
mod serve;
mod sessions;
mod spend;
mod stall;
mod state;
mod steps;
mod streams;
#[cfg(test)]
mod tests;

pub use connection::Connections;
pub use guard::Guard;
pub use leave::Leaving;
pub use routes::{api, probes};
pub use serve::{bind, run};
pub use state::{App, Limits};
