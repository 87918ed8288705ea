//! Approvals in the file.

use super::{File, op::Op, row, tx::Tx, unit::Unit};
use crate::{
    approvals::{Approval, ApprovalId, Approvals, AskApproval, Asked, Decision, MAX_PAGE, Say, Verdict, check_ask},
    clock::{Millis, millis, timestamp},
    store::{Error, Lease},
};
use async_trait::async_trait;
use flotilla_jobs::JobId;
use sqlx::{SqliteConnection, sqlite::SqliteRow};
use uuid::Uuid;

static ASK_APPROVAL: Unit = Unit::new(include_str!("ask_approval.sql"));
static DECIDE_APPROVAL: Unit = Unit::new(include_str!("decide_approval.sql"));
static READ_APPROVAL: Unit = Unit::new(include_str!("read_approval.sql"));
static LIST_APPROVALS: Unit = Unit::new(include_str!("list_approvals.sql"));
static DUE_APPROVALS: Unit = Unit::new(include_str!("due_approvals.sql"));
static END_APPROVAL: Unit = Unit::new(include_str!("end_approval.sql"));
static DECIDED_JOBS: Unit = Unit::new(include_str!("decided_jobs.sql"));

/// A wish about approvals.
pub(super) enum Wish {
    Ask(Lease, AskApproval),
    Decide(ApprovalId, Verdict),
    End(Vec<ApprovalId>),
}

/// What came of a [`Wish`].
pub(super) enum Granted {
    Asked(Asked),
    Decided(Option<Box<(Approval, bool)>>),
    Ended(u32),
}

#[async_trait]
impl Approvals for File {
    async fn ask_approval(&self, lease: &Lease, ask: AskApproval) -> Result<Asked, Error> {
        check_ask(&ask)?;
        match self.writer.ask(Op::Approval, Box::new(Wish::Ask(lease.clone(), ask))).await? {
            Granted::Asked(asked) => Ok(asked),
            _ => Err(other()),
        }
    }

    async fn decide(&self, id: ApprovalId, verdict: Verdict) -> Result<Option<(Approval, bool)>, Error> {
        verdict.say.check()?;
        match self.writer.ask(Op::Approval, Box::new(Wish::Decide(id, verdict))).await? {
            Granted::Decided(decided) => Ok(decided.map(|decided| *decided)),
            _ => Err(other()),
        }
    }

    async fn list_approvals(
        &self,
        state: Option<Decision>,
        job: Option<JobId>,
        after: Option<ApprovalId>,
        limit: u32,
    ) -> Result<Vec<Approval>, Error> {
        let (state, job) = (state.map(Decision::as_str), job.map(|job| job.0));
        let (before, limit) = (after.map_or(Uuid::max(), |id| id.0), limit.clamp(1, MAX_PAGE));
        let mut reader = self.reader().await?;
        let list = LIST_APPROVALS
            .run_one(&mut reader, |args| args.add(before).add(state).add(state).add(job).add(job).add(limit));
        list.await?.rows.iter().map(approval).collect()
    }

    async fn end_approvals(&self, batch: u32) -> Result<u32, Error> {
        // Most calls find nothing, and need not wait for their turn to write.
        let due = due(&mut *self.reader().await?, self.clock.now(), None, batch).await?;
        if due.is_empty() {
            return Ok(0);
        }
        match self.writer.ask(Op::Approval, Box::new(Wish::End(due))).await? {
            Granted::Ended(count) => Ok(count),
            _ => Err(other()),
        }
    }

    async fn decided_jobs(&self, batch: u32) -> Result<Vec<JobId>, Error> {
        let found = DECIDED_JOBS.run_one(&mut *self.reader().await?, |args| args.add(batch)).await?;
        found.rows.iter().map(row::id).collect()
    }
}

/// Carries out a wish.
pub(super) async fn perform(tx: &mut Tx<'_>, wish: &Wish) -> Result<Granted, Error> {
    match wish {
        Wish::Ask(lease, ask) => ask_one(tx, lease, ask).await.map(Granted::Asked),
        Wish::Decide(id, verdict) => Ok(Granted::Decided(decide(tx, *id, verdict).await?.map(Box::new))),
        Wish::End(ids) => end(tx, ids).await.map(Granted::Ended),
    }
}

async fn ask_one(tx: &mut Tx<'_>, lease: &Lease, ask: &AskApproval) -> Result<Asked, Error> {
    let (id, now) = (Uuid::now_v7(), tx.now);
    let expires_at = now.saturating_add(millis(ask.timeout));
    let (run, thread, seq) = (ask.run.0, ask.key.thread, ask.key.seq);
    let done = ASK_APPROVAL
        .run_one(tx.conn, |args| {
            let args = args.add(id).add(thread).add(seq).add(&ask.tool).add(ask.input_hash.as_slice());
            let args = args.add(&ask.arguments).add(now).add(expires_at).add(run).add(lease.job.0).add(lease.run);
            args.add(run).add(thread).add(seq).add(lease.job.0).add(lease.run)
        })
        .await?;
    let Some(row) = done.rows.first() else { return Ok(Asked::LeaseLost) };
    let (tool, hash): (&str, &[u8]) = (row::get(row, "tool")?, row::get(row, "input_hash")?);
    if (tool, hash) != (ask.tool.as_str(), ask.input_hash.as_slice()) {
        return Ok(Asked::Changed);
    }
    Ok(Asked::Is(Box::new(approval(row)?)))
}

async fn decide(tx: &mut Tx<'_>, id: ApprovalId, verdict: &Verdict) -> Result<Option<(Approval, bool)>, Error> {
    let now = tx.now;
    // What is over is over, also where nobody looked since.
    let due = due(tx.conn, now, Some(id), 1).await?;
    end(tx, &due).await?;
    let Say { by, reason } = &verdict.say;
    let decided = DECIDE_APPROVAL
        .run_one(tx.conn, |args| {
            let args = args.add(verdict.decision().as_str()).add(by.as_deref()).add(reason.as_deref());
            args.add(now).add(id.0)
        })
        .await?;
    let read = READ_APPROVAL.run_one(tx.conn, |args| args.add(id.0)).await?;
    read.rows.first().map(|row| Ok((approval(row)?, decided.changed > 0))).transpose()
}

async fn end(tx: &mut Tx<'_>, ids: &[ApprovalId]) -> Result<u32, Error> {
    if ids.is_empty() {
        return Ok(0);
    }
    let now = tx.now;
    let done = END_APPROVAL.run(tx.conn, ids, |id, args| args.add(now).add(id.0).add(now)).await?;
    Ok(done.iter().map(|done| done.changed as u32).sum())
}

async fn due(
    conn: &mut SqliteConnection,
    now: Millis,
    id: Option<ApprovalId>,
    batch: u32,
) -> Result<Vec<ApprovalId>, Error> {
    let id = id.map(|id| id.0);
    let found = DUE_APPROVALS.run_one(conn, |args| args.add(now).add(id).add(id).add(batch)).await?;
    found.rows.iter().map(|row| row::get(row, "id").map(ApprovalId)).collect()
}

fn approval(row: &SqliteRow) -> Result<Approval, Error> {
    let decision: &str = row::get(row, "decision")?;
    Ok(Approval {
        id: ApprovalId(row::get(row, "id")?),
        job: JobId(row::get(row, "job_id")?),
        tenant: row::get(row, "tenant")?,
        agent: row::get(row, "agent")?,
        tool: row::get(row, "tool")?,
        arguments: row::get(row, "arguments")?,
        decision: decision.parse().map_err(|_| row::corrupt(&format!("an approval is `{decision}`")))?,
        by: row::get(row, "said_by")?,
        reason: row::get(row, "reason")?,
        requested_at: timestamp(row::get(row, "requested_at")?),
        expires_at: timestamp(row::get(row, "expires_at")?),
        decided_at: row::get::<Option<i64>>(row, "decided_at")?.map(timestamp),
    })
}

fn other() -> Error {
    row::corrupt("the writer gave another operation's answer")
}
