//! Programs of agents, confined by the real binary: what they try, and what is left of them.

#![cfg(target_os = "linux")]

#[path = "sandbox/again.rs"]
mod again;

use flotilla_workers::{
    agents::{
        Tool,
        tools::{
            CommandLine, Commands, Reading, Scratch, run,
            sandbox::{Ended, Program, Ran, Sandbox, Unfit},
        },
    },
    review::{Host, Roots, Watch},
};
use serde_json::json;
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(2);
const SECRET: &str = "hunter2-outside";

/// A directory of a program's own beside a secret; `None` where nothing can be confined, and nothing is run.
struct Place {
    dir: TempDir,
    sandbox: Sandbox,
}

impl Place {
    async fn new() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("own")).unwrap();
        fs::write(dir.path().join("secret"), SECRET).unwrap();
        let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_flotilla"), &["sandbox-exec"]);
        let place = Self { dir, sandbox };
        if let Err(why) = place.sandbox.check().await {
            println!("nothing can be confined here: {why}");
            assert!(matches!(place.try_sh("echo ran", PATIENCE).await, Err(Unfit::Refused(_))), "so nothing is run");
            return None;
        }
        Some(place)
    }

    fn own(&self) -> PathBuf {
        self.dir.path().join("own")
    }

    async fn try_sh(&self, script: &str, timeout: Duration) -> Result<Ran, Unfit> {
        let arguments = ["/bin/bash", "-c", script].map(str::to_owned);
        let environment = [("PATH".to_owned(), "/usr/bin:/bin".to_owned()), ("GIVEN".to_owned(), "yes".to_owned())];
        let own = self.own();
        let program = Program { arguments: &arguments, environment: &environment, dir: &own, writable: &own, timeout };
        self.sandbox.run(&program).await
    }

    async fn sh(&self, script: &str) -> Ran {
        self.try_sh(script, PATIENCE).await.unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether a process with this word in its command line is there.
fn runs(word: &str) -> bool {
    fs::read_dir("/proc").unwrap().filter_map(Result::ok).any(|entry| {
        let named = fs::read(entry.path().join("cmdline")).is_ok_and(|line| text(&line).contains(word));
        // A killed one whose parent has not looked yet is gone all the same.
        let dead = fs::read_to_string(entry.path().join("stat")).is_ok_and(|stat| stat.contains(") Z "));
        named && !dead && entry.file_name() != std::process::id().to_string().as_str()
    })
}

async fn until(what: &str, done: impl Fn() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// A word that no other process has in its command line.
fn word(name: &str) -> String {
    // `sleep` takes it for a number of seconds.
    let digits: String = name.bytes().map(|b| (b % 10).to_string()).collect();
    format!("7{}.{}", std::process::id(), digits)
}

#[tokio::test]
async fn a_program_computes_in_its_own_directory() {
    let Some(place) = Place::new().await else { return };
    let ran = place.sh("echo out; echo err >&2; echo made > file; cat file; ls /usr/bin/env; env; exit 3").await;
    assert_eq!(ran.ended, Ended::Status(3));
    let out = text(&ran.stdout);
    assert!(out.starts_with("out\nmade\n/usr/bin/env\n"), "{out} {}", text(&ran.stderr));
    assert_eq!(text(&ran.stderr), "err\n");
    let given: Vec<_> =
        out.lines().skip(3).filter(|line| !line.starts_with("_=") && !line.starts_with("SHLVL=")).collect();
    assert!(
        given.contains(&"GIVEN=yes") && given.iter().all(|l| ["GIVEN", "PATH", "PWD"].iter().any(|n| l.starts_with(n))),
        "{out}"
    );
    assert_eq!(fs::read_to_string(place.own().join("file")).unwrap(), "made\n");
    assert_eq!(
        place.sh("kill -9 $$").await.ended,
        if place.sandbox.check().await.unwrap() {
            // The first process of a namespace does not kill itself.
            Ended::Status(0)
        } else {
            Ended::Signal(9)
        }
    );
    let none = Program {
        arguments: &["/nonexistent".to_owned()],
        environment: &[],
        dir: &place.own(),
        writable: &place.own(),
        timeout: PATIENCE,
    };
    assert!(place.sandbox.run(&none).await.unwrap_err().to_string().contains("cannot be started"));
}

#[tokio::test]
async fn nothing_outside_is_reached() {
    let Some(place) = Place::new().await else { return };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let unix = place.dir.path().join("socket");
    let _unix = std::os::unix::net::UnixListener::bind(&unix).unwrap();
    fs::set_permissions(place.dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let (outside, port, worker) =
        (place.dir.path().display(), listener.local_addr().unwrap().port(), std::process::id());
    let tries = [
        format!("cat {outside}/secret"),
        "cat ../secret".to_owned(),
        format!("ln -s {outside}/secret link; cat link"),
        format!("ln {outside}/secret hard"),
        "cat /etc/passwd".to_owned(),
        "cat /etc/shadow".to_owned(),
        "ls /".to_owned(),
        "ls /root /home".to_owned(),
        "cat /proc/self/environ".to_owned(),
        format!("cat /proc/{worker}/environ"),
        "ls /proc".to_owned(),
        format!("echo x > {outside}/written"),
        format!("rm {outside}/secret"),
        format!("mv {outside}/secret ."),
        "echo x > /tmp/flotilla-written".to_owned(),
        "echo x > /dev/shm/flotilla-written".to_owned(),
        format!("echo x > /dev/tcp/127.0.0.1/{port}"),
        format!("echo x > /dev/udp/127.0.0.1/{port}"),
        format!("kill -0 {worker}"),
        "kill -0 1 && kill -0 $PPID && [ $$ != 1 ]".to_owned(),
        "setsid true".to_owned(),
        "unshare -U true".to_owned(),
        "unshare -r true".to_owned(),
        "mknod zero c 1 5".to_owned(),
        "mknod disk b 7 0".to_owned(),
        "mount -t tmpfs none .".to_owned(),
        "chroot . /bin/true".to_owned(),
        "dd if=/dev/mem count=1".to_owned(),
        "cat /dev/kmsg".to_owned(),
        "ipcmk -M 100".to_owned(),
        "ipcmk -Q".to_owned(),
        "ls /proc/self/fd".to_owned(),
        "cat <&7".to_owned(),
        // What an operator's git, npm or python would read of a home.
        "cat ~/.gitconfig ~/.npmrc ~/.ssh/id_rsa /etc/gitconfig".to_owned(),
        "curl -m 5 http://169.254.169.254/ || wget -T 5 -t 1 http://169.254.169.254/".to_owned(),
        "getent hosts localhost && cat /etc/hosts".to_owned(),
        "exec 9<>/dev/tcp/169.254.169.254/80".to_owned(),
    ];
    for one in &tries {
        let ran = place.sh(&format!("( {one} ) && echo GOT-THROUGH")).await;
        let said = text(&ran.stdout) + &text(&ran.stderr);
        assert!(!said.contains("GOT-THROUGH") && !said.contains(SECRET), "{one}: {said}");
    }
    if Path::new("/usr/bin/python3").exists() {
        let connect = format!("import socket; socket.socket(socket.AF_UNIX).connect('{}')", unix.display());
        for code in [
            connect.as_str(),
            "import os; os.setpgid(0, 0)",
            "import socket; socket.socket()",
            "import os; os.setsid()",
        ] {
            let ran = place.sh(&format!("python3 -c \"{code}\" && echo GOT-THROUGH")).await;
            let said = text(&ran.stdout) + &text(&ran.stderr);
            assert!(!said.contains("GOT-THROUGH") && said.contains("PermissionError"), "{code}: {said}");
        }
    }
    assert_eq!(fs::read_to_string(place.dir.path().join("secret")).unwrap(), SECRET);
    assert!(!place.dir.path().join("written").exists() && !Path::new("/tmp/flotilla-written").exists());
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nobody came");
}

#[tokio::test]
async fn no_process_outlives_its_call() {
    let Some(place) = Place::new().await else { return };
    let word = word("outlives");
    // It ends, and others that it started hold its output open.
    let script = format!("(trap '' TERM HUP; sleep {word}) & nohup sleep {word} & disown -a; echo done");
    let ran = place.sh(&script).await;
    assert_eq!((ran.ended, text(&ran.stdout).as_str()), (Ended::Status(0), "done\n"));
    until("those it left are gone", || !runs(&word)).await;

    let late = place.try_sh(&format!("sleep {word} & sleep {word}"), Duration::from_millis(500)).await.unwrap();
    assert_eq!(late.ended, Ended::Late);
    until("those that were late are gone", || !runs(&word)).await;

    let started = place.own().join("started");
    {
        let script = format!("sleep {word} & touch started; sleep {word}");
        let running = place.sh(&script);
        tokio::pin!(running);
        let begun = until("it starts", || started.exists());
        tokio::select! {
            _ = &mut running => panic!("it ended"),
            () = begun => {}
        }
    }
    until("those whose call was given up are gone", || !runs(&word)).await;
}

#[tokio::test]
async fn no_process_outlives_its_worker() {
    if let Ok(dir) = std::env::var("SANDBOX_TEST_WORKER") {
        // The worker that will be killed.
        let mut place = Place::new().await.unwrap();
        place.dir = TempDir::new_in(&dir).unwrap();
        fs::create_dir(place.own()).unwrap();
        let word = fs::read_to_string(Path::new(&dir).join("word")).unwrap();
        place.sh(&format!("sleep {word} & sleep {word}")).await;
        return;
    }
    if Place::new().await.is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let word = word("worker");
    fs::write(dir.path().join("word"), &word).unwrap();
    let mut worker = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "no_process_outlives_its_worker"])
        .env("SANDBOX_TEST_WORKER", dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("it starts", || runs(&word)).await;
    worker.kill().unwrap();
    worker.wait().unwrap();
    until("those whose worker was killed are gone", || !runs(&word)).await;
}

#[tokio::test]
async fn what_it_uses_is_bounded() {
    let Some(mut place) = Place::new().await else { return };
    place.sandbox.limits.file_bytes = 1 << 20;
    place.sandbox.limits.memory_bytes = 256 << 20;
    place.sandbox.limits.files = 16;
    place.sandbox.limits.cpu_seconds = 1;
    let ran = place.sh("head -c 2000000 /dev/zero > big; ls -l big | cut -d' ' -f5").await;
    assert_eq!(text(&ran.stdout), "1048576\n");
    let ran = place.sh("head -c 1000000000 /dev/zero | tail -c 900000000 | head -c 1 && echo GOT-THROUGH").await;
    assert!(text(&ran.stderr).contains("memory"), "{}", text(&ran.stderr));
    let ran = place.sh("for n in {20..40}; do eval \"exec $n>f$n\" || exit 7; done; echo GOT-THROUGH").await;
    assert!(!text(&ran.stdout).contains("GOT-THROUGH"));
    let ran = place.sh("( while :; do :; done ); echo after").await;
    assert!(text(&ran.stdout).contains("after"), "a loop is ended: {ran:?}");
    assert_eq!(text(&place.sh("ulimit -c").await.stdout), "0\n");
    let word = word("many");
    place.sandbox.limits.processes = 20;
    let ran = place.sh(&format!("exec sh -c 'for n in $(seq 60); do sleep {word} & done; echo GOT-THROUGH'")).await;
    // Root has no such limit, and without namespaces it would count what others run: there its time ends it.
    if place.sandbox.check().await.unwrap() && !rustix::process::geteuid().is_root() {
        assert!(!text(&ran.stdout).contains("GOT-THROUGH"), "{ran:?}");
    }
    until("those it started are gone", || !runs(&word)).await;
    assert_eq!(place.sh("yes").await.ended, Ended::TooMuch);
    let ran = place.sh("seq 1 100000").await;
    assert!(ran.stdout.len() < 70_000 && text(&ran.stdout).contains("bytes left out"));
}

#[tokio::test]
async fn the_tool_runs_what_is_configured_on_what_was_written() {
    if Place::new().await.is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let repo = dir.path().join("repo");
    fs::create_dir(&repo).unwrap();
    fs::write(repo.join("a.txt"), "old\n").unwrap();
    for arguments in [
        &["init", "-q"][..],
        &["add", "."],
        &["-c", "user.name=n", "-c", "user.email=n@example.org", "commit", "-qm", "m"],
    ] {
        let done =
            Command::new("git").args(arguments).current_dir(&repo).env("GIT_CONFIG_GLOBAL", "/dev/null").status();
        assert!(done.unwrap().success());
    }
    let host = Host::from(Roots::Anywhere);
    let reading = Reading::revision(&repo, "HEAD", "HEAD", &host, &Watch::default()).await.unwrap();
    let scratch = Scratch::new(&reading, &dir.path().join("scratch")).await.unwrap();
    let line = |arguments: &[&str], patterns: &[(&str, &str)]| {
        let own = |text: &str| text.to_owned();
        let patterns = patterns.iter().map(|(name, pattern)| (own(name), own(pattern))).collect();
        let arguments = arguments.iter().map(|text| own(text)).collect();
        CommandLine::new(arguments, &patterns, [("CI".to_owned(), "1".to_owned())].into(), PATIENCE).unwrap()
    };
    let script = "cat a.txt; echo $CI; echo changed > a.txt; echo x > $TMPDIR/t && mkdir -m 0 closed && exit 4";
    let commands: Commands = [
        ("test".to_owned(), line(&["/bin/sh", "-c", script], &[])),
        ("show".to_owned(), line(&["/bin/echo", "{what}", "$(id)"], &[("what", "[a-z;$() ]+")])),
    ]
    .into();
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_flotilla"), &["sandbox-exec"]);
    let tools = scratch.toolbox().and(run(&scratch, sandbox, commands));
    let Some(Tool::Effect(write)) = tools.get("write_file") else { panic!() };
    write.call(json!({"path": "a.txt", "content": "new\n"}).as_object().unwrap(), "k").await.unwrap();
    let Some(Tool::Pure(tool)) = tools.get("run") else { panic!() };
    for _ in 0..2 {
        let said = tool.call(json!({"command": "test"}).as_object().unwrap()).await.unwrap();
        assert_eq!(text(&said), "[exit status 4]\n[stdout]\nnew\n1\n\n", "what it wrote is gone");
    }
    let shown = tool.call(json!({"command": "show", "arguments": {"what": "a; $(id)"}}).as_object().unwrap()).await;
    assert_eq!(text(&shown.unwrap()), "[exit status 0]\n[stdout]\na; $(id) $(id)\n\n", "no shell reads it");
    for bad in [
        json!({"command": "sh"}),
        json!({"command": "test; sh"}),
        json!({"command": "test", "args": ["x"]}),
        json!({"command": "test", "arguments": {"what": "x"}}),
        json!({"command": "show", "arguments": {"what": "--help"}}),
        json!({"command": "show"}),
        json!({}),
    ] {
        tool.call(bad.as_object().unwrap()).await.unwrap_err();
    }
    assert_eq!(fs::read_dir(dir.path().join("scratch")).unwrap().count(), 2, "one work tree, and its lock");
}
