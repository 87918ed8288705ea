//! What goes wrong, and when: two sequences at a time, one for processes and one for servers and the network.

use crate::{
    processes::Process,
    proxy::{Proxy, Way},
    servers::Server,
    world::World,
};
use jiff::Timestamp;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{Instant, sleep};

/// What was done.
#[derive(Default)]
pub struct Troubles {
    pub counts: BTreeMap<&'static str, u32>,
    /// When each worker was killed or frozen, in order, by its name in the record.
    pub silent: BTreeMap<String, Vec<Timestamp>>,
    pub began: Timestamp,
    pub ended: Timestamp,
}

/// Makes trouble for so long, then heals everything.
pub async fn run(world: &World, seed: u64, time: Duration) -> Troubles {
    let (began, until) = (Timestamp::now(), Instant::now() + time);
    let (mut processes, servers) = tokio::join!(
        to_processes(world, seed.wrapping_mul(2), until),
        to_servers(world, seed.wrapping_mul(2) + 1, until)
    );
    processes.counts.extend(servers.counts);
    Troubles { began, ended: Timestamp::now(), ..processes }
}

async fn to_processes(world: &World, seed: u64, until: Instant) -> Troubles {
    let (mut rng, mut done) = (StdRng::seed_from_u64(seed), Troubles::default());
    while pause(&mut rng, 300..2_000, until).await {
        let worker = &world.workers[rng.random_range(0..world.workers.len())];
        let frozen = Duration::from_millis(rng.random_range(500..6_000));
        let what = match rng.random_range(0..10) {
            0..4 => {
                done.silenced(worker);
                worker.signal("KILL").await;
                "worker killed"
            }
            4..6 => {
                done.silenced(worker);
                worker.signal("STOP").await;
                sleep(frozen).await;
                worker.signal("CONT").await;
                "worker frozen"
            }
            6..8 => {
                worker.signal("TERM").await;
                "worker restarted"
            }
            8 => {
                world.api[rng.random_range(0..world.api.len())].signal("KILL").await;
                "server killed"
            }
            _ => {
                world.api[rng.random_range(0..world.api.len())].signal("TERM").await;
                "server restarted"
            }
        };
        done.count(what);
    }
    done
}

async fn to_servers(world: &World, seed: u64, until: Instant) -> Troubles {
    let (mut rng, mut done) = (StdRng::seed_from_u64(seed), Troubles::default());
    while pause(&mut rng, 1_000..4_000, until).await {
        let redis = rng.random_range(0..2) == 0;
        let proxy = if redis { &world.to_redis } else { &world.to_postgres };
        let time = Duration::from_millis(rng.random_range(500..4_000));
        done.count(match rng.random_range(0..8) {
            0 | 1 if redis => away(&world.redis, time, "redis wiped").await,
            0 | 1 => away(&world.postgres, time, "postgres killed").await,
            2 | 3 => {
                proxy.cut();
                "connections cut"
            }
            4 => network(proxy, time, Proxy::refuse, "connections refused").await,
            5 => network(proxy, time, |proxy| proxy.hold(Way::Both), "network silent").await,
            6 => network(proxy, time, |proxy| proxy.hold(Way::Down), "answers lost").await,
            _ => network(proxy, time, |proxy| proxy.delay(Way::Both, time / 4), "network slow").await,
        });
    }
    world.heal();
    done
}

/// Waits until the next trouble; answers whether there is time for one.
async fn pause(rng: &mut StdRng, range: std::ops::Range<u64>, until: Instant) -> bool {
    sleep(Duration::from_millis(rng.random_range(range))).await;
    Instant::now() < until
}

async fn away(server: &Server, time: Duration, what: &'static str) -> &'static str {
    tokio::task::block_in_place(|| server.kill());
    sleep(time).await;
    tokio::task::block_in_place(|| server.restart());
    what
}

async fn network(proxy: &Proxy, time: Duration, harm: impl Fn(&Proxy), what: &'static str) -> &'static str {
    harm(proxy);
    sleep(time).await;
    proxy.heal();
    what
}

impl Troubles {
    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn silenced(&mut self, worker: &Process) {
        self.silent.entry(worker.worker()).or_default().push(Timestamp::now());
    }
}
