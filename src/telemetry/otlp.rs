//! Spans, in OTLP over HTTP.

use super::{lists::Lists, parent};
use crate::{config::Telemetry, exit::Failure};
use flotilla_workers::trace::{self, TracedRun};
use opentelemetry::{
    KeyValue,
    trace::{Span as _, SpanBuilder, SpanKind, Tracer as _, TracerProvider as _},
};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracer, SdkTracerProvider},
};
use secrecy::ExposeSecret;
use std::{collections::HashMap, time::Duration};
use tracing::{Level, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{
    Layer,
    filter::{Targets, filter_fn},
    registry::LookupSpan,
};

/// How long one request to the collector may take.
const EXPORT: Duration = Duration::from_secs(5);
/// How long the last spans may take at the end of the process.
const END: Duration = Duration::from_secs(2);

/// Where spans go. They wait in bounded memory; while the collector is away, new ones are dropped.
#[derive(Clone, Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Traces {
    /// `None` where no collector is configured.
    pub fn open(settings: &Telemetry) -> Result<Option<Self>, Failure> {
        let Some(url) = &settings.traces_url else { return Ok(None) };
        let wrong = |key: &str, what: String| Failure::usage(format!("telemetry.{key}: {what}"));
        // The exporter's own client is made here and used on its thread.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let headers = match &settings.traces_headers {
            Some(text) => headers(text.expose_secret())
                .ok_or_else(|| wrong("traces_headers", "use name=value,name=value".to_owned()))?,
            None => HashMap::new(),
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(url)
            .with_timeout(EXPORT)
            .with_headers(headers)
            .build()
            .map_err(|e| wrong("traces_url", format!("`{url}` cannot be used: {e}; use http://HOST:4318/v1/traces")))?;
        let name = settings.service_name.clone().unwrap_or_else(|| "flotilla".to_owned());
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(Lists(exporter))
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.traces_share))))
            .with_resource(Resource::builder().with_service_name(name).build())
            .build();
        let tracer = provider.tracer("flotilla");
        Ok(Some(Self { provider, tracer }))
    }

    /// Takes the spans of this program, and no events: what log lines say stays in the log.
    pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> impl Layer<S> + use<S> {
        let ours = Targets::new().with_target("flotilla", Level::INFO).with_target("flotilla_workers", Level::INFO);
        #[allow(clippy::redundant_closure_for_method_calls, reason = "the method is not general enough in lifetimes")]
        let spans = filter_fn(|of| of.is_span());
        let layer = tracing_opentelemetry::layer().with_tracer(self.tracer.clone()).with_location(false);
        layer.with_threads(false).with_filter(ours).with_filter(spans)
    }

    /// Sends what is left.
    pub fn end(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(END) {
            tracing::warn!(%error, "the last spans could not be sent");
        }
    }
}

impl trace::Traces for Traces {
    /// The wait in the queue is a span of its own, between the submit and the run.
    fn run_begins(&self, span: &Span, run: TracedRun<'_>) {
        let Some(parent) = run.parent.and_then(parent::context) else { return };
        let waited = SpanBuilder::from_name(format!("wait in {}", run.queue))
            .with_kind(SpanKind::Internal)
            .with_attributes([KeyValue::new("messaging.destination.name", run.queue.to_owned())])
            .with_start_time(run.ready_at);
        self.tracer.build_with_context(waited, &parent).end_with_timestamp(run.claimed_at.into());
        let _ = span.set_parent(parent);
    }
}

fn headers(text: &str) -> Option<HashMap<String, String>> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().to_owned())).filter(|(name, _)| !name.is_empty())
    };
    text.split(',').map(pair).collect()
}
