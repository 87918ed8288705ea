//! Rate limits, keys and the context, as each vendor tells of them.

use crate::client::{WIRES, call, http, request, server, stream};
use flotilla_dev_model::{Limits, Outcome, Script, Wire};

#[tokio::test]
async fn a_call_too_many_is_told_when_to_come_back() {
    for wire in WIRES {
        let limits = Limits { requests_per_minute: 1, input_tokens_per_minute: 9_000, ..Limits::default() };
        let server = server(Script { limits, ..Script::default() }).await;
        let first = stream(&server, wire, "hi").await;
        let second = stream(&server, wire, "hi").await;
        assert_eq!((first.status, second.status), (200, 429), "{}", second.text());
        let seconds: u64 = second.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
        for seen in [&first, &second] {
            let [limit, remaining, reset, tokens] = match wire {
                Wire::Anthropic => [
                    "anthropic-ratelimit-requests-limit",
                    "anthropic-ratelimit-requests-remaining",
                    "anthropic-ratelimit-requests-reset",
                    "anthropic-ratelimit-input-tokens-remaining",
                ],
                _ => [
                    "x-ratelimit-limit-requests",
                    "x-ratelimit-remaining-requests",
                    "x-ratelimit-reset-requests",
                    "x-ratelimit-remaining-tokens",
                ],
            };
            assert_eq!((seen.header(limit), seen.header(remaining)), (Some("1"), Some("0")));
            let reset = seen.header(reset).unwrap();
            assert!(if wire == Wire::Anthropic { reset.ends_with('Z') } else { reset.ends_with('s') }, "{reset}");
            assert!(seen.header(tokens).unwrap().parse::<u64>().unwrap() <= 9_000);
        }
        assert_eq!(server.calls()[1].outcome, Outcome::Failed(429));
        assert_eq!(server.ledger().billed, 1);
    }
}

#[tokio::test]
async fn unknown_keys_bad_requests_and_long_prompts_are_refused() {
    for wire in WIRES {
        let strict = server(Script { keys: vec!["other".into()], ..Script::default() }).await;
        assert_eq!(stream(&strict, wire, "hi").await.status, 401);

        let small = server(Script { context_tokens: 50, ..Script::default() }).await;
        let long = stream(&small, wire, &"word ".repeat(100)).await;
        assert!(
            long.status == 400 && (long.text().contains("context_length_exceeded") || long.text().contains("too long"))
        );

        let mut body = request(wire, "hi", true);
        body.as_object_mut().unwrap().remove("model");
        let seen = call(&small, wire, &body).await;
        assert!(seen.status == 400 && seen.text().contains("model"), "{}", seen.text());
    }
}

#[tokio::test]
async fn messages_need_a_key_a_version_and_a_limit() {
    let server = server(Script::default()).await;
    let url = server.url() + "/v1/messages";
    let body = request(Wire::Anthropic, "hi", false);
    let post = || http().post(&url).json(&body);
    assert_eq!(post().header("anthropic-version", "2023-06-01").send().await.unwrap().status(), 401);
    assert_eq!(post().header("x-api-key", "k").send().await.unwrap().status(), 400);
    let mut body = body.clone();
    body.as_object_mut().unwrap().remove("max_tokens");
    let seen = call(&server, Wire::Anthropic, &body).await;
    assert!(seen.status == 400 && seen.text().contains("max_tokens: Field required"), "{}", seen.text());
}
