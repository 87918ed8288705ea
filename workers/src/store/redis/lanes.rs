//! Admission on Redis: lanes of providers, shared by a fleet.

use super::{Queues, fault, keys, repair, scripts::timed};
use crate::{
    admission::{
        Admitted, Ask, Lane, LaneLimits, LaneState, Left, Permit, Used, Why,
        decide::{self, GRACE, LOOK, MAX_LINE},
        pace::{LONGEST, Need},
    },
    clock::millis,
    store::Error,
};
use redis::{FromRedisValue, Script, ScriptInvocation};
use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

macro_rules! on_lane {
    ($file:literal) => {
        LazyLock::new(|| timed!("lane.lua", $file))
    };
}

static ADMIT: LazyLock<Script> = on_lane!("lane_admit.lua");
static RELEASE: LazyLock<Script> = on_lane!("lane_release.lua");
static STATE: LazyLock<Script> = LazyLock::new(|| timed!("lane_state.lua"));

/// Most lanes that are shown.
const MAX_SHOWN: usize = 1_000;
/// How often a process that uses a lane puts its name on the list.
const NAME_EVERY: Duration = Duration::from_mins(1);

/// When this process last put each lane on the list of those in use.
#[derive(Debug, Default)]
pub(super) struct Named(Mutex<HashMap<Lane, Instant>>);

impl Named {
    fn is_due(&self, lane: &Lane) -> bool {
        let mut named = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if named.get(lane).is_some_and(|at| at.elapsed() < NAME_EVERY) {
            return false;
        }
        named.insert(lane.clone(), Instant::now());
        true
    }
}

impl Queues {
    /// Lets a call through, or says when to ask again.
    pub(crate) async fn admit(&self, ask: &Ask) -> Result<Admitted, Error> {
        if let Some((limit, allowed, needed)) = Need::of(ask).too_large(&ask.limits) {
            return Ok(Admitted::TooLarge { limit, allowed, needed });
        }
        let permit = Permit::of(ask);
        let mut call = self.lane_call(&ADMIT, &ask.lane);
        add_limits(&mut call, &ask.limits);
        call.arg(or_any(ask.limits.streams.map(u64::from)))
            .arg(&ask.holder)
            .arg(permit.id)
            .arg(ask.input)
            .arg(ask.output);
        call.arg(millis(ask.lease.min(LONGEST))).arg(LOOK).arg(MAX_LINE).arg(GRACE).arg(&decide::TIMES[..]);
        let (answer, ()) = tokio::join!(self.run_on_lane::<Vec<i64>>(&ask.lane, &call), self.name(&ask.lane));
        let (why, wait) = match answer?[..] {
            [0] => return Ok(Admitted::Go(permit)),
            [1, wait] => (Why::Rate, wait),
            [2, wait] => (Why::Streams, wait),
            [3, wait] => (Why::Asleep, wait),
            [4, wait] => (Why::Breaker, wait),
            ref other => {
                let detail = format!("lane {}: {other:?} is no answer to a call", ask.lane);
                return Err(Error::Corrupt { what: "redis", detail });
            }
        };
        Ok(Admitted::Wait { wait: Duration::from_millis(wait.max(1) as u64), why })
    }

    /// Ends a call that was let through.
    pub(crate) async fn release(&self, permit: &Permit, used: &Used) -> Result<(), Error> {
        let mut call = self.lane_call(&RELEASE, &permit.lane);
        add_limits(&mut call, &permit.limits);
        let (input, output) = used.unused(permit);
        call.arg(permit.id).arg(input).arg(output);
        for left in [used.told.requests, used.told.input_tokens, used.told.output_tokens] {
            match left {
                Some(Left { remaining, reset }) => call.arg(remaining).arg(millis(reset.min(LONGEST))),
                None => call.arg("").arg(""),
            };
        }
        call.arg(millis(used.sleep.unwrap_or_default().min(LONGEST)));
        call.arg(used.healthy.map_or("", |healthy| if healthy { "1" } else { "0" })).arg(u8::from(used.open));
        call.arg(permit.breaker.failures).arg(millis(permit.breaker.rest.min(LONGEST)));
        self.run_on_lane::<i64>(&permit.lane, &call).await.map(drop)
    }

    /// Takes a waiter out of the line.
    pub(crate) async fn leave(&self, lane: &Lane, holder: &str) -> Result<(), Error> {
        let [_, _, waiters, needs, due, _] = keys::of_lane(&self.prefix, lane);
        redis::pipe()
            .cmd("ZREM")
            .arg(waiters)
            .arg(holder)
            .cmd("ZREM")
            .arg(due)
            .arg(holder)
            .cmd("HDEL")
            .arg(needs)
            .arg(holder)
            .query_async::<()>(&mut self.fast.clone())
            .await
            .map_err(fault)
    }

    /// The lanes that were used in the last day.
    pub(crate) async fn lanes(&self) -> Result<Vec<LaneState>, Error> {
        let names: Vec<String> = redis::cmd("SMEMBERS")
            .arg(keys::lanes(&self.prefix))
            .query_async(&mut self.fast.clone())
            .await
            .map_err(fault)?;
        let mut lanes: Vec<Lane> = names.iter().filter_map(|name| read_name(name)).collect();
        lanes.sort_unstable();
        lanes.truncate(MAX_SHOWN);
        let mut shown = Vec::with_capacity(lanes.len());
        for lane in lanes {
            let call = self.lane_call(&STATE, &lane);
            match self.run_on_lane::<Vec<i64>>(&lane, &call).await?[..] {
                [streams, waiting, asleep, open] => shown.push(LaneState {
                    lane,
                    streams: count(streams),
                    waiting: count(waiting),
                    asleep: span(asleep),
                    open: span(open),
                }),
                _ => self.unname(&lane).await?,
            }
        }
        Ok(shown)
    }

    async fn run_on_lane<T: FromRedisValue>(&self, lane: &Lane, call: &ScriptInvocation<'_>) -> Result<T, Error> {
        match call.invoke_async(&mut self.fast.clone()).await {
            Err(error) if repair::is_wrong_type(&error) => {
                let keys = keys::of_lane(&self.prefix, lane);
                self.damage.met(&keys[0], "the type of it or one beside it is not what flotilla writes", "all removed");
                redis::cmd("DEL").arg(&keys[..]).query_async::<()>(&mut self.fast.clone()).await.map_err(fault)?;
                call.invoke_async(&mut self.fast.clone()).await.map_err(fault)
            }
            answer => answer.map_err(fault),
        }
    }

    /// Puts a lane on the list of those in use, which people look at and nothing else.
    async fn name(&self, lane: &Lane) {
        if self.named.is_due(lane) {
            let mut add = redis::cmd("SADD");
            add.arg(keys::lanes(&self.prefix)).arg(write_name(lane));
            if let Err(error) = add.query_async::<()>(&mut self.fast.clone()).await {
                tracing::debug!(%error, %lane, "lane not put on the list");
            }
        }
    }

    async fn unname(&self, lane: &Lane) -> Result<(), Error> {
        let mut remove = redis::cmd("SREM");
        remove.arg(keys::lanes(&self.prefix)).arg(write_name(lane));
        remove.query_async::<()>(&mut self.fast.clone()).await.map_err(fault)
    }

    fn lane_call<'a>(&self, script: &'a Script, lane: &Lane) -> ScriptInvocation<'a> {
        let mut call = script.prepare_invoke();
        for key in keys::of_lane(&self.prefix, lane) {
            call.key(key);
        }
        call.arg(self.clock.injected().map(|ms| ms.to_string()).unwrap_or_default());
        call
    }
}

fn add_limits(call: &mut ScriptInvocation<'_>, limits: &LaneLimits) {
    call.arg(or_any(limits.requests_per_minute));
    call.arg(or_any(limits.input_tokens_per_minute));
    call.arg(or_any(limits.output_tokens_per_minute));
}

fn or_any(limit: Option<u64>) -> String {
    limit.map(|most| most.to_string()).unwrap_or_default()
}

fn write_name(lane: &Lane) -> String {
    format!("{}\u{1f}{}\u{1f}{}", lane.provider, lane.key, lane.model)
}

fn read_name(name: &str) -> Option<Lane> {
    let mut parts = name.split('\u{1f}').map(str::to_owned);
    let lane = Lane { provider: parts.next()?, key: parts.next()?, model: parts.next()? };
    parts.next().is_none().then_some(lane)
}

fn count(number: i64) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

fn span(ms: i64) -> Option<Duration> {
    u64::try_from(ms).ok().filter(|ms| *ms > 0).map(Duration::from_millis)
}
