//! A long conversation keeps its journal in proportion, and goes on at once.

use crate::{
    scripted::{Scripted, calls, results, says},
    tools::tools,
    world::{PATIENCE, World},
};
use serde_json::json;
use std::{sync::Arc, time::Instant};
use tokio::time::timeout;

/// Answers of the model.
const STEPS: usize = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_grows_with_the_conversation() {
    // 500 results of 400 tokens and more.
    let provider = Arc::new(Scripted::new(|_, _, request| {
        Ok(match results(request) {
            n if n < STEPS - 1 => calls(&[("look", &format!(r#"{{"say":"line {n} of it; ","times":58}}"#))]),
            n => says(&format!("{{\"n\": {n}}}")),
        })
    }));
    let world = World::new(provider.clone()).await;
    let toolbox = tools().2;
    let run = world.open().await;
    let first = timeout(PATIENCE, run.converse(0, "ask", &json!({"what": "it"}), &toolbox)).await.unwrap().unwrap();
    assert_eq!(provider.calls(), STEPS as u64);

    let began = Instant::now();
    let run = world.open().await;
    let opened = began.elapsed();
    let again = run.converse(0, "ask", &json!({"what": "it"}), &toolbox).await.unwrap();
    let resumed = began.elapsed();
    assert_eq!((again, provider.calls()), (first, STEPS as u64), "nothing is called again");

    let steps = world.record().await.remove(0).steps;
    let size = |text: Option<&serde_json::value::RawValue>| text.map_or(0, |text| text.get().len());
    let sizes: Vec<usize> =
        steps.iter().map(|step| size(step.request.as_deref()) + size(step.response.as_deref())).collect();
    println!("steps of the journal | bytes");
    for at in (0..=sizes.len()).step_by(100) {
        println!("{at:>20} | {}", sizes[..at].iter().sum::<usize>());
    }
    println!(
        "{} steps: {} bytes; opened in {opened:?}, at its end in {resumed:?}",
        sizes.len(),
        sizes.iter().sum::<usize>()
    );
    let (early, late) = (&sizes[100..500], &sizes[500..900]);
    let (early, late) = (early.iter().sum::<usize>(), late.iter().sum::<usize>());
    assert!(late < early + early / 10, "as many steps later on take as much: {early}, {late}");
}
