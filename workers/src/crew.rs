//! The threads that handlers run on, apart from those of the engine: whatever a handler does to its thread, leases are
//! renewed, results recorded and probes answered, and other jobs go on.
//!
//! As many threads take handlers as the machine has cores. One that a handler does not give back is replaced, up to
//! [`MAX_THREADS`], as a Go program replaces threads that are stuck in system calls; it leaves once the handler lets
//! it go. What handlers wait for (timers, sockets, tasks of their own) belongs to a small runtime beside.

mod seat;
mod task;

pub(crate) use task::{Hold, Label};

use futures_util::FutureExt as _;
use seat::Seat;
use std::{
    collections::VecDeque,
    io,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::Wake as _,
    thread,
    time::Duration,
};
use task::Task;
use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::{Notify, oneshot},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// Most threads, those that handlers block among them.
const MAX_THREADS: usize = 512;
/// Threads of the runtime beside.
const RUNTIME_THREADS: usize = 2;
/// Between two looks at what the threads do: what blocks one for longer has it replaced, where others wait for it.
const LOOK: Duration = Duration::from_millis(100);
/// How long threads may take to leave at the end. One that a handler blocks is left behind.
const LEAVE: Duration = Duration::from_secs(1);

/// The threads, and the runtime beside them.
pub(crate) struct Crew {
    shared: Arc<Shared>,
    /// Taken when this is dropped.
    runtime: Option<Runtime>,
}

/// What the threads have in common.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Told when there is something for an idle thread.
    work: Condvar,
    /// Handlers that have not ended.
    alive: AtomicUsize,
    /// Told when the first of them came.
    busy: Notify,
    /// Told when a thread left.
    left: Notify,
    context: Handle,
    /// Threads that should be free for handlers at any time.
    enough: usize,
}

#[derive(Default)]
struct State {
    /// Handlers that can go on.
    ready: VecDeque<Arc<Task>>,
    seats: Vec<Arc<Seat>>,
    /// Threads that wait and were not told yet to look for work.
    idle: usize,
    /// Threads that were told and have not looked.
    told: usize,
    /// Threads that do not count, because a handler blocks them.
    replaced: usize,
    closed: bool,
}

impl Crew {
    /// Starts as many threads as there are cores; `None` where the system refuses them, which the log then says.
    pub fn start() -> Option<Arc<Self>> {
        let enough = thread::available_parallelism().map_or(2, usize::from).min(MAX_THREADS);
        let crew = Self::of(enough).inspect_err(|error| {
            tracing::error!(%error, "the threads for handlers cannot be started: the fleet does not run");
        });
        crew.ok().map(Arc::new)
    }

    fn of(enough: usize) -> io::Result<Self> {
        let mut runtime = Builder::new_multi_thread();
        let runtime = runtime.worker_threads(RUNTIME_THREADS).thread_name("handlers-io").enable_all().build()?;
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            work: Condvar::new(),
            alive: AtomicUsize::new(0),
            busy: Notify::new(),
            left: Notify::new(),
            context: runtime.handle().clone(),
            enough,
        });
        let crew = Self { shared, runtime: Some(runtime) };
        for _ in 0..enough {
            crew.shared.hire(&mut crew.shared.state())?;
        }
        Ok(crew)
    }

    /// Runs a handler. It is dropped when what this answers is.
    pub fn spawn<T: Send + 'static>(&self, label: Label, handler: impl Future<Output = T> + Send + 'static) -> Hold<T> {
        let (tell, ended) = oneshot::channel();
        let all = async move {
            let _ = tell.send(AssertUnwindSafe(handler).catch_unwind().await);
        };
        let task = Task::new(Box::pin(all), label, Arc::clone(&self.shared));
        if self.shared.alive.fetch_add(1, Ordering::SeqCst) == 0 {
            self.shared.busy.notify_one();
        }
        Arc::clone(&task).wake();
        Hold::new(task, ended)
    }

    /// Looks after the threads until `stop`: replaces and reports those that handlers block.
    pub fn watch(&self, stop: CancellationToken) -> impl Future<Output = ()> + Send + use<> {
        let shared = Arc::clone(&self.shared);
        async move {
            let watch = async {
                loop {
                    while shared.alive.load(Ordering::SeqCst) == 0 {
                        shared.busy.notified().await;
                    }
                    sleep(LOOK).await;
                    shared.look();
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = watch => {}
            }
        }
    }

    /// Ends the threads, except those that handlers block: they end with the process.
    pub async fn close(&self) {
        self.shared.close();
        let free = || {
            let state = self.shared.state();
            state.seats.iter().all(|seat| seat.is_blocked())
        };
        let left = async {
            while !free() {
                let _ = timeout(LOOK, self.shared.left.notified()).await;
            }
        };
        let _ = timeout(LEAVE, left).await;
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.shared.close();
        if let Some(runtime) = self.runtime.take() {
            // Waiting for it is not allowed here, and a handler may block it.
            runtime.shutdown_background();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a handler that can go on to the next free thread.
    fn ready(&self, task: Arc<Task>) {
        let mut state = self.state();
        if state.closed {
            return;
        }
        state.ready.push_back(task);
        if state.idle > 0 {
            state.idle -= 1;
            state.told += 1;
            drop(state);
            self.work.notify_one();
        }
    }

    /// A handler has ended.
    fn ended(&self) {
        self.alive.fetch_sub(1, Ordering::SeqCst);
    }

    /// Starts a thread.
    fn hire(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        let (shared, seat) = (Arc::clone(self), Arc::new(Seat::default()));
        let own = Arc::clone(&seat);
        thread::Builder::new().name("handlers".to_owned()).spawn(move || shared.serve(&own))?;
        state.seats.push(seat);
        Ok(())
    }

    /// What a thread does.
    fn serve(&self, seat: &Arc<Seat>) {
        let _context = self.context.enter();
        while let Some(task) = self.next(seat) {
            seat.take(&task);
            task.run();
            drop(task);
            if seat.leave() {
                self.state().replaced -= 1;
            }
        }
        self.left.notify_one();
    }

    /// Waits for something to do; `None` where the thread is one too many.
    fn next(&self, seat: &Arc<Seat>) -> Option<Arc<Task>> {
        let mut state = self.state();
        loop {
            if state.closed || state.seats.len() - state.replaced > self.enough {
                state.seats.retain(|other| !Arc::ptr_eq(other, seat));
                return None;
            }
            if let Some(task) = state.ready.pop_front() {
                return Some(task);
            }
            state.idle += 1;
            while state.told == 0 && !state.closed {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.told = state.told.saturating_sub(1);
        }
    }

    /// Reports the handlers that block their threads, and replaces the threads where others wait for one.
    fn look(self: &Arc<Self>) {
        let mut state = self.state();
        let mut wanted = state.ready.len();
        for seat in state.seats.clone() {
            if seat.look(wanted > 0 && state.seats.len() < MAX_THREADS) {
                state.replaced += 1;
                wanted -= 1;
                if let Err(error) = self.hire(&mut state) {
                    tracing::error!(%error, "no thread could be started in place of one that a handler blocks");
                }
            }
        }
    }

    fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let left = std::mem::take(&mut state.ready);
        drop(state);
        self.work.notify_all();
        drop(left);
    }
}

#[cfg(test)]
mod tests;
