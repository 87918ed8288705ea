//! The agent half: models, tools and the loop between them. It knows nothing of queues.

pub mod answer;
pub mod budget;
mod call;
mod chain;
pub mod context;
pub mod converse;
pub mod definition;
pub mod gate;
pub mod halt;
pub mod history;
pub mod host;
pub mod kit;
mod learned;
mod meter;
pub mod model;
mod patience;
mod plan;
mod record;
pub mod run;
mod stuck;
mod talk;
mod thread;
pub mod tool;
pub mod tools;
mod traced;
pub mod transcript;

pub use answer::Answer;
pub use call::{CacheLimits, Speak};
pub use definition::{BadFile, Definition, Definitions};
pub use halt::Halt;
pub use history::{Before, Company};
pub use host::{Agents, JobRef, Means, Said};
pub use kit::Kit;
pub use record::History;
pub use run::Run;
pub use tool::{Tool, Toolbox};
