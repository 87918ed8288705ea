//! Servers that are programs: one that misbehaves costs its call, and nothing of it stays.

use crate::world::{World, ask, count, effect, offered, refusal, until};
use flotilla_workers::agents::tools::mcp::{Mcp, Offered, Reach};
use serde_json::json;
use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};
use tokio::time::timeout;

#[tokio::test]
async fn what_is_offered_is_named_bounded_and_seen() {
    let world = World::program();
    let mcp = world.mcp();
    let found = offered(&mcp).await;
    assert_eq!(found.iter().map(Offered::name).collect::<Vec<_>>(), ["mcp__t__do"], "once, allowed, not too large");
    let spec = mcp.toolbox(found.clone()).get("mcp__t__do").unwrap().spec();
    assert!(spec.description.starts_with("Does it.\\u{202e}\\u{200b}xx"), "{}", spec.description);
    assert!(spec.description.len() < 2_300);
    assert_eq!(spec.parameters["properties"], json!({"wh\\u{200b}at": {"description": "a\\u{202e}b"}}));
    world.until_gone().await;
    offered(&mcp).await;
    assert_eq!(world.marks("listed"), "x", "it is known for a while");
    let look = mcp.look().await.remove(0).1.unwrap();
    assert_eq!(look, "offers do, and not huge, more");
}

#[tokio::test]
async fn one_that_is_not_there_offers_nothing_and_says_why() {
    let world = World::program();
    let mut server = world.server.clone();
    let Reach::Program { command, .. } = &mut server.reach else { unreachable!() };
    *command = vec!["/nowhere".to_owned()];
    let none = Mcp::new([("t".to_owned(), server.clone())].into());
    assert!(offered(&none).await.is_empty());
    let why = none.look().await.remove(0).1.unwrap_err();
    assert!(why.contains("`/nowhere` cannot be started: No such file"), "{why}");
    let Reach::Program { command, .. } = &mut server.reach else { unreachable!() };
    *command = vec!["/bin/cat".to_owned()];
    // It says our own words back.
    let echo = Mcp::new([("t".to_owned(), server)].into());
    let why = timeout(Duration::from_mins(1), echo.look()).await.unwrap().remove(0).1.unwrap_err();
    assert!(why.contains("did not answer") || why.contains("protocol"), "{why}");
}

#[tokio::test]
async fn it_answers_with_nothing_of_our_environment() {
    let world = World::program();
    let tool = world.tool().await;
    let said = ask(&tool, "a").await.unwrap();
    assert_eq!(said, "done\u{1b}[31m a\n[what is no text is left out]\n", "the journal spells it out");
    assert_eq!(world.processes(), 1, "one for all calls of the run");
    let environment: serde_json::Value =
        serde_json::from_str(ask(&tool, "environment").await.unwrap().lines().next().unwrap()).unwrap();
    let names: BTreeSet<_> = environment.as_object().unwrap().keys().map(String::as_str).collect();
    assert!(names.is_subset(&["GIVEN", "PATH", "LC_CTYPE"].into()) && environment["GIVEN"] == "yes", "{environment}");
    assert_eq!(refusal(&tool, "fail").await, "no such thing\n");
    let refused = refusal(&tool, "refuse").await;
    assert!(refused.contains("`t`") && refused.contains("-32602: not\\u{202e} that"), "{refused}");
    assert!(ask(&tool, "large").await.unwrap().len() > 300_000);
    assert!(ask(&tool, "garbage").await.unwrap().contains("done"), "what is no JSON-RPC is passed over");
    let asked = ask(&tool, "ask").await.unwrap();
    assert!(asked.starts_with("[-32601, ") && !asked.contains("accept"), "nothing is given: {asked}");
    assert_eq!(world.processes(), 1);
    drop(tool);
    world.until_gone().await;
}

#[tokio::test]
async fn one_that_dies_is_started_again_and_a_call_is_made_once() {
    let world = World::program();
    let tool = world.tool().await;
    assert!(refusal(&tool, "die").await.contains("it ended"));
    assert!(ask(&tool, "b").await.unwrap().contains("b\n"));
    assert_eq!(world.marks("calls"), "die\nb\n");
    let said = tool.reconcile(&serde_json::Map::new(), "key").await.unwrap().unwrap();
    assert!(String::from_utf8(said).unwrap().contains("not known"));
    for _ in 0..7 {
        refusal(&tool, "die").await;
    }
    let why = refusal(&tool, "b").await;
    assert!(why.contains("was started 8 times"), "{why}");
}

#[tokio::test]
async fn one_that_says_too_much_is_ended() {
    let world = World::program();
    let tool = world.tool().await;
    for what in ["flood", "notify", "huge"] {
        refusal(&tool, what).await;
        world.until_gone().await;
    }
    assert!(ask(&tool, "after").await.unwrap().contains("after"));
}

#[tokio::test]
async fn one_that_hangs_is_ended_with_all_it_started() {
    let mut world = World::program();
    // As long as it may take to start on a machine that is busy, and no longer than a test may.
    world.server.timeout = Duration::from_secs(10);
    let tool = world.tool().await;
    let why = refusal(&tool, "hang").await;
    assert!(why.contains("did not answer within 10 s"), "{why}");
    world.until_gone().await;
    // A call that is dropped takes its server along.
    tokio::select! {
        said = ask(&tool, "hang") => panic!("{said:?}"),
        () = until("it hangs", || world.marks("lingers").len() == 2 && world.processes() >= 3) => {}
    }
    world.until_gone().await;
}

#[tokio::test]
async fn no_process_outlives_its_run() {
    let world = World::program();
    let tool = world.tool().await;
    ask(&tool, "linger").await.unwrap();
    assert_eq!(world.processes(), 3, "itself, one in another session, and one below that");
    // The one in between goes, so that the last one has no parent of its family any more.
    drop(tool);
    world.until_gone().await;
}

#[tokio::test]
async fn no_process_outlives_its_worker() {
    if let Ok(word) = std::env::var("MCP_TEST_WORKER") {
        // The worker that will be killed.
        let mut world = World::program();
        let Reach::Program { command, .. } = &mut world.server.reach else { unreachable!() };
        command.push(word);
        let tool = world.tool().await;
        ask(&tool, "linger").await.unwrap();
        ask(&tool, "hang").await.unwrap_err();
        return;
    }
    let word = format!("mcp-test-{}", std::process::id());
    let mut worker = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "program::no_process_outlives_its_worker"])
        .env("MCP_TEST_WORKER", &word)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("it starts others", || count(&word) >= 5).await;
    worker.kill().unwrap();
    worker.wait().unwrap();
    until("those whose worker was killed are gone", || count(&word) == 0).await;
}

#[tokio::test]
async fn a_list_that_changes_changes_no_run() {
    let world = World::program();
    let mcp = world.mcp();
    let began = offered(&mcp).await;
    let toolbox = mcp.toolbox(began.clone());
    let tool = effect(&toolbox);
    ask(&tool, "changed").await.unwrap();
    let why = refusal(&tool, "b").await;
    assert!(why.contains("takes other arguments") && why.contains("was not made"), "{why}");
    assert!(toolbox.get("mcp__t__do").unwrap().spec().description.starts_with("Does it."));
    assert!(toolbox.get("mcp__t__more").is_none());
    assert_eq!(world.marks("calls"), "changed\n", "the call was not made");
    let now = offered(&mcp).await;
    assert_eq!(
        now.iter().map(Offered::name).collect::<Vec<_>>(),
        ["mcp__t__do", "mcp__t__more"],
        "of what there is now"
    );
    // The same where it changed before a run goes on elsewhere.
    let why = refusal(&effect(&world.mcp().toolbox(began.clone())), "b").await;
    assert!(why.contains("takes other arguments"), "{why}");
    fs::write(world.dir.path().join("gone"), "").unwrap();
    let why = refusal(&effect(&world.mcp().toolbox(began.clone())), "b").await;
    assert!(why.contains("does not have this tool any more"), "{why}");
    // What is not configured any more is not there, whatever is on record.
    let mut server = world.server.clone();
    server.tools = ["more".to_owned()].into();
    assert!(Mcp::new([("t".to_owned(), server)].into()).toolbox(began.clone()).is_empty());
    assert!(Mcp::default().toolbox(began).is_empty());
}

#[test]
fn the_same_for_a_user_without_rights() {
    if !rustix::process::geteuid().is_root() || !Path::new("/usr/bin/setpriv").exists() {
        println!("the tests beside this one ran without rights themselves, or there is no setpriv");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let tests =
        ["no_process_outlives_its_run", "no_process_outlives_its_worker", "it_answers_with_nothing_of_our_environment"];
    let output = Command::new("/usr/bin/setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"])
        .arg(std::env::current_exe().unwrap())
        .arg("--exact")
        .args(tests.map(|test| format!("program::{test}")))
        .env("TMPDIR", dir.path())
        .env("HOME", dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("3 passed"), "{said}");
}
