//! Unique and idempotency keys: the first holder of a key is the answer for the others.

use super::{
    row::{self, Place},
    tx::Tx,
    unit::Unit,
};
use crate::{
    clock::Millis,
    store::{
        Error, Submission,
        keys::{keys_of, same_json},
    },
};
use flotilla_jobs::{Accepted, JobId};
use std::collections::HashMap;

static KEY_HOLDER: Unit = Unit::new(include_str!("key_holder.sql"));
static TAKE_KEY: Unit = Unit::new(include_str!("take_key.sql"));

/// A key that a job wants.
struct Wish<'a> {
    name: String,
    job: &'a Submission,
    scope: &'static str,
    expires_at: Option<Millis>,
    /// As the producer spelled it, if it is one.
    idempotency: Option<&'a str>,
}

/// A job on record whose key still counts.
struct Holder {
    id: JobId,
    kind: String,
    payload: String,
}

/// The keys of some batches: who holds them, and who takes them.
pub(super) struct Keys<'a> {
    now: Millis,
    held: HashMap<String, Holder>,
    taken: HashMap<String, Wish<'a>>,
}

impl<'a> Keys<'a> {
    /// Looks up every key that the batches want.
    pub(super) async fn load(tx: &mut Tx<'_>, batches: &[&'a [Submission]]) -> Result<Self, Error> {
        let now = tx.now;
        let mut names: Vec<String> =
            batches.iter().flat_map(|b| b.iter()).flat_map(|job| wishes(job, now)).map(|w| w.name).collect();
        names.sort_unstable();
        names.dedup();
        let found = KEY_HOLDER.run(tx.conn, &names, |name, args| args.add(name)).await?;
        let mut held = HashMap::new();
        for (name, found) in names.into_iter().zip(&found) {
            let Some(row) = found.rows.first() else { continue };
            let counts = match (row::get::<&str>(row, "scope")?, row::place(row, "state")?) {
                ("window", _) => row::get::<Option<Millis>>(row, "expires_at")?.is_some_and(|until| until > now),
                ("waiting", Some(Place::Running)) | (_, None) => false,
                _ => true,
            };
            if let (true, Some(kind), Some(payload)) = (counts, row::get(row, "kind")?, row::get(row, "payload")?) {
                held.insert(name, Holder { id: row::id(row)?, kind, payload });
            }
        }
        Ok(Self { now, held, taken: HashMap::new() })
    }

    /// Decides which jobs of a batch are new; a refused batch takes no key.
    pub(super) fn accept(&mut self, batch: &'a [Submission]) -> Result<(Vec<Accepted>, Vec<&'a Submission>), Error> {
        let mut staged: HashMap<String, Wish<'a>> = HashMap::new();
        let mut answers = Vec::with_capacity(batch.len());
        let mut new = Vec::with_capacity(batch.len());
        for job in batch {
            let wishes: Vec<Wish<'a>> = wishes(job, self.now).collect();
            if let Some(id) = self.first_holder(&wishes, &staged)? {
                answers.push(Accepted { id, duplicate: true });
                continue;
            }
            staged.extend(wishes.into_iter().map(|wish| (wish.name.clone(), wish)));
            answers.push(Accepted { id: job.id, duplicate: false });
            new.push(job);
        }
        self.taken.extend(staged);
        Ok((answers, new))
    }

    fn first_holder(&self, wishes: &[Wish<'a>], staged: &HashMap<String, Wish<'a>>) -> Result<Option<JobId>, Error> {
        for wish in wishes {
            let earlier = staged.get(&wish.name).or_else(|| self.taken.get(&wish.name)).map(|w| w.job);
            let (id, kind, payload) = match (earlier, self.held.get(&wish.name)) {
                (Some(job), _) => (job.id, job.kind.as_str(), job.payload.get()),
                (None, Some(holder)) => (holder.id, holder.kind.as_str(), holder.payload.as_str()),
                (None, None) => continue,
            };
            let same = || kind == wish.job.kind && same_json(payload, wish.job.payload.get());
            if let Some(key) = wish.idempotency.filter(|_| !same()) {
                return Err(Error::IdempotencyMismatch(key.to_owned()));
            }
            return Ok(Some(id));
        }
        Ok(None)
    }

    /// Writes down who took which key.
    pub(super) async fn write(self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let taken: Vec<Wish<'_>> = self.taken.into_values().collect();
        TAKE_KEY
            .run(tx.conn, &taken, |wish, args| {
                args.add(&wish.name).add(wish.job.id.0).add(wish.scope).add(wish.expires_at)
            })
            .await?;
        Ok(())
    }
}

fn wishes(job: &Submission, now: Millis) -> impl Iterator<Item = Wish<'_>> {
    keys_of(job).map(move |key| Wish {
        name: key.name,
        job,
        scope: key.scope,
        expires_at: key.window_ms.map(|ms| now.saturating_add(ms)),
        idempotency: key.idempotency,
    })
}
