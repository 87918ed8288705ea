//! A fleet of several processes: nothing is lost and nothing is recorded twice, whatever is killed.

#[path = "fleet/place.rs"]
mod place;
#[path = "../workers/tests/support/servers.rs"]
#[allow(dead_code, reason = "each test crate uses a part of it")]
mod servers;
mod support;

use place::{Place, diff};
use serde_json::json;
use std::{collections::HashSet, time::Duration};

/// Jobs of a run.
const JOBS: usize = 1_000;

#[test]
fn a_worker_killed_in_the_middle_costs_nothing_on_servers() {
    kill_one_of_three(&Place::servers());
}

#[test]
fn a_worker_killed_in_the_middle_costs_nothing_on_one_file() {
    kill_one_of_three(&Place::file());
}

fn kill_one_of_three(place: &Place) {
    place.submit((0..JOBS).map(|n| diff(n, 500)).collect());
    let mut workers = place.workers(3);
    place.until("work is under way", |q| q["running"] != json!(0) && q["pending"].as_u64() < Some(JOBS as u64 - 100));
    workers[1].signal("KILL");
    workers[1].wait();
    place.until_idle();

    let jobs = place.jobs();
    assert_eq!(jobs.len(), JOBS);
    for job in &jobs {
        assert_eq!(job["state"], "completed", "{job}");
        assert_eq!(job["attempts"]["failure"], 0, "{job}");
    }
    // What the dead worker held, and had done but not yet recorded, was run again; nothing else was.
    let crashed = jobs.iter().filter(|job| job["attempts"]["crash"] != 0);
    let lost_by: HashSet<String> = crashed.map(|job| place.history(job)[0]["worker"].to_string()).collect();
    assert_eq!(lost_by.len(), 1, "{lost_by:?}");
    assert_eq!(place.results(), JOBS);
}

#[test]
fn a_deploy_spends_no_attempt() {
    let place = Place::servers();
    place.submit((0..JOBS / 2).map(|n| diff(n, 500)).collect());
    let mut workers = place.workers(2);
    for _ in 0..2 {
        place.until("work is under way", |q| q["running"] != json!(0));
        let old = workers.remove(0);
        workers.extend(place.workers(1));
        assert_eq!(old.stop(), 0);
    }
    place.until_idle();

    for job in place.jobs() {
        assert_eq!(job["state"], "completed", "{job}");
        assert_eq!((&job["attempts"]["failure"], &job["attempts"]["crash"]), (&json!(0), &json!(0)), "{job}");
    }
    assert_eq!(place.results(), JOBS / 2);
}

#[test]
fn what_a_killed_server_accepted_is_done() {
    let place = Place::servers();
    let mut server = place.start(&["serve", "--listen", "127.0.0.1:0"]);
    let url = server.url();
    let first = place.post(&url, "once", &diff(0, 1)).json();
    server.signal("KILL");
    server.wait();

    let mut server = place.start(&["serve", "--listen", "127.0.0.1:0"]);
    let again = place.post(&server.url(), "once", &diff(0, 1)).json();
    assert_eq!((&again["id"], &again["duplicate"]), (&first["id"], &json!(true)));
    let _worker = place.workers(1);
    place.until_idle();
    assert_eq!(place.results(), 1);
}

#[test]
fn a_running_job_is_cancelled_from_another_process() {
    for place in [Place::servers(), Place::file()] {
        let tree = place.home.repository("a", "b\n");
        let id = place.submit(vec![json!({ "source": { "type": "work_tree", "path": tree } })]).remove(0);
        let mut command = place.command(&["work", "--health-listen", "127.0.0.1:0"]);
        command.env("PATH", place.home.hanging_git());
        let mut worker = support::Service::start(command);
        worker.url();
        place.until("it runs", |q| q["running"] == json!(1));
        place.run(&["cancel", &id]).exits(0);
        place.until_idle();
        assert_eq!(place.jobs()[0]["state"], "cancelled");
    }
}

#[test]
fn a_paused_queue_waits_everywhere() {
    let place = Place::servers();
    place.submit(vec![diff(0, 1)]);
    place.run(&["queues", "pause", "default"]).exits(0);
    let workers = place.workers(2);
    // A worker that is ready has looked for work; that it was paused before they started is what keeps the job waiting.
    std::thread::sleep(Duration::from_millis(500));
    let waiting = place.queue();
    assert_eq!((&waiting["pending"], &waiting["running"]), (&json!(1), &json!(0)));
    place.run(&["queues", "resume", "default"]).exits(0);
    place.until_idle();
    assert_eq!(place.jobs()[0]["state"], "completed");
    for worker in workers {
        assert_eq!(worker.stop(), 0);
    }
}
