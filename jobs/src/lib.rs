//! What a producer of Flotilla jobs needs: typed kinds, options, states, back-off, and an HTTP client.
//!
//! The crate has no runtime and no driver in it, so a producer pays for nothing it does not use. A job kind
//! of your own is one file that implements [`Job`]; see `examples/own_kind.rs`.

pub mod api;
mod attempts;
mod backoff;
#[cfg(feature = "client")]
pub mod client;
mod enqueue;
mod id;
mod invalid;
mod job;
pub mod kinds;
mod live;
mod money;
mod names;
mod options;
mod outcome;
mod record;
mod session;
mod state;
mod submit;
mod unique;
mod usage;

pub use attempts::{Attempts, Cause};
pub use backoff::Backoff;
pub use enqueue::Enqueue;
pub use id::JobId;
pub use invalid::Invalid;
pub use job::Job;
pub use live::{JobEvent, StateChange};
pub use money::MicroUsd;
pub use names::{key as check_key, name as check_name};
pub use options::{Group, Options, Priority, Spec};
pub use outcome::{Fault, Outcome};
pub use record::{Attempt, Filter, JobRecord, Page, Progress};
pub use session::{Busy, EntryKind, Origin, Session, SessionEntry, SessionId, SessionPage};
pub use state::{Event, JobState, TRANSITIONS};
pub use submit::{Accepted, MAX_BATCH, MAX_PAYLOAD_BYTES, MAX_PAYLOAD_DEPTH, NewJob};
pub use unique::{Unique, UniqueScope};
pub use usage::Usage;
