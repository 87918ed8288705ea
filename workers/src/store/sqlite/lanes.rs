//! Admission in the file: lanes of providers, shared by all processes that open it.

use super::{row, tx::Tx, unit::Unit};
use crate::{
    admission::{
        Admitted, Ask, Lane, LaneState, Permit, Told, Used,
        breaker::Breaker,
        decide::{Ahead, Decision, GRACE, LOOK, MAX_LINE, Scene, decide},
        pace::{LONGEST, Need, Pace},
    },
    clock::{Millis, millis},
    store::Error,
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};
use std::time::Duration;

static LANE_OPEN: Unit = Unit::new(include_str!("lane_open.sql"));
static LANE_CLEAR: Unit = Unit::new(include_str!("lane_clear.sql"));
static LANE_VIEW: Unit = Unit::new(include_str!("lane_view.sql"));
static LANE_GO: Unit = Unit::new(include_str!("lane_go.sql"));
static LANE_WAIT: Unit = Unit::new(include_str!("lane_wait.sql"));
static LANE_SAVE: Unit = Unit::new(include_str!("lane_save.sql"));
static LANE_RELEASE: Unit = Unit::new(include_str!("lane_release.sql"));
static LANE_LEAVE: Unit = Unit::new(include_str!("lane_leave.sql"));
static LANE_OLD: Unit = Unit::new(include_str!("lane_old.sql"));
static LANE_LIST: Unit = Unit::new(include_str!("lane_list.sql"));
static BREAKER_SAVE: Unit = Unit::new(include_str!("breaker_save.sql"));
static BREAKER_CLOSE: Unit = Unit::new(include_str!("breaker_close.sql"));

/// Most lanes that are shown.
const MAX_SHOWN: u32 = 1_000;
/// Lanes that nobody used for so long are removed: an hour more than anything in one may count.
const KEEP: Duration = LONGEST.saturating_add(Duration::from_hours(1));
/// More tokens than any call has, and few enough that those of a line can be added.
const MAX_TOKENS: u64 = 1_000_000_000_000_000;

/// A lane and its provider's breaker, as they are now.
struct Open {
    id: i64,
    pace: Pace,
    asleep_until: Millis,
    breaker: Breaker,
    /// As it was read.
    former: Breaker,
}

/// Lets a call through, or says when to ask again.
pub(super) async fn admit(tx: &mut Tx<'_>, ask: &Ask) -> Result<Admitted, Error> {
    let need = Need::of(ask);
    if let Some((limit, allowed, needed)) = need.too_large(&ask.limits) {
        return Ok(Admitted::TooLarge { limit, allowed, needed });
    }
    let permit = Permit::of(ask);
    let (id, now) = (permit.id.cast_signed(), tx.now);
    let mut lane = open(tx, &ask.lane).await?;
    LANE_CLEAR.run_one(tx.conn, |args| args.add(lane.id).add(now).add(lane.id).add(now)).await?;
    lane.pace.refill(&ask.limits, now);
    let (scene, has_place) = view(tx, &lane, ask, id).await?;
    let admitted = match decide(ask, &scene) {
        Decision::Go => {
            let ends = now.saturating_add(millis(ask.lease.min(LONGEST)));
            lane.pace.take(need, &ask.limits);
            if lane.breaker.open_until.is_some() {
                lane.breaker.try_with(id, ends);
            }
            let lane = lane.id;
            LANE_GO.run_one(tx.conn, |args| args.add(lane).add(&ask.holder).add(lane).add(id).add(ends)).await?;
            Admitted::Go(permit)
        }
        Decision::Wait(why, wait) => {
            if has_place || scene.ahead.place < MAX_LINE {
                let tokens = [ask.input, ask.output].map(|n| n.min(MAX_TOKENS).cast_signed());
                let due = now.saturating_add(wait).saturating_add(GRACE);
                LANE_WAIT
                    .run_one(tx.conn, |args| args.add(lane.id).add(&ask.holder).add(tokens[0]).add(tokens[1]).add(due))
                    .await?;
            }
            Admitted::Wait { wait: Duration::from_millis(wait.max(1) as u64), why }
        }
    };
    save(tx, &ask.lane, lane).await?;
    Ok(admitted)
}

/// Ends a call that was let through.
pub(super) async fn release(tx: &mut Tx<'_>, permit: &Permit, used: &Used) -> Result<(), Error> {
    let (id, now) = (permit.id.cast_signed(), tx.now);
    let mut lane = open(tx, &permit.lane).await?;
    lane.pace.refill(&permit.limits, now);
    let counted = LANE_RELEASE.run_one(tx.conn, |args| args.add(lane.id).add(id)).await?.changed > 0;
    if counted {
        let (input, output) = used.unused(permit);
        lane.pace.give_back(input, output, &permit.limits);
        lane.breaker.report(id, used.healthy.filter(|_| !used.open), &permit.breaker, now);
    }
    lane.pace.correct(&used.told, &permit.limits);
    if let Some(sleep) = used.sleep.filter(|sleep| !sleep.is_zero()) {
        lane.asleep_until = lane.asleep_until.max(now.saturating_add(millis(sleep.min(LONGEST))));
        if used.told == Told::default() {
            lane.pace.empty(&permit.limits);
        }
    }
    if used.open {
        lane.breaker.open(&permit.breaker, now);
    }
    save(tx, &permit.lane, lane).await
}

/// Takes a waiter out of the line.
pub(super) async fn leave(tx: &mut Tx<'_>, lane: &Lane, holder: &str) -> Result<(), Error> {
    let Lane { provider, key, model } = lane;
    LANE_LEAVE.run_one(tx.conn, |args| args.add(holder).add(provider).add(key).add(model)).await.map(drop)
}

/// The lanes that were used in the last day.
pub(super) async fn lanes(conn: &mut SqliteConnection, now: Millis) -> Result<Vec<LaneState>, Error> {
    let since = now.saturating_sub(millis(KEEP));
    let found = LANE_LIST.run_one(conn, |args| args.add(now).add(now).add(since).add(MAX_SHOWN)).await?;
    let left = |until: Millis| u64::try_from(until.saturating_sub(now)).ok().filter(|ms| *ms > 0);
    let state = |row: &SqliteRow| {
        let count = |name| row::get::<i64>(row, name).map(|n| u32::try_from(n).unwrap_or_default());
        Ok(LaneState {
            lane: Lane {
                provider: row::get(row, "provider")?,
                key: row::get(row, "key")?,
                model: row::get(row, "model")?,
            },
            streams: count("streams")?,
            waiting: count("waiting")?,
            asleep: left(row::get(row, "asleep")?).map(Duration::from_millis),
            open: row::get::<Option<Millis>>(row, "open_until")?.and_then(left).map(Duration::from_millis),
        })
    };
    found.rows.iter().map(state).collect()
}

async fn open(tx: &mut Tx<'_>, lane: &Lane) -> Result<Open, Error> {
    let Lane { provider, key, model } = lane;
    let now = tx.now;
    let done = LANE_OPEN.run_one(tx.conn, |args| args.add(provider).add(key).add(model).add(now).add(provider)).await?;
    let [found, breaker @ ..] = &done.rows[..] else {
        return Err(Error::Corrupt { what: "sqlite", detail: format!("lane {lane} was written and is not there") });
    };
    let text: &str = row::get(found, "pace")?;
    let pace = serde_json::from_str(text).unwrap_or_else(|error| {
        tx.damage.met(format!("lane {lane}"), error, "what was counted is forgotten");
        Pace::default()
    });
    // Lanes are few and seldom new: a good time to look for old ones.
    if pace == Pace::default() {
        LANE_OLD.run_one(tx.conn, |args| args.add(now.saturating_sub(millis(KEEP)))).await?;
    }
    let breaker = breaker.first().map(read_breaker).transpose()?.unwrap_or_default();
    Ok(Open { id: row::get(found, "id")?, pace, asleep_until: row::get(found, "asleep")?, breaker, former: breaker })
}

fn read_breaker(row: &SqliteRow) -> Result<Breaker, Error> {
    let trial = row::get::<Option<i64>>(row, "trial")?.zip(row::get(row, "trial_ends")?);
    let failures = u32::try_from(row::get::<i64>(row, "failures")?).unwrap_or_default();
    Ok(Breaker { failures, open_until: row::get(row, "open_until")?, trial })
}

/// What the call meets, and whether it has a place in the line.
async fn view(tx: &mut Tx<'_>, lane: &Open, ask: &Ask, id: i64) -> Result<(Scene, bool), Error> {
    let done = LANE_VIEW
        .run_one(tx.conn, |args| {
            let args = args.add(lane.id).add(&ask.holder).add(lane.id).add(LOOK.cast_signed()).add(lane.id);
            args.add(lane.id).add(id).add(lane.id).add(id)
        })
        .await?;
    let Some(row) = done.rows.first() else {
        return Err(Error::Corrupt { what: "sqlite", detail: format!("lane {} cannot be looked at", ask.lane) });
    };
    let count = |name| row::get::<i64>(row, name).map(|n| n.max(0).cast_unsigned());
    let looked_at = Need { requests: 0, input: count("input")?, output: count("output")? };
    let scene = Scene {
        now: tx.now,
        pace: lane.pace,
        ahead: Ahead::new(count("place")?, looked_at),
        streams: count("streams")?,
        has_stream: row::get(row, "has_stream")?,
        asleep_until: lane.asleep_until,
        breaker: lane.breaker.standing(id, tx.now),
    };
    Ok((scene, row::get(row, "waits")?))
}

async fn save(tx: &mut Tx<'_>, lane: &Lane, open: Open) -> Result<(), Error> {
    let pace = serde_json::to_string(&open.pace).unwrap_or_default();
    LANE_SAVE.run_one(tx.conn, |args| args.add(&pace).add(open.asleep_until).add(open.id)).await?;
    if open.breaker == open.former {
        return Ok(());
    }
    let Breaker { failures, open_until, trial } = open.breaker;
    if open.breaker == Breaker::default() {
        BREAKER_CLOSE.run_one(tx.conn, |args| args.add(&lane.provider)).await?;
    } else {
        let (id, ends) = trial.unzip();
        BREAKER_SAVE
            .run_one(tx.conn, |args| args.add(&lane.provider).add(failures).add(open_until).add(id).add(ends))
            .await?;
    }
    Ok(())
}
