//! How the loop behaves: what goes on record, what a model is told, and when a run ends.

use crate::{
    scripted::{Scripted, calls, fails, reply, results, says},
    tools::tools,
    world::World,
};
use flotilla_workers::agents::{
    Halt, Said, Toolbox,
    model::{Class, Message, Part, Stop},
};
use serde_json::json;
use std::sync::{Arc, atomic::Ordering};

pub fn ask() -> serde_json::Value {
    json!({"what": "it"})
}

pub fn code(halt: &Halt) -> &str {
    match halt {
        Halt::Fail(fault) | Halt::Retry(fault, _) => &fault.code,
        _ => panic!("{halt:?}"),
    }
}

#[tokio::test]
async fn tools_answer_until_the_model_has_said_all() {
    let provider = Arc::new(Scripted::new(|_, _, request| {
        Ok(match results(request) {
            0 => calls(&[("look", r#"{"say":"a"}"#), ("look", r#"{"say":"b"}"#), ("mark", "{}")]),
            3 => says("Here: {\"n\": 3}"),
            other => panic!("{other} results"),
        })
    }));
    let world = World::new(provider.clone()).await;
    let (look, mark, toolbox) = tools();
    let run = world.open().await;
    assert_eq!(run.extra::<String>().unwrap(), "pinned");
    let answer = run.converse(0, "ask", &ask(), &toolbox).await.unwrap();
    assert_eq!(answer.value, Some(json!({"n": 3})));
    assert_eq!((run.steps(), run.models()), (5, vec!["first".to_owned()]));
    // 200 tokens in for 1 dollar a million, 20 out for 10.
    assert_eq!(run.spent().cost.0, 400);

    // Another process: nothing is called again, and the answer is the same.
    let again = world.open().await;
    let replayed = again.converse(0, "ask", &ask(), &toolbox).await.unwrap();
    assert_eq!(replayed, answer);
    assert_eq!((again.steps(), again.spent().cost), (5, run.spent().cost));
    assert_eq!((provider.calls(), look.calls.load(Ordering::SeqCst)), (2, 2));
    assert_eq!(mark.marks.lock().unwrap().values().copied().collect::<Vec<_>>(), [1]);
    assert_eq!(world.done().await, ["llm:ask", "tool:look", "tool:look", "tool:mark", "llm:ask"]);
    let heard = provider.heard.lock().unwrap();
    let texts: Vec<_> = heard[1]
        .1
        .iter()
        .filter_map(|m| if let Message::Tool { text, .. } = m { Some(text.as_str()) } else { None })
        .collect();
    assert_eq!(texts, ["a", "b", "marked"], "in the order of the calls");
}

#[tokio::test]
async fn what_goes_wrong_with_tools_is_told_to_the_model() {
    let provider = Arc::new(Scripted::new(|_, _, request| {
        let bad = [
            ("nothing", "{}"),
            ("look", "{oops"),
            ("look", "[1]"),
            ("look", r#"{"fail":1}"#),
            ("look", r#"{"panic":1}"#),
        ];
        Ok(if results(request) == 0 { calls(&bad) } else { says("{\"n\": 1}") })
    }));
    let world = World::new(provider.clone()).await;
    let (_, _, toolbox) = tools();
    world.open().await.converse(0, "ask", &ask(), &toolbox).await.unwrap();
    // All of it is on record, and goes the same way again.
    world.open().await.converse(0, "ask", &ask(), &toolbox).await.unwrap();
    let heard = provider.heard.lock().unwrap();
    let told: Vec<_> = heard[1]
        .1
        .iter()
        .filter_map(|m| if let Message::Tool { text, failed, .. } = m { Some((text.clone(), *failed)) } else { None })
        .collect();
    for ((text, failed), expected) in
        told.iter().zip(["no tool", "not JSON", "not a JSON object", "nothing to see", "broke off"])
    {
        assert!(*failed && text.contains(expected), "{text}");
    }
    assert_eq!((told.len(), heard.len()), (5, 2));
}

#[tokio::test]
async fn output_is_capped_before_it_is_on_record() {
    let provider = Arc::new(Scripted::new(|_, _, request| {
        let long = r#"{"say":"\u0007abc","times":100000}"#;
        Ok(if results(request) == 0 { calls(&[("look", long)]) } else { says("{\"n\": 1}") })
    }));
    let world = World::new(provider).await;
    world.open().await.converse(0, "ask", &ask(), &tools().2).await.unwrap();
    let steps = world.record().await.remove(0).steps;
    let size = |text: Option<&serde_json::value::RawValue>| text.map_or(0, |text| text.get().len());
    let sizes: Vec<_> = steps.iter().map(|s| size(s.request.as_deref()) + size(s.response.as_deref())).collect();
    assert!(sizes[1] > 60_000 && sizes[1] < 90_000, "{sizes:?}");
    assert!(sizes[2] < 1_000, "the next step does not repeat it: {sizes:?}");
}

#[tokio::test]
async fn an_answer_of_the_wrong_form_is_asked_for_once_more() {
    let provider =
        Arc::new(Scripted::new(|before, _, _| Ok(says(if before == 0 { "{\"n\": \"one\"}" } else { "{\"n\": 1}" }))));
    let world = World::new(provider.clone()).await;
    let answer = world.open().await.converse(0, "ask", &ask(), &tools().2).await.unwrap();
    assert_eq!((answer.value, provider.calls()), (Some(json!({"n": 1})), 2));
    let second = provider.heard.lock().unwrap()[1].1.clone();
    assert!(matches!(&second[2], Message::User { text } if text.contains("at /n")), "{second:?}");

    let never = Arc::new(Scripted::new(|_, _, _| Ok(says("no"))));
    let world = World::new(never.clone()).await;
    let halt = world.open().await.converse(0, "ask", &ask(), &tools().2).await.unwrap_err();
    assert_eq!((code(&halt), never.calls()), ("bad_answer", 2));
}

#[tokio::test]
async fn an_answer_that_was_cut_off_goes_on() {
    let text = |text: &str| vec![Part::Text { text: text.to_owned() }];
    let provider = Arc::new(Scripted::new(move |before, _, _| {
        Ok(if before == 0 { reply(text("one, "), Stop::Length) } else { says("two") })
    }));
    let world = World::new(provider).await;
    let answer = world.open().await.converse(0, "talk", &(), &Toolbox::default()).await.unwrap();
    assert_eq!((answer.text.as_str(), answer.value), ("one, two", None));

    let always = Arc::new(Scripted::new(move |_, _, _| Ok(reply(text("more "), Stop::Length))));
    let world = World::new(always.clone()).await;
    let halt = world.open().await.converse(0, "talk", &(), &Toolbox::default()).await.unwrap_err();
    assert_eq!((code(&halt), always.calls()), ("cut_short", 2));
}

#[tokio::test]
async fn the_same_calls_again_and_again_end_the_run() {
    let provider = Arc::new(Scripted::new(|_, _, _| Ok(calls(&[("look", r#"{"say":"a"}"#)]))));
    let world = World::new(provider.clone()).await;
    let halt = world.open().await.converse(0, "ask", &ask(), &tools().2).await.unwrap_err();
    assert_eq!((code(&halt), provider.calls()), ("stuck", 3));
    assert!(matches!(halt, Halt::Fail(_)), "trying again does not help");
    let halt = world.open().await.converse(0, "ask", &ask(), &tools().2).await.unwrap_err();
    assert_eq!((code(&halt), provider.calls()), ("stuck", 3), "the record says the same");
}

#[tokio::test]
async fn limits_hold_over_restarts() {
    let endless =
        || Arc::new(Scripted::new(|before, _, _| Ok(calls(&[("look", &format!("{{\"say\":\"{before}\"}}"))]))));
    for (limit, expected, most) in [
        ("steps = 5", "out_of_steps", 3),
        // 110 tokens a call; the next may take 1,000 and a few more.
        ("tokens = 1500", "out_of_tokens", 5),
        ("usd = \"0.0105\"", "out_of_money", 4),
    ] {
        let provider = endless();
        let mut world = World::new(provider.clone()).await;
        world.change("steps = 1200\ntokens = 1000000000", limit);
        let halt = world.open().await.converse(0, "ask", &ask(), &tools().2).await.unwrap_err();
        assert_eq!(code(&halt), expected, "{halt:?}");
        let calls = provider.calls();
        assert!(calls >= 1 && calls <= most, "{limit}: {calls} calls");
        let halt = world.open().await.converse(0, "ask", &ask(), &tools().2).await.unwrap_err();
        // What it learned of estimates meanwhile may leave room for another call.
        let again = provider.calls();
        assert_eq!(code(&halt), expected, "{limit}");
        assert!(again <= most, "{limit}: a restart begins no new count: {calls}, then {again} calls");
    }
}

#[tokio::test]
async fn a_failed_call_is_made_again_and_then_elsewhere() {
    let provider =
        Arc::new(Scripted::new(
            |_, model, _| {
                if model.name == "first" { Err(fails(Class::Exhausted)) } else { Ok(says("fine")) }
            },
        ));
    let world = World::new(provider.clone()).await;
    let run = world.open().await;
    let answer = run.converse(0, "talk", &(), &Toolbox::default()).await.unwrap();
    assert_eq!((answer.model.as_str(), provider.calls()), ("second", 2));
    assert!(world.said.lock().unwrap().contains(&Said::Again { thread: 0, step: 1, attempt: 2 }));

    let wrong = Arc::new(Scripted::new(|_, _, _| Err(fails(Class::Invalid))));
    let world = World::new(wrong.clone()).await;
    let halt = world.open().await.converse(0, "talk", &(), &Toolbox::default()).await.unwrap_err();
    assert_eq!((code(&halt), wrong.calls()), ("model_invalid", 1));

    let busy = Arc::new(Scripted::new(|_, _, _| {
        let mut error = fails(Class::RateLimited);
        error.retry_after = Some(std::time::Duration::from_secs(90));
        Err(error)
    }));
    let world = World::new(busy.clone()).await;
    let halt = world.open().await.converse(0, "talk", &(), &Toolbox::default()).await.unwrap_err();
    assert!(matches!(halt, Halt::Snooze { after, .. } if after.as_secs() == 90), "{halt:?}");
    assert_eq!(busy.calls(), 2, "one for each model of the route");
}

#[tokio::test]
async fn a_context_that_is_too_long_is_made_smaller_once_on_record() {
    let provider = Arc::new(Scripted::new(|_, _, request| {
        let size: usize =
            request.messages.iter().map(|m| if let Message::Tool { text, .. } = m { text.len() } else { 0 }).sum();
        let long = |n: usize| calls(&[("look", &format!(r#"{{"say":"{n}","times":10000}}"#))]);
        match results(request) {
            _ if size > 35_000 => Err(fails(Class::TooLong)),
            5 => Ok(says("{\"n\": 5}")),
            n => Ok(long(n)),
        }
    }));
    let world = World::new(provider.clone()).await;
    let run = world.open().await;
    let answer = run.converse(0, "ask", &ask(), &tools().2).await.unwrap();
    assert_eq!(answer.value, Some(json!({"n": 5})));
    let calls = provider.calls();
    let replayed = world.open().await.converse(0, "ask", &ask(), &tools().2).await.unwrap();
    assert_eq!((replayed, provider.calls()), (answer, calls));

    let always = Arc::new(Scripted::new(|_, _, _| Err(fails(Class::TooLong))));
    let world = World::new(always.clone()).await;
    let halt = world.open().await.converse(0, "ask", &ask(), &tools().2).await.unwrap_err();
    assert_eq!(code(&halt), "too_long");
}
