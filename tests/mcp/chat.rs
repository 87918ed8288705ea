//! A chat whose model calls a server's tool, in the real binary.

use crate::{
    support::Home,
    world::{command, count, until},
};
use flotilla_dev_model::{Options, Script, Server};
use serde_json::json;
use std::{fs, path::PathBuf};

const AGENT: &str = include_str!("../../workers/src/agents/files/chat.toml");

/// A home whose agent `chat` has the server's tool, and whose model calls it with this.
async fn home(what: &str) -> (Home, Server, PathBuf) {
    let rules = json!({ "rules": [
        { "when": { "tool_results": 0 }, "then": { "tools": [{ "name": "mcp__t__do", "arguments": { "what": what } }] } },
        { "then": { "text": "It is done." } },
    ] });
    let script: Script = serde_json::from_value(rules).unwrap();
    let provider = Server::start(Options { script, ..Options::default() }).await.unwrap();
    let home = Home::new();
    let marks = home.path().join("marks");
    fs::create_dir(&marks).unwrap();
    home.write(
        "agents/chat.toml",
        &AGENT.replace(r#"tools = ["read_file","#, r#"tools = ["mcp__t__do", "read_file","#),
    );
    home.write(
        "flotilla.toml",
        &format!(
            "[agents]\ndir = \"{}\"\n[providers.dev]\nwire = \"anthropic\"\nbase_url = \"{}\"\nkey = \"any\"\n\
             [models.scripted]\nprovider = \"dev\"\ncontext = 100000\nmax_output = 4000\n[routes.chat]\nmodels = [\"scripted\"]\n\
             [http]\nlinger_ms = 0\nlisten = \"127.0.0.1:0\"\n[worker.http]\nlisten = \"127.0.0.1:0\"\n\
             [mcp.t]\ncommand = {:?}\ntools = [\"do\"]\n[roles]\nchat = [\"mcp:call\"]\n",
            home.path().join("agents").display(),
            provider.url(),
            command("program", &marks),
        ),
    );
    (home, provider, marks)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_calls_a_servers_tool_and_is_told_what_it_says() {
    let (home, provider, marks) = home("a thing").await;
    let ran = home.run(&["chat", "do it"]).exits(0);
    assert_eq!(ran.stdout, "It is done.\n", "{}", ran.stderr);
    let calls = provider.calls();
    assert_eq!(calls.len(), 2);
    let (first, second) = (calls[0].body.to_string(), calls[1].body.to_string());
    assert!(first.contains("mcp__t__do") && first.contains("Does it.") && !first.contains('\u{202e}'), "{first}");
    assert!(second.contains("a thing") && !second.contains('\u{1b}') && !second.contains("\\u001b["), "{second}");
    assert_eq!(fs::read_to_string(marks.join("calls")).unwrap(), "a thing\n");
    until("nothing of it is left", || count(&marks.display().to_string()) == 0).await;

    let report = home.run(&["doctor", "--json"]).json();
    let found =
        report["checks"].as_array().unwrap().iter().find(|one| one["found"].as_str().unwrap().starts_with("mcp__t "));
    assert_eq!(found.unwrap()["found"], "mcp__t is ready: offers do", "{report}");
    // One that is not there is no reason to fail.
    let report = home.run(&["doctor", "--json", "--set", "mcp.t.command=/nowhere"]).json();
    assert!(report.to_string().contains("`/nowhere` cannot be started"), "{report}");
    // Without the role there is nothing to call.
    home.run(&["chat", "do it", "--set", "roles.chat=filesystem:read"]).exits(0);
    assert_eq!(fs::read_to_string(marks.join("calls")).unwrap(), "a thing\n");
    // A person may have to be asked, as for any tool.
    let ran = home.run(&["config", "--set", "tools.approval=mcp__t__do"]).exits(0);
    assert!(ran.stdout.contains("mcp__t__do"), "{}", ran.stdout);
    home.run(&["config", "--set", "tools.approval=mcp__t__other"]).exits(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_ends_with_a_worker_that_is_killed() {
    let (home, _provider, marks) = home("hang").await;
    let mut worker = home.start(&["run"]);
    let url = worker.url();
    let mut asking = home.command(&["chat", "do it", "--server", &url]);
    let mut asking = asking.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let word = marks.display().to_string();
    until("it hangs", || marks.join("lingers").exists()).await;
    assert!(count(&word) >= 3);
    worker.signal("KILL");
    worker.wait();
    until("nothing of it is left", || count(&word) == 0).await;
    asking.kill().unwrap();
    asking.wait().unwrap();
}
