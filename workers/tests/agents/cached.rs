//! Answers that are found again: for whom, which ones, and what it costs.

use crate::{
    conduct::ask,
    scripted::{Scripted, calls, reply, says},
    tools::tools,
    world::World,
};
use flotilla_jobs::{
    MicroUsd,
    api::{JobStep, SpendQuery, SpendRow},
};
use flotilla_workers::{
    agents::{
        Agents, CacheLimits, Halt, JobRef, Run, Said, Toolbox,
        budget::{Allowance, Budgets},
        model::{Part, Reply, Stop},
    },
    cache::Bounds,
    store::fault::faulty,
};
use std::{sync::Arc, time::Duration};

const LIMITS: CacheLimits = CacheLimits { most: Bounds { entries: 100, bytes: 1 << 20 }, entry_bytes: 4_096 };

/// A world whose agent's answers are found again, and a model that says this.
async fn world(script: impl Fn(u64) -> Reply + Send + Sync + 'static) -> (World, Arc<Scripted>) {
    let provider = Arc::new(Scripted::new(move |before, _, _| Ok(script(before))));
    let mut world = World::new(provider.clone()).await;
    world.change("route = \"main\"", "route = \"main\"\ncache = { hours = 1 }");
    (world, provider)
}

async fn open_as(world: &World, job: JobRef) -> Run {
    let agents = Agents::new(world.means.clone()).caching(world.store.clone(), LIMITS);
    agents.open(job, "tester", &"pinned").await.unwrap()
}

/// What the next job hears when it asks for a talk.
async fn talk(world: &mut World) -> Result<String, Halt> {
    world.next_job().await;
    let run = open_as(world, world.job()).await;
    run.converse(0, "talk", &(), &Toolbox::default()).await.map(|answer| answer.text)
}

async fn spent(world: &World) -> SpendRow {
    world.store.spend(&SpendQuery::default()).await.unwrap().remove(0)
}

async fn trail(world: &World) -> Vec<JobStep> {
    world.store.trail(world.lease.job(), None, 100).await.unwrap()
}

#[tokio::test]
async fn the_very_same_request_is_answered_once() {
    let (mut world, provider) = world(|before| says(&format!("answer {before}"))).await;
    assert_eq!(talk(&mut world).await.unwrap(), "answer 0");
    let first = spent(&world).await;
    world.said.lock().unwrap().clear();
    assert_eq!(talk(&mut world).await.unwrap(), "answer 0");
    assert_eq!(provider.calls(), 1);

    let row = spent(&world).await;
    assert_eq!((row.calls, row.cost, row.held), (1, first.cost, MicroUsd::ZERO));
    assert_eq!((row.cached, row.saved), (1, first.cost), "{row:?}");
    let steps = trail(&world).await;
    assert_eq!((steps.len(), steps[0].cached, steps[0].saved, steps[0].kept), (1, true, Some(first.cost), true));
    assert_eq!((steps[0].cost, steps[0].usage), (Some(MicroUsd::ZERO), None));
    let text = Said::Text { thread: 0, step: 1, attempt: 1, text: "answer 0".to_owned() };
    assert_eq!(*world.said.lock().unwrap(), [text], "who reads along hears it");
    // Who goes on with the job reads the record, and asks neither.
    let (silent, faults) = faulty(world.store.clone());
    faults.down();
    let agents = Agents::new(world.means.clone()).caching(silent, LIMITS);
    let run = agents.open(world.job(), "tester", &"pinned").await.unwrap();
    assert_eq!(run.converse(0, "talk", &(), &Toolbox::default()).await.unwrap().text, "answer 0");
    assert_eq!((run.spent().cost, run.spent().calls, run.steps()), (MicroUsd::ZERO, 0, 1));
    assert_eq!((provider.calls(), trail(&world).await.len()), (1, 1));
}

#[tokio::test]
async fn nobody_else_and_nothing_else_is_answered_by_it() {
    let (mut world, provider) = world(|before| says(&format!("answer {before}"))).await;
    talk(&mut world).await.unwrap();
    world.next_job().await;
    let other = JobRef { tenant: "other".to_owned(), ..world.job() };
    let nothing = Toolbox::default();
    let answer = open_as(&world, other).await.converse(0, "talk", &(), &nothing).await.unwrap();
    assert_eq!((answer.text.as_str(), provider.calls()), ("answer 1", 2), "another tenant");

    let changes = [
        ("prompt = \"Talk.\"", "prompt = \"Talk!\""),
        ("prompt = \"Talk.\"\nmax_output = 1000", "prompt = \"Talk.\"\nmax_output = 900"),
        ("prompt = \"Talk.\"", "prompt = \"Talk.\"\ntemperature = 0.5"),
        ("prompt = \"Talk.\"", "system = \"Be brief.\"\nprompt = \"Talk.\""),
        ("route = \"main\"", "route = \"second\""),
    ];
    for (at, (from, to)) in changes.into_iter().enumerate() {
        let mut file = crate::world::AGENT.replace(from, to);
        file = file.replace("[limits]", "cache = { hours = 1 }\n[limits]");
        let agent = flotilla_workers::agents::Definition::parse("tester.toml", &file).unwrap();
        world.means.definitions = [agent].into_iter().collect();
        let before = provider.calls();
        talk(&mut world).await.unwrap();
        assert_eq!(provider.calls(), before + 1, "change {at}");
        talk(&mut world).await.unwrap();
        assert_eq!(provider.calls(), before + 1, "change {at} is found again by itself");
    }
}

#[tokio::test]
async fn an_agent_that_does_not_ask_for_it_pays_each_time() {
    let provider = Arc::new(Scripted::new(|_, _, _| Ok(says("fine"))));
    let mut world = World::new(provider.clone()).await;
    for _ in 0..2 {
        assert_eq!(talk(&mut world).await.unwrap(), "fine");
    }
    assert_eq!((provider.calls(), spent(&world).await.cached), (2, 0));
}

#[tokio::test]
async fn a_hit_needs_no_room_in_any_budget() {
    let (mut world, provider) = world(|_| says("fine")).await;
    talk(&mut world).await.unwrap();
    let day = Allowance { cost: Some(MicroUsd(1)), tokens: Some(1) };
    world.means.budgets = Budgets { day, ..Budgets::default() };
    assert_eq!(talk(&mut world).await.unwrap(), "fine");
    assert_eq!(provider.calls(), 1);
}

#[tokio::test]
async fn a_cache_that_does_not_answer_holds_nothing() {
    let (mut world, provider) = world(|_| says("fine")).await;
    talk(&mut world).await.unwrap();
    let (silent, faults) = faulty(world.store.clone());
    faults.down();
    world.next_job().await;
    let agents = Agents::new(world.means.clone()).caching(silent.clone(), LIMITS);
    let run = agents.open(world.job(), "tester", &"pinned").await.unwrap();
    let nothing = Toolbox::default();
    assert_eq!(run.converse(0, "talk", &(), &nothing).await.unwrap().text, "fine");
    assert_eq!((provider.calls(), spent(&world).await.calls), (2, 2), "it was asked, and paid");
    faults.up();
    world.next_job().await;
    let run = agents.open(world.job(), "tester", &"pinned").await.unwrap();
    run.converse(0, "talk", &(), &nothing).await.unwrap();
    assert_eq!(provider.calls(), 2);
    drop(silent);
}

#[tokio::test]
async fn what_is_cut_refused_empty_or_too_long_is_not_kept() {
    let text = |text: &str| vec![Part::Text { text: text.to_owned() }];
    let long = "x".repeat(LIMITS.entry_bytes);
    let bad = [
        reply(text("half"), Stop::Length),
        reply(text("no"), Stop::Refused),
        reply(text("odd"), Stop::Other("odd".to_owned())),
        reply(text(" "), Stop::End),
        reply(Vec::new(), Stop::End),
        says(&long),
    ];
    for reply in bad {
        let shown = format!("{:.80}", format!("{reply:?}"));
        let (mut world, provider) = world(move |_| reply.clone()).await;
        let _ = talk(&mut world).await;
        let once = provider.calls();
        let _ = talk(&mut world).await;
        assert_eq!((provider.calls(), spent(&world).await.cached), (2 * once, 0), "{shown}");
    }
}

#[tokio::test]
async fn an_answer_of_the_wrong_shape_is_not_kept_and_the_right_one_is() {
    let right = |before| says(if before == 0 { "{\"n\": \"one\"}" } else { "{\"n\": 1}" });
    let (mut world, provider) = world(right).await;
    // Asked for once more, both times; only what it was asked for then is kept.
    for (round, calls) in [2, 3, 3].into_iter().enumerate() {
        world.next_job().await;
        open_as(&world, world.job()).await.converse(0, "ask", &ask(), &tools().2).await.unwrap();
        assert_eq!(provider.calls(), calls, "round {round}");
    }
}

#[tokio::test]
async fn calls_that_only_read_are_found_again_and_those_that_act_are_not() {
    for (call, asked) in [(("look", "{\"say\":\"1\"}"), [2, 2]), (("mark", "{}"), [2, 3])] {
        let (mut world, provider) =
            world(move |before| if before % 2 == 0 { calls(&[call]) } else { says("{\"n\": 1}") }).await;
        let toolbox = tools().2;
        for (round, asked) in asked.into_iter().enumerate() {
            world.next_job().await;
            let run = open_as(&world, world.job()).await;
            run.converse(0, "ask", &ask(), &toolbox).await.unwrap();
            assert_eq!(provider.calls(), asked, "{call:?}, round {round}");
            let called = trail(&world).await.iter().filter(|step| step.name.starts_with("tool:")).count();
            assert_eq!(called, 1, "a tool is called in any case");
        }
    }
}

#[tokio::test]
async fn an_answer_is_forgotten_after_its_time() {
    let (mut world, provider) = world(|_| says("fine")).await;
    let (now, start) = (Arc::new(std::sync::atomic::AtomicI64::new(0)), flotilla_workers::clock::system_now());
    now.store(start, std::sync::atomic::Ordering::SeqCst);
    // The time of the cache alone: it may be another store than that of the jobs.
    let place = crate::place::Place::file().await;
    let cache = place.open(flotilla_workers::clock::Clock::Manual(now.clone())).await;
    for (minutes, calls) in [(0, 1), (59, 1), (61, 2)] {
        now.store(start + minutes * 60_000, std::sync::atomic::Ordering::SeqCst);
        world.next_job().await;
        let agents = Agents::new(world.means.clone()).caching(cache.clone(), LIMITS);
        let run = agents.open(world.job(), "tester", &"pinned").await.unwrap();
        run.converse(0, "talk", &(), &Toolbox::default()).await.unwrap();
        assert_eq!(provider.calls(), calls, "after {minutes} minutes");
    }
}

#[tokio::test]
async fn a_worker_that_dies_between_begin_and_end_of_a_hit_loses_nothing() {
    let (mut world, provider) = world(|_| says("fine")).await;
    talk(&mut world).await.unwrap();
    world.next_job().await;
    let (journal, faults) = faulty(world.store.clone());
    world.means.journal = journal;
    faults.lose_reply("begin");
    let run = open_as(&world, world.job()).await;
    let nothing = Toolbox::default();
    let answer = tokio::time::timeout(Duration::from_mins(2), run.converse(0, "talk", &(), &nothing)).await.unwrap();
    assert_eq!(answer.unwrap().text, "fine");
    let again = Said::Again { thread: 0, step: 1, attempt: 2 };
    assert!(world.said.lock().unwrap().contains(&again), "what the first said is void");
    assert_eq!((provider.calls(), spent(&world).await.calls), (1, 1));
}
