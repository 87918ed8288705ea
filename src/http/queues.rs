//! `/v1/queues`: what waits and runs, pause, resume and caps.

use super::{
    App,
    body::{JsonBytes, Name},
    error::ApiError,
};
use axum::{Json, extract::State};
use flotilla_jobs::{
    api::{QueueChange, QueueStats, Queues},
    check_name,
};
use std::sync::Arc;

/// Every queue ever used, with what waits and runs in it.
#[utoipa::path(
    get, path = "/v1/queues", tag = "queues",
    responses((status = 200, description = "Sorted by name.", body = Queues))
)]
pub async fn list(State(app): State<Arc<App>>) -> Result<Json<Queues>, ApiError> {
    Ok(Json(Queues { queues: app.store.queues().await? }))
}

/// Pauses a queue: within a second no worker claims from it. Running jobs go on.
#[utoipa::path(
    post, path = "/v1/queues/{name}/pause", tag = "queues", params(("name" = String, Path, description = "The queue.")),
    responses((status = 200, description = "The queue as it is now.", body = QueueStats))
)]
pub async fn pause(State(app): State<Arc<App>>, Name(name): Name) -> Result<Json<QueueStats>, ApiError> {
    change(&app, name, QueueChange { paused: Some(true), cap: None }).await
}

/// Lets a paused queue hand out jobs again.
#[utoipa::path(
    post, path = "/v1/queues/{name}/resume", tag = "queues", params(("name" = String, Path, description = "The queue.")),
    responses((status = 200, description = "The queue as it is now.", body = QueueStats))
)]
pub async fn resume(State(app): State<Arc<App>>, Name(name): Name) -> Result<Json<QueueStats>, ApiError> {
    change(&app, name, QueueChange { paused: Some(false), cap: None }).await
}

/// Changes a queue's cap (0 takes it away) or whether it is paused.
#[utoipa::path(
    put, path = "/v1/queues/{name}", tag = "queues", params(("name" = String, Path, description = "The queue.")),
    request_body = QueueChange,
    responses((status = 200, description = "The queue as it is now.", body = QueueStats))
)]
pub async fn put(State(app): State<Arc<App>>, Name(name): Name, body: JsonBytes) -> Result<Json<QueueStats>, ApiError> {
    change(&app, name, body.parse()?).await
}

async fn change(app: &App, name: String, change: QueueChange) -> Result<Json<QueueStats>, ApiError> {
    check_name("name", &name)?;
    app.store.configure_queue(&name, change).await?;
    let queues = app.store.queues().await?;
    let known = queues.into_iter().find(|queue| queue.name == name);
    Ok(Json(known.unwrap_or(QueueStats { name, ..QueueStats::default() })))
}
