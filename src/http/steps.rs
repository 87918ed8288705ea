//! `/v1/jobs/{id}/steps` and `/v1/jobs/{id}/transcript`: what agents did for a job, and what was said.

use super::{
    App,
    body::{Id, Parameters},
    error::{ApiError, Code},
};
use axum::{Json, extract::State};
use flotilla_jobs::{
    JobId,
    api::{JobSteps, StepPlace, Transcript},
};
use flotilla_workers::agents::transcript;
use std::sync::Arc;

/// Most calls on a page of steps.
const MAX_STEPS: u32 = 1_000;
/// Calls on a page where nobody says otherwise.
const STEPS: u32 = 100;
/// Steps on a page of a transcript where nobody says otherwise.
const SAID: u32 = 50;

/// What agents did for a job: every call made for its steps, in order, of all its runs. Those that were lost or failed
/// are there too, since they may have cost something.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/steps", tag = "jobs",
    params(
        ("id" = String, Path, description = "The job's id."),
        ("after" = Option<String>, Query, description = "`next` of the page before."),
        ("limit" = Option<u32>, Query, description = "1 to 1,000; 100 unless set."),
    ),
    responses((status = 200, description = "One page.", body = JobSteps))
)]
pub async fn steps(
    State(app): State<Arc<App>>,
    Id(id): Id,
    Parameters(pairs): Parameters<Vec<(String, String)>>,
) -> Result<Json<JobSteps>, ApiError> {
    let (after, limit) = parse(pairs, STEPS, MAX_STEPS)?;
    let steps = app.store.trail(id, after, limit).await?;
    if steps.is_empty() {
        known(&app, id).await?;
    }
    let next = steps.last().filter(|_| steps.len() == limit as usize).map(flotilla_jobs::api::JobStep::place);
    Ok(Json(JobSteps { steps, next }))
}

/// What was said in a job's runs, message by message, in order. A page ends with a whole step, and earlier than asked
/// once it has 1 MiB of text.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/transcript", tag = "jobs",
    params(
        ("id" = String, Path, description = "The job's id."),
        ("after" = Option<String>, Query, description = "`next` of the page before."),
        ("limit" = Option<u32>, Query, description = "Steps whose messages are asked for: 1 to 500; 50 unless set."),
    ),
    responses((status = 200, description = "One page.", body = Transcript))
)]
pub async fn transcript(
    State(app): State<Arc<App>>,
    Id(id): Id,
    Parameters(pairs): Parameters<Vec<(String, String)>>,
) -> Result<Json<Transcript>, ApiError> {
    let (after, limit) = parse(pairs, SAID, transcript::MAX_STEPS)?;
    let page = transcript::page(&*app.store, id, after, limit).await?;
    if page.messages.is_empty() {
        known(&app, id).await?;
    }
    Ok(Json(page))
}

async fn known(app: &App, id: JobId) -> Result<(), ApiError> {
    app.store.get(id).await?.map(drop).ok_or_else(|| ApiError::no_job(id))
}

fn parse(pairs: Vec<(String, String)>, limit: u32, most: u32) -> Result<(Option<StepPlace>, u32), ApiError> {
    let wrong = |name: &str, message: String| ApiError::new(Code::InvalidField, message).field(name);
    let (mut after, mut limit) = (None, limit);
    for (name, value) in pairs {
        match name.as_str() {
            "after" => after = Some(value.parse()?),
            "limit" => {
                let number = value.parse().ok().filter(|number| (1..=most).contains(number));
                limit = number.ok_or_else(|| wrong("limit", format!("use 1 to {most}")))?;
            }
            _ => return Err(wrong(&name, "is not known; use some of: after, limit".to_owned())),
        }
    }
    Ok((after, limit))
}
