//! The API over a real store, through real sockets.

mod description;
mod events;
mod guard;
mod manage;
mod submit;
mod support;
