//! W3C trace context: <https://www.w3.org/TR/trace-context/>.

use axum::http::HeaderMap;
use opentelemetry::{
    Context,
    propagation::{Extractor, TextMapPropagator as _},
    trace::TraceContextExt as _,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

const HEADER: &str = "traceparent";

/// Makes a span part of the trace that a request came with, if it came with one.
pub fn follow(span: &Span, headers: &HeaderMap) {
    if let Some(context) = header(headers).and_then(context) {
        let _ = span.set_parent(context);
    }
}

/// The `traceparent` of what goes on from here: of the span that is open, else the one that the request came with.
pub fn current(headers: &HeaderMap) -> Option<String> {
    let context = Span::current().context();
    let here = context.span().span_context().clone();
    if here.is_valid() {
        let flags = here.trace_flags().to_u8();
        return Some(format!("00-{}-{}-{flags:02x}", here.trace_id(), here.span_id()));
    }
    header(headers).filter(|text| self::context(text).is_some()).map(str::to_owned)
}

/// What a `traceparent` says; `None` where it is not valid.
pub(super) fn context(traceparent: &str) -> Option<Context> {
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &Carrier(traceparent));
    context.span().span_context().is_valid().then_some(context)
}

fn header(headers: &HeaderMap) -> Option<&str> {
    headers.get(HEADER)?.to_str().ok()
}

struct Carrier<'a>(&'a str);

impl Extractor for Carrier<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == HEADER).then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec![HEADER]
    }
}
