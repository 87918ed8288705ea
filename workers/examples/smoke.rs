//! Throwaway: store loops without the engine.
use flotilla_jobs::*;
use flotilla_workers::store::{self, *};
use std::time::{Duration, Instant};

#[tokio::main]
async fn main() {
    let prefix = format!("s{}", std::process::id());
    let mut o = store::remote::Options::new(
        "redis://127.0.0.1:7777".to_string().into(),
        "postgres://postgres@127.0.0.1:7778/postgres".to_string().into(),
    );
    o.prefix = prefix.clone();
    println!("{:?}", store::remote::migrate(&o).await);
    let s = store::remote::open(o).await.unwrap();
    let payload = serde_json::value::to_raw_value(&serde_json::json!({"x": "y".repeat(1000)})).unwrap();
    let mk = |opts: Options| {
        Submission::new(
            NewJob { kind: "noop".into(), payload: payload.clone(), options: opts, idempotency_key: None },
            Options::default(),
        )
        .unwrap()
    };
    let n = 50_000;
    let t = Instant::now();
    let mut set = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let s = s.clone();
        let p = payload.clone();
        set.spawn(async move {
            for _ in 0..n / 4 / 1000 {
                let jobs = (0..1000)
                    .map(|_| {
                        Submission::new(
                            NewJob {
                                kind: "noop".into(),
                                payload: p.clone(),
                                options: Options::default(),
                                idempotency_key: None,
                            },
                            Options::default(),
                        )
                        .unwrap()
                    })
                    .collect();
                s.enqueue(jobs).await.unwrap();
            }
        });
    }
    while set.join_next().await.is_some() {}
    println!("enqueue batch {:.0}/s", n as f64 / t.elapsed().as_secs_f64());
    let t = Instant::now();
    for _ in 0..50 {
        let s = s.clone();
        let p = payload.clone();
        set.spawn(async move {
            for _ in 0..200 {
                s.enqueue(vec![
                    Submission::new(
                        NewJob {
                            kind: "noop".into(),
                            payload: p.clone(),
                            options: Options::default(),
                            idempotency_key: None,
                        },
                        Options::default(),
                    )
                    .unwrap(),
                ])
                .await
                .unwrap();
            }
        });
    }
    while set.join_next().await.is_some() {}
    println!("enqueue single {:.0}/s", 10_000f64 / t.elapsed().as_secs_f64());
    println!("{:?}", s.queues().await.unwrap());
    let t = Instant::now();
    let mut total = 0;
    for _ in 0..2 {
        let s = s.clone();
        set.spawn(async move {
            let mut got = 0;
            loop {
                let q = [("default".to_string(), 500u32)];
                let c = s.claim(Claim { worker: "w", queues: &q, lease_ttl: Duration::from_secs(15) }).await.unwrap();
                if c.is_empty() {
                    break;
                }
                got += c.len();
                let ends = c
                    .into_iter()
                    .map(|c| Settle {
                        started_at: c.claimed_at,
                        end: End::Completed(serde_json::value::to_raw_value(&()).unwrap()),
                        lease: c.lease,
                    })
                    .collect();
                for r in s.settle(ends).await.unwrap() {
                    assert_eq!(r, Settled::Recorded(JobState::Completed));
                }
            }
            println!("got {got}");
        });
    }
    while set.join_next().await.is_some() {
        total += 1;
    }
    println!("drain {:.0}/s ({total})", 60_000f64 / t.elapsed().as_secs_f64());
    let a = s
        .enqueue(vec![
            mk(Options {
                unique: Some(Unique { key: "k".into(), scope: UniqueScope::Unfinished }),
                ..Options::default()
            }),
            mk(Options {
                unique: Some(Unique { key: "k".into(), scope: UniqueScope::Unfinished }),
                group: Some(Group { key: "g".into(), limit: 1 }),
                ..Options::default()
            }),
        ])
        .await
        .unwrap();
    println!("{a:?}");
    println!("{:?}", s.cancel(&[a[0].id]).await);
    println!("{:?}", s.get(a[0].id).await.unwrap().map(|j| (j.state, j.finished_at)));
    println!(
        "{:?}",
        s.list(&Filter { state: Some(JobState::Cancelled), ..Filter::default() }, None, 2).await.unwrap().jobs.len()
    );
    println!("{:?}", s.reconcile(None, Duration::ZERO, 100).await);
    s.close().await;
}
