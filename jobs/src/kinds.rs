//! The job kinds that come with Flotilla, one file each.

mod chat_turn;
mod code_review;
mod drill;

pub use chat_turn::{ChatReply, ChatTurn};
pub use code_review::{
    AgentWork, Category, CodeReview, Finding, FoundBy, Review, ReviewedFile, Severity, SkippedFile, Source,
};
pub use drill::{Act, Drill, DrillReport, Step};
