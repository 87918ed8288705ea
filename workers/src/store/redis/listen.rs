//! Wake-ups from other processes, over one subscription.

use super::{Queues, keys};
use crate::store::Signal;
use futures_util::{Stream, StreamExt};
use redis::{Msg, RedisError, RedisResult, Value};
use std::{io, sync::Arc, time::Duration};
use tokio::{sync::broadcast, time::timeout};

/// Waits between attempts to subscribe again.
const RETRY: Duration = Duration::from_millis(250);
/// A subscription says nothing while there is no news, so it is asked this often whether it still stands.
const PING_EVERY: Duration = Duration::from_secs(5);

impl Queues {
    /// Passes wake-ups on until the task is aborted. After every subscription it says [`Signal::Resync`], since what
    /// came before is missed, and after every one but the first [`Signal::Returned`].
    pub(crate) async fn listen(self: Arc<Self>, to: broadcast::Sender<Signal>, watch: bool) {
        let (mut logged, mut first) = (false, true);
        loop {
            match self.subscription(&to, watch, &mut logged, &mut first).await {
                Err(error) if !logged => {
                    tracing::warn!(%error, "subscription to redis ended; trying again until it works");
                    logged = true;
                }
                _ => {}
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn subscription(
        &self,
        to: &broadcast::Sender<Signal>,
        watch: bool,
        logged: &mut bool,
        first: &mut bool,
    ) -> Result<(), RedisError> {
        let channels = Channels {
            work: keys::work_channel(&self.prefix),
            cancel: keys::cancel_channel(&self.prefix),
            changed: keys::changed_channel(&self.prefix),
        };
        let (mut sink, messages) = self.within(self.client.get_async_pubsub()).await?.split();
        self.within(sink.subscribe(&[&channels.work, &channels.cancel])).await?;
        if watch {
            self.within(sink.subscribe(&channels.changed)).await?;
        }
        if std::mem::take(logged) {
            tracing::info!("subscribed to redis again");
        }
        let _ = to.send(Signal::Resync);
        if !std::mem::take(first) {
            let _ = to.send(Signal::Returned);
        }
        let alive = async {
            loop {
                tokio::time::sleep(PING_EVERY).await;
                self.within(sink.ping::<Value>()).await?;
            }
        };
        tokio::select! {
            ended = alive => ended,
            ended = pass(messages, &channels, to) => ended,
        }
    }

    /// A call on a connection that knows no limit of its own.
    async fn within<T>(&self, call: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        timeout(self.call_timeout, call).await.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
    }
}

struct Channels {
    work: String,
    cancel: String,
    changed: String,
}

async fn pass(
    messages: impl Stream<Item = Msg>,
    channels: &Channels,
    to: &broadcast::Sender<Signal>,
) -> Result<(), RedisError> {
    tokio::pin!(messages);
    while let Some(message) = messages.next().await {
        let text: String = message.get_payload()?;
        let channel = message.get_channel_name();
        if channel == channels.work {
            let _ = to.send(Signal::Work(text.into()));
            continue;
        }
        for id in text.split(' ').filter_map(|id| id.parse().ok()) {
            let _ = to.send(if channel == channels.cancel { Signal::Cancel(id) } else { Signal::Changed(id) });
        }
    }
    Ok(())
}
