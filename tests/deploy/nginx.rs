//! nginx with the configuration that operators mount, in front of two real servers.

use crate::{
    names::Names,
    read, servers,
    support::{Home, SOON, Service, finish},
};
use futures_util::StreamExt;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    fs,
    net::Ipv4Addr,
    os::unix::fs::{MetadataExt, PermissionsExt},
    process::Command,
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// Two servers have the same port, as containers do: each has an address of its own.
const FIRST: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const SECOND: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
/// A user without rights.
const NOBODY: u32 = 65_534;

/// What this machine must have other than a container: `from` in the file, `to` here.
fn adapted(changes: &[(&str, String)]) -> String {
    changes.iter().fold(read("deploy/nginx/nginx.conf"), |text, (from, to)| {
        assert!(text.contains(from), "deploy/nginx/nginx.conf no longer says `{from}`");
        text.replace(from, to)
    })
}

fn nginx(args: &[&str]) -> Command {
    let found = Command::new("nginx").arg("-v").output();
    assert!(
        found.is_ok(),
        "nginx is not installed; install it with `apt-get install nginx-light` (macOS: `brew install nginx`)"
    );
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let mut command = Command::new(if is_root { "setpriv" } else { "nginx" });
    if is_root {
        command.args([&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups", "nginx"]);
    }
    command.args(args);
    command
}

#[test]
fn the_configuration_is_valid() {
    let home = Home::new();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let here = home.path().display().to_string();
    let text = adapted(&[("/tmp", here), ("/dev/stdout", "/dev/null".to_owned())]);
    let path = home.write("nginx.conf", &text);
    finish(nginx(&["-t", "-c", path.to_str().unwrap()])).exits(0);
}

/// Two servers on one file, a worker, and nginx in front.
struct Site {
    home: Home,
    names: Names,
    port: u16,
    servers: Vec<Service>,
    _work: Service,
    _nginx: Service,
    url: String,
    http: Client,
}

impl Site {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    async fn start_with(settings: &[&str]) -> Self {
        let home = Home::new();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let (port, front) = (servers::free_port(), servers::free_port());
        let serve = |address: Ipv4Addr| {
            let listen = format!("{address}:{port}");
            let drills = ["--set", "worker.drills=true"];
            let mut serve = home.start(&[&["serve", "--listen", &listen], &drills[..], settings].concat());
            serve.url();
            serve
        };
        let servers = vec![serve(FIRST), serve(SECOND)];
        let work = home.start(&["work", "--health-listen", "off", "--set", "worker.drills=true"]);
        let names = Names::start(&[FIRST, SECOND]);
        let path = home.write(
            "nginx.conf",
            &adapted(&[
                ("/tmp", home.path().display().to_string()),
                ("/dev/stdout", home.path().join("access.log").display().to_string()),
                ("127.0.0.11 valid", format!("127.0.0.1:{} valid", names.port)),
                ("server:8080", format!("server:{port}")),
                ("listen 8080", format!("listen 127.0.0.1:{front}")),
            ]),
        );
        // One process, which ends with this test.
        let nginx = Service::start(nginx(&["-c", path.to_str().unwrap(), "-g", "daemon off; master_process off;"]));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().timeout(SOON).build().unwrap();
        let site = Self {
            home,
            names,
            port,
            servers,
            _work: work,
            _nginx: nginx,
            url: format!("http://127.0.0.1:{front}"),
            http,
        };
        let deadline = Instant::now() + SOON;
        while site.http.get(format!("{}/ready", site.url)).send().await.is_err() {
            assert!(Instant::now() < deadline, "nginx does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        site
    }

    async fn get(&self, path: &str) -> Response {
        self.http.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    async fn submit(&self, steps: Value) -> String {
        let job = json!({ "kind": "drill", "payload": { "steps": steps } });
        let answer = self.http.post(format!("{}/v1/jobs", self.url)).json(&job).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// Which servers have answered so far.
    fn answered(&self) -> HashSet<String> {
        let log = fs::read_to_string(self.home.path().join("access.log")).unwrap();
        let quoted = log.lines().filter_map(|line| line.split('"').nth(3));
        quoted.filter_map(|upstream| upstream.split(", ").last()).map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn a_server_that_dies_is_passed_over() {
    let mut site = Site::start().await;
    let all = HashSet::from([FIRST, SECOND].map(|address| format!("{address}:{}", site.port)));
    let deadline = Instant::now() + SOON;
    while site.answered() != all {
        assert!(Instant::now() < deadline, "{:?}", site.answered());
        assert_eq!(site.get("/v1/queues").await.status(), StatusCode::OK);
    }
    let id = site.submit(json!([])).await;

    site.servers[0].signal("KILL");
    site.servers[0].wait();
    for _ in 0..40 {
        assert_eq!(site.get(&format!("/v1/jobs/{id}")).await.status(), StatusCode::OK);
    }
    // It was not reached, so this may be sent to the other one.
    for _ in 0..10 {
        site.submit(json!([])).await;
    }
    // A server in its place is noticed though nginx goes on, and one that nobody names any more is not asked.
    let mut third = site.home.start(&["serve", "--listen", &format!("127.0.0.4:{}", site.port)]);
    third.url();
    site.names.set(&[Ipv4Addr::new(127, 0, 0, 4)]);
    let deadline = Instant::now() + SOON;
    while !site.answered().contains(&format!("127.0.0.4:{}", site.port)) {
        assert!(Instant::now() < deadline, "{:?}", site.answered());
        assert_eq!(site.get("/live").await.status(), StatusCode::OK);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(site.get("/metrics").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_costs_no_request() {
    // Longer than nginx keeps an address, as docker-compose.scale.yml has it.
    let mut site = Site::start_with(&["--set", "http.linger_ms=3000"]).await;
    site.servers[0].signal("TERM");
    site.names.set(&[SECOND]);
    let mut requests = 0;
    // From the signal to the closed port, and beyond.
    let mut ended = None;
    while ended.is_none_or(|at: Instant| at.elapsed() < Duration::from_millis(300)) {
        assert_eq!(site.get("/v1/queues").await.status(), StatusCode::OK);
        site.submit(json!([])).await;
        requests += 1;
        if ended.is_none() && site.servers[0].has_ended() {
            ended = Some(Instant::now());
        }
    }
    assert_eq!(site.servers[0].wait(), 0, "after {requests} requests");
}

#[tokio::test]
async fn events_come_through_as_they_happen() {
    let site = Site::start().await;
    let steps = json!([{ "do": "say", "text": "hello" }, { "do": "ignore_cancel", "ms": 60_000 }]);
    let id = site.submit(steps).await;
    let mut events = site.get(&format!("/v1/jobs/{id}/events")).await.bytes_stream();
    let mut seen = String::new();
    let hello = async {
        while !seen.contains("hello") {
            seen += &String::from_utf8_lossy(&events.next().await.unwrap().unwrap());
        }
    };
    // The job goes on for longer than that: nothing but passing on shows it.
    timeout(SOON / 2, hello).await.unwrap_or_else(|_| panic!("nothing came through"));
}
