//! Tasks that have an owner, by name.

use std::{collections::HashMap, time::Duration};
use tokio::{
    task::{Id, JoinError, JoinSet},
    time::timeout,
};

/// A set of tasks; dropping it aborts them.
#[derive(Default)]
pub(super) struct Tasks {
    set: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

impl Tasks {
    /// Starts a task.
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.names.insert(self.set.spawn(task).id(), name);
    }

    /// Returns when one ended that was to go on until told otherwise.
    pub async fn one_ended(&mut self) {
        match self.set.join_next_with_id().await {
            Some(Ok((id, ()))) => tracing::error!(task = self.name(id), "a task ended by itself; the fleet stops"),
            Some(Err(error)) => self.died(&error),
            None => std::future::pending().await,
        }
    }

    /// Waits for all to end, and aborts those that have not after `limit`.
    pub async fn join(&mut self, limit: Duration) {
        if timeout(limit, self.join_all()).await.is_err() {
            tracing::warn!(tasks = ?self.names.values(), "tasks did not end in time and are aborted");
            self.set.abort_all();
            self.join_all().await;
        }
    }

    async fn join_all(&mut self) {
        while let Some(ended) = self.set.join_next_with_id().await {
            match ended {
                Ok((id, ())) => drop(self.names.remove(&id)),
                Err(error) => self.died(&error),
            }
        }
    }

    fn died(&mut self, error: &JoinError) {
        let task = self.name(error.id());
        if !error.is_cancelled() {
            tracing::error!(task, %error, "a task of the fleet panicked");
        }
    }

    fn name(&mut self, id: Id) -> &'static str {
        self.names.remove(&id).unwrap_or("unknown")
    }
}
