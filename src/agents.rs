//! The agents of this process: from its configuration, over its store.

use crate::{config::Loaded, exit::Failure};
use flotilla_workers::{
    agents::{
        Agents, Definitions, Means,
        model::{Client, tokens},
    },
    clock::Clock,
    engine_side::EngineSide,
    metrics::Metrics,
};
use std::{path::Path, sync::Arc};

/// What handlers that ask models are given.
pub fn open(loaded: &Loaded, store: EngineSide, metrics: &Metrics) -> Result<Agents, Failure> {
    let definitions = Definitions::load(loaded.config.agents.dir.as_deref().map(Path::new))
        .map_err(|e| Failure::usage(e.to_string()))?;
    let store = Arc::new(store);
    let agents = Agents::new(Means {
        catalog: Arc::clone(&loaded.catalog),
        client: Arc::new(Client::new()),
        journal: Arc::clone(&store) as _,
        ledger: Arc::clone(&store) as _,
        admission: store,
        budgets: loaded.config.budgets.budgets(),
        definitions,
        metrics: metrics.agents(),
        clock: Clock::Store,
    });
    Ok(agents.tracing_prompts(loaded.config.telemetry.prompts))
}

/// Makes ready what the first runs of agents would wait for, where they may come at once.
pub fn prepare(agents: &Agents) {
    if agents.has_models() {
        // Nobody waits for it: who needs it earlier builds it, and it ends by itself.
        drop(tokio::task::spawn_blocking(tokens::prepare));
    }
}
