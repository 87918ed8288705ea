//! `/v1/spend` and `/v1/budgets`: what models cost, and what is left.

use super::{
    App,
    body::Parameters,
    error::{ApiError, Code},
};
use crate::spending;
use axum::{Json, extract::State};
use flotilla_jobs::api::{BudgetStates, Spend, SpendBy, SpendQuery};
use jiff::civil::Date;
use std::sync::Arc;

/// What may be asked.
const PARAMETERS: [&str; 6] = ["since", "until", "tenant", "agent", "model", "by"];

/// What models cost in some days, today unless others are named.
#[utoipa::path(
    get, path = "/v1/spend", tag = "spending",
    params(
        ("since" = Option<String>, Query, description = "First day, UTC: 2026-01-31. Today unless set."),
        ("until" = Option<String>, Query, description = "Last day, inclusive. Today unless set."),
        ("tenant" = Option<String>, Query),
        ("agent" = Option<String>, Query),
        ("model" = Option<String>, Query),
        ("by" = Option<Vec<SpendBy>>, Query, description = "A row for each of these; may be given several times."),
    ),
    responses((status = 200, description = "Newest day first, then the dearest.", body = Spend))
)]
pub async fn spend(
    State(app): State<Arc<App>>,
    Parameters(pairs): Parameters<Vec<(String, String)>>,
) -> Result<Json<Spend>, ApiError> {
    Ok(Json(Spend { rows: app.store.spend(&parse(pairs)?).await? }))
}

/// Budgets that are limited, and how full they are.
#[utoipa::path(
    get, path = "/v1/budgets", tag = "spending",
    responses((status = 200, description = "The fleet's first, then tenants by name.", body = BudgetStates))
)]
pub async fn budgets(State(app): State<Arc<App>>) -> Result<Json<BudgetStates>, ApiError> {
    Ok(Json(BudgetStates { budgets: spending::states(&*app.store, &app.budgets).await? }))
}

fn parse(pairs: Vec<(String, String)>) -> Result<SpendQuery, ApiError> {
    let mut query = SpendQuery::default();
    for (name, value) in pairs {
        match name.as_str() {
            "since" => query.since = Some(day("since", &value)?),
            "until" => query.until = Some(day("until", &value)?),
            "tenant" => query.tenant = Some(value),
            "agent" => query.agent = Some(value),
            "model" => query.model = Some(value),
            "by" => query.by.push(value.parse()?),
            _ => {
                let message = format!("is not known; use some of: {}", PARAMETERS.join(", "));
                return Err(ApiError::new(Code::InvalidField, message).field(&name));
            }
        }
    }
    Ok(query)
}

fn day(name: &str, value: &str) -> Result<Date, ApiError> {
    value.parse().map_err(|_| ApiError::new(Code::InvalidField, "use a day such as 2026-01-31").field(name))
}
