//! Whole fleets of the built binary: several processes on one store, killed, stopped, paused and followed.

mod archive;
mod bucket;
mod burst;
mod cancelling;
mod chatting;
mod client_gone;
#[cfg(target_os = "linux")]
mod clocks;
mod cut_commit;
mod cut_readers;
mod drilling;
mod drills;
mod fleet;
mod follow;
mod frozen_worker;
#[cfg(target_os = "linux")]
mod full_disk;
mod handing_over;
mod killed_server;
mod killed_worker;
mod leading;
mod models;
mod network;
mod new_kind;
mod one_dollar;
mod one_file;
mod pausing;
mod place;
#[cfg(target_os = "linux")]
mod poison;
mod postgres_away;
mod pressure;
#[path = "../support/proxy.rs"]
mod proxy;
mod random_kills;
mod redis_away;
mod reviewed_again;
mod reviewing;
mod rolling;
mod seeing;
#[path = "../../workers/tests/support/servers.rs"]
#[allow(dead_code, reason = "shared with tests that harm their servers")]
mod servers;
#[cfg(target_os = "linux")]
mod shut_file;
mod side_by_side;
mod stopping;
mod stuck;
#[path = "../support/mod.rs"]
mod support;
mod tracing;
