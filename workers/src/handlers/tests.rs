//! What is handed in is read, or refused with a reason; nothing in between.

use super::{Driller, Roots, standard};
use crate::{registry::Registry, store::Submission};
use flotilla_jobs::{NewJob, kinds::Drill};
use proptest::prelude::*;
use serde_json::{Value, json};

fn kinds() -> Registry {
    standard(Roots::Anywhere, None, None).with::<Drill>(Driller)
}

/// As the API does; answers whether the job is let in.
fn submit(body: &[u8]) -> bool {
    let Ok(job) = serde_json::from_slice::<NewJob>(body) else { return false };
    if let Err(invalid) = job.validate() {
        assert!(!invalid.field.is_empty() && !invalid.message.is_empty());
        return false;
    }
    match kinds().check(&job) {
        Some(Ok(defaults)) => Submission::new(job, defaults).is_ok(),
        Some(Err(invalid)) => {
            assert!(invalid.field.starts_with("payload"), "{invalid}");
            false
        }
        None => false,
    }
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop_oneof![
            Just("work_tree"),
            Just("diff"),
            Just("pull_request"),
            Just("/"),
            Just("a/b"),
            Just("sleep"),
            Just("fail"),
            Just("say"),
            Just("default"),
            Just("2026-01-01T00:00:00Z"),
            Just("unfinished")
        ]
        .prop_map(Value::from),
    ]
}

fn word() -> impl Strategy<Value = String> {
    let ours = prop_oneof![
        Just("source"),
        Just("type"),
        Just("path"),
        Just("base"),
        Just("head"),
        Just("staged"),
        Just("diff"),
        Just("repository"),
        Just("number"),
        Just("steps"),
        Just("do"),
        Just("ms"),
        Just("text"),
        Just("message"),
        Just("only_attempt"),
        Just("priority"),
        Just("run_at"),
        Just("max_attempts"),
        Just("timeout_ms"),
        Just("backoff"),
        Just("base_ms"),
        Just("cap_ms"),
        Just("unique"),
        Just("key"),
        Just("scope"),
        Just("group"),
        Just("limit"),
        Just("tenant"),
        Just("labels"),
        Just("queue")
    ];
    prop_oneof![5 => ours.prop_map(str::to_owned), 1 => any::<String>()]
}

fn any_json() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            2 => proptest::collection::btree_map(word(), inner.clone(), 0..6).prop_map(|fields| json!(fields)),
            1 => proptest::collection::vec(inner, 0..6).prop_map(Value::from),
        ]
    })
}

proptest! {
    #[test]
    fn no_input_of_a_kind_makes_it_panic(
        kind in prop_oneof![Just("code-review"), Just("drill"), Just("chat-turn"), Just("nobody")],
        payload in any_json(),
        options in any_json(),
    ) {
        let _ = submit(json!({ "kind": kind, "payload": payload }).to_string().as_bytes());
        let _ = submit(json!({ "kind": kind, "payload": payload, "options": options }).to_string().as_bytes());
        let _ = submit(json!({ "kind": kind, "payload": { "source": payload } }).to_string().as_bytes());
        let _ = submit(json!({ "kind": kind, "payload": { "steps": [payload] } }).to_string().as_bytes());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, cut in 0..200_usize) {
        submit(&bytes);
        let mut body = br#"{"kind":"code-review","payload":{"source":{"type":"diff","diff":"\u00fc"}},"options":{"priority":3}}"#.to_vec();
        prop_assert!(submit(&body));
        body.splice(cut.min(body.len())..(cut + 3).min(body.len()), bytes);
        submit(&body);
    }
}

#[test]
fn deep_input_is_refused_and_not_followed() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for body in [
        deep.clone(),
        format!(r#"{{"kind":"code-review","payload":{deep}}}"#),
        format!(r#"{{"kind":"nobody","payload":{deep}}}"#),
        format!(r#"{{"kind":"code-review","payload":{{}},"options":{deep}}}"#),
        format!(r#"{{"kind":"code-review","payload":{{"source":{{"type":"diff","diff":"","x":{deep}}}}}}}"#),
    ] {
        assert!(!submit(body.as_bytes()));
    }
}
