//! Whole fleets of the built binary: several processes on one store, killed, stopped, paused and followed.

mod cancelling;
mod client_gone;
mod cut_commit;
#[cfg(target_os = "linux")]
mod clocks;
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
mod network;
mod one_file;
mod pausing;
mod place;
mod rolling;
mod postgres_away;
#[path = "../support/proxy.rs"]
mod proxy;
mod redis_away;
#[path = "../../workers/tests/support/servers.rs"]
#[allow(dead_code, reason = "shared with tests that harm their servers")]
mod servers;
mod side_by_side;
mod stopping;
#[cfg(target_os = "linux")]
mod poison;
mod random_kills;
#[path = "../../workers/tests/support/servers.rs"]
#[allow(dead_code, reason = "shared with tests that harm their servers")]
mod servers;
#[cfg(target_os = "linux")]
mod shut_file;
mod stuck;
#[path = "../support/mod.rs"]
mod support;
