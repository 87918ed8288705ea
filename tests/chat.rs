//! `flotilla chat`, as whoever types it sees it: piped, in a terminal, with and without a server.

mod support;

use flotilla_dev_model::{Options, Script, Server};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};
use support::{Home, Ran, SOON};

/// A home whose chats are answered in these words, so many a second.
async fn home(text: &str, per_second: Option<u32>) -> (Home, Server) {
    let then = json!({ "text": text, "tokens_per_second": per_second });
    let script: Script = serde_json::from_value(json!({ "rules": [{ "when": {}, "then": then }] })).unwrap();
    let provider = Server::start(Options { script, ..Options::default() }).await.unwrap();
    let home = Home::new();
    home.write(
        "flotilla.toml",
        &format!(
            "[providers.dev]\nwire = \"anthropic\"\nbase_url = \"{}\"\nkey = \"any\"\n[models.scripted]\n\
             provider = \"dev\"\ncontext = 100000\nmax_output = 4000\n[routes.chat]\nmodels = [\"scripted\"]\n\
             [http]\nlinger_ms = 0\n[worker.http]\nlisten = \"127.0.0.1:0\"\n",
            provider.url()
        ),
    );
    (home, provider)
}

/// Runs a command with this on stdin.
fn piped(home: &Home, args: &[&str], input: &str) -> Ran {
    let mut command = home.command(args);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn events(ran: &Ran) -> Vec<Value> {
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_piped_in_is_one_message_and_only_its_answer_comes_out() {
    let (home, _provider) = home("All is\nwell.", None).await;
    let ran = piped(&home, &["chat"], "how is\nall?\n").exits(0);
    assert_eq!(ran.stdout, "All is\nwell.\n");
    assert_eq!(home.run(&["chat", "how is all?"]).exits(0).stdout, "All is\nwell.\n");
    let jobs = home.run(&["ls", "--json"]).exits(0).json();
    assert_eq!((&jobs["jobs"][0]["kind"], &jobs["jobs"][0]["queue"]), (&json!("chat-turn"), &json!("local")));
    piped(&home, &["chat"], " \n").exits(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_and_its_events_are_lines_of_json() {
    let (home, _provider) = home("Well.", None).await;
    let first = events(&home.run(&["chat", "--json", "one"]).exits(0));
    assert_eq!(first[0]["type"], json!("posted"), "{first:?}");
    let last = first.last().unwrap();
    assert_eq!((&last["type"], &last["reply"]["text"]), (&json!("answer"), &json!("Well.")), "{first:?}");
    let session = first[0]["session"].as_str().unwrap();
    let second = events(&home.run(&["chat", "--json", "--session", session, "two"]).exits(0));
    assert_eq!((&second[0]["session"], &second[0]["entry"]), (&json!(session), &json!(3)), "{second:?}");
}

#[test]
fn without_a_model_it_says_what_is_missing() {
    let ran = Home::new().run(&["chat", "hello"]).exits(2);
    assert!(ran.stderr.contains("[routes.chat]") && ran.stderr.contains("flotilla dev-model"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_goes_on_through_a_restart_of_the_server() {
    let words: Vec<String> = (0..60).map(|n| format!("word{n}")).collect();
    let (home, provider) = home(&words.join(" "), Some(40)).await;
    let mut serve = home.start(&["serve", "--listen", "127.0.0.1:0"]);
    let url = serve.url();
    let work = home.start(&["work"]);
    let mut command = home.command(&["chat", "--server", &url, "tell me"]);
    let chat = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    provider.wait_for_pieces(1, 5, SOON).await.unwrap();
    serve.signal("KILL");
    serve.wait();
    let mut serve = home.start(&["serve", "--listen", url.strip_prefix("http://").unwrap()]);
    serve.url();
    let output = chat.wait_with_output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!((output.status.code(), stdout.trim_end()), (Some(0), words.join(" ").as_str()), "{stderr}");
    assert_eq!((serve.stop(), work.stop()), (0, 0));
}

/// A terminal in which the command runs; `script` makes it (util-linux).
struct Terminal {
    child: Child,
    keys: ChildStdin,
    shown: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    fn start(home: &Home, args: &str) -> Self {
        let mut command = Command::new("script");
        let run = format!("{} {args}", env!("CARGO_BIN_EXE_flotilla"));
        command.args(["-q", "-e", "-f", "-c", &run, "/dev/null"]);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", home.path());
        command.env("TERM", "xterm").env("SHELL", "/bin/sh").current_dir(home.path());
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = started.expect("`script` makes the terminal: apt-get install util-linux bsdutils");
        let (keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (send, shown) = channel();
        // Ends with the terminal, whose output it reads to the end.
        thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(n @ 1..) = screen.read(&mut piece) {
                if send.send(piece[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keys, shown, seen: String::new() }
    }

    fn type_in(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits until this is shown, after what was waited for before.
    fn shows(&mut self, text: &str) {
        let deadline = Instant::now() + SOON;
        loop {
            if let Some(at) = self.seen.find(text) {
                self.seen.drain(..at + text.len());
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let piece = self.shown.recv_timeout(left).unwrap_or_else(|_| panic!("no `{text}` in {:?}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&piece));
        }
    }

    fn ends(mut self) -> i32 {
        let deadline = Instant::now() + SOON;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < deadline, "it does not end: {:?}", self.seen);
            thread::sleep(Duration::from_millis(10));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_terminal_it_is_a_conversation() {
    let (home, provider) = home("bright\u{1b}[2Jred and more to come", Some(20)).await;
    let mut terminal = Terminal::start(&home, "chat");
    terminal.shows("> ");
    terminal.type_in("hello\r");
    // What a model says moves no cursor.
    terminal.shows("bright\\u{1b}[2Jred and more to come");
    terminal.shows("> ");
    // Ctrl-C is about the answer under way.
    let slow = json!({ "rules": [{ "when": {}, "then": { "text": "slowly ".repeat(400), "tokens_per_second": 20 } }] });
    provider.set_script(serde_json::from_value(slow).unwrap());
    terminal.type_in("and now?\r");
    terminal.shows("slowly slowly");
    terminal.type_in("\u{3}");
    terminal.shows("cancelling the answer");
    terminal.shows("its turn is cancelled");
    terminal.shows("> ");
    terminal.type_in("/session\r");
    terminal.shows("/session");
    terminal.type_in("/exit\r");
    terminal.shows("flotilla chat --session ");
    terminal.shows(" goes on with it");
    terminal.ends();
    let history = std::fs::read_to_string(home.path().join(".local/share/flotilla/chat_history")).unwrap();
    assert!(history.contains("hello") && history.contains("and now?"), "{history}");

    let sessions = home.run(&["ls", "--json"]).exits(0).json();
    let job = home.run(&["show", sessions["jobs"][0]["id"].as_str().unwrap(), "--json"]).exits(0).json();
    let session = job["payload"]["session"].as_str().unwrap().to_owned();
    let mut terminal = Terminal::start(&home, &format!("chat --session {session}"));
    terminal.shows("hello");
    terminal.shows("slowly");
    terminal.shows("(cut short)");
    terminal.shows("> ");
    terminal.type_in("\u{4}");
    terminal.shows("goes on with it");
    assert_eq!(terminal.ends(), 0);
}
