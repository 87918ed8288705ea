//! Where the processes of one test keep their jobs: a prefix and a schema on shared servers, or a file.

use crate::{
    servers,
    support::{Home, Ran, Service, finish},
};
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    fmt::Write,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Jobs that one worker runs at once.
const CONCURRENCY: usize = 8;
/// Longer than anything here takes, also where the machine is busy with something else.
const PATIENCE: Duration = Duration::from_mins(2);

/// One test's place, and a home for its processes.
pub struct Place {
    pub home: Home,
    settings: Vec<(&'static str, String)>,
}

impl Place {
    pub fn servers() -> Self {
        static TESTS: AtomicU32 = AtomicU32::new(0);
        let name = format!("fleet{}", TESTS.fetch_add(1, Ordering::Relaxed));
        let settings = vec![
            ("FLOTILLA_STORE__REDIS_URL", servers::redis().url()),
            ("FLOTILLA_STORE__POSTGRES_URL", servers::postgres().url()),
            ("FLOTILLA_STORE__PREFIX", name.clone()),
            ("FLOTILLA_STORE__SCHEMA", name),
        ];
        let place = Self { home: Home::new(), settings };
        place.run(&["migrate"]).exits(0);
        place
    }

    pub fn file() -> Self {
        let home = Home::new();
        let file = format!("sqlite:{}", home.path().join("jobs.db").display());
        Self { home, settings: vec![("FLOTILLA_STORE__URL", file)] }
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.home.command(args);
        command.envs(self.settings.iter().map(|(name, value)| (*name, value.as_str())));
        // A crash is noticed soon, so that a test need not wait for it.
        command.env("FLOTILLA_WORKER__LEASE_MS", "3000").env("FLOTILLA_WORKER__RENEW_MS", "700");
        command.env("FLOTILLA_LOG__FORMAT", "json").env("FLOTILLA_HTTP__REVIEW_ROOTS", self.home.path());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        finish(self.command(args))
    }

    pub fn start(&self, args: &[&str]) -> Service {
        Service::start(self.command(args))
    }

    /// Workers that are up.
    pub fn workers(&self, count: usize) -> Vec<Service> {
        let concurrency = CONCURRENCY.to_string();
        let args = ["work", "--health-listen", "127.0.0.1:0", "--concurrency", &concurrency];
        let mut workers: Vec<Service> = (0..count).map(|_| self.start(&args)).collect();
        for worker in &mut workers {
            worker.url();
        }
        workers
    }

    /// Submits code reviews; answers their ids.
    pub fn submit(&self, inputs: Vec<Value>) -> Vec<String> {
        let mut ids = Vec::new();
        let jobs: Vec<Value> =
            inputs.into_iter().map(|input| json!({ "kind": "code-review", "payload": input })).collect();
        let mut server = self.start(&["serve", "--listen", "127.0.0.1:0"]);
        let url = server.url();
        for batch in jobs.chunks(200) {
            let answer = self.send(&url, "", &json!(batch)).json();
            let accepted = answer.as_array().unwrap_or_else(|| panic!("{answer}")).iter();
            ids.extend(accepted.map(|job| job["id"].as_str().unwrap().to_owned()));
        }
        assert_eq!(server.stop(), 0);
        ids
    }

    /// Submits one code review with an idempotency key.
    pub fn post(&self, url: &str, key: &str, input: &Value) -> Ran {
        self.send(url, key, &json!({ "kind": "code-review", "payload": input }))
    }

    fn send(&self, url: &str, key: &str, body: &Value) -> Ran {
        let body = self.home.write("body.json", &body.to_string());
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--fail-with-body", "-H", "content-type: application/json"]);
        if !key.is_empty() {
            curl.args(["-H", &format!("idempotency-key: {key}")]);
        }
        curl.arg("--data-binary").arg(format!("@{}", body.display())).arg(format!("{url}/v1/jobs"));
        finish(curl).exits(0)
    }

    /// The queue `default`.
    pub fn queue(&self) -> Value {
        let queues = self.run(&["queues", "--json"]).exits(0).json();
        let found = queues.as_array().unwrap().iter().find(|queue| queue["name"] == json!("default"));
        found.cloned().unwrap_or_default()
    }

    /// Waits until the queue is as it should be.
    pub fn until(&self, what: &str, is: impl Fn(&Value) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let queue = self.queue();
            if is(&queue) {
                return;
            }
            assert!(Instant::now() < deadline, "{what}: not after {PATIENCE:?}: {queue}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until every job has ended.
    pub fn until_idle(&self) {
        let none = json!(0);
        self.until("all is done", |q| [&q["pending"], &q["running"], &q["scheduled"]].into_iter().all(|n| *n == none));
    }

    /// Every job on record, page by page.
    pub fn jobs(&self) -> Vec<Value> {
        let mut jobs = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let mut args = vec!["ls", "--json", "--limit", "300"];
            if let Some(after) = &after {
                args.extend(["--after", after]);
            }
            let mut page = self.run(&args).exits(0).json();
            jobs.append(page["jobs"].as_array_mut().unwrap());
            match page["next"].as_str() {
                Some(next) => after = Some(next.to_owned()),
                None => return jobs,
            }
        }
    }

    /// The runs of a job that did not end it.
    pub fn history(&self, job: &Value) -> Vec<Value> {
        let job = self.run(&["show", job["id"].as_str().unwrap(), "--json"]).exits(0).json();
        job["history"].as_array().unwrap().clone()
    }

    /// How many different jobs have ended.
    pub fn results(&self) -> usize {
        let jobs = self.jobs();
        let ids: HashSet<&str> =
            jobs.iter().filter(|job| !job["finished_at"].is_null()).filter_map(|job| job["id"].as_str()).collect();
        ids.len()
    }
}

/// A change of so many lines, none of which is worth a finding.
pub fn diff(n: usize, lines: usize) -> Value {
    let mut text =
        format!("diff --git a/f{n} b/f{n}\nnew file mode 100644\n--- /dev/null\n+++ b/f{n}\n@@ -0,0 +1,{lines} @@\n");
    for line in 0..lines {
        // Writing to a string does not fail.
        let _ = writeln!(text, "+line {line} of a change that says nothing in particular, at some length");
    }
    json!({ "source": { "type": "diff", "diff": text } })
}
