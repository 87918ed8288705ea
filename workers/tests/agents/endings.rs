//! How runs end, go on elsewhere, and begin anew.

use crate::{
    conduct::{ask, code},
    scripted::{Scripted, calls, fails, results, says},
    tools::tools,
    world::World,
};
use flotilla_workers::agents::{Halt, Toolbox, model::Class};
use serde_json::json;
use std::sync::Arc;

#[tokio::test]
async fn a_changed_agent_goes_on_as_it_began_or_begins_anew() {
    let provider = Arc::new(Scripted::new(|before, _, request| {
        Ok(if before < 2 {
            calls(&[("look", &format!("{{\"say\":\"{before}\"}}"))])
        } else {
            says(&format!("{{\"n\": {}}}", results(request)))
        })
    }));
    let mut world = World::new(provider.clone()).await;
    let run = world.open().await;
    world.stopping.cancel();
    assert!(matches!(run.converse(0, "ask", &ask(), &tools().2).await, Err(Halt::Stopping)));
    world.stopping = tokio_util::sync::CancellationToken::new();

    world.change("You test.", "You test well.");
    let answer = world.open().await.converse(0, "ask", &ask(), &tools().2).await.unwrap();
    assert_eq!(
        (answer.value, world.record().await.len()),
        (Some(json!({"n": 2})), 1),
        "it finishes with what it began with"
    );

    world.change("route = \"main\"", "route = \"main\"\non_change = \"restart\"");
    world.open().await.converse(0, "ask", &ask(), &tools().2).await.unwrap();
    assert_eq!(world.record().await.len(), 1, "what it began with said finish");
}

#[tokio::test]
async fn an_agent_that_says_restart_begins_anew() {
    let provider = Arc::new(Scripted::new(|_, _, _| Ok(says("{\"n\": 1}"))));
    let mut world = World::new(provider.clone()).await;
    world.change("route = \"main\"", "route = \"main\"\non_change = \"restart\"");
    world.open().await.converse(0, "ask", &ask(), &tools().2).await.unwrap();
    world.change("route = \"main\"", "route = \"main\"\non_change = \"restart\"\n# the same");
    world.open().await.converse(0, "ask", &ask(), &tools().2).await.unwrap();
    assert_eq!((world.record().await.len(), provider.calls()), (1, 1), "a comment is no change");
    world.change("You test.", "You test well.");
    world.open().await.converse(0, "ask", &ask(), &tools().2).await.unwrap();
    assert_eq!((world.record().await.len(), provider.calls()), (2, 2));
}

#[tokio::test]
async fn a_step_that_does_not_fit_its_record_restarts_once() {
    let provider = Arc::new(Scripted::new(|_, _, _| Ok(says("{\"n\": 1}"))));
    let world = World::new(provider.clone()).await;
    let toolbox = tools().2;
    world.open().await.converse(0, "ask", &json!({"what": "one"}), &toolbox).await.unwrap();
    let halt = world.open().await.converse(0, "ask", &json!({"what": "two"}), &toolbox).await.unwrap_err();
    assert!(matches!(halt, Halt::Snooze { after, .. } if after.is_zero()), "{halt:?}");
    world.open().await.converse(0, "ask", &json!({"what": "two"}), &toolbox).await.unwrap();
    assert_eq!(world.record().await.len(), 2);
    let halt = world.open().await.converse(0, "ask", &json!({"what": "three"}), &toolbox).await.unwrap_err();
    assert_eq!(code(&halt), "nondeterministic");
    let Halt::Fail(fault) = halt else { unreachable!() };
    assert!(fault.message.contains("step 0/0 is on record as `llm:ask`"), "{}", fault.message);
}

#[tokio::test]
async fn decisions_stay() {
    let provider = Arc::new(Scripted::new(|_, _, _| Ok(says("fine"))));
    let world = World::new(provider).await;
    let run = world.open().await;
    assert_eq!(run.decide(7, "plan", &1, || 41).await.unwrap(), 41);
    assert_eq!(run.decide(7, "plan", &1, || 42).await.unwrap(), 42, "another step of the thread");
    let again = world.open().await;
    assert_eq!(again.decide(7, "plan", &1, || 5).await.unwrap(), 41);
    assert_eq!(again.decide(7, "plan", &1, || 5).await.unwrap(), 42);
    let other = world.open().await;
    assert!(other.decide(7, "plan", &2, || 5).await.is_err());
}

#[tokio::test]
async fn a_cancelled_job_ends_its_call() {
    let provider = Arc::new(Scripted::new(|_, _, _| Err(fails(Class::Cancelled))));
    let world = World::new(provider.clone()).await;
    let run = world.open().await;
    world.cancelled.cancel();
    assert!(matches!(run.converse(0, "talk", &(), &Toolbox::default()).await, Err(Halt::Cancelled)));
    assert_eq!(provider.calls(), 0);
}
