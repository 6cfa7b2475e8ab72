//! One function per page. Each returns the content of `<main>`.

mod agent_form;
mod agent_page;
mod agents_page;
mod auth_required;
mod delete_page;
mod error_page;
mod login_page;
mod not_found;
mod permission_denied;
mod run_page;
mod session_expired;
mod signed_out;
mod status_page;
mod workflow_page;
mod workflows_page;

pub use self::agent_form::{AgentForm, AgentFormErrors, FormMode, agent_form};
pub use self::agent_page::{AgentPage, agent_page};
pub use self::agents_page::{AgentItem, AgentsPage, agents_page};
pub use self::auth_required::{AuthRequired, auth_required};
pub use self::delete_page::{DeletePage, delete_page};
pub use self::error_page::{ErrorPage, error_page};
pub use self::login_page::{
    CredentialsForm, CredentialsMode, LoginOptions, LoginPage, LoginState, login_page,
};
pub use self::not_found::{NotFound, not_found};
pub use self::permission_denied::{PermissionDenied, permission_denied};
pub use self::run_page::{RunPage, run_page};
pub use self::session_expired::{SessionExpired, session_expired};
pub use self::signed_out::{SignedOut, signed_out};
pub use self::workflow_page::{RunItem, WorkflowPage, WorkflowStep, workflow_page};
pub use self::workflows_page::{WorkflowItem, WorkflowsPage, workflows_page};
