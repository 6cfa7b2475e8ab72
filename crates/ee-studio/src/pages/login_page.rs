use maud::{Markup, html};

use super::{
    credentials_form::{CredentialsForm, CredentialsMode, credentials_form},
    login_frame::login_frame,
};
use crate::components::{AlertKind, LoginButton, Notice, Weight, alert, login_button};
use crate::paths;

/// The page for signing in and signing up.
#[derive(Clone, Debug, Default)]
pub struct LoginPage {
    /// What the server offers.
    pub state: LoginState,
    /// Why the last attempt failed, from the form or from `?error=`.
    pub error: Option<String>,
    /// What has happened before.
    pub notice: Option<Notice>,
    /// A same-origin path to return to, empty for the first page.
    pub redirect: String,
}

/// What the server offers to somebody who has not signed in.
#[derive(Clone, Debug, Default)]
pub enum LoginState {
    /// Authentication is switched off.
    #[default]
    NotConfigured,
    /// Authentication is on, but there is no way to sign in with a browser.
    Unavailable,
    /// There are ways to sign in.
    Ready(LoginOptions),
}

/// The ways to sign in; both may be offered.
#[derive(Clone, Debug, Default)]
pub struct LoginOptions {
    /// Words of the operator, shown beside a lock.
    pub description: Option<String>,
    /// The form for e-mail and password.
    pub credentials: Option<CredentialsForm>,
    /// The button for single sign-on.
    pub sso: Option<LoginButton>,
}

impl LoginPage {
    /// The title of the document.
    pub fn title(&self) -> &'static str {
        if self.is_signing_up() {
            "Sign up"
        } else {
            "Sign in"
        }
    }

    fn is_signing_up(&self) -> bool {
        matches!(&self.state, LoginState::Ready(LoginOptions {
            credentials: Some(form), ..
        }) if form.effective_mode() == CredentialsMode::SignUp)
    }

    fn description(&self) -> Option<&str> {
        match &self.state {
            LoginState::Ready(options) => options.description.as_deref(),
            LoginState::NotConfigured | LoginState::Unavailable => None,
        }
    }
}

/// Renders the sign-in page; put it into the bare layout.
pub fn login_page(page: &LoginPage) -> Markup {
    let heading = match &page.state {
        LoginState::NotConfigured => "Authentication is not configured",
        LoginState::Unavailable => "Authentication required",
        LoginState::Ready(_) if page.is_signing_up() => "Create your account",
        LoginState::Ready(_) => "Sign in to Studio",
    };
    let content = html! {
        @if let Some(Notice { kind, text }) = &page.notice { (alert(*kind, text)) }
        @if let Some(error) = &page.error { (alert(AlertKind::Error, error)) }
        @match &page.state {
            LoginState::NotConfigured => (not_configured()),
            LoginState::Unavailable => (unavailable()),
            LoginState::Ready(options) => (ready(options, &page.redirect)),
        }
    };
    login_frame(heading, page.description(), content)
}

fn not_configured() -> Markup {
    html! {
        div.login-card {
            p { "This server is open to everyone who reaches it; there is nothing to sign in to." }
            a.btn.btn--primary.btn--block href=(paths::BASE) { "Open Studio" }
        }
    }
}

fn unavailable() -> Markup {
    html! {
        div.login-card {
            p {
                "This server offers no sign-in page. Requests need an "
                code { "Authorization" } " header with a token that your administrator issued."
            }
            p.muted { "To sign in with a browser, configure a provider with credentials or single sign-on." }
        }
    }
}

fn ready(options: &LoginOptions, redirect: &str) -> Markup {
    let weight = match options.credentials {
        Some(_) => Weight::Plain,
        None => Weight::Primary,
    };
    html! {
        div.login-card {
            @if let Some(form) = &options.credentials { (credentials_form(form, redirect)) }
            @if options.credentials.is_some() && options.sso.is_some() {
                div.divider { span { "or" } }
            }
            @if let Some(button) = &options.sso { (login_button(button, weight)) }
            @if options.credentials.is_none() && options.sso.is_none() {
                p { "No way to sign in is configured." }
            }
        }
        @if let Some(form) = options.credentials.as_ref().filter(|form| form.sign_up_enabled) {
            p.login-switch {
                @match form.mode {
                    CredentialsMode::SignIn => {
                        "No account yet? " a href=(paths::sign_up(redirect)) { "Sign up" }
                    }
                    CredentialsMode::SignUp => {
                        "Already have an account? " a href=(paths::login(redirect)) { "Sign in" }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(form: Option<CredentialsForm>, sso: bool) -> String {
        login_page(&LoginPage {
            state: LoginState::Ready(LoginOptions {
                description: None,
                credentials: form,
                sso: sso.then(|| LoginButton {
                    label: "Sign in with Acme".to_owned(),
                    href: "/studio/login/sso".to_owned(),
                }),
            }),
            error: Some("<script>x</script>".to_owned()),
            notice: Some(Notice::info("<script>x</script>")),
            redirect: "/studio/agents\"><script>".to_owned(),
        })
        .into_string()
    }

    #[test]
    fn each_way_to_sign_in_stands_alone() {
        let credentials = render(Some(CredentialsForm::default()), false);
        let sso = render(None, true);
        let both = render(Some(CredentialsForm::default()), true);

        assert!(credentials.contains("name=\"password\"") && !credentials.contains("Acme"));
        assert!(!sso.contains("name=\"password\"") && sso.contains("Acme"));
        assert!(both.contains("name=\"password\"") && both.contains("divider"));
    }

    #[test]
    fn sign_up_is_mentioned_only_where_it_is_on() {
        let off = CredentialsForm {
            mode: CredentialsMode::SignUp,
            ..CredentialsForm::default()
        };
        let on = CredentialsForm {
            sign_up_enabled: true,
            ..off.clone()
        };

        assert!(!render(Some(off), false).contains("/studio/signup"));
        assert!(render(Some(on), false).contains("name=\"name\""));
    }

    #[test]
    fn the_title_follows_what_is_shown() {
        let title = |sign_up_enabled| {
            let form = CredentialsForm {
                mode: CredentialsMode::SignUp,
                sign_up_enabled,
                ..CredentialsForm::default()
            };
            let state = LoginState::Ready(LoginOptions {
                credentials: Some(form),
                ..LoginOptions::default()
            });
            LoginPage {
                state,
                ..LoginPage::default()
            }
            .title()
        };

        assert_eq!((title(true), title(false)), ("Sign up", "Sign in"));
    }

    #[test]
    fn errors_and_redirects_are_escaped() {
        assert!(!render(Some(CredentialsForm::default()), true).contains("<script"));
    }
}
