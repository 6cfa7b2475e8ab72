//! The ways in.

use ee_studio::components::{FormErrors, LoginButton, Notice};
use ee_studio::layout::Section;
use ee_studio::pages::{
    AuthRequired, CredentialsForm, CredentialsMode, LoginOptions, LoginPage, LoginState,
    auth_required, login_page,
};

use super::{Sample, bare, page, s};

pub(super) fn sign_in() -> Vec<Sample> {
    let sso = || LoginButton {
        label: s("Sign in with Acme"),
        href: s("/studio/login/sso"),
    };
    let form = |mode| CredentialsForm {
        can_reset: true,
        mode,
        remember: Some(false),
        sign_up_enabled: true,
        ..CredentialsForm::default()
    };
    let ready = |options| LoginPage {
        state: LoginState::Ready(options),
        redirect: s("/studio/agents?q=a"),
        ..LoginPage::default()
    };
    let token = LoginOptions {
        description: Some(s("For employees of Acme. Ask #help-it for an account.")),
        credentials: Some(CredentialsForm {
            accepts_token: true,
            ..CredentialsForm::default()
        }),
        sso: None,
    };
    let both = LoginOptions {
        credentials: Some(form(CredentialsMode::SignIn)),
        sso: Some(sso()),
        ..LoginOptions::default()
    };
    let only_sso = LoginOptions {
        sso: Some(sso()),
        ..LoginOptions::default()
    };
    let sign_up = LoginOptions {
        credentials: Some(CredentialsForm {
            name: s("Ada"),
            email: s("ada@"),
            errors: FormErrors {
                common: None,
                fields: vec![(s("email"), s("Must be an e-mail address."))],
            },
            ..form(CredentialsMode::SignUp)
        }),
        ..LoginOptions::default()
    };
    let mut wrong = ready(token.clone());
    wrong.error = Some(s("Invalid email or password."));
    let mut again = ready(token.clone());
    again.notice = Some(Notice::info(
        "Your session ended. Sign in again to go on where you were.",
    ));
    let unavailable = LoginPage {
        state: LoginState::Unavailable,
        ..LoginPage::default()
    };
    vec![
        bare("login-token", login_page(&ready(token))),
        bare("login-again", login_page(&again)),
        bare("login-wrong", login_page(&wrong)),
        bare("login-both", login_page(&ready(both))),
        bare("login-sso", login_page(&ready(only_sso))),
        bare("login-sign-up", login_page(&ready(sign_up))),
        bare("login-unavailable", login_page(&unavailable)),
        bare("login-not-configured", login_page(&LoginPage::default())),
        page(
            "auth-required",
            Section::Other,
            auth_required(&AuthRequired {
                description: Some(s("For employees of Acme.")),
                sign_in: Some(LoginButton {
                    label: s("Sign in"),
                    href: s("/studio/login"),
                }),
                sign_up_href: Some(s("/studio/signup")),
            }),
        ),
    ]
}
