//! Whether a call may be answered at all: what does not depend on rules.

use crate::{
    ask::{Asked, Turn},
    call::Call,
    limits::Full,
    refusal::{Kind, Refusal},
    script::Failure,
    shared::{Shared, Stage},
    wire::Wire,
};
use axum::http::HeaderMap;
use tokio::time::Instant;

/// Checks headers, key, form, context and limits, in this order.
pub(crate) fn admit(
    wire: Wire,
    call: &mut Call,
    headers: &HeaderMap,
    key: &str,
    read: Result<Asked, String>,
) -> Result<Asked, Refusal> {
    let refuse = |kind: Kind, message: &str| kind.refusal(wire, &Failure::default(), message);
    wire.refuse_headers(headers).map_err(|(kind, message)| refuse(kind, message))?;
    let stage: &Stage = &call.stage;
    if !stage.script.keys.is_empty() && !stage.script.keys.iter().any(|known| known == key) {
        return Err(refuse(Kind::Denied, "Incorrect API key provided."));
    }
    let asked = read.map_err(|message| refuse(Kind::Invalid, &message))?;
    wire.refuse_order(&asked).map_err(|message| refuse(Kind::Invalid, &message))?;
    if wire == Wire::Anthropic {
        thoughts_are_back(&call.shared, &asked).map_err(|message| refuse(Kind::Invalid, &message))?;
    }
    let tokens = asked.tokens();
    let most = stage.script.context_tokens;
    if most > 0 && tokens > most {
        let message = match wire {
            Wire::Anthropic => format!("prompt is too long: {tokens} tokens > {most} maximum"),
            _ => format!(
                "This model's maximum context length is {most} tokens. However, your messages resulted in {tokens} \
                 tokens. Please reduce the length of the messages."
            ),
        };
        return Err(refuse(Kind::ContextLengthExceeded, &message));
    }
    let permit = stage.limits.enter(key, tokens, Instant::now()).map_err(|full| too_many(wire, &asked.model, &full))?;
    call.let_in(permit);
    Ok(asked)
}

/// A tool call that came with a thought must come back with it, signature and all.
fn thoughts_are_back(shared: &Shared, asked: &Asked) -> Result<(), String> {
    for (n, turn) in asked.turns.iter().enumerate() {
        let Turn::Assistant(said) = turn else { continue };
        for call in &said.calls {
            let Some(signature) = shared.thought_of(&call.id) else { continue };
            if said.thoughts.is_empty() {
                return Err(format!(
                    "messages.{n}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When \
                     `thinking` is enabled, a final `assistant` message must start with a thinking block."
                ));
            }
            if !said.thoughts.iter().any(|(_, back)| *back == signature) {
                return Err(format!("messages.{n}.content.0: Invalid `signature` in `thinking` block"));
            }
        }
    }
    Ok(())
}

fn too_many(wire: Wire, model: &str, full: &Full) -> Refusal {
    let Full { what, limit, wait } = full;
    let wait_text = wait.map(|wait| format!(" Please try again in {:.3}s.", wait.as_secs_f64())).unwrap_or_default();
    let message = match wire {
        Wire::Anthropic => format!("This request would exceed your rate limit of {limit} {what}."),
        _ => {
            format!("Rate limit reached for {model} in organization org-scripted on {what}: Limit {limit}.{wait_text}")
        }
    };
    let mut failure = Failure::default();
    if let Some(wait) = wait {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        failure.headers.insert("retry-after".to_owned(), seconds.max(1).to_string());
        if wire != Wire::Anthropic {
            failure.headers.insert("retry-after-ms".to_owned(), wait.as_millis().max(1).to_string());
        }
    }
    Kind::RateLimited.refusal(wire, &failure, &message)
}
