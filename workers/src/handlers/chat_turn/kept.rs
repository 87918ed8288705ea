//! A session's branch as the turn before read it, beside the queue: a turn reads from the record only what is new.
//!
//! It cannot be stale. An entry is written once and follows the same one for ever, so what is before it never changes, and
//! nothing of the agent or its configuration is kept. What is kept under a session begins with some entry; it is used where
//! the branch, as the record has it, comes to that entry, and nowhere else. The name covers when the session was opened,
//! so that one which is deleted and opened again under the same id finds nothing of the first.

use crate::{
    agents::{Agents, CacheLimits, counted::Counts},
    cache::{self, Cache, CacheName, Keep},
    sessions::{Session, SessionEntry},
};
use serde::{Deserialize, Serialize};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::time::timeout;

/// How long it is kept: as long as people leave a chat and come back to it.
const LASTS: Duration = Duration::from_hours(24);
/// A cache that takes longer holds nothing: the record is read.
const PATIENCE: Duration = Duration::from_secs(1);
/// What an entry takes beside its content, and is counted with.
const FRAME: usize = 512;

/// Where a session's branch is kept.
pub(super) struct Keeper {
    cache: Arc<dyn Cache>,
    limits: CacheLimits,
    name: CacheName,
}

/// What is kept.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    /// The newest first, each followed by its parent.
    entries: VecDeque<SessionEntry>,
    counts: Vec<(u64, u64)>,
}

/// What was kept.
#[derive(Default)]
pub(super) struct Known {
    pub entries: VecDeque<SessionEntry>,
    pub counts: Counts,
}

impl Keeper {
    /// Where branches are kept at all: where the record is as near, it is read itself.
    pub fn new(agents: &Agents, session: &Session) -> Option<Self> {
        let (cache, limits) = agents.cache()?;
        let name = cache::name_of_context(session);
        cache.is_apart().then(|| Self { cache: Arc::clone(cache), limits, name })
    }

    /// What is kept; nothing where the cache does not answer.
    pub async fn known(&self) -> Known {
        let found = match timeout(PATIENCE, self.cache.cached(&self.name)).await {
            Ok(Ok(found)) => found,
            _ => None,
        };
        let kept: Option<Kept> = found.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let Kept { entries, counts } = kept.unwrap_or_default();
        let follows = entries.iter().zip(entries.iter().skip(1)).all(|(entry, next)| entry.parent == Some(next.id));
        if follows { Known { entries, counts: Counts::new(counts) } } else { Known::default() }
    }

    /// Keeps a branch, which is the newest first: as much of its newest end as there is room for.
    pub async fn keep(&self, branch: &[SessionEntry], counts: &Counts) {
        let mut left = self.limits.entry_bytes;
        let fits = |entry: &&SessionEntry| {
            let size = entry.content.get().len() + FRAME;
            let fits = size <= left;
            left = left.saturating_sub(size);
            fits
        };
        let entries: VecDeque<SessionEntry> = branch.iter().take_while(fits).cloned().collect();
        if entries.is_empty() {
            return;
        }
        let Ok(value) = serde_json::to_vec(&Kept { entries, counts: counts.used() }) else { return };
        if value.len() > self.limits.entry_bytes {
            return;
        }
        let keep = Keep { name: self.name, value, lasts: LASTS, most: self.limits.most };
        if !matches!(timeout(PATIENCE, self.cache.keep(keep)).await, Ok(Ok(_))) {
            tracing::debug!("what a turn was told of is not kept; the next one reads it again");
        }
    }
}
