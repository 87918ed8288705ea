//! One test's world: a job under a lease, a store, a model, and processes that open the job's run one after another.

use crate::{
    place::Place,
    scripted::{Open, Scripted},
};
use flotilla_jobs::{Job, JobId, NewJob, Options};
use flotilla_workers::{
    agents::{
        Agents, Definition, Halt, JobRef, Means, Run, Said,
        budget::Budgets,
        model::{Catalog, ModelSettings, ProviderSettings, RouteSettings, Settings, Wire},
    },
    clock::Clock,
    journal::{Lease, RunRecord},
    metrics::Metrics,
    store::{Claim, End, Settle, Settled, Store, Submission},
};
use serde::{Deserialize, Serialize};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// An agent that may read and mark, and ends with a number.
pub const AGENT: &str = r#"name = "tester"
route = "main"
[limits]
steps = 1200
tokens = 1000000000
[parts.ask]
system = "You test."
prompt = "Do {{ what }}."
max_output = 1000
tools = ["look", "mark"]
answer = { name = "number", schema = '{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}' }
[parts.talk]
prompt = "Talk."
max_output = 1000
"#;

#[derive(Serialize, Deserialize)]
struct Work;

impl Job for Work {
    const KIND: &'static str = "work";
    type Output = ();
}

pub struct World {
    _place: Place,
    pub store: Arc<dyn Store>,
    pub lease: Lease,
    pub means: Means,
    pub cancelled: CancellationToken,
    pub stopping: CancellationToken,
    pub said: Arc<Mutex<Vec<Said>>>,
}

impl World {
    /// On a file of its own.
    pub async fn new(provider: Arc<Scripted>) -> Self {
        Self::on(Place::file().await, provider).await
    }

    pub async fn on(place: Place, provider: Arc<Scripted>) -> Self {
        let store = place.open(Clock::Store).await;
        submit(&*store).await;
        let lease = claim(&*store).await;
        let means = Means {
            catalog: Arc::new(catalog(Some(r#"price = { input = "1.00", output = "10.00" }"#))),
            client: provider,
            journal: store.clone(),
            ledger: store.clone(),
            admission: Arc::new(Open),
            budgets: Budgets::default(),
            definitions: [Definition::parse("tester.toml", AGENT).unwrap()].into_iter().collect(),
            metrics: Metrics::new().agents(),
            clock: Clock::Store,
        };
        let (cancelled, stopping) = (CancellationToken::new(), CancellationToken::new());
        Self { _place: place, store, lease, means, cancelled, stopping, said: Arc::default() }
    }

    /// The agent with something else in its file.
    pub fn change(&mut self, from: &str, to: &str) {
        assert!(AGENT.contains(from), "{from}");
        let changed = Definition::parse("tester.toml", &AGENT.replace(from, to)).unwrap();
        self.means.definitions = [changed].into_iter().collect();
    }

    /// Nobody knows what the models cost.
    pub fn without_price(&mut self) {
        self.means.catalog = Arc::new(catalog(None));
    }

    /// What a process opens: the run of the job as it is on record.
    pub async fn open(&self) -> Run {
        self.try_open().await.unwrap()
    }

    pub async fn try_open(&self) -> Result<Run, Halt> {
        Agents::new(self.means.clone()).open(self.job(), "tester", &"pinned").await
    }

    pub fn job(&self) -> JobRef {
        let said = self.said.clone();
        JobRef {
            lease: self.lease.clone(),
            tenant: "default".to_owned(),
            session: None,
            cancelled: self.cancelled.clone(),
            stopping: self.stopping.clone(),
            say: Arc::new(move |one| said.lock().unwrap().push(one)),
        }
    }

    /// Another worker gets the job, under another lease.
    pub async fn hand_over(&mut self) {
        let settle = Settle::new(self.lease.clone(), Clock::Store.now(), End::HandedOver);
        let settled = self.store.settle(vec![settle]).await.unwrap();
        assert!(!matches!(settled[0], Settled::LeaseLost));
        self.lease = claim(&*self.store).await;
    }

    /// The next job: this one is left as it is.
    pub async fn next_job(&mut self) {
        submit(&*self.store).await;
        self.lease = claim(&*self.store).await;
    }

    /// What is on record of the job.
    pub async fn record(&self) -> Vec<RunRecord> {
        self.store.runs(self.lease.job()).await.unwrap()
    }

    /// Names of the finished steps of the newest run.
    pub async fn done(&self) -> Vec<String> {
        let runs = self.record().await;
        let steps = &runs.last().unwrap().steps;
        steps.iter().filter(|step| step.response.is_some()).map(|step| step.name.clone()).collect()
    }
}

async fn submit(store: &dyn Store) -> JobId {
    let job = Submission::new(NewJob::of(&Work).unwrap(), Options::default()).unwrap();
    store.enqueue(vec![job]).await.unwrap()[0].id
}

/// A job's lease: only a store makes one.
async fn claim(store: &dyn Store) -> Lease {
    let queues = [("default".to_owned(), 1)];
    let lease_ttl = Duration::from_mins(10);
    let claim = Claim { worker: "tests", queues: &queues, kinds: None, lease_ttl };
    let claimed = store.claim(claim).await.unwrap();
    claimed.into_iter().next().expect("the job is ready").lease
}

/// Two models, of which the first is the choice.
fn catalog(price: Option<&str>) -> Catalog {
    let provider = ProviderSettings {
        wire: Some(Wire::OpenaiChat),
        base_url: Some("http://127.0.0.1:9/v1".to_owned()),
        ..ProviderSettings::default()
    };
    let price = price.map(|price| toml::from_str::<toml::Table>(price).unwrap()["price"].clone());
    let model = || ModelSettings {
        provider: "scripted".to_owned(),
        context: Some(400_000),
        max_output: Some(4_000),
        price: price.clone().map(|price| price.try_into().unwrap()),
        ..ModelSettings::default()
    };
    let route: RouteSettings = toml::from_str(r#"models = ["first", "second"]"#).unwrap();
    Catalog::new(Settings {
        providers: [("scripted".to_owned(), provider)].into(),
        models: [("first".to_owned(), model()), ("second".to_owned(), model())].into(),
        routes: [("main".to_owned(), route)].into(),
    })
    .unwrap()
}
