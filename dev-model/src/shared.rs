//! What all calls share: the script, the records, and who waits for either.

use crate::{
    ask::Asked,
    limits::Table,
    record::{CallRecord, Ledger, Outcome},
    script::{Script, Then},
    server::OnEnd,
    wire::Wire,
};
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{sync::watch, time::Instant};

/// One server's state.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Counts changes of the records.
    changed: watch::Sender<u64>,
    /// Counts orders to end stalls.
    released: watch::Sender<u64>,
    keep_bytes: usize,
    on_end: Option<OnEnd>,
}

/// A script at work. A new script is a new stage: what counts calls and tokens starts again.
pub(crate) struct Stage {
    pub script: Script,
    /// By rule, how many calls it would have held for but for `call`.
    seen: Mutex<Vec<u64>>,
    pub limits: Table,
}

struct State {
    stage: Arc<Stage>,
    calls: Vec<CallRecord>,
    started: Instant,
    /// Counts resets: a call of an earlier generation is on record no more.
    generation: u64,
    /// Bytes of the bodies that are kept, and the first call whose body is.
    kept: usize,
    first_kept: usize,
    sizes: Vec<usize>,
    /// By the id of a tool call, the signature that must come back with it.
    thoughts: HashMap<String, String>,
}

/// Where a call is on record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    generation: u64,
    index: usize,
}

impl Place {
    /// The number of the call, from 1.
    pub fn number(self) -> usize {
        self.index + 1
    }
}

impl Stage {
    fn new(script: Script) -> Arc<Self> {
        let seen = Mutex::new(vec![0; script.rules.len()]);
        Arc::new(Self { limits: Table::new(script.limits), seen, script })
    }

    /// What the script makes of a call: that of the first rule that holds, or nothing special.
    pub fn decide(&self, wire: Wire, asked: &Asked) -> Then {
        let mut seen = lock(&self.seen);
        let mut decided = None;
        for (rule, seen) in self.script.rules.iter().zip(seen.iter_mut()) {
            if !rule.when.holds(wire, asked) {
                continue;
            }
            *seen += 1;
            if decided.is_none() && rule.when.call.is_none_or(|n| n == *seen) {
                decided = Some(&rule.then);
            }
        }
        decided.cloned().unwrap_or_default()
    }
}

impl State {
    fn new(stage: Arc<Stage>, generation: u64) -> Self {
        Self {
            stage,
            calls: Vec::new(),
            started: Instant::now(),
            generation,
            kept: 0,
            first_kept: 0,
            sizes: Vec::new(),
            thoughts: HashMap::new(),
        }
    }
}

impl Shared {
    pub fn new(script: Script, keep_bytes: usize, on_end: Option<OnEnd>) -> Self {
        let state = Mutex::new(State::new(Stage::new(script), 0));
        Self { state, changed: watch::Sender::new(0), released: watch::Sender::new(0), keep_bytes, on_end }
    }

    pub fn stage(&self) -> Arc<Stage> {
        Arc::clone(&lock(&self.state).stage)
    }

    pub fn set_script(&self, script: Script) {
        lock(&self.state).stage = Stage::new(script);
    }

    /// Forgets every call; the script starts again.
    pub fn reset(&self) {
        let mut state = lock(&self.state);
        let (script, generation) = (state.stage.script.clone(), state.generation + 1);
        *state = State::new(Stage::new(script), generation);
        drop(state);
        self.change();
    }

    pub fn calls(&self) -> Vec<CallRecord> {
        lock(&self.state).calls.clone()
    }

    pub fn ledger(&self) -> Ledger {
        Ledger::of(&lock(&self.state).calls)
    }

    /// Asks something of the records without copying them.
    pub fn look<T>(&self, ask: impl FnOnce(&[CallRecord]) -> T) -> T {
        ask(&lock(&self.state).calls)
    }

    /// Puts a call on record. The oldest bodies are forgotten once all are larger than is to be kept.
    pub fn begin(&self, mut call: CallRecord, bytes: usize) -> Place {
        let mut state = lock(&self.state);
        let place = Place { generation: state.generation, index: state.calls.len() };
        call.n = place.number();
        call.at_ms = state.started.elapsed().as_millis() as u64;
        state.calls.push(call);
        state.sizes.push(bytes);
        state.kept += bytes;
        while state.kept > self.keep_bytes && state.first_kept < state.calls.len() {
            let oldest = state.first_kept;
            state.calls[oldest].body = Value::Null;
            state.kept -= state.sizes[oldest];
            state.first_kept += 1;
        }
        drop(state);
        self.change();
        place
    }

    /// Changes a call that is still on record.
    pub fn update(&self, place: Place, update: impl FnOnce(&mut CallRecord)) {
        let mut state = lock(&self.state);
        let State { generation, calls, .. } = &mut *state;
        let Some(call) = calls.get_mut(place.index).filter(|_| *generation == place.generation) else { return };
        let begun = call.outcome == Outcome::Begun;
        update(call);
        let ended = (begun && call.outcome != Outcome::Begun).then(|| CallRecord { body: Value::Null, ..call.clone() });
        drop(state);
        self.change();
        if let Some((call, on_end)) = ended.zip(self.on_end.as_ref()) {
            on_end(&call);
        }
    }

    /// From now on these tool calls need this signature with them.
    pub fn expect_thought(&self, ids: impl Iterator<Item = String>, signature: &str) {
        lock(&self.state).thoughts.extend(ids.map(|id| (id, signature.to_owned())));
    }

    /// The signature that must come with a tool call.
    pub fn thought_of(&self, id: &str) -> Option<String> {
        lock(&self.state).thoughts.get(id).cloned()
    }

    /// Ends what stalls now.
    pub fn release(&self) {
        self.released.send_modify(|n| *n += 1);
    }

    pub fn releases(&self) -> watch::Receiver<u64> {
        self.released.subscribe()
    }

    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn change(&self) {
        self.changed.send_modify(|n| *n += 1);
    }
}

/// A thread that panicked has left nothing half done here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
