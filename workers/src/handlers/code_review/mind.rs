//! The reviewing agent's mind: a run of the agent, on record.

use crate::{
    agents::{Halt, Run, Toolbox},
    review::{Mind, Unanswered},
};
use async_trait::async_trait;
use flotilla_jobs::{Fault, MicroUsd, kinds::AgentWork};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// What is decided goes on record in this thread; each conversation has one of its own.
const DECISIONS: u32 = 0;

/// A run that answers the pipeline.
#[derive(Debug)]
pub(super) struct RunMind {
    pub run: Run,
    /// What it may look at the repository with.
    toolbox: Toolbox,
}

impl RunMind {
    /// A run that may cost no more than the team lets one review cost, and may look at the repository with these.
    pub fn new(run: Run, budget: Option<MicroUsd>, toolbox: Toolbox) -> Self {
        if let Some(most) = budget {
            run.cap(most, "review_budget", "which review.model.budget in .flotilla.toml allows");
        }
        Self { run, toolbox }
    }
}

#[async_trait]
impl Mind for RunMind {
    type Halt = Halt;

    async fn decide<T, I>(&self, name: &str, input: &I, make: impl FnOnce() -> T + Send) -> Result<T, Halt>
    where
        T: Serialize + DeserializeOwned + Send + Sync,
        I: Serialize + Sync,
    {
        self.run.decide(DECISIONS, name, input, make).await
    }

    async fn ask(&self, thread: u32, part: &str, vars: &Value) -> Result<Value, Unanswered<Halt>> {
        let mut vars = vars.clone();
        if let Value::Object(vars) = &mut vars {
            vars.insert("tools".to_owned(), (!self.toolbox.is_empty()).into());
        }
        match self.run.converse(thread, part, &vars, &self.toolbox).await {
            Ok(answer) => answer.value.ok_or_else(|| {
                let what = format!("part `{part}` of the agent asks for no shape; give it an `answer`");
                Unanswered::Failed(Fault::new("bad_agent", what))
            }),
            Err(Halt::Fail(fault)) => Err(Unanswered::Failed(fault)),
            Err(halt) => Err(Unanswered::Halted(halt)),
        }
    }
}

/// Adds what the run has cost, as it is on record.
pub(super) fn account(run: &Run, work: &mut AgentWork, duration_ms: u64) {
    let spent = run.spent();
    work.models = run.models();
    work.steps = run.steps();
    work.calls = spent.calls;
    work.usage = spent.usage;
    let is_known = spent.unknown == 0 || spent.cost > MicroUsd::ZERO;
    work.cost = is_known.then_some(spent.cost);
    work.unknown = spent.unknown;
    work.estimated = spent.estimated;
    work.duration_ms = duration_ms;
}
