//! Rows of the record as values.

use super::fault;
use crate::store::Error;
use flotilla_jobs::{Attempts, Group, JobId};
use sqlx::{Row, postgres::PgRow};

/// An unfinished job as the record has it: what the queue needs to name it, and the fence.
#[derive(Clone, Debug)]
pub(crate) struct OpenJob {
    pub(crate) id: JobId,
    pub(crate) run: u32,
    pub(crate) ready_at: i64,
    pub(crate) attempts: Attempts,
    pub(crate) paused: bool,
    pub(crate) cancel: bool,
    pub(crate) queue: String,
    pub(crate) priority: u8,
    pub(crate) group: Option<Group>,
}

impl OpenJob {
    pub(super) fn read(row: &PgRow) -> Result<Self, Error> {
        Ok(Self {
            id: JobId(get(row, "id")?),
            run: get::<i32>(row, "run")? as u32,
            ready_at: get(row, "ready_at")?,
            attempts: attempts(get(row, "attempts")?),
            paused: get(row, "paused")?,
            cancel: get(row, "cancel")?,
            queue: get(row, "queue")?,
            priority: get::<i16>(row, "priority")? as u8,
            group: group(row)?,
        })
    }
}

/// One column.
pub(super) fn get<'r, T>(row: &'r PgRow, column: &str) -> Result<T, Error>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(column).map_err(fault)
}

/// The group of a job, from its two columns.
pub(super) fn group(row: &PgRow) -> Result<Option<Group>, Error> {
    let key: Option<String> = get(row, "group_key")?;
    let limit: Option<i16> = get(row, "group_limit")?;
    Ok(key.map(|key| Group { key, limit: limit.unwrap_or(1) as u16 }))
}

/// Counters from their array; a missing array, or end of one, is zeros.
pub(super) fn attempts(counts: Option<Vec<i32>>) -> Attempts {
    let counts = counts.unwrap_or_default();
    let at = |i: usize| counts.get(i).copied().unwrap_or(0) as u32;
    Attempts { failure: at(0), crash: at(1), handover: at(2), throttle: at(3), budget: at(4) }
}
