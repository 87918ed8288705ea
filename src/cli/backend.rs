//! Where jobs are managed: a store that this process opened, or a server.

use crate::{
    actions::{Action, Done},
    conversations::{self, Forked},
    exit::{Exit, Failure},
    follow::Followers,
    spending,
};
use async_trait::async_trait;
use flotilla_jobs::{
    Accepted, Enqueue, Filter, JobEvent, JobId, JobRecord, NewJob, Page, Session, SessionId, SessionPage,
    api::{
        Approval, ApprovalId, ArchiveIdle, ArchiveReply, BudgetState, Decision, Entries, EntriesFrom, ForkSession,
        JobStep, JobSteps, LaneStats, QueueChange, QueueStats, Say, Spend, SpendQuery, StepPlace, Swept, Transcript,
    },
};
use flotilla_workers::{
    agents::{budget::Budgets, transcript},
    approvals::{self, Verdict},
    archive::Archive,
    producer::Producer,
    store::Store,
};
use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use std::sync::Arc;

/// Calls on a page of what agents did.
pub const STEPS: u32 = 500;
/// Entries of a session on a page.
pub const ENTRIES: u32 = 200;
/// Steps on a page of what was said.
pub const SAID: u32 = 50;

/// What the commands need.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Hands in jobs; all are accepted, or none.
    async fn submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Accepted>, Failure>;

    /// One job with everything about it.
    async fn get(&self, id: JobId) -> Result<Option<JobRecord>, Failure>;

    /// One page of what agents did for a job.
    async fn steps(&self, id: JobId, after: Option<StepPlace>) -> Result<JobSteps, Failure>;

    /// One page of what was said in its runs.
    async fn transcript(&self, id: JobId, after: Option<StepPlace>) -> Result<Transcript, Failure>;

    /// One page of jobs, newest first.
    async fn list(&self, filter: &Filter, after: Option<JobId>, limit: u32) -> Result<Page, Failure>;

    /// Does something to one job; `None` where there is none of that id.
    async fn act(&self, action: Action, id: JobId) -> Result<Option<Done>, Failure>;

    /// Does something to a bounded number of jobs that match.
    async fn sweep(&self, action: Action, filter: &Filter) -> Result<Swept, Failure>;

    /// Every queue.
    async fn queues(&self) -> Result<Vec<QueueStats>, Failure>;

    /// Changes a queue for the whole fleet.
    async fn configure_queue(&self, queue: &str, change: QueueChange) -> Result<(), Failure>;

    /// What models cost.
    async fn spend(&self, query: &SpendQuery) -> Result<Spend, Failure>;

    /// Budgets that are limited, and how full they are.
    async fn budgets(&self) -> Result<Vec<BudgetState>, Failure>;

    /// What goes on at each provider.
    async fn providers(&self) -> Result<Vec<LaneStats>, Failure>;

    /// One page of sessions, the newest first.
    async fn sessions(
        &self,
        tenant: Option<&str>,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<SessionPage, Failure>;

    /// One session.
    async fn session(&self, id: SessionId) -> Result<Option<Session>, Failure>;

    /// One page of what was said in a session; `None` where there is none of that id.
    async fn entries(&self, id: SessionId, from: EntriesFrom) -> Result<Option<Entries>, Failure>;

    /// Opens a session with what another one has up to an entry.
    async fn fork_session(&self, id: SessionId, fork: ForkSession) -> Result<Session, Failure>;

    /// Takes a session to the archive; `None` where there is none of that id.
    async fn archive_session(&self, id: SessionId) -> Result<Option<ArchiveReply>, Failure>;

    /// Takes some of the sessions that nobody spoke in for so long to the archive.
    async fn archive_idle(&self, idle: ArchiveIdle) -> Result<Swept, Failure>;

    /// Brings a session back, where it is archived.
    async fn restore_session(&self, id: SessionId) -> Result<Option<Session>, Failure>;

    /// Deletes a session with all that was said in it; answers whether it was there.
    async fn delete_session(&self, id: SessionId) -> Result<bool, Failure>;

    /// The newest approvals: in this state only, and of this job only, where it is said.
    async fn approvals(
        &self,
        state: Option<Decision>,
        job: Option<JobId>,
        limit: u32,
    ) -> Result<Vec<Approval>, Failure>;

    /// Decides about a call of a tool; says why not where it is decided otherwise, and `None` where there is none.
    async fn decide(
        &self,
        id: ApprovalId,
        approve: bool,
        say: Say,
    ) -> Result<Option<Result<Approval, String>>, Failure>;

    /// News of a job, until it has ended; an outage is waited out.
    fn follow(&self, id: JobId, after: u64) -> BoxStream<'static, Result<JobEvent, Failure>>;

    /// Ends what runs in the background.
    async fn close(&self);
}

/// A store of our own. Cheap to clone.
#[derive(Clone)]
pub struct Direct {
    pub store: Arc<dyn Store>,
    pub producer: Producer,
    pub followers: Arc<Followers>,
    /// What agents may spend.
    pub budgets: Budgets,
    /// Where sessions go that nobody spoke in for long.
    pub archive: Option<Arc<Archive>>,
}

impl Direct {
    fn archive(&self) -> Result<&Archive, Failure> {
        let wanted =
            "there is no archive: set sessions.archive_url (FLOTILLA_SESSIONS__ARCHIVE_URL), as the workers do";
        self.archive.as_deref().ok_or_else(|| Failure::usage(wanted))
    }
}

#[async_trait]
impl Backend for Direct {
    async fn submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Accepted>, Failure> {
        Ok(self.producer.submit(jobs).await?)
    }

    async fn get(&self, id: JobId) -> Result<Option<JobRecord>, Failure> {
        Ok(self.store.get(id).await?)
    }

    async fn steps(&self, id: JobId, after: Option<StepPlace>) -> Result<JobSteps, Failure> {
        let steps = self.store.trail(id, after, STEPS).await?;
        let next = steps.last().filter(|_| steps.len() == STEPS as usize).map(JobStep::place);
        Ok(JobSteps { steps, next })
    }

    async fn transcript(&self, id: JobId, after: Option<StepPlace>) -> Result<Transcript, Failure> {
        Ok(transcript::page(&*self.store, id, after, SAID).await?)
    }

    async fn list(&self, filter: &Filter, after: Option<JobId>, limit: u32) -> Result<Page, Failure> {
        Ok(self.store.list(filter, after, limit).await?)
    }

    async fn act(&self, action: Action, id: JobId) -> Result<Option<Done>, Failure> {
        Ok(action.on_one(&*self.store, id).await?)
    }

    async fn sweep(&self, action: Action, filter: &Filter) -> Result<Swept, Failure> {
        Ok(action.on_matching(&*self.store, filter).await?)
    }

    async fn queues(&self) -> Result<Vec<QueueStats>, Failure> {
        Ok(self.store.queues().await?)
    }

    async fn configure_queue(&self, queue: &str, change: QueueChange) -> Result<(), Failure> {
        Ok(self.store.configure_queue(queue, change).await?)
    }

    async fn spend(&self, query: &SpendQuery) -> Result<Spend, Failure> {
        Ok(Spend { rows: self.store.spend(query).await? })
    }

    async fn budgets(&self) -> Result<Vec<BudgetState>, Failure> {
        Ok(spending::states(&*self.store, &self.budgets).await?)
    }

    async fn providers(&self) -> Result<Vec<LaneStats>, Failure> {
        Ok(self.store.lanes().await?.into_iter().map(Into::into).collect())
    }

    async fn sessions(
        &self,
        tenant: Option<&str>,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<SessionPage, Failure> {
        Ok(self.store.list_sessions(tenant, after, limit).await?)
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, Failure> {
        Ok(self.store.session(id).await?)
    }

    async fn entries(&self, id: SessionId, from: EntriesFrom) -> Result<Option<Entries>, Failure> {
        Ok(conversations::entries(&*self.store, id, from, ENTRIES).await?)
    }

    async fn fork_session(&self, id: SessionId, fork: ForkSession) -> Result<Session, Failure> {
        let entry = fork.entry;
        match conversations::fork(&*self.store, id, fork).await? {
            Forked::Session(session) => Ok(*session),
            Forked::NoSession => Err(Failure::no_session(id)),
            Forked::NoEntry => {
                let message = format!("session {id} has no entry {entry} that has its place");
                Err(Failure::new(Exit::NotFound, message))
            }
        }
    }

    async fn archive_session(&self, id: SessionId) -> Result<Option<ArchiveReply>, Failure> {
        Ok(self.archive()?.archive(id).await?)
    }

    async fn archive_idle(&self, idle: ArchiveIdle) -> Result<Swept, Failure> {
        Ok(conversations::archive_idle(self.archive()?, idle).await?)
    }

    async fn restore_session(&self, id: SessionId) -> Result<Option<Session>, Failure> {
        self.archive()?.restore(id).await?;
        Ok(self.store.session(id).await?)
    }

    async fn delete_session(&self, id: SessionId) -> Result<bool, Failure> {
        Ok(self.store.delete_session(id).await?)
    }

    async fn approvals(
        &self,
        state: Option<Decision>,
        job: Option<JobId>,
        limit: u32,
    ) -> Result<Vec<Approval>, Failure> {
        Ok(self.store.list_approvals(state, job, None, limit).await?)
    }

    async fn decide(
        &self,
        id: ApprovalId,
        approve: bool,
        say: Say,
    ) -> Result<Option<Result<Approval, String>>, Failure> {
        let verdict = Verdict { approve, say };
        let wanted = verdict.decision();
        let decided = approvals::decide(&*self.store, id, verdict).await?;
        Ok(decided.map(|(approval, _)| {
            let already = approval.decision.as_str();
            if approval.decision == wanted {
                Ok(approval)
            } else {
                Err(format!("is {already} already, which is final"))
            }
        }))
    }

    fn follow(&self, id: JobId, after: u64) -> BoxStream<'static, Result<JobEvent, Failure>> {
        self.followers.follow(id, after).map_err(Failure::from).boxed()
    }

    async fn close(&self) {
        self.followers.close().await;
        self.store.close().await;
    }
}
