//! Garbage in every key and column that matters, written by a client of the server's own: what cannot be read is
//! reported, its job fails with the reason or comes whole from the record, and the queue goes on.

#[path = "../support/servers.rs"]
#[allow(dead_code, reason = "shared with fault tests, which kill and freeze servers")]
mod servers;

mod postgres;
mod redis;
mod sqlite;
mod world;
