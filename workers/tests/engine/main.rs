//! The engine on a real store: what happens to jobs, whatever their handlers, the store and the operator do.

mod claiming;
mod faults;
mod outcomes;
mod place;
#[path = "../support/servers.rs"]
#[allow(dead_code, reason = "each test crate uses a part of it")]
mod servers;
mod shutdown;
mod world;
