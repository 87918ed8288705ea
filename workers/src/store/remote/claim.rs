//! Handing out jobs, and keeping the leases alive.

use super::Remote;
use crate::store::{
    Claim, Claimed, Error, Lease, Renewal,
    redis::{self, Back, Batch, Head, MAX_SCRIPT_BATCH, Popped, ReadyAt, Then},
};
use flotilla_jobs::JobId;
use futures_util::future::try_join_all;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

impl Remote {
    pub(super) async fn do_claim(&self, p: Claim<'_>) -> Result<Vec<Claimed>, Error> {
        if p.kinds.is_some_and(<[_]>::is_empty) {
            return Ok(Vec::new());
        }
        let wanted = p.queues.iter().filter(|(_, max)| *max > 0);
        let each = wanted.map(|(queue, max)| async move {
            let batch = self.queues.claim(&p, queue, *max).await?;
            Ok::<_, Error>((queue, batch))
        });
        let worker: Arc<str> = p.worker.into();
        let mut claimed = Vec::new();
        for (queue, batch) in try_join_all(each).await? {
            self.open_batch(queue, batch, &worker, &mut claimed).await;
        }
        if let Err(error) = self.restore_repaired().await {
            tracing::warn!(%error, "a repaired queue does not know its settings yet");
        }
        Ok(claimed)
    }

    async fn open_batch(&self, queue: &str, batch: Batch, worker: &Arc<str>, to: &mut Vec<Claimed>) {
        let queue: Arc<str> = queue.into();
        let mut unreadable = Vec::new();
        for job in batch.jobs {
            let part = Part { queue: &queue, worker, token: batch.token, now: batch.now };
            match part.open(&job) {
                Ok(one) => to.push(one),
                Err(detail) => {
                    let place = format!("job {} in queue `{queue}`", job.ticket);
                    self.queues.damage.met(place, detail, "taken from the record instead");
                    unreadable.push(job.ticket);
                }
            }
        }
        if !unreadable.is_empty() {
            self.replace_unreadable(&queue, batch.token, &unreadable).await;
        }
    }

    /// The record is the truth: what the queue cannot read is dropped there and pushed again.
    async fn replace_unreadable(&self, queue: &str, token: u64, tickets: &[String]) {
        let drop = |ticket| Back { ticket, token, head: Head::default(), then: Then::Drop };
        let backs: Vec<Back<'_>> = tickets.iter().map(|t| drop(t)).collect();
        if let Err(error) = self.queues.give_back(queue, &backs, &[]).await {
            tracing::warn!(%error, queue, "could not drop unreadable jobs; their leases will expire");
            return;
        }
        let ids = tickets.iter().filter_map(|t| redis::id_of(t)).collect();
        self.push_open(&ids, ReadyAt::Since).await;
    }

    pub(super) async fn do_renew(&self, leases: &[Lease], ttl: Duration) -> Result<Vec<Renewal>, Error> {
        let mut by_queue: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (i, lease) in leases.iter().enumerate() {
            by_queue.entry(&lease.queue).or_default().push(i);
        }
        let mut renewals = vec![Renewal::Lost; leases.len()];
        for (queue, indexes) in by_queue {
            for part in indexes.chunks(MAX_SCRIPT_BATCH) {
                let pairs: Vec<(&str, u64)> = part.iter().map(|&i| (&*leases[i].ticket, leases[i].token)).collect();
                for (&i, reply) in part.iter().zip(self.queues.renew(queue, &pairs, ttl).await?) {
                    renewals[i] = match reply {
                        0 => Renewal::Lost,
                        1 => Renewal::Kept,
                        _ => Renewal::CancelAsked,
                    };
                }
            }
        }
        Ok(renewals)
    }
}

/// What the jobs of one claim have in common.
struct Part<'a> {
    queue: &'a Arc<str>,
    worker: &'a Arc<str>,
    token: u64,
    now: i64,
}

impl Part<'_> {
    fn open(&self, job: &Popped) -> Result<Claimed, String> {
        let id: JobId = redis::id_of(&job.ticket).ok_or("its ticket names no job")?;
        let bytes = job.envelope.as_deref().ok_or("its envelope is gone")?;
        let text = std::str::from_utf8(bytes).map_err(|e| e.to_string())?;
        let (head, body) = redis::read_envelope(text)?;
        let lease = Lease {
            job: id,
            queue: self.queue.clone(),
            worker: self.worker.clone(),
            token: self.token,
            run: head.run,
            attempts: head.attempts,
            ready_at: job.ready_at,
            ticket: job.ticket.as_str().into(),
        };
        Ok(Claimed {
            lease,
            kind: body.kind.to_owned(),
            payload: body.payload.to_owned(),
            tenant: body.tenant.into_owned(),
            trace: body.trace.map(std::borrow::Cow::into_owned),
            max_attempts: body.max_attempts,
            timeout_ms: body.timeout_ms,
            backoff: body.backoff.unwrap_or_default(),
            claimed_at: self.now,
        })
    }
}
