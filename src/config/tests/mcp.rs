//! Servers of tools: what is taken, what is wrong, and what is shown of them.

use super::World;

#[cfg(all(feature = "mcp", target_os = "linux"))]
#[test]
fn a_server_that_cannot_be_is_named() {
    for (settings, wrong) in [
        ("tools = [\"a\"]\n", "mcp.x.command: is not set, and neither is url"),
        ("tools = [\"a\"]\ncommand = [\"cat\"]\n", "flotilla.toml:3: mcp.x.command: `cat` is not an absolute path"),
        ("tools = [\"a\"]\ncommand = [\"/cat\"]\nurl = \"http://a\"\n", "mcp.x.url: is set beside command"),
        ("tools = []\ncommand = [\"/cat\"]\n", "mcp.x.tools: names 0 tools"),
        ("command = [\"/cat\"]\n", "missing field `tools`"),
        ("tools = [\"a.b\"]\ncommand = [\"/cat\"]\n", "mcp.x.tools: `a.b` is not 1 to 56 letters"),
        ("tools = [\"a\"]\npure = [\"b\"]\ncommand = [\"/cat\"]\n", "mcp.x.pure: `b` is not among mcp.x.tools"),
        ("tools = [\"a\"]\nurl = \"ftp://a\"\n", "mcp.x.url: use https://HOST/PATH"),
        ("tools = [\"a\"]\nurl = \"http://u:p@a\"\n", "mcp.x.url: it holds a name or password"),
        (
            "tools = [\"a\"]\nurl = \"http://a\"\nenvironment = { A = \"b\" }\n",
            "mcp.x.environment: is for servers with",
        ),
        ("tools = [\"a\"]\ncommand = [\"/cat\"]\ntoken = \"b\"\n", "mcp.x.token: is for servers with a url"),
        (
            "tools = [\"a\"]\ncommand = [\"/cat\"]\ninherit = [\"NONE\"]\n",
            "mcp.x.inherit: the variable `NONE` is not set",
        ),
        ("tools = [\"a\"]\ncommand = [\"/cat\"]\nrole = \"all\"\n", "mcp.x.role: unknown variant"),
        ("tools = [\"a\"]\ncommand = [\"/cat\"]\ntimeout_seconds = 0\n", "mcp.x.timeout_seconds: is 0; use 1 to 3600"),
        ("tools = [\"a\"]\ncommand = [\"/cat\"]\nshell = true\n", "unknown setting"),
    ] {
        let error = World::new().file(&format!("[mcp.x]\n{settings}")).error();
        assert!(error.contains(wrong), "{settings}: {error}");
    }
    let error = World::new().file("[mcp.a__b]\ntools = [\"a\"]\ncommand = [\"/cat\"]\n").error();
    assert!(error.contains("`a__b` is no name of a server"), "{error}");
}

#[cfg(all(feature = "mcp", target_os = "linux"))]
#[test]
fn variables_are_let_in_and_not_shown() {
    use super::people;
    use flotilla_workers::agents::tools::mcp::Reach;
    use secrecy::ExposeSecret as _;
    let world = World::new()
        .file(
            "[mcp.x]\ntools = [\"a\"]\ncommand = [\"/cat\"]\nenvironment = { OWN = \"hunter1\" }\ninherit = [\"GIVEN\"]\n\
             [mcp.y]\ntools = [\"a\"]\nurl = \"http://127.0.0.1:1/x?key=hunter3\"\n\
             [tools]\napproval = [\"mcp__x__a\"]\n",
        )
        .var("GIVEN", "hunter2")
        .var("OTHER", "hunter0")
        .var("FLOTILLA_MCP__Y__TOKEN", "hunter4");
    let loaded = world.load();
    assert!(!people(&loaded).join("\n").contains("hunter"), "they may be keys");
    assert!(!format!("{:?}", loaded.kit).contains("hunter1"));
    let config = &loaded.config.mcp;
    let environment = &config["x"].environment;
    let shown: Vec<_> = environment.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
    assert_eq!(shown, [("GIVEN", "hunter2"), ("OWN", "hunter1")]);
    assert_eq!(config["y"].token.as_ref().unwrap().expose_secret(), "hunter4");
    assert!(loaded.kit.approval.contains("mcp__x__a") && !loaded.kit.mcp.is_empty());
    Reach::url("http://localhost/x#y", None).unwrap_err();
}

#[cfg(not(feature = "mcp"))]
#[test]
fn without_the_feature_a_server_is_an_error_that_says_how_to_have_it() {
    let error = World::new().file("[mcp.x]\ntools = [\"a\"]\ncommand = [\"/cat\"]\n").error();
    assert!(error.contains("--features mcp"), "{error}");
}
