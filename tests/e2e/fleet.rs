//! Processes of one fleet, and jobs that run until the test lets them end.

use crate::{
    place::Place,
    support::{Home, Service},
};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    time::{Duration, Instant},
};

/// No wait takes longer.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Jobs that one process of a fleet runs at once.
pub const CONCURRENCY: usize = 8;
/// A git that waits at the gate. It ends by itself once its test has gone.
const GATED_GIT: &str = "#!/bin/sh
while [ ! -e HOME/open ]; do [ -e HOME/bin/git ] || exit 1; sleep 0.05; done
PATH=${PATH#HOME/bin:}
exec REAL \"$@\"
";

/// Processes that share a store and a configuration.
pub struct Fleet {
    pub home: Home,
    pub place: Place,
    tree: PathBuf,
    path: String,
    http: Client,
}

impl Fleet {
    pub fn remote() -> Self {
        let fleet = Self::at(Place::remote());
        fleet.home.run(&["migrate"]).exits(0);
        fleet
    }

    /// On servers whose schema nobody has made.
    pub fn unmigrated() -> Self {
        Self::at(Place::remote())
    }

    /// On servers that the test may harm.
    pub fn own() -> Self {
        let fleet = Self::at(Place::own());
        fleet.home.run(&["migrate"]).exits(0);
        fleet
    }

    pub fn file() -> Self {
        Self::at(Place::File)
    }

    fn at(place: Place) -> Self {
        let home = Home::new();
        let root = home.path().display().to_string();
        home.write(
            "flotilla.toml",
            &format!(
                "{}[worker]\ndrills = true\nconcurrency = {CONCURRENCY}\nlease_ms = 2000\nrenew_ms = 600\n\
                 queues = {{ default = 1, other = 1 }}\n[worker.http]\nlisten = \"127.0.0.1:0\"\n\
                 [http]\nlisten = \"127.0.0.1:0\"\nlinger_ms = 0\nreview_roots = [\"{root}\"]\n",
                place.settings()
            ),
        );
        let tree = home.repository("lib.rs", "pub fn answer() -> u32 {\n    42\n}\n");
        let path = std::env::var("PATH").unwrap();
        let real = std::env::split_paths(&path).map(|dir| dir.join("git")).find(|git| git.is_file()).unwrap();
        let script = GATED_GIT.replace("HOME", &root).replace("REAL", &real.display().to_string());
        fs::set_permissions(home.write("bin/git", &script), fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{root}/bin:{path}");
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().timeout(PATIENCE).build().unwrap();
        Self { home, place, tree, path, http }
    }

    /// Starts a process; answers with its address.
    pub fn start(&self, args: &[&str]) -> (Service, String) {
        self.start_with(args, &[])
    }

    /// Starts a process with settings of its own, as the environment spells them without the first word.
    pub fn start_with(&self, args: &[&str], settings: &[(&str, String)]) -> (Service, String) {
        let mut command = self.home.command(args);
        command.envs(settings.iter().map(|(name, value)| (format!("FLOTILLA_{name}"), value)));
        command.env("PATH", &self.path).env("FLOTILLA_LOG__FORMAT", "json");
        let mut service = Service::start(command);
        let url = service.url();
        (service, url)
    }

    /// Lets every gated job end.
    pub fn open_gate(&self) {
        self.home.write("open", "");
    }

    /// A job that runs until the gate is open.
    pub fn gated(&self) -> Value {
        job(&json!({ "source": { "type": "work_tree", "path": self.tree } }), 0)
    }

    pub fn http(&self) -> &Client {
        &self.http
    }

    pub async fn get(&self, url: &str) -> Response {
        self.http.get(url).send().await.unwrap()
    }

    pub fn post(&self, server: &str, body: &Value) -> reqwest::RequestBuilder {
        self.http.post(format!("{server}/v1/jobs")).json(body)
    }

    /// Hands jobs in; answers their ids.
    pub async fn submit(&self, server: &str, jobs: &[Value]) -> Vec<String> {
        let answer = self.post(server, &json!(jobs)).send().await.unwrap().error_for_status().unwrap();
        let accepted: Vec<Value> = answer.json().await.unwrap();
        accepted.iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
    }

    /// A job with all that is on record about it.
    pub async fn job(&self, server: &str, id: &str) -> Value {
        self.get(&format!("{server}/v1/jobs/{id}")).await.error_for_status().unwrap().json().await.unwrap()
    }

    /// Returns once every job on record is completed, and asserts that there are so many, each with one result.
    pub async fn all_complete(&self, server: &str, count: usize) -> Vec<Value> {
        self.until(server, "completed", count).await;
        let jobs = self.list(server).await;
        assert_eq!(jobs.len(), count, "{:?}", self.states(server).await);
        assert_eq!(self.place.results().await, (count as i64, count as i64));
        jobs
    }

    /// Every job on record, page by page.
    pub async fn list(&self, server: &str) -> Vec<Value> {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let page: Value = self.get(&format!("{server}/v1/jobs?limit=300{after}")).await.json().await.unwrap();
            all.extend(page["jobs"].as_array().unwrap().iter().cloned());
            let Some(next) = page["next"].as_str() else { return all };
            after = format!("&after={next}");
        }
    }

    /// How many jobs are in each state.
    pub async fn states(&self, server: &str) -> HashMap<String, usize> {
        let mut states = HashMap::new();
        for job in self.list(server).await {
            *states.entry(job["state"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        states
    }

    /// Returns when so many jobs are in this state.
    pub async fn until(&self, server: &str, state: &str, count: usize) {
        until(state, async || {
            let states = self.states(server).await;
            states.get(state).is_some_and(|seen| *seen >= count).then_some(()).ok_or(format!("{states:?}"))
        })
        .await;
    }

    /// Returns when at least so many jobs were taken back from a worker that is gone.
    pub async fn until_rescued(&self, server: &str, count: usize) {
        until("jobs taken back", async || {
            let lost = self.list(server).await.iter().filter(|job| crashes(job) > 0).count();
            if lost >= count { Ok(()) } else { Err(format!("{lost} were")) }
        })
        .await;
    }

    /// Asserts that the jobs that were lost were lost once, and all by the same worker. How many is not said: also
    /// those that it had done and not yet recorded run again.
    pub async fn lost_by_one(&self, server: &str, jobs: &[Value]) {
        let mut workers = HashSet::new();
        for job in jobs.iter().filter(|job| crashes(job) > 0) {
            let job = self.job(server, job["id"].as_str().unwrap()).await;
            let history = job["history"].as_array().unwrap();
            assert!(history.len() == 1 && history[0]["cause"] == "crash" && crashes(&job) == 1, "{job}");
            workers.insert(history[0]["worker"].to_string());
        }
        assert_eq!(workers.len(), 1, "{workers:?}");
    }

    /// The job once it is in this state.
    pub async fn until_job(&self, server: &str, id: &str, state: &str) -> Value {
        until(state, async || {
            let job = self.job(server, id).await;
            if job["state"] == state { Ok(job) } else { Err(job.to_string()) }
        })
        .await
    }
}

/// Asks until the answer is yes; fails with the last no.
pub async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(no) => assert!(Instant::now() < deadline, "waited for `{what}`, but: {no}"),
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// A review of a small diff; every tenth adds a private key.
pub fn diff(number: usize) -> Value {
    let line = if has_finding(number) { format!("-----BEGIN RSA {} KEY-----", "PRIVATE") } else { "hello".to_owned() };
    let diff = format!(
        "diff --git a/f{number}.pem b/f{number}.pem\nnew file mode 100644\n--- /dev/null\n+++ b/f{number}.pem\n\
         @@ -0,0 +1,2 @@\n+{line}\n+MIIEowIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF0q7QWJf1E6oYz4dXq5b8WmNnYtR\n"
    );
    job(&json!({ "source": { "type": "diff", "diff": diff } }), 5)
}

pub fn has_finding(number: usize) -> bool {
    number.is_multiple_of(10)
}

/// A job that takes these steps.
pub fn drill(steps: &Value) -> Value {
    json!({ "kind": "drill", "payload": { "steps": steps } })
}

/// A drill that takes so long.
pub fn nap(time: Duration) -> Value {
    drill(&json!([{ "do": "sleep", "ms": time.as_millis() as u64 }]))
}

fn job(payload: &Value, priority: u8) -> Value {
    json!({ "kind": "code-review", "payload": payload, "options": { "priority": priority } })
}

/// How often a worker was lost with the job.
pub fn crashes(job: &Value) -> u64 {
    job["attempts"]["crash"].as_u64().unwrap()
}
