//! `/v1/jobs`: submit and get.

use super::{
    App,
    body::{Id, JsonBytes},
    error::{ApiError, Code},
    review_paths,
};
use crate::telemetry;
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};
use flotilla_jobs::{Accepted, JobRecord, MAX_BATCH, NewJob};
use flotilla_workers::store::Submission;
use std::sync::Arc;

/// One job, or up to 1,000.
#[derive(serde::Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "describes the body to OpenAPI; which it is, is told from the first byte")]
pub enum Jobs {
    One(Box<NewJob>),
    Many(Vec<NewJob>),
}

/// As many as there were jobs.
#[derive(serde::Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "describes the body to OpenAPI")]
pub enum AcceptedJobs {
    One(Accepted),
    Many(Vec<Accepted>),
}

/// Submits one job, or an array of up to 1,000: all of them are accepted, or none.
#[utoipa::path(
    post, path = "/v1/jobs", tag = "jobs", request_body = Jobs,
    params(("Idempotency-Key" = Option<String>, Header, description =
        "Makes a repeat return the first jobs for 24 hours; item i of an array gets the key `KEY#i`.")),
    responses(
        (status = 201, description = "Accepted. `Location` names a single job.", body = AcceptedJobs),
        (status = 200, description = "All were accepted before.", body = AcceptedJobs),
    )
)]
pub async fn submit(State(app): State<Arc<App>>, headers: HeaderMap, body: JsonBytes) -> Result<Response, ApiError> {
    let (key, trace) = (idempotency_key(&headers)?, telemetry::current(&headers));
    if body.bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'[') {
        let mut job: NewJob = body.parse()?;
        set_key(&mut job, key)?;
        set_trace(&mut job, trace.as_ref());
        let accepted = app.producer.enqueue_all(vec![admit(&app, job)?]).await?;
        let accepted = *accepted.first().ok_or_else(|| ApiError::internal("one job was enqueued, none answered"))?;
        let location = [(LOCATION, format!("/v1/jobs/{}", accepted.id))];
        return Ok((created(&[accepted]), location, Json(accepted)).into_response());
    }
    let jobs: Vec<NewJob> = body.parse()?;
    if jobs.is_empty() || jobs.len() > MAX_BATCH {
        let message = format!("{} jobs in one request; send 1 to {MAX_BATCH}", jobs.len());
        return Err(ApiError::new(Code::BatchSize, message));
    }
    let admit_one = |(i, mut job): (usize, NewJob)| {
        set_trace(&mut job, trace.as_ref());
        set_key(&mut job, key.as_ref().map(|key| format!("{key}#{i}"))).and_then(|()| admit(&app, job)).map_err(
            |error| {
                let field = error.field.as_deref().map_or_else(|| format!("[{i}]"), |field| format!("[{i}].{field}"));
                error.field(field)
            },
        )
    };
    let admitted = jobs.into_iter().enumerate().map(admit_one).collect::<Result<Vec<_>, _>>()?;
    let accepted = app.producer.enqueue_all(admitted).await?;
    Ok((created(&accepted), Json(accepted)).into_response())
}

/// One job with payload, output and history.
#[utoipa::path(
    get, path = "/v1/jobs/{id}", tag = "jobs", params(("id" = String, Path, description = "The job's id.")),
    responses((status = 200, description = "The job.", body = JobRecord))
)]
pub async fn get(State(app): State<Arc<App>>, Id(id): Id) -> Result<Json<JobRecord>, ApiError> {
    app.store.get(id).await?.map(Json).ok_or_else(|| ApiError::no_job(id))
}

fn admit(app: &App, job: NewJob) -> Result<Submission, ApiError> {
    let submission = app.producer.admit(job)?;
    review_paths::check(&submission, &app.review_roots)?;
    Ok(submission)
}

fn created(accepted: &[Accepted]) -> StatusCode {
    if accepted.iter().all(|accepted| accepted.duplicate) { StatusCode::OK } else { StatusCode::CREATED }
}

pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().filter(|key| !key.is_empty());
    key.map(|key| Some(key.to_owned())).ok_or_else(|| {
        ApiError::new(Code::InvalidField, "use 1 to 256 printable ASCII characters").field("idempotency-key")
    })
}

fn set_key(job: &mut NewJob, key: Option<String>) -> Result<(), ApiError> {
    let Some(key) = key else { return Ok(()) };
    if job.idempotency_key.as_ref().is_some_and(|own| *own != key) {
        let message = "differs from the Idempotency-Key header; use one of them";
        return Err(ApiError::new(Code::InvalidField, message).field("idempotency_key"));
    }
    job.idempotency_key = Some(key);
    Ok(())
}

/// A job goes on in the trace of the request, unless it names its own.
fn set_trace(job: &mut NewJob, trace: Option<&String>) {
    if job.options.trace.is_none() {
        job.options.trace = trace.cloned();
    }
}
