//! Wake-ups between processes on one file: each writes its own into a short table, and looks for those of others when
//! the file's version says that somebody wrote.

use super::{fault, row, unit::Unit};
use crate::store::{Error, Signal};
use flotilla_jobs::JobId;
use sqlx::{Row, SqliteConnection};
use std::fmt::Write;

/// Most wake-ups of one note; with more, the others are told to look at everything.
const MAX_SIGNALS: usize = 256;
const RESYNC: &str = "resync";

static TELL: Unit = Unit::new(include_str!("tell_news.sql"));
static READ: Unit = Unit::new(include_str!("read_news.sql"));
static LAST: Unit = Unit::new(include_str!("last_news.sql"));

/// What this opening of the file has told and heard.
pub(super) struct News {
    origin: i64,
    heard: i64,
    version: i64,
}

impl News {
    /// From now on.
    pub(super) async fn start(conn: &mut SqliteConnection) -> Result<Self, Error> {
        let version = version(conn).await?;
        let last = LAST.run_one(conn, |args| args).await?;
        let heard = last.rows.first().map(|row| row::get(row, "n")).transpose()?.unwrap_or(0);
        Ok(Self { origin: rand::random(), heard, version })
    }

    /// Commits the transaction, with a note of what it is about where there is any.
    pub(super) async fn commit(&self, conn: &mut SqliteConnection, signals: &[Signal]) -> Result<(), Error> {
        if signals.is_empty() {
            sqlx::query("COMMIT").execute(conn).await.map_err(fault)?;
            return Ok(());
        }
        self.commit_noting(conn, &write(signals)).await
    }

    /// Commits the transaction with a note in which there is nothing.
    pub(super) async fn commit_empty(&self, conn: &mut SqliteConnection) -> Result<(), Error> {
        self.commit_noting(conn, "").await
    }

    async fn commit_noting(&self, conn: &mut SqliteConnection, note: &str) -> Result<(), Error> {
        TELL.run_one(conn, |args| args.add(self.origin).add(note)).await?;
        Ok(())
    }

    /// What others told since the last time.
    pub(super) async fn hear(&mut self, conn: &mut SqliteConnection) -> Result<Vec<Signal>, Error> {
        let version = version(conn).await?;
        if version == self.version {
            return Ok(Vec::new());
        }
        let heard = self.heard;
        let notes = READ.run_one(conn, |args| args.add(heard)).await?;
        self.version = version;
        let mut signals = Vec::new();
        for note in &notes.rows {
            let n: i64 = row::get(note, "n")?;
            if n != self.heard + 1 {
                signals.push(Signal::Resync);
            }
            self.heard = n;
            if row::get::<i64>(note, "origin")? != self.origin {
                read(row::get(note, "signals")?, &mut signals);
            }
        }
        Ok(signals)
    }
}

/// Changes when another connection commits (SQLite, `PRAGMA data_version`).
async fn version(conn: &mut SqliteConnection) -> Result<i64, Error> {
    let row = sqlx::query("PRAGMA data_version").fetch_one(conn).await.map_err(fault)?;
    row.try_get(0).map_err(fault)
}

fn write(signals: &[Signal]) -> String {
    if signals.len() > MAX_SIGNALS {
        return RESYNC.to_owned();
    }
    let mut text = String::new();
    for signal in signals {
        // Writing to a string does not fail.
        let _ = match signal {
            Signal::Work(queue) => writeln!(text, "work {queue}"),
            Signal::Cancel(id) => writeln!(text, "cancel {id}"),
            Signal::Changed(id) => writeln!(text, "changed {id}"),
            Signal::Resync | Signal::Returned => writeln!(text, "{RESYNC}"),
        };
    }
    text
}

fn read(text: &str, signals: &mut Vec<Signal>) {
    for line in text.lines() {
        let id = |text: &str| text.parse::<JobId>().ok();
        let signal = match line.split_once(' ') {
            Some(("work", queue)) => Some(Signal::Work(queue.into())),
            Some(("cancel", job)) => id(job).map(Signal::Cancel),
            Some(("changed", job)) => id(job).map(Signal::Changed),
            _ => None,
        };
        // A newer version may say more than this one knows.
        signals.push(signal.unwrap_or(Signal::Resync));
    }
}
