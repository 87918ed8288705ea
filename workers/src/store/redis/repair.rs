//! What to do where somebody else wrote into a queue's keys. The record is the truth: what cannot be read here is
//! removed, and reconciliation brings its jobs back.

use super::{Queues, fault, keys, link::Link, scripts};
use crate::store::Error;
use redis::{FromRedisValue, RedisError, ScriptInvocation};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

/// Queues that were repaired and wait for their settings.
#[derive(Debug, Default)]
pub(super) struct Repaired(Mutex<BTreeSet<String>>);

impl Queues {
    /// Calls a script; once more where it met a key of a wrong type, without that key.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        queue: &str,
        call: &ScriptInvocation<'_>,
        on: &Link,
    ) -> Result<T, Error> {
        match call.invoke_async(&mut on.clone()).await {
            Err(error) if is_wrong_type(&error) => {
                self.repair(queue).await?;
                call.invoke_async(&mut on.clone()).await.map_err(fault)
            }
            answer => answer.map_err(fault),
        }
    }

    async fn repair(&self, queue: &str) -> Result<(), Error> {
        let call = self.call(&scripts::REPAIR, queue);
        let removed: Vec<usize> = call.invoke_async(&mut self.fast.clone()).await.map_err(fault)?;
        let keys = keys::of_queue(&self.prefix, queue);
        for key in removed.iter().filter_map(|place| keys.get(place - 1)) {
            self.damage.met(key, "its type is not what flotilla writes", "removed; the record brings its jobs back");
        }
        if !removed.is_empty() {
            self.repaired.0.lock().unwrap_or_else(PoisonError::into_inner).insert(queue.to_owned());
        }
        Ok(())
    }

    /// Queues that were repaired since the last call: their settings are gone.
    pub(crate) fn take_repaired(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.repaired.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Throws out tickets that name no job.
    pub(super) async fn discard(&self, queue: &str, token: u64, tickets: &[Vec<u8>]) {
        if tickets.is_empty() {
            return;
        }
        let mut call = self.call(&scripts::GIVE_BACK, queue);
        call.arg(keys::changed_channel(&self.prefix)).arg("");
        for ticket in tickets {
            let shown: String = String::from_utf8_lossy(ticket).chars().take(80).collect();
            self.damage.met(format!("queue `{queue}`"), format!("ticket {shown:?} names no job"), "thrown out");
            call.arg(&ticket[..]).arg(token).arg("").arg("drop").arg(0);
        }
        if let Err(error) = self.run::<()>(queue, &call, &self.fast).await {
            tracing::warn!(%error, queue, "could not throw out what names no job; its lease will expire");
        }
    }
}

pub(super) fn is_wrong_type(error: &RedisError) -> bool {
    error.code() == Some("WRONGTYPE")
}
