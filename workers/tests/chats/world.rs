//! One test's world: a store, a scripted provider, and workers that chat.

use crate::{place::Place, reader};
use flotilla_dev_model::{Options as ModelOptions, Script, Server};
use flotilla_jobs::{
    Busy, EntryKind, Job as _, JobId, JobRecord, JobState, NewJob, SessionEntry, SessionId,
    kinds::{ChatReply, ChatTurn},
};
use flotilla_workers::{
    agents::{
        Agents, CacheLimits, Definition, Definitions, Means, Toolbox,
        budget::Budgets,
        model::{Catalog, Client, Settings},
    },
    cache::Bounds,
    clock::Clock,
    engine_side::EngineSide,
    fleet::{Fleet, FleetOptions, QueueWeight, Report},
    handlers::Chatter,
    metrics::Metrics,
    registry::Registry,
    sessions::{NewSession, Post, Posted, Room},
    store::{Store, Submission},
};
use serde_json::{Value, json, value::to_raw_value};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Semaphore, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes, on a loaded machine.
const PATIENCE: Duration = Duration::from_mins(3);
/// More than anything here keeps.
const CACHE: CacheLimits = CacheLimits { most: Bounds { entries: 1_000, bytes: 16 << 20 }, entry_bytes: 1 << 20 };
/// All of a branch.
const ALL: Room = Room { entries: 1_000, bytes: 1 << 30 };

pub struct World {
    _place: Place,
    pub store: Arc<dyn Store>,
    pub provider: Server,
    definitions: Definitions,
    tools: Toolbox,
    now: Arc<AtomicI64>,
    pub concurrency: usize,
    /// Between two looks whether a job has ended.
    pub look: Duration,
    /// A thousand clients are not one process: so many of them ask its store at once.
    doors: Semaphore,
}

/// A worker that runs.
pub struct Worker {
    stop: CancellationToken,
    fleet: JoinHandle<Report>,
}

impl World {
    /// With the agent that comes with the program, on time that only [`World::advance`] moves.
    pub async fn new(place: Place, script: Value) -> Self {
        Self::with(place, script, Definitions::load(None).unwrap(), Toolbox::default()).await
    }

    /// With another agent `chat`, and tools.
    pub async fn with_agent(place: Place, script: Value, agent: &str, tools: Toolbox) -> Self {
        let agent = Definition::parse("chat.toml", agent).unwrap();
        Self::with(place, script, [agent].into_iter().collect(), tools).await
    }

    async fn with(place: Place, script: Value, definitions: Definitions, tools: Toolbox) -> Self {
        let script: Script = serde_json::from_value(script).unwrap();
        let provider = Server::start(ModelOptions { script, ..ModelOptions::default() }).await.unwrap();
        let now = Arc::new(AtomicI64::new(1_800_000_000_000));
        let store = place.open(Clock::Manual(now.clone())).await;
        let (concurrency, look, doors) = (8, Duration::from_millis(5), Semaphore::new(4));
        Self { _place: place, store, provider, definitions, tools, now, concurrency, look, doors }
    }

    pub fn advance(&self, by: Duration) {
        self.now.fetch_add(by.as_millis() as i64, Ordering::SeqCst);
    }

    /// What processes that start from now on have as their agent `chat`.
    pub fn change(&mut self, agent: &str) {
        self.definitions = [Definition::parse("chat.toml", agent).unwrap()].into_iter().collect();
    }

    fn settings(&self) -> Settings {
        #[derive(serde::Deserialize)]
        struct File {
            providers: std::collections::BTreeMap<String, flotilla_workers::agents::model::ProviderSettings>,
            models: std::collections::BTreeMap<String, flotilla_workers::agents::model::ModelSettings>,
        }
        let url = self.provider.url();
        let text = format!(
            "[providers.dev]\nwire = \"openai-chat\"\nbase_url = \"{url}/v1\"\nkey = \"any\"\n\
             [models.small]\nprovider = \"dev\"\ncontext = 20000\nmax_output = 2000\nprice = \"input=1.00,output=5.00\"\n\
             [models.large]\nprovider = \"dev\"\ncontext = 20000\nmax_output = 2000\nprice = \"input=1.00,output=5.00\"\n\
             [models.cheap]\nprovider = \"dev\"\ncontext = 20000\nmax_output = 2000\nprice = \"input=1.00,output=5.00\"\n"
        );
        let File { providers, models } = toml::from_str(&text).unwrap();
        let route = |models: &str| toml::from_str(&format!("models = [\"{models}\"]")).unwrap();
        let routes = [("chat".to_owned(), route("small")), ("summary".to_owned(), route("cheap"))].into();
        Settings { providers, models, routes }
    }

    /// Agents over a store: a process has its own.
    pub fn agents(&self, store: &Arc<dyn Store>) -> Agents {
        let side = Arc::new(EngineSide::new(Arc::clone(store)));
        let cache = side.clone();
        let agents = Agents::new(Means {
            catalog: Arc::new(Catalog::new(self.settings()).unwrap()),
            client: Arc::new(Client::new()),
            journal: side.clone(),
            ledger: side.clone(),
            admission: side,
            budgets: Budgets::default(),
            definitions: self.definitions.clone(),
            metrics: Metrics::new().agents(),
            clock: Clock::Manual(self.now.clone()),
        });
        agents.caching(cache, CACHE)
    }

    pub fn registry(&self, store: &Arc<dyn Store>) -> Registry {
        let chatter = Chatter::new(Some(self.agents(store)), Some(EngineSide::new(Arc::clone(store))));
        Registry::new().with::<ChatTurn>(chatter.with_tools(self.tools.clone()))
    }

    /// A worker.
    pub fn start(&self) -> Worker {
        self.start_on(&self.store, ["default".to_owned()])
    }

    /// A worker that sees the store through this, and serves these queues.
    pub fn start_on(&self, store: &Arc<dyn Store>, queues: impl IntoIterator<Item = String>) -> Worker {
        let stop = CancellationToken::new();
        let queues = queues.into_iter().map(|queue| QueueWeight::new(queue, 1)).collect();
        // A machine that is slow is no handler that does not listen.
        let (concurrency, grace) = (self.concurrency, PATIENCE);
        let options = FleetOptions { concurrency, queues, grace, ..FleetOptions::default() };
        let fleet = Fleet::new(Arc::clone(store), self.registry(store), Metrics::new(), options);
        Worker { fleet: tokio::spawn(fleet.run(stop.clone())), stop }
    }

    pub async fn open(&self, busy: Busy) -> SessionId {
        let _door = self.doors.acquire().await.unwrap();
        let new = NewSession { id: SessionId::new(), tenant: "acme".to_owned(), title: None, busy };
        self.store.open_session(new).await.unwrap().id
    }

    /// Says something that is accepted.
    pub async fn say(&self, session: SessionId, text: &str) -> JobId {
        match self.post(vec![turn(session, text)]).await.remove(0) {
            Posted::Accepted { job, .. } => job,
            other => panic!("{other:?}"),
        }
    }

    /// The same in a queue of its own.
    pub async fn say_in(&self, queue: &str, session: SessionId, text: &str) -> JobId {
        let mut post = post(&turn(session, text));
        queue.clone_into(&mut post.job.spec.queue);
        match self.store.post(vec![post]).await.unwrap().remove(0) {
            Posted::Accepted { job, .. } => job,
            other => panic!("{other:?}"),
        }
    }

    /// Hands in turns as they are.
    pub async fn post(&self, turns: Vec<ChatTurn>) -> Vec<Posted> {
        let _door = self.doors.acquire().await.unwrap();
        self.store.post(turns.iter().map(post).collect()).await.unwrap()
    }

    pub async fn job(&self, id: JobId) -> JobRecord {
        let _door = self.doors.acquire().await.unwrap();
        self.store.get(id).await.unwrap().expect("the job is on record")
    }

    /// The job once it has ended.
    pub async fn ended(&self, id: JobId) -> JobRecord {
        loop {
            let job = self.job(id).await;
            if job.state.is_terminal() {
                return job;
            }
            tokio::time::sleep(self.look).await;
        }
    }

    /// The reply once there is one.
    pub async fn reply(&self, id: JobId) -> ChatReply {
        let job = self.ended(id).await;
        assert_eq!(job.state, JobState::Completed, "{job:?}");
        serde_json::from_str(job.output.as_ref().unwrap().get()).unwrap()
    }

    /// Returns once readers have heard this.
    pub async fn heard(&self, job: JobId, text: &str) {
        while !reader::answer(&*self.store, job).await.contains(text) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The branch of the head, in the order it was said.
    pub async fn branch(&self, session: SessionId) -> Vec<SessionEntry> {
        let mut branch = self.store.branch(session, None, ALL).await.unwrap();
        branch.reverse();
        branch
    }

    /// The same in words: who, and what.
    pub async fn talk(&self, session: SessionId) -> Vec<String> {
        self.branch(session).await.iter().map(words).collect()
    }

    /// Asserts that what readers have, what the job says and what the session has are the same.
    pub async fn agrees(&self, session: SessionId, job: JobId) -> ChatReply {
        let reply = self.reply(job).await;
        let branch = self.branch(session).await;
        let last = branch.iter().rfind(|e| e.turn == Some(job) && e.kind == EntryKind::Assistant).unwrap();
        assert!(!last.partial);
        let heard = reader::answer(&*self.store, job).await;
        assert_eq!([heard.as_str(), text(last).as_str()], [reply.text.as_str(); 2]);
        assert_eq!(reply.session, session.to_string());
        reply
    }

    /// Texts of the messages of each call that the provider saw, with its model, in the order of arrival.
    pub fn asked(&self) -> Vec<(String, Vec<String>)> {
        let text = |message: &Value| {
            let said = message["content"].as_str().unwrap_or_default();
            let calls = message["tool_calls"].as_array().map_or(0, Vec::len);
            let role = message["role"].as_str().unwrap();
            if calls > 0 { format!("{role}: {said}[{calls} calls]") } else { format!("{role}: {said}") }
        };
        let messages = |body: &Value| body["messages"].as_array().unwrap().iter().map(text).collect();
        self.provider.calls().iter().map(|call| (call.model.clone(), messages(&call.body))).collect()
    }
}

impl Worker {
    /// It is gone, from one moment to the next.
    pub fn kill(self) {
        self.fleet.abort();
    }

    /// Stops it in order.
    pub async fn stop(self) {
        self.stop.cancel();
        self.fleet.await.unwrap();
    }
}

pub fn turn(session: SessionId, text: &str) -> ChatTurn {
    ChatTurn {
        session: session.to_string(),
        message: text.to_owned(),
        user: "someone".to_owned(),
        model: None,
        stream: true,
    }
}

fn post(turn: &ChatTurn) -> Post {
    Post {
        session: turn.session.parse().unwrap(),
        client_id: turn.message.chars().take(40).collect(),
        content: to_raw_value(&json!({ "text": turn.message })).unwrap(),
        job: Submission::new(NewJob::of(turn).unwrap(), ChatTurn::defaults()).unwrap(),
    }
}

pub fn text(entry: &SessionEntry) -> String {
    let content: Value = serde_json::from_str(entry.content.get()).unwrap();
    content["text"].as_str().unwrap().to_owned()
}

fn words(entry: &SessionEntry) -> String {
    let partial = if entry.partial { " (partial)" } else { "" };
    format!("{}{partial}: {}", entry.kind.as_str(), text(entry))
}

/// Whether everything is as large as it is meant to be in the end.
pub fn is_full() -> bool {
    std::env::var("FLOTILLA_CHATS").is_ok_and(|size| size == "full")
}

pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    let limit = if is_full() { 20 * PATIENCE } else { PATIENCE };
    timeout(limit, what).await.expect("it happens in time")
}
