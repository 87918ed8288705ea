//! Calls that wait for a person: whatever dies and whoever replays, one person is asked once, and the call is made once
//! where that person agrees.

use crate::{
    scripted::{Scripted, calls, results, says},
    tools::tools,
    world::{PATIENCE, World},
};
use flotilla_jobs::Outcome;
use flotilla_workers::{
    agents::{Agents, Halt, Kit, Run, Said, Toolbox, model::Message},
    approvals::{self, Approval, Decision, Say, Verdict},
};
use serde_json::json;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::time::timeout;

/// Marks twice, in two answers, and then is done.
fn model() -> Arc<Scripted> {
    Arc::new(Scripted::new(|_, _, request| {
        Ok(match results(request) {
            0 => calls(&[("look", r#"{"say":"a"}"#), ("mark", r#"{"what":"one"}"#)]),
            2 => calls(&[("mark", r#"{"what":"two"}"#)]),
            _ => says("{\"n\": 4}"),
        })
    }))
}

/// The agent's file says that a person has to agree.
const APPROVAL: (&str, &str) = ("route = \"main\"", "route = \"main\"\napproval = [\"mark\"]");

async fn open(world: &World, kit: &Kit) -> Run {
    let agents = Agents::new(world.means.clone()).acting(kit.clone()).asking(world.store.clone());
    agents.open(world.job(), "tester", &"pinned").await.unwrap()
}

fn kit() -> Kit {
    Kit { approval_timeout: Duration::from_hours(1), ..Kit::default() }
}

/// Works until it waits for a person; answers what that one is asked.
async fn until_asked(world: &World, toolbox: &Toolbox) -> Approval {
    let halt = open(world, &kit()).await.converse(0, "ask", &json!({"what": "it"}), toolbox).await.unwrap_err();
    let Halt::Approval(why) = &halt else { panic!("{halt:?}") };
    assert!(why.starts_with("approval: `mark` waits"), "{why}");
    let pending = world.store.list_approvals(Some(Decision::Pending), None, None, 10).await.unwrap();
    assert_eq!(pending.len(), 1, "one person is asked once: {pending:?}");
    assert!(why.contains(&pending[0].id.to_string()));
    assert!(matches!(halt.outcome::<()>(), Outcome::Pause(why) if why.starts_with("approval: ")));
    let said = world.said.lock().unwrap().clone();
    assert!(
        said.iter().any(|one| matches!(one, Said::Progress { message, .. } if message.starts_with("approval: "))),
        "whoever follows the job is told: {said:?}"
    );
    pending[0].clone()
}

async fn decide(world: &World, approval: &Approval, approve: bool, reason: Option<&str>) {
    let say = Say { by: Some("ann".to_owned()), reason: reason.map(str::to_owned) };
    assert!(approvals::decide(&*world.store, approval.id, Verdict { approve, say }).await.unwrap().unwrap().1);
}

fn told(provider: &Scripted) -> String {
    let heard = provider.heard.lock().unwrap();
    let (_, messages) = heard.last().unwrap();
    let texts = messages.iter().filter_map(|message| match message {
        Message::Tool { text, .. } => Some(text.clone()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_asked_once_and_the_call_is_made_once() {
    let work = async {
        let (provider, (look, mark, toolbox)) = (model(), tools());
        let mut world = World::new(provider.clone()).await;
        world.change(APPROVAL.0, APPROVAL.1);
        let first = until_asked(&world, &toolbox).await;
        assert!(mark.marks.lock().unwrap().is_empty(), "nothing is done before somebody agrees");
        assert_eq!((first.tool.as_str(), first.arguments.as_str()), ("mark", r#"{"what":"one"}"#));
        // The next worker asks for the same.
        world.hand_over().await;
        assert_eq!(until_asked(&world, &toolbox).await, first);
        decide(&world, &first, true, None).await;
        world.hand_over().await;
        let second = until_asked(&world, &toolbox).await;
        assert_ne!(second.id, first.id, "an approval is for one call");
        assert_eq!(mark.marks.lock().unwrap().values().copied().collect::<Vec<_>>(), [1]);
        decide(&world, &second, false, Some("not in production")).await;
        world.hand_over().await;
        let answer = open(&world, &kit()).await.converse(0, "ask", &json!({"what": "it"}), &toolbox).await.unwrap();
        assert_eq!(answer.text, "{\"n\": 4}");
        assert!(told(&provider).contains("denied: a person did not allow this call of `mark`, who says: not in"));
        assert_eq!(mark.marks.lock().unwrap().values().copied().collect::<Vec<_>>(), [1], "it is made once");
        assert_eq!((provider.calls(), look.calls.load(Ordering::SeqCst)), (3, 1), "and nothing is paid twice");
        // Whoever replays it asks nobody.
        world.hand_over().await;
        open(&world, &kit()).await.converse(0, "ask", &json!({"what": "it"}), &toolbox).await.unwrap();
        assert_eq!(world.store.list_approvals(None, None, None, 10).await.unwrap().len(), 2);
        assert_eq!(mark.marks.lock().unwrap().len(), 1);
    };
    timeout(PATIENCE, work).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_in_time_is_a_no_and_the_model_goes_on() {
    let work = async {
        let (provider, (_, mark, toolbox)) = (model(), tools());
        let mut world = World::new(provider.clone()).await;
        let kit = Kit { approval: ["mark".to_owned()].into(), approval_timeout: Duration::ZERO, ..Kit::default() };
        for _ in 0..2 {
            let halt = open(&world, &kit).await.converse(0, "ask", &json!({"what": "it"}), &toolbox).await.unwrap_err();
            assert!(matches!(halt, Halt::Approval(_)), "{halt:?}");
            assert_eq!(world.store.end_approvals(10).await.unwrap(), 1);
            world.hand_over().await;
        }
        open(&world, &kit).await.converse(0, "ask", &json!({"what": "it"}), &toolbox).await.unwrap();
        assert!(told(&provider).contains("denied: nobody allowed this call of `mark` in time"));
        assert!(mark.marks.lock().unwrap().is_empty());
    };
    timeout(PATIENCE, work).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_can_be_asked_nothing_is_done() {
    let work = async {
        let (provider, (_, mark, toolbox)) = (model(), tools());
        let mut world = World::new(provider.clone()).await;
        world.change(APPROVAL.0, APPROVAL.1);
        // Without a place to ask at.
        world.open().await.converse(0, "ask", &json!({"what": "it"}), &toolbox).await.unwrap();
        assert!(told(&provider).contains("needs a person's approval, and nobody can be asked here"));
        assert!(mark.marks.lock().unwrap().is_empty());
    };
    timeout(PATIENCE, work).await.unwrap();
}
