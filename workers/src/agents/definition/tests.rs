//! Agent files: those that come with the program are whole, and what is wrong with others is said where it is.

use super::*;
use crate::agents::tool::Role;

const GOOD: &str = r#"name = "a"
route = "main"
on_change = "restart"

[limits]
steps = 7
usd = "0.25"

[parts.ask]
system = "You are {{ who }}."
prompt = """
Say {{ what }}
twice."""
max_output = 100
tools = ["read_file"]
answer = { name = "said", schema = '{"type": "object"}' }
[parts.ask.example]
who = "it"
what = "yes"
"#;

#[test]
fn a_file_becomes_an_agent() {
    let agent = Definition::parse("dir/a.toml", GOOD).unwrap();
    assert_eq!((agent.name.as_str(), agent.on_change), ("a", OnChange::Restart));
    assert_eq!(agent.limits, Limits { steps: 7, cost: Some(MicroUsd(250_000)), ..Limits::default() });
    let said = agent.parts["ask"].render(&serde_json::json!({"who": "x", "what": "y"})).unwrap();
    assert_eq!(said, ("You are x.".to_owned(), "Say y\ntwice.".to_owned()));
    assert_eq!(agent.tools().collect::<Vec<_>>(), ["read_file"]);

    let back: Definition = serde_json::from_str(&serde_json::to_string(&agent).unwrap()).unwrap();
    assert_eq!(back, agent, "a definition on record is the one that went there");
    let other = Definition::parse("a.toml", &GOOD.replace("twice", "once")).unwrap();
    assert_ne!(agent.hash(), other.hash());
}

#[test]
fn roles_are_the_files_to_grant() {
    let usual = Definition::parse("a.toml", GOOD).unwrap();
    assert_eq!(usual.roles, Roles::default());
    let written = serde_json::to_value(&usual).unwrap();
    assert!(written.get("roles").is_none(), "an agent without roles is on record as it was before there were any");

    let text = GOOD.replace("[limits]", "roles = [\"filesystem:read\", \"process:run\"]\n[limits]");
    let more = Definition::parse("a.toml", &text).unwrap();
    assert!(more.roles.has(Role::ProcessRun) && !more.roles.has(Role::FilesystemWrite));
    assert_ne!(more.hash(), usual.hash());
    let back: Definition = serde_json::from_str(&serde_json::to_string(&more).unwrap()).unwrap();
    assert_eq!(back, more);
    let none = Definition::parse("a.toml", &GOOD.replace("[limits]", "roles = []\n[limits]")).unwrap();
    assert!(!none.roles.has(Role::FilesystemRead));
}

#[test]
fn answers_are_kept_where_the_file_says_so() {
    let usual = Definition::parse("a.toml", GOOD).unwrap();
    assert_eq!(usual.cache, None);
    assert!(serde_json::to_value(&usual).unwrap().get("cache").is_none(), "no other agent counts as changed");
    let text = GOOD.replace("[limits]", "cache = { hours = 24 }\n[limits]");
    let agent = Definition::parse("a.toml", &text).unwrap();
    assert_eq!(agent.cache, Some(CacheFor { hours: 24 }));
    let back: Definition = serde_json::from_str(&serde_json::to_string(&agent).unwrap()).unwrap();
    assert_eq!(back, agent);
}

#[test]
fn what_is_wrong_is_said_where_it_is() {
    for (from, to, expected) in [
        ("\"a\"", "\"b\"", "a.toml:1: name must be the file's own, `a`"),
        ("\"main\"", "\"\"", "a.toml:2: route is empty"),
        ("steps = 7", "steps = 0", "a.toml:6: steps must be above 0"),
        ("steps = 7", "stepz = 7", "a.toml:6: unknown field `stepz`"),
        ("0.25", "0,25", "a.toml:7: limits.usd"),
        ("{{ who }}", "{{ who", "a.toml:10: system:"),
        ("{{ what }}", "{{ whom }}", "a.toml:12: prompt: uses a value that was not given"),
        ("twice.", "{% include 'x' %}", "a.toml:13: prompt:"),
        ("100", "0", "a.toml:14: max_output must be above 0"),
        ("{\"type\": \"object\"}", "{\"type\": ", "a.toml:16: answer.schema is not JSON"),
        ("{\"type\": \"object\"}", "{\"type\": 5}", "a.toml:16: answer.schema is not a JSON schema"),
        ("\"said\"", "\"sa id\"", "a.toml:16: answer.name must be"),
        ("on_change", "roles = [\"network:write\"]\non_change", "a.toml:3: unknown variant `network:write`"),
        ("\"restart\"", "\"never\"", "a.toml:3: unknown variant `never`"),
        ("on_change", "cache = { hours = 0 }\non_change", "a.toml:3: cache.hours 0 is not 1 to 720"),
        ("on_change", "cache = { days = 1 }\non_change", "a.toml:3: unknown field `days`"),
    ] {
        let error = Definition::parse("a.toml", &GOOD.replace(from, to)).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{to}: {error}");
    }
}

#[test]
fn every_embedded_agent_renders() {
    for (name, text) in EMBEDDED {
        let agent = Definition::parse(name, text).unwrap_or_else(|error| panic!("{error}"));
        let raw: toml::Table = toml::from_str(text).unwrap();
        for part in agent.parts.keys() {
            // Its example is rendered when it is read.
            assert!(raw["parts"][part].get("example").is_some(), "{name}: give part {part} an example");
        }
    }
    Definitions::load(None).unwrap();
}

#[test]
fn a_directory_goes_before_what_is_embedded() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.toml"), GOOD).unwrap();
    fs::write(dir.path().join("notes.txt"), "not an agent").unwrap();
    let all = Definitions::load(Some(dir.path())).unwrap();
    assert_eq!(all.get("a").unwrap().route, "main");

    fs::write(dir.path().join("b.toml"), GOOD).unwrap();
    let error = Definitions::load(Some(dir.path())).unwrap_err().to_string();
    assert!(error.contains("b.toml:1: name must be"), "{error}");
    let error = Definitions::load(Some(&dir.path().join("none"))).unwrap_err().to_string();
    assert!(error.contains("cannot be read"), "{error}");
}

#[test]
fn a_call_that_waits_for_a_person_is_one_that_the_agent_has() {
    let file = |approval: &str| {
        format!(
            "name = \"a\"\nroute = \"r\"\napproval = {approval}\n[parts.p]\nprompt = \"x\"\nmax_output = 9\ntools = [\"run\"]\n"
        )
    };
    let agent = Definition::parse("a.toml", &file("[\"run\"]")).unwrap();
    assert!(agent.approval.contains("run"));
    let error = Definition::parse("a.toml", &file("[\"ran\"]")).unwrap_err();
    assert_eq!(error.to_string(), "a.toml:3: approval: no part of the agent has a tool `ran`");
}

#[test]
fn the_configuration_may_give_other_roles() {
    let text = "name = \"a\"\nroute = \"r\"\n[parts.p]\nprompt = \"x\"\nmax_output = 9\n";
    let all: Definitions = [Definition::parse("a.toml", text).unwrap()].into_iter().collect();
    let roles = Roles::from_iter([Role::ProcessRun]);
    let given = all.clone().with_roles([("a".to_owned(), roles.clone())]).unwrap();
    assert_eq!(given.get("a").unwrap().roles, roles);
    assert_ne!(given.get("a").unwrap().hash(), all.get("a").unwrap().hash(), "it is another agent then");
    let unknown = all.with_roles([("b".to_owned(), roles)]).unwrap_err();
    assert_eq!(unknown, "there is no agent `b`; known are: a");
}
