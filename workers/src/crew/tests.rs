//! The crew by itself.

use super::*;
use crate::metrics::Metrics;
use flotilla_jobs::JobId;
use std::sync::mpsc;

const PATIENCE: Duration = Duration::from_secs(20);
const THREADS: usize = 2;

struct World {
    crew: Crew,
    metrics: Arc<Metrics>,
    over: CancellationToken,
}

impl World {
    fn new() -> Self {
        let (crew, over) = (Crew::of(THREADS).unwrap(), CancellationToken::new());
        tokio::spawn(crew.watch(over.clone()));
        Self { crew, metrics: Metrics::new(), over }
    }

    fn spawn<T: Send + 'static>(&self, handler: impl Future<Output = T> + Send + 'static) -> Hold<T> {
        self.crew.spawn(Label { job: JobId::new(), metrics: self.metrics.kind("probe") }, handler)
    }

    /// As many handlers as asked for that block their threads until what is answered is dropped.
    fn block(&self, handlers: usize) -> (Vec<Hold<()>>, Vec<mpsc::Sender<()>>) {
        let block = |_| {
            let (sender, receiver) = mpsc::channel::<()>();
            (self.spawn(async move { _ = receiver.recv() }), sender)
        };
        (0..handlers).map(block).unzip()
    }

    fn threads(&self) -> usize {
        self.crew.shared.state().seats.len()
    }
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it happens in time")
}

#[tokio::test]
async fn handlers_run_and_wait_and_answer() {
    let world = World::new();
    let mut all: Vec<Hold<u32>> = (0..200)
        .map(|n| {
            world.spawn(async move {
                sleep(Duration::from_millis(u64::from(n % 7))).await;
                tokio::spawn(async move { n }).await.unwrap()
            })
        })
        .collect();
    for (n, hold) in all.iter_mut().enumerate() {
        assert_eq!(soon(hold.ended()).await.unwrap().unwrap(), n as u32);
    }
    world.crew.close().await;
    assert_eq!(world.threads(), 0);
}

#[tokio::test]
async fn others_go_on_while_more_handlers_block_than_there_are_threads() {
    let world = World::new();
    let (mut blocked, gates) = world.block(3 * THREADS);
    // These came before the threads were found to be blocked, and wait for time of the runtime.
    let mut others: Vec<Hold<()>> = (0..50).map(|_| world.spawn(sleep(Duration::from_millis(5)))).collect();
    for other in &mut others {
        soon(other.ended()).await.unwrap().unwrap();
    }
    soon(async {
        let series = format!("flotilla_handlers_blocking{{kind=\"probe\"}} {}", 3 * THREADS);
        while !world.metrics.render().contains(&series) {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    drop(gates);
    for one in &mut blocked {
        soon(one.ended()).await.unwrap().unwrap();
    }
    // The threads that stood in for blocked ones have left.
    soon(async {
        while world.threads() > THREADS {
            world.spawn(async {}).ended().await;
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert!(world.metrics.render().contains("flotilla_handlers_blocking{kind=\"probe\"} 0"));
    world.over.cancel();
}

#[tokio::test]
async fn a_panic_is_answered_and_costs_no_thread() {
    let world = World::new();
    for _ in 0..20 {
        let panic = soon(world.spawn(async { panic!("at the disco") }).ended()).await.unwrap();
        assert_eq!(*panic.err().unwrap().downcast::<&str>().unwrap(), "at the disco");
    }
    assert_eq!(world.threads(), THREADS);
}

#[tokio::test]
async fn a_destructor_that_panics_costs_no_thread() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(std::thread::panicking(), "boom");
        }
    }
    let world = World::new();
    for _ in 0..2 * THREADS {
        let mut hold = world.spawn(async {
            let _bomb = Bomb;
            std::future::pending::<()>().await;
        });
        hold.abort();
        assert!(soon(hold.ended()).await.is_none_or(|ended| ended.is_err()));
    }
    soon(world.spawn(async {}).ended()).await.unwrap().unwrap();
    assert_eq!(world.threads(), THREADS);
}

#[tokio::test]
async fn a_handler_is_dropped_with_its_owner() {
    let world = World::new();
    let (alive, gone) = oneshot::channel::<()>();
    let hold = world.spawn(async move {
        std::future::pending::<()>().await;
        drop(alive);
    });
    drop(hold);
    assert!(soon(gone).await.is_err());
}

#[tokio::test]
async fn the_end_does_not_wait_for_a_handler_that_blocks() {
    let world = World::new();
    let (blocked, gates) = world.block(1);
    soon(async {
        while !world.crew.shared.state().seats.iter().any(|seat| seat.is_blocked()) {
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    drop(blocked);
    soon(world.crew.close()).await;
    assert_eq!(world.threads(), 1);
    drop(gates);
}
