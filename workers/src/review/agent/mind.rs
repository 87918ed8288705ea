//! What the reviewing agent asks for: a seam, so that the pipeline is tried without models.

use async_trait::async_trait;
use flotilla_jobs::Fault;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Answers questions, and keeps what was decided.
#[async_trait]
pub trait Mind: Sync {
    /// Why the whole review has to end now, to go on later or elsewhere.
    type Halt: Send;

    /// What is on record for this step, or else what `make` says, which is from then on. Steps are decided in the same
    /// order in every attempt.
    async fn decide<T, I>(&self, name: &str, input: &I, make: impl FnOnce() -> T + Send) -> Result<T, Self::Halt>
    where
        T: Serialize + DeserializeOwned + Send + Sync,
        I: Serialize + Sync;

    /// The answer of a conversation of its own: to a part of the agent, filled in with `vars`.
    async fn ask(&self, thread: u32, part: &str, vars: &Value) -> Result<Value, Unanswered<Self::Halt>>;
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Unanswered<H> {
    /// There will never be one to this question.
    Failed(Fault),
    /// Everything ends.
    Halted(H),
}
