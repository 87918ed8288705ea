//! Whether providers of models can be reached and take their keys. Asks for lists, which costs nothing.

use super::Check;
use crate::exit::Exit;
use flotilla_workers::agents::model::{Catalog, Class, Client, ModelError, Probe, Provider};
use futures_util::future::join_all;

const NAME: &str = "provider";

/// A check for each of them, made at the same time.
pub async fn all(catalog: &Catalog) -> Vec<Check> {
    let client = Client::new();
    let client = &client;
    join_all(catalog.providers().map(|provider| async move {
        match client.probe(provider).await {
            Ok(probe) => reached(catalog, provider, &probe),
            Err(error) => failed(provider, &error),
        }
    }))
    .await
}

fn reached(catalog: &Catalog, provider: &Provider, probe: &Probe) -> Check {
    let name = &provider.name;
    let Some(known) = &probe.models else {
        return Check::ok(NAME, format!("{name} can be reached; it has no list of models, so its key was not tried"));
    };
    let ours = catalog.models().filter(|model| model.provider == *name);
    let missing: Vec<&str> = ours.map(|model| model.id.as_str()).filter(|id| !known.iter().any(|k| k == id)).collect();
    if missing.is_empty() {
        return Check::ok(NAME, format!("{name} can be reached and takes its key; {} models", known.len()));
    }
    let found = format!("{name} can be reached, but does not list {}", missing.join(", "));
    Check::warn(NAME, found, "correct the id of these models; fine where the provider does not list all it has")
}

fn failed(provider: &Provider, error: &ModelError) -> Check {
    let fix = match error.class {
        Class::Denied => format!("correct providers.{0}.key or providers.{0}.key_file", provider.name),
        Class::Exhausted => "pay, or raise the limit at the provider".to_owned(),
        Class::Unreachable => format!("start it, or correct providers.{}.base_url", provider.name),
        _ => format!("try again later; else correct providers.{}", provider.name),
    };
    Check::fail(NAME, Exit::Unavailable, error.to_string(), fix)
}
