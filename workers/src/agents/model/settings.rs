//! How providers, models and routes are configured; [`Catalog::new`](super::Catalog::new) checks what it comes to.

use super::{Complexity, Price, Rule, Wire, price};
use flotilla_jobs::MicroUsd;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::collections::BTreeMap;

/// All of it, by name.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Settings {
    pub providers: BTreeMap<String, ProviderSettings>,
    pub models: BTreeMap<String, ModelSettings>,
    pub routes: BTreeMap<String, RouteSettings>,
}

/// A provider; what is not said is the default, for `openai` and `anthropic` that of the vendor.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ProviderSettings {
    pub wire: Option<Wire>,
    #[serde(deserialize_with = "text")]
    pub base_url: Option<String>,
    #[serde(deserialize_with = "secret")]
    pub key: Option<SecretString>,
    /// What the key is called where it must be told from others; its hash where nothing is said.
    #[serde(deserialize_with = "text")]
    pub key_name: Option<String>,
    /// Sent with every call, and never shown.
    pub headers: BTreeMap<String, SecretString>,
    pub connect_ms: Option<u64>,
    pub first_byte_ms: Option<u64>,
    pub idle_ms: Option<u64>,
    pub total_ms: Option<u64>,
    pub breaker_failures: Option<u32>,
    pub breaker_rest_ms: Option<u64>,
    /// The key was read from it by whoever read the configuration.
    pub key_file: Option<String>,
}

/// A model.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ModelSettings {
    pub provider: String,
    /// The provider's name for it; the model's own where nothing is said.
    #[serde(deserialize_with = "text")]
    pub id: Option<String>,
    pub context: Option<u64>,
    pub max_output: Option<u32>,
    #[serde(deserialize_with = "number")]
    pub temperature: Option<f64>,
    pub price: Option<PriceSettings>,
    pub requests_per_minute: Option<u64>,
    pub input_tokens_per_minute: Option<u64>,
    pub output_tokens_per_minute: Option<u64>,
    pub streams: Option<u32>,
}

/// The models of a route, the first choice first.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RouteSettings {
    pub models: Vec<ChoiceSettings>,
}

/// `"name"`, or `{ model = "name", when = { … } }`.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct ChoiceSettings {
    pub model: String,
    pub when: Option<Rule>,
}

impl<'de> Deserialize<'de> for ChoiceSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Full {
            model: String,
            when: Option<RuleSettings>,
        }
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(model) => Ok(Self { model, when: None }),
            value @ toml::Value::Table(_) => {
                let full: Full = value.try_into().map_err(|e: toml::de::Error| D::Error::custom(e.message()))?;
                Ok(Self { model: full.model, when: full.when.map(Rule::from) })
            }
            _ => Err(D::Error::custom("use the name of a model, or { model = \"NAME\", when = { … } }")),
        }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct RuleSettings {
    min_input_tokens: Option<u64>,
    max_input_tokens: Option<u64>,
    min_complexity: Option<Complexity>,
    max_complexity: Option<Complexity>,
    #[serde(deserialize_with = "dollars")]
    budget_left_below: Option<MicroUsd>,
}

impl From<RuleSettings> for Rule {
    fn from(s: RuleSettings) -> Self {
        Self {
            min_input_tokens: s.min_input_tokens,
            max_input_tokens: s.max_input_tokens,
            min_complexity: s.min_complexity,
            max_complexity: s.max_complexity,
            budget_left_below: s.budget_left_below,
        }
    }
}

/// `"free"`, a table of dollars per million tokens, or the same as text: `input=3.00, output=15.00`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceSettings(pub Price);

impl<'de> Deserialize<'de> for PriceSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = || {
            D::Error::custom(
                "use \"free\", or dollars per million tokens: { input = \"3.00\", output = \"15.00\" }; also known are \
                 cache_read, cache_write and cache_write_1h",
            )
        };
        let pairs: BTreeMap<String, String> = match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) if text == "free" => return Ok(Self(Price::FREE)),
            toml::Value::String(text) => {
                let pairs = text.split(',').map(|pair| pair.split_once('='));
                let pairs = pairs.map(|pair| pair.map(|(k, v)| (k.trim().to_owned(), v.trim().to_owned())));
                pairs.collect::<Option<_>>().ok_or_else(wrong)?
            }
            toml::Value::Table(table) => {
                let pairs = table.into_iter().map(|(name, value)| Some((name, value.as_str()?.to_owned())));
                pairs.collect::<Option<_>>().ok_or_else(wrong)?
            }
            _ => return Err(wrong()),
        };
        price::from_dollars(&pairs).map(Self).map_err(|e| D::Error::custom(e.to_string()))
    }
}

/// An empty text is "not set".
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()))
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(text(deserializer)?.map(SecretString::from))
}

/// Dollars as text: a floating point number would not be exact.
fn dollars<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<MicroUsd>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(|e: flotilla_jobs::Invalid| D::Error::custom(e.message))).transpose()
}

/// A number with or without a point.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    match Option::<toml::Value>::deserialize(deserializer)? {
        None => Ok(None),
        Some(toml::Value::Float(number)) => Ok(Some(number)),
        Some(toml::Value::Integer(number)) => Ok(Some(number as f64)),
        Some(_) => Err(D::Error::custom("expected a number")),
    }
}
