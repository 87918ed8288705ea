//! A process that dies at any border of the journal pays for at most one step again, and the result stays one.

use crate::{
    crash::{Bordered, Borders, Mortal},
    place::Place,
    scripted::{Scripted, calls, results, says},
    tools::tools,
    world::{PATIENCE, World},
};
use flotilla_workers::agents::{Halt, Run, Toolbox};
use serde_json::json;
use std::sync::{Arc, atomic::Ordering};
use tokio::time::timeout;

/// Calls of the model that a run without a crash needs.
const STEPS: u64 = 3;

/// A decision, and a conversation with tools of each sort.
async fn work(run: &Run, toolbox: &Toolbox) -> Result<String, Halt> {
    let what: String = run.decide(1, "what", &(), || "it".to_owned()).await?;
    Ok(run.converse(2, "ask", &json!({"what": what}), toolbox).await?.text)
}

fn model() -> Arc<Scripted> {
    Arc::new(Scripted::new(|_, _, request| {
        Ok(match results(request) {
            0 => calls(&[("look", r#"{"say":"a"}"#), ("look", r#"{"say":"b"}"#)]),
            2 => calls(&[("mark", "{}"), ("look", r#"{"say":"c"}"#)]),
            _ => says("{\"n\": 4}"),
        })
    }))
}

async fn die_everywhere(store: &str, place: Place) {
    let mut world = World::on(place, model()).await;
    world.means.admission = world.store.clone();
    let mut table = Vec::new();
    for at in 0.. {
        assert!(at < 100, "a run has fewer borders");
        let provider = model();
        let (look, mark, toolbox) = tools();
        let borders = Borders::stop_at(at);
        world.means.journal = Arc::new(Bordered { store: world.store.clone(), borders: borders.clone() });
        world.means.client = Arc::new(Mortal { inner: provider.clone(), borders: borders.clone() });
        let run = world.open().await;
        let died = tokio::select! {
            biased;
            done = work(&run, &toolbox) => {
                done.unwrap();
                false
            }
            () = borders.reached() => true,
        };
        drop(run);
        if !died {
            break;
        }
        let before = provider.calls();
        world.hand_over().await;
        world.means.journal = world.store.clone();
        world.means.client = provider.clone();
        let result = work(&world.open().await, &toolbox).await.unwrap();
        assert_eq!(result, "{\"n\": 4}");
        let name = borders.name.lock().unwrap().clone();
        assert!(provider.calls() <= STEPS + 1, "{name}: {} calls", provider.calls());
        let marks: Vec<u32> = mark.marks.lock().unwrap().values().copied().collect();
        assert_eq!(marks, [1], "{name}: an effect happens once");
        let runs = world.record().await;
        assert_eq!(runs.len(), 1, "{name}");
        let on_record: usize = runs[0].steps.iter().map(|step| step.calls.len()).sum();
        assert!(on_record as u64 >= provider.calls(), "{name}: each call is in the ledger, lost or not: {runs:?}");
        assert_eq!(world.done().await.len(), 8, "{name}");
        let reads = look.calls.load(Ordering::SeqCst);
        table.push(format!("| {name} | {before} | {} | {reads} | 1 |", provider.calls()));
        world.next_job().await;
    }
    println!("{store}: {STEPS} steps of a model; died");
    println!("| at | calls before | calls in all | reads | effects |\n|---|---|---|---|---|\n{}", table.join("\n"));
    assert!(table.len() >= 20, "borders were met: {}", table.len());
    assert!(table.iter().any(|row| row.contains("before end") && row.contains("| 4 |")), "one call was paid twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_pays_a_step_twice_at_most() {
    timeout(PATIENCE, die_everywhere("sqlite", Place::file().await)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn remote_pays_a_step_twice_at_most() {
    timeout(PATIENCE, die_everywhere("redis + postgres", Place::remote().await)).await.unwrap();
}
