//! Questions and orders of tests in other processes, over HTTP; answered on loopback only.

use crate::{connection::Peer, script::Script, shared::Shared};
use axum::{
    Extension, Json, Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use serde_json::json;
use std::sync::Arc;

/// `/dev/…`.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/dev/calls", get(async |State(shared): State<Arc<Shared>>| Json(shared.calls())))
        .route("/dev/ledger", get(async |State(shared): State<Arc<Shared>>| Json(shared.ledger())))
        .route("/dev/script", put(set_script))
        .route("/dev/reset", post(async |State(shared): State<Arc<Shared>>| done(|| shared.reset())))
        .route("/dev/release", post(async |State(shared): State<Arc<Shared>>| done(|| shared.release())))
        .route_layer(middleware::from_fn(only_loopback))
        .with_state(shared)
}

async fn only_loopback(Extension(peer): Extension<Peer>, request: Request, next: Next) -> Response {
    if peer.address.ip().is_loopback() {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, Json(json!({ "error": "/dev is for this machine only" }))).into_response()
}

async fn set_script(State(shared): State<Arc<Shared>>, body: String) -> Response {
    match Script::from_json(&body) {
        Ok(script) => done(|| shared.set_script(script)).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({ "error": error.to_string() }))).into_response(),
    }
}

fn done(order: impl FnOnce()) -> Json<serde_json::Value> {
    order();
    Json(json!({ "done": true }))
}
