//! A job's spans, as a collector receives them.

use crate::fleet::Fleet;
use axum::{Router, body::Bytes, extract::State, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest as Export,
    trace::v1::{Span, span::SpanKind},
};
use prost::Message as _;
use serde_json::json;
use std::sync::{Arc, Mutex};
use tokio::{net::TcpListener, task::JoinHandle};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// A collector that keeps what it gets.
pub struct Collector {
    pub url: String,
    spans: Arc<Mutex<Vec<Span>>>,
    task: JoinHandle<()>,
}

impl Collector {
    pub async fn start() -> Self {
        let spans = Arc::<Mutex<Vec<Span>>>::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", post(keep)).with_state(Arc::clone(&spans));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, spans, task }
    }

    /// The one span whose name begins so.
    pub fn span(&self, name: &str) -> Span {
        let mut named = self.spans(name);
        let all = || self.spans("").into_iter().map(|span| span.name).collect::<Vec<_>>();
        assert_eq!(named.len(), 1, "{name}: {:?}", all());
        named.remove(0)
    }

    /// All whose name begins so.
    pub fn spans(&self, name: &str) -> Vec<Span> {
        self.spans.lock().unwrap().iter().filter(|span| span.name.starts_with(name)).cloned().collect()
    }
}

async fn keep(State(spans): State<Arc<Mutex<Vec<Span>>>>, body: Bytes) {
    let export = Export::decode(body).unwrap();
    let scopes = export.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    spans.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
}

fn hex(id: &[u8]) -> String {
    id.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

// The collector answers while the test waits for the process.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_on_in_the_trace_of_who_submitted_it() {
    let (fleet, collector) = (Fleet::file(), Collector::start().await);
    let (run, server) = fleet.start_with(&["run"], &[("TELEMETRY__TRACES_URL", collector.url.clone())]);
    let job = json!({ "kind": "drill", "payload": { "steps": [{ "do": "sleep", "ms": 1 }] } });
    let submit = fleet.post(&server, &job).header("traceparent", format!("00-{TRACE}-{CALLER}-01"));
    let accepted: serde_json::Value = submit.send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
    fleet.until_job(&server, accepted["id"].as_str().unwrap(), "completed").await;
    // What is left is sent before the process ends.
    assert_eq!(run.stop(), 0);

    let request = collector.span("POST /v1/jobs");
    assert_eq!((hex(&request.trace_id), hex(&request.parent_span_id)), (TRACE.to_owned(), CALLER.to_owned()));
    assert_eq!(request.kind, SpanKind::Server as i32);
    let waited = collector.span("wait in default");
    let job = collector.span("job drill");
    for span in [&waited, &job] {
        assert_eq!((hex(&span.trace_id), &span.parent_span_id), (TRACE.to_owned(), &request.span_id), "{}", span.name);
    }
    assert!(waited.start_time_unix_nano <= waited.end_time_unix_nano);
    collector.task.abort();
}

#[tokio::test]
async fn a_collector_that_is_away_holds_nothing_up() {
    let fleet = Fleet::file();
    let (run, server) = fleet.start_with(&["run"], &[("TELEMETRY__TRACES_URL", "http://127.0.0.1:9/v1/traces".into())]);
    let job = json!({ "kind": "drill", "payload": { "steps": [{ "do": "sleep", "ms": 1 }] } });
    let ids = fleet.submit(&server, &[job]).await;
    fleet.until_job(&server, &ids[0], "completed").await;
    assert_eq!(run.stop(), 0);
}
