//! What a configuration comes to, and what is said of one that does not hold up.

use super::*;
use crate::agents::model::{Complexity, Facts};
use flotilla_jobs::MicroUsd;
use secrecy::ExposeSecret;
use serde::Deserialize;

fn settings(text: &str) -> Settings {
    #[derive(Deserialize)]
    #[serde(default, deny_unknown_fields)]
    #[derive(Default)]
    struct File {
        providers: BTreeMap<String, ProviderSettings>,
        models: BTreeMap<String, ModelSettings>,
        routes: BTreeMap<String, RouteSettings>,
    }
    let File { providers, models, routes } = toml::from_str(text).unwrap();
    Settings { providers, models, routes }
}

const LOCAL: &str = "[providers.local]\nwire = 'openai-chat'\nbase_url = 'http://127.0.0.1:11434/v1/'\n";

#[test]
fn all_of_it_is_understood() {
    let catalog = Catalog::new(settings(&format!(
        "{LOCAL}
        [providers.openai]
        key = 'sk-0123456789'
        headers = {{ x-team = 'reviews' }}
        idle_ms = 5000
        breaker_failures = 9
        [providers.anthropic]
        key = 'sk-ant-0123456789'
        key_name = 'production'
        [models.large]
        provider = 'openai'
        id = 'gpt-5'
        requests_per_minute = 60
        streams = 4
        [models.small]
        provider = 'local'
        context = 8192
        price = 'free'
        temperature = 0
        [models.claude-sonnet-4-5]
        provider = 'anthropic'
        price = {{ input = '2.00', output = '10.00' }}
        max_output = 4096
        [routes.review]
        models = [
            {{ model = 'small', when = {{ max_input_tokens = 4000, max_complexity = 'low' }} }},
            {{ model = 'small', when = {{ budget_left_below = '0.10' }} }},
            'large',
            'claude-sonnet-4-5',
        ]"
    )))
    .unwrap();

    let (openai, large) = catalog.model("large").unwrap();
    assert_eq!((openai.wire, openai.base_url.as_str()), (Wire::OpenaiResponses, "https://api.openai.com/v1"));
    assert_eq!(openai.key.as_ref().unwrap().expose_secret(), "sk-0123456789");
    assert_eq!((openai.timeouts.idle, openai.timeouts.connect), (Duration::from_secs(5), Duration::from_secs(10)));
    assert_eq!(openai.breaker, BreakerLimits { failures: 9, rest: Duration::from_secs(30) });
    assert!(openai.headers["x-team"].is_sensitive());
    assert_eq!((large.context, large.max_output), (272_000, 128_000));
    assert_eq!(large.price, price::known("gpt-5").map(|known| known.price));
    assert_eq!((large.limits.requests_per_minute, large.limits.streams), (Some(60), Some(4)));
    let lane = openai.lane(large);
    assert_eq!((lane.provider.as_str(), lane.model.as_str()), ("openai", "gpt-5"));
    assert_eq!(lane.key.len(), 8, "{lane}");
    assert!(!format!("{catalog:?}").contains("0123456789"));

    let (_, small) = catalog.model("small").unwrap();
    assert_eq!((small.price.clone(), small.max_output, small.temperature), (Some(Price::FREE), 8_192, Some(0.0)));
    let (anthropic, sonnet) = catalog.model("claude-sonnet-4-5").unwrap();
    assert_eq!((anthropic.wire, anthropic.key_name.as_str()), (Wire::Anthropic, "production"));
    assert_eq!((sonnet.context, sonnet.max_output), (200_000, 4_096));
    assert_eq!(sonnet.price.as_ref().unwrap().rates.input, 2_000_000);

    let route = catalog.route("review").unwrap();
    let facts = Facts { input_tokens: 4_000, complexity: Complexity::Low, budget_left: None };
    assert_eq!(route.order(&facts), ["small", "large", "claude-sonnet-4-5"]);
    let facts = Facts { budget_left: Some(MicroUsd(100_000)), ..Facts::default() };
    assert_eq!(route.order(&facts), ["large", "claude-sonnet-4-5"]);
}

#[test]
fn a_model_is_a_route_too() {
    let one = format!("{LOCAL}[models.a]\nprovider = 'local'\ncontext = 1000\n");
    let order = |text: &str, name: &str| {
        let route = Catalog::new(settings(text)).unwrap().route(name);
        route.map(|route| route.order(&Facts::default()).join(" "))
    };
    assert_eq!(order(&one, "a").as_deref(), Some("a"));
    assert_eq!(order(&one, "default").as_deref(), Some("a"), "there is no other");
    assert_eq!(order(&one, "b"), None);
    let two = format!("{one}[models.b]\nprovider = 'local'\ncontext = 1000\n");
    assert_eq!(order(&two, "default"), None, "which one, nobody knows");
    assert_eq!(order(&format!("{two}[routes.default]\nmodels = ['b', 'a']"), "default").as_deref(), Some("b a"));
}

#[test]
fn what_does_not_hold_up_is_named() {
    let with = |text: &str| format!("{LOCAL}{text}");
    let model = "[models.m]\nprovider = 'local'\ncontext = 1000\n";
    for (text, message) in [
        ("[providers.x]\n".to_owned(), "providers.x.wire: is not set; use for example \"openai-chat\""),
        (
            "[providers.x]\nwire = 'anthropic'".to_owned(),
            "providers.x.base_url: is not set; use for example \"http://127.0.0.1:11434/v1\"",
        ),
        (
            "[providers.openai]\nbase_url = 'ftp://x'".to_owned(),
            "providers.openai.base_url: is not an address of HTTP; use for example https://host/v1",
        ),
        (
            "[providers.openai]\nbase_url = 'https://me:hunter2@x'".to_owned(),
            "providers.openai.base_url: holds a user or a password; use key, key_file or headers",
        ),
        (
            "[providers.openai]\nkey = 'two words'".to_owned(),
            "providers.openai.key: holds a character that a header cannot carry; use printable ASCII without blanks",
        ),
        ("[providers.openai]\nconnect_ms = 1".to_owned(), "providers.openai.connect_ms: is 1; use 100 to 86400000"),
        (
            "[providers.openai]\nheaders = { host = 'x' }".to_owned(),
            "providers.openai.headers: `host` is set by the client",
        ),
        (
            "[providers.openai]\nheaders = { 'a b' = 'x' }".to_owned(),
            "providers.openai.headers: `a b` is no name of a header",
        ),
        (
            "[models.m]\nprovider = 'x'".to_owned(),
            "models.m.provider: there is no `x`; no provider is configured: add [providers.x]",
        ),
        (with("[models.m]\nprovider = 'x'"), "models.m.provider: there is no `x`; use one of local"),
        (with("[models.m]\n"), "models.m.provider: is not set; use one of local"),
        (
            with("[models.m]\nprovider = 'local'"),
            "models.m.context: is not set, and `m` is in no table: say how many tokens it takes in",
        ),
        (with("[models.m]\nprovider = 'local'\ncontext = 1"), "models.m.context: is 1; use 256 to 1000000000"),
        (with(&format!("{model}temperature = 3")), "models.m.temperature: is 3; use 0 to 2"),
        (
            with(&format!("{model}streams = 0")),
            "models.m.streams: is 0, which lets nothing through; leave it out for no limit",
        ),
        (with("[models.'m.1']\nprovider = 'local'"), "models.m.1.name: `m.1` holds a dot; write `m-1`"),
        (
            with("[routes.r]\nmodels = ['x']"),
            "routes.r.models: there is no `x`; no model is configured: add [models.x]",
        ),
        (
            with(&format!("{model}[routes.r]\nmodels = []")),
            "routes.r.models: needs a model without a rule, for calls that no rule is for; add it at the end",
        ),
        (
            with(&format!("{model}[routes.r]\nmodels = [{{ model = 'm', when = {{ max_input_tokens = 1 }} }}]")),
            "routes.r.models: needs a model without a rule, for calls that no rule is for; add it at the end",
        ),
    ] {
        assert_eq!(Catalog::new(settings(&text)).unwrap_err().to_string(), message);
    }
}
