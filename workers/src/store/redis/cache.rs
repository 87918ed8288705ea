//! The cache on Redis: five keys a sort, bounded by one script.

use super::{Queues, fault, keys, repair, scripts::timed};
use crate::{
    cache::{CacheName, Group, Keep, MAX_DROPPED, MAX_LASTS, Sort},
    clock::millis,
    hex::hex,
    store::Error,
};
use redis::{FromRedisValue, Script, ScriptInvocation};
use std::sync::LazyLock;

static GET: LazyLock<Script> = LazyLock::new(|| timed!("cache_get.lua"));
static KEEP: LazyLock<Script> = LazyLock::new(|| timed!("cache.lua", "cache_keep.lua"));
static DROP: LazyLock<Script> = LazyLock::new(|| timed!("cache.lua", "cache_drop.lua"));

impl Queues {
    /// What is kept under a name.
    pub(crate) async fn cached(&self, name: &CacheName) -> Result<Option<Vec<u8>>, Error> {
        let mut call = self.cache_call(&GET, name.sort);
        call.arg(member(name));
        self.run_on_cache(name.sort, &call).await
    }

    /// Keeps a value; answers whether there was room for it.
    pub(crate) async fn keep(&self, keep: &Keep) -> Result<bool, Error> {
        let Keep { name, value, lasts, most } = keep;
        let mut call = self.cache_call(&KEEP, name.sort);
        call.arg(member(name)).arg(&value[..]).arg(millis((*lasts).min(MAX_LASTS)));
        call.arg(most.entries).arg(most.bytes).arg(millis(MAX_LASTS));
        Ok(self.run_on_cache::<u8>(name.sort, &call).await? == 1)
    }

    /// Drops entries of a sort, of one group or of all; answers how many went.
    pub(crate) async fn drop_cached(&self, sort: Sort, group: Option<Group>) -> Result<u32, Error> {
        let (from, to) = group.map_or(("-".to_owned(), "+".to_owned()), |group| {
            let group = hex(&group.0);
            // The first letter behind all hex digits.
            (format!("[{group}"), format!("({group}g"))
        });
        let mut call = self.cache_call(&DROP, sort);
        call.arg(from).arg(to).arg(MAX_DROPPED);
        self.run_on_cache(sort, &call).await
    }

    async fn run_on_cache<T: FromRedisValue>(&self, sort: Sort, call: &ScriptInvocation<'_>) -> Result<T, Error> {
        match call.invoke_async(&mut self.bulk.clone()).await {
            Err(error) if repair::is_wrong_type(&error) => {
                let keys = keys::of_cache(&self.prefix, sort);
                self.damage.met(&keys[0], "the type of it or one beside it is not what flotilla writes", "all removed");
                redis::cmd("DEL").arg(&keys[..]).query_async::<()>(&mut self.fast.clone()).await.map_err(fault)?;
                call.invoke_async(&mut self.bulk.clone()).await.map_err(fault)
            }
            answer => answer.map_err(fault),
        }
    }

    fn cache_call<'a>(&self, script: &'a Script, sort: Sort) -> ScriptInvocation<'a> {
        let mut call = script.prepare_invoke();
        for key in keys::of_cache(&self.prefix, sort) {
            call.key(key);
        }
        call.arg(self.clock.injected().map(|ms| ms.to_string()).unwrap_or_default());
        call
    }
}

fn member(name: &CacheName) -> String {
    hex(&name.group.0) + &hex(&name.key)
}
