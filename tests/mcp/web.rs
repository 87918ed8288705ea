//! Servers at an address: the host that the operator wrote, and no other.

use crate::world::{World, ask, offered, refusal};

#[tokio::test]
async fn it_answers_at_once_or_with_events() {
    for path in ["/mcp", "/events", "/same"] {
        let world = World::web(path).await;
        let tool = world.tool().await;
        let said = ask(&tool, "a").await.unwrap();
        assert_eq!(said, "done\u{1b}[31m a\n[what is no text is left out]\n", "{path}");
        assert!(refusal(&tool, "refuse").await.contains("-32602: not\\u{202e} that"), "{path}");
        let paths = world.marks("paths");
        assert!(paths.lines().all(|line| line.ends_with(" Bearer hunter2")), "{paths}");
        assert!(paths.contains(&format!("{path} tools/call ")), "{paths}");
    }
    let world = World::web("/events").await;
    let tool = world.tool().await;
    let asked = ask(&tool, "ask").await.unwrap();
    assert!(asked.starts_with("[-32601, ") && !asked.contains("accept"), "nothing is given: {asked}");
    ask(&tool, "changed").await.unwrap();
    assert!(refusal(&tool, "b").await.contains("takes other arguments"));
}

#[tokio::test]
async fn its_token_goes_to_no_other_host() {
    for (path, why) in [
        ("/away", "redirects to another host"),
        ("/get", "redirects to another host, or to another kind of request"),
        ("/loop", "redirects more than 5 times"),
        ("/down", "answers with status 503"),
    ] {
        let world = World::web(path).await;
        let mcp = world.mcp();
        let said = mcp.look().await.remove(0).1.unwrap_err();
        assert!(said.contains(why), "{path}: {said}");
        assert!(offered(&mcp).await.is_empty());
        let paths = world.marks("paths");
        assert!(paths.lines().all(|line| line.starts_with(path)), "{paths}");
    }
}

#[tokio::test]
async fn one_that_misbehaves_costs_its_call() {
    for path in ["/mcp", "/events"] {
        let world = World::web(path).await;
        let tool = world.tool().await;
        for (what, why) in [
            ("forgotten", "answers with status 404"),
            ("huge", "answers with more than 317440 bytes"),
            ("broken", if path == "/mcp" { "what is no JSON" } else { "broke off" }),
            ("words", "what is no JSON"),
            ("stream", if path == "/mcp" { "more than 317440 bytes" } else { "broke off" }),
        ] {
            let said = refusal(&tool, what).await;
            assert!(said.contains(why), "{path} {what}: {said}");
        }
        assert!(ask(&tool, "after").await.unwrap().contains("after"), "the next call greets it anew");
        assert_eq!(world.marks("calls"), "huge\nafter\n", "and none is made twice");
    }
}
