//! Rows that cannot be, because somebody else wrote into the file: each such job fails with the reason, and holds up
//! nobody.

use super::{
    end::Finish,
    row::{self, Place},
    tx::Tx,
    unit::Unit,
};
use crate::store::{Error, sane};
use flotilla_jobs::{Fault, JobId, JobState};
use sqlx::{SqliteConnection, sqlite::SqliteRow};
use std::borrow::Cow;

static SCAN_OPEN: Unit = Unit::new(include_str!("scan_open.sql"));
static MISCOUNTED: Unit = Unit::new(include_str!("miscounted.sql"));
static RECOUNT: Unit = Unit::new(include_str!("recount.sql"));
static RECOUNT_GROUPS: Unit = Unit::new(include_str!("recount_groups.sql"));
static FORGET_NOBODYS: Unit = Unit::new(include_str!("forget_nobodys.sql"));

/// A page of unfinished jobs.
#[derive(Default)]
pub(super) struct Page {
    /// How many were looked at.
    pub checked: usize,
    pub last: Option<JobId>,
    pub damage: Found,
}

/// What is wrong.
#[derive(Default)]
pub(super) struct Found {
    pub broken: Vec<Broken>,
    /// A queue's counts are.
    pub queues: bool,
    /// A group's slots are.
    pub groups: bool,
    /// There are rows with an id that is none.
    pub nobodys: bool,
}

/// A job that cannot be as it is on record.
pub(super) struct Broken {
    pub id: JobId,
    /// As it is on record.
    pub run: i64,
    pub wrong: String,
}

impl Found {
    pub(super) fn is_none(&self) -> bool {
        self.broken.is_empty() && !self.queues && !self.groups && !self.nobodys
    }
}

/// Looks at a page of unfinished jobs.
pub(super) async fn scan(conn: &mut SqliteConnection, after: Option<JobId>, limit: u32) -> Result<Page, Error> {
    let from = after.map_or(uuid::Uuid::nil(), |id| id.0);
    let done = SCAN_OPEN.run_one(conn, |args| args.add(from).add(limit)).await?;
    let mut page = Page { checked: done.rows.len(), ..Page::default() };
    for row in &done.rows {
        let Ok(id) = row::id(row) else {
            page.damage.nobodys = true;
            continue;
        };
        page.last = Some(id);
        if let Some(wrong) = wrong(row)? {
            page.damage.broken.push(Broken { id, run: row::get(row, "run")?, wrong });
        }
    }
    if after.is_none() {
        let done = MISCOUNTED.run_one(conn, |args| args).await?;
        if let Some(row) = done.rows.first() {
            (page.damage.queues, page.damage.groups) = (row::get(row, "queues")?, row::get(row, "groups")?);
        }
    }
    Ok(page)
}

/// What cannot be; of a running job only a lease that never ends, since all else shows when it ends.
fn wrong(row: &SqliteRow) -> Result<Option<String>, Error> {
    let state: i64 = row::get(row, "state")?;
    let group: Option<&str> = row::get(row, "group_key")?;
    let wrong = match row::place(row, "state").ok().flatten() {
        None => Some(format!("state is {state} on record, which is none of an unfinished job")),
        Some(Place::Running) if row::get(row, "leased")? => return Ok(None),
        Some(Place::Running) => Some("it runs under a lease that never ends".to_owned()),
        Some(Place::Line) if group.is_none() => Some("it waits in the line of no group".to_owned()),
        Some(_) if !row::get::<bool>(row, "described")? => Some("its row in `jobs` is gone".to_owned()),
        Some(Place::Parked) if !row::get::<bool>(row, "parked_as_is")? => {
            Some("it is parked as another kind".to_owned())
        }
        Some(_) => None,
    };
    Ok(wrong.or(wrong_number(row)?))
}

/// The first number of an unfinished job that cannot be.
pub(super) fn wrong_number(row: &SqliteRow) -> Result<Option<String>, Error> {
    let number = |name: &'static str, range| Ok::<_, Error>((name, row::get::<i64>(row, name)?, range));
    let grouped = row::get::<Option<&str>>(row, "group_key")?.is_some();
    let limit = if grouped { row::get::<Option<i64>>(row, "group_limit")?.unwrap_or(0) } else { 1 };
    let mut numbers = vec![
        number("run", sane::COUNT)?,
        number("ready_at", sane::TIME)?,
        number("priority", sane::PRIORITY)?,
        ("group_limit", limit, sane::SIZE),
    ];
    for name in ["failure", "crash", "handover", "throttle", "budget"] {
        numbers.push(number(name, sane::COUNT)?);
    }
    Ok(sane::first_wrong(numbers))
}

/// Fails broken jobs, and sets right what can be.
pub(super) async fn mend(tx: &mut Tx<'_>, found: &Found) -> Result<(), Error> {
    fail(tx, &found.broken).await?;
    if found.nobodys {
        forget_nobodys(tx).await?;
    }
    if found.groups {
        tx.damage.met("open_groups", "a group has more slots than one can, or fewer than none", "counted again");
        tx.square().await?;
        for row in &RECOUNT_GROUPS.run_one(tx.conn, |args| args).await?.rows {
            tx.line(row::get(row, "queue")?, row::get(row, "group_key")?, 0);
        }
    }
    tx.square().await?;
    if found.queues {
        for row in &RECOUNT.run_one(tx.conn, |args| args).await?.rows {
            let queue: &str = row::get(row, "name")?;
            tx.damage.met(format!("queue `{queue}`"), "it has fewer than no jobs on record", "counted again");
            tx.work(queue);
        }
    }
    Ok(())
}

/// Fails broken jobs; the caller squares.
pub(super) async fn fail(tx: &mut Tx<'_>, jobs: &[Broken]) -> Result<(), Error> {
    for job in jobs {
        tx.damage.met(format!("job {}", job.id), &job.wrong, "it has failed");
    }
    let failed = |job: &Broken| Finish {
        id: job.id,
        run: job.run,
        state: JobState::Failed,
        worker: None,
        started_at: None,
        error: Some(Cow::Owned(Fault::new("corrupt", job.wrong.clone()))),
        output: None,
    };
    let ends: Vec<Finish<'static>> = jobs.iter().map(failed).collect();
    tx.finish(&ends).await.map(drop)
}

/// Takes out rows that belong to no job; the caller squares.
pub(super) async fn forget_nobodys(tx: &mut Tx<'_>) -> Result<(), Error> {
    for row in &FORGET_NOBODYS.run_one(tx.conn, |args| args).await?.rows {
        let queue: &str = row::get(row, "queue")?;
        tx.damage.met(format!("queue `{queue}`"), "an unfinished job has an id that is none", "thrown out");
        tx.moved(queue, row::place(row, "state").unwrap_or_default(), None);
    }
    Ok(())
}
