//! The ledger: what every call cost, also those whose answer nobody received whole.

use crate::client::{SOON, WIRES, call, post, request, server, stream};
use flotilla_dev_model::{How, Kind, Outcome, Prices, Script, Server, Then, Usage, When, Wire};
use serde_json::Value;
use std::collections::BTreeMap;

fn priced() -> Script {
    let prices = Prices { input: 1_250_000, output: 10_000_000, ..Prices::default() };
    Script { prices: BTreeMap::from([("m".to_owned(), prices)]), ..Script::default() }
}

/// What the provider said that it counted.
fn stated(wire: Wire, body: &Value) -> (u64, u64) {
    let (input, output) = match wire {
        Wire::OpenaiChat => ("prompt_tokens", "completion_tokens"),
        _ => ("input_tokens", "output_tokens"),
    };
    (body["usage"][input].as_u64().unwrap(), body["usage"][output].as_u64().unwrap())
}

#[tokio::test]
async fn the_bill_is_the_sum_of_what_was_stated() {
    let server = server(priced().rule(When::default(), Then::text("Hello there!"))).await;
    let (mut input, mut output, mut cost) = (0, 0, 0);
    for wire in WIRES {
        let (i, o) = stated(wire, &call(&server, wire, &request(wire, "how are you?", false)).await.json());
        (input, output) = (input + i, output + o);
        cost += (i * 1_250_000 + o * 10_000_000 + 500_000) / 1_000_000;
    }
    let ledger = server.ledger();
    assert_eq!((ledger.calls, ledger.billed, ledger.unpriced, ledger.cost), (3, 3, 0, cost));
    assert_eq!(ledger.usage, Usage { input, output, ..Usage::default() });
    assert_eq!((ledger.models["m"].calls, ledger.models["m"].cost), (3, cost));
}

#[tokio::test]
async fn a_cut_answer_is_billed_up_to_the_cut() {
    let script = priced()
        .rule(When::default().call(1), Then::text("one two three four"))
        .rule(When::default().call(2), Then::text("one two three four").cut(2, How::Fin));
    let server = server(script).await;
    for _ in 0..2 {
        stream(&server, Wire::OpenaiChat, "count").await;
    }
    server.wait_for_ended(2, SOON).await.unwrap();
    let [whole, cut] = &server.calls()[..] else { panic!() };
    assert_eq!((whole.usage.output, cut.usage.output, cut.outcome), (4, 2, Outcome::Cut));
    assert_eq!(whole.usage.input, cut.usage.input);
    assert_eq!(whole.cost.unwrap() - cut.cost.unwrap(), 20);
}

#[tokio::test]
async fn a_client_that_goes_away_pays_for_what_was_said() {
    let server = server(priced().rule(When::default(), Then::text("one two three four").stall(3, 3_600_000))).await;
    for (n, wire) in WIRES.into_iter().enumerate() {
        let response = post(&server, wire, &request(wire, "count", true)).send().await.unwrap();
        server.wait_for_pieces(n + 1, 3, SOON).await.unwrap();
        drop(response);
        server.wait_for_ended(n + 1, SOON).await.unwrap();
        let record = server.calls().pop().unwrap();
        assert_eq!((record.outcome, record.usage.output), (Outcome::Cancelled, 3));
    }
    let all = server.ledger();
    assert_eq!(all.cost, server.calls().iter().map(|call| call.cost.unwrap()).sum::<u64>());
}

#[tokio::test]
async fn failures_are_free_and_unknown_prices_are_unknown() {
    let server = server(priced().rule(When::default().model("m"), Then::error(Kind::Overloaded))).await;
    stream(&server, Wire::Anthropic, "hi").await;
    let mut body = request(Wire::Anthropic, "hi", false);
    body["model"] = "other".into();
    call(&server, Wire::Anthropic, &body).await;
    let ledger = server.ledger();
    assert_eq!((ledger.calls, ledger.billed, ledger.unpriced, ledger.cost), (2, 1, 1, 0));
    assert_eq!(server.calls()[1].cost, None);
}

#[tokio::test]
async fn old_bodies_are_forgotten_and_keys_are_never_kept() {
    let options = flotilla_dev_model::Options { keep_bytes: 400, ..flotilla_dev_model::Options::default() };
    let server = Server::start(options).await.unwrap();
    for n in 0..5 {
        stream(&server, Wire::OpenaiChat, &format!("question {n}")).await;
    }
    let calls = server.calls();
    assert!(calls[0].body.is_null() && calls[4].body["messages"][1]["content"] == "question 4");
    let key = calls[0].key.as_deref().unwrap();
    assert!(key.len() == 12 && key != "k" && calls.iter().all(|call| call.key.as_deref() == Some(key)));
}
