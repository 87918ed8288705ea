//! What one worker does for all is done by another one when it is gone.

use crate::{
    fleet::{Fleet, until},
    support::Service,
};
use std::time::{Duration, Instant};

/// What is promised where leases last as long as they do by default; here they last two seconds.
const TAKEN_OVER: Duration = Duration::from_secs(30);

struct Worker {
    service: Service,
    url: String,
    gone: bool,
}

#[tokio::test]
async fn another_worker_leads_when_the_leader_is_gone_on_both() {
    let fleet = Fleet::remote();
    let mut workers = start(&fleet);
    let first = leader(&fleet, &workers).await;
    kill(&mut workers[first]);
    let second = next(&fleet, &workers).await;

    // Frozen, it is followed too, and does not lead any more when it wakes up.
    workers[second].service.signal("STOP");
    workers[second].gone = true;
    let third = next(&fleet, &workers).await;
    workers[second].service.signal("CONT");
    workers[second].gone = false;
    let url = workers[second].url.clone();
    until(
        "the former leader to notice",
        async || {
            if leads(&fleet, &url).await { Err("it leads".to_owned()) } else { Ok(()) }
        },
    )
    .await;
    assert_eq!(leader(&fleet, &workers).await, third);
    stop(&fleet, workers, third).await;
}

#[tokio::test]
async fn another_worker_leads_when_the_leader_is_gone_on_one_file() {
    let fleet = Fleet::file();
    let mut workers = start(&fleet);
    let first = leader(&fleet, &workers).await;
    kill(&mut workers[first]);
    let second = next(&fleet, &workers).await;
    stop(&fleet, workers, second).await;
}

fn start(fleet: &Fleet) -> Vec<Worker> {
    let start = |()| {
        let (service, url) = fleet.start(&["work"]);
        Worker { service, url, gone: false }
    };
    [(); 3].map(start).into()
}

fn kill(worker: &mut Worker) {
    worker.service.signal("KILL");
    assert_eq!(worker.service.wait(), -1);
    worker.gone = true;
}

/// One that is stopped gives up by itself.
async fn stop(fleet: &Fleet, mut workers: Vec<Worker>, leading: usize) {
    let last = workers.remove(leading);
    assert_eq!(last.service.stop(), 0);
    next(fleet, &workers).await;
    for worker in workers.into_iter().filter(|worker| !worker.gone) {
        assert_eq!(worker.service.stop(), 0);
    }
}

/// The next one that leads, soon enough.
async fn next(fleet: &Fleet, workers: &[Worker]) -> usize {
    let start = Instant::now();
    let next = leader(fleet, workers).await;
    assert!(start.elapsed() < TAKEN_OVER, "{:?}", start.elapsed());
    next
}

/// The one of them that leads, once there is just one.
async fn leader(fleet: &Fleet, workers: &[Worker]) -> usize {
    until("one leader", async || {
        let mut leading = Vec::new();
        for (i, worker) in workers.iter().enumerate().filter(|(_, worker)| !worker.gone) {
            if leads(fleet, &worker.url).await {
                leading.push(i);
            }
        }
        if let [one] = leading[..] { Ok(one) } else { Err(format!("{leading:?} lead")) }
    })
    .await
}

async fn leads(fleet: &Fleet, url: &str) -> bool {
    let text = fleet.get(&format!("{url}/metrics")).await.text().await.unwrap();
    let duties = ["prune", "reconcile"].map(|duty| text.contains(&format!("flotilla_leads{{duty=\"{duty}\"}} 1")));
    assert_eq!(duties[0], duties[1], "one worker asks for all at once");
    duties[0]
}
