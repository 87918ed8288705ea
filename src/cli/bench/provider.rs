//! The scripted provider of a measurement, in a process of its own, so that what it costs can be told apart.

use super::{child::Child, failed};
use crate::exit::Failure;
use flotilla_dev_model::{Script, Then, When};
use flotilla_workers::bench::{Plan, Provider, WORD};

/// What stands before its address in what it says.
const SAYS: &str = "scripted model provider on ";

/// It runs until this is dropped.
pub struct Scripted(Child);

impl Scripted {
    /// Starts one that answers everything with as many words, as fast, as the plan has it.
    pub async fn start(plan: Plan) -> Result<Self, Failure> {
        let args = ["dev-model", "--listen", "127.0.0.1:0", "--script", "/dev/stdin"];
        Child::start(&args, &[], &script(plan)?, SAYS).await.map(Self)
    }

    pub fn provider(&self) -> Provider {
        Provider { base_url: format!("{}/v1", self.0.url), pid: self.0.id() }
    }
}

fn script(plan: Plan) -> Result<String, Failure> {
    let text = WORD.repeat(usize::try_from(plan.tokens).unwrap_or(usize::MAX));
    let script = Script { tokens_per_second: plan.tokens_per_second, ..Script::default() };
    toml::to_string(&script.rule(When::default(), Then::text(text))).map_err(failed)
}
