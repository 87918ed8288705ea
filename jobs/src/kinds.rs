//! The job kinds that come with Flotilla, one file each.

mod chat_turn;
mod code_review;

pub use chat_turn::{ChatReply, ChatTurn};
pub use code_review::{Category, CodeReview, Finding, Review, ReviewedFile, Severity, SkippedFile, Source};
