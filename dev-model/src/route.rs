//! One call: who asks, whether it may, what it gets.

use crate::{
    admit::admit,
    ask::Asked,
    call::Call,
    connection::Peer,
    counts::Usage,
    dev,
    fingerprint::fingerprint,
    flow::{Flow, stall},
    plan,
    record::{CallRecord, Outcome},
    refusal::Refusal,
    script::{Failure, Quirk, Then},
    scripted,
    shared::Shared,
    wire::{Envelope, Wire},
};
use axum::{
    Extension, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode},
    routing::post,
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// Largest request.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// Every path of the server.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let calls =
        [Wire::OpenaiChat, Wire::OpenaiResponses, Wire::Anthropic].into_iter().fold(Router::new(), |router, wire| {
            let answer = async move |State(shared), Extension(peer), headers, body| {
                answer(wire, shared, peer, headers, body).await
            };
            router.route(wire.path(), post(answer))
        });
    calls.layer(DefaultBodyLimit::max(MAX_BODY)).with_state(Arc::clone(&shared)).merge(dev::router(shared))
}

async fn answer(wire: Wire, shared: Arc<Shared>, peer: Peer, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let key = wire.key(&headers).unwrap_or_default().to_owned();
    let parsed = serde_json::from_slice::<Value>(&body).map_err(|error| format!("the body is no JSON: {error}"));
    let read = parsed.as_ref().map_err(Clone::clone).and_then(|body| wire.read(body));
    let stage = shared.stage();
    let record = record(wire, &key, parsed.unwrap_or_default());
    let model = record.model.clone();
    let place = shared.begin(record, body.len());
    let mut call = Call::new(shared, Arc::clone(&stage), place, model);
    let result = match admit(wire, &mut call, &headers, &key, read) {
        Ok(asked) => respond(wire, call, &asked, peer).await,
        Err(refusal) => {
            call.end(Outcome::Failed(refusal.status));
            Err(refusal)
        }
    };
    let told = stage.limits.headers(wire, &key, Instant::now());
    let mut response = result.unwrap_or_else(refused);
    let request_id = if wire == Wire::Anthropic { "request-id" } else { "x-request-id" };
    let id = (request_id.to_owned(), format!("req_scripted_{}", place.number()));
    set_headers(&mut response, told.into_iter().chain([id]));
    response
}

fn record(wire: Wire, key: &str, body: Value) -> CallRecord {
    CallRecord {
        n: 0,
        at_ms: 0,
        wire,
        model: body["model"].as_str().unwrap_or_default().to_owned(),
        key: (!key.is_empty()).then(|| fingerprint(key)),
        stream: body["stream"] == true,
        body,
        outcome: Outcome::Begun,
        pieces: 0,
        usage: Usage::default(),
        cost: None,
    }
}

/// What the script makes of a call that was let in.
async fn respond(wire: Wire, mut call: Call, asked: &Asked, peer: Peer) -> Result<Response<Body>, Refusal> {
    let then = call.stage.decide(wire, asked);
    sleep(Duration::from_millis(then.first_byte_ms)).await;
    // A failure in the middle of a whole answer is a failure.
    let midway = then.midway.as_ref().filter(|_| !asked.stream);
    let told = midway.map(|m| Failure { kind: m.kind, message: m.message.clone(), ..Failure::default() });
    if let Some(failure) = then.error.as_ref().or(told.as_ref()) {
        let message = format!("scripted failure of call {}", call.number());
        let refusal = failure.kind.refusal(wire, failure, &message);
        call.end(Outcome::Failed(refusal.status));
        return Err(refusal);
    }
    let answer = scripted::answer(asked, &then, call.number()).limited(asked.max_output);
    if let Some(signature) = answer.signature() {
        call.shared.expect_thought(answer.calls().map(|(id, _, _)| id.to_owned()), signature);
    }
    let usage = then.usage.over(answer.usage(asked.tokens()));
    call.answers(usage);
    let envelope = Envelope { call: call.number(), asked, then: &then, usage };
    let pace = pace(&call, &then);
    let first_token_ms = then.first_token_ms.unwrap_or(call.stage.script.first_token_ms);
    let (sort, pace, steps) = if asked.stream {
        let frames = wire.frames(envelope, &answer, &answer.bits(then.has(Quirk::Interleaved)));
        ("text/event-stream; charset=utf-8", pace, plan::streamed(wire, envelope, &frames, first_token_ms))
    } else {
        call.says_all();
        let speech = pace.unwrap_or_default().saturating_mul(u32::try_from(usage.output).unwrap_or(u32::MAX));
        sleep(Duration::from_millis(first_token_ms) + speech).await;
        if let Some(silence) = then.stall {
            stall(&call, Duration::from_millis(silence.ms)).await;
        }
        ("application/json", None, plan::whole(&then, wire.whole(envelope, &answer).to_string().into_bytes()))
    };
    let mut response = Response::new(Flow::new(call, steps, pace, then.split, peer.reset).body());
    set_headers(&mut response, [("content-type".to_owned(), sort.to_owned())]);
    Ok(response)
}

/// Between two tokens.
fn pace(call: &Call, then: &Then) -> Option<Duration> {
    let speed = then.tokens_per_second.unwrap_or(call.stage.script.tokens_per_second);
    (speed > 0).then(|| Duration::from_secs(1) / speed)
}

fn refused(refusal: Refusal) -> Response<Body> {
    let mut response = Response::new(Body::from(refusal.body));
    if let Ok(status) = StatusCode::from_u16(refusal.status) {
        *response.status_mut() = status;
    }
    let sort = [("content-type".to_owned(), refusal.content_type)];
    set_headers(&mut response, sort.into_iter().chain(refusal.headers));
    response
}

/// Names and values that are no headers are left out: scripts from files are checked before.
fn set_headers(response: &mut Response<Body>, headers: impl IntoIterator<Item = (String, String)>) {
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
}
