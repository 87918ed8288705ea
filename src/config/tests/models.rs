//! Providers, models and routes: where they come from, and that their secrets are never shown.

use super::{super::keys::DEFAULTS, World, people, to_json};
use secrecy::ExposeSecret;
use std::time::Duration;

const FILE: &str = "
[providers.local]
wire = \"openai-chat\"
base_url = \"http://127.0.0.1:11434/v1?tenant=hunter2\"
headers = { x-key = \"hunter2\" }

[models.small]
provider = \"local\"
context = 8192
price = \"free\"

[routes.review]
models = [{ model = \"small\", when = { max_input_tokens = 4000 } }, \"small\"]
";

#[test]
fn they_come_from_every_source() {
    let world = World::new()
        .file(FILE)
        .var("FLOTILLA_PROVIDERS__LOCAL__IDLE_MS", "7000")
        .var("FLOTILLA_PROVIDERS__LOCAL__HEADERS", "x-a=1, x-b=2")
        .var("FLOTILLA_MODELS__SMALL__TEMPERATURE", "0.5")
        .var("FLOTILLA_MODELS__SMALL__PRICE", "input=0.10, output=0.40")
        .var("FLOTILLA_MODELS__LARGE__PROVIDER", "local")
        .flag("--set", "models.large.id", "gpt-5")
        .flag("--set", "routes.both.models", "large,small");
    let catalog = world.load().catalog;
    let (local, small) = catalog.model("small").unwrap();
    assert_eq!((local.timeouts.idle, local.headers.len()), (Duration::from_secs(7), 2));
    assert_eq!((small.temperature, small.price.as_ref().unwrap().rates.output), (Some(0.5), 400_000));
    assert_eq!(catalog.model("large").unwrap().1.context, 272_000);
    assert_eq!(catalog.route("both").unwrap().models.len(), 2);
    assert_eq!(catalog.route("review").unwrap().models.len(), 2);
}

#[test]
fn vendors_are_there_once_their_key_is() {
    let names = |world: &World| {
        let catalog = world.load().catalog;
        catalog.providers().map(|provider| provider.name.clone()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&World::new()), "");
    let both = World::new().var("OPENAI_API_KEY", "sk-hunter2\n").var("ANTHROPIC_API_KEY", "sk-ant");
    assert_eq!(names(&both), "anthropic openai");

    let key = |world: &World| {
        let catalog = world.load().catalog;
        let openai = catalog.providers().find(|provider| provider.name == "openai").unwrap().clone();
        openai.key.as_ref().unwrap().expose_secret().to_owned()
    };
    assert_eq!(key(&both), "sk-hunter2");
    // What is said to flotilla goes before what is said to every tool.
    let world = World::new().file("[providers.openai]\nkey = \"of-the-file\"\n").var("OPENAI_API_KEY", "ambient");
    assert_eq!(key(&world), "of-the-file");
    let world = world.var("FLOTILLA_PROVIDERS__OPENAI__KEY", "of-the-variable");
    assert_eq!(key(&world), "of-the-variable");
    let world = World::new().var("OPENAI_API_KEY", "ambient");
    let file = world.write("key", "of-its-own-file\n");
    let world = world.var("FLOTILLA_PROVIDERS__OPENAI__KEY_FILE", file.to_str().unwrap());
    assert_eq!(key(&world), "of-its-own-file");
}

#[test]
fn their_secrets_are_never_shown() {
    let world = World::new()
        .file(FILE)
        .var("OPENAI_API_KEY", "hunter2-of-openai")
        .var("FLOTILLA_PROVIDERS__LOCAL__KEY", "hunter2-of-local");
    let loaded = world.load();
    let shown = people(&loaded).join("\n")
        + &to_json(&loaded).to_string()
        + &format!("{:?}{:?}", loaded.config.models, loaded.catalog);
    assert!(
        !people(&loaded).join("\n").contains("hunter2") && !to_json(&loaded).to_string().contains("hunter2"),
        "{shown}"
    );
    assert!(!format!("{:?}", loaded.catalog).contains("hunter2-of"), "{:?}", loaded.catalog);
    for line in [
        "providers.openai.key = \"***\"",
        "providers.local.headers = { x-key = \"***\" }",
        "providers.local.base_url = \"http://127.0.0.1:11434/v1?***\"",
    ] {
        assert!(people(&loaded).iter().any(|shown| shown.starts_with(line)), "{line}: {shown}");
    }
}

#[test]
fn what_does_not_hold_up_is_named_with_its_place() {
    for (text, message) in [
        (
            "[providers.x]\nwyre = \"anthropic\"\n",
            "flotilla.toml:2: providers.x.wyre: unknown setting; did you mean `providers.NAME.wire`?",
        ),
        (
            "[providers.x]\nwire = \"openai\"\n",
            "flotilla.toml:2: providers.x.wire: unknown variant `openai`, expected one of `openai-chat`, `openai-responses`, `anthropic`",
        ),
        (
            "[providers.x]\nwire = \"anthropic\"\n",
            "flotilla.toml:2: providers.x.base_url: is not set; use for example \"http://127.0.0.1:11434/v1\"",
        ),
        (
            "[providers.x]\nidle_ms = \"5\"\n",
            "flotilla.toml:2: providers.x.idle_ms: expected an integer, found a string",
        ),
        (
            "[models.m]\nprovider = \"x\"\n",
            "flotilla.toml:2: models.m.provider: there is no `x`; no provider is configured: add [providers.x]",
        ),
        (
            "[models.\"gpt-4.1\"]\nprovider = \"x\"\n",
            "flotilla.toml:1: models.gpt-4.1: a name cannot hold a dot; write `gpt-4-1`",
        ),
        (
            "[routes.r]\nmodels = [\"m\"]\n",
            "flotilla.toml:2: routes.r.models: there is no `m`; no model is configured: add [models.m]",
        ),
    ] {
        assert_eq!(World::new().file(text).error(), message);
    }
    let wrong_price = World::new().file(&FILE.replace("\"free\"", "{ input = 3.0 }")).error();
    assert!(wrong_price.starts_with("flotilla.toml:10: models.small.price: use \"free\", or dollars"), "{wrong_price}");
    let wrong_rule = World::new().file(&FILE.replace("max_input_tokens", "max_tokens")).error();
    assert!(wrong_rule.contains("routes.review.models") && wrong_rule.contains("max_tokens"), "{wrong_rule}");
}

#[test]
fn what_the_defaults_file_shows_of_them_can_be_used() {
    let example: Vec<String> = DEFAULTS
        .split_once("# Who serves models.")
        .unwrap()
        .1
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| line.starts_with(['[', ']', ' ']) || line.split_once(" = ").is_some_and(|(key, _)| is_key(key)))
        .map(|line| format!("{}\n", line.replace("NAME", "large")))
        .collect();
    // The example names models and a provider that it does not define.
    let missing = "[providers.openai]\nkey = \"k\"\n[models.cheap]\nprovider = \"openai\"\ncontext = 1000\n[models.small]\n\
                   provider = \"openai\"\ncontext = 1000\n[models.backup]\nprovider = \"openai\"\ncontext = 1000\n";
    // Nor is there what an MCP server may see.
    let world = World::new().var("ISSUES_TOKEN", "t").file(&(missing.to_owned() + &example.concat()));
    let catalog = world.load().catalog;
    assert_eq!(catalog.route("large").unwrap().models.len(), 4);
    assert_eq!(catalog.providers().count(), 2);
}

fn is_key(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}
