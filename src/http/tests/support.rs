//! A server of our own for each test, on a free port and a store in a directory of its own.

use super::speaker::Speaker;
use crate::{
    config::Health,
    follow::Followers,
    http::{self, App, Connections, Guard, Leaving, Limits},
    open,
};
use async_trait::async_trait;
use flotilla_jobs::{
    Job, MicroUsd, Outcome,
    kinds::{ChatTurn, CodeReview},
};
use flotilla_workers::{
    agents::Kit,
    agents::budget::{Allowance, Budgets},
    archive::{Archive, Objects, with_archive},
    context::Context,
    fleet::{Fleet, FleetOptions, Report},
    metrics::Metrics,
    producer::Producer,
    registry::{Handler, Registry},
    store::Store,
};
use object_store::{memory::InMemory, path::Path};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// Long enough for a loaded machine, short enough to be noticed.
pub const SOON: Duration = Duration::from_secs(20);

/// Says lines, then waits until it is let go.
#[derive(Serialize, Deserialize)]
pub struct Talk {
    pub lines: u64,
}

impl Job for Talk {
    const KIND: &'static str = "talk";
    type Output = u64;
}

struct Talker(Arc<Semaphore>);

#[async_trait]
impl Handler<Talk> for Talker {
    async fn run(&self, job: Talk, cx: &Context) -> anyhow::Result<Outcome<u64>> {
        for line in 1..=job.lines {
            cx.output(&format!("line {line}\n")).await;
        }
        cx.progress(job.lines, Some(job.lines), "said all");
        let _go = self.0.acquire().await?;
        Ok(Outcome::Done(job.lines))
    }
}

struct NoReview;

#[async_trait]
impl Handler<CodeReview> for NoReview {
    async fn run(&self, _: CodeReview, _: &Context) -> anyhow::Result<Outcome<<CodeReview as Job>::Output>> {
        Ok(Outcome::Cancel("not here".to_owned()))
    }
}

/// A server and what it stands on.
pub struct Server {
    pub url: String,
    pub store: Arc<dyn Store>,
    pub stopping: CancellationToken,
    pub closing: CancellationToken,
    /// A permit lets one talker end.
    pub go: Arc<Semaphore>,
    pub token: Option<String>,
    pub client: Client,
    registry: Registry,
    followers: Arc<Followers>,
    leaving: Arc<Leaving>,
    serving: JoinHandle<()>,
    fleet: Option<(JoinHandle<Report>, CancellationToken)>,
    _dir: TempDir,
}

/// A server without a token.
pub async fn server() -> Server {
    server_with(None, Vec::new()).await
}

/// A server with this token and these directories for reviews.
pub async fn server_with(token: Option<&str>, review_roots: Vec<PathBuf>) -> Server {
    let dir = tempfile::tempdir().unwrap();
    let store = open::file(&dir.path().join("jobs.db")).await.unwrap();
    let objects = Objects::new(Arc::new(InMemory::new()), Path::default());
    let archive = Arc::new(Archive::new(Arc::clone(&store), objects, false, Metrics::new()));
    let store = with_archive(store, Arc::clone(&archive));
    let go = Arc::new(Semaphore::new(0));
    let registry = Registry::new()
        .with::<Talk>(Talker(Arc::clone(&go)))
        .with::<CodeReview>(NoReview)
        .with::<ChatTurn>(Speaker { store: Arc::clone(&store), go: Arc::clone(&go) });
    let (stopping, closing) = (CancellationToken::new(), CancellationToken::new());
    let (followers, leaving) = (Followers::start(Arc::clone(&store)), Leaving::start(Arc::clone(&store)));
    let app = Arc::new(App {
        store: Arc::clone(&store),
        producer: Producer::new(Arc::clone(&store), registry.clone()),
        metrics: Metrics::new(),
        guard: Guard::new(token.map(|token| token.to_owned().into())),
        limits: Limits { body_bytes: 64 * 1024, body_timeout: SOON, timeout: SOON },
        followers: Arc::clone(&followers),
        leaving: Arc::clone(&leaving),
        streams: Arc::new(Semaphore::new(20)),
        bodies: Arc::new(Semaphore::new(256 * 1024)),
        review_roots,
        health: Health { min_disk_free_mib: 0, min_memory_free_mib: 0 },
        tools: Kit::default().readiness().await,
        budgets: Budgets { day: Allowance { cost: Some(MicroUsd::DOLLAR), tokens: None }, ..Budgets::default() },
        disk: dir.path().to_owned(),
        archive: Some(archive),
        stopping: stopping.clone(),
        closing: closing.clone(),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let limits = Connections { max: 100, header_timeout: SOON };
    let serving = {
        let closing = closing.clone();
        let hard = CancellationToken::new();
        tokio::spawn(async move { http::run(listener, http::api(app), limits, &closing, &hard, SOON).await })
    };
    let token = token.map(str::to_owned);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().timeout(SOON).build().unwrap();
    Server {
        url,
        store,
        stopping,
        closing,
        go,
        token,
        client,
        registry,
        followers,
        leaving,
        serving,
        fleet: None,
        _dir: dir,
    }
}

impl Server {
    /// Starts to work on the queue `default`.
    pub fn work(&mut self) {
        let stop = CancellationToken::new();
        let options = FleetOptions { drain_timeout: Duration::ZERO, ..FleetOptions::default() };
        let fleet = Fleet::new(Arc::clone(&self.store), self.registry.clone(), Metrics::new(), options);
        self.fleet = Some((tokio::spawn(fleet.run(stop.clone())), stop));
    }

    /// Ends everything, and waits for it.
    pub async fn end(self) {
        if let Some((fleet, stop)) = self.fleet {
            stop.cancel();
            timeout(SOON, fleet).await.unwrap().unwrap();
        }
        self.closing.cancel();
        timeout(SOON, self.serving).await.expect("the server ends when told to").unwrap();
        self.leaving.close().await;
        self.followers.close().await;
        self.store.close().await;
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path).json(body)).await
    }

    /// Submits one talker; answers its id.
    pub async fn talk(&self, lines: u64, options: Value) -> String {
        let (status, body) = self.post("/v1/jobs", &talk(lines, &options)).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }
}

/// A job that says so many lines.
pub fn talk(lines: u64, options: &Value) -> Value {
    json!({ "kind": "talk", "payload": { "lines": lines }, "options": options })
}

/// Status and body of an answer; a body that is no JSON is a text.
pub async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// Asserts on an error: its status, code and field, and that it has a request id.
pub fn assert_error(answer: &(StatusCode, Value), status: u16, code: &str, field: Option<&str>) {
    let (found, body) = answer;
    let error = &body["error"];
    assert_eq!(
        (found.as_u16(), error["code"].as_str(), error["field"].as_str()),
        (status, Some(code), field),
        "{body}"
    );
    assert!(error["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{body}");
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
}
