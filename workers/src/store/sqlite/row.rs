//! Reading rows: what the columns of more than one statement mean.

use super::fault;
use crate::store::Error;
use flotilla_jobs::{Attempts, JobId, JobState};
use serde::de::DeserializeOwned;
use sqlx::{Decode, Row, Sqlite, Type, sqlite::SqliteRow};
use uuid::Uuid;

/// Where an unfinished job is: `open_jobs.state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Scheduled = 0,
    /// In its group's line.
    Line = 1,
    Ready = 2,
    Running = 3,
    Paused = 4,
    /// Ready, but of a kind that the worker which met it does not know.
    Parked = 5,
}

impl Place {
    const ALL: [Self; 6] = [Self::Scheduled, Self::Line, Self::Ready, Self::Running, Self::Paused, Self::Parked];

    /// Its place in [`super::tx::Tx`]'s counts: for the outside, in line and parked are parts of pending.
    pub(super) fn count(self) -> usize {
        match self {
            Self::Scheduled => 0,
            Self::Line | Self::Ready | Self::Parked => 1,
            Self::Running => 2,
            Self::Paused => 3,
        }
    }

    /// What it is for the outside.
    pub(super) fn state(self) -> JobState {
        match self {
            Self::Scheduled => JobState::Scheduled,
            Self::Line | Self::Ready | Self::Parked => JobState::Pending,
            Self::Running => JobState::Running,
            Self::Paused => JobState::Paused,
        }
    }

    /// Where a job goes that may run now.
    pub(super) fn due(group: Option<&str>) -> Self {
        if group.is_some() { Self::Line } else { Self::Ready }
    }
}

/// A column.
pub(super) fn get<'r, T: Decode<'r, Sqlite> + Type<Sqlite>>(row: &'r SqliteRow, column: &str) -> Result<T, Error> {
    row.try_get(column).map_err(fault)
}

/// The column `id`.
pub(super) fn id(row: &SqliteRow) -> Result<JobId, Error> {
    get::<Uuid>(row, "id").map(JobId)
}

/// The column `state` of an unfinished job.
pub(super) fn place(row: &SqliteRow, column: &str) -> Result<Option<Place>, Error> {
    let Some(state) = get::<Option<i64>>(row, column)? else { return Ok(None) };
    let known = Place::ALL.into_iter().find(|place| *place as i64 == state);
    known.map(Some).ok_or_else(|| corrupt(&format!("state {state} of an unfinished job is not known")))
}

/// A number of a small kind, as near to what is on record as there is one.
pub(super) fn near<T: TryFrom<i64> + Default>(row: &SqliteRow, column: &str) -> Result<T, Error> {
    Ok(T::try_from(get::<i64>(row, column)?).unwrap_or_default())
}

/// The five counters, for show.
pub(super) fn attempts_shown(row: &SqliteRow) -> Result<Attempts, Error> {
    Ok(Attempts {
        failure: near(row, "failure")?,
        crash: near(row, "crash")?,
        handover: near(row, "handover")?,
        throttle: near(row, "throttle")?,
        budget: near(row, "budget")?,
    })
}

/// The five counters.
pub(super) fn attempts(row: &SqliteRow) -> Result<Attempts, Error> {
    Ok(Attempts {
        failure: get(row, "failure")?,
        crash: get(row, "crash")?,
        handover: get(row, "handover")?,
        throttle: get(row, "throttle")?,
        budget: get(row, "budget")?,
    })
}

/// A column of JSON that may be missing.
pub(super) fn json<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<Option<T>, Error> {
    let text: Option<&str> = get(row, column)?;
    let parsed = text.map(serde_json::from_str).transpose();
    parsed.map_err(|e| corrupt(&format!("column {column} is not what it should be: {e}")))
}

pub(super) fn corrupt(detail: &str) -> Error {
    Error::Corrupt { what: "sqlite", detail: detail.to_owned() }
}
