//! Cancel, retry and resume: one job, or all that match a filter.

use super::{
    App,
    body::{Id, JsonBytes, Parameters},
    error::{ApiError, Code},
};
use crate::actions::{Action, Done};
use axum::{Json, extract::State};
use flotilla_jobs::{
    Filter, JobId, JobRecord,
    api::{CancelAnswer, CancelReply, Swept},
};
use std::sync::Arc;

/// Asks for a job to be cancelled: a waiting one is at once, a running one when its handler has ended.
#[utoipa::path(
    post, path = "/v1/jobs/{id}/cancel", tag = "jobs", params(("id" = String, Path, description = "The job's id.")),
    responses((status = 200, description = "What came of it.", body = CancelAnswer))
)]
pub async fn cancel(State(app): State<Arc<App>>, Id(id): Id) -> Result<Json<CancelAnswer>, ApiError> {
    let reply = match Action::Cancel.on_one(&*app.store, id).await?.ok_or_else(|| ApiError::no_job(id))? {
        Done::Yes => CancelReply::Cancelled,
        Done::Asked => CancelReply::Asked,
        Done::No(_) => CancelReply::AlreadyFinished,
    };
    Ok(Json(CancelAnswer { id, reply }))
}

/// Runs a failed or quarantined job once more, with fresh attempts.
#[utoipa::path(
    post, path = "/v1/jobs/{id}/retry", tag = "jobs", params(("id" = String, Path, description = "The job's id.")),
    responses((status = 200, description = "The job as it is now.", body = JobRecord))
)]
pub async fn retry(State(app): State<Arc<App>>, Id(id): Id) -> Result<Json<JobRecord>, ApiError> {
    on_one(&app, Action::Retry, id).await
}

/// Puts a paused job back into its queue.
#[utoipa::path(
    post, path = "/v1/jobs/{id}/resume", tag = "jobs", params(("id" = String, Path, description = "The job's id.")),
    responses((status = 200, description = "The job as it is now.", body = JobRecord))
)]
pub async fn resume(State(app): State<Arc<App>>, Id(id): Id) -> Result<Json<JobRecord>, ApiError> {
    on_one(&app, Action::Resume, id).await
}

/// Cancels jobs that match, up to 1,000 a call. An empty filter needs `?all=true`.
#[utoipa::path(
    post, path = "/v1/jobs/cancel", tag = "jobs", request_body = Filter, params(("all" = Option<bool>, Query)),
    responses((status = 200, description = "How many, and whether to ask again.", body = Swept))
)]
pub async fn cancel_matching(
    app: State<Arc<App>>,
    all: Parameters<All>,
    body: JsonBytes,
) -> Result<Json<Swept>, ApiError> {
    on_matching(&app, Action::Cancel, &all.0, &body).await
}

/// Runs failed and quarantined jobs that match once more, up to 1,000 a call. An empty filter needs `?all=true`.
#[utoipa::path(
    post, path = "/v1/jobs/retry", tag = "jobs", request_body = Filter, params(("all" = Option<bool>, Query)),
    responses((status = 200, description = "How many, and whether to ask again.", body = Swept))
)]
pub async fn retry_matching(
    app: State<Arc<App>>,
    all: Parameters<All>,
    body: JsonBytes,
) -> Result<Json<Swept>, ApiError> {
    on_matching(&app, Action::Retry, &all.0, &body).await
}

/// Puts paused jobs that match back into their queues, up to 1,000 a call. An empty filter needs `?all=true`.
#[utoipa::path(
    post, path = "/v1/jobs/resume", tag = "jobs", request_body = Filter, params(("all" = Option<bool>, Query)),
    responses((status = 200, description = "How many, and whether to ask again.", body = Swept))
)]
pub async fn resume_matching(
    app: State<Arc<App>>,
    all: Parameters<All>,
    body: JsonBytes,
) -> Result<Json<Swept>, ApiError> {
    on_matching(&app, Action::Resume, &all.0, &body).await
}

/// Says that an empty filter is no mistake.
#[derive(serde::Deserialize)]
pub struct All {
    #[serde(default)]
    all: bool,
}

async fn on_one(app: &App, action: Action, id: JobId) -> Result<Json<JobRecord>, ApiError> {
    match action.on_one(&*app.store, id).await?.ok_or_else(|| ApiError::no_job(id))? {
        Done::Yes | Done::Asked => app.store.get(id).await?.map(Json).ok_or_else(|| ApiError::no_job(id)),
        Done::No(state) => {
            let usable: Vec<_> = action.states().iter().map(|state| state.as_str()).collect();
            let message = format!("the job is {state}; {} works on {}", action.as_str(), usable.join(", "));
            Err(ApiError::new(Code::Conflict, message).field("state"))
        }
    }
}

async fn on_matching(app: &App, action: Action, all: &All, body: &JsonBytes) -> Result<Json<Swept>, ApiError> {
    let filter: Filter = body.parse()?;
    if filter == Filter::default() && !all.all {
        let message = format!("an empty filter would {} every job; say ?all=true if that is meant", action.as_str());
        return Err(ApiError::new(Code::InvalidField, message).field("all"));
    }
    Ok(Json(action.on_matching(&*app.store, &filter).await?))
}
