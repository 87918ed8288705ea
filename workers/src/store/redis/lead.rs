//! Who does for a fleet what only one of its workers does.

use super::{Queues, fault, keys, repair, scripts::timed};
use crate::store::Error;
use redis::Script;
use std::{sync::LazyLock, time::Duration};

static LEAD: LazyLock<Script> = LazyLock::new(|| timed!("lead.lua"));

impl Queues {
    /// Makes a worker the one that does each duty, unless another one is; answers for each whether it is.
    pub(crate) async fn lead(&self, duties: &[String], holder: &str, ttl: Duration) -> Result<Vec<bool>, Error> {
        let now = self.clock.injected().map(|ms| ms.to_string()).unwrap_or_default();
        let mut call = LEAD.key(keys::leads(&self.prefix));
        call.arg(now).arg(holder).arg(ttl.as_millis() as u64).arg(duties);
        let reply: Vec<u8> = match call.invoke_async(&mut self.fast.clone()).await {
            Err(error) if repair::is_wrong_type(&error) => {
                let leads = keys::leads(&self.prefix);
                self.damage.met(&leads, "its type is not what flotilla writes", "removed; workers lead again");
                redis::cmd("DEL").arg(leads).query_async::<()>(&mut self.fast.clone()).await.map_err(fault)?;
                call.invoke_async(&mut self.fast.clone()).await.map_err(fault)?
            }
            answer => answer.map_err(fault)?,
        };
        Ok(reply.into_iter().map(|code| code == 1).collect())
    }
}
