//! Calls that wait for a person: asked for once, decided once.

use crate::{
    draft::noop,
    fixture::{Fixture, HOUR, LEASE, SECOND, fault},
    paid::{FIRST, Running, hash, on_next_worker, open, running, start, step},
};
use flotilla_jobs::JobState;
use flotilla_workers::{
    approvals::{self, Approval, ApprovalId, AskApproval, Asked, Decision, Say, Verdict},
    journal::StepKey,
    store::End,
};
use uuid::Uuid;

const DAY: std::time::Duration = HOUR.saturating_mul(24);

fn ask(run: &Running, key: StepKey) -> AskApproval {
    AskApproval {
        run: run.run,
        key,
        input_hash: hash(key.seq as u8),
        tool: "write_file".to_owned(),
        arguments: r#"{"path": "a\u0000é"}"#.to_owned(),
        timeout: DAY,
    }
}

async fn asked(f: &impl Fixture, run: &Running, key: StepKey) -> Approval {
    match f.store().ask_approval(run.lease(), ask(run, key)).await.unwrap() {
        Asked::Is(approval) => *approval,
        other => panic!("nobody is asked: {other:?}"),
    }
}

fn verdict(approve: bool, by: &str) -> Verdict {
    Verdict { approve, say: Say { by: Some(by.to_owned()), reason: Some("because".to_owned()) } }
}

async fn decide(f: &impl Fixture, id: ApprovalId, approve: bool, by: &str) -> (Approval, bool) {
    approvals::decide(f.store(), id, verdict(approve, by)).await.unwrap().unwrap()
}

/// The job waits, as its handler says.
async fn pause(f: &impl Fixture, run: &Running) {
    f.settle(&run.claimed, End::Paused("approval: x".to_owned())).await;
}

async fn state(f: &impl Fixture, run: &Running) -> JobState {
    f.store().get(run.claimed.id()).await.unwrap().unwrap().state
}

pub async fn what_is_asked_is_shown(f: &impl Fixture) {
    let run = running(f).await;
    let approval = asked(f, &run, FIRST).await;
    assert_eq!((approval.job, approval.decision), (run.claimed.id(), Decision::Pending));
    assert_eq!((approval.agent.as_str(), approval.tenant.as_str()), ("review", "acme"));
    assert_eq!((approval.tool.as_str(), approval.arguments.as_str()), ("write_file", r#"{"path": "a\u0000é"}"#));
    assert_eq!(approval.requested_at, f.moment());
    assert_eq!(approval.expires_at.as_millisecond() - approval.requested_at.as_millisecond(), 86_400_000);
    let second = asked(f, &run, step(1)).await;
    let list = async |state, job, after, limit| {
        let found = f.store().list_approvals(state, job, after, limit).await.unwrap();
        found.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None, None, 10).await, [second.id, approval.id]);
    assert_eq!(list(None, None, Some(second.id), 10).await, [approval.id]);
    assert_eq!(list(Some(Decision::Pending), Some(run.claimed.id()), None, 1).await, [second.id]);
    assert!(list(Some(Decision::Denied), None, None, 10).await.is_empty());
    let other = f.running(noop()).await.id();
    assert!(list(None, Some(other), None, 10).await.is_empty());
}

pub async fn nobody_is_asked_twice(f: &impl Fixture) {
    let run = running(f).await;
    let first = asked(f, &run, FIRST).await;
    assert_eq!(asked(f, &run, FIRST).await, first);
    // Its worker dies; the next one asks for the same.
    let next = on_next_worker(f).await;
    assert_eq!(asked(f, &next, FIRST).await, first);
    assert!(matches!(f.store().ask_approval(run.lease(), ask(&run, FIRST)).await.unwrap(), Asked::LeaseLost));
    let other = AskApproval { input_hash: hash(9), ..ask(&next, FIRST) };
    assert!(matches!(f.store().ask_approval(next.lease(), other).await.unwrap(), Asked::Changed));
    assert_eq!(f.store().list_approvals(None, None, None, 10).await.unwrap().len(), 1);
}

pub async fn a_decision_is_final(f: &impl Fixture) {
    let run = running(f).await;
    let id = asked(f, &run, FIRST).await.id;
    let (approval, first) = decide(f, id, true, "ann").await;
    assert!(first && approval.decision == Decision::Approved);
    assert_eq!((approval.by.as_deref(), approval.reason.as_deref()), (Some("ann"), Some("because")));
    assert_eq!(approval.decided_at, Some(f.moment()));
    f.advance_clock(2 * DAY);
    for approve in [false, true] {
        assert_eq!(decide(f, id, approve, "bob").await, (approval.clone(), false));
    }
    assert_eq!(asked(f, &run, FIRST).await.decision, Decision::Approved);
    assert!(f.store().decide(ApprovalId(Uuid::nil()), verdict(true, "ann")).await.unwrap().is_none());
    assert_eq!(f.store().end_approvals(10).await.unwrap(), 0, "what is decided does not end");
}

pub async fn of_many_at_once_one_decides(f: &impl Fixture) {
    let run = running(f).await;
    let id = asked(f, &run, FIRST).await.id;
    let other = f.second_store().await;
    let each = (0..16).map(|n| {
        let store = if n % 2 == 0 { f.store() } else { &*other };
        async move { store.decide(id, verdict(n % 3 == 0, &n.to_string())).await.unwrap().unwrap() }
    });
    let all = futures_util::future::join_all(each).await;
    assert_eq!(all.iter().filter(|(_, first)| *first).count(), 1);
    let decisions: Vec<_> = all.iter().map(|(approval, _)| (approval.decision, approval.by.clone())).collect();
    assert!(decisions.iter().all(|one| *one == decisions[0]), "{decisions:?}");
}

pub async fn a_decision_lets_the_job_go_on(f: &impl Fixture) {
    for approve in [true, false] {
        let run = running(f).await;
        let id = asked(f, &run, FIRST).await.id;
        pause(f, &run).await;
        assert_eq!(state(f, &run).await, JobState::Paused);
        decide(f, id, approve, "ann").await;
        let claimed = f.claim_one().await;
        assert_eq!(claimed.id(), run.claimed.id());
        let again = Running { run: open(f.store(), &claimed).await.unwrap().run, claimed };
        let wanted = if approve { Decision::Approved } else { Decision::Denied };
        assert_eq!(asked(f, &again, FIRST).await.decision, wanted);
        f.complete(&again.claimed).await;
    }
}

pub async fn a_job_decided_about_before_it_waits_is_found(f: &impl Fixture) {
    let run = running(f).await;
    let id = asked(f, &run, FIRST).await.id;
    decide(f, id, true, "ann").await;
    assert!(f.store().decided_jobs(10).await.unwrap().is_empty(), "it does not wait yet");
    pause(f, &run).await;
    assert_eq!(f.store().decided_jobs(10).await.unwrap(), [run.claimed.id()]);
    // Whoever resumes it finds what was decided, and nobody looks again.
    assert_eq!(f.store().resume(&[run.claimed.id()]).await.unwrap(), [true]);
    let claimed = f.claim_one().await;
    let again = Running { run: open(f.store(), &claimed).await.unwrap().run, claimed };
    assert_eq!(asked(f, &again, FIRST).await.decision, Decision::Approved);
    pause(f, &again).await;
    assert!(f.store().decided_jobs(10).await.unwrap().is_empty(), "it waits for something else");
}

pub async fn nobody_in_time_is_a_no(f: &impl Fixture) {
    let run = running(f).await;
    let (one, two) = (asked(f, &run, FIRST).await.id, asked(f, &run, step(1)).await.id);
    pause(f, &run).await;
    f.advance_clock(DAY - SECOND);
    assert_eq!(f.store().end_approvals(10).await.unwrap(), 0);
    f.advance_clock(SECOND);
    // Also where nobody has looked since.
    let (late, first) = decide(f, one, true, "ann").await;
    assert!(!first && late.decision == Decision::Expired && late.by.is_none());
    assert_eq!(f.store().end_approvals(10).await.unwrap(), 1);
    let found = f.store().list_approvals(Some(Decision::Expired), None, None, 10).await.unwrap();
    assert_eq!(found.iter().map(|one| one.id).collect::<Vec<_>>(), [two, one]);
    assert_eq!(f.store().decided_jobs(10).await.unwrap(), [run.claimed.id()]);
}

pub async fn an_approval_ends_with_its_job(f: &impl Fixture) {
    let run = running(f).await;
    let (one, two) = (asked(f, &run, FIRST).await.id, asked(f, &run, step(1)).await.id);
    pause(f, &run).await;
    f.store().cancel(&[run.claimed.id()]).await.unwrap();
    let (late, first) = decide(f, one, true, "ann").await;
    assert!(!first && late.decision == Decision::Ended);
    assert_eq!(f.store().end_approvals(10).await.unwrap(), 1);
    assert_eq!(f.store().end_approvals(10).await.unwrap(), 0);
    let ended = f.store().list_approvals(Some(Decision::Ended), None, None, 10).await.unwrap();
    assert_eq!(ended.iter().map(|one| one.id).collect::<Vec<_>>(), [two, one]);
    assert!(f.store().decided_jobs(10).await.unwrap().is_empty());
}

pub async fn a_run_that_was_left_waits_for_nobody(f: &impl Fixture) {
    let run = running(f).await;
    let id = asked(f, &run, FIRST).await.id;
    f.store().restart_run(run.lease(), start()).await.unwrap().unwrap();
    let (late, first) = decide(f, id, true, "ann").await;
    assert!(!first && late.decision == Decision::Ended);
    assert!(matches!(f.store().ask_approval(run.lease(), ask(&run, step(1))).await.unwrap(), Asked::LeaseLost));
}

pub async fn a_job_that_runs_again_asks_again(f: &impl Fixture) {
    let run = running(f).await;
    let id = asked(f, &run, FIRST).await.id;
    f.settle(&run.claimed, End::Failed(fault())).await;
    assert_eq!(f.store().end_approvals(10).await.unwrap(), 1);
    assert_eq!(f.store().retry(&[run.claimed.id()]).await.unwrap(), [true]);
    f.advance_clock(LEASE);
    let claimed = f.claim_one().await;
    let again = Running { run: open(f.store(), &claimed).await.unwrap().run, claimed };
    let anew = asked(f, &again, FIRST).await;
    assert_eq!((anew.id, anew.decision, anew.decided_at), (id, Decision::Pending, None));
    assert_eq!(anew.requested_at, f.moment());
    assert!(decide(f, id, true, "ann").await.1);
}

pub async fn approvals_go_with_their_job(f: &impl Fixture) {
    let run = running(f).await;
    asked(f, &run, FIRST).await;
    f.complete(&run.claimed).await;
    f.advance_clock(DAY);
    while f.store().prune(JobState::Completed, HOUR, 100).await.unwrap() > 0 {}
    assert!(f.store().list_approvals(None, None, None, 10).await.unwrap().is_empty());
}
