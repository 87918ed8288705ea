//! Calls models over HTTP: one attempt a call, nothing tried again, no redirect followed.

mod http;
mod probe;
pub(in crate::agents) mod sse;
#[cfg(test)]
mod tests;

pub use probe::Probe;

use super::{
    Class, Event, Model, ModelError, Provider, Reply, Request,
    refusal::{Cleaner, Complaint, Headers},
    wire::{self, Reader, Sink},
};
use crate::{admission::Told, clock::Clock};
use futures_util::{FutureExt, Stream, StreamExt};
use http::Pools;
use reqwest::{Response, StatusCode};
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

/// Most bytes that are read of an error's body.
const MAX_ERROR_BODY: usize = 64 * 1024;
/// How long to wait for what may follow the end of an answer: its count of tokens.
const AFTER_END: Duration = Duration::from_secs(5);

/// Calls models. Cheap to share; connections are kept and used again.
#[derive(Debug, Default)]
pub struct Client {
    pools: Pools,
    clock: Clock,
}

/// A call that was answered.
#[derive(Clone, Debug)]
pub struct Answered {
    #[allow(missing_docs)]
    pub reply: Reply,
    /// What the provider says is left of its limits.
    pub told: Told,
}

impl Client {
    /// One that goes by this machine's time, where a provider gives a date and does not say when it did.
    pub fn new() -> Self {
        Self::default()
    }

    /// One that goes by another time.
    pub fn with_clock(clock: Clock) -> Self {
        Self { clock, ..Self::default() }
    }

    /// Makes one call and reads its answer to the end; `events` hears of it meanwhile, and of nothing after this returns.
    ///
    /// Ends early when `stop` is cancelled, and at the first of the provider's time-outs. Dropping it ends the call too.
    pub async fn call(
        &self,
        provider: &Provider,
        model: &Model,
        request: &Request,
        stop: &CancellationToken,
        events: &mut (dyn FnMut(Event) + Send),
    ) -> Result<Answered, ModelError> {
        let (began, mut spoke) = (Instant::now(), None);
        let mut sink = |event: Event| {
            if spoke.is_none() && !matches!(event, Event::Started { .. }) {
                spoke = Some(Instant::now());
            }
            events(event);
        };
        let mut attempt =
            Attempt::new(provider, Reader::new(provider.wire, request.answer.as_deref()), self.clock.now());
        let total = provider.timeouts.total;
        let ended = tokio::select! {
            biased;
            () = stop.cancelled() => Err(Complaint::new(Class::Cancelled, "was not waited for any longer")),
            ended = timeout(total, attempt.run(&self.pools, model, request, &mut sink)) => ended
                .unwrap_or_else(|_| Err(Complaint::new(Class::Cut, late("did not end its answer", total, "total_ms")))),
        };
        match ended.and_then(|()| attempt.reader.end()) {
            Ok(mut reply) => {
                reply.first_token = spoke.unwrap_or_else(Instant::now).duration_since(began);
                Ok(Answered { reply, told: attempt.told })
            }
            Err(complaint) => Err(attempt.failed(&complaint)),
        }
    }
}

/// One call, and what is known of it so far.
struct Attempt<'a> {
    provider: &'a Provider,
    reader: Reader,
    now: i64,
    status: Option<StatusCode>,
    told: Told,
    retry_after: Option<Duration>,
    should_retry: Option<bool>,
    request_id: Option<String>,
}

impl<'a> Attempt<'a> {
    fn new(provider: &'a Provider, reader: Reader, now: i64) -> Self {
        Self {
            provider,
            reader,
            now,
            status: None,
            told: Told::default(),
            retry_after: None,
            should_retry: None,
            request_id: None,
        }
    }

    async fn run(&mut self, pools: &Pools, model: &Model, request: &Request, sink: Sink<'_>) -> Result<(), Complaint> {
        let sent = pools.post(self.provider, &wire::body(self.provider, model, request))?;
        let first_byte = self.provider.timeouts.first_byte;
        let (deadline, silent) = (Instant::now() + first_byte, || {
            Complaint::new(Class::Unreachable, late("did not answer", first_byte, "first_byte_ms"))
        });
        let response = timeout_at(deadline, sent).await.map_err(|_| silent())?.map_err(|e| http::complaint(&e))?;
        self.heard(&response);
        let status = response.status();
        let mut body = response.bytes_stream().map(|chunk| chunk.map(Vec::from)).boxed();
        if !status.is_success() {
            let text = read(&mut body, Vec::new(), MAX_ERROR_BODY, self.provider.timeouts.idle).await;
            return Err(Complaint::of_status(status.as_u16(), text.as_deref().unwrap_or_default()));
        }
        // The first byte that says something; a blank one keeps a connection alive.
        let mut deadline = deadline;
        let head = loop {
            let chunk = timeout_at(deadline, body.next()).await.map_err(|_| silent())?;
            let chunk = chunk.ok_or_else(|| Complaint::cut("an answer with nothing in it"))?;
            let chunk = chunk.map_err(|e| Complaint::new(Class::Unreachable, format!("{}", http::Cause(&e))))?;
            if chunk.iter().any(|byte| !byte.is_ascii_whitespace()) {
                break chunk;
            }
            deadline = Instant::now() + self.provider.timeouts.idle;
        };
        match head.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{' | b'[') => {
                let whole = read(&mut body, head, wire::MAX_REPLY, self.provider.timeouts.idle).await?;
                self.reader.whole(&whole, sink)
            }
            Some(b'<') => {
                Err(Complaint::new(Class::Invalid, "answered with a page and not as an API; correct base_url"))
            }
            _ => self.stream(head, body, sink).await,
        }
    }

    /// Reads events until the answer ends.
    async fn stream(
        &mut self,
        head: Vec<u8>,
        body: impl Stream<Item = Result<Vec<u8>, reqwest::Error>> + Send + Unpin,
        sink: Sink<'_>,
    ) -> Result<(), Complaint> {
        let mut events = std::pin::pin!(sse::events(&head, body));
        loop {
            let ended = self.reader.ended();
            let idle = self.provider.timeouts.idle;
            let event = match timeout(if ended { AFTER_END.min(idle) } else { idle }, events.next()).await {
                Ok(Some(Ok(event))) => event,
                // All was said: what is wrong with what follows does not matter.
                _ if ended => return Ok(()),
                Ok(None) => return Ok(()),
                Ok(Some(Err(broken))) => return Err(Complaint::cut(broken.to_string())),
                Err(_) => return Err(Complaint::new(Class::Cut, silent(idle))),
            };
            if self.reader.event(&event.event, &event.data, sink)? {
                // Where the end of the body is here already, its connection can be used again.
                let _ = events.next().now_or_never();
                return Ok(());
            }
        }
    }

    /// Takes in the head of an answer.
    fn heard(&mut self, response: &Response) {
        let headers = Headers::new(response.headers(), self.now);
        self.status = Some(response.status());
        self.told = headers.told();
        self.request_id = headers.request_id();
        if !response.status().is_success() {
            self.retry_after = headers.retry_after();
            self.should_retry = headers.should_retry();
        }
    }

    fn failed(self, complaint: &Complaint) -> ModelError {
        let cleaner = Cleaner::new(self.provider.key.as_ref(), &self.provider.headers);
        let message = cleaner.clean(&complaint.message);
        ModelError {
            status: self.status.map(|status| status.as_u16()),
            retry_after: self.retry_after.or(complaint.retry_after),
            should_retry: self.should_retry,
            usage: self.reader.usage(),
            begun: self.reader.begun(),
            request_id: self.request_id.or_else(|| self.reader.id().map(str::to_owned)),
            told: Box::new(self.told),
            ..ModelError::new(&self.provider.name, complaint.class, message)
        }
    }
}

/// What took too long, and which setting says so.
fn late(what: &str, limit: Duration, setting: &str) -> String {
    format!("{what} within {} ms ({setting})", limit.as_millis())
}

/// The same for silence in the middle.
fn silent(idle: Duration) -> String {
    format!("was silent for {} ms (idle_ms)", idle.as_millis())
}

/// Reads a body to its end; more than `most` bytes of it are an error, and so is silence.
async fn read(
    body: &mut (impl Stream<Item = Result<Vec<u8>, reqwest::Error>> + Unpin),
    mut so_far: Vec<u8>,
    most: usize,
    idle: Duration,
) -> Result<Vec<u8>, Complaint> {
    loop {
        if so_far.len() > most {
            return Err(Complaint::cut(format!("an answer of more than {most} bytes")));
        }
        match timeout(idle, body.next()).await {
            Ok(Some(Ok(chunk))) => so_far.extend(chunk),
            Ok(None) => return Ok(so_far),
            Ok(Some(Err(error))) => return Err(Complaint::new(Class::Cut, http::Cause(&error).to_string())),
            Err(_) => return Err(Complaint::new(Class::Cut, silent(idle))),
        }
    }
}
