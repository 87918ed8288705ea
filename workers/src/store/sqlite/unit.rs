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

/// How often a text is repeated: few texts serve every batch, and one that is rounded up grows by a third at most.
const SIZES: [usize; 14] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128];

/// A text of one or more statements, each ended by a semicolon, about one item. Its parameters are `?`, in order.
pub(super) struct Unit {
    sql: &'static str,
    /// Whether a batch may be rounded up.
    round_up: bool,
    repeated: [OnceLock<Text>; SIZES.len()],
}

/// A unit's text, repeated.
struct Text {
    sql: String,
    /// Statements of one item.
    statements: usize,
    /// Parameters of one item.
    params: usize,
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
        Self::rounding(sql, false)
    }

    /// A unit that does nothing where every parameter is NULL: a batch is rounded up with such items, since one trip
    /// with a few of them is cheaper than two trips.
    pub(super) const fn of_keys(sql: &'static str) -> Self {
        Self::rounding(sql, true)
    }

    const fn rounding(sql: &'static str, round_up: bool) -> Self {
        Self { sql, round_up, repeated: [const { OnceLock::new() }; SIZES.len()] }
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
            let size = self.size(rest.len());
            let (now, later) = rest.split_at(rest.len().min(SIZES[size]));
            rest = later;
            let text = self.text(size);
            let args = Args { values: SqliteArguments::default(), fault: None };
            let args = now.iter().fold(args, |args, item| bind(item, args));
            let nulls = (SIZES[size] - now.len()) * text.params;
            let args = (0..nulls).fold(args, |args, _| args.add(None::<i64>));
            if let Some(e) = args.fault {
                return Err(fault(sqlx::Error::Encode(e)));
            }
            self.trip(conn, text, args.values, &mut done).await?;
        }
        done.truncate(items.len());
        Ok(done)
    }

    /// The place of the size that takes most of so many items in one trip.
    fn size(&self, items: usize) -> usize {
        let enough = SIZES.partition_point(|size| *size < items);
        let fits = SIZES.get(enough) == Some(&items) || (self.round_up && enough < SIZES.len());
        if fits { enough } else { enough - 1 }
    }

    async fn trip(
        &self,
        conn: &mut SqliteConnection,
        text: &'static Text,
        values: SqliteArguments,
        done: &mut Vec<Done>,
    ) -> Result<(), Error> {
        let mut events = conn.fetch_many(sqlx::query_with(text.sql.as_str(), values));
        let (mut item, mut ended) = (Done::default(), 0);
        while let Some(event) = events.try_next().await.map_err(fault)? {
            match event {
                Either::Right(row) => item.rows.push(row),
                Either::Left(result) => {
                    ended += 1;
                    if ended == text.statements {
                        item.changed = result.rows_affected();
                        done.push(std::mem::take(&mut item));
                        ended = 0;
                    }
                }
            }
        }
        Ok(())
    }

    /// The text of a size.
    fn text(&'static self, size: usize) -> &'static Text {
        self.repeated[size].get_or_init(|| {
            let code: Vec<&str> = self.sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
            let one = code.join("\n");
            let count = |mark| one.matches(mark).count();
            Text { statements: count(';'), params: count('?'), sql: one.repeat(SIZES[size]) }
        })
    }
}
