//! `/live` and `/ready`: yes or no, for machines.

use super::{
    App,
    error::{ApiError, Code},
};
use axum::{Json, extract::State};
use flotilla_workers::store::Dependency;
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// Whoever probes does not wait long: what does not answer within this does not answer.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Yes.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Yes {
    ok: bool,
}

/// Whether the process answers at all. If not, restart it.
#[utoipa::path(
    get, path = "/live", tag = "operation", security(()),
    responses((status = 200, description = "It does.", body = Yes))
)]
pub async fn live() -> Json<Yes> {
    Json(Yes { ok: true })
}

/// Whether the process can take work now: it is not stopping, and what no job is accepted without answers.
#[utoipa::path(
    get, path = "/ready", tag = "operation", security(()),
    responses((status = 200, description = "It can.", body = Yes))
)]
pub async fn ready(State(app): State<Arc<App>>) -> Result<Json<Yes>, ApiError> {
    if app.stopping.is_cancelled() {
        return Err(ApiError::new(Code::Unavailable, "this process is stopping"));
    }
    let broken = dependencies(&app).await.into_iter().find(|dependency| dependency.required && !dependency.ok);
    match broken {
        None => Ok(Json(Yes { ok: true })),
        Some(dependency) => Err(ApiError {
            detail: Some(format!("{}: {}", dependency.name, dependency.detail)),
            ..ApiError::new(Code::Unavailable, format!("{} does not answer", dependency.name))
        }),
    }
}

/// What the store needs, and whether it answers soon.
pub async fn dependencies(app: &App) -> Vec<Dependency> {
    timeout(PATIENCE, app.store.health()).await.unwrap_or_else(|_| {
        let latency_ms = PATIENCE.as_millis() as u64;
        let detail = format!("does not answer within {latency_ms} ms");
        vec![Dependency { name: "store".to_owned(), ok: false, required: true, latency_ms, detail }]
    })
}
