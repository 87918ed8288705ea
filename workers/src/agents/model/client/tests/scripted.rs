//! Calls of the scripted provider, which reads and writes the formats by code of its own: every way to misbehave, on
//! every wire.

use super::{support::World, *};
use crate::agents::model::{Part, Price, Stop, Wire, price::Rates};
use flotilla_dev_model::{Failure, How, Kind, Midway, Options, Quirk, Script, Server, Then, When};
use serde_json::json;

const WIRES: [Wire; 3] = [Wire::OpenaiChat, Wire::OpenaiResponses, Wire::Anthropic];
const TEXT: &str = "Grüße aus Kraków, 東京 and 🚢: all of it.";

/// One call of a provider that does this.
async fn said(wire: Wire, then: Then) -> Result<Answered, ModelError> {
    let server = Server::start(Options { script: script(then), ..Options::default() }).await.unwrap();
    let world = World::of(wire, format!("{}/v1", server.url())).with(|p| p.timeouts.idle = Duration::from_secs(1));
    let (answered, _) = world.call().await;
    server.stop().await;
    answered
}

fn script(then: Then) -> Script {
    Script::default().rule(When::default(), then)
}

/// What else happens to an answer, without changing what is said.
fn harmless() -> Vec<Then> {
    let text = || Then::text(TEXT);
    vec![
        text(),
        Then { split: 1, ..text() },
        Then { split: 7, ..text().quirk(Quirk::Crlf).quirk(Quirk::Comments) },
        Then { pings: 3, ..text().quirk(Quirk::Unknown) },
        text().quirk(Quirk::NullContent).quirk(Quirk::UsageWithChoice),
        text().stall(1, 20),
    ]
}

#[tokio::test]
async fn what_is_said_is_heard_whatever_happens_to_it() {
    for wire in WIRES {
        for then in harmless() {
            let answered = said(wire, then.clone()).await.unwrap_or_else(|e| panic!("{wire:?} {e}: {then:?}"));
            assert_eq!((answered.reply.text().as_str(), answered.reply.stop), (TEXT, Stop::End), "{wire:?} {then:?}");
            assert!(answered.reply.usage.is_some(), "{wire:?} {then:?}");
        }
    }
}

#[tokio::test]
async fn calls_of_tools_are_heard_too() {
    for wire in WIRES {
        for quirks in [vec![], vec![Quirk::Interleaved], vec![Quirk::ObjectArguments], vec![Quirk::MissingUsage]] {
            let tools = Then::tool("read", json!({ "path": "a b" })).and_tool("list", json!({ "dir": "ü" }));
            let then = quirks.into_iter().fold(Then { split: 5, ..tools }, Then::quirk);
            let reply = said(wire, then.clone()).await.unwrap_or_else(|e| panic!("{wire:?} {e}: {then:?}")).reply;
            let calls: Vec<(String, serde_json::Value)> = reply
                .parts
                .iter()
                .filter_map(|part| match part {
                    Part::ToolCall { name, arguments, .. } => {
                        Some((name.clone(), serde_json::from_str(arguments).unwrap()))
                    }
                    _ => None,
                })
                .collect();
            let expected = [("read".to_owned(), json!({ "path": "a b" })), ("list".to_owned(), json!({ "dir": "ü" }))];
            assert_eq!((calls.as_slice(), reply.stop), (&expected[..], Stop::ToolCalls), "{wire:?} {then:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_does_not_end_was_cut() {
    let text = || Then::text(TEXT);
    for wire in WIRES {
        for then in [
            text().cut(2, How::Reset),
            text().cut(2, How::Fin),
            text().cut(2, How::End),
            Then::tool("read", json!({ "path": "a/long/path/to/cut" })).cut(1, How::Fin),
            text().stall(2, 60_000),
            Then { garbage_after: Some(2), ..text() },
        ] {
            let error = said(wire, then.clone()).await.unwrap_err();
            assert_eq!((error.class, error.begun), (Class::Cut, true), "{wire:?} {error}: {then:?}");
        }
        // Where the reason to stop was said, Chat Completions are at their end.
        let ended = said(wire, text().quirk(Quirk::MissingEnd)).await;
        assert_eq!(ended.is_ok(), wire == Wire::OpenaiChat, "{wire:?} {ended:?}");
    }
}

#[tokio::test]
async fn a_refusal_has_the_class_that_its_vendor_means() {
    for wire in WIRES {
        for (kind, class) in [
            (Kind::ServerError, Class::Overloaded),
            (Kind::Overloaded, Class::Overloaded),
            (Kind::Timeout, Class::Overloaded),
            (Kind::HtmlProxy, Class::Overloaded),
            (Kind::RateLimited, Class::RateLimited),
            (Kind::InsufficientQuota, Class::Exhausted),
            (Kind::Billing, Class::Exhausted),
            (Kind::ContextLengthExceeded, Class::TooLong),
            (Kind::Invalid, Class::Invalid),
            (Kind::NotFound, Class::Invalid),
            (Kind::Denied, Class::Denied),
            (Kind::Forbidden, Class::Denied),
            (Kind::Garbage, Class::Cut),
        ] {
            // Anthropic has no code for this one: its words are all there is.
            let message = (class == Class::TooLong).then(|| "prompt is too long: 9 tokens > 8 maximum".to_owned());
            let failure = Failure { kind, message, ..Failure::default() };
            let error = said(wire, Then { error: Some(failure), ..Then::default() }).await.unwrap_err();
            assert_eq!((error.class, error.begun), (class, false), "{wire:?} {kind:?} {error}");
        }
        let midway = Midway { after: 2, kind: Kind::Overloaded, message: None };
        let error = said(wire, Then { midway: Some(midway), ..Then::text(TEXT) }).await.unwrap_err();
        assert_eq!((error.class, error.begun), (Class::Overloaded, true), "{wire:?} {error}");
        let failure =
            Failure { kind: Kind::RateLimited, retry_after: Some("date+30".to_owned()), ..Failure::default() };
        let error = said(wire, Then { error: Some(failure), ..Then::default() }).await.unwrap_err();
        let wait = error.retry_after.unwrap().as_secs();
        assert!((25..=31).contains(&wait), "{wire:?} {wait} s");
    }
}

#[tokio::test]
async fn both_sides_count_and_bill_the_same() {
    let prices = Script::default().prices["*"];
    let rates = Rates {
        input: prices.input,
        cache_read: prices.cache_read,
        cache_write: prices.cache_write,
        cache_write_1h: prices.cache_write_1h,
        output: prices.output,
    };
    let price = Price { rates, tiers: Vec::new() };
    for wire in WIRES {
        let mut then = Then::text(TEXT);
        (then.usage.input, then.usage.cache_read) = (Some(1_237), Some(50_003));
        (then.usage.output, then.usage.reasoning) = (Some(331), Some(77));
        let server = Server::start(Options { script: script(then), ..Options::default() }).await.unwrap();
        let world = World::of(wire, format!("{}/v1", server.url()));
        let usage = world.call().await.0.unwrap().reply.usage.unwrap();
        assert_eq!((usage.input, usage.cache_read, usage.output), (1_237, 50_003, 331), "{wire:?}");
        assert_eq!(price.cost(&usage).0, server.ledger().cost, "{wire:?}");
        server.stop().await;
    }
}
