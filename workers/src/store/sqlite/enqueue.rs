//! Accepting jobs: the submits of many callers are written together.

use super::{
    keys::Keys,
    row::Place,
    tx::Tx,
    unit::{Args, Unit},
};
use crate::{
    clock::Millis,
    store::{Error, Submission},
};
use flotilla_jobs::Accepted;

static INSERT_JOB: Unit = Unit::new(include_str!("insert_job.sql"));
static INSERT_LABEL: Unit = Unit::new(include_str!("insert_label.sql"));

/// Accepts batches, each as a whole or not at all; answers in the order given.
pub(super) async fn enqueue(
    tx: &mut Tx<'_>,
    batches: &[&[Submission]],
) -> Result<Vec<Result<Vec<Accepted>, Error>>, Error> {
    let mut keys = Keys::load(tx, batches).await?;
    let mut new = Vec::new();
    let mut answers = Vec::with_capacity(batches.len());
    for batch in batches {
        answers.push(keys.accept(batch).map(|(accepted, mut fresh)| {
            new.append(&mut fresh);
            accepted
        }));
    }
    insert(tx, &new).await?;
    keys.write(tx).await?;
    tx.square().await?;
    Ok(answers)
}

/// Puts jobs without keys on record; the caller squares.
pub(super) async fn insert(tx: &mut Tx<'_>, new: &[&Submission]) -> Result<(), Error> {
    let now = tx.now;
    INSERT_JOB.run(tx.conn, new, |job, args| bind(job, now, args)).await?;
    let labels: Vec<_> = new.iter().flat_map(|job| job.spec.labels.iter().map(|label| (label, job.id.0))).collect();
    INSERT_LABEL.run(tx.conn, &labels, |((name, value), id), args| args.add(*name).add(*value).add(id).add(id)).await?;
    for job in new {
        tx.moved(&job.spec.queue, None, Some(place(job, now)));
        if let (Place::Line, Some(group)) = (place(job, now), &job.spec.group) {
            tx.line(&job.spec.queue, &group.key, 0);
        }
    }
    Ok(())
}

fn bind(job: &Submission, now: Millis, args: Args) -> Args {
    let spec = &job.spec;
    let labels = if spec.labels.is_empty() { None } else { serde_json::to_string(&spec.labels).ok() };
    let priority = spec.priority.get();
    let (group, limit) = (spec.group.as_ref().map(|g| g.key.as_str()), spec.group.as_ref().map(|g| g.limit));
    let args = args.add(job.id.0).add(&job.kind).add(&spec.queue).add(&spec.tenant).add(priority);
    let args = args.add(group).add(limit).add(now).add(spec.max_attempts).add(spec.timeout_ms as i64);
    let args = args.add(spec.backoff.base_ms as i64).add(spec.backoff.cap_ms as i64);
    let args = args.add(&spec.trace).add(labels).add(job.payload.get());
    let args = args.add(job.id.0).add(&spec.queue).add(priority).add(place(job, now) as i64).add(ready_at(job, now));
    args.add(group).add(limit)
}

fn ready_at(job: &Submission, now: Millis) -> Millis {
    job.spec.run_at.map_or(now, |at| at.as_millisecond().max(now))
}

fn place(job: &Submission, now: Millis) -> Place {
    if ready_at(job, now) > now {
        return Place::Scheduled;
    }
    Place::due(job.spec.group.as_ref().map(|g| g.key.as_str()))
}
