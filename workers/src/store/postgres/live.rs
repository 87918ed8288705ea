//! Live output on record.

use super::{Record, fault, row, text};
use crate::{
    clock::timestamp,
    store::{Error, Lease, LiveEvent, MAX_OUTPUT_EVENTS, NumberedEvent},
};
use flotilla_jobs::JobId;

impl Record {
    /// Appends events in the order given; answers the jobs that still had the run.
    pub(crate) async fn append(&self, events: &[(Lease, LiveEvent)]) -> Result<Vec<JobId>, Error> {
        let texts: Vec<String> = events.iter().map(|(_, e)| text::of(e).unwrap_or_default()).collect();
        let rows = sqlx::query(include_str!("append_output.sql"))
            .bind(events.iter().map(|(l, _)| l.job.0).collect::<Vec<_>>())
            .bind(events.iter().map(|(l, _)| l.run as i32).collect::<Vec<_>>())
            .bind(texts)
            .bind(MAX_OUTPUT_EVENTS as i64)
            .bind(self.now())
            .fetch_all(&self.pool)
            .await
            .map_err(fault)?;
        rows.iter().map(|r| row::get(r, "id").map(JobId)).collect()
    }

    /// Events above a number.
    pub(crate) async fn read_output(&self, job: JobId, after: u64, limit: u32) -> Result<Vec<NumberedEvent>, Error> {
        let rows = sqlx::query(include_str!("read_output.sql"))
            .bind(job.0)
            .bind(i64::try_from(after).unwrap_or(i64::MAX))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(fault)?;
        rows.iter()
            .map(|r| {
                let event: String = row::get(r, "event")?;
                Ok(NumberedEvent {
                    seq: row::get::<i64>(r, "seq")? as u64,
                    at: timestamp(row::get(r, "at")?),
                    event: serde_json::from_str(&event).map_err(|e| Error::Corrupt {
                        what: "postgres",
                        detail: format!("output of job {job}: {e}"),
                    })?,
                })
            })
            .collect()
    }
}
