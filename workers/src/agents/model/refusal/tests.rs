//! Refusals of real providers, and what each comes to.

use super::*;
use proptest::prelude::*;

const OPENAI_QUOTA: &str = r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#;
const OPENAI_RATE: &str = r#"{"error":{"message":"Rate limit reached for gpt-5 in organization org-x on tokens per min (TPM): Limit 30000. Please try again in 1.2s.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#;
const OPENAI_LONG: &str = r#"{"error":{"message":"Your input exceeds the context window of this model.","type":"invalid_request_error","code":"context_length_exceeded"}}"#;
const VLLM_LONG: &str = r#"{"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested 5000.","type":"BadRequestError","param":null,"code":400}"#;
const ANTHROPIC_LONG: &str = r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"},"request_id":"req_1"}"#;
const ANTHROPIC_SPEND: &str =
    r#"{"type":"error","error":{"type":"enforced_spend_limit_reached","message":"Your workspace reached its limit."}}"#;
const ANTHROPIC_SPEND_IN_DETAILS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../dev-model/fixtures/anthropic_error_spend_limit.json"));
const ANTHROPIC_CREDIT: &str = r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}"#;
const LLAMA_LONG: &str = r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}"#;
const GEMINI_RATE: &str = r#"[{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}]"#;
const FASTAPI: &str =
    r#"{"detail":[{"loc":["body","messages"],"msg":"field required","input":"the whole secret prompt"}]}"#;
const OLLAMA: &str = r#"{"error":"model 'x' not found"}"#;

#[test]
fn statuses_and_bodies_have_a_class() {
    use Class::{Denied, Exhausted, Invalid, Overloaded, RateLimited, TooLong};
    let plain = r#"{"error":{"message":"no"}}"#;
    let cases = [
        (400, plain, Invalid),
        (404, OLLAMA, Invalid),
        (413, plain, Invalid),
        (422, FASTAPI, Invalid),
        (418, plain, Invalid),
        (301, "", Invalid),
        (401, plain, Denied),
        (403, plain, Denied),
        (402, plain, Exhausted),
        (408, plain, Overloaded),
        (409, plain, Overloaded),
        (500, "<html>", Overloaded),
        (502, "", Overloaded),
        (503, plain, Overloaded),
        (504, plain, Overloaded),
        (529, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, Overloaded),
        (520, plain, Overloaded),
        (429, plain, RateLimited),
        (429, "", RateLimited),
        (429, OPENAI_RATE, RateLimited),
        (429, GEMINI_RATE, RateLimited),
        (503, r#"{"error":{"message":"Slow down","code":"slow_down"}}"#, RateLimited),
        (429, OPENAI_QUOTA, Exhausted),
        (429, ANTHROPIC_SPEND, Exhausted),
        (429, ANTHROPIC_SPEND_IN_DETAILS, Exhausted),
        (429, r#"{"error":{"code":"credit_balance_exhausted","message":"no"}}"#, Exhausted),
        (403, OPENAI_QUOTA, Exhausted),
        (400, ANTHROPIC_CREDIT, Exhausted),
        (400, OPENAI_LONG, TooLong),
        (400, VLLM_LONG, TooLong),
        (400, ANTHROPIC_LONG, TooLong),
        (400, LLAMA_LONG, TooLong),
    ];
    for (status, body, class) in cases {
        assert_eq!(Complaint::of_status(status, body.as_bytes()).class, class, "{status} {body}");
    }
}

#[test]
fn errors_in_a_stream_have_one_too() {
    use Class::{Denied, Exhausted, Invalid, Overloaded, RateLimited, TooLong};
    let cases = [
        (r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, Overloaded),
        (r#"{"type":"error","error":{"type":"api_error","message":"x"}}"#, Overloaded),
        (r#"{"type":"error","error":{"type":"rate_limit_error","message":"x"}}"#, RateLimited),
        (r#"{"type":"error","error":{"type":"authentication_error"}}"#, Denied),
        (r#"{"type":"error","code":"server_error","message":"x"}"#, Overloaded),
        (r#"{"type":"error","code":"rate_limit_exceeded","message":"try again in 2s"}"#, RateLimited),
        (r#"{"response":{"error":{"code":"insufficient_quota","message":"x"}}}"#, Exhausted),
        (r#"{"response":{"error":{"code":"context_length_exceeded","message":"x"}}}"#, TooLong),
        (r#"{"error":{"code":"invalid_prompt","message":"x"}}"#, Invalid),
        (r#"{"error":{"code":429,"message":"x"}}"#, RateLimited),
        (r#"{"error":{"code":502,"message":"x"}}"#, Overloaded),
        (r#"{"error":"it broke"}"#, Overloaded),
        (VLLM_LONG, TooLong),
        ("{}", Overloaded),
    ];
    for (event, class) in cases {
        let event = serde_json::from_str(event).unwrap();
        assert_eq!(Complaint::in_stream(&event).class, class, "{event}");
    }
}

#[test]
fn the_message_says_how_long_to_wait_where_nothing_else_does() {
    assert_eq!(Complaint::of_status(429, OPENAI_RATE.as_bytes()).retry_after, Some(Duration::from_millis(1_200)));
    assert_eq!(Complaint::of_status(429, OPENAI_QUOTA.as_bytes()).retry_after, None);
    assert_eq!(Complaint::of_status(400, br#"{"error":{"message":"try again in 5s"}}"#).retry_after, None);
}

#[test]
fn a_refusal_is_shown_without_what_was_asked() {
    for (status, body, shown) in [
        (404, OLLAMA, "answered 404: model 'x' not found"),
        (422, FASTAPI, "answered 422: field required"),
        (500, "<html>secret</html>", "answered 500: without saying why"),
        (400, r#"{"error":{"message":"no","code":"bad"}}"#, "answered 400: no (bad)"),
        (400, r#"{"error":{"type":"bad"}}"#, "answered 400: bad"),
        (302, "", "answered 302: a redirect, which is not followed; correct base_url"),
    ] {
        assert_eq!(Complaint::of_status(status, body.as_bytes()).message, shown);
    }
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(status in 300u16..1_000, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Complaint::of_status(status, &body);
    }
}
