//! Throwaway: claim and promote against a deep queue.
use flotilla_jobs::*;
use flotilla_workers::store::{self, *};
use std::time::{Duration, Instant};

#[tokio::main]
async fn main() {
    let mut o = store::remote::Options::new(
        "redis://127.0.0.1:7777".to_string().into(),
        "postgres://postgres@127.0.0.1:7778/postgres".to_string().into(),
    );
    o.prefix = format!("s{}", std::process::id());
    println!("{:?}", store::remote::migrate(&o).await);
    let s = store::remote::open(o).await.unwrap();
    let payload = serde_json::value::to_raw_value(&serde_json::json!({"x": "y".repeat(1000)})).unwrap();
    let fill = |q: &'static str, n: usize, soon: i64| {
        let s = s.clone();
        let payload = payload.clone();
        async move {
            let mut set = tokio::task::JoinSet::new();
            for _ in 0..2 {
                let s = s.clone();
                let p = payload.clone();
                set.spawn(async move {
                    for _ in 0..n / 2 / 1000 {
                        let jobs = (0..1000)
                            .map(|i| {
                                Submission::new(
                                    NewJob {
                                        kind: "noop".into(),
                                        payload: p.clone(),
                                        options: Options {
                                            queue: Some(q.into()),
                                            run_at: (soon != 0).then(|| {
                                                jiff::Timestamp::from_millisecond(
                                                    flotilla_workers::clock::system_now() + soon + i,
                                                )
                                                .unwrap()
                                            }),
                                            ..Options::default()
                                        },
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
        }
    };
    let claim = |q: &'static str| {
        let s = s.clone();
        async move {
            let mut t = vec![];
            for _ in 0..200 {
                let qs = [(q.to_string(), 50u32)];
                let a = Instant::now();
                let c = s.claim(Claim { worker: "w", queues: &qs, lease_ttl: Duration::from_secs(15) }).await.unwrap();
                t.push(a.elapsed().as_micros());
                assert_eq!(c.len(), 50);
                let ends = c
                    .into_iter()
                    .map(|c| Settle {
                        started_at: c.claimed_at,
                        end: End::Completed(serde_json::value::to_raw_value(&()).unwrap()),
                        lease: c.lease,
                    })
                    .collect();
                s.settle(ends).await.unwrap();
            }
            t.sort();
            println!("claim {q}: p50 {} us p90 {}", t[100], t[180]);
        }
    };
    let promote = |q: &'static str| {
        let s = s.clone();
        async move {
            let mut t = vec![];
            let mut moved = 0;
            for _ in 0..20 {
                let a = Instant::now();
                moved += s.promote(&[q.to_string()], 500).await.unwrap().moved;
                t.push(a.elapsed().as_micros());
            }
            t.sort();
            println!("promote {q}: p50 {} us moved {moved}", t[10]);
        }
    };
    fill("small", 12_000, 0).await;
    fill("smalld", 12_000, 500).await;
    let t = Instant::now();
    fill("large", 1_000_000, 0).await;
    println!("filled 1M in {:?}", t.elapsed());
    fill("larged", 1_000_000, 1500).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    for _ in 0..3 {
        promote("smalld").await;
        promote("larged").await;
    }
    for _ in 0..2 {
        claim("small").await;
        claim("large").await;
    }
    let t = Instant::now();
    println!("{:?} in {:?}", s.queues().await.unwrap().len(), t.elapsed());
    let t = Instant::now();
    println!(
        "{:?} in {:?}",
        s.list(&Filter { kind: Some("noop".into()), state: Some(JobState::Pending), ..Filter::default() }, None, 50)
            .await
            .unwrap()
            .jobs
            .len(),
        t.elapsed()
    );
    s.close().await;
}
