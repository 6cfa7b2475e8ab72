//! The sign-in page, put together from what the server offers.

use axum::response::Response;
use ee_adapter_axum::HttpError;
use ee_core::{Capabilities, Login, LoginType, PublicCapabilities};
use ee_server::{account, auth};

use crate::{
    StudioSettings,
    components::{FormErrors, LoginButton, Notice},
    pages::{CredentialsForm, CredentialsMode, LoginOptions, LoginPage, LoginState, login_page},
    paths,
    visit::Visit,
};

/// The form as it is shown, again after a failed attempt.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) email: String,
    pub(super) errors: FormErrors,
    pub(super) is_remembered: bool,
    pub(super) mode: CredentialsMode,
    pub(super) name: String,
    pub(super) notice: Option<Notice>,
    pub(super) redirect: String,
}

/// What the page may be asked to tell.
pub(super) const EMAIL_CONFIRMED: &str = "email";
pub(super) const NEW_PASSWORD: &str = "password";
pub(super) const TOO_LATE: &str = "late";

/// Finds what the page tells for a word of its query: sentences of ours and no others.
pub(super) fn notice(done: &str) -> Option<Notice> {
    Some(match done {
        EMAIL_CONFIRMED => Notice::success("Your address is confirmed. You can sign in now."),
        NEW_PASSWORD => Notice::success("Your new password is set. Sign in with it."),
        TOO_LATE => Notice::info("The sign-in took too long. Start again."),
        _ => return None,
    })
}

pub(super) async fn show(
    settings: StudioSettings,
    visit: &Visit,
    shown: Shown,
) -> Result<Response, HttpError> {
    let public = match auth::capabilities(&visit.cx).await? {
        Capabilities::Authenticated(known) => known.public,
        Capabilities::Public(public) => public,
    };
    let page = LoginPage {
        error: shown.errors.common.clone(),
        notice: shown.notice.clone(),
        redirect: shown.redirect.clone(),
        state: state(settings, visit, public, shown),
    };
    Ok(visit.bare(page.title(), login_page(&page)))
}

fn state(
    settings: StudioSettings,
    visit: &Visit,
    public: PublicCapabilities,
    shown: Shown,
) -> LoginState {
    match public.login {
        _ if !public.enabled => LoginState::NotConfigured,
        None => LoginState::Unavailable,
        Some(login) => LoginState::Ready(options(settings, visit, login, shown)),
    }
}

fn options(settings: StudioSettings, visit: &Visit, login: Login, shown: Shown) -> LoginOptions {
    // Whoever is signed in and signs in again has an account.
    let is_again = visit.cx.identity().is_some();
    let has_credentials = matches!(login.kind, LoginType::Both | LoginType::Credentials);
    let sso = login.sso.map(|button| LoginButton {
        label: button.login.text,
        href: if is_again {
            paths::sso_step_up(&shown.redirect)
        } else {
            paths::sso(&shown.redirect)
        },
    });
    let credentials = has_credentials.then(|| CredentialsForm {
        accepts_token: settings.accepts_token,
        can_reset: account::is_managed(&visit.cx),
        email: shown.email,
        errors: shown.errors,
        mode: shown.mode,
        name: shown.name,
        remember: settings.offers_remember.then_some(shown.is_remembered),
        sign_up_enabled: login.sign_up_enabled.unwrap_or(false) && !is_again,
    });
    LoginOptions {
        credentials,
        description: login.description,
        sso,
    }
}
