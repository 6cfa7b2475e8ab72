//! One function per page. Each returns the content of `<main>`.

mod account_page;
mod agent_form;
mod agent_page;
mod agents_page;
mod auth_required;
mod check_mail;
mod credentials_form;
mod delete_page;
mod error_page;
mod forgot_page;
mod link_page;
mod login_frame;
mod login_page;
mod not_found;
mod permission_denied;
mod recovery_codes_page;
mod run_page;
mod second_factor_page;
mod session_expired;
mod signed_out;
mod status_page;
mod step_up;
mod totp_page;
mod workflow_page;
mod workflows_page;

pub use self::account_page::{AccountForm, AccountPage, account_page};
pub use self::agent_form::{AgentForm, AgentFormErrors, FormMode, agent_form};
pub use self::agent_page::{AgentPage, agent_page};
pub use self::agents_page::{AgentItem, AgentsPage, agents_page};
pub use self::auth_required::{AuthRequired, auth_required};
pub use self::check_mail::{CheckMail, LetterPurpose, check_mail};
pub use self::credentials_form::{CredentialsForm, CredentialsMode};
pub use self::delete_page::{DeletePage, delete_page};
pub use self::error_page::{ErrorPage, error_page};
pub use self::forgot_page::{ForgotPage, forgot_page};
pub use self::link_page::{LinkPage, LinkPurpose, link_page};
pub use self::login_page::{LoginOptions, LoginPage, LoginState, login_page};
pub use self::not_found::{NotFound, not_found};
pub use self::permission_denied::{PermissionDenied, permission_denied};
pub use self::recovery_codes_page::{RecoveryCodesPage, recovery_codes_page};
pub use self::run_page::{RunPage, run_page};
pub use self::second_factor_page::{
    FactorStep, SecondFactorPage, WaitingSignIn, second_factor_page,
};
pub use self::session_expired::{SessionExpired, session_expired};
pub use self::signed_out::{SignedOut, signed_out};
pub use self::step_up::{StepUp, step_up};
pub use self::totp_page::{TotpPage, totp_page};
pub use self::workflow_page::{RunItem, WorkflowPage, WorkflowStep, workflow_page};
pub use self::workflows_page::{WorkflowItem, WorkflowsPage, workflows_page};
