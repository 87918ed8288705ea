//! Asks several questions side by side.

use super::mind::{Mind, Unanswered};
use flotilla_jobs::Fault;
use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Told after each answer: how many there are, how many there will be, and what comes now.
pub(crate) type Say<'s> = dyn Fn(u64, u64, &str) + Send + Sync + 's;

/// Questions that are open at a time.
const AT_ONCE: usize = 4;

/// Failures of one conversation; any other would be that of the next one too.
const OF_ITS_OWN: [&str; 4] = ["bad_answer", "stuck", "too_long", "refused"];

/// A question.
pub(super) struct Ask {
    pub thread: u32,
    pub part: &'static str,
    pub vars: Value,
}

/// The answers, in the order of the questions. Where one ends everything, those that are open are heard out, since they
/// are paid for, and no other is asked.
pub(super) async fn all<M: Mind>(
    mind: &M,
    asks: Vec<Ask>,
    what: &str,
    before: u64,
    say: &Say<'_>,
) -> Result<Vec<Result<Value, Fault>>, M::Halt> {
    let count = asks.len() as u64;
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    if count > 0 {
        say(before, before + count, &format!("asking a model: 1 of {count} {what}"));
    }
    let (stop_ref, done_ref) = (&stop, &done);
    let open = asks.into_iter().map(|ask| async move {
        if stop_ref.load(Ordering::Relaxed) {
            return None;
        }
        let answer = mind.ask(ask.thread, ask.part, &ask.vars).await;
        let ends = match &answer {
            Ok(_) => false,
            Err(Unanswered::Failed(fault)) => !OF_ITS_OWN.contains(&fault.code.as_str()),
            Err(Unanswered::Halted(_)) => true,
        };
        stop_ref.fetch_or(ends, Ordering::Relaxed);
        let done = done_ref.fetch_add(1, Ordering::Relaxed) + 1;
        say(before + done, before + count, &format!("a model answered: {done} of {count} {what}"));
        Some(answer)
    });
    let answers: Vec<_> = stream::iter(open).buffered(AT_ONCE).collect().await;
    let mut heard = Vec::with_capacity(answers.len());
    let mut last = None;
    for answer in answers {
        heard.push(match answer {
            Some(Ok(value)) => Ok(value),
            Some(Err(Unanswered::Failed(fault))) => {
                last = Some(fault.clone());
                Err(fault)
            }
            Some(Err(Unanswered::Halted(halt))) => return Err(halt),
            None => Err(last.clone().unwrap_or_else(|| Fault::new("not_asked", "an earlier question had no answer"))),
        });
    }
    Ok(heard)
}
