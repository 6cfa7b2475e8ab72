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

use crate::{HttpError, guard::Guard};

/// Finds the handler of an operation. An operation without one does not compile.
pub(crate) fn handler(op: Op, method: &Method, guard: Guard) -> MethodRouter {
    let mount = Mount {
        filter: MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::TRACE),
        guard,
    };
    match op {
        Op::Capabilities => mount.to(auth::capabilities),
        Op::Me => mount.to(auth::me),
        Op::SignIn | Op::Login => mount.to(auth::sign_in),
        Op::SignUp | Op::Signup => mount.to(auth::sign_up),
        Op::Logout => mount.to(auth::logout),
        Op::Refresh => mount.to(auth::refresh),
        Op::SsoLogin => mount.to(auth::sso_login),
        Op::SsoCallback => mount.to(auth::sso_callback),
        Op::RolePermissions => mount.to(auth::role_permissions),
        Op::PermissionPatterns => mount.to(auth::permission_patterns),
        Op::ListAgents => mount.to(agents::list),
        Op::GetAgent => mount.to(agents::get),
        Op::GenerateAgent => mount.to(agents::generate),
        Op::StreamAgent => mount.to(agents::stream),
        Op::ListStoredAgents => mount.to(agents::list_stored),
        Op::CreateStoredAgent => mount.to(agents::create),
        Op::GetStoredAgent => mount.to(agents::get_stored),
        Op::UpdateStoredAgent => mount.to(agents::update),
        Op::DeleteStoredAgent => mount.to(agents::delete),
        Op::CreateStoredWorkflow => mount.to(workflows::create),
        Op::DeleteStoredWorkflow => mount.to(workflows::delete),
        Op::ListWorkflows => mount.to(workflows::list),
        Op::RunCounts => mount.to(workflows::run_counts),
        Op::GetWorkflow => mount.to(workflows::get),
        Op::CreateRun => mount.to(workflows::create_run),
        Op::StartRun => mount.to(workflows::start),
        Op::StartRunAsync => mount.to(workflows::start_async),
        Op::StreamRun => mount.to(workflows::stream),
        Op::ObserveRun => mount.to(workflows::observe),
        Op::RestartRun => mount.to(workflows::restart),
        Op::RestartRunAsync => mount.to(workflows::restart_async),
        Op::ListRuns => mount.to(workflows::list_runs),
        Op::GetRun => mount.to(workflows::get_run),
        Op::CancelRun => mount.to(workflows::cancel),
        Op::DeleteRun => mount.to(workflows::delete_run),
        Op::ListThreads => mount.to(memory::list),
        Op::CreateThread => mount.to(memory::create),
        Op::GetThread => mount.to(memory::get),
        Op::UpdateThread => mount.to(memory::update),
        Op::DeleteThread => mount.to(memory::delete),
        Op::ListMessages => mount.to(memory::messages),
        Op::MemoryStatus => mount.to(memory::status),
        Op::SystemPackages => mount.to(system::packages),
        Op::OpenApi => mount.to(system::openapi),
        Op::HealthLive => mount.to(system::live),
        Op::HealthReady => mount.to(system::ready),
    }
}

/// Under which method and behind which guard a handler is mounted.
struct Mount {
    filter: MethodFilter,
    guard: Guard,
}

impl Mount {
    fn to<H: Handler<T, ()>, T: 'static>(self, handler: H) -> MethodRouter {
        on(self.filter, self.guard.handler(handler))
    }
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
