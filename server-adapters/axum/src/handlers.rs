//! The handlers of the API: extract, call the use case, wrap.

mod access;
mod account;
mod agents;
mod audit;
mod auth;
mod memory;
mod system;
mod workflows;

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    handler::Handler,
    response::{IntoResponse as _, Response},
    routing::{MethodFilter, MethodRouter, on_service},
};
use bytes::Bytes;
use ee_core::{Error, ErrorKind, add_cookies, storage::Page};
use ee_server::{Op, Reply};
use futures_core::Stream;
use http::{HeaderValue, Method, header};
use serde::{Deserialize, Serialize};

use crate::{HttpError, guard::Guard, headers};

/// Bytes that hold most answers.
const USUAL_BYTES: usize = 512;

/// Finds the handler of an operation. An operation without one does not compile.
#[expect(
    clippy::too_many_lines,
    reason = "a table with a line for each operation"
)]
pub(crate) fn handler(op: Op, method: &Method, guard: Arc<Guard>) -> MethodRouter {
    let mount = Mount {
        filter: MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::TRACE),
        guard,
    };
    match op {
        Op::Capabilities => mount.to(auth::capabilities),
        Op::Me => mount.to(auth::me),
        Op::SignIn | Op::Login => mount.to(auth::sign_in),
        Op::SignUp | Op::Signup => mount.to(auth::sign_up),
        Op::SecondFactor => mount.to(auth::second_factor),
        Op::EnrolAtSignIn => mount.to(account::enrol_at_sign_in),
        Op::SetUp => mount.to(account::set_up),
        Op::ForgotPassword => mount.to(account::forgot_password),
        Op::ResetPassword => mount.to(account::reset_password),
        Op::VerifyEmail => mount.to(account::verify_email),
        Op::FindInvitation => mount.to(account::find_invitation),
        Op::AcceptInvitation => mount.to(account::accept_invitation),
        Op::AccountSecurity => mount.to(account::security),
        Op::ChangePassword => mount.to(account::change_password),
        Op::SendVerification => mount.to(account::send_verification),
        Op::BeginTotp => mount.to(account::begin_totp),
        Op::ConfirmTotp => mount.to(account::confirm_totp),
        Op::DisableTotp => mount.to(account::disable_totp),
        Op::RegenerateRecoveryCodes => mount.to(account::regenerate_recovery_codes),
        Op::ListInvitations => mount.to(access::list_invitations),
        Op::Invite => mount.to(access::invite),
        Op::RevokeInvitation => mount.to(access::revoke_invitation),
        Op::Logout => mount.to(auth::logout),
        Op::Refresh => mount.to(auth::refresh),
        Op::SsoLogin => mount.to(auth::sso_login),
        Op::SsoCallback => mount.to(auth::sso_callback),
        Op::RolePermissions => mount.to(auth::role_permissions),
        Op::PermissionPatterns => mount.to(auth::permission_patterns),
        Op::MySessions => mount.to(access::my_sessions),
        Op::EndMyOtherSessions => mount.to(access::end_my_other_sessions),
        Op::EndMySession => mount.to(access::end_my_session),
        Op::ListUsers => mount.to(access::list_users),
        Op::CreateUser => mount.to(access::create_user),
        Op::GetUser => mount.to(access::get_user),
        Op::UpdateUser => mount.to(access::update_user),
        Op::DeleteUser => mount.to(access::delete_user),
        Op::ListRoles => mount.to(access::list_roles),
        Op::PutRole => mount.to(access::put_role),
        Op::DeleteRole => mount.to(access::delete_role),
        Op::GetRoleMapping => mount.to(access::mapping),
        Op::SetRoleMapping => mount.to(access::set_mapping),
        Op::ListAssignments => mount.to(access::list_assignments),
        Op::Assign => mount.to(access::assign),
        Op::Unassign => mount.to(access::unassign),
        Op::ListGrants => mount.to(access::list_grants),
        Op::Grant => mount.to(access::grant),
        Op::Revoke => mount.to(access::revoke),
        Op::ListGroups => mount.to(access::list_groups),
        Op::CreateGroup => mount.to(access::create_group),
        Op::GetGroup => mount.to(access::get_group),
        Op::UpdateGroup => mount.to(access::update_group),
        Op::DeleteGroup => mount.to(access::delete_group),
        Op::ListMembers => mount.to(access::members),
        Op::AddMember => mount.to(access::add_member),
        Op::RemoveMember => mount.to(access::remove_member),
        Op::ListKeys => mount.to(access::list_keys),
        Op::CreateKey => mount.to(access::create_key),
        Op::GetKey => mount.to(access::get_key),
        Op::UpdateKey => mount.to(access::update_key),
        Op::RotateKey => mount.to(access::rotate_key),
        Op::DeleteKey => mount.to(access::delete_key),
        Op::ListSessions => mount.to(access::list_sessions),
        Op::EndSessions => mount.to(access::end_sessions),
        Op::EndSession => mount.to(access::end_session),
        Op::Explain => mount.to(access::explain),
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
        Op::ListAuditEvents => mount.to(audit::events),
        Op::GetAuditEvent => mount.to(audit::event),
        Op::ProveAuditEvent => mount.to(audit::proof),
        Op::GetRawAuditEvent => mount.to(audit::raw),
        Op::FeedAudit => mount.to(audit::feed),
        Op::StreamAudit => mount.to(audit::stream),
        Op::AuditHistogram => mount.to(audit::histogram),
        Op::AuditFacets => mount.to(audit::facets),
        Op::ExportAudit => mount.to(audit::export),
        Op::HashAuditValue => mount.to(audit::hash),
        Op::AuditStatus => mount.to(audit::status),
        Op::ListAuditSinks => mount.to(audit::sinks),
        Op::TestAuditSink => mount.to(audit::test_sink),
        Op::PauseAuditSink => mount.to(audit::pause_sink),
        Op::ResumeAuditSink => mount.to(audit::resume_sink),
        Op::ReplayAuditSink => mount.to(audit::replay_sink),
        Op::ListAuditLogs => mount.to(audit::mastra_list),
        Op::GetAuditLog => mount.to(audit::mastra_event),
        Op::SystemPackages => mount.to(system::packages),
        Op::OpenApi => mount.to(system::openapi),
        Op::HealthLive => mount.to(system::live),
        Op::HealthReady => mount.to(system::ready),
        Op::Metrics => mount.to(system::figures),
    }
}

/// Under which method and behind which guard a handler is mounted.
struct Mount {
    filter: MethodFilter,
    guard: Arc<Guard>,
}

impl Mount {
    fn to<H: Handler<T, ()> + Sync, T: 'static>(self, handler: H) -> MethodRouter {
        on_service(self.filter, self.guard.before(handler))
    }
}

/// Writes a reply: JSON, cookies, and the note for the record in the extensions.
pub fn json_reply<T: Serialize>(reply: Reply<T>) -> Response {
    let (cookies, note) = (reply.cookies, reply.note);
    let mut response = json(&reply.body);
    add_cookies(response.headers_mut(), cookies);
    if let Some(note) = note {
        response.extensions_mut().insert(note);
    }
    response
}

/// Writes a body as JSON.
fn json<T: Serialize>(body: &T) -> Response {
    let mut text = Vec::with_capacity(USUAL_BYTES);
    match serde_json::to_writer(&mut text, body) {
        Ok(()) => json_bytes(text.into()),
        Err(err) => {
            let error = Error::new(ErrorKind::Internal, "cannot write the answer as JSON");
            HttpError::from(error.with_source(err)).into_response()
        }
    }
}

/// Writes JSON that is text already.
fn json_bytes(json: Bytes) -> Response {
    let mut response = Response::new(Body::from(json));
    *response.headers_mut() = headers::json();
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
