//! The agents of this process: from its configuration, over its store.

use crate::{config::Loaded, exit::Failure};
use flotilla_workers::{
    agents::{
        Agents, Definitions, Means,
        kit::{Readiness, State},
        model::{Client, tokens},
    },
    clock::Clock,
    engine_side::EngineSide,
    metrics::Metrics,
};
use std::{path::Path, sync::Arc};

/// What handlers that ask models are given.
pub fn open(loaded: &Loaded, store: EngineSide, metrics: &Metrics) -> Result<Agents, Failure> {
    let definitions = definitions(loaded)?;
    let store = Arc::new(store);
    let (approvals, cache) = (Arc::clone(&store), Arc::clone(&store));
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
    let agents = agents
        .tracing_prompts(loaded.config.telemetry.prompts)
        .guarded(loaded.guards.clone().counting(metrics.agents()));
    let cached = agents.caching(cache, loaded.config.agents.cache.limits());
    Ok(cached.acting(loaded.kit.clone()).asking(approvals))
}

/// The agents there are, with the roles that the configuration gives them.
pub fn definitions(loaded: &Loaded) -> Result<Definitions, Failure> {
    let definitions = Definitions::load(loaded.config.agents.dir.as_deref().map(Path::new))
        .map_err(|e| Failure::usage(e.to_string()))?;
    definitions.with_roles(loaded.roles.clone()).map_err(|e| Failure::usage(format!("roles: {e}")))
}

/// Says how tools are, in the log and in metrics.
pub fn tell(tools: &[Readiness], metrics: &Metrics) {
    for Readiness { tool, state, detail } in tools {
        metrics.agents().tool_ready(tool, *state == State::Ready);
        let tool = &**tool;
        match state {
            State::Ready => tracing::info!(tool, "agents may use it: {detail}"),
            State::Off => tracing::debug!(tool, "it is off: {detail}"),
            State::Unfit => tracing::warn!(tool, "it is configured, and every call is refused: {detail}"),
        }
    }
}

/// Makes ready what the first runs of agents would wait for, where they may come at once.
pub fn prepare(agents: &Agents) {
    if agents.has_models() {
        // Nobody waits for it: who needs it earlier builds it, and it ends by itself.
        drop(tokio::task::spawn_blocking(tokens::prepare));
    }
}
