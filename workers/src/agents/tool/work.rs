//! Calls of tools, as steps of a run: each is on record before the model hears of it.

use super::{Arguments, Tool, ToolError, Toolbox, output};
use crate::{
    agents::{
        definition::Definition,
        halt::Halt,
        patience::{LONG, SHORT},
        record::{self, Called, Gave},
        run::{Next, Run, only},
        thread::Place,
        traced,
    },
    journal::{Begin, Begun, EndStep, Ended, Step, StepKind, StepOutcome},
};
use flotilla_jobs::{Fault, MicroUsd};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};
use std::{panic::AssertUnwindSafe, time::Instant};
use tracing::Instrument as _;

/// Calls that a model may make in one answer; the rest is told to ask again.
const MAX_CALLS: usize = 32;
/// Calls that run at once.
const AT_ONCE: usize = 8;

/// Bytes of a result from outside that are looked at for what is hidden in it; the rest is left out.
const MAX_LOOKED_AT: usize = 1 << 20;

/// A call that a model makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::agents) struct ToolCall {
    pub id: String,
    pub name: String,
    pub arguments: String,
}

/// A call that has its place in the run.
struct Placed {
    call: ToolCall,
    next: Next,
    recorded: Option<Step>,
    /// Whether it is one too many.
    refused: bool,
}

impl Run {
    /// Calls tools, side by side; answers in the order of the calls, with the number of each one's step. Where one of
    /// them changes something, they are called one after another: what follows is meant for what is there then.
    ///
    /// All get their numbers first, in the order of the model. What finished stays on record whatever becomes of the
    /// others.
    pub(in crate::agents) async fn use_tools(
        &self,
        place: &mut Place,
        calls: Vec<ToolCall>,
        toolbox: &Toolbox,
    ) -> Result<Vec<(u32, ToolCall, Gave)>, Halt> {
        let mut placed = Vec::with_capacity(calls.len());
        let keys: Vec<_> = place.take(calls.len() as u32).collect();
        for (at, (call, key)) in calls.into_iter().zip(keys).enumerate() {
            let input = json!({"id": call.id, "arguments": call.arguments});
            let kind = match toolbox.get(&call.name) {
                Some(Tool::Effect(_)) => StepKind::Effect,
                _ => StepKind::Tool,
            };
            let next = Next::new(key, kind, format!("tool:{}", call.name), &place.head, &input);
            placed.push(Placed { recorded: place.recorded(key), call, next, refused: at >= MAX_CALLS });
        }
        let run = |placed: Placed| async move {
            let gave = self.use_tool(&placed, toolbox).await?;
            Ok((placed.next.key.seq, placed.call, gave))
        };
        let alone = |placed: &Placed| placed.next.kind == StepKind::Effect || self.asks_first(&placed.call.name);
        let acts = placed.iter().any(alone);
        stream::iter(placed.into_iter().map(run)).buffered(if acts { 1 } else { AT_ONCE }).try_collect().await
    }

    async fn use_tool(&self, placed: &Placed, toolbox: &Toolbox) -> Result<Gave, Halt> {
        let Placed { call, next, recorded, .. } = placed;
        if let Some(step) = recorded {
            self.same(next, step).await?;
            let gave: Gave = record::read(step)?;
            if !gave.failed {
                self.restore(call, next, toolbox).await?;
            }
            return Ok(gave);
        }
        self.job.border()?;
        self.meter.allow_step()?;
        let began = Instant::now();
        // A model may invent names; a label must not.
        let name = if toolbox.get(&call.name).is_some() { &call.name } else { "unknown" };
        let prompts = self.agents.prompts;
        let span = traced::tool(&self.span, name, call, prompts);
        let made = self.make(placed, toolbox).instrument(span.clone()).await;
        traced::tool_ended(&span, made.as_ref().ok(), prompts);
        let gave = made?;
        let lacks = toolbox.lacks(&call.name, &self.plan.definition.roles).is_some();
        let status = if lacks {
            "refused"
        } else if gave.failed {
            "failed"
        } else {
            "ok"
        };
        self.agents.means.metrics.tool_ended(name, status, began.elapsed());
        self.meter.tool(gave.text.len());
        Ok(gave)
    }

    /// Makes a call that is not on record.
    async fn make(&self, placed: &Placed, toolbox: &Toolbox) -> Result<Gave, Halt> {
        let Placed { call, next, refused, .. } = placed;
        let prepared = match self.prepare(call, *refused, toolbox) {
            Ok(prepared) => self.agreed(call, next).await?.map_or(Ok(prepared), Err),
            failed => failed,
        };
        match prepared {
            Err(failed) => self.keep(call, next, failed).await,
            Ok((Tool::Pure(tool), arguments)) => {
                let gave = self.bound(call, tool.call(&arguments)).await?;
                self.keep(call, next, gave).await
            }
            Ok((tool, arguments)) => self.act(call, next, &tool, &arguments).await,
        }
    }

    /// The tool and what it is called with, or what the model is told instead.
    fn prepare(&self, call: &ToolCall, refused: bool, toolbox: &Toolbox) -> Result<(Tool, Arguments), Gave> {
        let failed = |what: String| Gave { text: output::cap(what.as_bytes(), 2_048), failed: true };
        if refused {
            return Err(failed(format!(
                "too many calls at once: at most {MAX_CALLS} are made; call again for the rest"
            )));
        }
        let Some(tool) = toolbox.get(&call.name) else {
            return Err(failed(format!("there is no tool `{}`; use one that was offered", call.name)));
        };
        let Definition { name: agent, roles, .. } = &self.plan.definition;
        if let Some(role) = toolbox.lacks(&call.name, roles) {
            return Err(failed(format!(
                "`{}` needs the role `{role}`, which agent `{agent}` does not have; go on without it",
                call.name
            )));
        }
        if self.meter.tool_bytes_left() == 0 {
            return Err(failed(
                "tools have said as much as they may in this run; answer with what is known".to_owned(),
            ));
        }
        let text = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
        match serde_json::from_str(text) {
            Ok(Value::Object(arguments)) => Ok((tool.clone(), arguments)),
            Ok(_) => Err(failed("the arguments are not a JSON object; call again with one".to_owned())),
            Err(error) => Err(failed(format!("the arguments are not JSON ({error}); call again with a JSON object"))),
        }
    }

    /// Puts the result of a tool that changed nothing on record.
    async fn keep(&self, call: &ToolCall, next: &Next, gave: Gave) -> Result<Gave, Halt> {
        let request = Called { id: call.id.clone(), arguments: call.arguments.clone() };
        // A tool that is not offered has no kind; on record it changed nothing.
        let next = Next { kind: StepKind::Tool, ..next.clone() };
        match self.note(&next, &request, &gave).await? {
            None => Ok(gave),
            Some(earlier) => record::read(&earlier),
        }
    }

    /// Calls a tool that changes something: on record before and after.
    async fn act(&self, call: &ToolCall, next: &Next, tool: &Tool, arguments: &Arguments) -> Result<Gave, Halt> {
        let key = self.key(next);
        let (mut again, mut found) = (false, None);
        loop {
            let begin = Begin {
                lease: self.job.lease.clone(),
                run: self.id,
                key: next.key,
                kind: next.kind,
                name: next.name.clone(),
                input_hash: next.hash,
                request: Some(record::write(&Called { id: call.id.clone(), arguments: call.arguments.clone() })?),
                call: None,
                again,
            };
            let journal = &self.agents.means.journal;
            let answer = self.job.patiently(SHORT, || journal.begin(vec![begin.clone()])).await?;
            let attempt = match only(answer)? {
                Begun::Started { attempt } => attempt,
                Begun::Unknown => {
                    if let Tool::Effect(tool) = tool {
                        found = self.look(call, tool.reconcile(arguments, &key)).await?;
                    }
                    again = true;
                    continue;
                }
                Begun::Done(step) => return record::read(&step),
                Begun::Changed { recorded } => return Err(self.diverged(next, &recorded).await),
                Begun::Refused(refused) => return Err(Halt::Pause(refused)),
                Begun::LeaseLost => return Err(Halt::LeaseLost),
            };
            let gave = match (found, tool) {
                (Some(gave), _) => gave,
                (None, Tool::Pure(tool)) => self.bound(call, tool.call(arguments)).await?,
                (None, Tool::Idempotent(tool)) => self.bound(call, tool.call(arguments, &key)).await?,
                (None, Tool::Effect(tool)) => self.bound(call, tool.call(arguments, &key)).await?,
            };
            return self.finish(next, attempt, gave).await;
        }
    }

    /// Puts the end of a call on record; a store that is away for a moment must not lose it.
    async fn finish(&self, next: &Next, attempt: u32, gave: Gave) -> Result<Gave, Halt> {
        let end = EndStep {
            lease: self.job.lease.clone(),
            run: self.id,
            key: next.key,
            attempt,
            outcome: StepOutcome::Done(record::write(&gave)?),
            usage: None,
            cost: Some(MicroUsd::ZERO),
            request_id: None,
        };
        let journal = &self.agents.means.journal;
        let ended = self.job.patiently(LONG, || journal.end(vec![end.clone()])).await?;
        match only(ended)? {
            Ended::Recorded => Ok(gave),
            Ended::DoneBefore => self.reread(next).await,
            Ended::LeaseLost => Err(Halt::LeaseLost),
        }
    }

    /// Has a tool do once more what is gone with the attempt that did it.
    async fn restore(&self, call: &ToolCall, next: &Next, toolbox: &Toolbox) -> Result<(), Halt> {
        let (Some(Tool::Effect(tool)), Ok(arguments)) =
            (toolbox.get(&call.name), serde_json::from_str(&call.arguments))
        else {
            return Ok(());
        };
        match tool.restore(&arguments, &self.key(next)).await {
            Ok(()) => Ok(()),
            Err(ToolError::Interrupted) => Err(Halt::Cancelled),
            Err(ToolError::Said(why)) => {
                let what = format!("what `{}` did in an earlier attempt could not be done again: {why}", call.name);
                Err(Halt::Retry(Fault::new("effect_lost", what), None))
            }
        }
    }

    /// The same for each call of the same step.
    fn key(&self, next: &Next) -> String {
        format!("{}:{}:{}", self.id, next.key.thread, next.key.seq)
    }

    /// What came of an earlier call, if it can be told that it happened.
    async fn look(
        &self,
        call: &ToolCall,
        found: impl Future<Output = Result<Option<Vec<u8>>, ToolError>>,
    ) -> Result<Option<Gave>, Halt> {
        let found = tokio::select! {
            biased;
            () = self.job.cancelled.cancelled() => return Err(Halt::Cancelled),
            found = found => found,
        };
        match found {
            Ok(found) => Ok(found.map(|bytes| self.gave(call, &bytes, false))),
            Err(ToolError::Interrupted) => Err(Halt::Cancelled),
            // Not knowing is no reason to do it twice.
            Err(ToolError::Said(why)) => {
                let fault =
                    Fault::new("effect_unknown", format!("whether an effect happened could not be found out: {why}"));
                Err(Halt::Retry(fault, None))
            }
        }
    }

    /// What a tool says, within bounds; that it failed or panicked is told to the model, too.
    async fn bound(
        &self,
        call: &ToolCall,
        said: impl Future<Output = Result<Vec<u8>, ToolError>>,
    ) -> Result<Gave, Halt> {
        let said = tokio::select! {
            biased;
            () = self.job.cancelled.cancelled() => return Err(Halt::Cancelled),
            said = AssertUnwindSafe(said).catch_unwind() => said,
        };
        match said {
            Ok(Ok(bytes)) => Ok(self.gave(call, &bytes, false)),
            Ok(Err(ToolError::Said(what))) => Ok(self.gave(call, what.as_bytes(), true)),
            Ok(Err(ToolError::Interrupted)) => Err(Halt::Cancelled),
            Err(_) => Ok(self.gave(call, b"the tool broke off", true)),
        }
    }

    fn gave(&self, call: &ToolCall, bytes: &[u8], failed: bool) -> Gave {
        let most = output::MAX_RESULT.min(self.meter.tool_bytes_left());
        let text = if is_from_outside(&call.name) {
            let (looked_at, rest) = bytes.split_at(bytes.len().min(MAX_LOOKED_AT));
            let looked_at = String::from_utf8_lossy(looked_at);
            let text = self.agents.guards().shown(&self.plan.definition.name, &looked_at);
            let left_out = rest.len();
            let text = if left_out == 0 { text } else { format!("{text}\n[… {left_out} bytes left out …]\n") };
            output::cap(text.as_bytes(), most)
        } else {
            output::cap(bytes, most)
        };
        Gave { text, failed }
    }
}

/// Whether a tool brings what strangers wrote for others to see. Files stay as they are: they are patched by their lines.
fn is_from_outside(tool: &str) -> bool {
    tool == "http_get" || tool.starts_with("mcp__")
}
