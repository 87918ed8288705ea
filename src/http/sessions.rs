//! `/v1/sessions`: conversations and what was said in them, for those who look after them.

use super::{
    App,
    body::{JsonBytes, OfSession, Parameters},
    error::{ApiError, Code},
};
use crate::conversations::{self, Forked};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};
use flotilla_jobs::{
    Session, SessionId, SessionPage,
    api::{Entries, EntriesFrom, ForkSession, OpenSession, SessionChange},
};
use flotilla_workers::sessions::MAX_PAGE;
use std::{str::FromStr, sync::Arc};

/// Sessions on a page where nobody says otherwise.
const SESSIONS: u32 = 50;
/// Entries on a page where nobody says otherwise.
const ENTRIES: u32 = 100;

/// Sessions, the newest first.
#[utoipa::path(
    get, path = "/v1/sessions", tag = "sessions",
    params(
        ("tenant" = Option<String>, Query),
        ("after" = Option<String>, Query, description = "`next` of the page before."),
        ("limit" = Option<u32>, Query, description = "1 to 1,000; 50 unless set."),
    ),
    responses((status = 200, description = "One page.", body = SessionPage))
)]
pub async fn list(
    State(app): State<Arc<App>>,
    Parameters(pairs): Parameters<Vec<(String, String)>>,
) -> Result<Json<SessionPage>, ApiError> {
    let (mut tenant, mut after, mut limit) = (None, None, SESSIONS);
    for (name, value) in pairs {
        match name.as_str() {
            "tenant" => tenant = Some(value),
            "after" => after = Some(parse("after", &value, "use `next` of the page before")?),
            "limit" => limit = parse_limit(&value)?,
            _ => return Err(unknown(&name, "tenant, after, limit")),
        }
    }
    Ok(Json(app.store.list_sessions(tenant.as_deref(), after, limit).await?))
}

/// Opens a session. One of that id that is there already is answered as it is.
#[utoipa::path(
    post, path = "/v1/sessions", tag = "sessions", request_body = OpenSession,
    responses(
        (status = 201, description = "Opened. `Location` names it.", body = Session),
        (status = 200, description = "It was there before.", body = Session),
    )
)]
pub async fn open(State(app): State<Arc<App>>, body: JsonBytes) -> Result<Response, ApiError> {
    let (session, there) = conversations::open(&*app.store, body.parse()?).await?;
    let status = if there { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, place(session.id), Json(session)).into_response())
}

/// One session.
#[utoipa::path(
    get, path = "/v1/sessions/{id}", tag = "sessions", params(("id" = String, Path, description = "The session's id.")),
    responses((status = 200, description = "The session.", body = Session))
)]
pub async fn get(State(app): State<Arc<App>>, OfSession(id): OfSession) -> Result<Json<Session>, ApiError> {
    app.store.session(id).await?.map(Json).ok_or_else(|| ApiError::no_session(id))
}

/// Changes a session's title, or what becomes of messages that come while a turn is unfinished.
#[utoipa::path(
    patch, path = "/v1/sessions/{id}", tag = "sessions", request_body = SessionChange,
    params(("id" = String, Path, description = "The session's id.")),
    responses((status = 200, description = "The session as it is now.", body = Session))
)]
pub async fn change(
    State(app): State<Arc<App>>,
    OfSession(id): OfSession,
    body: JsonBytes,
) -> Result<Json<Session>, ApiError> {
    let change: SessionChange = body.parse()?;
    app.store.change_session(id, change).await?.map(Json).ok_or_else(|| ApiError::no_session(id))
}

/// Deletes a session with all that was said in it, and cancels its turns. Forks keep what they have.
#[utoipa::path(
    delete, path = "/v1/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, description = "The session's id.")),
    responses((status = 204, description = "It is gone."))
)]
pub async fn delete(State(app): State<Arc<App>>, OfSession(id): OfSession) -> Result<StatusCode, ApiError> {
    if app.store.delete_session(id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::no_session(id)) }
}

/// What was said in a session: every entry in the order of arrival, or one branch, the newest first. A page ends
/// earlier than asked once it has 8 MiB of content.
#[utoipa::path(
    get, path = "/v1/sessions/{id}/entries", tag = "sessions",
    params(
        ("id" = String, Path, description = "The session's id."),
        ("after" = Option<u64>, Query, description = "`next` of the page before; entries above this number."),
        ("branch" = Option<String>, Query, description =
            "Instead: from this entry back to the first; `head` for the newest answer. Go on with `next` of the page before."),
        ("limit" = Option<u32>, Query, description = "1 to 1,000; 100 unless set."),
    ),
    responses((status = 200, description = "One page.", body = Entries))
)]
pub async fn entries(
    State(app): State<Arc<App>>,
    OfSession(id): OfSession,
    Parameters(pairs): Parameters<Vec<(String, String)>>,
) -> Result<Json<Entries>, ApiError> {
    let (mut after, mut branch, mut limit) = (None, None, ENTRIES);
    for (name, value) in pairs {
        match name.as_str() {
            "after" => after = Some(parse("after", &value, "use `next` of the page before")?),
            "branch" if value == "head" => branch = Some(None),
            "branch" => branch = Some(Some(parse("branch", &value, "use the number of an entry, or head")?)),
            "limit" => limit = parse_limit(&value)?,
            _ => return Err(unknown(&name, "after, branch, limit")),
        }
    }
    let from = match (after, branch) {
        (Some(_), Some(_)) => return Err(wrong("branch", "is given beside `after`; use one of them")),
        (after, None) => EntriesFrom::After(after.unwrap_or_default()),
        (None, Some(from)) => EntriesFrom::Branch(from),
    };
    conversations::entries(&*app.store, id, from, limit).await?.map(Json).ok_or_else(|| ApiError::no_session(id))
}

/// Opens a session that has what this one has up to an entry, and goes on by itself: of the same tenant, with the same
/// settings.
#[utoipa::path(
    post, path = "/v1/sessions/{id}/fork", tag = "sessions", request_body = ForkSession,
    params(("id" = String, Path, description = "The session's id.")),
    responses((status = 201, description = "The fork. `Location` names it.", body = Session))
)]
pub async fn fork(
    State(app): State<Arc<App>>,
    OfSession(id): OfSession,
    body: JsonBytes,
) -> Result<Response, ApiError> {
    let asked: ForkSession = body.parse()?;
    let entry = asked.entry;
    match conversations::fork(&*app.store, id, asked).await? {
        Forked::Session(session) => Ok((StatusCode::CREATED, place(session.id), Json(*session)).into_response()),
        Forked::NoSession => Err(ApiError::no_session(id)),
        Forked::NoEntry => {
            let message = format!("session {id} has no entry {entry} that has its place");
            Err(ApiError::new(Code::EntryNotFound, message).field("entry"))
        }
    }
}

fn place(id: SessionId) -> [(axum::http::HeaderName, String); 1] {
    [(LOCATION, format!("/v1/sessions/{id}"))]
}

fn parse_limit(value: &str) -> Result<u32, ApiError> {
    let limit = value.parse().ok().filter(|limit| (1..=MAX_PAGE).contains(limit));
    limit.ok_or_else(|| wrong("limit", format!("use 1 to {MAX_PAGE}")))
}

fn parse<T: FromStr>(name: &str, value: &str, right: &str) -> Result<T, ApiError> {
    value.parse().map_err(|_| wrong(name, right))
}

fn unknown(name: &str, known: &str) -> ApiError {
    wrong(name, format!("is not known; use some of: {known}"))
}

fn wrong(name: &str, message: impl Into<String>) -> ApiError {
    ApiError::new(Code::InvalidField, message).field(name)
}
