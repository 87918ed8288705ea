//! Reading the queues of a stock `apalis_redis::RedisStorage` producer.

use super::{MAX_SCRIPT_BATCH, Queues, fault, reply::take};
use crate::store::Error;
use redis::Script;
use std::sync::LazyLock;

static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("adopt_take.lua")));
static DONE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("adopt_done.lua")));

/// A job of a foreign producer, set aside for us.
pub(crate) struct Foreign {
    /// Its id there.
    pub(crate) id: String,
    /// When it may run, in milliseconds; `None` for now.
    pub(crate) run_at: Option<i64>,
    /// Its arguments, as that producer encoded them.
    pub(crate) data: Option<Vec<u8>>,
}

impl Queues {
    /// Sets at most `batch` jobs of a foreign queue aside and reads them.
    pub(crate) async fn adopt_take(&self, source: &str, batch: u32) -> Result<Vec<Foreign>, Error> {
        let theirs = apalis_redis::Config::default().queue(source);
        let reply: Vec<redis::Value> = TAKE
            .key(theirs.active_jobs_list())
            .key(theirs.scheduled_jobs_set())
            .key(theirs.job_data_hash())
            .key(self.aside(source))
            .arg(batch.min(MAX_SCRIPT_BATCH as u32))
            .invoke_async(&mut self.bulk.clone())
            .await
            .map_err(fault)?;
        let mut values = reply.into_iter();
        let mut jobs = Vec::new();
        while values.len() > 0 {
            let (id, run_at): (String, i64) = (take(&mut values)?, take(&mut values)?);
            jobs.push(Foreign { id, run_at: (run_at > 0).then_some(run_at), data: take(&mut values)? });
        }
        Ok(jobs)
    }

    /// Lets go of foreign jobs that are on our record. Their data is forgotten too, where the record has all of it.
    pub(crate) async fn adopt_done(&self, source: &str, ids: &[&str], forget: bool) -> Result<(), Error> {
        let theirs = apalis_redis::Config::default().queue(source);
        let mut call = DONE.prepare_invoke();
        call.key(theirs.job_data_hash()).key(self.aside(source));
        call.arg(u8::from(forget));
        for id in ids {
            call.key(format!("{}:{id}", theirs.job_meta_hash()));
            call.arg(id);
        }
        call.invoke_async::<()>(&mut self.bulk.clone()).await.map_err(fault)
    }

    fn aside(&self, source: &str) -> String {
        super::keys::set_aside(&self.prefix, source)
    }
}
