//! What happens in the middle of a call: the store is away, the job is cancelled, its time is up, or no budget has room.

use crate::{
    conduct::{ask, code},
    crash::{Bordered, Borders, Mortal},
    scripted::{Scripted, calls, fails, reply, results, says},
    tools::{Put, tools},
    world::{PATIENCE, World},
};
use async_trait::async_trait;
use flotilla_jobs::{
    MicroUsd, Outcome,
    api::{SpendQuery, SpendRow},
};
use flotilla_workers::{
    agents::{
        Halt, Speak, Tool, Toolbox,
        budget::Allowance,
        model::{Answered, Class, Event, Model, ModelError, Part, Provider, Request, Stop},
    },
    clock::Clock,
    ledger::Refused,
    store::fault::faulty,
};
use serde_json::json;
use std::sync::{Arc, atomic::AtomicI64};
use tokio::{sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;

/// What was spent today, in one row.
async fn spent(world: &World) -> SpendRow {
    world.store.spend(&SpendQuery::default()).await.unwrap().remove(0)
}

/// Begins to answer, and goes on until it is told to end.
#[derive(Default)]
struct Endless {
    began: Notify,
}

#[async_trait]
impl Speak for Endless {
    async fn call(
        &self,
        _: &Provider,
        _: &Model,
        _: &Request,
        cancelled: &CancellationToken,
        hear: &mut (dyn FnMut(Event) + Send),
    ) -> Result<Answered, ModelError> {
        hear(Event::Text("well, ".to_owned()));
        self.began.notify_one();
        cancelled.cancelled().await;
        Err(ModelError { begun: true, ..*fails(Class::Cancelled) })
    }
}

#[tokio::test]
async fn an_answer_waits_for_a_store_that_is_away() {
    let mut world = World::new(Arc::new(Scripted::new(|_, _, _| Ok(says("never"))))).await;
    let (journal, faults) = faulty(world.store.clone());
    world.means.journal = journal;
    // The store goes while the model answers.
    let down = faults.clone();
    let provider = Arc::new(Scripted::new(move |_, _, _| {
        down.down();
        Ok(says("late"))
    }));
    world.means.client = provider.clone();
    let run = world.open().await;
    let nothing = Toolbox::default();
    let (answer, ()) = tokio::join!(run.converse(0, "talk", &(), &nothing), async {
        for _ in 0..3 {
            timeout(PATIENCE, faults.failed()).await.unwrap();
        }
        faults.up();
    });
    assert_eq!((answer.unwrap().text.as_str(), provider.calls()), ("late", 1));
    let row = spent(&world).await;
    assert_eq!((row.calls, row.cost, row.held), (1, run.spent().cost, MicroUsd::ZERO));
}

#[tokio::test]
async fn a_job_that_is_cancelled_in_a_call_holds_nothing_and_owes_what_it_held() {
    let endless = Arc::new(Endless::default());
    let mut world = World::new(Arc::new(Scripted::new(|_, _, _| Ok(says("never"))))).await;
    world.means.client = endless.clone();
    let run = world.open().await;
    let nothing = Toolbox::default();
    let (ended, ()) = tokio::join!(timeout(PATIENCE, run.converse(0, "talk", &(), &nothing)), async {
        endless.began.notified().await;
        world.cancelled.cancel();
    });
    assert!(matches!(ended.unwrap(), Err(Halt::Cancelled)));
    let row = spent(&world).await;
    assert_eq!((row.calls, row.lost, row.held, row.estimated, row.unknown), (1, 0, MicroUsd::ZERO, 1, 0), "{row:?}");
    // 1,000 tokens out for 10 dollars a million, and some in.
    assert!(row.cost.0 > 10_000 && row.cost == run.spent().cost, "{row:?}");
    let calls = world.record().await.remove(0).steps.remove(0).calls;
    assert_eq!(calls[0].outcome, "cancelled");
}

#[tokio::test]
async fn a_call_ends_when_the_time_of_its_run_is_up() {
    let endless = Arc::new(Endless::default());
    let mut world = World::new(Arc::new(Scripted::new(|_, _, _| Ok(says("never"))))).await;
    world.means.client = endless;
    world.change("steps = 1200", "steps = 1200\nminutes = 1");
    world.open().await;
    let began = world.record().await.remove(0).started_at.as_millisecond();
    world.means.clock = Clock::Manual(Arc::new(AtomicI64::new(began + 60_000 - 100)));
    let ended = timeout(PATIENCE, world.open().await.converse(0, "talk", &(), &Toolbox::default())).await.unwrap();
    assert_eq!(code(&ended.unwrap_err()), "out_of_time");
    assert_eq!(spent(&world).await.held, MicroUsd::ZERO);
}

#[tokio::test]
async fn a_job_without_room_in_a_budget_is_paused_and_goes_on_where_it_was() {
    let provider = Arc::new(Scripted::new(|_, _, request| {
        Ok(if results(request) == 0 { calls(&[("look", "{}")]) } else { says("{\"n\": 1}") })
    }));
    let mut world = World::new(provider.clone()).await;
    world.means.budgets.fleet = Allowance { cost: Some(MicroUsd(1)), tokens: None };
    let none = world.open().await.converse(0, "ask", &ask(), &tools().2).await;
    let Err(Halt::Pause(Refused { hold, .. })) = none else { panic!("{none:?}") };
    assert_eq!(provider.calls(), 0);
    world.hand_over().await;
    // Room for the first call, which takes 200, and not for one more.
    world.means.budgets.fleet = Allowance { cost: Some(hold.cost + MicroUsd(100)), tokens: None };
    let first = world.open().await.converse(0, "ask", &ask(), &tools().2).await;
    let Err(halt) = first else { panic!("{first:?}") };
    assert!(matches!(&halt, Halt::Pause(refused) if refused.fill.spent.cost == MicroUsd(200)), "{halt:?}");
    let Outcome::<()>::Pause(reason) = halt.outcome() else { panic!("it is not paused") };
    assert!(reason.starts_with("the budget of the fleet has no room: $0.0002 spent"), "{reason}");
    world.hand_over().await;
    world.means.budgets.fleet = Allowance::default();
    world.open().await.converse(0, "ask", &ask(), &tools().2).await.unwrap();
    assert_eq!(provider.calls(), 2, "what it had done it did not do again");
}

#[tokio::test]
async fn what_a_provider_does_not_say_counts_as_all_that_was_held() {
    let unsaid = || {
        Arc::new(Scripted::new(|_, _, request| {
            let text = Part::Text { text: format!("{{\"n\": {}}}", request.messages.len()) };
            Ok(flotilla_workers::agents::model::Reply { usage: None, ..reply(vec![text], Stop::End) })
        }))
    };
    let provider = unsaid();
    let mut world = World::new(provider.clone()).await;
    world.means.budgets.fleet = Allowance { cost: Some(MicroUsd(25_000)), tokens: None };
    let run = world.open().await;
    run.converse(0, "talk", &(), &Toolbox::default()).await.unwrap();
    run.converse(1, "talk", &(), &Toolbox::default()).await.unwrap();
    let halt = run.converse(2, "talk", &(), &Toolbox::default()).await.unwrap_err();
    assert!(matches!(halt, Halt::Pause(_)), "it does not escape the budget: {halt:?}");
    let (row, ran) = (spent(&world).await, run.spent());
    assert_eq!((row.calls, row.estimated, row.unknown), (2, 2, 0));
    assert!(row.cost.0 > 20_000 && row.cost == ran.cost, "{row:?}");
    assert_eq!((row.usage.total(), ran.estimated), (0, 2), "what was not said is no usage");
    assert!(ran.unsaid_tokens > 2_000);
    assert_eq!(world.open().await.spent(), ran, "the record says the same");

    // Without a price nothing is known, but the tokens.
    let mut world = World::new(unsaid()).await;
    world.without_price();
    world.means.budgets.fleet = Allowance { cost: None, tokens: Some(1_500) };
    let run = world.open().await;
    run.converse(0, "talk", &(), &Toolbox::default()).await.unwrap();
    let halt = run.converse(1, "talk", &(), &Toolbox::default()).await.unwrap_err();
    assert!(matches!(halt, Halt::Pause(_)), "{halt:?}");
    let row = spent(&world).await;
    assert_eq!((row.cost, row.unknown, row.estimated), (MicroUsd::ZERO, 1, 0));
}

#[tokio::test]
async fn a_cap_is_not_exceeded_by_calls_side_by_side() {
    let provider = Arc::new(Scripted::new(|_, _, _| Ok(says("fine"))));
    let world = World::new(provider.clone()).await;
    let run = world.open().await;
    // Each call holds more than 10,000 and takes 200.
    run.cap(MicroUsd(10_600), "too_dear", "which a test allows");
    let nothing = Toolbox::default();
    let talks = (0..6).map(|thread| run.converse(thread, "talk", &(), &nothing));
    let ended: Vec<_> = futures_util::future::join_all(talks).await;
    let refused: Vec<_> = ended.iter().filter_map(|ended| ended.as_ref().err()).collect();
    assert!(!refused.is_empty() && refused.iter().all(|halt| code(halt) == "too_dear"), "{refused:?}");
    let Halt::Fail(fault) = refused[0] else { unreachable!() };
    assert!(fault.message.ends_with("is spent of $0.0106, which a test allows"), "{}", fault.message);
    assert!(provider.calls() > 1 && run.spent().cost <= MicroUsd(10_600), "{} calls", provider.calls());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_may_be_repeated_is_repeated_under_the_same_key() {
    let model = || {
        Arc::new(Scripted::new(|_, _, request| {
            Ok(if results(request) == 0 { calls(&[("put", "{}")]) } else { says("{\"n\": 1}") })
        }))
    };
    let mut world = World::new(model()).await;
    world.change("tools = [\"look\", \"mark\"]", "tools = [\"put\"]");
    let mut repeated = 0;
    for at in 0.. {
        let put = Arc::new(Put::default());
        let toolbox = Toolbox::default().with(Tool::Idempotent(put.clone()));
        let borders = Borders::stop_at(at);
        world.means.journal = Arc::new(Bordered { store: world.store.clone(), borders: borders.clone() });
        world.means.client = Arc::new(Mortal { inner: model(), borders: borders.clone() });
        let run = world.open().await;
        let vars = ask();
        let died = tokio::select! {
            biased;
            done = run.converse(0, "ask", &vars, &toolbox) => {
                done.unwrap();
                false
            }
            () = borders.reached() => true,
        };
        drop(run);
        if !died {
            break;
        }
        world.hand_over().await;
        world.means.journal = world.store.clone();
        world.means.client = model();
        let answer = world.open().await.converse(0, "ask", &ask(), &toolbox).await.unwrap();
        assert_eq!(answer.value, Some(json!({"n": 1})));
        let times: Vec<u32> = put.times.lock().unwrap().values().copied().collect();
        assert!(times == [1] || times == [2], "one key, and a crash repeats one call at most: {times:?}");
        repeated += u32::from(times == [2]);
        world.next_job().await;
    }
    assert!(repeated > 0, "the test shows nothing");
}
