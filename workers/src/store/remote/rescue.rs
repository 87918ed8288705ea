//! Taking jobs back from workers that lost them: the crash is on record before the job can run again.

use super::Remote;
use crate::store::{
    Error, Rescued,
    ending::crash,
    postgres::{Again, Change, Finish, GiveBack, OpenJob},
    redis::{self, Back, Expired, Head, Then},
};
use flotilla_jobs::{Cause, JobId, JobState};
use std::{collections::HashMap, time::Duration};

/// How long a rescuer has before its own lease on the jobs expires: so much longer a job waits whose rescuer dies as well.
/// One that is slower does no harm, since the record's fence lets only the first count the crash.
const GRACE: Duration = Duration::from_secs(5);

/// How long workers have to renew their leases once the queue answers again, before what has run out is taken from
/// them. They try every 5 s at the latest, so whoever has not by then is gone.
const AFTER_OUTAGE: Duration = Duration::from_secs(6);

impl Remote {
    /// Whether leases may have run out only because nobody could renew them.
    pub(super) async fn is_after_outage(&self) -> bool {
        self.queues.steady_for().await < AFTER_OUTAGE
    }

    pub(super) async fn rescue_queue(&self, queue: &str, batch: u32) -> Result<Vec<Rescued>, Error> {
        // From here on the old leases are dead, for their workers and for other rescuers.
        let (token, expired) = self.queues.expire(queue, batch, GRACE).await?;
        if expired.is_empty() {
            return Ok(Vec::new());
        }
        let fates = self.record_crashes(&expired).await?;
        let backs: Vec<Back<'_>> = expired.iter().map(|e| back(e, token, &fates)).collect();
        let ids: Vec<JobId> = fates.keys().copied().collect();
        self.queues.give_back(queue, &backs, &ids).await?;

        let worker = |id: JobId| expired.iter().find(|e| redis::id_of(&e.ticket) == Some(id)).map(|e| e.worker.clone());
        Ok(fates
            .iter()
            .filter(|(_, fate)| fate.crashed)
            .map(|(id, fate)| Rescued { job: *id, worker: worker(*id).unwrap_or_default(), state: fate.state })
            .collect())
    }

    async fn record_crashes(&self, expired: &[Expired]) -> Result<HashMap<JobId, Fate>, Error> {
        let by_id: HashMap<JobId, &Expired> =
            expired.iter().filter_map(|e| redis::id_of(&e.ticket).map(|id| (id, e))).collect();
        let ids: Vec<JobId> = by_id.keys().copied().collect();
        let mut change = self.record.change().await?;
        let open = change.lock(&ids).await?;

        let mut fates = HashMap::with_capacity(open.len());
        let (mut ended, mut again) = (Vec::new(), Vec::new());
        for job in &open {
            let Some(lost) = by_id.get(&job.id) else { continue };
            if let Some(wrong) = &job.broken {
                self.record.damage.met(format!("job {}", job.id), wrong, "it has failed");
            }
            let fate = Fate::decide(job, lost);
            match fate.state {
                JobState::Pending if fate.crashed => again.push((job, lost)),
                JobState::Pending | JobState::Paused => {}
                _ => ended.push((job, lost, fate.state)),
            }
            fates.insert(job.id, fate);
        }
        write(&mut change, &ended, &again).await?;
        change.commit().await?;
        Ok(fates)
    }
}

/// What becomes of a job whose lease expired.
#[derive(Clone, Copy)]
struct Fate {
    state: JobState,
    head: Head,
    ready_at: i64,
    /// Whether this crash is new, rather than one that an earlier rescuer put on record before it died itself.
    crashed: bool,
}

impl Fate {
    fn decide(job: &OpenJob, lost: &Expired) -> Self {
        let crashed = lost.head.is_none_or(|h| h.run == job.run) && !job.paused && job.broken.is_none();
        let after = if crashed { job.attempts.plus(Cause::Crash) } else { job.attempts };
        let state = match () {
            () if job.cancel => JobState::Cancelled,
            () if job.broken.is_some() => JobState::Failed,
            () if job.paused => JobState::Paused,
            () if crashed && job.attempts.crash_quarantines() => JobState::Quarantined,
            () => JobState::Pending,
        };
        let head = Head { run: job.run.wrapping_add(u32::from(crashed)), attempts: after };
        Self { state, head, ready_at: job.ready_at, crashed }
    }
}

/// The queue's side of a job's fate; a job that is not on record as unfinished leaves the queue.
fn back<'a>(expired: &'a Expired, token: u64, fates: &HashMap<JobId, Fate>) -> Back<'a> {
    let fate = redis::id_of(&expired.ticket).and_then(|id| fates.get(&id));
    let (head, then) = match fate {
        Some(fate) if fate.state == JobState::Pending => {
            // A crash keeps the place the queue gave the job. Otherwise its worker gave it back and only the queue did
            // not hear: it waits as long as the record says.
            (fate.head, if fate.crashed { Then::Ready(expired.ready_at) } else { Then::Delay(fate.ready_at) })
        }
        _ => (Head::default(), Then::Drop),
    };
    Back { ticket: &expired.ticket, token, head, then }
}

async fn write(
    change: &mut Change,
    ended: &[(&OpenJob, &&Expired, JobState)],
    again: &[(&OpenJob, &&Expired)],
) -> Result<(), Error> {
    let finishes: Vec<Finish<'_>> = ended
        .iter()
        .map(|(job, lost, state)| Finish {
            state: *state,
            error: match state {
                JobState::Quarantined => Some(crash()),
                JobState::Failed => job.fault(),
                _ => None,
            },
            ..Finish::cancelled(job.id, job.run, &lost.worker)
        })
        .collect();
    let backs: Vec<GiveBack<'_>> = again
        .iter()
        .map(|(job, lost)| GiveBack {
            id: job.id,
            run: job.run,
            cause: Cause::Crash,
            worker: &lost.worker,
            started_at: None,
            error: Some(crash()),
            again: Again::At(lost.ready_at),
            attempts: job.attempts.plus(Cause::Crash),
            paused: None,
        })
        .collect();
    change.finish(&finishes).await?;
    change.give_back(&backs).await?;
    Ok(())
}
