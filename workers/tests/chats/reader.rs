//! Someone who reads along: puts an answer together from a job's live output, whoever said what of it.

use flotilla_jobs::JobId;
use flotilla_workers::store::{LiveEvent, NumberedEvent, Store};
use std::collections::BTreeMap;

/// Everything a job said.
pub async fn events(store: &dyn Store, job: JobId) -> Vec<NumberedEvent> {
    let mut all: Vec<NumberedEvent> = Vec::new();
    loop {
        let page = store.read(job, all.last().map_or(0, |event| event.seq), 1_000).await.unwrap();
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    assert!(all.iter().zip(1..).all(|(event, n)| event.seq == n), "numbers have no gap");
    all
}

/// The text of each step: that of its last attempt, unless a reset made it void.
pub async fn steps(store: &dyn Store, job: JobId) -> BTreeMap<u32, String> {
    let mut steps: BTreeMap<u32, (u32, String)> = BTreeMap::new();
    for NumberedEvent { event, .. } in events(store, job).await {
        match event {
            LiveEvent::Text { step, attempt, text } => {
                let (last, all) = steps.entry(step).or_default();
                if *last != attempt {
                    assert!(*last < attempt, "attempts rise: {last}, then {attempt}");
                    (*last, *all) = (attempt, String::new());
                }
                all.push_str(&text);
            }
            LiveEvent::Reset { step, .. } => drop(steps.split_off(&step)),
            LiveEvent::Progress(_) => {}
            other => panic!("{other:?}"),
        }
    }
    steps.into_iter().map(|(step, (_, text))| (step, text)).collect()
}

/// The answer: the text of the last step.
pub async fn answer(store: &dyn Store, job: JobId) -> String {
    steps(store, job).await.into_values().next_back().unwrap_or_default()
}
