//! Runs a statement about one job for a whole batch of jobs.
//!
//! The driver runs statements on a thread of its own, and the way there and back costs more than most statements.
//! So the text of a unit is repeated: one trip runs it for up to 128 items, on statements prepared once.

use super::fault;
use crate::store::Error;
use futures_util::TryStreamExt;
use sqlx::{
    Arguments, Either, Encode, Executor, Sqlite, SqliteConnection, Type,
    error::BoxDynError,
    sqlite::{SqliteArguments, SqliteRow},
};
use std::sync::OnceLock;

/// Repetitions are powers of two up to two to this, so that few texts serve every batch.
const LARGEST: usize = 7;

/// A text of one or more statements, each ended by a semicolon, about one item. Its parameters are `?`, in order.
pub(super) struct Unit {
    sql: &'static str,
    repeated: [OnceLock<(String, usize)>; LARGEST + 1],
}

/// What a unit did for one item.
#[derive(Default)]
pub(super) struct Done {
    /// Rows that any of its statements returned.
    pub rows: Vec<SqliteRow>,
    /// Rows that its last statement changed.
    pub changed: u64,
}

/// Values for the parameters of a unit.
pub(super) struct Args {
    values: SqliteArguments,
    fault: Option<BoxDynError>,
}

impl Args {
    /// Adds the next value.
    pub(super) fn add<'t, T: Encode<'t, Sqlite> + Type<Sqlite>>(mut self, value: T) -> Self {
        if let Err(fault) = self.values.add(value) {
            self.fault.get_or_insert(fault);
        }
        self
    }
}

impl Unit {
    /// A unit of this text.
    pub(super) const fn new(sql: &'static str) -> Self {
        Self { sql, repeated: [const { OnceLock::new() }; LARGEST + 1] }
    }

    /// Runs it for one item.
    pub(super) async fn run_one(
        &'static self,
        conn: &mut SqliteConnection,
        bind: impl Fn(Args) -> Args,
    ) -> Result<Done, Error> {
        let done = self.run(conn, &[()], |(), args| bind(args)).await?;
        Ok(done.into_iter().next().unwrap_or_default())
    }

    /// Runs it for each item, in order; answers in that order.
    pub(super) async fn run<I>(
        &'static self,
        conn: &mut SqliteConnection,
        items: &[I],
        bind: impl Fn(&I, Args) -> Args,
    ) -> Result<Vec<Done>, Error> {
        let mut done = Vec::with_capacity(items.len());
        let mut rest = items;
        while !rest.is_empty() {
            let size = LARGEST.min(rest.len().ilog2() as usize);
            let (now, later) = rest.split_at(1 << size);
            rest = later;
            let (text, statements) = self.text(size);
            let args = Args { values: SqliteArguments::default(), fault: None };
            let args = now.iter().fold(args, |args, item| bind(item, args));
            if let Some(e) = args.fault {
                return Err(fault(sqlx::Error::Encode(e)));
            }
            self.trip(conn, text, *statements, args.values, &mut done).await?;
        }
        Ok(done)
    }

    async fn trip(
        &self,
        conn: &mut SqliteConnection,
        text: &'static str,
        statements: usize,
        values: SqliteArguments,
        done: &mut Vec<Done>,
    ) -> Result<(), Error> {
        let mut events = conn.fetch_many(sqlx::query_with(text, values));
        let (mut item, mut ended) = (Done::default(), 0);
        while let Some(event) = events.try_next().await.map_err(fault)? {
            match event {
                Either::Right(row) => item.rows.push(row),
                Either::Left(result) => {
                    ended += 1;
                    if ended == statements {
                        item.changed = result.rows_affected();
                        done.push(std::mem::take(&mut item));
                        ended = 0;
                    }
                }
            }
        }
        Ok(())
    }

    /// The text for two to the `size` items, and how many statements one item takes.
    fn text(&'static self, size: usize) -> &'static (String, usize) {
        self.repeated[size].get_or_init(|| {
            let code: Vec<&str> = self.sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
            let one = code.join("\n");
            let statements = one.matches(';').count();
            (one.repeat(1 << size), statements)
        })
    }
}
