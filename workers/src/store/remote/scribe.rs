//! Journal and ledger over callers: what arrives while others are being written shares the next transaction.

use crate::{
    journal::{Begin, Begun, EndStep, Ended, Note, Noted},
    store::{
        Error,
        desk::Desk,
        postgres::{Entered, Entries, Record},
        steps::Place,
    },
};
use std::{collections::HashSet, sync::Arc};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};

/// Transactions under way at once: one that commits while the next one looks.
const IN_FLIGHT: usize = 2;
/// Most steps in one transaction.
const MAX_STEPS: usize = 500;
/// Most dead holds that are voided for calls that have no room.
const DEAD: u32 = 1_000;

type Reply<T> = oneshot::Sender<Result<Vec<T>, Error>>;

/// What a caller hands in.
enum Ask {
    Begin(Vec<Begin>, Reply<Begun>),
    End(Vec<EndStep>, Reply<Ended>),
    Note(Vec<Note>, Reply<Noted>),
}

/// The way to the shared transaction.
pub(super) struct Scribe(Desk<Ask>);

impl Scribe {
    pub(super) fn start(record: Arc<Record>) -> Self {
        Self(Desk::open(|waiting| run(record, waiting)))
    }

    pub(super) async fn begin(&self, calls: Vec<Begin>) -> Result<Vec<Begun>, Error> {
        self.ask(calls, Ask::Begin).await
    }

    pub(super) async fn end(&self, ends: Vec<EndStep>) -> Result<Vec<Ended>, Error> {
        self.ask(ends, Ask::End).await
    }

    pub(super) async fn note(&self, notes: Vec<Note>) -> Result<Vec<Noted>, Error> {
        self.ask(notes, Ask::Note).await
    }

    async fn ask<I, O>(&self, items: Vec<I>, ask: impl FnOnce(Vec<I>, Reply<O>) -> Ask) -> Result<Vec<O>, Error> {
        let closed = || Error::Unavailable { what: "postgres", detail: "the store is closed".to_owned() };
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let (reply, answer) = oneshot::channel();
        if !self.0.hand_in(ask(items, reply)).await {
            return Err(closed());
        }
        answer.await.map_err(|_| closed())?
    }

    /// Ends after what was handed in is written.
    pub(super) async fn close(&self) {
        self.0.close().await;
    }
}

impl Ask {
    fn places(&self) -> Vec<Place> {
        match self {
            Self::Begin(calls, _) => calls.iter().map(|b| (b.run, b.key)).collect(),
            Self::End(ends, _) => ends.iter().map(|e| (e.run, e.key)).collect(),
            Self::Note(notes, _) => notes.iter().map(|n| (n.run, n.key)).collect(),
        }
    }

    fn add_to(&self, entries: &mut Entries) {
        match self {
            Self::Begin(calls, _) => entries.begins.extend_from_slice(calls),
            Self::End(ends, _) => entries.ends.extend_from_slice(ends),
            Self::Note(notes, _) => entries.notes.extend_from_slice(notes),
        }
    }

    /// Tells the caller its part of what came of all.
    fn answer(self, entered: &mut Parts) {
        // A caller that went away does not want to know.
        match self {
            Self::Begin(calls, reply) => drop(reply.send(Ok(entered.begins.by_ref().take(calls.len()).collect()))),
            Self::End(ends, reply) => drop(reply.send(Ok(entered.ends.by_ref().take(ends.len()).collect()))),
            Self::Note(notes, reply) => drop(reply.send(Ok(entered.notes.by_ref().take(notes.len()).collect()))),
        }
    }

    fn refuse(self, error: Error) {
        match self {
            Self::Begin(_, reply) => drop(reply.send(Err(error))),
            Self::End(_, reply) => drop(reply.send(Err(error))),
            Self::Note(_, reply) => drop(reply.send(Err(error))),
        }
    }
}

/// Answers that are handed out part by part.
struct Parts {
    begins: std::vec::IntoIter<Begun>,
    ends: std::vec::IntoIter<Ended>,
    notes: std::vec::IntoIter<Noted>,
}

impl From<Entered> for Parts {
    fn from(Entered { ends, begins, notes }: Entered) -> Self {
        Self { begins: begins.into_iter(), ends: ends.into_iter(), notes: notes.into_iter() }
    }
}

async fn run(record: Arc<Record>, mut waiting: mpsc::Receiver<Ask>) {
    let mut writes = JoinSet::new();
    let mut next = None;
    loop {
        if let Some(first) = next.take_if(|_| writes.len() < IN_FLIGHT) {
            let together;
            (together, next) = collect(first, &mut waiting);
            let record = Arc::clone(&record);
            writes.spawn(async move { write(&record, together).await });
            continue;
        }
        tokio::select! {
            first = waiting.recv(), if next.is_none() => {
                let Some(first) = first else { break };
                next = Some(first);
            }
            Some(_) = writes.join_next(), if !writes.is_empty() => {}
        }
    }
    while writes.join_next().await.is_some() {}
}

/// What shares a transaction, and the first that does not: each step is in it once.
fn collect(first: Ask, waiting: &mut mpsc::Receiver<Ask>) -> (Vec<Ask>, Option<Ask>) {
    let mut places: HashSet<Place> = first.places().into_iter().collect();
    let mut together = vec![first];
    while places.len() < MAX_STEPS {
        let Ok(next) = waiting.try_recv() else { break };
        let more = next.places();
        if more.iter().any(|place| places.contains(place)) {
            return (together, Some(next));
        }
        places.extend(more);
        together.push(next);
    }
    (together, None)
}

async fn write(record: &Record, together: Vec<Ask>) {
    match enter(record, &together).await {
        Ok(entered) => {
            let mut parts = Parts::from(entered);
            for ask in together {
                ask.answer(&mut parts);
            }
        }
        Err(Error::Unavailable { what, detail }) => {
            for ask in together {
                ask.refuse(Error::Unavailable { what, detail: detail.clone() });
            }
        }
        // What one caller handed in must not fail the others: each is tried by itself.
        Err(_) if together.len() > 1 => {
            for ask in together {
                match enter(record, std::slice::from_ref(&ask)).await {
                    Ok(entered) => ask.answer(&mut entered.into()),
                    Err(error) => ask.refuse(error),
                }
            }
        }
        Err(error) => {
            for ask in together {
                ask.refuse(match &error {
                    Error::Invalid(invalid) => Error::Invalid(invalid.clone()),
                    other => Error::Corrupt { what: "postgres", detail: other.to_string() },
                });
            }
        }
    }
}

/// Writes it. Calls that have no room are tried once more where holds are found whose leases ended.
async fn enter(record: &Record, asks: &[Ask]) -> Result<Entered, Error> {
    let mut entries = Entries::default();
    for ask in asks {
        ask.add_to(&mut entries);
    }
    let mut entered = record.enter(&entries).await?;
    let refused: Vec<usize> =
        (0..entered.begins.len()).filter(|i| matches!(entered.begins[*i], Begun::Refused(_))).collect();
    // Whoever is refused hears so, also where looking for dead holds fails: it was refused.
    if refused.is_empty() || record.void_holds(DEAD).await.unwrap_or(0) == 0 {
        return Ok(entered);
    }
    let begins = refused.iter().map(|i| entries.begins[*i].clone()).collect();
    if let Ok(again) = record.enter(&Entries { begins, ..Entries::default() }).await {
        for (i, begun) in refused.into_iter().zip(again.begins) {
            entered.begins[i] = begun;
        }
    }
    Ok(entered)
}
