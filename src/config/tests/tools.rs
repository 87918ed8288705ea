//! Tools that act: off until they are configured, and named where they are configured wrongly.

use super::{World, people};
use flotilla_workers::agents::tool::{Role, Roles};

const FILE: &str = r#"
[tools]
approval = ["write_file"]
approval_timeout_minutes = 5
[tools.scratch]
dir = "/srv/scratch"
max_mib = 2
[tools.http]
hosts = ["docs.example.org"]
redirects = 0
[tools.run]
read = ["/opt/toolchain"]
cpu_seconds = 7
[tools.programs.test]
command = ["/usr/bin/cargo", "test", "-p", "{package}"]
placeholders = { package = "[a-z]+" }
environment = { CI = "hunter2" }
[roles]
reviewer = ["filesystem:read", "network:read"]
helper = []
"#;

#[test]
fn all_are_off_by_default() {
    let kit = World::new().load().config.kit().unwrap();
    assert!(kit.scratch.is_none() && kit.http.is_none() && kit.approval.is_empty());
    #[cfg(target_os = "linux")]
    assert!(kit.programs.is_none());
}

#[test]
fn they_come_from_every_source() {
    let world = World::new()
        .file(FILE)
        .var("FLOTILLA_TOOLS__HTTP__HOSTS", "docs.example.org, http://a.example:8080")
        .var("FLOTILLA_TOOLS__PROGRAMS__LINT__COMMAND", "/usr/bin/lint,--all")
        .flag("--set", "tools.programs.lint.timeout_seconds", "9");
    let config = world.load().config;
    let kit = config.kit().unwrap();
    assert_eq!((kit.approval.len(), kit.approval_timeout.as_secs()), (1, 300));
    let scratch = kit.scratch.unwrap();
    assert_eq!(
        (scratch.dir.to_str(), scratch.limits.files, scratch.limits.bytes),
        (Some("/srv/scratch"), 50_000, 2 << 20)
    );
    let http = kit.http.unwrap();
    assert_eq!((http.hosts.to_string().split(", ").count(), http.redirects), (2, 0));
    #[cfg(target_os = "linux")]
    {
        let programs = kit.programs.unwrap();
        assert_eq!(programs.sandbox.limits.cpu_seconds, 7);
        assert!(programs.sandbox.read.contains(&"/opt/toolchain".into()));
        assert_eq!(programs.commands.keys().collect::<Vec<_>>(), ["lint", "test"]);
        let (lint, test) = (&programs.commands["lint"], &programs.commands["test"]);
        assert_eq!((lint.program(), lint.timeout.as_secs()), ("/usr/bin/lint", 9));
        assert_eq!((test.timeout.as_secs(), test.environment["CI"].as_str()), (300, "hunter2"));
    }
    assert!(!people(&world.load()).join("\n").contains("hunter2"), "variables may hold keys");
    let roles = super::super::roles(&config.roles).unwrap();
    let reads = Roles::from_iter([Role::FilesystemRead, Role::NetworkRead]);
    assert_eq!(roles, [("helper".to_owned(), Roles::from_iter([])), ("reviewer".to_owned(), reads)]);
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (file, wrong) in [
        ("[tools.scratch]\ndir = \"here\"\n", "flotilla.toml:2: tools.scratch.dir: `here` is not absolute"),
        ("[tools.http]\nhosts = [\"127.0.0.1\"]\n", "flotilla.toml:2: tools.http.hosts: `127.0.0.1` is not a host"),
        ("[tools.http]\nredirects = 100\n", "tools.http.redirects: is 100; use 0 to 20"),
        (
            "[tools]\napproval = [\"write\"]\n",
            "flotilla.toml:2: tools.approval: `write` is no tool; there are read_file",
        ),
        ("[tools]\napproval_timeout_minutes = 0\n", "tools.approval_timeout_minutes: is 0; use 1 to"),
        (
            "[tools.programs.x]\ncommand = [\"x\"]\n",
            "flotilla.toml:2: tools.programs.x.command: `x` is not an absolute path",
        ),
        ("[tools.programs.x]\ntimeout_seconds = 1\n", "tools.programs.x"),
        ("[tools.programs.x]\ncommand = [\"/x\", \"{y}\"]\n", "`{y}` has no pattern; add it to placeholders"),
        (
            "[tools.programs.x]\ncommand = [\"/x\", \"{y}\"]\nplaceholders = { y = \"(\" }\n",
            "the pattern of `y` cannot be read",
        ),
        ("[tools.programs.x]\ncommand = [\"/x\"]\nshell = true\n", "unknown setting"),
        ("[tools.run]\nread = [\"lib\"]\n", "tools.run.read: `lib` is not absolute"),
        ("[tools.run]\nmemory = 1\n", "unknown setting; did you mean `tools.run.memory_mib`?"),
        (
            "[roles]\nreviewer = [\"filesystem:all\"]\n",
            "flotilla.toml:2: roles.reviewer: `filesystem:all` is no role; there are `filesystem:read`",
        ),
        ("[roles]\nreviewer = \"filesystem:read\"\n", "expected an array, found a string"),
    ] {
        let error = World::new().file(file).error();
        assert!(error.contains(wrong), "{file}: {error}");
    }
}
