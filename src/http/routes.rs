//! Every route, in one list: the router is made of it, and a test holds the description against it.

use super::{
    App, actions, approvals, archive, chat, events, guard, health, jobs, list, metrics, openapi, probes as probe,
    providers, queues, request, sessions, spend, steps,
};
use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{MethodRouter, delete, get, patch, post, put},
};
use std::sync::Arc;

type Handler = MethodRouter<Arc<App>>;

/// One method of one path.
pub struct Route {
    #[cfg_attr(not(test), allow(dead_code, reason = "held against the description by a test"))]
    pub method: &'static str,
    pub path: &'static str,
    handler: Handler,
}

fn route(method: &'static str, path: &'static str, handler: Handler) -> Route {
    Route { method, path, handler }
}

/// What every process of the fleet answers.
pub fn probe_routes() -> Vec<Route> {
    vec![
        route("get", "/live", get(probe::live)),
        route("get", "/ready", get(probe::ready)),
        route("get", "/health", get(health::health)),
        route("get", "/metrics", get(metrics::metrics)),
    ]
}

/// What the API answers.
pub fn api_routes() -> Vec<Route> {
    let mut routes = vec![
        route("post", "/v1/jobs", post(jobs::submit)),
        route("get", "/v1/jobs", get(list::list)),
        route("post", "/v1/jobs/cancel", post(actions::cancel_matching)),
        route("post", "/v1/jobs/retry", post(actions::retry_matching)),
        route("post", "/v1/jobs/resume", post(actions::resume_matching)),
        route("get", "/v1/jobs/{id}", get(jobs::get)),
        route("post", "/v1/jobs/{id}/cancel", post(actions::cancel)),
        route("post", "/v1/jobs/{id}/retry", post(actions::retry)),
        route("post", "/v1/jobs/{id}/resume", post(actions::resume)),
        route("get", "/v1/jobs/{id}/events", get(events::events)),
        route("get", "/v1/jobs/{id}/steps", get(steps::steps)),
        route("get", "/v1/jobs/{id}/transcript", get(steps::transcript)),
        route("get", "/v1/sessions", get(sessions::list)),
        route("post", "/v1/sessions", post(sessions::open)),
        route("get", "/v1/sessions/{id}", get(sessions::get)),
        route("patch", "/v1/sessions/{id}", patch(sessions::change)),
        route("delete", "/v1/sessions/{id}", delete(sessions::delete)),
        route("get", "/v1/sessions/{id}/entries", get(sessions::entries)),
        route("post", "/v1/sessions/{id}/fork", post(sessions::fork)),
        route("post", "/v1/sessions/archive", post(archive::idle)),
        route("post", "/v1/sessions/{id}/archive", post(archive::archive)),
        route("post", "/v1/sessions/{id}/restore", post(archive::restore)),
        route("post", "/v1/chat", post(chat::chat)),
        route("post", "/v1/chat/stream", post(chat::chat_stream)),
        route("get", "/v1/chat/stream", get(chat::resume_stream)),
        route("post", "/api/chat", post(chat::api_chat)),
        route("post", "/api/chat/stream", post(chat::api_chat_stream)),
        route("get", "/v1/approvals", get(approvals::list)),
        route("post", "/v1/approvals/{id}/approve", post(approvals::approve)),
        route("post", "/v1/approvals/{id}/deny", post(approvals::deny)),
        route("get", "/v1/queues", get(queues::list)),
        route("get", "/v1/providers", get(providers::list)),
        route("put", "/v1/queues/{name}", put(queues::put)),
        route("post", "/v1/queues/{name}/pause", post(queues::pause)),
        route("post", "/v1/queues/{name}/resume", post(queues::resume)),
        route("get", "/v1/spend", get(spend::spend)),
        route("get", "/v1/budgets", get(spend::budgets)),
        route("get", "/openapi.json", get(openapi::openapi)),
    ];
    routes.extend(probe_routes());
    routes
}

/// The API.
pub fn api(app: Arc<App>) -> Router {
    router(api_routes(), app)
}

/// What a worker answers.
pub fn probes(app: Arc<App>) -> Router {
    router(probe_routes(), app)
}

fn router(routes: Vec<Route>, app: Arc<App>) -> Router {
    routes
        .into_iter()
        .fold(Router::new(), |all, Route { path, handler, .. }| all.route(path, handler))
        .fallback(request::no_route)
        .method_not_allowed_fallback(request::no_method)
        .layer(from_fn_with_state(Arc::clone(&app), guard::guard))
        .layer(from_fn_with_state(Arc::clone(&app), request::request))
        .with_state(app)
}
