//! Sessions to the archive, and back. Those that are asked for come back by themselves; this is for those who plan.

use super::{
    App,
    body::{JsonBytes, OfSession},
    error::{ApiError, Code},
};
use crate::conversations;
use axum::{Json, extract::State};
use flotilla_jobs::{
    Session,
    api::{ArchiveAnswer, ArchiveIdle, Swept},
};
use flotilla_workers::archive::Archive;
use std::sync::Arc;

/// Takes a session to the archive, unless something goes on in it. It is listed as ever, and comes back by itself when
/// somebody asks for what was said in it.
#[utoipa::path(
    post, path = "/v1/sessions/{id}/archive", tag = "sessions",
    params(("id" = String, Path, description = "The session's id.")),
    responses((status = 200, description = "What came of it.", body = ArchiveAnswer))
)]
pub async fn archive(State(app): State<Arc<App>>, OfSession(id): OfSession) -> Result<Json<ArchiveAnswer>, ApiError> {
    let reply = of(&app)?.archive(id).await?.ok_or_else(|| ApiError::no_session(id))?;
    Ok(Json(ArchiveAnswer { id, reply }))
}

/// Takes sessions that nobody spoke in for so many days to the archive: about 1,000, or as many as go in 10 s. Call it
/// until there are no more.
#[utoipa::path(
    post, path = "/v1/sessions/archive", tag = "sessions", request_body = ArchiveIdle,
    responses((status = 200, description = "How many went.", body = Swept))
)]
pub async fn idle(State(app): State<Arc<App>>, body: JsonBytes) -> Result<Json<Swept>, ApiError> {
    Ok(Json(conversations::archive_idle(of(&app)?, body.parse()?).await?))
}

/// Brings a session back from the archive; one that is not there is answered as it is.
#[utoipa::path(
    post, path = "/v1/sessions/{id}/restore", tag = "sessions",
    params(("id" = String, Path, description = "The session's id.")),
    responses((status = 200, description = "The session.", body = Session))
)]
pub async fn restore(State(app): State<Arc<App>>, OfSession(id): OfSession) -> Result<Json<Session>, ApiError> {
    of(&app)?.restore(id).await?;
    app.store.session(id).await?.map(Json).ok_or_else(|| ApiError::no_session(id))
}

fn of(app: &App) -> Result<&Archive, ApiError> {
    let message = "this server has no archive; set sessions.archive_url";
    app.archive.as_deref().ok_or_else(|| ApiError::new(Code::NoArchive, message))
}
