//! Recording how runs ended: result first, then acknowledge.

use super::Remote;
use crate::sessions::{Left, SessionId};
use crate::store::{
    End, Error, Lease, Settle, Settled,
    ending::Ending,
    postgres::{Again, Finish, GiveBack, OpenJob},
    redis::{Back, Head, MAX_SCRIPT_BATCH, Then},
};
use flotilla_jobs::{JobId, JobState};
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
};

/// What became of the jobs whose ends the record took.
type Recorded = HashMap<JobId, Now>;

/// Where a job is after its run ended.
struct Now {
    state: JobState,
    then: Then,
}

/// A job and the run of it that ended.
type Given = (JobId, u32);

impl Remote {
    pub(super) async fn do_settle(&self, mut ends: Vec<Settle>) -> Result<Vec<Settled>, Error> {
        let given: Vec<Given> = ends.iter().map(given).collect();
        let counting = counting(&given);
        let mut place = 0..;
        ends.retain(|e| place.next() == counting.get(&e.lease.job).copied());
        let recorded = if ends.iter().all(|e| e.end.terminal().is_some() && e.left.is_none()) {
            self.record_results(&ends).await?
        } else {
            self.record_mixed(&ends).await?
        };
        let moved_on = self.moved_on(&ends, &recorded).await;
        self.acknowledge(&ends, &recorded, moved_on.as_ref()).await;
        let settled = |(i, (job, _)): (usize, &Given)| match recorded.get(job) {
            Some(now) if counting[job] == i => Settled::Recorded(now.state),
            _ => Settled::LeaseLost,
        };
        Ok(given.iter().enumerate().map(settled).collect())
    }

    /// The hot path: every end is final, so the record takes them in one statement.
    async fn record_results(&self, ends: &[Settle]) -> Result<Recorded, Error> {
        let finishes: Vec<Finish<'_>> = ends.iter().filter_map(|e| finish(e, false)).collect();
        let done = self.record.finish(&finishes).await?;
        Ok(finishes
            .iter()
            .filter(|f| done.contains(&f.id))
            .map(|f| (f.id, Now { state: f.state, then: Then::Drop }))
            .collect())
    }

    /// Some jobs will run again, unless someone asked to cancel them, or leave something in a session; so they are looked
    /// at under a lock.
    async fn record_mixed(&self, ends: &[Settle]) -> Result<Recorded, Error> {
        let ids: Vec<JobId> = ends.iter().map(|e| e.lease.job).collect();
        let mut change = self.record.change().await?;
        let left: Vec<(JobId, &Left)> = ends.iter().filter_map(|e| Some((e.lease.job, e.left.as_ref()?))).collect();
        let sessions: Vec<SessionId> = left.iter().map(|(_, left)| left.session).collect();
        let now = if left.is_empty() { 0 } else { change.lock_sessions(&sessions).await? };
        let cancelled: HashSet<JobId> =
            change.lock(&ids).await?.into_iter().filter(|o| o.cancel).map(|o| o.id).collect();

        let finishes: Vec<Finish<'_>> =
            ends.iter().filter_map(|e| finish(e, cancelled.contains(&e.lease.job))).collect();
        let backs: Vec<GiveBack<'_>> =
            ends.iter().filter(|e| !cancelled.contains(&e.lease.job)).filter_map(give_back).collect();
        let ended = change.finish(&finishes).await?;
        let ready = change.give_back(&backs).await?;
        let left: Vec<_> = left.into_iter().filter(|(job, _)| ended.contains(job)).collect();
        if !left.is_empty() {
            change.leave(&left, now).await?;
        }
        change.commit().await?;

        let mut recorded: Recorded = HashMap::with_capacity(ends.len());
        for f in finishes.iter().filter(|f| ended.contains(&f.id)) {
            recorded.insert(f.id, Now { state: f.state, then: Then::Drop });
        }
        for e in ends {
            if let Some(at) = ready.get(&e.lease.job) {
                recorded.entry(e.lease.job).or_insert_with(|| given_back(&e.end, *at));
            }
        }
        Ok(recorded)
    }

    /// Jobs whose ends the record did not expect and that are unfinished all the same. Its lease is lost, or this very end
    /// was recorded before and only the answer was lost; should the queue still have the lease, the job must stay in it.
    async fn moved_on(&self, ends: &[Settle], recorded: &Recorded) -> Option<HashMap<JobId, OpenJob>> {
        let ids: Vec<JobId> = ends.iter().map(|e| e.lease.job).filter(|id| !recorded.contains_key(id)).collect();
        if ids.is_empty() {
            return Some(HashMap::new());
        }
        let loaded = self.record.load_open(&ids).await;
        let loaded = loaded.inspect_err(|error| tracing::warn!(%error, "cannot tell what became of lost leases"));
        Some(loaded.ok()?.into_iter().map(|l| (l.open.id, l.open)).collect())
    }

    /// Tells the queue. Never fails: the record has it, and an unacknowledged lease expires into a rescue that finds
    /// the job finished or given back.
    async fn acknowledge(&self, ends: &[Settle], recorded: &Recorded, moved_on: Option<&HashMap<JobId, OpenJob>>) {
        let mut finished: BTreeMap<&str, Vec<&Lease>> = BTreeMap::new();
        let mut back: BTreeMap<&str, Vec<Back<'_>>> = BTreeMap::new();
        for e in ends {
            match recorded.get(&e.lease.job) {
                Some(now) if !now.state.is_terminal() => {
                    back.entry(&e.lease.queue).or_default().push(queue_back(e, now.then));
                }
                Some(_) => finished.entry(&e.lease.queue).or_default().push(&e.lease),
                // A lost lease: should the queue still have this very one, it hears what the record says.
                None => match moved_on.map(|open| open.get(&e.lease.job)) {
                    Some(Some(open)) => back.entry(&e.lease.queue).or_default().push(queue_again(e, open)),
                    Some(None) => finished.entry(&e.lease.queue).or_default().push(&e.lease),
                    None => {}
                },
            }
        }
        for (queue, leases) in finished {
            for part in leases.chunks(MAX_SCRIPT_BATCH) {
                let pairs: Vec<(&str, u64)> = part.iter().map(|l| (&*l.ticket, l.token)).collect();
                let ids: Vec<JobId> = part.iter().map(|l| l.job).collect();
                log(queue, self.queues.finish(queue, &pairs, &ids).await);
            }
        }
        for (queue, backs) in back {
            for part in backs.chunks(MAX_SCRIPT_BATCH) {
                let ids: Vec<JobId> = part.iter().filter_map(|b| crate::store::redis::id_of(b.ticket)).collect();
                log(queue, self.queues.give_back(queue, part, &ids).await);
            }
        }
    }
}

fn given(settle: &Settle) -> Given {
    (settle.lease.job, settle.lease.run)
}

/// Of several ends of one job at most one counts: that of its last run, and of two of that the first. Answers its
/// place.
fn counting(given: &[Given]) -> HashMap<JobId, usize> {
    let mut counting: HashMap<JobId, usize> = HashMap::with_capacity(given.len());
    for (i, (job, run)) in given.iter().enumerate() {
        let place = counting.entry(*job).or_insert(i);
        if *run > given[*place].1 {
            *place = i;
        }
    }
    counting
}

/// The final result of a run, or of any run of a job that someone asked to cancel.
fn finish(settle: &Settle, cancel: bool) -> Option<Finish<'_>> {
    let Ending { state, output, error } = settle.end.ending(cancel)?;
    Some(Finish {
        id: settle.lease.job,
        run: settle.lease.run,
        state,
        worker: &settle.lease.worker,
        started_at: Some(settle.started_at),
        output,
        error,
    })
}

fn give_back(settle: &Settle) -> Option<GiveBack<'_>> {
    let cause = settle.end.cause()?;
    let (error, paused, again) = match &settle.end {
        End::Retry(fault, delay) => (Some(fault), None, Again::In(delay.as_millis() as i64)),
        End::Snoozed(delay) => (None, None, Again::In(delay.as_millis() as i64)),
        End::Paused(reason) => (None, Some(reason.as_str()), Again::At(settle.lease.ready_at)),
        _ => (None, None, Again::At(settle.lease.ready_at)),
    };
    Some(GiveBack {
        id: settle.lease.job,
        run: settle.lease.run,
        cause,
        worker: &settle.lease.worker,
        started_at: Some(settle.started_at),
        error: error.map(Cow::Borrowed),
        again,
        attempts: settle.lease.attempts.plus(cause),
        paused,
    })
}

fn given_back(end: &End, at: i64) -> Now {
    match end {
        End::Paused(_) => Now { state: JobState::Paused, then: Then::Drop },
        End::Retry(..) | End::Snoozed(_) => Now { state: JobState::Scheduled, then: Then::Delay(at) },
        _ => Now { state: JobState::Pending, then: Then::Ready(at) },
    }
}

fn queue_back(settle: &Settle, then: Then) -> Back<'_> {
    let attempts = settle.end.cause().map_or(settle.lease.attempts, |cause| settle.lease.attempts.plus(cause));
    Back {
        ticket: &settle.lease.ticket,
        token: settle.lease.token,
        head: Head { run: settle.lease.run + 1, attempts },
        then,
    }
}

/// A job that goes on as the record has it.
fn queue_again<'a>(settle: &'a Settle, open: &OpenJob) -> Back<'a> {
    Back {
        ticket: &settle.lease.ticket,
        token: settle.lease.token,
        head: Head { run: open.run, attempts: open.attempts },
        then: Then::Delay(open.ready_at),
    }
}

fn log(queue: &str, result: Result<(), Error>) {
    if let Err(error) = result {
        tracing::warn!(%error, queue, "results are on record but the queue does not know; their leases will expire");
    }
}
