//! Wake-ups from other processes, over one subscription.

use super::{Queues, keys};
use crate::store::Signal;
use futures_util::StreamExt;
use redis::RedisError;
use std::{sync::Arc, time::Duration};
use tokio::sync::broadcast;

/// Waits between attempts to subscribe again.
const RETRY: Duration = Duration::from_millis(250);

impl Queues {
    /// Passes wake-ups on until the task is aborted. After every subscription it says [`Signal::Resync`], since what
    /// came before is missed.
    pub(crate) async fn listen(self: Arc<Self>, to: broadcast::Sender<Signal>, watch: bool) {
        let mut logged = false;
        loop {
            match self.subscription(&to, watch).await {
                Ok(()) => logged = false,
                Err(error) if !logged => {
                    tracing::warn!(%error, "subscription to redis ended; trying again until it works");
                    logged = true;
                }
                Err(_) => {}
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn subscription(&self, to: &broadcast::Sender<Signal>, watch: bool) -> Result<(), RedisError> {
        let (work, cancel) = (keys::work_channel(&self.prefix), keys::cancel_channel(&self.prefix));
        let mut subscription = self.client.get_async_pubsub().await?;
        subscription.subscribe(&[&work, &cancel]).await?;
        if watch {
            subscription.subscribe(keys::changed_channel(&self.prefix)).await?;
        }
        let _ = to.send(Signal::Resync);
        let mut messages = subscription.into_on_message();
        while let Some(message) = messages.next().await {
            let text: String = message.get_payload()?;
            let channel = message.get_channel_name();
            if channel == work {
                let _ = to.send(Signal::Work(text.into()));
                continue;
            }
            for id in text.split(' ').filter_map(|id| id.parse().ok()) {
                let _ = to.send(if channel == cancel { Signal::Cancel(id) } else { Signal::Changed(id) });
            }
        }
        Ok(())
    }
}
