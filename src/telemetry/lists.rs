//! Attributes that are lists: fields of spans cannot be, so they are made lists on their way out.

use opentelemetry::{Array, StringValue, Value};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter},
};
use std::{future::Future, time::Duration};

/// Those that are lists of texts by the conventions.
const LISTS: [&str; 1] = ["gen_ai.response.finish_reasons"];

/// An exporter that makes lists of them.
#[derive(Debug)]
pub struct Lists<E>(pub E);

impl<E: SpanExporter> SpanExporter for Lists<E> {
    fn export(&self, mut batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        for attribute in batch.iter_mut().flat_map(|span| &mut span.attributes) {
            if let (true, Value::String(text)) = (LISTS.contains(&attribute.key.as_str()), &attribute.value) {
                let list: Vec<StringValue> = vec![text.clone()];
                attribute.value = Value::Array(Array::String(list));
            }
        }
        self.0.export(batch)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}
