//! Reviews a change: where it comes from, what it is, and what the rules say about the lines it adds.

pub mod diff;
