//! A store in a few lines of memory, built on the table of legal transitions: what the real ones must agree with.

use crate::fixture::LEASE;
use flotilla_jobs::{Attempts, Cause, Event, JobId, JobState};
use flotilla_workers::{
    clock::Millis,
    store::{CancelReply, End, QueueChange, QueueStats, Renewal, Settled, Submission},
};
use std::collections::BTreeMap;

/// Names a lease: it differs for every claim.
pub type Serial = u64;

#[derive(Debug)]
pub struct Job {
    pub state: JobState,
    pub attempts: Attempts,
    pub cancel: bool,
    /// Times it was given a final result, minus times an operator took that back.
    pub results: u32,
    kind: String,
    queue: String,
    priority: u8,
    group: Option<(String, u16)>,
    ready_at: Millis,
    /// Whether it holds a slot of its group.
    holds: bool,
    /// Whether the last worker that met it did not know its kind.
    parked: bool,
    lease: Option<(Serial, Millis)>,
}

impl Job {
    /// Moves it on. What the table does not allow is a mistake in the model, not in a store.
    fn fire(&mut self, event: Event) {
        let from = self.state;
        self.state = from.after(event).unwrap_or_else(|| panic!("{event:?} is not legal for a job that is {from}"));
        if self.state != JobState::Running {
            self.lease = None;
        }
        self.parked = false;
        if self.state.is_terminal() {
            self.results += 1;
            self.cancel = false;
        }
        if self.state.is_terminal() || self.state == JobState::Paused {
            self.holds = false;
        }
    }

    fn is_ready(&self) -> bool {
        self.state == JobState::Pending && (self.group.is_none() || self.holds)
    }
}

#[derive(Debug, Default)]
pub struct Model {
    pub jobs: BTreeMap<JobId, Job>,
    queues: BTreeMap<String, (bool, u32)>,
    serial: Serial,
}

impl Model {
    pub fn enqueue(&mut self, job: &Submission, now: Millis) {
        let spec = &job.spec;
        let ready_at = spec.run_at.map_or(now, |at| at.as_millisecond().max(now));
        let state = if ready_at > now { JobState::Scheduled } else { JobState::Pending };
        self.queues.entry(spec.queue.clone()).or_default();
        let new = Job {
            state,
            attempts: Attempts::default(),
            cancel: false,
            results: 0,
            kind: job.kind.clone(),
            queue: spec.queue.clone(),
            priority: spec.priority.get(),
            group: spec.group.as_ref().map(|g| (g.key.clone(), g.limit)),
            ready_at,
            holds: false,
            parked: false,
            lease: None,
        };
        self.jobs.insert(job.id, new);
        self.admit();
    }

    /// Gives every free slot of a group to the first in its line.
    fn admit(&mut self) {
        loop {
            let mut taken: BTreeMap<(&str, &str), u16> = BTreeMap::new();
            let mut first: BTreeMap<(&str, &str), (Millis, JobId, u16)> = BTreeMap::new();
            for (id, job) in &self.jobs {
                let Some((key, limit)) = &job.group else { continue };
                let group = (job.queue.as_str(), key.as_str());
                *taken.entry(group).or_default() += u16::from(job.holds);
                if job.state == JobState::Pending && !job.holds {
                    let next = (job.ready_at, *id, *limit);
                    first.entry(group).and_modify(|f| *f = next.min(*f)).or_insert(next);
                }
            }
            let free = |(group, (_, id, limit)): (&_, &_)| (taken[group] < *limit).then_some(*id);
            let Some(id) = first.iter().find_map(free) else { return };
            self.job(id).holds = true;
        }
    }

    fn job(&mut self, id: JobId) -> &mut Job {
        self.jobs.get_mut(&id).expect("the model knows the job")
    }

    /// Answers what was handed out, in order, under which names. Jobs it meets of kinds other than `kinds` it parks.
    pub fn claim(&mut self, queue: &str, max: u32, kinds: Option<&[&str]>, now: Millis) -> Vec<(JobId, Serial)> {
        let (paused, cap) = self.queues.get(queue).copied().unwrap_or_default();
        let running = self.jobs.values().filter(|j| j.queue == queue && j.state == JobState::Running).count();
        let room = if cap == 0 { usize::MAX } else { (cap as usize).saturating_sub(running) };
        if paused || room == 0 {
            return Vec::new();
        }
        let knows = |kind: &str| kinds.is_none_or(|kinds| kinds.contains(&kind));
        self.unpark(queue, max as usize, &knows);
        let mut claimed = Vec::new();
        for id in self.order(queue, |j| !j.parked) {
            if claimed.len() == room.min(max as usize) {
                break;
            }
            if !knows(&self.jobs[&id].kind) {
                self.job(id).parked = true;
                continue;
            }
            self.serial += 1;
            let serial = self.serial;
            let job = self.job(id);
            job.fire(Event::Claim);
            job.lease = Some((serial, now + LEASE.as_millis() as Millis));
            claimed.push((id, serial));
        }
        claimed
    }

    /// Ready jobs of a queue, in the order in which they run.
    fn order(&self, queue: &str, of: impl Fn(&Job) -> bool) -> Vec<JobId> {
        let ready = self.jobs.iter().filter(|(_, j)| j.queue == queue && j.is_ready() && of(j));
        let mut order: Vec<_> = ready.map(|(id, j)| (j.priority, j.ready_at, *id)).collect();
        order.sort_unstable();
        order.into_iter().map(|(_, _, id)| id).collect()
    }

    /// The first parked jobs of each kind that is known are met again.
    fn unpark(&mut self, queue: &str, max: usize, knows: &impl Fn(&str) -> bool) {
        let mut met: BTreeMap<String, usize> = BTreeMap::new();
        for id in self.order(queue, |j| j.parked && knows(&j.kind)) {
            let job = self.job(id);
            let met = met.entry(job.kind.clone()).or_default();
            *met += 1;
            job.parked = *met > max;
        }
    }

    /// Whether a lease still counts.
    pub fn holds(&self, id: JobId, serial: Serial) -> bool {
        self.jobs[&id].lease.is_some_and(|(s, _)| s == serial)
    }

    /// Whether a lease counts and has not expired: what becomes of it then depends on who comes first.
    pub fn is_live(&self, id: JobId, serial: Serial, now: Millis) -> bool {
        self.jobs[&id].lease.is_some_and(|(s, ends)| s == serial && ends > now)
    }

    pub fn renew(&mut self, id: JobId, serial: Serial, now: Millis) -> Renewal {
        if !self.holds(id, serial) {
            return Renewal::Lost;
        }
        let job = self.job(id);
        job.lease = Some((serial, now + LEASE.as_millis() as Millis));
        if job.cancel { Renewal::CancelAsked } else { Renewal::Kept }
    }

    pub fn settle(&mut self, id: JobId, serial: Serial, end: &End, now: Millis) -> Settled {
        if !self.holds(id, serial) {
            return Settled::LeaseLost;
        }
        let job = self.job(id);
        let event = match end {
            End::Completed(_) => Event::Complete,
            End::Failed(_) => Event::Fail,
            End::Cancelled(_) => Event::Cancel,
            End::Quarantined(_) => Event::Quarantine,
            _ if job.cancel => Event::Cancel,
            End::Retry(..) | End::Snoozed(_) => Event::Reschedule,
            End::HandedOver => Event::GiveBack,
            End::Paused(_) => Event::Pause,
        };
        if event == Event::Quarantine {
            job.attempts = job.attempts.plus(Cause::Crash);
        }
        if let (Some(cause), false) = (end.cause(), event == Event::Cancel) {
            job.attempts = job.attempts.plus(cause);
        }
        if let (End::Retry(_, delay) | End::Snoozed(delay), Event::Reschedule) = (end, event) {
            job.ready_at = now + delay.as_millis() as Millis;
        }
        job.fire(event);
        let state = job.state;
        self.admit();
        Settled::Recorded(state)
    }

    pub fn cancel(&mut self, id: JobId) -> CancelReply {
        let job = self.job(id);
        if job.state.is_terminal() {
            return CancelReply::AlreadyFinished;
        }
        if job.state == JobState::Running {
            job.cancel = true;
            return CancelReply::Asked;
        }
        job.fire(Event::Cancel);
        self.admit();
        CancelReply::Cancelled
    }

    pub fn retry(&mut self, ids: &[JobId], now: Millis) -> Vec<bool> {
        self.restart(ids, Event::Retry, now)
    }

    pub fn resume(&mut self, ids: &[JobId], now: Millis) -> Vec<bool> {
        self.restart(ids, Event::Resume, now)
    }

    fn restart(&mut self, ids: &[JobId], event: Event, now: Millis) -> Vec<bool> {
        let mut done = Vec::new();
        for id in ids {
            let job = self.job(*id);
            done.push(job.state.after(event).is_some());
            if job.state.after(event).is_some() {
                if event == Event::Retry {
                    job.results -= 1;
                    job.attempts = Attempts::default();
                }
                job.fire(event);
                job.ready_at = now;
            }
        }
        self.admit();
        done
    }

    /// Answers how many became ready.
    pub fn promote(&mut self, now: Millis) -> u32 {
        let due = self.jobs.values_mut().filter(|j| j.state == JobState::Scheduled && j.ready_at <= now);
        let mut moved = 0;
        for job in due {
            job.fire(Event::Due);
            moved += 1;
        }
        self.admit();
        moved
    }

    /// Answers what became of jobs whose leases had expired.
    pub fn rescue(&mut self, now: Millis) -> Vec<(JobId, JobState)> {
        let mut rescued = Vec::new();
        for (id, job) in &mut self.jobs {
            if job.lease.is_some_and(|(_, ends)| ends <= now) {
                let quarantines = job.attempts.crash_quarantines();
                match () {
                    () if job.cancel => job.fire(Event::Cancel),
                    () if quarantines => job.fire(Event::Quarantine),
                    () => job.fire(Event::GiveBack),
                }
                // The run that ends a job is its result, not one of the attempts before it; but for the crash that
                // quarantines it, which counts.
                if job.state != JobState::Cancelled {
                    job.attempts = job.attempts.plus(Cause::Crash);
                }
                rescued.push((*id, job.state));
            }
        }
        self.admit();
        rescued
    }

    pub fn configure(&mut self, queue: &str, change: QueueChange) {
        let (paused, cap) = self.queues.entry(queue.to_owned()).or_default();
        *paused = change.paused.unwrap_or(*paused);
        *cap = change.cap.unwrap_or(*cap);
    }

    pub fn stats(&self, now: Millis) -> Vec<QueueStats> {
        let count =
            |name: &str, state| self.jobs.values().filter(|j| j.queue == name && j.state == state).count() as u64;
        let oldest = |name: &str| {
            let pending = self.jobs.values().filter(|j| j.queue == name && j.state == JobState::Pending);
            pending.map(|j| (now - j.ready_at) as u64).max()
        };
        let parked = |name: &str| {
            let mut kinds = BTreeMap::new();
            for job in self.jobs.values().filter(|j| j.queue == name && j.parked) {
                *kinds.entry(job.kind.clone()).or_default() += 1;
            }
            kinds
        };
        let stats = |(name, (paused, cap)): (&String, &(bool, u32))| QueueStats {
            name: name.clone(),
            paused: *paused,
            cap: (*cap > 0).then_some(*cap),
            scheduled: count(name, JobState::Scheduled),
            pending: count(name, JobState::Pending),
            running: count(name, JobState::Running),
            paused_jobs: count(name, JobState::Paused),
            oldest_pending_ms: oldest(name),
            waiting_for_worker: parked(name),
        };
        self.queues.iter().map(stats).collect()
    }
}
