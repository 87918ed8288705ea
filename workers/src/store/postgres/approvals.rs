//! Approvals on record.

use super::{Record, journal::corrupt, pool::Conn, row};
use crate::{
    approvals::{Approval, ApprovalId, AskApproval, Asked, Decision, MAX_PAGE, Say, Verdict},
    clock::{millis, timestamp},
    store::{Error, Lease},
};
use flotilla_jobs::JobId;
use sqlx::postgres::PgRow;
use uuid::Uuid;

impl Record {
    /// Asks about a step's call, or reads what is on record of it.
    pub(crate) async fn ask_approval(&self, lease: &Lease, ask: &AskApproval) -> Result<Asked, Error> {
        let query = sqlx::query(include_str!("ask_approval.sql"))
            .bind(Uuid::now_v7())
            .bind(ask.run.0)
            .bind(ask.key.thread.cast_signed())
            .bind(ask.key.seq.cast_signed())
            .bind(&ask.tool)
            .bind(ask.input_hash.as_slice())
            .bind(&ask.arguments)
            .bind(millis(ask.timeout))
            .bind(lease.job.0)
            .bind(lease.run.cast_signed())
            .bind(self.now());
        let rows = self.conn().await?.rows(query).await?;
        let Some(row) = rows.first() else { return Ok(Asked::LeaseLost) };
        let (tool, hash): (String, Vec<u8>) = (row::get(row, "tool")?, row::get(row, "input_hash")?);
        if (tool.as_str(), hash.as_slice()) != (ask.tool.as_str(), ask.input_hash.as_slice()) {
            return Ok(Asked::Changed);
        }
        Ok(Asked::Is(Box::new(approval(row)?)))
    }

    /// Decides, unless it is decided or over.
    pub(crate) async fn decide(&self, id: ApprovalId, verdict: &Verdict) -> Result<Option<(Approval, bool)>, Error> {
        let mut conn = self.begin().await?;
        // What is over is over, also where nobody looked since.
        self.end(&mut conn, Some(id), 1).await?;
        let Say { by, reason } = &verdict.say;
        let query = sqlx::query(include_str!("decide_approval.sql"))
            .bind(id.0)
            .bind(verdict.decision().as_str())
            .bind(by.as_deref())
            .bind(reason.as_deref())
            .bind(self.now());
        let first = conn.changed(query).await? > 0;
        let rows = conn.rows(sqlx::query(include_str!("read_approval.sql")).bind(id.0)).await?;
        let decided = rows.first().map(|row| Ok::<_, Error>((approval(row)?, first))).transpose()?;
        conn.commit().await?;
        Ok(decided)
    }

    /// A page of approvals.
    pub(crate) async fn list_approvals(
        &self,
        state: Option<Decision>,
        job: Option<JobId>,
        after: Option<ApprovalId>,
        limit: u32,
    ) -> Result<Vec<Approval>, Error> {
        let query = sqlx::query(include_str!("list_approvals.sql"))
            .persistent(false)
            .bind(after.map_or(Uuid::max(), |id| id.0))
            .bind(state.map(Decision::as_str))
            .bind(job.map(|job| job.0))
            .bind(i64::from(limit.clamp(1, MAX_PAGE)));
        self.conn().await?.rows(query).await?.iter().map(approval).collect()
    }

    /// Ends approvals whose time is up or whose job has ended; answers how many.
    pub(crate) async fn end_approvals(&self, batch: u32) -> Result<u32, Error> {
        self.end(&mut self.conn().await?, None, batch).await
    }

    async fn end(&self, conn: &mut Conn, id: Option<ApprovalId>, batch: u32) -> Result<u32, Error> {
        let query = sqlx::query(include_str!("end_approvals.sql"))
            .bind(id.map(|id| id.0))
            .bind(i64::from(batch))
            .bind(self.now());
        Ok(conn.changed(query).await? as u32)
    }

    /// Paused jobs that wait for nothing any more.
    pub(crate) async fn decided_jobs(&self, batch: u32) -> Result<Vec<JobId>, Error> {
        let query = sqlx::query(include_str!("decided_jobs.sql")).bind(i64::from(batch));
        self.conn().await?.rows(query).await?.iter().map(|r| row::get(r, "id").map(JobId)).collect()
    }
}

fn approval(row: &PgRow) -> Result<Approval, Error> {
    let decision: String = row::get(row, "decision")?;
    Ok(Approval {
        id: ApprovalId(row::get(row, "id")?),
        job: JobId(row::get(row, "job_id")?),
        tenant: row::get(row, "tenant")?,
        agent: row::get(row, "agent")?,
        tool: row::get(row, "tool")?,
        arguments: row::get(row, "arguments")?,
        decision: decision.parse().map_err(|_| corrupt(&format!("an approval is `{decision}`")))?,
        by: row::get(row, "said_by")?,
        reason: row::get(row, "reason")?,
        requested_at: timestamp(row::get(row, "requested_at")?),
        expires_at: timestamp(row::get(row, "expires_at")?),
        decided_at: row::get::<Option<i64>>(row, "decided_at")?.map(timestamp),
    })
}
