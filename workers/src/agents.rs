//! The agent half: models, tools and the loop between them. It knows nothing of queues.

pub mod budget;
pub mod gate;
pub mod model;
