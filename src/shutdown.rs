//! SIGTERM and SIGINT: the first ends gracefully, the second at once.

use crate::exit::Failure;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// What the signals have asked for so far. Dropping it stops listening.
pub struct Shutdown {
    /// End when what is under way has ended.
    pub stop: CancellationToken,
    /// End now.
    pub hard: CancellationToken,
    listener: JoinHandle<()>,
}

impl Shutdown {
    /// Listens from now on.
    pub fn listen() -> Result<Self, Failure> {
        let cannot = |e| Failure::unavailable(format!("cannot listen for signals: {e}"));
        let interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
        let terminate = signal(SignalKind::terminate()).map_err(cannot)?;
        let (stop, hard) = (CancellationToken::new(), CancellationToken::new());
        let listener = tokio::spawn(obey(interrupt, terminate, stop.clone(), hard.clone()));
        Ok(Self { stop, hard, listener })
    }
}

impl Drop for Shutdown {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn obey(mut interrupt: Signal, mut terminate: Signal, stop: CancellationToken, hard: CancellationToken) {
    for count in 1_u32.. {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        match count {
            1 => {
                tracing::info!("stopping; once more to stop at once");
                stop.cancel();
            }
            2 => {
                tracing::warn!("stopping at once");
                hard.cancel();
            }
            // Whatever it still waits for, nobody else does.
            _ => std::process::exit(crate::exit::Exit::Interrupted as i32),
        }
    }
}
