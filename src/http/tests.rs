//! The API over a real store, through real sockets.

mod approvals;
mod chat;
mod description;
mod events;
mod guard;
mod manage;
mod sessions;
mod speaker;
mod spend;
mod steps;
mod submit;
mod support;
