//! The HTTP client of a producer.
//!
//! ```no_run
//! use flotilla_jobs::{Enqueue, Options, client::Client, kinds::{CodeReview, Source}};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let flotilla = Client::new("http://127.0.0.1:8080")?;
//! let job = CodeReview { source: Source::PullRequest { repository: "acme/shop".into(), number: 7 } };
//! let accepted = flotilla.enqueue(&job, Options::default()).await?;
//! # Ok(()) }
//! ```

mod chat;
mod error;
mod events;
mod sessions;

pub use chat::ChatEvents;
pub use error::Error;
pub use events::Events;

use crate::{
    Accepted, Enqueue, Filter, Job, JobId, JobRecord, NewJob, Page,
    api::{
        Approval, ApprovalId, Approvals, BudgetState, BudgetStates, CancelAnswer, CancelReply, Decision, JobSteps,
        LaneStats, Providers, QueueChange, QueueStats, Queues, Say, Spend, SpendQuery, StepPlace, Swept, Transcript,
    },
};
use reqwest::{
    ClientBuilder, Method, RequestBuilder, Response, StatusCode, Url,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
};
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;

/// Talks to a Flotilla server. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    timeout: Duration,
}

/// How long an attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A stream of events says every 15 s that it is still there: one that is silent for longer is dead.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(30);

impl Client {
    /// How long an answer may take by default. Following a job's events may take for ever.
    pub const TIMEOUT: Duration = Duration::from_secs(30);

    /// A client of the server at this address: `http://127.0.0.1:8080`.
    pub fn new(url: &str) -> Result<Self, Error> {
        Self::connect(url, None, Self::TIMEOUT)
    }

    /// A client that shows a bearer token.
    pub fn with_token(url: &str, token: &str) -> Result<Self, Error> {
        Self::connect(url, Some(token), Self::TIMEOUT)
    }

    /// A client that waits so long for an answer, and shows a bearer token if it has one.
    pub fn connect(url: &str, token: Option<&str>, timeout: Duration) -> Result<Self, Error> {
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
                .map_err(|_| Error::Setup("the token holds a character that a header cannot carry".to_owned()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let mut base = Url::parse(url).map_err(|e| Error::Setup(format!("`{url}` is not an address: {e}")))?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(Error::Setup(format!("`{url}` is not an address; use http://host:port")));
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let http = builder(base.scheme())?
            .default_headers(headers)
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(SILENCE_TIMEOUT.max(timeout))
            .user_agent(concat!("flotilla-jobs/", env!("CARGO_PKG_VERSION")))
            // A token must not follow a redirect to somewhere else.
            .redirect(reqwest::redirect::Policy::none())
            // Also where another crate asks reqwest for more: streams of events would share one connection.
            .http1_only()
            .build()
            .map_err(|e| Error::Setup(e.to_string()))?;
        Ok(Self { http, base, timeout })
    }

    /// One job with payload, output and history; `None` where there is none of that id.
    pub async fn get(&self, id: JobId) -> Result<Option<JobRecord>, Error> {
        absent_is_none(self.call(Method::GET, &format!("v1/jobs/{id}"), &[], None::<&()>).await)
    }

    /// One page of what agents did for a job, after that place; `None` where there is no job of that id.
    pub async fn steps(&self, id: JobId, after: Option<StepPlace>, limit: u32) -> Result<Option<JobSteps>, Error> {
        absent_is_none(self.call(Method::GET, &format!("v1/jobs/{id}/steps"), &page(after, limit), None::<&()>).await)
    }

    /// One page of what was said in the runs of a job, of at most so many steps after that place; `None` where there is
    /// no job of that id.
    pub async fn transcript(
        &self,
        id: JobId,
        after: Option<StepPlace>,
        steps: u32,
    ) -> Result<Option<Transcript>, Error> {
        let path = format!("v1/jobs/{id}/transcript");
        absent_is_none(self.call(Method::GET, &path, &page(after, steps), None::<&()>).await)
    }

    /// The output of a completed job; `None` while it is not completed.
    pub async fn output<J: Job>(&self, id: JobId) -> Result<Option<J::Output>, Error> {
        let Some(output) = self.get(id).await?.and_then(|job| job.output) else { return Ok(None) };
        serde_json::from_str(output.get()).map(Some).map_err(|e| Error::Unreadable(e.to_string()))
    }

    /// Jobs that match, newest first, those older than `after`.
    pub async fn list(&self, filter: &Filter, after: Option<JobId>, limit: u32) -> Result<Page, Error> {
        let mut query = vec![("limit", limit.to_string())];
        query.extend(after.map(|id| ("after", id.to_string())));
        query.extend(filter.state.map(|state| ("state", state.to_string())));
        query.extend(filter.kind.clone().map(|kind| ("kind", kind)));
        query.extend(filter.queue.clone().map(|queue| ("queue", queue)));
        query.extend(filter.tenant.clone().map(|tenant| ("tenant", tenant)));
        query.extend(filter.created_after.map(|at| ("created_after", at.to_string())));
        query.extend(filter.created_before.map(|at| ("created_before", at.to_string())));
        query.extend(filter.labels.iter().map(|(name, value)| ("label", format!("{name}:{value}"))));
        self.call(Method::GET, "v1/jobs", &query, None::<&()>).await
    }

    /// Asks for a job to be cancelled; `None` where there is none of that id.
    pub async fn cancel(&self, id: JobId) -> Result<Option<CancelReply>, Error> {
        let answer = self.call::<CancelAnswer>(Method::POST, &format!("v1/jobs/{id}/cancel"), &[], None::<&()>).await;
        Ok(absent_is_none(answer)?.map(|answer| answer.reply))
    }

    /// Runs a failed or quarantined job once more; `None` where there is none of that id.
    pub async fn retry(&self, id: JobId) -> Result<Option<JobRecord>, Error> {
        absent_is_none(self.call(Method::POST, &format!("v1/jobs/{id}/retry"), &[], None::<&()>).await)
    }

    /// Puts a paused job back into its queue; `None` where there is none of that id.
    pub async fn resume(&self, id: JobId) -> Result<Option<JobRecord>, Error> {
        absent_is_none(self.call(Method::POST, &format!("v1/jobs/{id}/resume"), &[], None::<&()>).await)
    }

    /// Cancels jobs that match, a bounded number at a time: call it until nothing more matches.
    pub async fn cancel_matching(&self, filter: &Filter) -> Result<Swept, Error> {
        self.call(Method::POST, "v1/jobs/cancel", &all_of(filter), Some(filter)).await
    }

    /// Runs failed and quarantined jobs that match once more, a bounded number at a time.
    pub async fn retry_matching(&self, filter: &Filter) -> Result<Swept, Error> {
        self.call(Method::POST, "v1/jobs/retry", &all_of(filter), Some(filter)).await
    }

    /// Puts paused jobs that match back into their queues, a bounded number at a time.
    pub async fn resume_matching(&self, filter: &Filter) -> Result<Swept, Error> {
        self.call(Method::POST, "v1/jobs/resume", &all_of(filter), Some(filter)).await
    }

    /// Every queue, sorted by name.
    pub async fn queues(&self) -> Result<Vec<QueueStats>, Error> {
        Ok(self.call::<Queues>(Method::GET, "v1/queues", &[], None::<&()>).await?.queues)
    }

    /// Pauses or resumes a queue, or changes its cap, for the whole fleet.
    pub async fn configure_queue(&self, queue: &str, change: QueueChange) -> Result<(), Error> {
        self.call::<QueueStats>(Method::PUT, &format!("v1/queues/{queue}"), &[], Some(&change)).await.map(drop)
    }

    /// What models cost in the days asked for.
    pub async fn spend(&self, query: &SpendQuery) -> Result<Spend, Error> {
        let mut asked = Vec::new();
        asked.extend(query.since.map(|day| ("since", day.to_string())));
        asked.extend(query.until.map(|day| ("until", day.to_string())));
        asked.extend(query.tenant.clone().map(|tenant| ("tenant", tenant)));
        asked.extend(query.agent.clone().map(|agent| ("agent", agent)));
        asked.extend(query.model.clone().map(|model| ("model", model)));
        asked.extend(query.by.iter().map(|by| ("by", by.as_str().to_owned())));
        self.call(Method::GET, "v1/spend", &asked, None::<&()>).await
    }

    /// Budgets that are limited, and how full they are.
    pub async fn budgets(&self) -> Result<Vec<BudgetState>, Error> {
        Ok(self.call::<BudgetStates>(Method::GET, "v1/budgets", &[], None::<&()>).await?.budgets)
    }

    /// Every provider, model and key that was used in the last day.
    pub async fn providers(&self) -> Result<Vec<LaneStats>, Error> {
        Ok(self.call::<Providers>(Method::GET, "v1/providers", &[], None::<&()>).await?.lanes)
    }

    /// Calls of tools that wait for a person, or waited, newest first: in this state only, and of this job only, where it
    /// is said; those older than `after`.
    pub async fn approvals(
        &self,
        state: Option<Decision>,
        job: Option<JobId>,
        after: Option<ApprovalId>,
        limit: u32,
    ) -> Result<Approvals, Error> {
        let mut query = vec![("limit", limit.to_string())];
        query.extend(state.map(|state| ("state", state.as_str().to_owned())));
        query.extend(job.map(|job| ("job", job.to_string())));
        query.extend(after.map(|id| ("after", id.to_string())));
        self.call(Method::GET, "v1/approvals", &query, None::<&()>).await
    }

    /// Agrees to a call of a tool, which is then made once; `None` where there is no such approval.
    pub async fn approve(&self, id: ApprovalId, say: &Say) -> Result<Option<Approval>, Error> {
        absent_is_none(self.call(Method::POST, &format!("v1/approvals/{id}/approve"), &[], Some(say)).await)
    }

    /// Refuses a call of a tool; `None` where there is no such approval.
    pub async fn deny(&self, id: ApprovalId, say: &Say) -> Result<Option<Approval>, Error> {
        absent_is_none(self.call(Method::POST, &format!("v1/approvals/{id}/deny"), &[], Some(say)).await)
    }

    /// News of a job from now on, or from after the event numbered `after`.
    pub async fn events(&self, id: JobId, after: u64) -> Result<Events, Error> {
        let request = self.http.get(self.url(&format!("v1/jobs/{id}/events"), &[])?);
        let response = self.send(request.header("last-event-id", after)).await?;
        Ok(Events::new(response))
    }

    /// Whether the server and everything it needs is well, and its report.
    pub async fn health(&self) -> Result<(bool, serde_json::Value), Error> {
        let request = self.http.get(self.url("health", &[])?).timeout(self.timeout);
        let response = request.send().await.map_err(Error::unreachable)?;
        let status = response.status();
        let body = response.bytes().await.map_err(Error::unreachable)?;
        if !status.is_success() && status != StatusCode::SERVICE_UNAVAILABLE {
            return Err(Error::refused(status.as_u16(), &body));
        }
        let report = serde_json::from_slice(&body).map_err(|e| Error::Unreadable(e.to_string()))?;
        Ok((status.is_success(), report))
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Option<&(impl Serialize + Sync + ?Sized)>,
    ) -> Result<T, Error> {
        let mut request = self.http.request(method, self.url(path, query)?).timeout(self.timeout);
        if let Some(body) = body {
            request = request.json(body);
        }
        let body = self.send(request).await?.bytes().await.map_err(Error::unreachable)?;
        serde_json::from_slice(&body).map_err(|e| Error::Unreadable(e.to_string()))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Error> {
        let response = request.send().await.map_err(Error::unreachable)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = response.bytes().await.map_err(Error::unreachable)?;
        Err(Error::refused(status.as_u16(), &body))
    }

    fn url(&self, path: &str, query: &[(&str, String)]) -> Result<Url, Error> {
        let mut url = self.base.join(path).map_err(|e| Error::Setup(format!("`{path}` is not a path: {e}")))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }
}

impl Enqueue for Client {
    type Error = Error;

    async fn submit(&self, jobs: Vec<NewJob>) -> Result<Vec<Accepted>, Error> {
        match jobs.as_slice() {
            // By itself, so that an error names its field and not a place in a list nobody made.
            [one] => Ok(vec![self.call(Method::POST, "v1/jobs", &[], Some(one)).await?]),
            jobs => self.call(Method::POST, "v1/jobs", &[], Some(jobs)).await,
        }
    }
}

#[cfg(not(feature = "tls"))]
fn builder(scheme: &str) -> Result<ClientBuilder, Error> {
    if scheme == "https" {
        return Err(Error::Setup("https needs the feature `tls` of flotilla-jobs".to_owned()));
    }
    Ok(reqwest::Client::builder())
}

#[cfg(feature = "tls")]
#[allow(clippy::unnecessary_wraps, reason = "without the feature it can fail")]
fn builder(scheme: &str) -> Result<ClientBuilder, Error> {
    // Where the process has chosen a provider already, that one is used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder();
    // A machine without certificates can still speak http.
    Ok(if scheme == "http" { builder.tls_certs_only([]) } else { builder })
}

/// The server wants to hear that "no filter" is not a mistake.
fn all_of(filter: &Filter) -> Vec<(&'static str, String)> {
    if *filter == Filter::default() { vec![("all", "true".to_owned())] } else { Vec::new() }
}

fn page(after: Option<StepPlace>, limit: u32) -> Vec<(&'static str, String)> {
    let mut query = vec![("limit", limit.to_string())];
    query.extend(after.map(|after| ("after", after.to_string())));
    query
}

fn absent_is_none<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(Error::Refused { status, ref code, .. })
            if status == StatusCode::NOT_FOUND.as_u16()
                && matches!(code.as_str(), "job_not_found" | "approval_not_found") =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
