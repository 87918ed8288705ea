//! `GET /v1/jobs`: pages of jobs, newest first.

use super::{
    App,
    body::Parameters,
    error::{ApiError, Code},
};
use axum::{Json, extract::State};
use flotilla_jobs::{Filter, JobId, JobState, Page};
use std::{str::FromStr, sync::Arc};

/// Most jobs on a page.
const MAX_PAGE: u32 = 1_000;
/// Jobs on a page where nobody says otherwise.
const PAGE: u32 = 50;
/// What may be asked.
const PARAMETERS: [&str; 9] =
    ["state", "kind", "queue", "tenant", "label", "created_after", "created_before", "after", "limit"];

/// Jobs that match, newest first. Lists leave out payload, output and history.
#[utoipa::path(
    get, path = "/v1/jobs", tag = "jobs",
    params(
        ("state" = Option<JobState>, Query),
        ("kind" = Option<String>, Query),
        ("queue" = Option<String>, Query),
        ("tenant" = Option<String>, Query),
        ("label" = Option<Vec<String>>, Query, description = "`name:value`; may be given several times."),
        ("created_after" = Option<String>, Query, description = "RFC 3339; at or after."),
        ("created_before" = Option<String>, Query, description = "RFC 3339; before."),
        ("after" = Option<String>, Query, description = "`next` of the page before."),
        ("limit" = Option<u32>, Query, description = "1 to 1,000; 50 unless set."),
    ),
    responses((status = 200, description = "One page.", body = Page))
)]
pub async fn list(
    State(app): State<Arc<App>>,
    Parameters(pairs): Parameters<Vec<(String, String)>>,
) -> Result<Json<Page>, ApiError> {
    let asked = Asked::parse(pairs)?;
    Ok(Json(app.store.list(&asked.filter, asked.after, asked.limit).await?))
}

struct Asked {
    filter: Filter,
    after: Option<JobId>,
    limit: u32,
}

impl Asked {
    fn parse(pairs: Vec<(String, String)>) -> Result<Self, ApiError> {
        let mut asked = Self { filter: Filter::default(), after: None, limit: PAGE };
        let filter = &mut asked.filter;
        for (name, value) in pairs {
            match name.as_str() {
                "state" => {
                    let states = JobState::ALL.map(JobState::as_str).join(", ");
                    let state = JobState::parse(&value);
                    filter.state = Some(state.ok_or_else(|| wrong("state", format!("use one of: {states}")))?);
                }
                "kind" => filter.kind = Some(value),
                "queue" => filter.queue = Some(value),
                "tenant" => filter.tenant = Some(value),
                "label" => {
                    let (label, value) = value.split_once(':').ok_or_else(|| wrong("label", "use name:value"))?;
                    filter.labels.insert(label.to_owned(), value.to_owned());
                }
                "created_after" => filter.created_after = Some(parse("created_after", &value, "use RFC 3339")?),
                "created_before" => filter.created_before = Some(parse("created_before", &value, "use RFC 3339")?),
                "after" => asked.after = Some(parse("after", &value, "use `next` of the page before")?),
                "limit" => asked.limit = parse("limit", &value, "use 1 to 1000")?,
                _ => return Err(wrong(&name, format!("is not known; use some of: {}", PARAMETERS.join(", ")))),
            }
        }
        if !(1..=MAX_PAGE).contains(&asked.limit) {
            return Err(wrong("limit", format!("is {}; use 1 to {MAX_PAGE}", asked.limit)));
        }
        Ok(asked)
    }
}

fn parse<T: FromStr>(name: &str, value: &str, right: &str) -> Result<T, ApiError> {
    value.parse().map_err(|_| wrong(name, right))
}

fn wrong(name: &str, message: impl Into<String>) -> ApiError {
    ApiError::new(Code::InvalidField, message).field(name)
}
