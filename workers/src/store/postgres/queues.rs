//! Queues on record: their settings, and what only the record knows about them; and pruning.

use super::{Record, row};
use crate::store::{Error, QueueChange};
use flotilla_jobs::JobState;

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
        self.conn().await?.run(sqlx::query(include_str!("add_queues.sql")).bind(names)).await
    }

    /// Changes a queue's settings; answers them as they are now.
    pub(crate) async fn configure_queue(&self, name: &str, change: QueueChange) -> Result<QueueRow, Error> {
        let configure = sqlx::query(include_str!("configure_queue.sql"))
            .bind(name)
            .bind(change.paused)
            .bind(change.cap.map(|c| c as i32));
        let r = self.conn().await?.row(configure).await?;
        Ok(QueueRow { name: row::get(&r, "name")?, paused: row::get(&r, "paused")?, cap: cap(&r)?, paused_jobs: 0 })
    }

    /// Every queue ever used.
    pub(crate) async fn queues(&self) -> Result<Vec<QueueRow>, Error> {
        let rows = self.conn().await?.rows(sqlx::query(include_str!("queues.sql"))).await?;
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

    /// Deletes jobs that ended in this state at least so long ago; answers how many.
    pub(crate) async fn prune(&self, state: JobState, age_ms: i64, batch: u32) -> Result<u32, Error> {
        let prune = sqlx::query(include_str!("prune.sql"))
            .bind(age_ms)
            .bind(i64::from(batch))
            .bind(self.now())
            .bind(state.as_str());
        let gone = self.conn().await?.row(prune).await?;
        Ok(row::get::<i64>(&gone, "count")? as u32)
    }

    /// Deletes keys whose window is over; answers how many.
    pub(crate) async fn prune_keys(&self, batch: u32) -> Result<u32, Error> {
        let query = sqlx::query(include_str!("prune_keys.sql")).bind(i64::from(batch)).bind(self.now());
        Ok(self.conn().await?.changed(query).await? as u32)
    }
}

fn cap(r: &sqlx::postgres::PgRow) -> Result<Option<u32>, Error> {
    // A cap that is none of ours caps nothing.
    Ok(row::get::<Option<i32>>(r, "cap")?.and_then(|c| u32::try_from(c).ok()).filter(|c| *c > 0))
}
