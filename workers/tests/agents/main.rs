//! Agents' runs: the loop from the journal on, what it holds to, and what a crash at any border costs.

#[path = "../support/servers.rs"]
#[allow(dead_code, reason = "shared with fault tests, which kill and freeze servers")]
mod servers;

#[path = "../engine/place.rs"]
mod place;

mod asking;
mod borders;
mod cached;
mod conduct;
mod crash;
mod endings;
mod growth;
mod scripted;
mod tools;
mod trouble;
mod world;
