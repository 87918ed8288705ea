//! `/metrics`: in Prometheus' text format.

use super::{App, probes::PATIENCE};
use axum::{
    extract::State,
    http::header::{CONTENT_TYPE, HeaderName},
};
use flotilla_workers::ledger::{Budget, Period, Scope};
use std::sync::Arc;
use tokio::time::timeout;

const FORMAT: (HeaderName, &str) = (CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");

/// Every metric of the process, and the fleet's queues, providers and budgets as they are now.
#[utoipa::path(
    get, path = "/metrics", tag = "operation",
    responses((status = 200, description = "Prometheus text format.", body = String, content_type = "text/plain"))
)]
pub async fn metrics(State(app): State<Arc<App>>) -> ([(HeaderName, &'static str); 1], String) {
    // The process's own numbers matter most when the store is away.
    let budgets = [Period::Day, Period::Total].map(|period| Budget { scope: Scope::Fleet, period });
    let (queues, lanes, fills) = tokio::join!(
        timeout(PATIENCE, app.store.queues()),
        timeout(PATIENCE, app.store.lanes()),
        timeout(PATIENCE, app.store.budgets(&budgets))
    );
    match queues {
        Ok(Ok(queues)) => app.metrics.collect_queues(&queues),
        Ok(Err(error)) => tracing::warn!(%error, "queues cannot be counted; their last numbers stand"),
        Err(_) => tracing::warn!("queues cannot be counted soon enough; their last numbers stand"),
    }
    match lanes {
        Ok(Ok(lanes)) => app.metrics.agents().collect_lanes(&lanes),
        Ok(Err(error)) => tracing::warn!(%error, "providers cannot be looked at; their last numbers stand"),
        Err(_) => tracing::warn!("providers cannot be looked at soon enough; their last numbers stand"),
    }
    match fills {
        Ok(Ok(fills)) => {
            let budgets: Vec<_> = budgets.into_iter().zip(fills).collect();
            app.metrics.agents().collect_budgets(&budgets);
        }
        Ok(Err(error)) => tracing::warn!(%error, "budgets cannot be read; their last numbers stand"),
        Err(_) => tracing::warn!("budgets cannot be read soon enough; their last numbers stand"),
    }
    app.metrics.collect_pools(&app.store.pools());
    app.metrics.collect_damage(app.store.damage());
    ([FORMAT], app.metrics.render())
}
