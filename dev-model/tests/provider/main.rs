//! The provider as its clients see it: a plain HTTP client, and streams read by hand.

mod answers;
mod bills;
mod client;
mod limits;
mod misbehaves;
mod orders;
mod streams;
