//! What agents did, as people read it.

use crate::{
    draft::noop,
    fixture::Fixture,
    paid::{FIRST, Running, end, on_next_worker, running, start, started, step, tokens},
};
use flotilla_jobs::{
    JobId, MicroUsd,
    api::{JobStep, StepPlace},
};
use flotilla_workers::journal::{StepKey, StepKind};

/// Where each is, and what came of it.
fn shown(steps: &[JobStep]) -> Vec<(String, &str, bool)> {
    steps.iter().map(|step| (step.place().to_string(), step.outcome.as_str(), step.kept)).collect()
}

async fn trail(f: &impl Fixture, run: &Running) -> Vec<JobStep> {
    f.store().trail(run.claimed.id(), None, 100).await.unwrap()
}

/// A decision, a call that was lost and made again, a tool; then another run with a call under way.
async fn two_runs(f: &impl Fixture) -> Running {
    let lost = running(f).await;
    f.store().note(vec![lost.note(FIRST, "decision:plan", r#"{"a": 1}"#)]).await.unwrap();
    started(f, lost.llm(step(1), 100, &[])).await;
    let old = on_next_worker(f).await;
    let again = started(f, old.llm(step(1), 100, &[])).await;
    end(f, old.done(step(1), again, r#""said""#, 30)).await;
    let tool = started(f, old.call(step(2), StepKind::Tool, "tool:grep")).await;
    end(f, old.failed(step(2), tool, "timeout", 0)).await;

    let opened = f.store().restart_run(old.lease(), start()).await.unwrap().unwrap();
    let new = Running { claimed: old.claimed, run: opened.run };
    started(f, new.llm(StepKey { thread: 7, seq: 0 }, 1, &[])).await;
    new
}

pub async fn every_call_of_every_run_is_shown_in_order(f: &impl Fixture) {
    let run = two_runs(f).await;
    while f.store().void_holds(100).await.unwrap() > 0 {}
    let steps = trail(f, &run).await;
    let expected = [
        ("0.0.0.0", "done", true),
        ("0.0.1.1", "lost", false),
        ("0.0.1.2", "done", true),
        ("0.0.2.1", "timeout", false),
        ("1.7.0.1", "open", false),
    ];
    assert_eq!(shown(&steps), expected.map(|(place, outcome, kept)| (place.to_owned(), outcome, kept)));

    let [decision, lost, done, tool, open] = &steps[..] else { panic!("{steps:?}") };
    assert_eq!((decision.kind.as_str(), decision.name.as_str(), &decision.model), ("decision", "decision:plan", &None));
    assert_eq!((lost.usage, lost.cost, lost.model.as_deref()), (None, None, Some("small")));
    assert_eq!(
        (done.usage, done.cost, done.provider.as_deref()),
        (Some(tokens(7)), Some(MicroUsd(30)), Some("scripted"))
    );
    assert!(done.finished_at.is_some_and(|at| at >= done.started_at));
    assert_eq!((tool.message.as_deref(), tool.provider.as_deref()), (Some("it said no"), None));
    assert_eq!(steps.iter().map(|step| step.superseded).collect::<Vec<_>>(), [true, true, true, true, false]);
    assert_eq!((open.agent.as_str(), open.finished_at), ("review", None));
}

pub async fn what_is_shown_comes_in_pages(f: &impl Fixture) {
    let run = two_runs(f).await;
    let all = trail(f, &run).await;
    assert_eq!(all.len(), 5);
    for limit in [1, 2, 3] {
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let page = f.store().trail(run.claimed.id(), after, limit).await.unwrap();
            let Some(last) = page.last() else { break };
            assert!(page.len() <= limit as usize);
            after = Some(last.place());
            paged.extend(page);
        }
        assert_eq!(paged, all, "pages of {limit}");
    }
}

pub async fn what_was_said_is_read_step_by_step(f: &impl Fixture) {
    let run = two_runs(f).await;
    let (mut steps, mut after) = (Vec::new(), None);
    while let Some(step) = f.store().step_after(run.claimed.id(), after).await.unwrap() {
        after = Some(step.place);
        steps.push(step);
    }
    // The decision is no message, and lost calls said nothing.
    let said: Vec<_> = steps
        .iter()
        .map(|s| (s.place.to_string(), s.kind, s.response.as_ref().map(|json| json.get().to_owned())))
        .collect();
    assert_eq!(
        said,
        [
            ("0.0.1.0".to_owned(), StepKind::Llm, Some(r#""said""#.to_owned())),
            ("0.0.2.0".to_owned(), StepKind::Tool, None),
            ("1.7.0.0".to_owned(), StepKind::Llm, None),
        ]
    );
    assert_eq!(steps[0].request.as_ref().unwrap().get(), r#"{"ask": "what"}"#);
    // A place of a call is after its step.
    let call = StepPlace { run: 0, thread: 0, seq: 1, attempt: 2 };
    let next = f.store().step_after(run.claimed.id(), Some(call)).await.unwrap().unwrap();
    assert_eq!(next.place.seq, 2);
}

pub async fn a_job_without_agents_has_no_trail(f: &impl Fixture) {
    let other = two_runs(f).await;
    let id = f.enqueue(noop()).await;
    assert_ne!(id, other.claimed.id());
    for job in [id, JobId::new()] {
        assert!(f.store().trail(job, None, 10).await.unwrap().is_empty());
        assert!(f.store().step_after(job, None).await.unwrap().is_none());
    }
}
