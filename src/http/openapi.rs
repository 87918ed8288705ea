//! `/openapi.json`: the API, described from the code that serves it.

use super::error::Code;
use axum::Json;
use flotilla_jobs::{
    JobEvent,
    api::{Problem, SpendBy},
};
use std::fmt::Write;
use utoipa::{
    OpenApi as _,
    openapi::{
        OpenApi, Ref, Response, ResponseBuilder,
        content::ContentBuilder,
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Flotilla", description = "Background jobs for AI agents: submit, watch, cancel, retry."),
    paths(
        super::jobs::submit,
        super::list::list,
        super::jobs::get,
        super::actions::cancel,
        super::actions::retry,
        super::actions::resume,
        super::actions::cancel_matching,
        super::actions::retry_matching,
        super::actions::resume_matching,
        super::events::events,
        super::steps::steps,
        super::steps::transcript,
        super::sessions::list,
        super::sessions::open,
        super::sessions::get,
        super::sessions::change,
        super::sessions::delete,
        super::sessions::entries,
        super::sessions::fork,
        super::archive::idle,
        super::archive::archive,
        super::archive::restore,
        super::chat::chat,
        super::chat::chat_stream,
        super::chat::resume_stream,
        super::chat::api_chat,
        super::chat::api_chat_stream,
        super::approvals::list,
        super::approvals::approve,
        super::approvals::deny,
        super::queues::list,
        super::queues::put,
        super::queues::pause,
        super::queues::resume,
        super::spend::spend,
        super::spend::budgets,
        super::providers::list,
        super::probes::live,
        super::probes::ready,
        super::health::health,
        super::metrics::metrics,
        openapi,
    ),
    components(schemas(Problem, JobEvent, SpendBy)),
    tags(
        (name = "jobs", description = "What is to be done, is being done and was done."),
        (name = "sessions", description = "Conversations, and what was said in them."),
        (name = "chat", description = "Messages, and their answers."),
        (name = "approvals", description = "Calls of tools that wait for a person."),
        (name = "queues", description = "Where jobs wait."),
        (name = "spending", description = "What models cost, and what is left."),
        (name = "operation", description = "For those who run it."),
    )
)]
struct Document;

/// This description.
#[utoipa::path(
    get, path = "/openapi.json", tag = "operation",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object))
)]
pub async fn openapi() -> Json<OpenApi> {
    Json(document())
}

/// The description, with what holds for every operation.
pub fn document() -> OpenApi {
    let mut document = Document::openapi();
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            add_error(operation);
        }
    }
    let bearer =
        HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("Where http.token is set.")).build();
    let components = document.components.get_or_insert_default();
    components.security_schemes.insert("bearer".to_owned(), SecurityScheme::Http(bearer).into());
    document.security = Some(vec![SecurityRequirement::new("bearer", Vec::<String>::new())]);
    document
}

fn add_error(operation: &mut Operation) {
    operation.responses.responses.insert("default".to_owned(), error_response().into());
}

fn error_response() -> Response {
    let mut codes = "An error. Its code is one of:\n".to_owned();
    for code in Code::ALL {
        // Writing to a string cannot fail.
        let _ = write!(codes, "\n- `{}` ({}): {}", code.as_str(), code.status().as_u16(), code.meaning());
    }
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(codes).content("application/json", problem).build()
}
