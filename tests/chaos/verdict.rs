//! What became of every job: read from the record when the trouble is over.

use crate::{
    load::{Accepted, Ends},
    schedule::Troubles,
    world::World,
};
use flotilla_jobs::{Cause, JobRecord, JobState};
use jiff::Timestamp;
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// How long the fleet has to end what it holds, once nothing is in its way.
const PATIENCE: Duration = Duration::from_mins(3);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// The priority of jobs that wait for no other.
const HIGHEST: u8 = 0;
/// Wrong ends that are printed.
const SHOWN: usize = 10;

/// The table.
pub struct Verdict {
    rows: Vec<(String, String)>,
    wrong: Vec<String>,
}

impl Verdict {
    /// Whether every promise was kept.
    pub fn holds(&self) -> bool {
        self.wrong.is_empty()
    }
}

/// Waits for the end of every job, and judges.
pub async fn reach(world: &World, accepted: &Accepted, troubles: Troubles) -> Verdict {
    let healed = Instant::now();
    let jobs = settled(world, accepted).await;
    let settled_in = healed.elapsed();
    let by_id: HashMap<String, &JobRecord> = jobs.iter().map(|job| (job.id.to_string(), job)).collect();
    let mut wrong = accepted.wrong.clone();
    let mut lost = 0;
    for (id, ends) in &accepted.jobs {
        match by_id.get(id) {
            Some(job) if job.state.is_terminal() => wrong.extend(judge(job, *ends)),
            Some(job) => {
                lost += 1;
                wrong.push(format!("{id} is {} for ever", job.state.as_str()));
            }
            None => {
                lost += 1;
                wrong.push(format!("{id} was accepted and is not on record"));
            }
        }
    }
    let unknown = jobs.len().saturating_sub(accepted.jobs.len());
    if unknown > 0 && accepted.given_up == 0 {
        wrong.push(format!("{unknown} jobs are on record of which no producer heard"));
    }
    let (rows, ids) = results(world).await;
    if rows != ids {
        wrong.push(format!("{} results were recorded twice", rows - ids));
    }
    let again = claimed_again(world, &jobs, &troubles).await;
    let table = table(&jobs, accepted, &troubles, (lost, rows - ids), &again, settled_in);
    Verdict { rows: table, wrong }
}

/// Every job on record once all have ended, or once that took too long.
async fn settled(world: &World, accepted: &Accepted) -> Vec<JobRecord> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let jobs = all(world).await.unwrap_or_default();
        let ended = jobs.iter().filter(|job| job.state.is_terminal()).count();
        if (ended >= accepted.jobs.len() && ended == jobs.len()) || Instant::now() > deadline {
            return jobs;
        }
        sleep(LOOK_AGAIN).await;
    }
}

async fn all(world: &World) -> reqwest::Result<Vec<JobRecord>> {
    let (mut jobs, mut after) = (Vec::new(), String::new());
    loop {
        let page: Value = get(world, &format!("/v1/jobs?limit=1000{after}")).await?;
        let page: flotilla_jobs::Page = serde_json::from_value(page).expect("a page of jobs");
        jobs.extend(page.jobs);
        let Some(next) = page.next else { return Ok(jobs) };
        after = format!("&after={next}");
    }
}

async fn get(world: &World, path: &str) -> reqwest::Result<Value> {
    let url = format!("{}{path}", world.servers()[0]);
    reqwest::get(url).await?.error_for_status()?.json().await
}

/// Whether a job may end as it did: two workers lost with it make any job suspect. The second is its end.
fn judge(job: &JobRecord, ends: Ends) -> Option<String> {
    let fine = match (job.state, ends) {
        (JobState::Completed, Ends::Completed) | (JobState::Failed, Ends::Failed) => true,
        (JobState::Quarantined, _) => job.attempts.crash >= 1,
        _ => false,
    };
    (!fine).then(|| format!("{} should be {ends:?} and is {}: {:?}", job.id, job.state.as_str(), job.error))
}

/// Rows of results, and for how many jobs.
async fn results(world: &World) -> (i64, i64) {
    let mut connection = PgConnection::connect(&world.postgres.url()).await.expect("Postgres runs");
    let count = "SELECT count(*), count(DISTINCT id) FROM job_results";
    sqlx::query_as(count).fetch_one(&mut connection).await.expect("results can be counted")
}

/// For each job that a silenced worker held: how long after that its next run began. Of a fleet with more work than it
/// can do only jobs of the highest priority say something of it, and those that do not wait for their group's turn.
async fn claimed_again(world: &World, jobs: &[JobRecord], troubles: &Troubles) -> Vec<Duration> {
    let mut times = Vec::new();
    let first = jobs.iter().filter(|job| job.priority == HIGHEST && job.group.is_none());
    for job in first.filter(|job| job.attempts.crash > 0) {
        let Ok(job) = get(world, &format!("/v1/jobs/{}", job.id)).await else { continue };
        let job: JobRecord = serde_json::from_value(job).expect("a job");
        let starts = job.history.iter().skip(1).map(|run| run.started_at).chain([job.started_at]);
        for (run, next) in job.history.iter().zip(starts) {
            // A worker that was frozen, and later killed, lost this job the last time before that was noticed.
            let mut silences = troubles.silent.get(&run.worker).into_iter().flatten();
            let silent = silences.rfind(|at| **at <= run.ended_at);
            if let (Cause::Crash, Some(silent), Some(next)) = (run.cause, silent, next) {
                times.extend(Duration::try_from(next.duration_since(*silent)).ok());
            }
        }
    }
    times.sort_unstable();
    times
}

/// The longest time in which no job ended.
fn longest_stall(jobs: &[JobRecord], troubles: &Troubles) -> Duration {
    let mut ends: Vec<Timestamp> = jobs.iter().filter_map(|job| job.finished_at).collect();
    ends.retain(|at| (troubles.began..=troubles.ended).contains(at));
    ends.extend([troubles.began, troubles.ended]);
    ends.sort_unstable();
    let gaps = ends.windows(2).filter_map(|two| Duration::try_from(two[1].duration_since(two[0])).ok());
    gaps.max().unwrap_or_default()
}

fn table(
    jobs: &[JobRecord],
    accepted: &Accepted,
    troubles: &Troubles,
    (lost, twice): (usize, i64),
    again: &[Duration],
    settled_in: Duration,
) -> Vec<(String, String)> {
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for job in jobs {
        *states.entry(job.state.as_str()).or_default() += 1;
    }
    let attempts = Cause::ALL.map(|cause| {
        let runs = jobs.iter().map(|job| u64::from(job.attempts.of(cause))).sum::<u64>();
        format!("{runs} {cause}")
    });
    let trouble: Vec<String> = troubles.counts.iter().map(|(what, times)| format!("{times} {what}")).collect();
    let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
    let at = |share: f64| again.get((again.len() as f64 * share) as usize).map_or("-".to_owned(), |t| seconds(*t));
    let row = |name: &str, value: String| (name.to_owned(), value);
    vec![
        row("trouble", trouble.join(", ")),
        row("submitted", accepted.jobs.len().to_string()),
        row("tries refused or unanswered", accepted.refused.to_string()),
        row("finished", states.iter().map(|(state, n)| format!("{n} {state}")).collect::<Vec<_>>().join(", ")),
        row("lost", lost.to_string()),
        row("recorded twice", twice.to_string()),
        row("claimed again within", {
            let most = again.last().map_or("-".to_owned(), |t| seconds(*t));
            format!("{} median, {most} at most, of {}", at(0.5), again.len())
        }),
        row("attempts by cause", attempts.join(", ")),
        row("longest stall", seconds(longest_stall(jobs, troubles))),
        row("all ended after the last trouble", seconds(settled_in)),
    ]
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in &self.rows {
            writeln!(f, "| {name:width$} | {value} |")?;
        }
        for wrong in self.wrong.iter().take(SHOWN) {
            writeln!(f, "WRONG: {wrong}")?;
        }
        if self.wrong.len() > SHOWN {
            writeln!(f, "… and {} more", self.wrong.len() - SHOWN)?;
        }
        Ok(())
    }
}
