//! `/health`: each thing the process needs, for people and dashboards.

use super::{App, probes::dependencies};
use crate::machine;
use axum::{Json, extract::State, http::StatusCode};
use flotilla_workers::{agents::kit::Readiness, store::Dependency};
use serde::Serialize;
use std::sync::Arc;

const MIB: u64 = 1024 * 1024;

/// How the process is.
#[derive(Serialize, utoipa::ToSchema)]
pub struct HealthReport {
    /// Whether everything below is.
    ok: bool,
    /// Whether it was told to stop.
    stopping: bool,
    version: &'static str,
    /// The store's halves.
    dependencies: Vec<DependencyReport>,
    /// Of the store, or of temporary files where the store is remote.
    disk: Space,
    /// What the process could still get.
    memory: Space,
    /// Tools that act, as they were when the process started. One that cannot be used is no reason to be unwell: its calls
    /// are refused.
    tools: Vec<ToolReport>,
}

/// A tool that acts.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ToolReport {
    /// `files`, `http_get`, `run`, or `mcp__NAME` for an MCP server.
    name: String,
    /// `ready`, `off` (not configured) or `unfit` (configured, and every call is refused).
    state: &'static str,
    /// What there is, or why there is not.
    detail: String,
}

/// One thing it needs.
#[derive(Serialize, utoipa::ToSchema)]
pub struct DependencyReport {
    name: String,
    ok: bool,
    /// Whether no job is accepted without it.
    required: bool,
    /// How long it took to answer.
    latency_ms: u64,
    /// What is wrong, or its version.
    detail: String,
}

/// Room that is left.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Space {
    ok: bool,
    /// Absent where it cannot be known on this system.
    #[serde(skip_serializing_if = "Option::is_none")]
    free_mib: Option<u64>,
    min_mib: u64,
}

impl Space {
    fn new(free: Option<u64>, min_mib: u64) -> Self {
        let free_mib = free.map(|bytes| bytes / MIB);
        Self { ok: free_mib.is_none_or(|free| free >= min_mib), free_mib, min_mib }
    }
}

/// Every dependency, disk and memory; 503 where one is not well.
#[utoipa::path(
    get, path = "/health", tag = "operation",
    responses(
        (status = 200, description = "All is well.", body = HealthReport),
        (status = 503, description = "Something is not.", body = HealthReport),
    )
)]
pub async fn health(State(app): State<Arc<App>>) -> (StatusCode, Json<HealthReport>) {
    let dependencies: Vec<DependencyReport> = dependencies(&app).await.into_iter().map(Into::into).collect();
    let disk = Space::new(machine::disk_free(&app.disk), app.health.min_disk_free_mib);
    let memory = Space::new(machine::memory_free(), app.health.min_memory_free_mib);
    let stopping = app.stopping.is_cancelled();
    let ok = !stopping && disk.ok && memory.ok && dependencies.iter().all(|dependency| dependency.ok);
    let status = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let tools = app.tools.iter().cloned().map(Into::into).collect();
    let version = env!("CARGO_PKG_VERSION");
    (status, Json(HealthReport { ok, stopping, version, dependencies, disk, memory, tools }))
}

impl From<Readiness> for ToolReport {
    fn from(readiness: Readiness) -> Self {
        let Readiness { tool, state, detail } = readiness;
        Self { name: tool.into_owned(), state: state.as_str(), detail }
    }
}

impl From<Dependency> for DependencyReport {
    fn from(dependency: Dependency) -> Self {
        let Dependency { name, ok, required, latency_ms, detail } = dependency;
        Self { name, ok, required, latency_ms, detail }
    }
}
