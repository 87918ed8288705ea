//! What the streams take while they go on.

use super::report::{Cost, ServerCost};
use crate::bench::{Process, Usage};
use tokio::time::Instant;

/// Watches the processes that take part.
pub(super) struct Meter {
    runs: u64,
    worker: Watched,
    server: Option<Watched>,
    provider: Process,
    start: Mark,
    /// Handlers that began.
    pub starts: u64,
    began: u64,
    /// From when all had begun until the first one ended.
    all: Option<Mark>,
    until: Option<Mark>,
}

/// A process and its memory.
struct Watched {
    process: Process,
    before: f64,
    most: f64,
}

/// CPU seconds spent until then.
#[derive(Clone, Copy)]
struct Mark {
    at: Instant,
    machine: f64,
    this: f64,
    worker: f64,
    server: f64,
    provider: f64,
}

impl Meter {
    pub(super) fn start(runs: u64, worker: Process, server: Option<Process>, provider: Process) -> Self {
        let (worker, server) = (Watched::new(worker), server.map(Watched::new));
        let start = Mark::now(&worker, server.as_ref(), &provider);
        Self { runs, worker, server, provider, start, starts: 0, began: 0, all: None, until: None }
    }

    fn now(&self) -> Mark {
        Mark::now(&self.worker, self.server.as_ref(), &self.provider)
    }

    /// Looks at the memory.
    pub(super) fn look(&mut self) {
        self.worker.look();
        self.server.iter_mut().for_each(Watched::look);
    }

    /// The first word of an answer came.
    pub(super) fn began(&mut self) {
        self.began += 1;
        if self.began == self.runs && self.until.is_none() {
            self.all = Some(self.now());
        }
    }

    /// An answer came to its end.
    pub(super) fn ended(&mut self) {
        if self.until.is_none() {
            self.until = Some(self.now());
        }
    }

    pub(super) fn stop(mut self, completed: u64) -> Cost {
        self.look();
        let end = self.now();
        let together = self.all.zip(self.until);
        let share = |of: fn(&Mark) -> f64| {
            let (from, to) = together.unwrap_or((self.start, end));
            (of(&to) - of(&from)) / to.at.duration_since(from.at).as_secs_f64().max(0.001) * 100.0
        };
        Cost {
            completed,
            starts: self.starts,
            all_at_once_seconds: together.map_or(0.0, |(from, to)| to.at.duration_since(from.at).as_secs_f64()),
            worker_cpu_percent: share(|mark| mark.worker),
            provider_cpu_percent: share(|mark| mark.provider),
            machine_cpu_percent: share(|mark| mark.machine),
            worker_cpu_ms_per_run: (end.worker - self.start.worker) * 1_000.0 / self.runs.max(1) as f64,
            worker_memory_mb_before: self.worker.before,
            worker_memory_mb: self.worker.most,
            server: self.server.as_ref().map(|server| ServerCost {
                cpu_percent: share(|mark| mark.server),
                memory_mb_before: server.before,
                memory_mb: server.most,
                readers_cpu_percent: share(|mark| mark.this),
            }),
        }
    }
}

impl Watched {
    fn new(process: Process) -> Self {
        let memory = process.memory_mb().unwrap_or(0.0);
        Self { process, before: memory, most: memory }
    }

    fn look(&mut self) {
        self.most = self.most.max(self.process.memory_mb().unwrap_or(0.0));
    }
}

impl Mark {
    fn now(worker: &Watched, server: Option<&Watched>, provider: &Process) -> Self {
        let spent = |process: &Process| process.cpu_seconds().unwrap_or(0.0);
        let Usage { machine, process } = Usage::now();
        Self {
            at: Instant::now(),
            machine,
            this: process,
            worker: spent(&worker.process),
            server: server.map_or(0.0, |server| spent(&server.process)),
            provider: spent(provider),
        }
    }
}
