//! SIGTERM and SIGINT: the first ends gracefully, the second at once; so does a deadline, when the first takes too long.
//!
//! A thread of its own listens and counts the time: handlers that block every thread of the runtime must not keep the
//! process from ending.

use crate::exit::{Exit, Failure};
use std::{io, sync::mpsc, thread, time::Duration};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// How long the process may take to end once it was told to end at once.
const AT_ONCE: Duration = Duration::from_secs(2);
/// The same where the deadline told it, most.
const LAST: Duration = Duration::from_secs(1);

/// What the signals have asked for so far. Dropping it stops listening.
pub struct Shutdown {
    /// End when what is under way has ended.
    pub stop: CancellationToken,
    /// End now.
    pub hard: CancellationToken,
    over: CancellationToken,
    listener: Option<thread::JoinHandle<()>>,
}

impl Shutdown {
    /// Listens from now on.
    pub fn listen() -> Result<Self, Failure> {
        Self::start(None)
    }

    /// Listens from now on. The process is gone `limit` after the first signal, whatever it still waits for: it is told
    /// to end at once a little earlier.
    pub fn listen_with_limit(limit: Duration) -> Result<Self, Failure> {
        Self::start(Some(limit))
    }

    fn start(limit: Option<Duration>) -> Result<Self, Failure> {
        let cannot = |e| Failure::unavailable(format!("cannot listen for signals: {e}"));
        let (stop, hard, over) = (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
        let (listens, listening) = mpsc::channel();
        let tokens = (stop.clone(), hard.clone(), over.clone());
        let listener = thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let (stop, hard, over) = tokens;
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(listens.send(Err(error))),
            };
            runtime.block_on(async {
                match Signals::new() {
                    Ok(signals) => {
                        let _ = listens.send(Ok(()));
                        over.run_until_cancelled(obey(signals, limit, stop, hard)).await;
                    }
                    Err(error) => drop(listens.send(Err(error))),
                }
            });
        });
        let listener = listener.map_err(cannot)?;
        listening.recv().unwrap_or_else(|gone| Err(io::Error::other(gone))).map_err(cannot)?;
        Ok(Self { stop, hard, over, listener: Some(listener) })
    }
}

impl Drop for Shutdown {
    fn drop(&mut self) {
        self.over.cancel();
        if let Some(listener) = self.listener.take() {
            // It was told to end, and does nothing that takes time.
            let _ = listener.join();
        }
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

async fn obey(mut signals: Signals, limit: Option<Duration>, stop: CancellationToken, hard: CancellationToken) {
    signals.next().await;
    // Who reads the line may go by it: it is said once it is so.
    stop.cancel();
    tracing::info!("stopping; once more to stop at once");
    let last = limit.map(|limit| LAST.min(limit / 4));
    let wait = async {
        match limit.zip(last) {
            Some((limit, last)) => sleep(limit.saturating_sub(last)).await,
            None => std::future::pending().await,
        }
    };
    let rest = tokio::select! {
        () = signals.next() => {
            tracing::warn!("stopping at once");
            AT_ONCE
        }
        () = wait => {
            tracing::warn!("the time to stop is over: stopping at once");
            last.unwrap_or(LAST)
        }
    };
    hard.cancel();
    // Whatever it still waits for, nobody else does.
    if timeout(rest, signals.next()).await.is_err() {
        tracing::error!("the process does not end by itself and is ended: leases it still holds will run out");
    }
    std::process::exit(Exit::Interrupted as i32);
}
