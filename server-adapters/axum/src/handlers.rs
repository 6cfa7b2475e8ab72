//! The handlers of the API: extract, call the use case, wrap.

mod agents;
mod auth;
mod memory;
mod system;
mod workflows;

use axum::{
    Json,
    body::Body,
    handler::Handler,
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use bytes::Bytes;
use ee_core::{add_cookies, storage::Page};
use ee_server::{Op, Reply};
use futures_core::Stream;
use http::{HeaderValue, Method, header};
use serde::{Deserialize, Serialize};

use crate::HttpError;

/// Finds the handler of an operation. An operation without one does not compile.
pub(crate) fn handler(op: Op, method: &Method) -> MethodRouter {
    let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::TRACE);
    match op {
        Op::Capabilities => to(filter, auth::capabilities),
        Op::Me => to(filter, auth::me),
        Op::SignIn | Op::Login => to(filter, auth::sign_in),
        Op::SignUp | Op::Signup => to(filter, auth::sign_up),
        Op::Logout => to(filter, auth::logout),
        Op::Refresh => to(filter, auth::refresh),
        Op::SsoLogin => to(filter, auth::sso_login),
        Op::SsoCallback => to(filter, auth::sso_callback),
        Op::RolePermissions => to(filter, auth::role_permissions),
        Op::PermissionPatterns => to(filter, auth::permission_patterns),
        Op::ListAgents => to(filter, agents::list),
        Op::GetAgent => to(filter, agents::get),
        Op::GenerateAgent => to(filter, agents::generate),
        Op::StreamAgent => to(filter, agents::stream),
        Op::ListStoredAgents => to(filter, agents::list_stored),
        Op::CreateStoredAgent => to(filter, agents::create),
        Op::GetStoredAgent => to(filter, agents::get_stored),
        Op::UpdateStoredAgent => to(filter, agents::update),
        Op::DeleteStoredAgent => to(filter, agents::delete),
        Op::CreateStoredWorkflow => to(filter, workflows::create),
        Op::DeleteStoredWorkflow => to(filter, workflows::delete),
        Op::ListWorkflows => to(filter, workflows::list),
        Op::RunCounts => to(filter, workflows::run_counts),
        Op::GetWorkflow => to(filter, workflows::get),
        Op::CreateRun => to(filter, workflows::create_run),
        Op::StartRun => to(filter, workflows::start),
        Op::StartRunAsync => to(filter, workflows::start_async),
        Op::StreamRun => to(filter, workflows::stream),
        Op::ObserveRun => to(filter, workflows::observe),
        Op::RestartRun => to(filter, workflows::restart),
        Op::RestartRunAsync => to(filter, workflows::restart_async),
        Op::ListRuns => to(filter, workflows::list_runs),
        Op::GetRun => to(filter, workflows::get_run),
        Op::CancelRun => to(filter, workflows::cancel),
        Op::DeleteRun => to(filter, workflows::delete_run),
        Op::ListThreads => to(filter, memory::list),
        Op::CreateThread => to(filter, memory::create),
        Op::GetThread => to(filter, memory::get),
        Op::UpdateThread => to(filter, memory::update),
        Op::DeleteThread => to(filter, memory::delete),
        Op::ListMessages => to(filter, memory::messages),
        Op::MemoryStatus => to(filter, memory::status),
        Op::SystemPackages => to(filter, system::packages),
        Op::OpenApi => to(filter, system::openapi),
        Op::HealthLive => to(filter, system::live),
        Op::HealthReady => to(filter, system::ready),
    }
}

fn to<H: Handler<T, ()>, T: 'static>(filter: MethodFilter, handler: H) -> MethodRouter {
    on(filter, handler)
}

/// Writes a reply: JSON, cookies, and the note for the record in the extensions.
pub fn json_reply<T: Serialize>(reply: Reply<T>) -> Response {
    let (cookies, note) = (reply.cookies, reply.note);
    let mut response = Json(reply.body).into_response();
    add_cookies(response.headers_mut(), cookies);
    if let Some(note) = note {
        response.extensions_mut().insert(note);
    }
    response
}

/// Writes JSON that is text already.
fn json_bytes(json: Bytes) -> Response {
    let mut response = Response::new(Body::from(json));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// Streams text pieces under a content type. Dropping the response drops the stream.
pub fn stream_response<S>(content_type: &'static str, pieces: S) -> Response
where
    S: Stream<Item = String> + Send + 'static,
{
    use futures_util::StreamExt as _;

    let body = Body::from_stream(
        pieces.map(|piece| Ok::<_, std::convert::Infallible>(Bytes::from(piece))),
    );
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-store, no-transform"),
    );
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// Wraps events in the form that clients parse: `data: ` and a blank line.
pub fn event_stream<S: Stream<Item = String> + Send + 'static>(events: S) -> Response {
    use futures_util::StreamExt as _;

    stream_response(
        "text/event-stream",
        events.map(|event| format!("data: {event}\n\n")),
    )
}

/// Page number and size as the wire has them.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct PageQuery {
    page: Option<u32>,
    #[serde(rename = "perPage")]
    per_page: Option<u32>,
}

impl PageQuery {
    fn page(self, default_size: u32) -> Result<Page, HttpError> {
        Page::new(
            self.page.unwrap_or(0),
            self.per_page.unwrap_or(default_size),
        )
        .map_err(|err| {
            let mut error = HttpError::from(err);
            error.error = "Invalid query parameters".into();
            error
        })
    }
}

type Answer<T> = Result<Json<T>, HttpError>;
