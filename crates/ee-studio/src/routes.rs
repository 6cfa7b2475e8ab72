//! The table of Studio's routes and the router that follows it.

use axum::{
    handler::Handler,
    routing::{MethodFilter, MethodRouter, on},
};
use ee_adapter_axum::{Corridor, Protected};
use ee_core::{AuditAction, Permission};
use ee_server::{Access, Route, permissions as p};
use http::Method;

use crate::{handlers, paths};

/// What Studio has to be told beside what the server knows.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct StudioSettings {
    /// Whether the sign-in form takes an access token without an e-mail address, as Simple auth does.
    pub accepts_token: bool,
    /// Whether sessions last longer for whoever asks for that, as those of a store do. The sign-in form has a box for it
    /// then.
    pub offers_remember: bool,
}

/// The sentence before an operation is its doc comment and its summary.
macro_rules! operations {
    ($($doc:literal $op:ident => $route:expr;)*) => {
        /// A page or an action of Studio. The router has a handler for each: its `match` does not compile without.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum StudioOp {
            $(#[doc = $doc] $op,)*
        }

        impl StudioOp {
            /// Every operation.
            pub const ALL: &[Self] = &[$(Self::$op,)*];

            /// Returns the declaration.
            pub fn route(self) -> Route {
                let mut route = match self {
                    $(Self::$op => $route,)*
                };
                route.summary = match self {
                    $(Self::$op => $doc,)*
                };
                route
            }
        }
    };
}

fn get(path: &'static str, access: Access) -> Route {
    Route::page(Method::GET, path, access)
}

fn post(path: &'static str, access: Access) -> Route {
    Route::page(Method::POST, path, access)
}

fn need(permission: Permission) -> Access {
    Access::permission(permission)
}

operations! {
    "Leads to the first page"
    Root => get("/", Access::Public);
    "Leads to the first page that the caller may see, or to the sign-in page"
    Home => get(paths::BASE, Access::Public);
    "Gives out an embedded file"
    Asset => get("/studio/assets/{file}", Access::Open);
    "Shows the ways to sign in"
    LoginPage => get(paths::LOGIN, Access::Public);
    "Signs in with an e-mail address and a password"
    Login => post(paths::LOGIN, Access::Public).audited(AuditAction::LOGIN_CREDENTIALS);
    "Takes the code that a sign-in waits for"
    SecondFactor => post(paths::SECOND_FACTOR, Access::Public).audited(AuditAction::FACTOR_VERIFY);
    "Begins to set up the second factor that a sign-in demands"
    Enrol => post(paths::ENROL, Access::Public).audited(AuditAction::FACTOR_BEGIN);
    "Starts a sign-in at the identity provider"
    Sso => get(paths::SSO, Access::Public).audited(AuditAction::SSO_START);
    "Shows the form for a new account"
    SignUpPage => get(paths::SIGN_UP, Access::Public);
    "Creates an account and signs in"
    SignUp => post(paths::SIGN_UP, Access::Public).audited(AuditAction::SIGNUP);
    "Shows the form that asks for a link to set a new password"
    ForgotPasswordPage => get(paths::FORGOT_PASSWORD, Access::Public);
    "Sends a link to set a new password, if there is such an account"
    ForgotPassword => post(paths::FORGOT_PASSWORD, Access::Public).audited(AuditAction::PASSWORD_RESET_REQUEST);
    "Shows the form that sets a new password by a link"
    ResetPasswordPage => get(paths::RESET_PASSWORD, Access::Public);
    "Sets a new password by a link"
    ResetPassword => post(paths::RESET_PASSWORD, Access::Public).audited(AuditAction::PASSWORD_RESET);
    "Shows the form that opens an invitation"
    InvitationPage => get(paths::ACCEPT_INVITATION, Access::Public);
    "Shows whom an invitation is for"
    FindInvitation => post(paths::FIND_INVITATION, Access::Public);
    "Creates the account of somebody who was invited, and signs in"
    AcceptInvitation => post(paths::ACCEPT_INVITATION, Access::Public).audited(AuditAction::INVITATION_ACCEPT);
    "Shows the form that creates the first owner"
    SetupPage => get(paths::SETUP, Access::Public);
    "Creates the first owner, and signs in"
    Setup => post(paths::SETUP, Access::Public).audited(AuditAction::SETUP);
    "Shows the form that confirms an address"
    VerifyEmailPage => get(paths::VERIFY_EMAIL, Access::Public);
    "Confirms an address by a link"
    VerifyEmail => post(paths::VERIFY_EMAIL, Access::Public).audited(AuditAction::EMAIL_VERIFY);
    "Ends the session"
    Logout => post(paths::LOGOUT, Access::Public).audited(AuditAction::LOGOUT);
    "Says that the session has ended"
    SessionExpired => get(paths::SESSION_EXPIRED, Access::Public);
    "Keeps the choice of colours in a cookie"
    Theme => post(paths::THEME, Access::Public);

    "Shows the caller's own account"
    Account => get(paths::ACCOUNT, Access::Authenticated);
    "Changes the caller's password and ends all his other sessions"
    ChangePassword => post(paths::CHANGE_PASSWORD, Access::Authenticated).audited(AuditAction::PASSWORD_CHANGE);
    "Sends the caller the letter that confirms his address"
    SendVerification => post(paths::SEND_VERIFICATION, Access::Authenticated).audited(AuditAction::EMAIL_VERIFY_REQUEST);
    "Begins to set up a second factor"
    BeginTotp => post(paths::BEGIN_TOTP, Access::Authenticated).step_up().audited(AuditAction::FACTOR_BEGIN);
    "Turns the second factor on, and shows recovery codes once"
    ConfirmTotp => post(paths::CONFIRM_TOTP, Access::Authenticated).step_up().audited(AuditAction::FACTOR_ENABLE);
    "Turns the second factor off"
    DisableTotp => post(paths::DISABLE_TOTP, Access::Authenticated).audited(AuditAction::FACTOR_DISABLE);
    "Makes new recovery codes, and shows them once"
    RecoveryCodes => post(paths::RECOVERY_CODES, Access::Authenticated).audited(AuditAction::FACTOR_RECOVERY_CODES);
    "Ends one of the caller's own sessions"
    EndSession => post("/studio/account/sessions/{sessionId}/end", Access::Authenticated)
        .audited(AuditAction::SESSION_END);
    "Ends the caller's own sessions but the one that asks"
    EndOtherSessions => post(paths::END_OTHER_SESSIONS, Access::Authenticated).audited(AuditAction::SESSION_END);

    "Lists the agents that the caller may read"
    Agents => get(paths::AGENTS, need(p::AGENTS_READ).listed());
    "Shows the form for a new agent"
    NewAgent => get(paths::NEW_AGENT, need(p::STORED_AGENTS_WRITE));
    "Creates an agent"
    CreateAgent => post(paths::AGENTS, need(p::STORED_AGENTS_WRITE)).audited(AuditAction::AGENT_CREATE);
    "Shows an agent with a new conversation"
    Agent => get("/studio/agents/{agentId}", need(p::AGENTS_READ).on("agentId")).about("agent", "agentId");
    "Shows the form that changes an agent"
    EditAgent => get("/studio/agents/{agentId}/edit", need(p::STORED_AGENTS_WRITE).on("agentId"))
        .about("agent", "agentId");
    "Changes an agent"
    UpdateAgent => post("/studio/agents/{agentId}/edit", need(p::STORED_AGENTS_WRITE).on("agentId"))
        .about("agent", "agentId").audited(AuditAction::AGENT_UPDATE);
    "Asks before an agent is deleted"
    DeleteAgentPage => get("/studio/agents/{agentId}/delete", need(p::STORED_AGENTS_DELETE).on("agentId"))
        .about("agent", "agentId");
    "Deletes an agent"
    DeleteAgent => post("/studio/agents/{agentId}/delete", need(p::STORED_AGENTS_DELETE).on("agentId"))
        .about("agent", "agentId").audited(AuditAction::AGENT_DELETE);
    "Shows a conversation of the caller with an agent"
    Thread => get("/studio/agents/{agentId}/threads/{threadId}", need(p::AGENTS_READ).on("agentId"))
        .about("agent", "agentId");
    "Asks an agent and shows the whole answer"
    Chat => post("/studio/agents/{agentId}/chat", need(p::AGENTS_EXECUTE).on("agentId"))
        .about("agent", "agentId").audited(AuditAction::AGENT_EXECUTE);
    "Asks an agent and answers piece by piece, to the script"
    ChatStream => Route::new(Method::POST, "/studio/agents/{agentId}/chat/stream",
        need(p::AGENTS_EXECUTE).on("agentId")).about("agent", "agentId")
        .streams("text/event-stream", "`data: {json}` blocks for the script").audited(AuditAction::AGENT_STREAM);

    "Lists the workflows that the caller may read"
    Workflows => get(paths::WORKFLOWS, need(p::WORKFLOWS_READ).listed());
    "Shows a workflow and its last runs"
    Workflow => get("/studio/workflows/{workflowId}", need(p::WORKFLOWS_READ).on("workflowId"))
        .about("workflow", "workflowId");
    "Starts a run"
    StartRun => post("/studio/workflows/{workflowId}/runs", need(p::WORKFLOWS_EXECUTE).on("workflowId"))
        .about("workflow", "workflowId").audited(AuditAction::RUN_START);
    "Shows a run"
    Run => get("/studio/workflows/{workflowId}/runs/{runId}", need(p::WORKFLOWS_READ).on("workflowId"))
        .about("workflow", "workflowId");
    "Stops a run"
    CancelRun => post("/studio/workflows/{workflowId}/runs/{runId}/cancel", need(p::WORKFLOWS_EXECUTE).on("workflowId"))
        .about("workflow", "workflowId").audited(AuditAction::RUN_CANCEL);
    "Starts a run that ended early again"
    RestartRun => post("/studio/workflows/{workflowId}/runs/{runId}/restart", need(p::WORKFLOWS_EXECUTE).on("workflowId"))
        .about("workflow", "workflowId").audited(AuditAction::RUN_RESTART);
}

/// Returns Studio, each route behind its declaration.
pub fn router(corridor: &Corridor, settings: StudioSettings) -> Protected {
    let routes = StudioOp::ALL.iter().map(|op| {
        let route = op.route();
        let handler = handler(*op, &route.method);
        (route, handler)
    });
    corridor.mount(routes, settings)
}

fn handler(op: StudioOp, method: &Method) -> MethodRouter<StudioSettings> {
    use handlers::{
        account, agent_form, agents, chat, chat_stream, forgot_password, home, links, runs,
        second_factor, sign_in, sign_out, totp, workflows,
    };

    let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::TRACE);
    match op {
        StudioOp::Root => to(filter, home::root),
        StudioOp::Home => to(filter, home::home),
        StudioOp::Asset => to(filter, home::asset),
        StudioOp::LoginPage => to(filter, sign_in::page),
        StudioOp::Login => to(filter, sign_in::sign_in),
        StudioOp::SecondFactor => to(filter, second_factor::verify),
        StudioOp::Enrol => to(filter, second_factor::enrol),
        StudioOp::Sso => to(filter, sign_in::sso),
        StudioOp::SignUpPage => to(filter, sign_in::sign_up_page),
        StudioOp::SignUp => to(filter, sign_in::sign_up),
        StudioOp::ForgotPasswordPage => to(filter, forgot_password::page),
        StudioOp::ForgotPassword => to(filter, forgot_password::send),
        StudioOp::ResetPasswordPage => to(filter, links::reset_page),
        StudioOp::ResetPassword => to(filter, links::reset_password),
        StudioOp::InvitationPage => to(filter, links::invitation_page),
        StudioOp::FindInvitation => to(filter, links::find_invitation),
        StudioOp::AcceptInvitation => to(filter, links::accept_invitation),
        StudioOp::SetupPage => to(filter, links::setup_page),
        StudioOp::Setup => to(filter, links::set_up),
        StudioOp::VerifyEmailPage => to(filter, links::verify_page),
        StudioOp::VerifyEmail => to(filter, links::verify_email),
        StudioOp::Logout => to(filter, sign_out::logout),
        StudioOp::SessionExpired => to(filter, sign_out::expired),
        StudioOp::Theme => to(filter, home::theme),
        StudioOp::Account => to(filter, account::page),
        StudioOp::ChangePassword => to(filter, account::change_password),
        StudioOp::SendVerification => to(filter, account::send_verification),
        StudioOp::BeginTotp => to(filter, totp::begin),
        StudioOp::ConfirmTotp => to(filter, totp::confirm),
        StudioOp::DisableTotp => to(filter, totp::disable),
        StudioOp::RecoveryCodes => to(filter, totp::recovery_codes),
        StudioOp::EndSession => to(filter, account::end_session),
        StudioOp::EndOtherSessions => to(filter, account::end_other_sessions),
        StudioOp::Agents => to(filter, agents::list),
        StudioOp::NewAgent => to(filter, agent_form::new),
        StudioOp::CreateAgent => to(filter, agent_form::create),
        StudioOp::Agent => to(filter, agents::agent),
        StudioOp::EditAgent => to(filter, agent_form::edit),
        StudioOp::UpdateAgent => to(filter, agent_form::update),
        StudioOp::DeleteAgentPage => to(filter, agents::delete_page),
        StudioOp::DeleteAgent => to(filter, agents::delete),
        StudioOp::Thread => to(filter, agents::thread),
        StudioOp::Chat => to(filter, chat::chat),
        StudioOp::ChatStream => to(filter, chat_stream::stream),
        StudioOp::Workflows => to(filter, workflows::list),
        StudioOp::Workflow => to(filter, workflows::workflow),
        StudioOp::StartRun => to(filter, workflows::start),
        StudioOp::Run => to(filter, runs::run),
        StudioOp::CancelRun => to(filter, runs::cancel),
        StudioOp::RestartRun => to(filter, runs::restart),
    }
}

fn to<H, T>(filter: MethodFilter, handler: H) -> MethodRouter<StudioSettings>
where
    H: Handler<T, StudioSettings>,
    T: 'static,
{
    on(filter, handler)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_that_changes_something_has_an_audit_action() {
        // Looking at an invitation is a `POST` because its secret goes into no address.
        let changes_nothing = [StudioOp::FindInvitation, StudioOp::Theme];
        for op in StudioOp::ALL {
            let route = op.route();
            let is_recorded = route.audit.is_some() || changes_nothing.contains(op);
            assert!(!route.is_unsafe() || is_recorded, "{op:?}");
        }
    }

    #[test]
    fn what_the_api_asks_for_before_a_second_factor_is_asked_for_here() {
        let wanted: Vec<StudioOp> = StudioOp::ALL
            .iter()
            .copied()
            .filter(|op| op.route().needs_step_up)
            .collect();

        assert_eq!(wanted, [StudioOp::BeginTotp, StudioOp::ConfirmTotp]);
        assert!(ee_server::Op::BeginTotp.route().needs_step_up);
        assert!(ee_server::Op::ConfirmTotp.route().needs_step_up);
    }

    #[test]
    fn the_public_routes_are_these_and_no_others() {
        let public: Vec<StudioOp> = StudioOp::ALL
            .iter()
            .copied()
            .filter(|op| op.route().access.is_public())
            .collect();

        assert_eq!(
            public,
            [
                StudioOp::Root,
                StudioOp::Home,
                StudioOp::Asset,
                StudioOp::LoginPage,
                StudioOp::Login,
                StudioOp::SecondFactor,
                StudioOp::Enrol,
                StudioOp::Sso,
                StudioOp::SignUpPage,
                StudioOp::SignUp,
                StudioOp::ForgotPasswordPage,
                StudioOp::ForgotPassword,
                StudioOp::ResetPasswordPage,
                StudioOp::ResetPassword,
                StudioOp::InvitationPage,
                StudioOp::FindInvitation,
                StudioOp::AcceptInvitation,
                StudioOp::SetupPage,
                StudioOp::Setup,
                StudioOp::VerifyEmailPage,
                StudioOp::VerifyEmail,
                StudioOp::Logout,
                StudioOp::SessionExpired,
                StudioOp::Theme,
            ]
        );
    }
}
