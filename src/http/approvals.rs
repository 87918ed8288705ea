//! `/v1/approvals`: calls of tools that wait for a person, and what that person says.

use super::{
    App,
    body::{JsonBytes, Name, Parameters},
    error::{ApiError, Code},
};
use axum::{Json, extract::State};
use flotilla_jobs::{
    Invalid, JobId,
    api::{Approval, ApprovalId, Approvals, Decision, Say},
};
use flotilla_workers::approvals::{self, Verdict};
use serde::Deserialize;
use std::sync::Arc;

/// Approvals on a page where nobody says otherwise.
const PAGE: u32 = 50;

/// Which are asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    state: Option<String>,
    job: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
}

/// Calls of tools that wait for a person, or waited, newest first.
#[utoipa::path(
    get, path = "/v1/approvals", tag = "approvals",
    params(
        ("state" = Option<Decision>, Query, description = "Those that wait are `pending`."),
        ("job" = Option<String>, Query, description = "Of this job."),
        ("after" = Option<String>, Query, description = "`next` of the page before."),
        ("limit" = Option<u32>, Query, description = "1 to 1,000; 50 unless set."),
    ),
    responses((status = 200, description = "One page.", body = Approvals))
)]
pub async fn list(
    State(app): State<Arc<App>>,
    Parameters(asked): Parameters<Asked>,
) -> Result<Json<Approvals>, ApiError> {
    let state = asked.state.as_deref().map(str::parse::<Decision>).transpose()?;
    let job = asked.job.as_deref().map(str::parse::<JobId>).transpose().map_err(|e| at("job", e))?;
    let after = asked.after.as_deref().map(str::parse::<ApprovalId>).transpose().map_err(|e| at("after", e))?;
    let limit = asked.limit.unwrap_or(PAGE);
    if !(1..=approvals::MAX_PAGE).contains(&limit) {
        let message = format!("is {limit}; use 1 to {}", approvals::MAX_PAGE);
        return Err(ApiError::new(Code::InvalidField, message).field("limit"));
    }
    let approvals = app.store.list_approvals(state, job, after, limit).await?;
    let next = approvals.last().filter(|_| approvals.len() == limit as usize).map(|last| last.id);
    Ok(Json(Approvals { approvals, next }))
}

/// Agrees to a call: its job goes on and makes it, once. The first decision counts.
#[utoipa::path(
    post, path = "/v1/approvals/{id}/approve", tag = "approvals", request_body = Say,
    params(("id" = String, Path, description = "The approval's id.")),
    responses((status = 200, description = "How it stands now.", body = Approval))
)]
pub async fn approve(State(app): State<Arc<App>>, Name(id): Name, body: JsonBytes) -> Result<Json<Approval>, ApiError> {
    decide(&app, &id, &body, true).await
}

/// Refuses a call: its job goes on, and the model is told. The first decision counts.
#[utoipa::path(
    post, path = "/v1/approvals/{id}/deny", tag = "approvals", request_body = Say,
    params(("id" = String, Path, description = "The approval's id.")),
    responses((status = 200, description = "How it stands now.", body = Approval))
)]
pub async fn deny(State(app): State<Arc<App>>, Name(id): Name, body: JsonBytes) -> Result<Json<Approval>, ApiError> {
    decide(&app, &id, &body, false).await
}

/// The same about a parameter.
fn at(name: &str, error: Invalid) -> Invalid {
    Invalid { field: name.to_owned(), ..error }
}

async fn decide(app: &App, id: &str, body: &JsonBytes, approve: bool) -> Result<Json<Approval>, ApiError> {
    let id: ApprovalId = id.parse()?;
    let verdict = Verdict { approve, say: body.parse()? };
    let wanted = verdict.decision();
    let decided = approvals::decide(&*app.store, id, verdict).await?;
    let (approval, _) = decided
        .ok_or_else(|| ApiError::new(Code::ApprovalNotFound, format!("there is no approval {id}")).field("id"))?;
    // Who repeats a decision gets the same answer.
    if approval.decision == wanted {
        return Ok(Json(approval));
    }
    let message = format!("the approval is {} already, which is final", approval.decision.as_str());
    Err(ApiError::new(Code::Conflict, message).field("state"))
}
