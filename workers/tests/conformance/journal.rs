//! What agents did: steps that are never paid for twice.

use crate::{
    draft::noop,
    fixture::{Fixture, HOUR, LEASE, SECOND, done, fault},
    paid::{FIRST, Running, begin, end, hash, on_next_worker, open, raw, running, start, started, step, tokens},
};
use flotilla_jobs::{JobState, MicroUsd, Usage};
use flotilla_workers::{
    journal::{Begin, Begun, EndStep, Ended, Note, Noted, RunId, StepKey, StepKind, StepOutcome},
    store::{End, Error},
};
use serde_json::value::to_raw_value;
use uuid::Uuid;

pub async fn a_run_goes_on_as_it_began(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    let first = open(f.store(), &claimed).await.unwrap();
    assert!(first.fresh);
    assert_eq!(first.started_at, f.moment());
    f.advance_clock(SECOND);

    let mut later = start();
    later.plan = to_raw_value(&"another plan").unwrap();
    let second = f.store().open_run(&claimed.lease, later).await.unwrap().unwrap();
    assert!(!second.fresh);
    assert_eq!((second.run, second.started_at), (first.run, first.started_at));
    assert_eq!(second.plan.get(), first.plan.get());
}

pub async fn a_lost_lease_opens_no_run(f: &impl Fixture) {
    let stale = running(f).await;
    f.advance(LEASE + SECOND).await;
    assert!(open(f.store(), &stale.claimed).await.is_none());
    assert!(f.store().restart_run(stale.lease(), start()).await.unwrap().is_none());
    let fresh = f.claim_one().await;
    assert_eq!(open(f.store(), &fresh).await.unwrap().run, stale.run);
    f.complete(&fresh).await;
    assert!(open(f.store(), &fresh).await.is_none());
}

pub async fn a_plan_has_a_limit(f: &impl Fixture) {
    let claimed = f.running(noop()).await;
    let mut large = start();
    large.plan = to_raw_value(&"x".repeat(1 << 20)).unwrap();
    let refused = f.store().open_run(&claimed.lease, large).await;
    assert!(matches!(&refused, Err(Error::Invalid(e)) if e.field == "plan"), "{refused:?}");
}

pub async fn a_restarted_run_leaves_the_old_one_as_it_is(f: &impl Fixture) {
    let old = running(f).await;
    let attempt = started(f, old.llm(FIRST, 100, &[])).await;
    let under_way = started(f, old.llm(step(1), 100, &[])).await;
    end(f, old.done(FIRST, attempt, "1", 30)).await;

    let opened = f.store().restart_run(old.lease(), start()).await.unwrap().unwrap();
    assert!(opened.fresh && opened.run != old.run);
    assert_eq!(opened.spent.cost, MicroUsd::ZERO);
    // Nothing is written into the old one any more; what was paid is.
    assert!(matches!(begin(f, old.llm(step(2), 1, &[])).await, Begun::LeaseLost));
    assert_eq!(end(f, old.done(step(1), under_way, "2", 5)).await, Ended::LeaseLost);
    let new = Running { claimed: old.claimed.clone(), run: opened.run };
    assert_eq!(started(f, new.llm(FIRST, 1, &[])).await, 1);
    assert_eq!(open(f.store(), &old.claimed).await.unwrap().run, opened.run);

    let runs = f.store().runs(old.claimed.id()).await.unwrap();
    let shown: Vec<_> = runs.iter().map(|r| (r.run, r.superseded, r.steps.len())).collect();
    assert_eq!(shown, [(old.run, true, 2), (new.run, false, 1)]);
    assert_eq!(runs[0].steps[1].calls[0].cost, Some(MicroUsd(5)));
    assert!(runs[0].steps[1].response.is_none());
}

pub async fn a_finished_step_is_given_back_as_it_was(f: &impl Fixture) {
    let run = running(f).await;
    // Blanks, the order of keys and any character: hashes are made over them.
    let response = r#"{"b": "\u0000é",   "a": [1.0, 1e2, 12345678901234567890]}"#;
    let usage = Usage { input: 1, cache_read: 2, cache_write: 3, cache_write_1h: 4, output: 5, reasoning: 6 };
    let attempt = started(f, run.llm(FIRST, 100, &[])).await;
    let last = EndStep { usage: Some(usage), ..run.done(FIRST, attempt, response, 42) };
    assert_eq!(end(f, last).await, Ended::Recorded);

    let next = on_next_worker(f).await;
    let Begun::Done(step) = begin(f, next.llm(FIRST, 100, &[])).await else { panic!("it is done") };
    assert_eq!(step.response.get(), response);
    assert_eq!(step.request.unwrap().get(), r#"{"ask": "what"}"#);
    assert_eq!((step.kind, step.name.as_str(), step.input_hash), (StepKind::Llm, "llm:review", hash(0)));
    assert_eq!((step.usage, step.cost), (Some(usage), Some(MicroUsd(42))));
    // No call was begun for it.
    let runs = f.store().runs(next.claimed.id()).await.unwrap();
    assert_eq!(runs[0].steps[0].calls.len(), 1);
}

pub async fn finished_steps_are_read_in_order(f: &impl Fixture) {
    let run = running(f).await;
    for (thread, seq) in [(1, 0), (0, 2), (0, 0), (1, 1), (0, 1)] {
        let key = StepKey { thread, seq };
        f.store().note(vec![run.note(key, "decision:x", "1")]).await.unwrap();
    }
    started(f, run.llm(step(3), 1, &[])).await;

    let all = f.store().steps(run.run, None, 100).await.unwrap();
    let keys: Vec<_> = all.iter().map(|s| (s.key.thread, s.key.seq)).collect();
    assert_eq!(keys, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]);
    let page = f.store().steps(run.run, Some(step(1)), 2).await.unwrap();
    let keys: Vec<_> = page.iter().map(|s| (s.key.thread, s.key.seq)).collect();
    assert_eq!(keys, [(0, 2), (1, 0)]);
    assert!(f.store().steps(RunId(Uuid::nil()), None, 2).await.unwrap().is_empty());
}

pub async fn another_step_in_its_place_is_said_so(f: &impl Fixture) {
    let run = running(f).await;
    started(f, run.llm(FIRST, 1, &[])).await;
    f.store().note(vec![run.note(step(1), "decision:plan", "1")]).await.unwrap();

    let changed = |begun: Begun, name: &str| assert!(matches!(begun, Begun::Changed { recorded } if recorded == name));
    let other_input = Begin { input_hash: hash(9), ..run.llm(FIRST, 1, &[]) };
    changed(begin(f, other_input).await, "llm:review");
    let other_name = Begin { name: "llm:verify".to_owned(), ..run.llm(FIRST, 1, &[]) };
    changed(begin(f, other_name).await, "llm:review");
    changed(begin(f, run.call(step(1), StepKind::Tool, "tool:grep")).await, "decision:plan");
    let note = Note { input_hash: hash(9), ..run.note(step(1), "decision:plan", "2") };
    let noted = f.store().note(vec![note]).await.unwrap();
    assert!(matches!(&noted[0], Noted::Changed { recorded } if recorded == "decision:plan"), "{noted:?}");
}

pub async fn the_first_note_counts(f: &impl Fixture) {
    let run = running(f).await;
    let notes = (0..3).map(|n| run.note(step(n), "decision:x", &n.to_string())).collect();
    let answers = f.store().note(notes).await.unwrap();
    assert!(answers.iter().all(|n| matches!(n, Noted::Recorded)), "{answers:?}");

    let answers =
        f.store().note(vec![run.note(step(3), "decision:x", "3"), run.note(step(1), "decision:x", "9")]).await;
    let answers = answers.unwrap();
    assert!(matches!(&answers[0], Noted::Recorded));
    assert!(matches!(&answers[1], Noted::Done(step) if step.response.get() == "1"), "{answers:?}");
    let next = on_next_worker(f).await;
    let stale = f.store().note(vec![run.note(step(4), "decision:x", "4")]).await.unwrap();
    assert!(matches!(stale[0], Noted::LeaseLost));
    assert_eq!(f.store().steps(next.run, None, 10).await.unwrap().len(), 4);
}

pub async fn a_failed_call_may_be_made_again(f: &impl Fixture) {
    let run = running(f).await;
    for attempt in 1..=3 {
        assert_eq!(started(f, run.llm(FIRST, 100, &[])).await, attempt);
        assert_eq!(end(f, run.failed(FIRST, attempt, "rate_limited", 0)).await, Ended::Recorded);
    }
    let next = on_next_worker(f).await;
    assert_eq!(started(f, next.llm(FIRST, 100, &[])).await, 4);
    assert_eq!(end(f, next.done(FIRST, 4, "1", 9)).await, Ended::Recorded);

    let runs = f.store().runs(next.claimed.id()).await.unwrap();
    let calls: Vec<_> = runs[0].steps[0].calls.iter().map(|c| (c.attempt, c.outcome.as_str())).collect();
    assert_eq!(calls, [(1, "rate_limited"), (2, "rate_limited"), (3, "rate_limited"), (4, "done")]);
    assert_eq!(runs[0].steps[0].calls[0].message.as_deref(), Some("it said no"));
}

pub async fn the_loser_of_a_lease_changes_nothing_and_its_money_counts(f: &impl Fixture) {
    let loser = running(f).await;
    let lost = started(f, loser.llm(FIRST, 100, &[])).await;
    let winner = on_next_worker(f).await;
    let won = started(f, winner.llm(FIRST, 100, &[])).await;
    assert_eq!((lost, won), (1, 2));
    assert_eq!(end(f, winner.done(FIRST, won, r#""winner""#, 20)).await, Ended::Recorded);

    assert_eq!(end(f, loser.done(FIRST, lost, r#""loser""#, 30)).await, Ended::LeaseLost);
    assert!(matches!(begin(f, loser.llm(step(1), 100, &[])).await, Begun::LeaseLost));
    assert!(matches!(begin(f, loser.llm(FIRST, 100, &[])).await, Begun::LeaseLost));
    let steps = f.store().steps(winner.run, None, 10).await.unwrap();
    assert_eq!(steps.len(), 1);
    assert_eq!(steps[0].response.get(), r#""winner""#);
    let opened = open(f.store(), &winner.claimed).await.unwrap();
    assert_eq!((opened.spent.cost, opened.spent.calls), (MicroUsd(50), 2));
    assert_eq!(opened.spent.usage, tokens(14));
}

pub async fn the_loser_that_ends_first_changes_nothing(f: &impl Fixture) {
    let loser = running(f).await;
    let lost = started(f, loser.llm(FIRST, 100, &[])).await;
    let winner = on_next_worker(f).await;

    assert_eq!(end(f, loser.done(FIRST, lost, r#""loser""#, 30)).await, Ended::LeaseLost);
    assert!(f.store().steps(winner.run, None, 10).await.unwrap().is_empty());
    assert_eq!(started(f, winner.llm(FIRST, 100, &[])).await, 2);
}

pub async fn a_job_that_ended_takes_no_more_steps(f: &impl Fixture) {
    let run = running(f).await;
    let attempt = started(f, run.llm(FIRST, 100, &[])).await;
    f.complete(&run.claimed).await;
    assert_eq!(end(f, run.done(FIRST, attempt, "1", 1)).await, Ended::LeaseLost);
    assert!(matches!(begin(f, run.llm(step(1), 1, &[])).await, Begun::LeaseLost));
}

pub async fn the_first_end_of_a_step_stays(f: &impl Fixture) {
    let run = running(f).await;
    let first = started(f, run.llm(FIRST, 100, &[])).await;
    let second = started(f, run.llm(FIRST, 100, &[])).await;
    assert_eq!((first, second), (1, 2));
    assert_eq!(end(f, run.done(FIRST, second, "2", 5)).await, Ended::Recorded);
    assert_eq!(end(f, run.done(FIRST, first, "1", 6)).await, Ended::DoneBefore);
    let steps = f.store().steps(run.run, None, 10).await.unwrap();
    assert_eq!((steps[0].response.get(), steps[0].cost), ("2", Some(MicroUsd(5))));
    assert_eq!(open(f.store(), &run.claimed).await.unwrap().spent.cost, MicroUsd(11));
}

pub async fn an_end_that_is_repeated_changes_nothing(f: &impl Fixture) {
    let run = running(f).await;
    let attempt = started(f, run.llm(FIRST, 100, &[])).await;
    for cost in [5, 6, 7] {
        assert_eq!(end(f, run.done(FIRST, attempt, &cost.to_string(), cost)).await, Ended::Recorded);
    }
    assert_eq!(f.store().steps(run.run, None, 10).await.unwrap()[0].response.get(), "5");
    assert_eq!(open(f.store(), &run.claimed).await.unwrap().spent.cost, MicroUsd(5));
    let unknown = f.store().end(vec![run.done(FIRST, 9, "1", 1)]).await;
    assert!(matches!(&unknown, Err(Error::Invalid(e)) if e.field == "attempt"), "{unknown:?}");
}

pub async fn an_effect_without_an_end_is_not_repeated_blindly(f: &impl Fixture) {
    let run = running(f).await;
    let post = |run: &Running| run.call(FIRST, StepKind::Effect, "effect:post");
    assert_eq!(started(f, post(&run)).await, 1);
    assert!(matches!(begin(f, post(&run)).await, Begun::Unknown));
    let next = on_next_worker(f).await;
    assert!(matches!(begin(f, post(&next)).await, Begun::Unknown));
    // Also once the dead call is called lost.
    f.store().void_holds(10).await.unwrap();
    assert!(matches!(begin(f, post(&next)).await, Begun::Unknown));

    // It was looked for, and had not happened.
    assert_eq!(started(f, Begin { again: true, ..post(&next) }).await, 2);
    end(f, next.failed(FIRST, 2, "refused", 0)).await;
    assert!(matches!(begin(f, post(&next)).await, Begun::Unknown), "the first call may still have happened");
    assert_eq!(started(f, Begin { again: true, ..post(&next) }).await, 3);
    assert_eq!(end(f, next.done(FIRST, 3, "1", 0)).await, Ended::Recorded);
    assert!(matches!(begin(f, post(&next)).await, Begun::Done(_)));
}

pub async fn an_effect_that_failed_may_be_begun_again(f: &impl Fixture) {
    let run = running(f).await;
    let post = || run.call(FIRST, StepKind::Effect, "effect:post");
    started(f, post()).await;
    end(f, run.failed(FIRST, 1, "refused", 0)).await;
    assert_eq!(started(f, post()).await, 2);
}

pub async fn a_tool_without_an_end_is_called_again(f: &impl Fixture) {
    let run = running(f).await;
    started(f, run.call(FIRST, StepKind::Tool, "tool:fetch")).await;
    let next = on_next_worker(f).await;
    assert_eq!(started(f, next.call(FIRST, StepKind::Tool, "tool:fetch")).await, 2);
    end(f, next.done(FIRST, 2, "1", 0)).await;
    // It costs nothing, and is not counted as if it did.
    let opened = open(f.store(), &next.claimed).await.unwrap();
    assert_eq!((opened.spent.calls, opened.spent.unknown), (0, 0));
}

pub async fn answers_come_in_the_order_given(f: &impl Fixture) {
    let run = running(f).await;
    let attempt = started(f, run.llm(step(1), 1, &[])).await;
    end(f, run.done(step(1), attempt, "1", 1)).await;
    let calls = vec![
        run.llm(step(2), 1, &[]),
        run.llm(step(1), 1, &[]),
        Begin { run: RunId(Uuid::nil()), ..run.llm(step(3), 1, &[]) },
        run.llm(step(4), 1, &[]),
    ];
    let begun = f.store().begin(calls).await.unwrap();
    assert!(matches!(begun[0], Begun::Started { attempt: 1 }), "{begun:?}");
    assert!(matches!(begun[1], Begun::Done(_)), "{begun:?}");
    assert!(matches!(begun[2], Begun::LeaseLost), "{begun:?}");
    assert!(matches!(begun[3], Begun::Started { attempt: 1 }), "{begun:?}");

    let ends = vec![run.done(step(4), 1, "4", 4), run.failed(step(2), 1, "cut", 2)];
    assert_eq!(f.store().end(ends).await.unwrap(), [Ended::Recorded, Ended::Recorded]);
    assert!(f.store().begin(Vec::new()).await.unwrap().is_empty());
    assert!(f.store().end(Vec::new()).await.unwrap().is_empty());
    assert!(f.store().note(Vec::new()).await.unwrap().is_empty());
}

pub async fn what_makes_no_sense_is_refused(f: &impl Fixture) {
    let run = running(f).await;
    let field = |refused: Result<Vec<Begun>, Error>| match refused {
        Err(Error::Invalid(invalid)) => invalid.field,
        other => panic!("it was not refused: {other:?}"),
    };
    let twice = vec![run.llm(FIRST, 1, &[]), run.llm(FIRST, 1, &[])];
    assert_eq!(field(f.store().begin(twice).await), "key");
    let nameless = Begin { name: String::new(), ..run.llm(FIRST, 1, &[]) };
    assert_eq!(field(f.store().begin(vec![nameless]).await), "name");
    let decision = Begin { kind: StepKind::Decision, ..run.llm(FIRST, 1, &[]) };
    assert_eq!(field(f.store().begin(vec![decision]).await), "kind");
    let large = Begin { request: Some(raw(&format!("\"{}\"", "x".repeat(8 << 20)))), ..run.llm(FIRST, 1, &[]) };
    assert_eq!(field(f.store().begin(vec![large]).await), "request");
    assert!(f.store().runs(run.claimed.id()).await.unwrap()[0].steps.is_empty());
}

pub async fn one_that_is_refused_does_not_spoil_the_others(f: &impl Fixture) {
    let run = running(f).await;
    let good = started(f, run.llm(FIRST, 1, &[]));
    let bad = f.store().end(vec![run.done(step(7), 1, "1", 1)]);
    let (attempt, refused) = tokio::join!(good, bad);
    assert_eq!(attempt, 1);
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
}

pub async fn a_second_opening_goes_on_with_the_run(f: &impl Fixture) {
    let run = running(f).await;
    let attempt = started(f, run.llm(FIRST, 1, &[])).await;
    end(f, run.done(FIRST, attempt, "1", 1)).await;
    let other = f.second_store().await;
    let opened = open(&*other, &run.claimed).await.unwrap();
    assert_eq!((opened.run, opened.fresh, opened.spent.cost), (run.run, false, MicroUsd(1)));
    assert_eq!(other.steps(run.run, None, 10).await.unwrap().len(), 1);
}

pub async fn a_queue_that_forgets_all_costs_no_step(f: &impl Fixture) {
    let run = running(f).await;
    let attempt = started(f, run.llm(FIRST, 100, &[])).await;
    end(f, run.done(FIRST, attempt, "1", 1)).await;
    f.lose_queue().await;
    f.reconcile().await;
    let next = on_next_worker(f).await;
    assert_eq!(next.run, run.run);
    assert!(matches!(begin(f, next.llm(FIRST, 100, &[])).await, Begun::Done(_)));
}

pub async fn an_operators_retry_goes_on_with_the_run(f: &impl Fixture) {
    let run = running(f).await;
    let attempt = started(f, run.llm(FIRST, 100, &[])).await;
    end(f, run.done(FIRST, attempt, "1", 1)).await;
    f.settle(&run.claimed, End::Failed(fault())).await;
    f.retry(run.claimed.id()).await;
    let claimed = f.claim_one().await;
    assert_eq!(open(f.store(), &claimed).await.unwrap().run, run.run);
}

pub async fn steps_go_with_their_job_and_money_stays(f: &impl Fixture) {
    let run = running(f).await;
    let attempt = started(f, run.llm(FIRST, 100, &[])).await;
    end(f, run.done(FIRST, attempt, "1", 42)).await;
    started(f, run.call(step(1), StepKind::Tool, "tool:fetch")).await;
    f.settle(&run.claimed, done()).await;
    f.advance_clock(HOUR);
    assert_eq!(f.store().prune(JobState::Completed, HOUR, 10).await.unwrap(), 1);

    assert!(f.store().runs(run.claimed.id()).await.unwrap().is_empty());
    assert!(f.store().steps(run.run, None, 10).await.unwrap().is_empty());
    let spent = f.store().spend(&flotilla_jobs::api::SpendQuery::default()).await.unwrap();
    assert_eq!((spent[0].calls, spent[0].cost), (1, MicroUsd(42)));
}

pub async fn many_steps_at_once_are_all_on_record(f: &impl Fixture) {
    let run = running(f).await;
    let work = (0..100).map(|thread| {
        let run = &run;
        async move {
            for seq in 0..3 {
                let key = StepKey { thread, seq };
                let attempt = started(f, run.llm(key, 5, &[])).await;
                assert_eq!(end(f, run.done(key, attempt, &seq.to_string(), 2)).await, Ended::Recorded);
            }
        }
    });
    futures_util::future::join_all(work).await;
    let steps = f.store().steps(run.run, None, 1_000).await.unwrap();
    assert_eq!(steps.len(), 300);
    assert!(steps.iter().all(|s| s.response.get() == s.key.seq.to_string()));
    assert_eq!(open(f.store(), &run.claimed).await.unwrap().spent.cost, MicroUsd(600));
}

pub async fn a_begin_and_a_rescue_at_once_agree(f: &impl Fixture) {
    for n in 0..10 {
        let run = running(f).await;
        f.advance_clock(LEASE + SECOND);
        let other = f.second_store().await;
        let queues = ["default".to_owned()];
        let call = EndStep { outcome: StepOutcome::Done(raw("1")), ..run.done(FIRST, 1, "1", 1) };
        let (begun, rescued) = tokio::join!(begin(f, run.llm(FIRST, 1, &[])), other.rescue(&queues, 10));
        assert_eq!(rescued.unwrap().len(), 1, "{n}");
        match begun {
            Begun::Started { attempt: 1 } => assert_eq!(end(f, call).await, Ended::LeaseLost),
            Begun::LeaseLost => {}
            other => panic!("{other:?}"),
        }
        let claimed = f.claim_one().await;
        assert!(f.store().steps(run.run, None, 1).await.unwrap().is_empty());
        f.complete(&claimed).await;
    }
}
