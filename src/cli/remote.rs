//! A server, as the commands see it.

use super::backend::{Backend, ENTRIES, SAID, STEPS};
use crate::{
    actions::{Action, Done},
    exit::Failure,
};
use async_trait::async_trait;
use flotilla_jobs::{
    Accepted, Enqueue, Filter, JobEvent, JobId, JobRecord, NewJob, Page, Session, SessionId, SessionPage,
    api::{
        Approval, ApprovalId, ArchiveIdle, ArchiveReply, BudgetState, CancelReply, Decision, Entries, EntriesFrom,
        ForkSession, JobSteps, LaneStats, QueueChange, QueueStats, Say, Spend, SpendQuery, StepPlace, Swept,
        Transcript,
    },
    client::{Client, Error, Events},
};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use std::time::Duration;

/// How long a server may be away while something is followed: a deploy takes less.
pub(super) const PATIENCE: u32 = 60;
/// Between two attempts to reach it.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// Everything through HTTP.
pub struct Remote {
    client: Client,
}

impl Remote {
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// What it talks to the server with.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

#[async_trait]
impl Backend for Remote {
    async fn submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Accepted>, Failure> {
        Ok(self.client.submit(jobs).await?)
    }

    async fn get(&self, id: JobId) -> Result<Option<JobRecord>, Failure> {
        Ok(self.client.get(id).await?)
    }

    async fn steps(&self, id: JobId, after: Option<StepPlace>) -> Result<JobSteps, Failure> {
        match self.client.steps(id, after, STEPS).await {
            // A server of an earlier version shows none.
            Err(Error::Refused { code, .. }) if code == "route_not_found" => Ok(JobSteps::default()),
            steps => Ok(steps?.unwrap_or_default()),
        }
    }

    async fn transcript(&self, id: JobId, after: Option<StepPlace>) -> Result<Transcript, Failure> {
        Ok(self.client.transcript(id, after, SAID).await?.unwrap_or_default())
    }

    async fn list(&self, filter: &Filter, after: Option<JobId>, limit: u32) -> Result<Page, Failure> {
        Ok(self.client.list(filter, after, limit).await?)
    }

    async fn act(&self, action: Action, id: JobId) -> Result<Option<Done>, Failure> {
        let record = match action {
            Action::Cancel => {
                let state = || async { Ok::<_, Failure>(self.client.get(id).await?.map(|job| job.state)) };
                return Ok(match self.client.cancel(id).await? {
                    None => None,
                    Some(CancelReply::Cancelled) => Some(Done::Yes),
                    Some(CancelReply::Asked) => Some(Done::Asked),
                    Some(CancelReply::AlreadyFinished) => state().await?.map(Done::No),
                });
            }
            Action::Retry => self.client.retry(id).await,
            Action::Resume => self.client.resume(id).await,
        };
        match record {
            Ok(job) => Ok(job.map(|_| Done::Yes)),
            Err(Error::Refused { code, .. }) if code == "conflict" => {
                Ok(self.client.get(id).await?.map(|job| Done::No(job.state)))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn sweep(&self, action: Action, filter: &Filter) -> Result<Swept, Failure> {
        Ok(match action {
            Action::Cancel => self.client.cancel_matching(filter).await?,
            Action::Retry => self.client.retry_matching(filter).await?,
            Action::Resume => self.client.resume_matching(filter).await?,
        })
    }

    async fn queues(&self) -> Result<Vec<QueueStats>, Failure> {
        Ok(self.client.queues().await?)
    }

    async fn configure_queue(&self, queue: &str, change: QueueChange) -> Result<(), Failure> {
        Ok(self.client.configure_queue(queue, change).await?)
    }

    async fn spend(&self, query: &SpendQuery) -> Result<Spend, Failure> {
        Ok(self.client.spend(query).await?)
    }

    async fn budgets(&self) -> Result<Vec<BudgetState>, Failure> {
        Ok(self.client.budgets().await?)
    }

    async fn providers(&self) -> Result<Vec<LaneStats>, Failure> {
        Ok(self.client.providers().await?)
    }

    async fn sessions(
        &self,
        tenant: Option<&str>,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<SessionPage, Failure> {
        Ok(self.client.sessions(tenant, after, limit).await?)
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, Failure> {
        Ok(self.client.session(id).await?)
    }

    async fn entries(&self, id: SessionId, from: EntriesFrom) -> Result<Option<Entries>, Failure> {
        Ok(self.client.entries(id, from, ENTRIES).await?)
    }

    async fn fork_session(&self, id: SessionId, fork: ForkSession) -> Result<Session, Failure> {
        self.client.fork_session(id, &fork).await?.ok_or_else(|| Failure::no_session(id))
    }

    async fn archive_session(&self, id: SessionId) -> Result<Option<ArchiveReply>, Failure> {
        Ok(self.client.archive_session(id).await?)
    }

    async fn archive_idle(&self, idle: ArchiveIdle) -> Result<Swept, Failure> {
        Ok(self.client.archive_idle(idle).await?)
    }

    async fn restore_session(&self, id: SessionId) -> Result<Option<Session>, Failure> {
        Ok(self.client.restore_session(id).await?)
    }

    async fn delete_session(&self, id: SessionId) -> Result<bool, Failure> {
        Ok(self.client.delete_session(id).await?)
    }

    async fn approvals(
        &self,
        state: Option<Decision>,
        job: Option<JobId>,
        limit: u32,
    ) -> Result<Vec<Approval>, Failure> {
        Ok(self.client.approvals(state, job, None, limit).await?.approvals)
    }

    async fn decide(
        &self,
        id: ApprovalId,
        approve: bool,
        say: Say,
    ) -> Result<Option<Result<Approval, String>>, Failure> {
        let decided = if approve { self.client.approve(id, &say).await } else { self.client.deny(id, &say).await };
        match decided {
            Ok(decided) => Ok(decided.map(Ok)),
            Err(Error::Refused { code, message, .. }) if code == "conflict" => Ok(Some(Err(message))),
            Err(error) => Err(error.into()),
        }
    }

    fn follow(&self, id: JobId, after: u64) -> BoxStream<'static, Result<JobEvent, Failure>> {
        let follower = Follower { client: self.client.clone(), id, after, events: None, failures: 0, ended: false };
        stream::unfold(follower, |mut follower| async move { follower.next().await.map(|news| (news, follower)) })
            .boxed()
    }

    async fn close(&self) {}
}

struct Follower {
    client: Client,
    id: JobId,
    after: u64,
    events: Option<Events>,
    failures: u32,
    ended: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Result<JobEvent, Failure>> {
        while !self.ended {
            match self.read().await {
                Ok(Some(news)) => {
                    self.failures = 0;
                    self.after = news.seq().unwrap_or(self.after);
                    self.ended = news.is_last();
                    return Some(Ok(news));
                }
                // The stream broke off, perhaps for a deploy: go on where it was.
                Ok(None) => self.events = None,
                Err(error) if error.is_transient() && self.failures < PATIENCE => self.events = None,
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error.into()));
                }
            }
            self.failures += 1;
            tokio::time::sleep(PAUSE).await;
        }
        None
    }

    async fn read(&mut self) -> Result<Option<JobEvent>, Error> {
        let events = match &mut self.events {
            Some(events) => events,
            None => self.events.insert(self.client.events(self.id, self.after).await?),
        };
        events.next().await
    }
}
