//! The server: starts, answers questions about what it saw, and stops.

use crate::{
    connection,
    record::{CallRecord, Ledger, Outcome},
    route,
    script::Script,
    shared::Shared,
};
use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

/// Bytes of requests that are kept unless told otherwise.
const KEEP_BYTES: usize = 64 * 1024 * 1024;
/// After an accept that failed, which most often is the process's limit of open files.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// Called once for each call that has ended; the record is without its body.
pub type OnEnd = Arc<dyn Fn(&CallRecord) + Send + Sync>;

/// How to start.
#[derive(Clone)]
pub struct Options {
    /// Port 0 for any that is free.
    pub listen: SocketAddr,
    #[allow(missing_docs)]
    pub script: Script,
    /// Bodies of requests are kept up to so many bytes in all, the newest first.
    pub keep_bytes: usize,
    #[allow(missing_docs)]
    pub on_end: Option<OnEnd>,
}

/// A provider that runs. Dropping it ends it at once.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// Less happened in time than was waited for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("waited {limit:?} for {wanted}: {calls} calls had arrived, {ended} of them had ended")]
pub struct TooFew {
    wanted: String,
    limit: Duration,
    calls: usize,
    ended: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            script: Script::default(),
            keep_bytes: KEEP_BYTES,
            on_end: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("listen", &self.listen).field("script", &self.script).finish_non_exhaustive()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Server {
    /// Listens and answers from now on.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(options.script, options.keep_bytes, options.on_end));
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, task })
    }

    /// Where it is, such as `http://127.0.0.1:8089`: with `/v1` the base URL of OpenAI's wires, as it is of Anthropic's.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far, in the order of arrival.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.shared.calls()
    }

    /// What it would bill so far.
    pub fn ledger(&self) -> Ledger {
        self.shared.ledger()
    }

    /// From now on it answers by this; rate limits and counts of calls start again. Answers under way go on.
    pub fn set_script(&self, script: Script) {
        self.shared.set_script(script);
    }

    /// Forgets every call and starts its script again.
    pub fn reset(&self) {
        self.shared.reset();
    }

    /// Ends every stall of now.
    pub fn release(&self) {
        self.shared.release();
    }

    /// Waits until so many calls have arrived, whatever became of them.
    pub async fn wait_for(&self, n: usize, limit: Duration) -> Result<(), TooFew> {
        self.wait(format!("{n} calls"), limit, |calls| calls.len() >= n).await
    }

    /// Waits until so many calls have ended.
    pub async fn wait_for_ended(&self, n: usize, limit: Duration) -> Result<(), TooFew> {
        let wanted = format!("{n} calls to end");
        self.wait(wanted, limit, |calls| calls.len() - open(calls) >= n).await
    }

    /// Waits until so many pieces of the n-th call (from 1) have been streamed.
    pub async fn wait_for_pieces(&self, n: usize, pieces: u64, limit: Duration) -> Result<(), TooFew> {
        let wanted = format!("{pieces} pieces of call {n}");
        self.wait(wanted, limit, |calls| n > 0 && calls.get(n - 1).is_some_and(|call| call.pieces >= pieces)).await
    }

    /// Waits until the calls are as wanted.
    pub async fn wait_until(&self, limit: Duration, is: impl Fn(&[CallRecord]) -> bool) -> Result<(), TooFew> {
        self.wait("calls as wanted".to_owned(), limit, is).await
    }

    /// Ends it with every connection, and waits for that.
    pub async fn stop(mut self) {
        self.task.abort();
        // Aborted or panicked, it is over.
        let _ = (&mut self.task).await;
    }

    async fn wait(&self, wanted: String, limit: Duration, is: impl Fn(&[CallRecord]) -> bool) -> Result<(), TooFew> {
        let mut changes = self.shared.changes();
        let happens = async {
            while !self.shared.look(&is) {
                // The sender lives as long as `self`.
                let _ = changes.changed().await;
            }
        };
        timeout(limit, happens).await.map_err(|_| {
            let (calls, open) = self.shared.look(|calls| (calls.len(), open(calls)));
            TooFew { wanted, limit, calls, ended: calls - open }
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn open(calls: &[CallRecord]) -> usize {
    calls.iter().filter(|call| call.outcome == Outcome::Begun).count()
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let router = route::router(shared);
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = open.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => drop(open.spawn(connection::serve(stream, address, router.clone()))),
                Err(_) => sleep(ACCEPT_AGAIN).await,
            },
        }
    }
}
