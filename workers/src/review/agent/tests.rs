//! The whole pipeline, with a mind that answers as a test says.

mod format;
mod injection;
mod pipeline;
