//! A connection to Redis that is made anew when it breaks or goes silent.
//!
//! Not the driver's connection manager: that one keeps a connection that answers nothing, and every call on it waits
//! in vain until TCP gives up, a quarter of an hour later.

use futures_util::FutureExt;
use redis::{
    AsyncConnectionConfig, Cmd, Pipeline, RedisError, RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Mutex, time::Instant};

/// Cheap to clone; clones share the connection.
#[derive(Clone)]
pub(super) struct Link(Arc<Shared>);

struct Shared {
    client: redis::Client,
    config: AsyncConnectionConfig,
    state: Mutex<State>,
    /// How many connections there were.
    made: AtomicU64,
}

enum State {
    None,
    Live { number: u64, since: Instant, connection: MultiplexedConnection },
    Failed { at: Instant, error: RedisError },
}

impl Link {
    /// Connects. From then on no call, and no attempt to connect, takes longer than `limit`.
    pub(super) async fn open(client: &redis::Client, limit: Duration) -> RedisResult<Self> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(limit)).set_response_timeout(Some(limit));
        let shared = Shared { client: client.clone(), config, state: Mutex::new(State::None), made: AtomicU64::new(0) };
        let link = Self(Arc::new(shared));
        link.connection().await?;
        Ok(link)
    }

    /// How long the connection has held since it was last made anew; `None` while there is none. One that never broke
    /// has held for ever.
    pub(super) async fn held_for(&self) -> Option<Duration> {
        match &*self.0.state.lock().await {
            State::Live { number: 1, .. } => Some(Duration::MAX),
            State::Live { since, .. } => Some(since.elapsed()),
            _ => None,
        }
    }

    /// The connection, and its number. Who finds none waits for one attempt to make it, their own or another's.
    async fn connection(&self) -> RedisResult<(u64, MultiplexedConnection)> {
        let asked = Instant::now();
        let mut state = self.0.state.lock().await;
        match &*state {
            State::Live { number, connection, .. } => return Ok((*number, connection.clone())),
            State::Failed { at, error } if *at >= asked => return Err(error.clone()),
            _ => {}
        }
        match self.0.client.get_multiplexed_async_connection_with_config(&self.0.config).await {
            Ok(connection) => {
                let number = self.0.made.fetch_add(1, Ordering::SeqCst) + 1;
                *state = State::Live { number, since: Instant::now(), connection: connection.clone() };
                Ok((number, connection))
            }
            Err(error) => {
                *state = State::Failed { at: Instant::now(), error: error.clone() };
                Err(error)
            }
        }
    }

    /// Drops a connection that does not answer, unless that was done already.
    async fn judge<T>(&self, number: u64, answer: RedisResult<T>) -> RedisResult<T> {
        if answer.as_ref().is_err_and(|error| error.is_io_error() || error.is_unrecoverable_error()) {
            let mut state = self.0.state.lock().await;
            if matches!(&*state, State::Live { number: live, .. } if *live == number) {
                *state = State::None;
            }
        }
        answer
    }
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        async move {
            let (number, mut connection) = self.connection().await?;
            let answer = connection.req_packed_command(cmd).await;
            self.judge(number, answer).await
        }
        .boxed()
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        async move {
            let (number, mut connection) = self.connection().await?;
            let answer = connection.req_packed_commands(pipeline, offset, count).await;
            self.judge(number, answer).await
        }
        .boxed()
    }

    fn get_db(&self) -> i64 {
        self.0.client.get_connection_info().redis_settings().db()
    }
}
