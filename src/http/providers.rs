//! `/v1/providers`: what the fleet makes of its providers.

use super::{App, error::ApiError};
use axum::{Json, extract::State};
use flotilla_jobs::api::Providers;
use std::sync::Arc;

/// Every provider, model and key that was used in the last day, with what goes on and waits.
#[utoipa::path(
    get, path = "/v1/providers", tag = "operation",
    responses((status = 200, description = "Sorted by provider, key and model.", body = Providers))
)]
pub async fn list(State(app): State<Arc<App>>) -> Result<Json<Providers>, ApiError> {
    let lanes = app.store.lanes().await?;
    Ok(Json(Providers { lanes: lanes.into_iter().map(Into::into).collect() }))
}
