//! Queues on record: their settings, and what only the record knows about them; and pruning.

use super::{Record, fault, row};
use crate::store::{Error, QueueChange};

/// A queue's settings as they are on record.
pub(crate) struct QueueRow {
    pub(crate) name: String,
    pub(crate) paused: bool,
    pub(crate) cap: Option<u32>,
    pub(crate) paused_jobs: u64,
}

impl Record {
    /// Notes queues that are used for the first time.
    pub(crate) async fn add_queues(&self, names: &[&str]) -> Result<(), Error> {
        sqlx::query(include_str!("add_queues.sql")).bind(names).execute(&self.pool).await.map_err(fault)?;
        Ok(())
    }

    /// Changes a queue's settings; answers them as they are now.
    pub(crate) async fn configure_queue(&self, name: &str, change: QueueChange) -> Result<QueueRow, Error> {
        let r = sqlx::query(include_str!("configure_queue.sql"))
            .bind(name)
            .bind(change.paused)
            .bind(change.cap.map(|c| c as i32))
            .fetch_one(&self.pool)
            .await
            .map_err(fault)?;
        Ok(QueueRow { name: row::get(&r, "name")?, paused: row::get(&r, "paused")?, cap: cap(&r)?, paused_jobs: 0 })
    }

    /// Every queue ever used.
    pub(crate) async fn queues(&self) -> Result<Vec<QueueRow>, Error> {
        let rows = sqlx::query(include_str!("queues.sql")).fetch_all(&self.pool).await.map_err(fault)?;
        rows.iter()
            .map(|r| {
                Ok(QueueRow {
                    name: row::get(r, "name")?,
                    paused: row::get(r, "paused")?,
                    cap: cap(r)?,
                    paused_jobs: row::get::<i64>(r, "paused_jobs")? as u64,
                })
            })
            .collect()
    }

    /// Deletes finished jobs; answers how many.
    pub(crate) async fn prune(&self, age_ms: i64, batch: u32) -> Result<u32, Error> {
        let gone: i64 = sqlx::query_scalar(include_str!("prune.sql"))
            .bind(age_ms)
            .bind(i64::from(batch))
            .bind(self.now())
            .fetch_one(&self.pool)
            .await
            .map_err(fault)?;
        Ok(gone as u32)
    }
}

fn cap(r: &sqlx::postgres::PgRow) -> Result<Option<u32>, Error> {
    Ok(row::get::<Option<i32>>(r, "cap")?.map(|c| c as u32))
}
