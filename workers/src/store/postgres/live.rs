//! Live output on record.

use super::{Record, row, text};
use crate::{
    clock::timestamp,
    store::{Error, Lease, LiveEvent, MAX_OUTPUT_EVENTS, NumberedEvent},
};
use flotilla_jobs::{JobId, Progress};
use sqlx::postgres::PgRow;
use std::collections::HashMap;

impl Record {
    /// Appends events in the order given; answers the jobs that still had the run.
    pub(crate) async fn append(&self, events: &[(Lease, LiveEvent)]) -> Result<Vec<JobId>, Error> {
        let texts: Vec<String> = events.iter().map(|(_, e)| text::of(e).unwrap_or_default()).collect();
        let append = sqlx::query(include_str!("append_output.sql"))
            .bind(events.iter().map(|(l, _)| l.job.0).collect::<Vec<_>>())
            .bind(events.iter().map(|(l, _)| l.run as i32).collect::<Vec<_>>())
            .bind(texts)
            .bind(MAX_OUTPUT_EVENTS as i64)
            .bind(self.now());
        let rows = self.conn().await?.rows(append).await?;
        rows.iter().map(|r| row::get(r, "id").map(JobId)).collect()
    }

    /// Events above a number.
    pub(crate) async fn read_output(&self, job: JobId, after: u64, limit: u32) -> Result<Vec<NumberedEvent>, Error> {
        let read = sqlx::query(include_str!("read_output.sql"))
            .bind(job.0)
            .bind(i64::try_from(after).unwrap_or(i64::MAX))
            .bind(i64::from(limit));
        let rows = self.conn().await?.rows(read).await?;
        rows.iter().map(|r| self.event(job, r)).collect()
    }

    /// The same of many jobs: of each that said anything, in order.
    pub(crate) async fn read_outputs(
        &self,
        jobs: &[(JobId, u64)],
        limit: u32,
    ) -> Result<HashMap<JobId, Vec<NumberedEvent>>, Error> {
        let read = sqlx::query(include_str!("read_outputs.sql"))
            .bind(jobs.iter().map(|(job, _)| job.0).collect::<Vec<_>>())
            .bind(jobs.iter().map(|(_, after)| i64::try_from(*after).unwrap_or(i64::MAX)).collect::<Vec<_>>())
            .bind(i64::from(limit));
        let rows = self.conn().await?.rows(read).await?;
        let mut found: HashMap<JobId, Vec<NumberedEvent>> = HashMap::new();
        for r in &rows {
            let job = JobId(row::get(r, "id")?);
            found.entry(job).or_default().push(self.event(job, r)?);
        }
        Ok(found)
    }

    fn event(&self, job: JobId, r: &PgRow) -> Result<NumberedEvent, Error> {
        let event: String = row::get(r, "event")?;
        Ok(NumberedEvent {
            seq: row::get::<i64>(r, "seq")? as u64,
            at: timestamp(row::get(r, "at")?),
            event: serde_json::from_str(&event).unwrap_or_else(|error| {
                self.damage.met(format!("job {job}"), error, "a piece of its output is left out");
                LiveEvent::unreadable()
            }),
        })
    }

    /// The last progress of jobs that said any. One that cannot be read is as good as none: it only saves a handler
    /// work.
    pub(crate) async fn progress(&self, jobs: &[JobId]) -> Result<HashMap<JobId, Progress>, Error> {
        let read =
            sqlx::query(include_str!("read_progress.sql")).bind(jobs.iter().map(|job| job.0).collect::<Vec<_>>());
        let rows = self.conn().await?.rows(read).await?;
        let mut found = HashMap::with_capacity(rows.len());
        for r in &rows {
            let (id, text) = (JobId(row::get(r, "id")?), row::get::<String>(r, "progress")?);
            match serde_json::from_str(&text) {
                Ok(progress) => drop(found.insert(id, progress)),
                Err(error) => self.damage.met(format!("job {id}"), error, "its last progress is left out"),
            }
        }
        Ok(found)
    }
}
