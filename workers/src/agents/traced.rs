//! Spans of agents' work, in the names of OpenTelemetry's conventions for generative AI (1.41): `invoke_agent`, `chat`,
//! `execute_tool`.
//!
//! They are for traces alone: where nobody collects those, no span is made and nothing of what it would say is put
//! together. What was said is part of a span only where a setting wants it.

use super::{
    halt::Halt,
    host::JobRef,
    model::{Answered, Message, Model, ModelError, Part, Provider, Reply, Request, Stop, Wire},
    record::Gave,
    tool::ToolCall,
};
use crate::{
    journal::{RunId, Spent, StepKey},
    trace::TARGET,
};
use flotilla_jobs::{MicroUsd, Usage};
use serde_json::{Value, json};
use tracing::{Span, field::Empty, info_span};

/// Most bytes that a span shows of one text.
const MAX_TEXT: usize = 8 << 10;
/// Most messages that a span shows, the newest ones.
const MAX_MESSAGES: usize = 32;

/// A call of a model that is about to be made.
pub(super) struct Chat<'a> {
    pub run: &'a Span,
    pub step: (StepKey, &'a str),
    pub attempt: u32,
    pub provider: &'a Provider,
    pub model: &'a Model,
    pub request: &'a Request,
    /// Whether to show what is said.
    pub prompts: bool,
}

/// A run of an agent, as part of the job's span.
pub(super) fn run(agent: &str, run: RunId, job: &JobRef) -> Span {
    info_span!(
        target: TARGET, "invoke_agent", otel.name = format!("invoke_agent {agent}"), otel.kind = "internal",
        otel.status_code = Empty, gen_ai.operation.name = "invoke_agent", gen_ai.agent.name = agent,
        gen_ai.conversation.id = job.session, gen_ai.usage.input_tokens = Empty, gen_ai.usage.output_tokens = Empty,
        flotilla.run.id = %run, flotilla.run.steps = Empty, flotilla.cost_microusd = Empty, "error.type" = Empty,
    )
}

/// The run ended, with what it has used over all its attempts.
pub(super) fn ran(span: &Span, halt: Option<&Halt>, steps: u32, spent: Spent) {
    if span.is_disabled() {
        return;
    }
    used(span, &spent.usage);
    span.record("flotilla.run.steps", i64::from(steps));
    span.record("flotilla.cost_microusd", number(spent.cost.0));
    // What only waits has not failed.
    if let Some(Halt::Fail(fault) | Halt::Retry(fault, _)) = halt {
        failed(span, &fault.code);
    }
}

/// A call of a model. It begins when the call does: waiting for the provider's limits is no part of it.
pub(super) fn chat(call: &Chat<'_>) -> Span {
    let Chat { run, step: (key, step), attempt, provider, model, request, prompts } = *call;
    let span = info_span!(
        target: TARGET, parent: run, "chat", otel.name = format!("chat {}", model.id), otel.kind = "client",
        otel.status_code = Empty, gen_ai.operation.name = "chat", gen_ai.provider.name = provider_name(provider.wire),
        gen_ai.request.model = model.id, gen_ai.request.max_tokens = i64::from(request.max_output.min(model.max_output)),
        gen_ai.request.temperature = request.temperature.or(model.temperature),
        "gen_ai.output.type" = if request.answer.is_some() { "json" } else { "text" },
        gen_ai.response.id = Empty, gen_ai.response.model = Empty, gen_ai.response.finish_reasons = Empty,
        gen_ai.usage.input_tokens = Empty, gen_ai.usage.output_tokens = Empty,
        gen_ai.usage.cache_read.input_tokens = Empty, gen_ai.usage.cache_creation.input_tokens = Empty,
        gen_ai.system_instructions = Empty, gen_ai.input.messages = Empty, gen_ai.output.messages = Empty,
        server.address = provider.base_url.host_str(),
        server.port = provider.base_url.port_or_known_default().map(i64::from),
        flotilla.step = format!("{}/{}", key.thread, key.seq), flotilla.step.name = step,
        flotilla.step.attempt = i64::from(attempt), flotilla.provider = provider.name, flotilla.model = model.name,
        flotilla.cost_microusd = Empty, "error.type" = Empty,
    );
    if prompts && !span.is_disabled() {
        if !request.system.is_empty() {
            span.record("gen_ai.system_instructions", json!([text(&request.system)]).to_string());
        }
        let newest = request.messages.len().saturating_sub(MAX_MESSAGES);
        let messages: Vec<Value> = request.messages.iter().skip(newest).map(message).collect();
        span.record("gen_ai.input.messages", Value::from(messages).to_string());
    }
    span
}

/// A call of a model ended.
pub(super) fn chatted(span: &Span, result: &Result<Answered, ModelError>, cost: Option<MicroUsd>, prompts: bool) {
    if span.is_disabled() {
        return;
    }
    if let Some(cost) = cost {
        span.record("flotilla.cost_microusd", number(cost.0));
    }
    match result {
        Ok(Answered { reply, .. }) => {
            span.record("gen_ai.response.id", reply.id.as_deref());
            span.record("gen_ai.response.model", reply.model.as_deref());
            span.record("gen_ai.response.finish_reasons", finish(&reply.stop));
            if let Some(usage) = &reply.usage {
                used(span, usage);
            }
            if prompts {
                span.record("gen_ai.output.messages", json!([answer(reply)]).to_string());
            }
        }
        Err(error) => {
            if let Some(usage) = &error.usage {
                used(span, usage);
            }
            failed(span, error.class.as_str());
        }
    }
}

/// A call of a tool; `name` is that of a tool there is, not what a model made up.
pub(super) fn tool(run: &Span, name: &str, call: &ToolCall, prompts: bool) -> Span {
    let span = info_span!(
        target: TARGET, parent: run, "execute_tool", otel.name = format!("execute_tool {name}"), otel.kind = "internal",
        otel.status_code = Empty, gen_ai.operation.name = "execute_tool", gen_ai.tool.name = name,
        gen_ai.tool.call.id = call.id, "gen_ai.tool.type" = "function", gen_ai.tool.call.arguments = Empty,
        gen_ai.tool.call.result = Empty, "error.type" = Empty,
    );
    if prompts && !span.is_disabled() {
        span.record("gen_ai.tool.call.arguments", cut(&call.arguments));
    }
    span
}

/// A call of a tool ended; `None` where the job did.
pub(super) fn tool_ended(span: &Span, gave: Option<&Gave>, prompts: bool) {
    if span.is_disabled() {
        return;
    }
    let Some(gave) = gave else { return failed(span, "interrupted") };
    if gave.failed {
        failed(span, "tool_failed");
    }
    if prompts {
        span.record("gen_ai.tool.call.result", cut(&gave.text));
    }
}

fn failed(span: &Span, code: &str) {
    span.record("error.type", code);
    span.record("otel.status_code", "ERROR");
}

/// All that went in, with what came from caches, as the conventions want it.
fn used(span: &Span, usage: &Usage) {
    span.record("gen_ai.usage.input_tokens", number(usage.prompt()));
    span.record("gen_ai.usage.output_tokens", number(usage.output));
    // A field that a span does not have is passed over.
    span.record("gen_ai.usage.cache_read.input_tokens", number(usage.cache_read));
    let written = usage.cache_write.saturating_add(usage.cache_write_1h);
    span.record("gen_ai.usage.cache_creation.input_tokens", number(written));
}

/// Signed: attributes know no other whole numbers.
fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Whose format it is: a compatible server speaks that of another.
fn provider_name(wire: Wire) -> &'static str {
    match wire {
        Wire::OpenaiChat | Wire::OpenaiResponses => "openai",
        Wire::Anthropic => "anthropic",
    }
}

fn finish(stop: &Stop) -> &str {
    match stop {
        Stop::End => "stop",
        Stop::Length => "length",
        Stop::ToolCalls => "tool_call",
        Stop::Refused => "content_filter",
        Stop::Other(word) => word,
    }
}

fn message(message: &Message) -> Value {
    match message {
        Message::User { text: said } => json!({ "role": "user", "parts": [text(said)] }),
        Message::Assistant { parts } => json!({ "role": "assistant", "parts": self::parts(parts) }),
        Message::Tool { id, text, .. } => {
            let part = json!({ "type": "tool_call_response", "id": id, "response": cut(text) });
            json!({ "role": "tool", "parts": [part] })
        }
    }
}

fn answer(reply: &Reply) -> Value {
    json!({ "role": "assistant", "parts": parts(&reply.parts), "finish_reason": finish(&reply.stop) })
}

/// Without what only its provider can read.
fn parts(parts: &[Part]) -> Vec<Value> {
    let part = |part: &Part| match part {
        Part::Text { text: said } => Some(text(said)),
        Part::ToolCall { id, name, arguments } => {
            Some(json!({ "type": "tool_call", "id": id, "name": name, "arguments": cut(arguments) }))
        }
        Part::Opaque { .. } => None,
    };
    parts.iter().filter_map(part).collect()
}

fn text(said: &str) -> Value {
    json!({ "type": "text", "content": cut(said) })
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_as_the_conventions_say() {
        let call = Part::ToolCall { id: "1".into(), name: "grep".into(), arguments: "{}".into() };
        let said = Message::Assistant { parts: vec![Part::Text { text: "I look.".into() }, call] };
        assert_eq!(
            message(&said),
            json!({ "role": "assistant", "parts": [
                { "type": "text", "content": "I look." },
                { "type": "tool_call", "id": "1", "name": "grep", "arguments": "{}" },
            ] })
        );
        let long = Message::Tool { id: "1".into(), text: "é".repeat(MAX_TEXT), failed: false };
        assert_eq!(message(&long)["parts"][0]["response"].as_str().unwrap().len(), MAX_TEXT);
    }
}
