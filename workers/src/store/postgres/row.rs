//! Rows of the record as values.

use super::fault;
use crate::store::{Error, sane};
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
    /// What of it cannot be, where somebody else wrote there. The numbers above are then only near what is on record.
    pub(crate) broken: Option<String>,
}

impl OpenJob {
    pub(super) fn read(row: &PgRow) -> Result<Self, Error> {
        Ok(Self {
            id: JobId(get(row, "id")?),
            // As it is: the record compares it.
            run: get::<i32>(row, "run")? as u32,
            ready_at: get(row, "ready_at")?,
            attempts: attempts(&counts(row)),
            paused: get(row, "paused")?,
            cancel: get(row, "cancel")?,
            queue: get(row, "queue")?,
            priority: priority(get(row, "priority")?),
            group: group(row)?,
            broken: broken(row)?,
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
    Ok(key.map(|key| Group { key, limit: limit.unwrap_or(1).max(1) as u16 }))
}

/// The array of counters; one of another shape holds a number that cannot be.
pub(super) fn counts(row: &PgRow) -> Vec<Option<i32>> {
    row.try_get::<Option<Vec<Option<i32>>>, _>("attempts").map_or_else(|_| vec![None], Option::unwrap_or_default)
}

/// Counters from their array; a missing array, or end of one, is zeros.
pub(super) fn attempts(counts: &[Option<i32>]) -> Attempts {
    let at = |i: usize| counts.get(i).copied().flatten().unwrap_or(0).max(0) as u32;
    Attempts { failure: at(0), crash: at(1), handover: at(2), throttle: at(3), budget: at(4) }
}

/// A priority as near as there is one.
pub(super) fn priority(on_record: i16) -> u8 {
    on_record.clamp(0, 9) as u8
}

/// What of an unfinished job cannot be.
pub(super) fn broken(row: &PgRow) -> Result<Option<String>, Error> {
    let counts = counts(row);
    let limit = if get::<Option<String>>(row, "group_key")?.is_some() { get(row, "group_limit")? } else { Some(1_i16) };
    let numbers = [
        ("run", i64::from(get::<i32>(row, "run")?), sane::COUNT),
        ("ready_at", get(row, "ready_at")?, sane::TIME),
        ("priority", i64::from(get::<i16>(row, "priority")?), sane::PRIORITY),
        ("group_limit", i64::from(limit.unwrap_or(0)), sane::SIZE),
    ];
    let counts = counts.iter().map(|n| ("attempts", i64::from(n.unwrap_or(-1)), sane::COUNT));
    Ok(sane::first_wrong(numbers.into_iter().chain(counts)))
}
