//! The gate before a line that says what a test wants it to.

use super::*;
use crate::{
    admission::{BreakerLimits, Lane, LaneLimits, LaneState},
    metrics::Metrics,
};
use async_trait::async_trait;
use std::{collections::VecDeque, sync::Mutex};

type Answer = Result<Admitted, Error>;

#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    left: Mutex<Vec<String>>,
    used: Mutex<Vec<Used>>,
}

#[async_trait]
impl Admission for Script {
    async fn admit(&self, _: &Ask) -> Answer {
        self.answers.lock().unwrap().pop_front().expect("nobody asks more often")
    }

    async fn release(&self, _: Permit, used: Used) -> Result<(), Error> {
        self.used.lock().unwrap().push(used);
        Ok(())
    }

    async fn leave(&self, _: &Lane, holder: &str) -> Result<(), Error> {
        self.left.lock().unwrap().push(holder.to_owned());
        Ok(())
    }

    async fn lanes(&self) -> Result<Vec<LaneState>, Error> {
        Ok(Vec::new())
    }
}

fn ask() -> Ask {
    Ask {
        lane: Lane { provider: "one".into(), key: "main".into(), model: "large".into() },
        limits: LaneLimits::default(),
        breaker: BreakerLimits { failures: 3, rest: Duration::from_secs(30) },
        holder: "job/1".into(),
        input: 10,
        output: 10,
        lease: Duration::from_mins(1),
    }
}

#[allow(clippy::unnecessary_wraps, reason = "answers of a script are of one type")]
fn wait(ms: u64, why: Why) -> Answer {
    Ok(Admitted::Wait { wait: Duration::from_millis(ms), why })
}

#[allow(clippy::unnecessary_wraps, reason = "answers of a script are of one type")]
fn go() -> Answer {
    Ok(Admitted::Go(Permit::of(&ask())))
}

fn away() -> Answer {
    Err(Error::Unavailable { what: "redis", detail: "gone".to_owned() })
}

fn gate(answers: impl IntoIterator<Item = Answer>) -> (Gate, Arc<Script>, Arc<Metrics>) {
    let script = Arc::new(Script { answers: Mutex::new(answers.into_iter().collect()), ..Script::default() });
    let metrics = Metrics::new();
    let gate = Gate { patience: Duration::from_millis(400), ..Gate::new(script.clone(), metrics.agents()) };
    (gate, script, metrics)
}

fn failure(class: Class) -> ModelError {
    ModelError::new("one", class, "")
}

#[tokio::test]
async fn short_waits_are_waited_in_place() {
    let (gate, script, metrics) = gate([wait(20, Why::Rate), wait(25, Why::Streams), go()]);
    let start = Instant::now();
    let Entry::Go(pass) = gate.enter(&ask(), &CancellationToken::new()).await.unwrap() else { panic!("it goes") };
    assert!(start.elapsed() >= Duration::from_millis(45));
    pass.done(Used::default()).await;
    assert_eq!(script.used.lock().unwrap().len(), 1);
    let text = metrics.render();
    assert!(text.contains(r#"flotilla_admission_wait_seconds_count{provider="one",why="streams"} 1"#), "{text}");
}

#[tokio::test]
async fn whoever_would_wait_longer_is_put_off_at_once() {
    let (gate, script, _) = gate([wait(300, Why::Rate), wait(101, Why::Breaker)]);
    let entry = gate.enter(&ask(), &CancellationToken::new()).await.unwrap();
    assert!(matches!(entry, Entry::Snooze(wait, Why::Breaker) if wait == Duration::from_millis(101)), "{entry:?}");
    assert!(script.left.lock().unwrap().is_empty(), "it keeps its place");
}

#[tokio::test]
async fn whoever_is_cancelled_leaves_the_line() {
    let (gate, script, _) = gate([wait(300, Why::Rate)]);
    let stop = CancellationToken::new();
    stop.cancel();
    assert!(matches!(gate.enter(&ask(), &stop).await.unwrap(), Entry::Cancelled));
    assert_eq!(*script.left.lock().unwrap(), ["job/1"]);
}

#[tokio::test]
async fn a_store_that_is_away_is_asked_again_for_a_while() {
    let (back, ..) = gate([away(), away(), go()]);
    assert!(matches!(back.enter(&ask(), &CancellationToken::new()).await.unwrap(), Entry::Go(_)));
    let (gone, ..) = gate((0..11).map(|_| away()));
    assert!(gone.enter(&ask(), &CancellationToken::new()).await.unwrap_err().is_transient());
}

#[tokio::test]
async fn a_call_that_never_fits_is_told_at_once() {
    let answer = Admitted::TooLarge { limit: "streams", allowed: 0, needed: 1 };
    let (gate, ..) = gate([Ok(answer)]);
    let entry = gate.enter(&ask(), &CancellationToken::new()).await.unwrap();
    assert!(matches!(entry, Entry::TooLarge { limit: "streams", allowed: 0, needed: 1 }));
}

#[test]
fn an_answer_says_what_was_used() {
    let usage = Usage { input: 5, cache_read: 7, output: 3, reasoning: 2, ..Usage::default() };
    let used = used_by_answer(Some(&usage), Told::default());
    assert_eq!((used.input, used.output, used.healthy, used.open), (Some(12), Some(3), Some(true), false));
    let used = used_by_answer(None, Told::default());
    assert_eq!((used.input, used.output), (None, None), "the estimate stays");
}

#[test]
fn each_failure_says_what_it_says_about_its_provider() {
    for (class, healthy, sleeps, open) in [
        (Class::Unreachable, Some(false), false, false),
        (Class::Overloaded, Some(false), false, false),
        (Class::RateLimited, None, true, false),
        (Class::Exhausted, None, false, true),
        (Class::Denied, None, false, true),
        (Class::TooLong, None, false, false),
        (Class::Invalid, None, false, false),
        (Class::Cut, Some(false), false, false),
        (Class::Cancelled, None, false, false),
    ] {
        let used = used_by_failure(&failure(class));
        assert_eq!((used.healthy, used.sleep.is_some(), used.open), (healthy, sleeps, open), "{class:?}");
    }
    let asked = ModelError { retry_after: Some(Duration::from_secs(20)), ..failure(Class::RateLimited) };
    assert_eq!(used_by_failure(&asked).sleep, Some(Duration::from_secs(20)));
    assert_eq!(used_by_failure(&failure(Class::RateLimited)).sleep, Some(Duration::from_secs(1)));
}

#[test]
fn a_failure_gives_back_what_it_cannot_have_used() {
    let used = |error: &ModelError| {
        let used = used_by_failure(error);
        (used.input, used.output)
    };
    assert_eq!(used(&failure(Class::Unreachable)), (Some(0), Some(0)));
    assert_eq!(used(&failure(Class::Cancelled)), (None, Some(0)));
    assert_eq!(used(&ModelError { begun: true, ..failure(Class::Cut) }), (None, None));
    let usage = Some(Usage { input: 5, output: 3, ..Usage::default() });
    assert_eq!(used(&ModelError { usage, begun: true, ..failure(Class::Cut) }), (Some(5), Some(3)));
}
