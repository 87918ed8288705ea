//! Reviews that earlier commands left behind when they were killed: the same one goes on where it was, so that nothing is
//! paid for again, and one of other commits ends.

use super::first;
use crate::{
    actions::Action,
    cli::{
        backend::{Backend, Direct},
        embedded::QUEUE,
        output,
    },
    exit::Failure,
};
use flotilla_jobs::{
    Filter, Job, JobId, JobRecord, JobState, NewJob, Options, Unique, UniqueScope,
    kinds::{CodeReview, Source},
};
use flotilla_workers::review::{self, Asked, Roots, Watch};

/// Labels of a review's job: what was asked for, and which commits that were.
const WORDS: &str = "review";
const COMMITS: &str = "commits";
/// Most reviews of the same words that are looked at, the newest first.
const MOST: u32 = 50;

/// What tells the review of a work tree from others. Where its repository cannot be read there is nothing to tell: the
/// review itself says why.
pub async fn asked(source: &Source) -> Option<Asked> {
    review::asked(source, &Roots::Anywhere.into(), &Watch::default()).await.ok().flatten()
}

/// Submits a review, unless the same one was left behind: then that one goes on. Answers which, and whether it was.
pub async fn submit(backend: &Direct, job: NewJob, asked: Option<&Asked>) -> Result<(JobId, bool), Failure> {
    let Some(Asked { words, commits }) = asked else {
        return Ok((first(&backend.submit(vec![job]).await?)?.id, false));
    };
    let labels = [(WORDS.to_owned(), words.clone())].into();
    let kind = Some(CodeReview::KIND.to_owned());
    let filter = Filter { queue: Some(QUEUE.to_owned()), kind, labels, ..Filter::default() };
    let found = backend.list(&filter, None, MOST).await?.jobs;
    let is_same = |job: &JobRecord| job.labels.get(COMMITS) == Some(commits);
    for old in found.iter().filter(|job| !job.state.is_terminal() && !is_same(job)) {
        backend.act(Action::Cancel, old.id).await?;
        output::note(&format!("an unfinished review of other commits of this work tree is cancelled ({})", old.id));
    }
    // One that was killed twice is taken for what killed its worker. Whoever follows it lets it go on.
    if let Some(left) = found.first().filter(|job| job.state == JobState::Quarantined && is_same(job)) {
        goes_on(left.id);
        return Ok((left.id, true));
    }
    let unique = Unique { key: format!("{words}/{commits}"), scope: UniqueScope::Unfinished };
    let labels = [(WORDS.to_owned(), words.clone()), (COMMITS.to_owned(), commits.clone())].into();
    let options = Options { unique: Some(unique), labels, ..Options::default() };
    let options = options.or(job.options.clone());
    let accepted = first(&backend.submit(vec![job.with(options)]).await?)?;
    if accepted.duplicate {
        goes_on(accepted.id);
    }
    Ok((accepted.id, accepted.duplicate))
}

fn goes_on(id: JobId) {
    output::note(&format!("the same review was begun before and goes on ({id})"));
}
