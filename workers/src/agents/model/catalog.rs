//! The providers, models and routes there are: built once from the configuration, and checked as a whole.

mod check;

use super::{Choice, ModelSettings, Price, ProviderSettings, Route, RouteSettings, Rule, Settings, Wire, price};
use crate::admission::{BreakerLimits, Lane, LaneLimits};
use flotilla_jobs::Invalid;
use reqwest::{Url, header::HeaderMap};
use secrecy::SecretString;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Who serves models, and how it is spoken to.
#[derive(Clone, Debug)]
pub struct Provider {
    #[allow(missing_docs)]
    pub name: String,
    #[allow(missing_docs)]
    pub wire: Wire,
    /// What a wire's path is appended to; a query is kept.
    pub base_url: Url,
    #[allow(missing_docs)]
    pub key: Option<SecretString>,
    /// Tells keys apart and gives nothing away: as configured, else the start of the key's SHA-256.
    pub key_name: String,
    /// Sent with every call; marked as sensitive.
    pub headers: HeaderMap,
    #[allow(missing_docs)]
    pub timeouts: Timeouts,
    #[allow(missing_docs)]
    pub breaker: BreakerLimits,
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// From the request to the first byte of the answer's body.
    pub first_byte: Duration,
    /// Between two events of a stream; comments that keep a connection alive are none.
    pub idle: Duration,
    /// For all of it.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(10), first_byte: seconds(120), idle: seconds(120), total: seconds(900) }
    }
}

/// A model of a provider.
#[derive(Clone, Debug)]
pub struct Model {
    /// Ours.
    pub name: String,
    #[allow(missing_docs)]
    pub provider: String,
    /// The provider's name for it.
    pub id: String,
    /// Most tokens it takes in.
    pub context: u64,
    /// Most tokens it gives.
    pub max_output: u32,
    #[allow(missing_docs)]
    pub limits: LaneLimits,
    /// `None`: not known, which is not "nothing".
    pub price: Option<Price>,
    /// Where a request says none.
    pub temperature: Option<f64>,
}

/// All of them. Every model has its provider, and every route its models.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    providers: BTreeMap<String, Arc<Provider>>,
    models: BTreeMap<String, Arc<Model>>,
    routes: BTreeMap<String, Arc<Route>>,
}

impl Catalog {
    /// Builds it, or says which setting does not hold up and what would be right.
    pub fn new(settings: Settings) -> Result<Self, Invalid> {
        let mut catalog = Self::default();
        for (name, settings) in settings.providers {
            let provider = provider(&name, settings).map_err(|e| e.under(&name).under("providers"))?;
            catalog.providers.insert(name, Arc::new(provider));
        }
        for (name, settings) in settings.models {
            let model = catalog.checked_model(&name, settings).map_err(|e| e.under(&name).under("models"))?;
            catalog.models.insert(name, Arc::new(model));
        }
        for (name, settings) in settings.routes {
            let route = catalog.checked_route(&name, settings).map_err(|e| e.under(&name).under("routes"))?;
            catalog.routes.insert(name, Arc::new(route));
        }
        Ok(catalog)
    }

    /// A model and who serves it.
    pub fn model(&self, name: &str) -> Option<(&Arc<Provider>, &Arc<Model>)> {
        let model = self.models.get(name)?;
        Some((self.providers.get(&model.provider)?, model))
    }

    /// A route by its name. A model's name is the route of that model alone, and `default`, where nothing is configured
    /// under that name, that of the only model there is.
    pub fn route(&self, name: &str) -> Option<Arc<Route>> {
        if let Some(route) = self.routes.get(name) {
            return Some(route.clone());
        }
        let only = self.models.keys().next().filter(|_| name == "default" && self.models.len() == 1);
        let model = self.models.get_key_value(name).map(|(name, _)| name).or(only)?;
        Some(Arc::new(Route::only(model)))
    }

    /// Every provider, by name.
    pub fn providers(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.providers.values()
    }

    /// Every model, by name.
    pub fn models(&self) -> impl Iterator<Item = &Arc<Model>> {
        self.models.values()
    }

    /// Every route that is configured, by name.
    pub fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.routes.values()
    }

    fn checked_model(&self, name: &str, s: ModelSettings) -> Result<Model, Invalid> {
        check::name(name)?;
        if !self.providers.contains_key(&s.provider) {
            return Err(check::unknown("provider", "provider", &s.provider, self.providers.keys()));
        }
        let id = s.id.unwrap_or_else(|| name.to_owned());
        let known = price::known(&id);
        let unknown = || {
            Invalid::new("context", format!("is not set, and `{id}` is in no table: say how many tokens it takes in"))
        };
        let context = s.context.or(known.as_ref().map(|k| k.context)).ok_or_else(unknown)?;
        check::range("context", context, 256, 1_000_000_000)?;
        let max_output = s.max_output.or(known.as_ref().map(|k| k.max_output)).unwrap_or(DEFAULT_MAX_OUTPUT);
        check::range("max_output", max_output.into(), 16, 1_000_000_000)?;
        if let Some(wrong) = s.temperature.filter(|t| !(0.0..=2.0).contains(t)) {
            return Err(Invalid::new("temperature", format!("is {wrong}; use 0 to 2")));
        }
        let limits = LaneLimits {
            requests_per_minute: check::at_least_one("requests_per_minute", s.requests_per_minute)?,
            input_tokens_per_minute: check::at_least_one("input_tokens_per_minute", s.input_tokens_per_minute)?,
            output_tokens_per_minute: check::at_least_one("output_tokens_per_minute", s.output_tokens_per_minute)?,
            streams: check::at_least_one("streams", s.streams)?,
        };
        let price = s.price.map(|price| price.0).or(known.map(|k| k.price));
        let (name, temperature) = (name.to_owned(), s.temperature);
        Ok(Model { name, provider: s.provider, id, context, max_output, limits, price, temperature })
    }

    fn checked_route(&self, name: &str, settings: RouteSettings) -> Result<Route, Invalid> {
        check::name(name)?;
        let models: Vec<Choice> = settings
            .models
            .into_iter()
            .map(|s| Choice { model: s.model, when: s.when.filter(|rule| *rule != Rule::default()) })
            .collect();
        if let Some(choice) = models.iter().find(|choice| !self.models.contains_key(&choice.model)) {
            return Err(check::unknown("models", "model", &choice.model, self.models.keys()));
        }
        if models.iter().all(|choice| choice.when.is_some()) {
            let message = "needs a model without a rule, for calls that no rule is for; add it at the end";
            return Err(Invalid::new("models", message));
        }
        Ok(Route { name: name.to_owned(), models })
    }
}

impl Provider {
    /// What this provider counts its limits of a model for.
    pub fn lane(&self, model: &Model) -> Lane {
        Lane { provider: self.name.clone(), key: self.key_name.clone(), model: model.id.clone() }
    }
}

/// What a model may give where nobody says.
const DEFAULT_MAX_OUTPUT: u32 = 8_192;

fn provider(name: &str, s: ProviderSettings) -> Result<Provider, Invalid> {
    check::name(name)?;
    let (vendor_wire, vendor_url) = match name {
        "openai" => (Some(Wire::OpenaiResponses), Some("https://api.openai.com/v1")),
        "anthropic" => (Some(Wire::Anthropic), Some("https://api.anthropic.com")),
        _ => (None, None),
    };
    let unset = |key: &str, example: &str| Invalid::new(key, format!("is not set; use for example {example}"));
    let wire = s.wire.or(vendor_wire).ok_or_else(|| unset("wire", "\"openai-chat\""))?;
    let base_url = s.base_url.as_deref().or(vendor_url);
    let base_url = check::base_url(base_url.ok_or_else(|| unset("base_url", "\"http://127.0.0.1:11434/v1\""))?)?;
    check::key(s.key.as_ref())?;
    let standard = Timeouts::default();
    let timeouts = Timeouts {
        connect: check::millis("connect_ms", s.connect_ms, standard.connect)?,
        first_byte: check::millis("first_byte_ms", s.first_byte_ms, standard.first_byte)?,
        idle: check::millis("idle_ms", s.idle_ms, standard.idle)?,
        total: check::millis("total_ms", s.total_ms, standard.total)?,
    };
    let failures = s.breaker_failures.unwrap_or(5);
    check::range("breaker_failures", failures.into(), 1, 1_000)?;
    let rest = check::millis("breaker_rest_ms", s.breaker_rest_ms, Duration::from_secs(30))?;
    Ok(Provider {
        name: name.to_owned(),
        wire,
        base_url,
        key_name: s.key_name.unwrap_or_else(|| check::key_name(s.key.as_ref())),
        key: s.key,
        headers: check::headers(&s.headers)?,
        timeouts,
        breaker: BreakerLimits { failures, rest },
    })
}

#[cfg(test)]
mod tests;
