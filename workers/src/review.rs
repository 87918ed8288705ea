//! Reviews a change: where it comes from, what it is, and what the rules say about the lines it adds.

pub mod change;
pub mod diff;
pub mod rules;
