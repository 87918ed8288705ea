//! Borders that a process can die at: before and after each word with the journal, and after a model answered.

use crate::scripted::Scripted;
use async_trait::async_trait;
use flotilla_jobs::{
    JobId,
    api::{JobStep, StepPlace},
};
use flotilla_workers::{
    agents::{
        Speak,
        model::{Answered, Event, Model, ModelError, Provider, Request},
    },
    journal::{
        Begin, Begun, EndStep, Ended, Error, Journal, Lease, Note, Noted, Opened, RunId, RunRecord, RunStart, SaidStep,
        Step, StepKey,
    },
    store::Store,
};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The borders of one run; at one of them nothing goes on any more.
#[derive(Default)]
pub struct Borders {
    at: Option<usize>,
    crossed: AtomicUsize,
    stopped: Notify,
    pub name: Mutex<String>,
}

impl Borders {
    pub fn stop_at(at: usize) -> Arc<Self> {
        Arc::new(Self { at: Some(at), ..Self::default() })
    }

    /// Returns once the border is reached.
    pub async fn reached(&self) {
        self.stopped.notified().await;
    }

    async fn cross(&self, name: impl FnOnce() -> String) {
        if Some(self.crossed.fetch_add(1, Ordering::SeqCst)) == self.at {
            *self.name.lock().unwrap() = name();
            self.stopped.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

/// A store's journal, with borders.
pub struct Bordered {
    pub store: Arc<dyn Store>,
    pub borders: Arc<Borders>,
}

fn place(key: StepKey, name: &str) -> String {
    format!("{}/{} {name}", key.thread, key.seq)
}

#[async_trait]
impl Journal for Bordered {
    async fn open_run(&self, lease: &Lease, start: RunStart) -> Result<Option<Opened>, Error> {
        self.store.open_run(lease, start).await
    }

    async fn restart_run(&self, lease: &Lease, start: RunStart) -> Result<Option<Opened>, Error> {
        self.store.restart_run(lease, start).await
    }

    async fn steps(&self, run: RunId, after: Option<StepKey>, limit: u32) -> Result<Vec<Step>, Error> {
        self.store.steps(run, after, limit).await
    }

    async fn begin(&self, calls: Vec<Begin>) -> Result<Vec<Begun>, Error> {
        let step = place(calls[0].key, &calls[0].name);
        self.borders.cross(|| format!("before begin of {step}")).await;
        let begun = self.store.begin(calls).await;
        self.borders.cross(|| format!("after begin of {step}")).await;
        begun
    }

    async fn end(&self, all: Vec<EndStep>) -> Result<Vec<Ended>, Error> {
        let step = place(all[0].key, "");
        self.borders.cross(|| format!("before end of {step}")).await;
        let answers = self.store.end(all).await;
        self.borders.cross(|| format!("after end of {step}")).await;
        answers
    }

    async fn note(&self, notes: Vec<Note>) -> Result<Vec<Noted>, Error> {
        let step = place(notes[0].key, &notes[0].name);
        self.borders.cross(|| format!("before note of {step}")).await;
        let answer = self.store.note(notes).await;
        self.borders.cross(|| format!("after note of {step}")).await;
        answer
    }

    async fn runs(&self, job: JobId) -> Result<Vec<RunRecord>, Error> {
        self.store.runs(job).await
    }

    async fn trail(&self, job: JobId, after: Option<StepPlace>, limit: u32) -> Result<Vec<JobStep>, Error> {
        self.store.trail(job, after, limit).await
    }

    async fn step_after(&self, job: JobId, after: Option<StepPlace>) -> Result<Option<SaidStep>, Error> {
        self.store.step_after(job, after).await
    }
}

/// A model, with a border after each call.
pub struct Mortal {
    pub inner: Arc<Scripted>,
    pub borders: Arc<Borders>,
}

#[async_trait]
impl Speak for Mortal {
    async fn call(
        &self,
        provider: &Provider,
        model: &Model,
        request: &Request,
        stop: &CancellationToken,
        hear: &mut (dyn FnMut(Event) + Send),
    ) -> Result<Answered, ModelError> {
        let answered = self.inner.call(provider, model, request, stop, hear).await;
        self.borders.cross(|| "after a call of the model".to_owned()).await;
        answered
    }
}
