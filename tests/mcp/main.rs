//! Tools of MCP servers, kept by the real binary: what servers try, what an agent has of them, and what is left.

#![cfg(all(target_os = "linux", feature = "mcp"))]

mod chat;
mod program;
#[path = "../support/mod.rs"]
mod support;
mod web;
mod world;
